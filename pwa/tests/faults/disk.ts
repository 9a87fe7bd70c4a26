/**
 * A disk for the fake database that outlives the process: each committed transaction is one record of a file, written
 * before anybody is told that it is committed. A record that a kill cut short never happened, as in a browser.
 */
import 'fake-indexeddb/auto';
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { IDBDatabase, IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import { openDatabase } from '@/outbox/schema';

type Change =
  | { store: string; put: unknown; key: IDBValidKey | undefined }
  | { store: string; from: IDBValidKey; to: IDBValidKey };

const LENGTH_BYTES = 4;

/** The database of this name as the file remembers it; from now on the file follows it. */
export async function openDisk(path: string, database: string): Promise<IDBFactory> {
  const factory = new IDBFactory();
  const committed = readCommitted(path);
  // The outbox's own schema, so that what is replayed finds its stores.
  const opened = await openDatabase(factory, database, () => undefined);
  for (const changes of committed) {
    const transaction = opened.transaction(['drafts', 'media', 'chunks', 'items', 'copies', 'meta'], 'readwrite');
    for (const change of changes) {
      const store = transaction.objectStore(change.store as 'meta');
      if ('put' in change) await store.put(change.put as number, change.key as string);
      else await store.delete(IDBKeyRange.bound(change.from, change.to));
    }
    await transaction.done;
  }
  opened.close();
  follow(path);
  return factory;
}

function readCommitted(path: string): Change[][] {
  if (!existsSync(path)) return [];
  const file = readFileSync(path);
  const all: Change[][] = [];
  let at = 0;
  while (at + LENGTH_BYTES <= file.length) {
    const end = at + LENGTH_BYTES + file.readUInt32LE(at);
    if (end > file.length) break;
    all.push(deserialize(file.subarray(at + LENGTH_BYTES, end)) as Change[]);
    at = end;
  }
  truncateSync(path, at);
  return all;
}

function follow(path: string): void {
  const pending = new WeakMap<object, { store: string; bytes: Buffer }[]>();
  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (this: object, ...args: Parameters<typeof begin>) {
    const transaction = begin.apply(this as never, args);
    const changes: { store: string; bytes: Buffer }[] = [];
    pending.set(transaction, changes);
    // First of all listeners: on the disk before the outbox hears of it.
    transaction.addEventListener('complete', () => {
      if (changes.length === 0) return;
      const record = serialize(changes.map(({ bytes }) => deserialize(bytes) as Change));
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(record.length);
      appendFileSync(path, Buffer.concat([length, record]));
    });
    return transaction;
  };
  const note = (store: IDBObjectStore, change: Change) => {
    // Serialised at once: the caller may change the object afterwards.
    pending.get(store.transaction)?.push({ store: store.name, bytes: serialize(change) });
  };
  for (const name of ['put', 'add'] as const) {
    const original = IDBObjectStore.prototype[name];
    IDBObjectStore.prototype[name] = function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
      note(this, { store: this.name, put: value, key });
      return original.call(this as never, value, key);
    } as typeof original;
  }
  const remove = IDBObjectStore.prototype.delete;
  IDBObjectStore.prototype.delete = function (this: IDBObjectStore, which: IDBValidKey | IDBKeyRange) {
    const [from, to] = which instanceof IDBKeyRange ? [which.lower, which.upper] : [which, which];
    note(this, { store: this.name, from: from as IDBValidKey, to: to as IDBValidKey });
    return remove.call(this as never, which);
  } as typeof remove;
}
