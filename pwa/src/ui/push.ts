/** Lets this browser be woken by the server (Web Push), where browser and county know it. */

type Lang = 'zh-CN' | 'en';
/** What the server needs for waking this browser. */
type Browser = { endpoint: string; p256dh: string; auth: string; lang: Lang };

export const pushWorks = (): boolean => 'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;

const bytes = (base64url: string) =>
  Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

/** The endpoint by which this browser is woken now, or null. */
export async function pushEndpoint(): Promise<string | null> {
  if (!pushWorks() || Notification.permission !== 'granted') return null;
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager.getSubscription())?.endpoint ?? null;
}

/** Asks the person and then the browser's push service; null where either says no. Call it on a tap. */
export async function askForPush(key: string, lang: Lang): Promise<Browser | null> {
  if ((await Notification.requestPermission()) !== 'granted') return null;
  const registration = await navigator.serviceWorker.ready;
  try {
    const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    const { endpoint, keys } = made.toJSON();
    const { p256dh, auth } = keys ?? {};
    return endpoint && p256dh && auth ? { endpoint, p256dh, auth, lang } : null;
  } catch {
    return null; // no push service in reach, as in much of China for Chrome's
  }
}

/** Ends it in the browser; the endpoint that the server should forget, or null. */
export async function endPush(): Promise<string | null> {
  const registration = await navigator.serviceWorker.getRegistration();
  const made = await registration?.pushManager.getSubscription();
  await made?.unsubscribe();
  return made?.endpoint ?? null;
}
