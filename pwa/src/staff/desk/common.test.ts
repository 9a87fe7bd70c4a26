import { expect, it } from 'vitest';
import { commonParts } from './common';

it('marks what both texts say, and keeps each text whole', () => {
  const [a, b] = ['二楼安全出口被铁链锁住，里面有人', '商场安全出口被铁链锁了'];
  const [one, other] = commonParts(a, b);
  expect(one.map((part) => part.text).join('')).toBe(a);
  expect(other.map((part) => part.text).join('')).toBe(b);
  expect(one.filter((part) => part.common).map((part) => part.text)).toEqual(['安全出口被铁链锁']);
  expect(other.filter((part) => part.common).map((part) => part.text)).toEqual(['安全出口被铁链锁']);
});
it('does not call single characters common', () => {
  expect(commonParts('有人抽烟', '没有电').flat().some((part) => part.common)).toBe(false);
});
