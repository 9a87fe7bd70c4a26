import { expect, test } from 'vitest';
import { age, timeLeft } from './left';

const now = Date.parse('2026-11-23T08:00:00Z');

test('time left is told in days from two days on, in hours below, in minutes within the hour', () => {
  expect(timeLeft('2026-11-26T07:59:00Z', now)).toEqual({ unit: 'days', n: 2, over: false });
  expect(timeLeft('2026-11-25T07:59:00Z', now)).toEqual({ unit: 'hours', n: 47, over: false });
  expect(timeLeft('2026-11-23T08:40:00Z', now)).toEqual({ unit: 'minutes', n: 40, over: false });
});

test('what is overdue says by how much', () => {
  expect(timeLeft('2026-11-20T07:00:00Z', now)).toEqual({ unit: 'days', n: 3, over: true });
});

test('a report from a clock that runs ahead is just now', () => {
  expect(age('2026-11-23T09:00:00Z', now)).toEqual({ unit: 'minutes', n: 0 });
});
