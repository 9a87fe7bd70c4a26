/**
 * What sending needs of an outbox: its database, its listeners and the server's keys. Without drafts and sealing, so that
 * a service worker can send without loading them.
 */
import type { Channel, Environment } from './environment';
import { acceptKeys } from './keys';
import type { KnownKeys } from './keys';
import { Store } from './store';
import type { OutboxChange } from './types';
import { Wire } from './wire';

export type DatabaseName = 'gridwatch-tip' | 'gridwatch-staff';

export class OutboxCore {
  readonly store: Store;
  readonly environment: Environment;
  readonly api: string;
  readonly name: DatabaseName;
  readonly #channel: Channel | null;
  readonly #listeners = new Set<(change: OutboxChange) => void>();
  readonly #submitted = new Set<() => void>();

  constructor(database: DatabaseName, api: string, environment: Environment) {
    this.environment = environment;
    this.api = api;
    this.name = database;
    this.store = new Store(environment.indexedDB, database);
    this.#channel = environment.channel(database);
    if (this.#channel)
      this.#channel.onmessage = ({ data }: MessageEvent<OutboxChange>) => {
        this.#tell(data);
      };
  }

  /** Calls back on changes in this window and in others; the answer ends it. */
  subscribe(listener: (change: OutboxChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For the sender: told of each new item. */
  onSubmitted(wake: () => void): () => void {
    this.#submitted.add(wake);
    return () => this.#submitted.delete(wake);
  }

  /** Tells this window and the others. */
  changed(store: OutboxChange['store'], id: string): void {
    this.#tell({ store, id });
    this.#channel?.postMessage({ store, id });
  }

  /** The server's keys, asked for again when older than `freshMs`; rejects where there is neither an answer nor a memory. */
  async refreshKeys(freshMs: number): Promise<KnownKeys> {
    const { now } = this.environment;
    const known = await this.store.keys();
    if (known && Math.abs(now() - Date.parse(known.fetchedAt)) < freshMs) return known;
    const answer = await new Wire(this.environment, null).ask('GET', `${this.api}/keys`);
    const accepted = await acceptKeys(typeof answer === 'string' ? null : answer.json, known, now());
    return await this.store.write(['meta'], async (tx) => {
      const meanwhile = await tx.objectStore('meta').get('keys');
      // Another window got here first: its memory stands, and what we learned is learned again later.
      if (JSON.stringify(meanwhile ?? null) !== JSON.stringify(known)) return meanwhile as KnownKeys;
      await tx.objectStore('meta').put(accepted, 'keys');
      return accepted;
    });
  }

  close(): void {
    this.#channel?.close();
    this.#listeners.clear();
    this.store.close();
  }

  protected wakeSender(): void {
    for (const wake of this.#submitted) wake();
  }

  #tell(change: OutboxChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
