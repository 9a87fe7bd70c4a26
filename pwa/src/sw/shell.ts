/// <reference lib="webworker" />
/** What both apps' service workers do: the shell without a link, updates on the person's word, sending on sync. */
import './push';
import { OutboxCore } from '../outbox/core';
import type { DatabaseName } from '../outbox/core';
import { platformEnvironment } from '../outbox/environment';
import { Sender, SYNC_TAG } from '../outbox/sender';
import type { SenderOptions } from '../outbox/sender';
import { createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { StaleWhileRevalidate } from 'workbox-strategies';

declare const self: ServiceWorkerGlobalScope & {
  __WB_MANIFEST: (string | { url: string; revision: string | null })[];
};
interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}

const SCOPE = new URL(self.registration.scope).pathname;
const OPEN_DATA = `gridwatch-open-data${SCOPE.replaceAll('/', '-')}`;
const KEYS = '/api/v1/keys';
const COUNTY = '/api/v1/public/county';

// Workbox's install step already rejects when a file of the shell cannot be fetched.
precacheAndRoute(self.__WB_MANIFEST, { ignoreURLParametersMatching: [/.*/] });
registerRoute(new NavigationRoute(createHandlerBoundToURL('index.html')));

// The two answers without which nobody can report offline. Everything else of /api goes to the network untouched.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && (url.pathname === KEYS || url.pathname === COUNTY),
  new StaleWhileRevalidate({ cacheName: OPEN_DATA, fetchOptions: { credentials: 'omit', cache: 'no-store' } }),
);

self.addEventListener('install', (event) => {
  // Without the keys nothing can be sealed, so an app installed without them could not work offline: reject, try again later.
  event.waitUntil(
    (async () => {
      const cache = await caches.open(OPEN_DATA);
      await Promise.all([KEYS, COUNTY].map(async (path) => {
        const answer = await fetch(path, { credentials: 'omit', cache: 'no-store' });
        if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
        await cache.put(path, answer);
      }));
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener('message', (event: ExtendableMessageEvent) => {
  // Only the person's tap on the update bar sends this; a form is never reloaded away.
  if ((event.data as { type?: string } | null)?.type === 'take-over') void self.skipWaiting();
});

/** Once this has run for so long, the browser ends it; what is left goes with the next sync. */
const LONGEST_MS = 150_000;

/**
 * Background Sync (Chromium): there is a link again, perhaps with no page open. Open pages are told, and where none of
 * them sends (one sender by Web Locks) this worker does. Rejecting asks the browser to try again later.
 */
export function sendOnSync(outbox: OutboxCore, options: SenderOptions): void {
  self.addEventListener('sync', (event: Event) => {
    const sync = event as SyncEvent;
    if (sync.tag !== SYNC_TAG) return;
    sync.waitUntil(
      (async () => {
        const pages = await self.clients.matchAll({ type: 'window' });
        for (const page of pages) page.postMessage({ type: 'send-outbox' });
        const done = await new Sender(outbox, options).runFor(LONGEST_MS);
        outbox.store.close(); // a newer version may want to upgrade
        if (!done) throw new Error('not all is sent');
      })(),
    );
  });
}

export const openCore = (database: DatabaseName): OutboxCore =>
  new OutboxCore(database, '/api/v1', platformEnvironment(() => Promise.reject(new Error('nothing is chosen here'))));
