/** A span of time as a whole number of its largest sensible unit; the words for it are in `span.<unit>`. */
export type Span = { unit: 'minutes' | 'hours' | 'days'; n: number };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time. */
export function span(ms: number): Span {
  if (ms < HOUR) return { unit: 'minutes', n: Math.floor(ms / MINUTE) };
  if (ms < 2 * DAY) return { unit: 'hours', n: Math.floor(ms / HOUR) };
  return { unit: 'days', n: Math.floor(ms / DAY) };
}

/** Time left until `due`; `over` once it has passed. */
export function timeLeft(due: string, now: number): Span & { over: boolean } {
  const ms = Date.parse(due) - now;
  return { ...span(Math.abs(ms)), over: ms < 0 };
}

/** How long something has been there; never negative, whatever the clocks say. */
export function age(since: string, now: number): Span {
  return span(Math.max(0, now - Date.parse(since)));
}
