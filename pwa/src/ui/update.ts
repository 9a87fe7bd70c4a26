import { readonly, ref } from 'vue';

const waiting = ref<ServiceWorker | null>(null);

/** True when a newer version of the app is installed and waits for the person's word. */
export const updateReady = readonly(waiting);

/** Registers the app's service worker once the page has loaded; it never takes over by itself. */
export function registerServiceWorker(base: string): void {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return;
  const register = async () => {
    try {
      const registration = await navigator.serviceWorker.register(`${base}sw.js`, { scope: base });
      const note = () => {
        if (registration.waiting && navigator.serviceWorker.controller) waiting.value = registration.waiting;
      };
      note();
      registration.addEventListener('updatefound', () => {
        registration.installing?.addEventListener('statechange', note);
      });
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'visible') void registration.update().catch(() => undefined);
      });
    } catch {
      // No signal at the first visit or a failed install: the next visit tries again.
    }
  };
  if (document.readyState === 'complete') void register();
  else window.addEventListener('load', () => void register(), { once: true });
}

/** Lets the waiting version take over and reloads; call only on the person's tap and with no unsaved form. */
export function takeUpdate(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  waiting.value?.postMessage({ type: 'take-over' });
}
