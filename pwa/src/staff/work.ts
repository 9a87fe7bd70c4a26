/**
 * What this phone knows of the server's data so that the work goes on without signal. All of it can be fetched again;
 * unsent work is not here but in the outbox, which alone may delete it.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Changes } from './wire';

export type Topic = 'visit' | 'enterprise' | 'checklist' | 'case' | 'notice';
type Row = { stream: string; topic: string; key: string; data: unknown };

/** A thing that a submission of this phone has dealt with, while the server's data do not show it yet. */
/** `seen`: how many lines the history of a case had when its step was queued. */
export type Mark = { about: string; owner: string; item: string; at: string; seen: number };

interface Work extends DBSchema {
  rows: { key: [string, string, string]; value: Row; indexes: { topic: string } };
  facts: { key: string; value: unknown };
  marks: { key: string; value: Mark };
}
export type WorkStore = IDBPDatabase<Work>;

/** Opens the store; not the outbox's database, whose layout is its own. */
export function openWork(name = 'gridwatch-staff-work'): Promise<WorkStore> {
  return openDB<Work>(name, 1, {
    upgrade(db) {
      db.createObjectStore('rows', { keyPath: ['stream', 'topic', 'key'] }).createIndex('topic', 'topic');
      db.createObjectStore('facts');
      db.createObjectStore('marks', { keyPath: 'about' });
    },
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}

/** One page of changes with its cursor, all or nothing. A stream that is gone takes its rows with it. */
export async function applyChanges(db: WorkStore, page: Changes): Promise<void> {
  const tx = db.transaction(['rows', 'facts'], 'readwrite');
  const rows = tx.objectStore('rows');
  const facts = tx.objectStore('facts');
  // A restored backup has another epoch and is told from the beginning.
  if ((await facts.get('epoch')) !== page.epoch) await rows.clear();
  const streams = new Set(page.streams);
  for (const key of await rows.getAllKeys()) if (!streams.has(key[0])) await rows.delete(key);
  for (const { stream, topic, key, data, deleted } of page.changes) {
    if (deleted) await rows.delete([stream, topic, key]);
    else await rows.put({ stream, topic, key, data });
  }
  await facts.put(page.epoch, 'epoch');
  await facts.put(page.cursor, 'cursor');
  await tx.done;
}

/** All rows of a topic by key; a thing that lies in two streams counts once. */
export async function rowsOf<T>(db: WorkStore, topic: Topic): Promise<Map<string, T>> {
  const rows = await db.getAllFromIndex('rows', 'topic', topic);
  return new Map(rows.map((row) => [row.key, row.data as T]));
}

/** Signing out or another person: what the server told the last one goes; marks of unsent work stay. */
export async function forgetPerson(db: WorkStore): Promise<void> {
  const tx = db.transaction(['rows', 'facts'], 'readwrite');
  await Promise.all([tx.objectStore('rows').clear(), tx.objectStore('facts').clear()]);
  await tx.done;
}
