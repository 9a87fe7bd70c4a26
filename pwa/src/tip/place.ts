import { onBeforeUnmount, ref } from 'vue';
import type { Point } from '@/report/rules';

export type Locating = 'idle' | 'asking' | 'found' | 'denied' | 'unavailable';

const GOOD_ENOUGH_M = 20;
const PATIENCE_MS = 20_000;

/** Finds where the phone is and gets better for up to 20 seconds; `found` gets every better fix. Call in setup(). */
export function useLocating(found: (point: Point, accuracy: number) => void) {
  const state = ref<Locating>('idle');
  let watching: number | null = null;
  let patience: ReturnType<typeof setTimeout> | undefined;
  let best = Infinity;

  function stop(): void {
    if (watching !== null) navigator.geolocation.clearWatch(watching);
    watching = null;
    clearTimeout(patience);
    if (state.value === 'asking') state.value = best < Infinity ? 'found' : 'unavailable';
  }

  function locate(): void {
    stop();
    if (!('geolocation' in navigator)) {
      state.value = 'unavailable';
      return;
    }
    best = Infinity;
    state.value = 'asking';
    watching = navigator.geolocation.watchPosition(
      ({ coords }) => {
        if (coords.accuracy >= best) return;
        best = coords.accuracy;
        state.value = 'found';
        found({ lat: coords.latitude, lng: coords.longitude }, Math.round(coords.accuracy));
        if (best <= GOOD_ENOUGH_M) stop();
      },
      (error) => {
        if (error.code === error.PERMISSION_DENIED) state.value = 'denied';
        else if (best === Infinity) state.value = 'unavailable';
        stop();
      },
      { enableHighAccuracy: true, maximumAge: 10_000, timeout: PATIENCE_MS },
    );
    patience = setTimeout(stop, PATIENCE_MS);
  }

  /** True where the phone would answer without asking the person again. */
  async function allowed(): Promise<boolean> {
    try {
      return (await navigator.permissions.query({ name: 'geolocation' })).state === 'granted';
    } catch {
      return false;
    }
  }

  onBeforeUnmount(stop);
  return { state, locate, stop, allowed };
}
