import { onScopeDispose, type Reactive, reactive, ref, shallowRef, toRaw, watch } from 'vue';
import type { DraftMedium, JsonObject, SubmissionKind } from '@/outbox';
import { outbox } from './sending';

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
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saving: Promise<void> = Promise.resolve();
  let ended = false;

  async function ensure(): Promise<string> {
    making ??= (async () => {
      const made = id.value ?? (await outbox().createDraft(kind)).id;
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
  /** Writes now what the form holds; one write after another. */
  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (ended) return saving;
    saving = saving.then(async () => {
      try {
        await outbox().saveDraft(await ensure(), plain(data));
        fault.value = null;
      } catch (error) {
        fault.value = error;
      }
    });
    return saving;
  }
  const flushIfOwed = () => void (timer !== undefined && flush());

  watch(data, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void flush(), 200);
  }, { deep: true });
  const hidden = () => document.visibilityState === 'hidden' && flushIfOwed();
  document.addEventListener('visibilitychange', hidden);
  window.addEventListener('pagehide', flushIfOwed);
  const unsubscribe = outbox().subscribe((change) => change.id === id.value && void look());
  onScopeDispose(() => {
    flushIfOwed();
    unsubscribe();
    document.removeEventListener('visibilitychange', hidden);
    window.removeEventListener('pagehide', flushIfOwed);
  });
  void look();

  return {
    id, data, media, fault, ensure, flush, look,
    /** After submitting or discarding: nothing is written any more. */
    end(): void {
      clearTimeout(timer);
      timer = undefined;
      ended = true;
    },
  };
}
