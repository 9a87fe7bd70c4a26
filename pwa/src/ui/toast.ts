import { readonly, ref } from 'vue';

const current = ref<string | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

/** The sentence that ToastHost shows now, or null. */
export const toastText = readonly(current);

/** Shows one short sentence for a few seconds; for facts that need no decision ("已复制"). */
export function toast(text: string): void {
  current.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (current.value = null), 3500);
}
