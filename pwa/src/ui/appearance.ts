import { reactive, watch } from 'vue';

export type Theme = 'system' | 'light' | 'dark' | 'sun';
export type Size = 'normal' | 'elder';
export type Locale = 'zh-CN' | 'en';
export type Appearance = { theme: Theme; size: Size; locale: Locale };

const KEY = 'gridwatch.appearance';

function read(): Appearance {
  const chosen: Appearance = { theme: 'system', size: 'normal', locale: 'zh-CN' };
  try {
    return { ...chosen, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Appearance>) };
  } catch {
    return chosen; // storage switched off or an unreadable value: the defaults serve
  }
}

/** How the person wants the app to look; both apps of one origin share it. Change it and the page follows. */
export const appearance = reactive(read());

function apply(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const theme = appearance.theme === 'system' ? (dark ? 'dark' : 'light') : appearance.theme;
  const root = document.documentElement;
  root.dataset['theme'] = theme;
  root.dataset['size'] = appearance.size;
  root.lang = appearance.locale;
}

/** Puts the choice on <html> now and after every change; call once, before mounting. */
export function followAppearance(): void {
  apply();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  watch(appearance, () => {
    apply();
    try {
      localStorage.setItem(KEY, JSON.stringify(appearance));
    } catch {
      // Private mode without storage: the choice lasts as long as the page.
    }
  });
}
