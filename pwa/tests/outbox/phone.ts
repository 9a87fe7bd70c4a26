/** A phone in Node: real age, real crypto, a database that outlives the page, a clock that the test moves. */
import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { prepareHere } from '@/media/prepare';
import { Outbox, Sender } from '@/outbox';
import type { Draft, GetToken, Item, OutboxOptions } from '@/outbox';
import type { Environment } from '@/outbox/environment';

/** The disk and the clock; windows come and go. */
export class Phone {
  readonly disk = new IDBFactory();
  clock = Date.parse('2026-11-23T08:00:00Z');
  readonly api: string;

  constructor(api: string) {
    this.api = api;
  }

  environment(): Partial<Environment> {
    return {
      indexedDB: this.disk,
      now: () => this.clock,
      random: () => 0.5,
      after: () => () => undefined, // tests say themselves when to run again
      locks: null,
      storage: null,
      channel: () => null,
      requestSync: () => Promise.resolve(),
      prepare: prepareHere,
    };
  }

  async open(options: Partial<OutboxOptions> = {}): Promise<Outbox> {
    return await Outbox.open({
      database: 'gridwatch-tip',
      api: this.api,
      ...options,
      environment: { ...this.environment(), ...options.environment },
    });
  }
}

/** Lets the sender work, an hour passing between its runs, until everything is complete or nothing moves. */
export async function settle(phone: Phone, outbox: Outbox, getToken?: GetToken, runs = 40): Promise<Item[]> {
  const sender = new Sender(outbox, getToken ? { getToken } : {});
  for (let run = 0; run < runs; run++) {
    await sender.runOnce();
    const items = await outbox.items();
    if (items.every(({ state }) => state === 'complete')) return items;
    phone.clock += 60 * 60 * 1000;
  }
  return await outbox.items();
}

/** A JPEG as far as its first bytes tell, of so many bytes; Node cannot decode pictures, so it goes as it is. */
export function photo(size: number, seed = 1): Blob {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + seed * 17 + (i >> 8)) % 256;
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  return new Blob([bytes], { type: 'image/jpeg' });
}

export async function draftWith(outbox: Outbox, sizes: number[], text = '楼道里堆满了油漆桶'): Promise<Draft> {
  const draft = await outbox.createDraft('tip');
  await outbox.saveDraft(draft.id, { text });
  for (const [i, size] of sizes.entries()) await outbox.addMedium(draft.id, photo(size, i));
  return (await outbox.draft(draft.id)) ?? draft;
}

export async function submitted(outbox: Outbox, sizes: number[], text?: string): Promise<Item> {
  const draft = await draftWith(outbox, sizes, text);
  const [item] = await outbox.submit(draft.id, [{ kind: 'tip', body: draft.data }]);
  if (item === undefined) throw new Error('nothing submitted');
  return item;
}

/** Every record of a store as it is on the disk. */
export async function stored(
  phone: Phone,
  name: string,
  database = 'gridwatch-tip',
): Promise<{ key: unknown; value: unknown }[]> {
  const open = phone.disk.open(database);
  await new Promise((resolve, reject) => {
    open.onsuccess = resolve;
    open.onerror = reject;
  });
  const store = open.result.transaction(name).objectStore(name);
  const keys = store.getAllKeys();
  const values = store.getAll();
  await new Promise((resolve) => {
    values.onsuccess = resolve;
  });
  open.result.close();
  return keys.result.map((key, i) => ({ key, value: values.result[i] as unknown }));
}
