import { useI18n } from 'vue-i18n';

/** Dates and sizes as a person says them, in the chosen language; call in setup(). */
export function useFormats() {
  const { locale } = useI18n();
  const when = (iso: string) =>
    new Intl.DateTimeFormat(locale.value, { year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(iso));
  const day = (iso: string) =>
    new Intl.DateTimeFormat(locale.value, { year: 'numeric', month: 'long', day: 'numeric' }).format(new Date(iso));
  const size = (bytes: number) => {
    if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1000))} KB`;
    const [amount, unit] = bytes < 1_000_000_000 ? [bytes / 1_000_000, 'MB'] : [bytes / 1_000_000_000, 'GB'];
    return `${amount.toFixed(amount < 10 ? 1 : 0)} ${unit}`;
  };
  return { when, day, size };
}
