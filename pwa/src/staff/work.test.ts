import 'fake-indexeddb/auto';
import { beforeEach, expect, test } from 'vitest';
import { applyChanges, forgetPerson, openWork, rowsOf, type WorkStore } from './work';

let db: WorkStore;
let n = 0;
beforeEach(async () => {
  db = await openWork(`work-${n++}`);
});

const visit = (stream: string, key: string, data: unknown, deleted = false) => ({ stream, topic: 'visit', key, data, deleted });
const page = (over: object) => ({ epoch: 'e1', streams: ['person:1', 'unit:2'], changes: [], cursor: 'c', more: false, ...over });

test('later states replace earlier ones and tombstones take them away', async () => {
  await applyChanges(db, page({ changes: [visit('person:1', 'a', 1), visit('person:1', 'b', 1)] }));
  await applyChanges(db, page({ changes: [visit('person:1', 'a', 2), visit('person:1', 'b', null, true)], cursor: 'c2' }));
  expect(Object.fromEntries(await rowsOf(db, 'visit'))).toEqual({ a: 2 });
  expect(await db.get('facts', 'cursor')).toBe('c2');
});

test('a stream that is no longer followed takes its rows with it', async () => {
  await applyChanges(db, page({ changes: [visit('person:1', 'a', 1), visit('unit:2', 'b', 1)] }));
  await applyChanges(db, page({ streams: ['person:1'] }));
  expect([...(await rowsOf(db, 'visit')).keys()]).toEqual(['a']);
});

test('after a restored backup nothing of the old epoch is left', async () => {
  await applyChanges(db, page({ changes: [visit('person:1', 'a', 1)] }));
  await applyChanges(db, page({ epoch: 'e2', changes: [visit('person:1', 'b', 1)] }));
  expect([...(await rowsOf(db, 'visit')).keys()]).toEqual(['b']);
});

test('signing out forgets what the server told, but not which unsent work belongs to what', async () => {
  await applyChanges(db, page({ changes: [visit('person:1', 'a', 1)] }));
  await db.put('marks', { about: 'visit:a', owner: '1', item: 'i', at: '2026-11-23T00:00:00Z', seen: 0 });
  await forgetPerson(db);
  expect((await rowsOf(db, 'visit')).size).toBe(0);
  expect(await db.get('facts', 'cursor')).toBeUndefined();
  expect(await db.get('marks', 'visit:a')).toMatchObject({ item: 'i' });
});
