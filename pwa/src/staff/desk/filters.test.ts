import { expect, it } from 'vitest';
import { filtersOf, sameFilters, withFilter } from './filters';

it('reads the filters of an address and nothing else', () => {
  expect(filtersOf({ text: ' 出口 ', risk: '', after: 'x', mine: 'true', unit_id: ['a', 'b'] })).toEqual({ text: '出口', mine: 'true' });
});
it('changes one and takes an empty one out', () => {
  const filters = { text: '出口', risk: 'red' };
  expect(withFilter(filters, 'risk', 'blue')).toEqual({ text: '出口', risk: 'blue' });
  expect(withFilter(filters, 'risk', '')).toEqual({ text: '出口' });
  expect(sameFilters(filters, withFilter(filters, 'risk', 'red'))).toBe(true);
  expect(sameFilters(filters, withFilter(filters, 'mine', 'true'))).toBe(false);
});
