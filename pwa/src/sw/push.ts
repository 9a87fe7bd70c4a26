/// <reference lib="webworker" />
/** Woken by the server: there is something new. What it is stands in the app; nothing of a case travels this way. */
import chinese from '../i18n/notices/zh-CN.json';
import english from '../i18n/notices/en.json';

declare const self: ServiceWorkerGlobalScope;

const SCOPE = self.registration.scope;
/** Where the staff app lists what is new; the public app has one page that asks for the code. */
const NEWS = SCOPE.endsWith('/staff/') ? `${SCOPE}notices` : SCOPE;

function language(event: PushEvent): string {
  try {
    return (event.data?.json() as { lang?: string } | undefined)?.lang ?? 'zh-CN';
  } catch {
    return 'zh-CN';
  }
}

self.addEventListener('push', (event) => {
  const lang = language(event);
  const words = lang === 'en' ? english : chinese;
  event.waitUntil(
    (async () => {
      for (const page of await self.clients.matchAll({ type: 'window' })) page.postMessage({ type: 'send-outbox' });
      // One at a time: a second one takes the place of the first, and nobody can count them on a locked phone.
      await self.registration.showNotification(words.pushTitle, { body: words.pushText, lang, tag: 'news', icon: 'icons/192.png' });
    })(),
  );
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(
    (async () => {
      const [page] = await self.clients.matchAll({ type: 'window' });
      // A page in the middle of something is only shown, never led away from a form.
      if (page) await page.focus();
      else await self.clients.openWindow(NEWS);
    })(),
  );
});
