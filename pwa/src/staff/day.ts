/** The day in China (one time zone) that lies so many days after `now`, as YYYY-MM-DD. */
export const dayAhead = (days: number, now: number | Date = Date.now()): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Number(now) + days * 86_400_000);
