import { expect, test } from 'vitest';
import type { Step, StepField } from '../wire';
import { emptyValue, faultsOf, tidy } from './fields';

const field = (over: Partial<StepField>): StepField => ({
  name: 'account', type: 'text', required: true, choices: [], min_length: 1, max_length: 2000, min_items: 0, ...over,
});
const verify: Step = {
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
  const only = (account: string) => faultsOf({ step: 'x', fields: [field({ min_length: 4 })] }, { account })['account'];
  expect(only('已整改𠮷')).toBeUndefined();
  expect(only('整改𠮷')).toEqual({ code: 'short', n: 4 });
});

test('what is left out is not sent', () => {
  const step = { step: 'accept', fields: [field({ name: 'urgency', type: 'choice', required: false }), field({})] };
  expect(tidy(step, { urgency: null, account: '  写了 ', other: 'x' })).toEqual({ account: '写了' });
});
