import type { CalendarDay } from '../wire';

/** The days of a year that are not as their weekday says, by date. */
export type Days = Map<string, CalendarDay>;

const two = (n: number) => String(n).padStart(2, '0');

/** The twelve months as weeks from Monday, with null where another month's days would be. */
export function months(year: number): (string | null)[][][] {
  return [...Array(12).keys()].map((month) => {
    const before = (new Date(Date.UTC(year, month, 1)).getUTCDay() + 6) % 7;
    const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    const cells = [...Array<null>(before).fill(null), ...[...Array(length).keys()].map((n) => `${year}-${two(month + 1)}-${two(n + 1)}`)];
    const weeks: (string | null)[][] = [];
    for (let at = 0; at < cells.length; at += 7) weeks.push([...cells.slice(at, at + 7), ...Array<null>(7).fill(null)].slice(0, 7));
    return weeks;
  });
}

/** What differs, in the order of days; `now` null: as its weekday says again. */
export function changesOf(before: Days, after: Days): { day: string; now: CalendarDay | null }[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((day) => {
    const [was, now] = [before.get(day), after.get(day)];
    return was?.working === now?.working && was?.name === now?.name ? [] : [{ day, now: now ?? null }];
  });
}
