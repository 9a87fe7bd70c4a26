import { readonly, ref } from 'vue';
import { flush } from './held';
import { mine, unsent } from './sending';
import { signOut } from './session';

const asking = ref(false);

/** Signing out asks first when this phone still holds work that was not sent; that work is never deleted by it. */
export function useLeaving() {
  return {
    /** True while the question is to be shown. */
    asking: readonly(asking),
    leave(): void {
      if (unsent.value.length + mine.value.length > 0) asking.value = true;
      else void flush().then(signOut);
    },
    stay(): void {
      asking.value = false;
    },
    async goAnyway(): Promise<void> {
      asking.value = false;
      await flush();
      await signOut();
    },
  };
}
