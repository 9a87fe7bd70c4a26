import type { CaseSheet } from '../wire';

/** The deadline of a case that runs out first; null when none runs. */
export const nextDue = (page: CaseSheet): string | null =>
  page.clocks.flatMap((clock) => (clock.ended_at || clock.paused_at || !clock.due_at ? [] : [clock.due_at])).sort()[0] ?? null;
