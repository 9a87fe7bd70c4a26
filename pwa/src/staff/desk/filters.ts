import type { LocationQuery } from 'vue-router';

/** What narrows a queue down, by the server's names; in the address bar, so that a view can be sent to a colleague. */
export const FILTERS = ['text', 'area', 'sector_no', 'state', 'unit_id', 'age', 'kind', 'risk', 'urgent', 'mine'] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Partial<Record<FilterName, string>>;
/** The tab of all cases, newest first. */
export const ALL = 'all';

/** The filters of an address; what is empty or unknown is left out. */
export function filtersOf(query: LocationQuery): Filters {
  const found: Filters = {};
  for (const name of FILTERS) {
    const value = query[name];
    if (typeof value === 'string' && value.trim()) found[name] = value.trim();
  }
  return found;
}
/** The filters with one changed; an empty value takes it out. */
export function withFilter(filters: Filters, name: FilterName, value: string): Filters {
  return filtersOf({ ...filters, [name]: value });
}
export const sameFilters = (a: Filters, b: Filters): boolean => FILTERS.every((name) => a[name] === b[name]);
