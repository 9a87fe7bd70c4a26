import { describe, expect, it } from 'vitest';
import { changesOf, months } from './calendar';

describe('months', () => {
  it('begin on Monday and hold every day once', () => {
    const year = months(2027);
    expect(year[0]?.[0]).toEqual([null, null, null, null, '2027-01-01', '2027-01-02', '2027-01-03']);
    expect(year.flat(2).filter(Boolean)).toHaveLength(365);
    expect(months(2028)[1]?.flat().filter(Boolean)).toHaveLength(29);
    expect(year.flat().every((week) => week.length === 7)).toBe(true);
  });
});

describe('changesOf', () => {
  const off = { day: '2027-10-01', working: false, name: '国庆节' };
  const shift = { day: '2027-10-09', working: true, name: '' };
  it('tells what came, went or changed, and nothing else', () => {
    const before = new Map([[off.day, off], [shift.day, shift]]);
    expect(changesOf(before, new Map(before))).toEqual([]);
    const other = { ...off, name: '国庆' };
    expect(changesOf(before, new Map([[off.day, other]]))).toEqual([{ day: off.day, now: other }, { day: shift.day, now: null }]);
  });
});
