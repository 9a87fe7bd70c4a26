import { expect, test } from 'vitest';
import { dayAhead } from '../day';
import { answered, beginHazard, beginVisit, bodiesOfVisit, bodyOfHazard, faultsOfHazard, nextOpen } from './patrol';
import type { Checklist, Enterprise, Visit } from '../wire';

const now = new Date('2026-11-23T17:00:00Z'); // already the 24th in the county
const visit: Visit = {
  id: 'v', enterprise_id: 'e', checklist_id: 'c', due_on: '2026-11-24', reason: 'due', state: 'planned', done_at: null,
};
const enterprise: Enterprise = {
  id: 'e', uscc: null, name: '雪域饭店', short_name: null, area_name: null, address: '', lat: null, lng: null,
  sector_no: 9, risk: 'red', contact_name: '才让', contact_phone: null, active: true, version: 1,
};
const checklist: Checklist = {
  id: 'c', code: 'x', version: 1, title: '餐饮', sector_no: 9,
  items: [{ id: '1', text: '灭火器', clause: null }, { id: '2', text: '通道', clause: null }],
};
const begun = () => beginVisit(visit, enterprise, '索南', now);

test('a visit knows which item is still open', () => {
  const data = begun();
  data.answers['1'] = { answer: 'yes', note: '', media: [] };
  data.answers['2'] = { answer: null, note: '过道有纸箱', media: [] };
  expect(answered(data, checklist)).toBe(1);
  expect(nextOpen(data, checklist)).toBe('2');
});

test('the inspection comes last and names its hazards; each photo belongs to exactly one body', () => {
  const data = begun();
  data.answers['1'] = { answer: 'no', note: ' 过期 ', media: ['m1'] };
  data.hazards = [{ ...beginHazard('h1', now), item_id: '2', media: ['m2', 'm3'], text: '通道被堵' }];
  const bodies = bodiesOfVisit(data, ['m1', 'm2', 'm3', 'm4'].map((id) => ({ id, sha256: `sha-${id}` })), checklist, (hazard) => hazard?.text ?? '检查', now);
  expect(bodies.map((body) => [body.kind, body.id, body.media])).toEqual([
    ['hazard', 'h1', ['m2', 'm3']],
    ['inspection', undefined, ['m1', 'm4']],
  ]);
  expect(bodies[1]?.body).toMatchObject({
    visit_id: 'v', hazards: ['h1'], answers: [{ item_id: '1', answer: 'no', note: '过期', media: ['sha-m1'] }],
    signatures: [{ name: '索南', role: 'inspector' }, { name: '才让', role: 'enterprise' }],
  });
  expect(bodies[0]?.body).toMatchObject({ visit_id: 'v', enterprise_id: 'e', item_id: '2', due_on: '2026-12-01' });
});

test('the date by which to put right is the date in the county', () => {
  expect(dayAhead(0, now)).toBe('2026-11-24');
});

test('a photo alone is a hazard that can be sent; nothing at all is not', () => {
  const today = dayAhead(0, now);
  expect(faultsOfHazard(beginHazard('h', now), today)).toEqual([{ field: 'what', code: 'hazard_empty' }]);
  expect(faultsOfHazard({ ...beginHazard('h', now), media: ['m'] }, today)).toEqual([]);
});

test('a date that has passed is a fault unless it was fixed on the spot', () => {
  const hazard = { ...beginHazard('h', now), text: '通道被堵', due_on: '2026-11-01' };
  expect(faultsOfHazard(hazard, '2026-11-24')).toEqual([{ field: 'due_on', code: 'due_past' }]);
  expect(faultsOfHazard({ ...hazard, fixed_on_spot: true }, '2026-11-24')).toEqual([]);
});

test('a major hazard goes before everything else, and one fixed on the spot has no date', () => {
  const hazard = {
    ...beginHazard('h', now), level: 'major' as const, fixed_on_spot: true, enterprise_id: null, enterprise_name: '河边的小作坊',
  };
  const sent = bodyOfHazard({ ...hazard, media: ['m2'] }, '隐患', ['m1', 'm2']);
  expect(sent.urgent).toBe(true);
  expect(sent.media).toEqual(['m2', 'm1']);
  expect(sent.body).toMatchObject({ due_on: null, enterprise_words: '河边的小作坊', visit_id: null });
});
