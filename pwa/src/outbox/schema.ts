/**
 * The phone's database. Bytes are ArrayBuffer chunks under [medium, index], read by primary key: reading Blobs through
 * an index crashes iOS 18.4. Each schema version is one upgrade step; a step is never changed after a release.
 */
import { unwrap, wrap } from 'idb';
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';
import type { KnownKeys } from './keys';
import { OutboxError } from './types';
import type { Attention, Draft, DraftMedium, Item, JsonObject, SubmissionKind, WaitReason } from './types';

export interface MediumRecord {
  id: string;
  /** Exactly one of the two: a medium belongs to a draft until submit, to an item from then on. */
  draftId: string | null;
  itemId: string | null;
  sha256: string;
  size: number;
}

export type MediumProgressRecord = Item['media'][number];

export interface ItemRecord {
  id: string;
  kind: SubmissionKind;
  owner: string | null;
  label: string | null;
  urgent: boolean;
  /** The draft it was made of: submitting that again finds this. */
  draftId: string;
  /** Counts up on this phone; its clock may go back. */
  order: number;
  submittedAt: string;
  /** Exactly the bytes to be sent; null once complete. */
  envelope: ArrayBuffer | null;
  envelopeSize: number;
  /** Lower-case hex SHA-256 of the envelope. */
  digest: string;
  receiptCode: string | null;
  hasReceipt: boolean;
  /** The server signed for the envelope. */
  accepted: boolean;
  /** The server signed that all of it is there and opened. */
  complete: boolean;
  attention: Attention | null;
  sending: boolean;
  needsSignIn: boolean;
  waitingFor: WaitReason | null;
  nextAttemptAt: string | null;
  number: string | null;
  seq: number | null;
  receivedAt: string | null;
  media: MediumProgressRecord[];
  /** The person wanted a readable copy of it, and it is still needed (store `copies`). */
  hasCopy: boolean;
}

/** What can be read again of something submitted, until the server has it; only where the person chose so. */
export interface CopyRecord {
  data: JsonObject;
  media: DraftMedium[];
}

export interface Lease {
  holder: string;
  until: number;
}

/** Bytes are being written for a medium that no record names yet: not to be swept while this is young. */
export interface WritingMark {
  since: number;
}

export interface OutboxSchema extends DBSchema {
  drafts: { key: string; value: Draft };
  media: { key: string; value: MediumRecord };
  chunks: { key: [string, number]; value: ArrayBuffer };
  items: { key: string; value: ItemRecord };
  /** By item id. */
  copies: { key: string; value: CopyRecord };
  meta: { key: string; value: KnownKeys | Lease | WritingMark | number | boolean };
}

export type Database = IDBPDatabase<OutboxSchema>;
export type StoreName = StoreNames<OutboxSchema>;
export type Write<Names extends StoreName[]> = IDBPTransaction<OutboxSchema, Names, 'readwrite'>;

type Upgrade = IDBPTransaction<OutboxSchema, StoreName[], 'versionchange'>;

/** Step n leads from version n to n + 1. It awaits nothing but the upgrade's own requests. */
const STEPS: ((database: Database, tx: Upgrade) => void | Promise<void>)[] = [
  (database) => {
    database.createObjectStore('drafts', { keyPath: 'id' });
    database.createObjectStore('media', { keyPath: 'id' });
    database.createObjectStore('chunks');
    database.createObjectStore('items', { keyPath: 'id' });
    database.createObjectStore('meta');
  },
  async (database, tx) => {
    // Copies left the items: those are read at every step of the sender, and nothing that can be read belongs there.
    database.createObjectStore('copies');
    const items = tx.objectStore('items');
    for (const item of (await items.getAll()) as (ItemRecord & { copy?: CopyRecord | null })[]) {
      const { copy, ...rest } = item;
      if (copy) await tx.objectStore('copies').put(copy, item.id);
      await items.put({ ...rest, hasCopy: copy != null });
    }
  },
];

export const VERSION = STEPS.length;

/** Opens and upgrades. `onLost` is called when the connection is gone: by the browser, or for another window's upgrade. */
export function openDatabase(factory: IDBFactory, name: string, onLost: () => void): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => {
      const database = wrap(request.result) as unknown as Database;
      const tx = wrap(request.transaction as IDBTransaction) as unknown as Upgrade;
      const upgrade = async () => {
        for (const step of STEPS.slice(oldVersion)) await step(database, tx);
      };
      upgrade().catch(() => {
        tx.abort(); // all or nothing: `onerror` tells
      });
    };
    request.onerror = () => {
      const newer = request.error?.name === 'VersionError';
      reject(
        newer ? new OutboxError('database_newer') : new OutboxError('storage', { message: String(request.error) }),
      );
    };
    request.onsuccess = () => {
      const database = wrap(request.result) as unknown as Database;
      database.onversionchange = () => {
        // A newer version wants to upgrade: let it. What we hold is on disk; the next use of ours says `database_newer`.
        database.close();
        onLost();
      };
      unwrap(database).onclose = onLost;
      resolve(database);
    };
  });
}
