import { computed, reactive, ref, toRaw } from 'vue';
import type { Draft, DraftMedium, MediumProgress } from '@/outbox';
import { atOnce } from '@/outbox/saving';
import { county } from './county';
import { drafts, lookAtStorage, openMailbox } from './mailbox';
import { appearance } from '@/ui/appearance';
import { blankForm, findFaults, type TipForm, toSeal } from '@/report/rules';

/** The report being written: one at a time, kept in the phone's storage from the first touch until it is submitted. */
export type Preparing = { key: number; kind: 'photo' | 'video' | 'audio' | 'other'; preview: string | null; progress: MediumProgress };
export type MediaFault = { code: string; params: Record<string, string | number>; name: string };

export const form = reactive<TipForm>(blankForm());
export const media = ref<DraftMedium[]>([]);
export const preparing = ref<Preparing[]>([]);
/** Whether photos chosen from now on are sent as the camera made them. */
export const originals = ref(false);
export const mediaFaults = ref<MediaFault[]>([]);
/** True when the page goes on with what was left unfinished earlier. */
export const resumed = ref(false);
/** Full pictures chosen in this session, by medium id; after a restart only thumbnails are left (the rest is sealed). */
export const previews = new Map<string, string>();

/** Whether the person has given anything yet; a place that the phone found by itself does not count. */
export const touched = computed(() => {
  const given = form.source === 'pin' ? form : { ...form, point: null, accuracy: null, source: null };
  return media.value.length > 0 || preparing.value.length > 0 || JSON.stringify(given) !== JSON.stringify(blankForm());
});
export const faults = computed(() =>
  findFaults(form, media.value.length + preparing.value.length, county.value?.bounds ?? null, county.value?.limits.text_chars),
);

let draftId: string | null = null;
let beginning: Promise<string> | null = null;
let nextKey = 1;
let addingOneAfterAnother: Promise<unknown> = Promise.resolve();

function ensureDraft(): Promise<string> {
  if (draftId) return Promise.resolve(draftId);
  beginning ??= openMailbox()
    .then(({ outbox }) => outbox.createDraft('tip'))
    .then((draft) => (draftId = draft.id))
    .finally(() => (beginning = null));
  return beginning;
}

/** Brings back what was left unfinished, the newest first; what is typed or open already is kept as it is. */
export async function resume(): Promise<void> {
  const { outbox } = await openMailbox();
  const left = (await outbox.drafts()).find((draft) => draft.kind === 'tip');
  if (!left || draftId || beginning || touched.value) return;
  take(left);
  resumed.value = touched.value;
}

/** Makes a refused report, of which a copy was kept, the one being written; another unfinished one waits its turn. */
export async function mend(item: string): Promise<void> {
  const { outbox } = await openMailbox();
  await save();
  const draft = await outbox.mend(item);
  clear();
  take(draft);
  resumed.value = true;
}

function take(draft: Draft): void {
  draftId = draft.id;
  Object.assign(form, blankForm(), draft.data);
  media.value = draft.media;
}

async function write(): Promise<void> {
  if (!touched.value && !draftId) return;
  const id = await ensureDraft();
  const { outbox } = await openMailbox();
  if (id === draftId) await outbox.saveDraft(id, structuredClone(toRaw(form)));
}
/** Writes the form to the phone's storage; a storage that does not work is told by the mailbox. */
export const save = atOnce(() => write().catch(() => undefined));

function kindOf(file: File): Preparing['kind'] {
  const family = file.type.split('/')[0];
  return family === 'video' ? 'video' : family === 'audio' ? 'audio' : 'photo';
}

/** What is wrong with a chosen file, as the pages put it into words. */
export function asFault(error: unknown, file: File): MediaFault {
  const known = error as { code?: unknown; details?: Record<string, string | number> };
  const code = typeof known.code === 'string' ? known.code : 'unreadable';
  return { code, params: known.details ?? {}, name: file.name };
}

/** Takes what the camera or the gallery gave, one after another (an old phone cannot reduce two at once). */
export function addFiles(files: readonly File[]): void {
  mediaFaults.value = [];
  const original = originals.value;
  for (const file of files) {
    const kind = kindOf(file);
    const preview = kind === 'audio' ? null : URL.createObjectURL(file);
    const one = reactive<Preparing>({ key: nextKey++, kind, preview, progress: { phase: 'waiting', fraction: 0 } });
    preparing.value.push(one);
    addingOneAfterAnother = addingOneAfterAnother.then(async () => {
      try {
        const id = await ensureDraft();
        const { outbox } = await openMailbox();
        const medium = await outbox.addMedium(id, file, { original }, (progress) => (one.progress = progress));
        if (preview) previews.set(medium.id, preview);
        if (!media.value.some((known) => known.id === medium.id)) media.value.push(medium);
        void save();
        void lookAtStorage(outbox);
      } catch (error) {
        if (preview) URL.revokeObjectURL(preview);
        mediaFaults.value.push(asFault(error, file));
      } finally {
        preparing.value = preparing.value.filter((other) => other.key !== one.key);
      }
    });
  }
}

/** Takes one medium out of the report and off the phone. */
export async function removeMedium(id: string): Promise<void> {
  if (!draftId) return;
  const { outbox } = await openMailbox();
  await outbox.removeMedium(draftId, id);
  media.value = media.value.filter((medium) => medium.id !== id);
  forgetPreview(id);
}

/** Moves one medium a place forward or back. */
export async function moveMedium(id: string, by: -1 | 1): Promise<void> {
  const order = [...media.value];
  const from = order.findIndex((medium) => medium.id === id);
  const [one] = order.splice(from, 1);
  if (!one || !draftId) return;
  order.splice(from + by, 0, one);
  media.value = order;
  const { outbox } = await openMailbox();
  await outbox.reorderMedia(draftId, order.map((medium) => medium.id));
}

function forgetPreview(id: string): void {
  const url = previews.get(id);
  if (url) URL.revokeObjectURL(url);
  previews.delete(id);
}

function clear(): void {
  for (const id of [...previews.keys()]) forgetPreview(id);
  draftId = null;
  resumed.value = false;
  media.value = [];
  mediaFaults.value = [];
  originals.value = false;
  Object.assign(form, blankForm());
}

/** Throws the unfinished report away, from the phone too. */
export async function startOver(): Promise<void> {
  const id = draftId;
  clear();
  if (id) await (await openMailbox()).outbox.discardDraft(id);
}

/** Seals the report and puts it into the outbox; gives the id under which it waits. Throws OutboxError; the draft then stays. */
export async function submit(): Promise<string> {
  const told = mediaFaults.value.length;
  await addingOneAfterAnother;
  if (mediaFaults.value.length > told) throw new Error('a photo could not be taken, which the person did not know yet');
  const id = await ensureDraft();
  const { outbox, sender } = await openMailbox();
  await outbox.saveDraft(id, structuredClone(toRaw(form)));
  const words = (text: string) => text.trim() || null;
  const [item] = await outbox.submit(id, [
    {
      kind: 'tip',
      body: {
        captured_at: media.value[0]?.capturedAt ?? new Date().toISOString(),
        text: form.text.trim(),
        hazard_type: form.hazardType,
        place: form.point && { lat: form.point.lat, lng: form.point.lng, accuracy_m: form.accuracy, source: form.source ?? 'pin' },
        place_words: words(form.placeWords),
        enterprise_words: words(form.enterprise),
        named: form.named,
        wants_notice: form.contact !== null,
      },
      identity: form.named ? { name: form.name.trim(), phone: form.phone.trim() } : null,
      contact: form.contact && toSeal(form.contact, appearance.locale),
    },
  ]);
  if (!item) throw new Error('the outbox took nothing');
  clear();
  sender.wake();
  return item.id;
}

/** The unfinished report that Home offers to go on with. */
export const unfinished = computed(() => drafts.value.find((draft) => draft.kind === 'tip') ?? null);
