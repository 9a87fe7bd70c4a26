/** Everything of the outside world that the outbox touches, so that tests and benches can drive it. */
import type { PrepareMedium } from '../media/types';

export interface Channel {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
  close(): void;
}

export interface Locks {
  request<T>(name: string, options: { ifAvailable: true }, callback: (lock: object | null) => Promise<T>): Promise<T>;
}

/** `navigator.storage`, of which old browsers have parts and workers cannot ask for persistence. */
export type PhoneStorage = Partial<Pick<StorageManager, 'estimate' | 'persisted' | 'getDirectory'>> & {
  persist?: () => Promise<boolean>;
};

export interface Environment {
  indexedDB: IDBFactory;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds since 1970 by this phone's clock. */
  now: () => number;
  /** 0 ≤ x < 1, for jitter only. */
  random: () => number;
  /** Runs once after so many milliseconds; the answer takes it back. */
  after: (ms: number, run: () => void) => () => void;
  /** null where the browser has no Web Locks: then a lease in the database does it. */
  locks: Locks | null;
  storage: PhoneStorage | null;
  channel: (name: string) => Channel | null;
  /** Calls back when the link is back or the page is looked at again; the answer ends it. */
  onWake: (wake: () => void) => () => void;
  /** Asks the service worker to call us when there is a link, where that exists. */
  requestSync: (tag: string) => Promise<void>;
  /** Checks, reduces and seals a chosen file; not needed where nothing is chosen (service worker). */
  prepare: PrepareMedium;
}

/** The parts of a page, a service worker or Node that may or may not be there. */
interface Platform {
  navigator?: {
    locks?: Locks;
    storage?: PhoneStorage;
    serviceWorker?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & {
      getRegistration?(): Promise<{ sync?: { register(tag: string): Promise<void> } } | undefined>;
    };
  };
  document?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & { visibilityState: string };
  addEventListener?(name: string, listener: () => void): void;
  removeEventListener?(name: string, listener: () => void): void;
}

/** What the platform offers; `prepare` is the caller's. */
export function platformEnvironment(prepare: PrepareMedium): Environment {
  const platform = globalThis as Platform;
  const { navigator, document } = platform;
  return {
    indexedDB: globalThis.indexedDB,
    fetch: (url, init) => fetch(url, init),
    now: () => Date.now(),
    random: () => Math.random(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => {
        clearTimeout(timer);
      };
    },
    locks: navigator?.locks ?? null,
    storage: navigator?.storage ?? null,
    channel: (name) => (typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(name)),
    onWake: (wake) => {
      const visible = () => {
        if (document?.visibilityState === 'visible') wake();
      };
      const told = (event: Event) => {
        if ((event as MessageEvent<{ type?: string } | null>).data?.type === 'send-outbox') wake();
      };
      platform.addEventListener?.('online', wake);
      navigator?.serviceWorker?.addEventListener('message', told);
      document?.addEventListener('visibilitychange', visible);
      return () => {
        platform.removeEventListener?.('online', wake);
        navigator?.serviceWorker?.removeEventListener('message', told);
        document?.removeEventListener('visibilitychange', visible);
      };
    },
    requestSync: async (tag) => {
      const registration = await navigator?.serviceWorker?.getRegistration?.();
      await registration?.sync?.register(tag);
    },
    prepare,
  };
}
