import { useI18n } from 'vue-i18n';
import type { MediaFault } from './report';

/** Dates, sizes and faults of files as a person says them, in the chosen language; call in setup(). */
export function useFormats() {
  const { locale, t, te } = useI18n();
  const when = (iso: string) =>
    new Intl.DateTimeFormat(locale.value, { year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(iso));
  const day = (iso: string) =>
    new Intl.DateTimeFormat(locale.value, { year: 'numeric', month: 'long', day: 'numeric' }).format(new Date(iso));
  const size = (bytes: number) => {
    if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1000))} KB`;
    const [amount, unit] = bytes < 1_000_000_000 ? [bytes / 1_000_000, 'MB'] : [bytes / 1_000_000_000, 'GB'];
    return `${amount.toFixed(amount < 10 ? 1 : 0)} ${unit}`;
  };
  /** What is wrong with a chosen photo, video or sound, in a sentence. */
  const mediaSentence = (fault: MediaFault) => {
    const { kind, size: bytes, limit, needed, free } = fault.params;
    const key = `mediumFault.${fault.code}`;
    return t(te(key) ? key : 'mediumFault.unreadable', {
      name: fault.name,
      kind: te(`media.kind.${kind}`) ? t(`media.kind.${kind}`) : t('media.kind.other'),
      size: size(Number(bytes ?? needed ?? 0)),
      limit: fault.code === 'too_many_media' ? Number(limit) : size(Number(limit ?? free ?? 0)),
    });
  };
  return { when, day, size, mediaSentence };
}
