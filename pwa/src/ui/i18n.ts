import { watch } from 'vue';
import { createI18n } from 'vue-i18n';
import { appearance, type Locale } from './appearance';

type Messages = Record<string, unknown>;

/** The app's translations: Chinese comes with the app, any other language when it is asked for (and stays Chinese where it
 * cannot be loaded). */
export async function loadI18n(chinese: Messages[], others: Record<Exclude<Locale, 'zh-CN'>, () => Promise<{ default: Messages }[]>>) {
  const i18n = createI18n({
    legacy: false,
    locale: 'zh-CN',
    fallbackLocale: 'zh-CN',
    missingWarn: false,
    fallbackWarn: false,
  });
  for (const messages of chinese) i18n.global.mergeLocaleMessage('zh-CN', messages);
  const have = new Set<Locale>(['zh-CN']);
  const use = async (locale: Locale) => {
    if (locale !== 'zh-CN' && !have.has(locale)) {
      for (const file of await others[locale]()) i18n.global.mergeLocaleMessage(locale, file.default);
      have.add(locale);
    }
    i18n.global.locale.value = locale;
  };
  const follow = () => use(appearance.locale).catch(() => undefined);
  watch(() => appearance.locale, follow);
  await follow();
  return i18n;
}
