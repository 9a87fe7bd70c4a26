/** More to a report that was sent before: photos and words by its code, through the outbox like everything else. */
import { ref, toRaw } from 'vue';
import type { DraftMedium } from '@/outbox';
import { openMailbox } from './mailbox';
import { asFault, type MediaFault } from './report';

export const photos = ref<DraftMedium[]>([]);
/** How many are being reduced and sealed now. */
export const preparing = ref(0);
export const mediaFaults = ref<MediaFault[]>([]);

let draft: { id: string; about: string } | null = null;
let oneAfterAnother: Promise<unknown> = Promise.resolve();

/** Goes on with what was left unfinished for this report; gives the words of it. */
export async function beginMore(about: string): Promise<string> {
  if (draft?.about === about) return '';
  draft = null;
  photos.value = [];
  mediaFaults.value = [];
  const { outbox } = await openMailbox();
  const left = (await outbox.drafts()).find((one) => one.kind === 'more' && one.data['about'] === about);
  if (!left) return '';
  draft = { id: left.id, about };
  photos.value = left.media;
  return String(left.data['text'] ?? '');
}

async function ensureDraft(about: string): Promise<string> {
  if (draft?.about !== about) {
    const { outbox } = await openMailbox();
    const made = await outbox.createDraft('more', { about, text: '' });
    draft = { id: made.id, about };
  }
  return draft.id;
}

/** Takes photos, one after another; faults are told by `mediaFaults`. */
export function addPhotos(about: string, files: readonly File[]): void {
  mediaFaults.value = [];
  for (const file of files) {
    preparing.value++;
    oneAfterAnother = oneAfterAnother.then(async () => {
      try {
        const { outbox } = await openMailbox();
        const id = await ensureDraft(about);
        const medium = await outbox.addMedium(id, file);
        if (draft?.id === id) photos.value = [...photos.value, medium];
      } catch (error) {
        mediaFaults.value.push(asFault(error, file));
      } finally {
        preparing.value--;
      }
    });
  }
}

export async function removePhoto(id: string): Promise<void> {
  if (!draft) return;
  await (await openMailbox()).outbox.removeMedium(draft.id, id);
  photos.value = photos.value.filter((photo) => photo.id !== id);
}

/** Keeps the words beside the photos, where there are some. */
export async function keepWords(text: string): Promise<void> {
  if (draft) await (await openMailbox()).outbox.saveDraft(draft.id, { about: draft.about, text });
}

/** Seals words and photos and puts them into the outbox. Throws OutboxError; everything then stays as it was. */
export async function sendMore(about: string, messageId: string, text: string): Promise<void> {
  await oneAfterAnother;
  const { outbox, sender } = await openMailbox();
  const id = await ensureDraft(about);
  const captured = toRaw(photos.value)[0]?.capturedAt ?? new Date().toISOString();
  await outbox.submit(id, [{ kind: 'more', body: { receipt: about, message_id: messageId, text, captured_at: captured } }]);
  draft = null;
  photos.value = [];
  sender.wake();
}
