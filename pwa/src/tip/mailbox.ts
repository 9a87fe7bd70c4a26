import { computed, ref, shallowRef } from 'vue';
import type { Draft, Item, Outbox, Sender, StorageWarning } from '@/outbox';
import { county, loadCounty } from './county';

/** The outbox as the public app sees it: opened once, after the first screen stands, and followed from then on. */
export type Mailbox = { outbox: Outbox; sender: Sender };

export const items = shallowRef<readonly Item[]>([]);
export const drafts = shallowRef<readonly Draft[]>([]);
/** Code of the fault that keeps the phone's storage from working, or null. */
export const storageFault = ref<string | null>(null);
export const mailboxOpen = ref(false);
/** What endangers that which waits on this phone. */
export const warnings = shallowRef<readonly StorageWarning[]>([]);

const onPhone = ({ state }: Item) => ['waiting', 'sending', 'media_pending', 'needs_attention'].includes(state);

/** How many reports still have bytes to send from this phone. */
export const waiting = computed(() => items.value.filter(onPhone).length);

/** What was sent later to reports and how far the office has taken it: a new line is news for the letter. */
export const arrivedLater = computed(() =>
  items.value.filter((item) => item.kind === 'more' && !onPhone(item)).map(({ id, state }) => `${id} ${state}`),
);

let opened: Promise<Mailbox> | null = null;
const USED = 'gridwatch.tip.used';

/** Whether a report was ever begun in this browser; a hint only, the outbox knows. */
export function hasReportedHere(): boolean {
  try {
    return localStorage.getItem(USED) !== null;
  } catch {
    return true;
  }
}

/** Opens the phone's storage and starts the sender; asking again gives the same one. Throws OutboxError `storage`. */
export function openMailbox(): Promise<Mailbox> {
  opened ??= open().catch((error: unknown) => {
    opened = null;
    storageFault.value = error instanceof Error && 'code' in error ? String(error.code) : 'storage';
    throw error;
  });
  return opened;
}

function remember(): void {
  try {
    localStorage.setItem(USED, '1');
  } catch {
    // Without it the outbox opens a few seconds later at the next visit.
  }
}

/** Learns how safe the storage is; asked again after what takes room. */
export async function lookAtStorage(outbox: Outbox): Promise<void> {
  warnings.value = (await outbox.storageState()).warnings;
}

async function open(): Promise<Mailbox> {
  const { Outbox, Sender } = await import('@/outbox');
  const outbox = await Outbox.open({ database: 'gridwatch-tip', api: '/api/v1' });
  const readItems = async () => (items.value = await outbox.items());
  const readDrafts = async () => (drafts.value = await outbox.drafts());
  await Promise.all([readItems(), readDrafts()]);
  outbox.subscribe((change) => void (change.store === 'items' ? readItems() : readDrafts()));
  void loadCounty().then(() => {
    const limits = county.value?.limits;
    if (limits) outbox.setLimits({ photoBytes: limits.photo_bytes, videoBytes: limits.video_bytes, mediaCount: limits.media_count });
  });
  void lookAtStorage(outbox);
  const sender = new Sender(outbox);
  sender.start();
  outbox.subscribe(remember);
  if (items.value.length + drafts.value.length) remember();
  storageFault.value = null;
  mailboxOpen.value = true;
  return { outbox, sender };
}
