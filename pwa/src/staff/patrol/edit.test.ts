import { expect, test } from 'vitest';
import { beginEdit, bodyOfEdit, changesOf } from './edit';

const shop = {
  id: 'e', uscc: null, name: '大武商贸城', short_name: null, area_name: '一网格', address: '黄河路 1 号', lat: 34.47, lng: 100.24,
  sector_no: 6, risk: 'red' as const, contact_name: '王强', contact_phone: '138', active: true, version: 4,
};

test('only what was mended is sent, with what was seen', () => {
  const data = beginEdit(shop);
  expect(changesOf(data)).toEqual({});
  data.now.contact_phone = ' 139 ';
  data.now.contact_name = '  ';
  data.now.place = { lat: 34.5, lng: 100.24 };
  expect(bodyOfEdit(data, '更正').body).toEqual({
    topic: 'enterprise',
    id: 'e',
    seen_version: 4,
    fields: {
      contact_name: { was: '王强', now: null },
      contact_phone: { was: '138', now: '139' },
      place: { was: { lat: 34.47, lng: 100.24 }, now: { lat: 34.5, lng: 100.24 } },
    },
  });
});

test('what the server was never told is not invented', () => {
  const data = beginEdit(shop);
  data.now.short_name = ' ';
  expect(changesOf(data)).toEqual({});
});
