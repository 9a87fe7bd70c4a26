import { readonly, ref } from 'vue';

const state = ref(typeof navigator === 'undefined' ? true : navigator.onLine);
if (typeof window !== 'undefined') {
  window.addEventListener('online', () => (state.value = true));
  window.addEventListener('offline', () => (state.value = false));
}

/** Whether the browser believes it has a network; only a signed answer proves that something arrived. */
export const online = readonly(state);
