/**
 * Kills a window at a chosen point: at its n-th touch of the disk or the network. A killed window's open transactions
 * are rolled back, as the browser does, and nothing that it still tries has any effect.
 */
import { IDBDatabase, IDBFactory, IDBObjectStore } from 'fake-indexeddb';

export class Killed extends Error {}

export class Fuse {
  static #burning: Fuse | null = null;
  static #owners = new WeakMap<object, Fuse>();
  touches = 0;
  dead = false;
  #transactions = new Set<IDBTransaction>();
  readonly #at: number;
  #onDeath: () => void = () => undefined;
  /** Rejects at the moment of death: what the window was waiting for never comes. */
  readonly death = new Promise<never>((_resolve, reject) => {
    this.#onDeath = () => {
      reject(new Killed());
    };
  });

  constructor(at: number) {
    this.#at = at;
    this.death.catch(() => undefined);
  }

  /** Runs what a window does until it is done or killed; answers whether it got to the end. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    Fuse.#burning = this;
    try {
      await Promise.race([work(), this.death]);
      return true;
    } catch (fault) {
      if (this.dead) return false;
      throw fault;
    } finally {
      this.dead = true; // a closed window does nothing any more either
      Fuse.#burning = null;
    }
  }

  touch(): void {
    if (this.dead) throw new Killed();
    this.touches += 1;
    if (this.touches !== this.#at) return;
    this.dead = true;
    for (const transaction of this.#transactions) {
      try {
        transaction.abort();
      } catch {
        // it had been committed
      }
    }
    this.#onDeath();
    throw new Killed();
  }

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    this.touch();
    const answer = await fetch(url, init);
    this.touch(); // the server has done it, the phone does not hear of it
    return answer;
  };

  /** Wires the fuse into the fake database; the connection remembers whose it is. */
  static install(): void {
    const open = IDBFactory.prototype.open;
    IDBFactory.prototype.open = function (this: IDBFactory, ...args: Parameters<typeof open>) {
      const fuse = Fuse.#burning;
      fuse?.touch();
      const request = open.apply(this, args);
      request.addEventListener('success', () => {
        if (fuse) Fuse.#owners.set(request.result, fuse);
      });
      return request;
    };
    const begin = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (this: object, ...args: Parameters<typeof begin>) {
      const fuse = Fuse.#owners.get(this);
      fuse?.touch();
      const transaction = begin.apply(this as never, args);
      if (fuse) {
        fuse.#transactions.add(transaction as unknown as IDBTransaction);
        transaction.addEventListener('complete', () =>
          fuse.#transactions.delete(transaction as unknown as IDBTransaction),
        );
      }
      return transaction;
    };
    for (const name of ['get', 'getAll', 'getAllKeys', 'put', 'add', 'delete', 'openKeyCursor'] as const) {
      const original = IDBObjectStore.prototype[name] as (...args: unknown[]) => unknown;
      (IDBObjectStore.prototype as unknown as Record<string, unknown>)[name] = function (
        this: IDBObjectStore,
        ...args: unknown[]
      ) {
        Fuse.#owners.get(this.transaction.db)?.touch();
        return original.apply(this, args);
      };
    }
  }
}
