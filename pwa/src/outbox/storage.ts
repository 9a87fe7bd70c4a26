/** How safe what waits is on this phone. */
import type { PhoneStorage } from './environment';
import type { StorageState, StorageWarning } from './types';

/** Warned below this: about one video. */
const ALMOST_FULL_BYTES = 200_000_000;

interface Agent {
  userAgent?: string;
  standalone?: boolean;
}

export async function storageState(storage: PhoneStorage | null): Promise<StorageState> {
  const persisted = await ask(() => storage?.persisted?.());
  const estimate = await ask(() => storage?.estimate?.());
  const usage = estimate?.usage ?? null;
  const quota = estimate?.quota ?? null;
  const free = usage === null || quota === null ? null : Math.max(0, quota - usage);
  const privateMode = await guessPrivateMode(storage, quota);
  const warnings: StorageWarning[] = [];
  if (privateMode === 'likely') warnings.push('private_mode');
  if (isSafariUninstalled()) warnings.push('seven_days');
  if (persisted === false) warnings.push('not_persistent');
  if (free !== null && free < ALMOST_FULL_BYTES) warnings.push('almost_full');
  return { persisted, usage, quota, free, privateMode, warnings };
}

/** A guess, as browsers hide it: Safari and Firefox refuse a private window its file system, Chrome gives it little room. */
async function guessPrivateMode(
  storage: PhoneStorage | null,
  quota: number | null,
): Promise<StorageState['privateMode']> {
  if (storage === null) return 'unknown';
  if (typeof storage.getDirectory === 'function') {
    try {
      await storage.getDirectory();
    } catch {
      return 'likely';
    }
  }
  const { memory } = globalThis.performance as Performance & { memory?: { jsHeapSizeLimit: number } };
  if (memory === undefined || quota === null)
    return typeof storage.getDirectory === 'function' ? 'unlikely' : 'unknown';
  return quota < 2 * memory.jsHeapSizeLimit ? 'likely' : 'unlikely';
}

/** Safari deletes what a site that was not installed holds after 7 days of use without a visit. */
function isSafariUninstalled(): boolean {
  const { userAgent = '', standalone } = (globalThis as { navigator?: Agent }).navigator ?? {};
  const webkit = /AppleWebKit/.test(userAgent) && !/Chrome|Chromium|Edg|Android/.test(userAgent);
  return webkit && standalone !== true;
}

async function ask<T>(question: () => Promise<T> | undefined): Promise<T | null> {
  try {
    return (await question()) ?? null;
  } catch {
    return null;
  }
}
