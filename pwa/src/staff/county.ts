import { readonly, shallowRef } from 'vue';
import { api, call } from '@/api/client';

const get = () => call(api.GET('/api/v1/public/county'));
const state = shallowRef<Awaited<ReturnType<typeof get>> | null>(null);

/** The county's map, hazard types and limits; the service worker keeps the answer for work without signal. */
export const county = readonly(state);

let asked: Promise<void> | null = null;
/** Fetches it once; null stays where it was never reached. */
export function loadCounty(): Promise<void> {
  asked ??= get().then(
    (answer) => void (state.value = answer),
    () => void (asked = null),
  );
  return asked;
}
