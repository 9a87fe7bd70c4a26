import type { CaseSheet } from '../wire';

/** What can stand in braces in a template (feedback/templates.py). */
export const PLACEHOLDERS = ['finding', 'account', 'measures', 'enterprise', 'unit', 'date'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];
export type Fillings = Partial<Record<Placeholder, string>>;

/** What the case says for each placeholder; the last word counts. */
export function fillings(page: CaseSheet, finding: string, today: string): Fillings {
  const said = (step: string, field: string) => page.history.filter((event) => event.step === step && !event.late).at(-1)?.fields[field];
  const words = (step: string, field: string) => String(said(step, field) ?? '');
  return {
    finding,
    account: words('verify', 'account'),
    measures: words('rectify', 'done') || words('plan', 'measures'),
    enterprise: page.enterprise ?? '',
    unit: page.unit_name ?? '',
    date: today,
  };
}

type Words = (name: Placeholder) => string;
/** A template as a person reads and writes it: placeholders in their language. */
export const spoken = (text: string, words: Words): string => PLACEHOLDERS.reduce((all, name) => all.replaceAll(`{${name}}`, `{${words(name)}}`), text);
/** The same as it is kept. */
export const kept = (text: string, words: Words): string => PLACEHOLDERS.reduce((all, name) => all.replaceAll(`{${words(name)}}`, `{${name}}`), text);

/** The template with what the case says; a placeholder of which nothing is known stays, for the writer to see. */
export const fill = (text: string, known: Fillings): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => known[name as Placeholder] || whole);
