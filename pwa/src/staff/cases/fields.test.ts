import { expect, test } from 'vitest';
import type { Step, StepField } from '../wire';
import { dayAhead } from '../day';
import { emptyValue, faultsOf, fenOf, tidy, yuanOf } from './fields';

const field = (over: Partial<StepField>): StepField => ({
  name: 'account', type: 'text', required: true, choices: [], min_length: 1, max_length: 2000, min_items: 0, within_days: null, reporter_reads: false, ...over,
});
const step = (fields: StepField[]): Step => ({ step: 'rectify', fields, from_spot: false, aside: false, undo_s: 0, not_for: [] });
const verify: Step = {
  ...step([]),
  step: 'verify',
  fields: [
    field({ name: 'finding', type: 'choice', choices: ['substantiated', 'partly'] }),
    field({ min_length: 10 }),
    field({ name: 'verifiers', type: 'names', min_length: 2, max_length: 40, min_items: 2 }),
  ],
};

test('an empty verification names every field that is missing', () => {
  const empty = Object.fromEntries(verify.fields.map((one) => [one.name, emptyValue(one)]));
  expect(faultsOf(verify, empty)).toEqual({
    finding: { code: 'required', n: 0 },
    account: { code: 'required', n: 0 },
    verifiers: { code: 'names', n: 2 },
  });
});

test('two different persons verify; the same name twice is one', () => {
  const values = { finding: 'partly', account: '现场核查，情况基本属实。', verifiers: ['才让', '才让 '] };
  expect(faultsOf(verify, values)).toEqual({ verifiers: { code: 'names', n: 2 } });
  expect(faultsOf(verify, { ...values, verifiers: ['才让', '卓玛', ''] })).toEqual({});
});

test('characters are counted, not bytes or surrogate halves', () => {
  const only = (account: string) => faultsOf(step([field({ min_length: 4 })]), { account })['account'];
  expect(only('已整改𠮷')).toBeUndefined();
  expect(only('整改𠮷')).toEqual({ code: 'short', n: 4 });
});

test('what is left out is not sent', () => {
  const two = step([field({ name: 'ground', type: 'choice', required: false }), field({})]);
  expect(tidy(two, { ground: null, account: '  写了 ', other: 'x' })).toEqual({ account: '写了' });
});

test('money is typed in yuan and sent in whole fen', () => {
  expect([fenOf('0'), fenOf('12.5'), fenOf(' 1200 '), fenOf('1.234'), fenOf('12,00'), fenOf('-1'), fenOf('')]).toEqual([0, 1250, 120_000, null, null, null, null]);
  expect([yuanOf(0), yuanOf(1250), yuanOf(120_000)]).toEqual(['0', '12.50', '1200']);
  const money = step([field({ name: 'money', type: 'money' })]);
  expect(faultsOf(money, { money: 0 })).toEqual({});
  expect(faultsOf(money, { money: 'no amount' })).toEqual({ money: { code: 'money', n: 0 } });
});

test('a day lies between today and the last that the step allows, in China', () => {
  const night = Date.parse('2026-11-25T17:00:00Z');
  expect([dayAhead(0, night), dayAhead(6, night)]).toEqual(['2026-11-26', '2026-12-02']);
  const listing = step([field({ name: 'deadline', type: 'date', within_days: 366 })]);
  const fault = (deadline: string) => faultsOf(listing, { deadline })['deadline']?.code;
  expect([fault(dayAhead(-1)), fault(dayAhead(0)), fault(dayAhead(366)), fault(dayAhead(367))]).toEqual(['date', undefined, undefined, 'date']);
});

test('a signature needs a name; its lines may be left out', () => {
  const signs = step([field({ name: 'signature', type: 'signature', min_length: 2 })]);
  expect(faultsOf(signs, { signature: { name: ' ', strokes: [[1, 2]] } })).toEqual({ signature: { code: 'required', n: 0 } });
  expect(tidy(signs, { signature: { name: ' 王强 ', strokes: [] } })).toEqual({ signature: { name: '王强', strokes: [] } });
});
