/** What to send next: pure decisions over what is stored. */
import { isHalted, isLeft } from './state';
import type { ItemRecord, MediumProgressRecord } from './schema';

export type Step =
  | { kind: 'envelope'; key: string; item: ItemRecord }
  | { kind: 'medium'; key: string; item: ItemRecord; medium: MediumProgressRecord }
  | { kind: 'status'; key: string; items: ItemRecord[] };

export const envelopeKey = (item: ItemRecord): string => `envelope:${item.id}`;
export const mediumKey = (medium: MediumProgressRecord): string => `medium:${medium.id}`;
/** Stands for all that needs this person's sign-in. */
export const ownerKey = (item: ItemRecord): string => `owner:${item.owner ?? ''}`;
export const statusKey = (item: ItemRecord): string => `status:${item.id}`;

/** As many ids as the server answers at once. */
const STATUS_BATCH = 100;

/** Danger to life first; then what was sent last, as it is the likeliest to matter now. */
const byUrgency = (a: ItemRecord, b: ItemRecord): number => Number(b.urgent) - Number(a.urgent) || b.order - a.order;

/**
 * All steps that may be taken now, in order: envelopes, then questions, then media, small ones first. `askedLately`: no
 * question while media want the link, so that the next one is for many at once.
 */
export function dueSteps(
  items: readonly ItemRecord[],
  isDue: (key: string) => boolean,
  isAsked: (item: ItemRecord) => boolean,
  askedLately: boolean,
): Step[] {
  const open = items.filter((item) => !isHalted(item)).sort(byUrgency);
  const envelopes = open
    .filter((item) => !item.accepted)
    .map((item): Step => ({ kind: 'envelope', key: envelopeKey(item), item }));
  const received = open.filter((item) => item.accepted);
  const media = received
    .flatMap((item) => item.media.filter(isLeft).map((medium) => ({ item, medium })))
    .sort(
      (a, b) =>
        Number(b.item.urgent) - Number(a.item.urgent) || a.medium.size - b.medium.size || byUrgency(a.item, b.item),
    )
    .map(({ item, medium }): Step => ({ kind: 'medium', key: mediumKey(medium), item, medium }));
  const asked = received.filter((item) => (isAsked(item) || !item.media.some(isLeft)) && isDue(statusKey(item)));
  const mayAsk = asked.length > 0 && !(askedLately && media.length > 0);
  const status: Step[] = mayAsk ? [{ kind: 'status', key: 'status', items: asked.slice(0, STATUS_BATCH) }] : [];
  return [...envelopes.filter(({ key }) => isDue(key)), ...status, ...media.filter(({ key }) => isDue(key))];
}

/** For each step that is still to be done for these items, due or not: the keys that all have to be due for it. */
export function openKeys(items: readonly ItemRecord[]): string[][] {
  return items
    .filter((item) => !isHalted(item))
    .flatMap((item) => {
      if (!item.accepted) return [[envelopeKey(item), ownerKey(item)]];
      const left = item.media.filter(isLeft);
      return left.length > 0 ? left.map((medium) => [mediumKey(medium), ownerKey(item)]) : [[statusKey(item)]];
    });
}
