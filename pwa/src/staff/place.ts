import { readonly, ref } from 'vue';
import type { Fix } from './patrol/patrol';

const last = ref<Fix | null>(null);
/** Where this phone last was, once the person has allowed it; WGS-84. */
export const here = readonly(last);

/** Asks the phone where it is; null when it may not or cannot say within 15 s. */
export function locate(): Promise<Fix | null> {
  if (!('geolocation' in navigator)) return Promise.resolve(null);
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        last.value = {
          lat: coords.latitude,
          lng: coords.longitude,
          accuracy_m: Math.round(coords.accuracy),
          source: 'gps',
        };
        resolve(last.value);
      },
      () => resolve(null),
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 30_000 },
    );
  });
}

/** Locates only where the person has allowed it before, so that opening a page asks nothing. */
export async function locateIfAllowed(): Promise<void> {
  try {
    const permission = await navigator.permissions.query({ name: 'geolocation' });
    if (permission.state === 'granted') await locate();
  } catch {
    // Old Safari cannot be asked about permissions; the button does it.
  }
}

/** Metres along the ground between two places. */
export function metresBetween(a: { lat: number; lng: number }, b: { lat: number; lng: number }): number {
  const rad = Math.PI / 180;
  const dLat = (b.lat - a.lat) * rad;
  const dLng = (b.lng - a.lng) * rad;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(dLng / 2) ** 2;
  return 2 * 6_371_000 * Math.asin(Math.sqrt(h));
}
