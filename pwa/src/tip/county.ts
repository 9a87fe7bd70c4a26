import { shallowRef } from 'vue';
import { api, call } from '@/api/client';
import type { paths } from '@/api/schema';

export type County = paths['/api/v1/public/county']['get']['responses'][200]['content']['application/json'];

/** The county this server is for; null until it is known. The service worker keeps the last answer for use without signal. */
export const county = shallowRef<County | null>(null);
let asking: Promise<void> | null = null;

/** Loads the county once; stays null where neither network nor cache has it (words then serve instead of chips and map). */
export function loadCounty(): Promise<void> {
  asking ??= call(api.GET('/api/v1/public/county'))
    .then((answer) => void (county.value = answer))
    .catch(() => void (asking = null));
  return asking;
}
