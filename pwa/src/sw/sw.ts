/// <reference lib="webworker" />
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

// Background Sync (Chromium only): the network is back. The sender lives in the page, so open pages are told. Bringing it in
// here would load the whole of the sealing code at every start of this worker, and staff work needs a sign-in anyway.
self.addEventListener('sync', (event: Event) => {
  const sync = event as SyncEvent;
  if (sync.tag !== 'outbox') return;
  sync.waitUntil(
    (async () => {
      const pages = await self.clients.matchAll({ type: 'window' });
      for (const page of pages) page.postMessage({ type: 'send-outbox' });
    })(),
  );
});
