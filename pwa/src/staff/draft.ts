import { nextTick, onScopeDispose, type Reactive, reactive, ref, shallowRef, toRaw, watch } from 'vue';
import type { DraftMedium, JsonObject, SubmissionKind } from '@/outbox';
import { atOnce } from '@/outbox/saving';
import { outbox } from './sending';

/** Photos that are being reduced and sealed now, in whichever form. */
const storing = new Set<Promise<unknown>>();

/** Lets `finish` wait for a photo that was chosen but is not stored yet. */
export async function whileStoring<T>(work: Promise<T>): Promise<T> {
  storing.add(work);
  try {
    return await work;
  } finally {
    storing.delete(work);
  }
}

/** Plain copy of what a form holds, as the outbox stores it. */
const plain = (data: object): JsonObject => JSON.parse(JSON.stringify(toRaw(data))) as JsonObject;

/**
 * A form that is kept on the phone from the first touch. With `id` null a draft is made at the first change.
 * Throws nothing: a phone that cannot store tells it through `fault`.
 */
export function useDraft<T extends object>(kind: SubmissionKind, known: { id: string; data: JsonObject } | null, initial: () => T) {
  const data = reactive((known ? plain(known.data) : initial()) as T) as Reactive<T>;
  const id = ref<string | null>(known?.id ?? null);
  const media = shallowRef<DraftMedium[]>([]);
  const fault = ref<unknown>(null);
  let making: Promise<string> | null = null;
  let ended = false;

  async function ensure(): Promise<string> {
    making ??= (async () => {
      const made = id.value ?? (await outbox().createDraft(kind, plain(data))).id;
      id.value = made;
      return made;
    })();
    try {
      return await making;
    } catch (error) {
      making = null;
      throw error;
    }
  }
  async function look(): Promise<void> {
    if (id.value) media.value = (await outbox().draft(id.value))?.media ?? [];
  }
  const flush = atOnce(async () => {
    if (ended) return;
    try {
      await outbox().saveDraft(await ensure(), plain(data));
      fault.value = null;
    } catch (error) {
      fault.value = error;
    }
  });
  /**
   * Before submitting or leaving a form: photos that were chosen belong to it, those still being stored too.
   * Throws OutboxError when one of them could not be stored: the person stays where that is told.
   */
  async function finish(): Promise<void> {
    while (storing.size) {
      const ends = await Promise.allSettled([...storing]);
      await nextTick(); // the form takes their ids
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    }
    await flush();
  }

  watch(data, () => void flush(), { deep: true });
  const unsubscribe = outbox().subscribe((change) => change.id === id.value && void look());
  onScopeDispose(unsubscribe);
  void look();

  return {
    id, data, media, fault, ensure, flush, finish, look,
    /** After submitting or discarding: nothing is written any more. */
    end(): void {
      ended = true;
    },
  };
}
