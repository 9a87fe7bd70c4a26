/**
 * Reading and writing the phone's database. A transaction commits while anything else is awaited, so whatever has to be
 * sealed or fetched is ready before one is begun; `strict` ones are on the disk when they resolve.
 */
import type { IDBPTransaction } from 'idb';
import type { KnownKeys } from './keys';
import { openDatabase } from './schema';
import type { Database, ItemRecord, Lease, MediumRecord, OutboxSchema, StoreName, Write, WritingMark } from './schema';
import { OutboxError } from './types';
import type { Draft } from './types';
import { judged } from './verdict';
import type { VerifiedVerdict } from './verdict';
import { CHUNK_BYTES } from '../media/chunk';

/** Older ones were left by a tab that was killed while it wrote. */
const WRITING_MS = 60 * 60 * 1000;

export class Store {
  readonly #factory: IDBFactory;
  readonly #name: string;
  #opened: Promise<Database> | null = null;

  constructor(factory: IDBFactory, name: string) {
    this.#factory = factory;
    this.#name = name;
  }

  /** One transaction over these stores; what `work` throws undoes all of it. */
  async write<Names extends StoreName[], Result>(
    names: [...Names],
    work: (tx: Write<Names>) => Promise<Result>,
    durability: 'strict' | 'relaxed' = 'strict',
  ): Promise<Result> {
    const tx = (await this.#database()).transaction(names, 'readwrite', { durability }) as Write<Names>;
    // A failed request also fails `done`; without a listener that would be an unhandled rejection.
    const finished = tx.done.then(
      () => null,
      (fault: unknown) => ({ fault }),
    );
    try {
      const result = await work(tx);
      const failed = await finished;
      if (failed !== null) throw failed.fault;
      return result;
    } catch (fault) {
      try {
        tx.abort();
      } catch {
        // it had ended by itself
      }
      await finished;
      throw plainly(fault);
    }
  }

  async read<Names extends StoreName[], Result>(
    names: [...Names],
    work: (tx: IDBPTransaction<OutboxSchema, Names, 'readonly'>) => Promise<Result>,
  ): Promise<Result> {
    const tx = (await this.#database()).transaction(names, 'readonly') as IDBPTransaction<
      OutboxSchema,
      Names,
      'readonly'
    >;
    tx.done.catch(() => undefined);
    return await work(tx);
  }

  draft = (id: string): Promise<Draft | undefined> => this.read(['drafts'], (tx) => tx.objectStore('drafts').get(id));
  drafts = (): Promise<Draft[]> => this.read(['drafts'], (tx) => tx.objectStore('drafts').getAll());
  item = (id: string): Promise<ItemRecord | undefined> => this.read(['items'], (tx) => tx.objectStore('items').get(id));
  items = (): Promise<ItemRecord[]> => this.read(['items'], (tx) => tx.objectStore('items').getAll());

  async keys(): Promise<KnownKeys | null> {
    const keys = await this.read(['meta'], (tx) => tx.objectStore('meta').get('keys'));
    return (keys as KnownKeys | undefined) ?? null;
  }

  /** `next` is given what is stored at that moment and may throw. */
  async changeDraft(id: string, next: (draft: Draft) => Draft, durability: 'strict' | 'relaxed'): Promise<void> {
    await this.write(
      ['drafts'],
      async (tx) => {
        const draft = await tx.objectStore('drafts').get(id);
        if (draft === undefined) throw new OutboxError('unknown_draft');
        await tx.objectStore('drafts').put(next(draft));
      },
      durability,
    );
  }

  /** Changes an item as it is stored at that moment; null for one that is not there. */
  async changeItem(
    id: string,
    next: (item: ItemRecord) => ItemRecord,
    durability: 'strict' | 'relaxed',
  ): Promise<ItemRecord | null> {
    return await this.write(
      ['items'],
      async (tx) => {
        const item = await tx.objectStore('items').get(id);
        if (item === undefined) return null;
        const changed = next(item);
        if (changed !== item) await tx.objectStore('items').put(changed);
        return changed;
      },
      durability,
    );
  }

  /**
   * The item after a verdict that was verified. The one place where unsent work is deleted: on the signed word that all
   * of exactly these bytes was stored and opened.
   */
  async obey(id: string, verdict: VerifiedVerdict): Promise<ItemRecord | null> {
    return await this.write(['items', 'media', 'chunks', 'copies'], async (tx) => {
      const item = await tx.objectStore('items').get(id);
      if (item === undefined) return null;
      const settled = { sending: false, needsSignIn: false, waitingFor: null, nextAttemptAt: null };
      const after: ItemRecord = { ...judged(item, verdict), ...settled };
      if (after.complete && !item.complete) {
        for (const medium of item.media) await removeMedium(tx, medium.id);
        after.envelope = null;
      }
      if (after.accepted && item.hasCopy) {
        // It was for the case of a refusal.
        await tx.objectStore('copies').delete(id);
        after.hasCopy = false;
      }
      await tx.objectStore('items').put(after);
      return after;
    });
  }

  async putChunk(mediumId: string, index: number, chunk: ArrayBuffer, now: number): Promise<void> {
    await this.write(['chunks', 'meta'], async (tx) => {
      await tx.objectStore('meta').put({ since: now } satisfies WritingMark, writing(mediumId));
      await tx.objectStore('chunks').put(chunk, [mediumId, index]);
    });
  }

  /** Names the medium, after all its chunks: from now on it is there. `draft` gives the draft with it. */
  async commitMedium(medium: MediumRecord, draftId: string, next: (draft: Draft) => Draft): Promise<void> {
    await this.write(['drafts', 'media', 'meta'], async (tx) => {
      const mark = await tx.objectStore('meta').get(writing(medium.id));
      if (mark === undefined) throw new OutboxError('storage', { message: 'swept while it was written' });
      const draft = await tx.objectStore('drafts').get(draftId);
      if (draft === undefined) throw new OutboxError('unknown_draft');
      await tx.objectStore('drafts').put(next(draft));
      await tx.objectStore('media').put(medium);
      await tx.objectStore('meta').delete(writing(medium.id));
    });
  }

  /** Forgets chunks that were written for nothing. */
  async dropChunks(mediumId: string): Promise<void> {
    await this.write(
      ['chunks', 'meta'],
      async (tx) => {
        await tx.objectStore('chunks').delete(chunksOf(mediumId));
        await tx.objectStore('meta').delete(writing(mediumId));
      },
      'relaxed',
    );
  }

  /** `length` bytes of a sealed medium from `offset` on, fewer at its end. Throws where chunks are missing. */
  async bytes(medium: { id: string; size: number }, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const end = Math.min(medium.size, offset + length);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    await this.read(['chunks'], async (tx) => {
      for (let at = offset; at < end;) {
        const index = Math.floor(at / CHUNK_BYTES);
        const chunk = await tx.objectStore('chunks').get([medium.id, index]);
        const from = at - index * CHUNK_BYTES;
        const part = new Uint8Array(chunk ?? new ArrayBuffer(0)).subarray(from, from + end - at);
        if (part.length === 0) throw new OutboxError('storage', { message: `chunk ${String(index)} is missing` });
        bytes.set(part, at - offset);
        at += part.length;
      }
    });
    return bytes;
  }

  /** Deletes chunks that no record names, left by a tab that was killed while it wrote. Answers how many media. */
  async sweep(now: number): Promise<number> {
    return await this.write(['media', 'chunks', 'meta'], async (tx) => {
      const named = new Set(await tx.objectStore('media').getAllKeys());
      let swept = 0;
      let cursor = await tx.objectStore('chunks').openKeyCursor();
      while (cursor !== null) {
        const [id] = cursor.key;
        if (!named.has(id)) {
          const mark = (await tx.objectStore('meta').get(writing(id))) as WritingMark | undefined;
          if (mark === undefined || Math.abs(now - mark.since) > WRITING_MS) {
            await tx.objectStore('chunks').delete(chunksOf(id));
            await tx.objectStore('meta').delete(writing(id));
            swept += 1;
          }
        }
        cursor = await tx.objectStore('chunks').openKeyCursor(IDBKeyRange.lowerBound([id, Infinity]));
      }
      return swept;
    });
  }

  /** True where this holder may send for the next `ms`; for browsers without Web Locks. */
  async takeLease(holder: string, now: number, ms: number): Promise<boolean> {
    return await this.write(
      ['meta'],
      async (tx) => {
        const lease = (await tx.objectStore('meta').get('lease')) as Lease | undefined;
        // A lease far in the future was written under a clock that has been set back since.
        const taken =
          lease !== undefined && lease.holder !== holder && lease.until > now && lease.until <= now + 2 * ms;
        if (!taken) await tx.objectStore('meta').put({ holder, until: now + ms }, 'lease');
        return !taken;
      },
      'relaxed',
    );
  }

  async leaveLease(holder: string): Promise<void> {
    await this.write(
      ['meta'],
      async (tx) => {
        const lease = (await tx.objectStore('meta').get('lease')) as Lease | undefined;
        if (lease?.holder === holder) await tx.objectStore('meta').delete('lease');
      },
      'relaxed',
    );
  }

  close(): void {
    void this.#opened?.then(
      (database) => {
        database.close();
      },
      () => undefined,
    );
    this.#opened = null;
  }

  #database(): Promise<Database> {
    if (this.#opened === null) {
      const opened = openDatabase(this.#factory, this.#name, () => {
        if (this.#opened === opened) this.#opened = null;
      });
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = null;
      });
      this.#opened = opened;
    }
    return this.#opened;
  }
}

/** Deletes the bytes of a medium and its record. */
export async function removeMedium(tx: Write<StoreName[]>, id: string): Promise<void> {
  await tx.objectStore('chunks').delete(chunksOf(id));
  await tx.objectStore('media').delete(id);
}

const chunksOf = (mediumId: string): IDBKeyRange => IDBKeyRange.bound([mediumId, 0], [mediumId, Infinity]);
const writing = (mediumId: string): string => `writing:${mediumId}`;

function plainly(fault: unknown): unknown {
  const name = fault instanceof Error || fault instanceof DOMException ? fault.name : '';
  return name === 'QuotaExceededError' ? new OutboxError('quota', {}) : fault;
}
