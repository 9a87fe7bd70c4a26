/** Databases as files: what each version of the schema left on a phone, and the server that it knew. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerSecrets } from '../protocolServer';

export interface StoredDatabase {
  version: number;
  server: ServerSecrets;
  stores: Record<string, { keyPath: string | null; records: { key: IDBValidKey; value: unknown }[] }>;
}

const pathOf = (version: number) => new URL(`./v${String(version)}.json`, import.meta.url);

export const versions = (): number[] => [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((version) => existsSync(pathOf(version)));

export const readDatabase = (version: number): StoredDatabase =>
  JSON.parse(readFileSync(pathOf(version), 'utf8'), (_key, value: { $bytes?: string } | null) =>
    typeof value?.$bytes === 'string' ? Uint8Array.from(Buffer.from(value.$bytes, 'base64')).buffer : value,
  ) as StoredDatabase;

export function writeDatabase(stored: StoredDatabase): void {
  const text = JSON.stringify(
    stored,
    (_key, value: unknown) =>
      value instanceof ArrayBuffer ? { $bytes: Buffer.from(value).toString('base64') } : value,
    1,
  );
  writeFileSync(pathOf(stored.version), `${text}\n`);
}

const settled = <Result>(request: IDBRequest<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error ?? new Error('failed'));
    };
  });

/** Puts it onto a disk exactly as it was, without the outbox. */
export async function lay(disk: IDBFactory, name: string, { version, stores }: StoredDatabase): Promise<void> {
  const opening = disk.open(name, version);
  opening.onupgradeneeded = () => {
    for (const [store, { keyPath }] of Object.entries(stores)) opening.result.createObjectStore(store, { keyPath });
  };
  const database = await settled(opening);
  const tx = database.transaction(Object.keys(stores), 'readwrite');
  for (const [store, { keyPath, records }] of Object.entries(stores)) {
    for (const { key, value } of records) tx.objectStore(store).put(value, keyPath === null ? key : undefined);
  }
  await new Promise((resolve) => {
    tx.oncomplete = resolve;
  });
  database.close();
}

export async function take(disk: IDBFactory, name: string, server: ServerSecrets): Promise<StoredDatabase> {
  const database = await settled(disk.open(name));
  const stores: StoredDatabase['stores'] = {};
  for (const name of database.objectStoreNames) {
    const store = database.transaction(name).objectStore(name);
    const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
    stores[name] = {
      keyPath: store.keyPath as string | null,
      records: keys.map((key, i) => ({ key, value: values[i] as unknown })),
    };
  }
  const { version } = database;
  database.close();
  return { version, server, stores };
}
