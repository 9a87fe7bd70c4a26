import { watch } from 'vue';
import { createI18n } from 'vue-i18n';
import { appearance, type Locale } from './appearance';

type Messages = Record<string, unknown>;

/** One tree of several files. Two levels are enough: a family such as `problem` may have words in each file. */
function together(files: readonly Messages[]): Messages {
  const all: Messages = {};
  for (const file of files)
    for (const [family, words] of Object.entries(file)) all[family] = { ...(all[family] as Messages | undefined), ...(words as Messages) };
  return all;
}

/** The app's translations: Chinese comes with the app, any other language when it is asked for (and stays Chinese where it
 * cannot be loaded). */
export async function loadI18n(chinese: Messages[], others: Record<Exclude<Locale, 'zh-CN'>, () => Promise<{ default: Messages }[]>>) {
  const i18n = createI18n({
    legacy: false,
    locale: 'zh-CN',
    fallbackLocale: 'zh-CN',
    messages: { 'zh-CN': together(chinese) as never },
    missingWarn: false,
    fallbackWarn: false,
  });
  const have = new Set<Locale>(['zh-CN']);
  const use = async (locale: Locale) => {
    if (locale !== 'zh-CN' && !have.has(locale)) {
      i18n.global.setLocaleMessage(locale, together((await others[locale]()).map((file) => file.default)) as never);
      have.add(locale);
    }
    (i18n.global.locale as { value: string }).value = locale;
  };
  const follow = () => use(appearance.locale).catch(() => undefined);
  watch(() => appearance.locale, follow);
  await follow();
  return i18n;
}
