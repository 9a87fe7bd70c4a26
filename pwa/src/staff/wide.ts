import { readonly, ref } from 'vue';

const query = matchMedia('(min-width: 900px)');
const state = ref(query.matches);

/** True on a screen with room for the desk; pages lay themselves out by it. */
export const wide = readonly(state);

/** Denser type on wide screens; call once. */
export function followWidth(): void {
  const apply = () => {
    state.value = query.matches;
    if (query.matches) document.documentElement.dataset['density'] = 'desk';
    else delete document.documentElement.dataset['density'];
  };
  query.addEventListener('change', apply);
  apply();
}
