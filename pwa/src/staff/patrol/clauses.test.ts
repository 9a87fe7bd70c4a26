import { expect, test } from 'vitest';
import { clausesOf, searchClauses } from './clauses';

const lists = [
  {
    id: 'general', code: 'g', version: 1, title: '通用', sector_no: null,
    items: [
      { id: '1', text: '灭火器在有效期内', clause: '消防法 第十六条' },
      { id: '2', text: '疏散通道畅通，没有被堵', clause: '消防法 第二十八条' },
    ],
  },
  {
    id: 'mine', code: 'm', version: 1, title: '餐饮', sector_no: 9,
    items: [
      { id: '7', text: '燃气报警器正常工作', clause: '城镇燃气管理条例 第十七条' },
      { id: '8', text: '灭火器在有效期内', clause: '消防法 第十六条' },
    ],
  },
];
const all = clausesOf(lists, [{ code: 'blocked_exit', sector_no: 6, name: '消防通道堵塞', name_en: 'Blocked exit', keywords: [], clause: null, chip_order: null }], 'mine');

test('the checklist of this visit comes first, and the same sentence comes once', () => {
  expect(all.map((clause) => clause.id)).toEqual(['mine/7', 'mine/8', 'general/2', 'type/blocked_exit']);
});

test('only an item of the own checklist is named by its id', () => {
  expect(all.map((clause) => clause.item_id)).toEqual(['7', '8', null, null]);
});

test('words find sentences that say the same differently', () => {
  expect(searchClauses(all, '通道堵').map((clause) => clause.id)).toEqual(['type/blocked_exit', 'general/2']);
});

test('several words narrow the search; a clause can be searched too', () => {
  expect(searchClauses(all, '灭火器 消防法')[0]?.id).toBe('mine/8');
  expect(searchClauses(all, '燃气管理')[0]?.id).toBe('mine/7');
});

test('nothing that fits gives nothing; no words give the list', () => {
  expect(searchClauses(all, 'zzz')).toEqual([]);
  expect(searchClauses(all, '  ')).toHaveLength(4);
});
