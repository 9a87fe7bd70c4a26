import { expect, test } from 'vitest';
import type { CaseEvent, CaseSheet } from '../wire';
import { fill, fillings, kept, spoken } from './templates';

const event = (step: string, fields: Record<string, unknown>, late = false) => ({ step, fields, late }) as CaseEvent;
const page = {
  enterprise: '雪域购物中心',
  unit_name: '县消防救援大队',
  history: [
    event('verify', { account: '第一次没看到。' }),
    event('verify', { account: '出口上锁。' }),
    event('rectify', { done: '拆了锁。' }),
    event('rectify', { done: '到得晚了' }, true),
  ],
} as unknown as CaseSheet;

test('a template is filled from what was done last, and not from what had no effect', () => {
  const known = fillings(page, '属实', '11月25日');
  expect(fill('{enterprise}：情况{finding}。{account}{measures}{unit}{date}', known)).toBe(
    '雪域购物中心：情况属实。出口上锁。拆了锁。县消防救援大队11月25日',
  );
});

test('what nothing is known of stays to be seen', () => {
  expect(fill('{measures}，{nothing}', fillings({ ...page, history: [] }, '', ''))).toBe('{measures}，{nothing}');
});

test('a template is written in the person’s language and kept in none', () => {
  const words = (name: string) => ({ finding: '核查结论', unit: '责任单位' })[name] ?? name;
  expect(spoken('情况{finding}。{unit}', words)).toBe('情况{核查结论}。{责任单位}');
  expect(kept(spoken('情况{finding}。{unit}', words), words)).toBe('情况{finding}。{unit}');
});
