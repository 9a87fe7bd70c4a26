import { onScopeDispose, readonly, ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { OutboxError } from '@/outbox';
import { useProblemText } from '@/api/words';
import { county } from './county';
import { age, timeLeft } from './left';
import { known } from './sync';
import type { Flag, Reason } from './wire';

const ZONE = 'Asia/Shanghai';

/** The present moment in ms, renewed every half minute while the component lives. */
export function useNow() {
  const now = ref(Date.now());
  const timer = setInterval(() => (now.value = Date.now()), 30_000);
  onScopeDispose(() => clearInterval(timer));
  return readonly(now);
}

/** Codes, times and distances of the work in the person's language; call in setup(). */
export function useWords() {
  const { t, te, locale } = useI18n();
  const now = useNow();
  const problem = useProblemText();
  const format = (options: Intl.DateTimeFormatOptions) => (at: string) =>
    new Intl.DateTimeFormat(locale.value, { timeZone: ZONE, ...options }).format(new Date(at));
  const found = (family: string, code: string | null | undefined, params: Record<string, unknown> = {}): string | null =>
    code && te(`${family}.${code}`) ? t(`${family}.${code}`, params) : null;

  /** The name of a field of a report; some are called otherwise in the forms of a case. */
  const said = (field: string | null) => {
    const name = field?.split('.')[0];
    return found('said', name) ?? found('field', name) ?? field ?? '';
  };

  /** Hours that nobody can picture, as days. */
  const daysApart = ({ code, params }: Reason): string | null =>
    code === 'hours_apart' && Number(params['hours']) >= 72 ? found('reason', 'days_apart', { days: Math.round(Number(params['hours']) / 24) }) : null;

  return {
    now,
    day: format({ month: 'long', day: 'numeric' }),
    moment: format({ month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit' }),
    full: format({ dateStyle: 'long', timeStyle: 'short' }),
    age(since: string): string {
      const { unit, n } = age(since, now.value);
      return unit === 'minutes' && n < 1 ? t('span.now') : t(`span.${unit}`, { n });
    },
    left(due: string): string {
      const { unit, n, over } = timeLeft(due, now.value);
      return t(over ? 'span.over' : 'span.left', { span: t(`span.${unit}`, { n }) });
    },
    /** A name without the county and town it begins with, which every row would repeat before what tells them apart. */
    brief(name: string | null | undefined): string {
      const places = [county.value?.name, ...(county.value?.areas ?? []).filter((area) => area.kind === 'town').map((area) => area.name)];
      let rest = name ?? '';
      for (const place of places) if (place && rest.startsWith(place) && rest.length > place.length + 1) rest = rest.slice(place.length);
      return rest;
    },
    overdue: (due: string | null): boolean => !!due && Date.parse(due) < now.value,
    distance: (m: number): string => (m < 950 ? t('distance.m', { n: Math.round(m / 10) * 10 }) : t('distance.km', { n: (m / 1000).toFixed(1) })),
    /** The word for a code of the server, or the code itself where this version does not know it yet. */
    word: (family: string, code: string | null | undefined): string => found(family, code) ?? code ?? '',
    reason: (reason: Reason): string => daysApart(reason) ?? found('reason', reason.code, readable(reason.params)) ?? t('reason.unknown', { code: reason.code }),
    flag: (flag: Flag): string =>
      found('flag', flag.code, { field: said(flag.field), detail: flag.detail ?? '' }) ?? flag.detail ?? flag.code,
    /** A sentence for whatever went wrong: the server's refusal, no answer, or the phone's own store. */
    trouble: (error: unknown): string =>
      error instanceof OutboxError ? (found('fault', error.code, megabytes(error.details)) ?? t('fault.storage')) : problem(error),
  };
}

/** Parameters of a reason as a person reads them: lists joined, hazard types by name. */
function readable(params: Record<string, unknown>): Record<string, unknown> {
  const type = (value: unknown) => known.hazardTypes.find((one) => one.code === value)?.name ?? value;
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, Array.isArray(value) ? value.map(String).join('、') : type(value)]),
  );
}

/** The numbers of an outbox fault as a person reads them: sizes in MB. */
function megabytes(details: Readonly<Record<string, string | number>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === 'number' && value > 100_000 ? Math.ceil(value / 1_000_000) : value,
    ]),
  );
}
