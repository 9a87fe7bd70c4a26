import { onScopeDispose } from 'vue';

/** One key each for what the desk does all day; the words are in `key.<name>`. */
export const KEYS = {
  next: 'j',
  previous: 'k',
  accept: 'a',
  refuse: 'r',
  redirect: 't',
  same: 's',
  different: 'd',
  compare: 'c',
  route: 'u',
  open: 'o',
  sign: 'q',
  archive: 'e',
  tick: 'x',
  search: '/',
  filter: 'f',
  undo: 'z',
  help: '?',
} as const;
export type KeyName = keyof typeof KEYS;

type Actions = Partial<Record<KeyName, () => void>>;
const layers: Actions[] = [];

function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target as HTMLElement;
  if (target.closest('input, textarea, select, [contenteditable], [role="menu"]')) return;
  const name = (Object.keys(KEYS) as KeyName[]).find((one) => KEYS[one] === event.key);
  if (!name) return;
  // The last mounted part that knows the key has it; an open dialog keeps the keys from what lies under it.
  const dialog = document.querySelector('dialog[open], [role="dialog"]');
  for (const layer of [...layers].reverse()) {
    if (dialog && !DIALOG.has(layer)) continue;
    const act = layer[name];
    if (act) {
      event.preventDefault();
      act();
      return;
    }
  }
}
const DIALOG = new WeakSet<Actions>();

/** Keys while this component lives; `inDialog` for those that work while a dialog is open. */
export function useKeys(actions: Actions, inDialog = false): void {
  if (layers.length === 0) document.addEventListener('keydown', pressed);
  layers.push(actions);
  if (inDialog) DIALOG.add(actions);
  onScopeDispose(() => {
    layers.splice(layers.indexOf(actions), 1);
    if (layers.length === 0) document.removeEventListener('keydown', pressed);
  });
}
