import { dayAhead } from '../day';
import type { Signature, Step, StepField } from '../wire';

export type Values = Record<string, unknown>;
/** What is missing in a field; the sentence is `form.<code>`. */
export type FieldFault = { code: 'required' | 'short' | 'long' | 'names' | 'date' | 'money'; n: number };

export function emptyValue(field: StepField): unknown {
  if (field.type === 'names') return Array.from({ length: Math.max(field.min_items, 1) }, () => '');
  if (field.type === 'signature') return { name: '', strokes: [] } satisfies Signature;
  return field.type === 'text' ? '' : null;
}
export const isSignature = (value: unknown): value is Signature =>
  typeof value === 'object' && value !== null && 'name' in value && 'strokes' in value && Array.isArray(value.strokes);

/** Whole fen of an amount in yuan; null when it is no amount. */
export function fenOf(yuan: string): number | null {
  const found = /^(\d{1,11})(?:[.．](\d{1,2}))?$/.exec(yuan.trim());
  return found ? Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0')) : null;
}
export const yuanOf = (fen: number): string => (fen % 100 ? (fen / 100).toFixed(2) : String(fen / 100));

/** The values as they are sent: trimmed, without empty names and without fields that were left out. */
export function tidy(step: Step, values: Values): Values {
  const sent: Values = {};
  for (const field of step.fields) {
    const value = values[field.name];
    if (field.type === 'names') {
      const names = (Array.isArray(value) ? value : []).map((name) => String(name).trim()).filter(Boolean);
      if (names.length) sent[field.name] = [...new Set(names)];
    } else if (field.type === 'signature') {
      if (isSignature(value) && value.name.trim()) sent[field.name] = { name: value.name.trim(), strokes: value.strokes };
    } else if (typeof value === 'string' ? value.trim() : value !== null && value !== undefined) {
      sent[field.name] = typeof value === 'string' ? value.trim() : value;
    }
  }
  return sent;
}

/** The same rules as the server's table of steps, so that a sentence stands at the field before anything is sent. */
export function faultsOf(step: Step, values: Values): Record<string, FieldFault> {
  const sent = tidy(step, values);
  const faults: Record<string, FieldFault> = {};
  for (const field of step.fields) {
    const value = sent[field.name];
    if (value === undefined) {
      if (field.required) faults[field.name] = field.type === 'names' ? { code: 'names', n: field.min_items } : { code: 'required', n: 0 };
    } else if (field.type === 'text' && typeof value === 'string') {
      if ([...value].length < field.min_length) faults[field.name] = { code: 'short', n: field.min_length };
      else if ([...value].length > field.max_length) faults[field.name] = { code: 'long', n: field.max_length };
    } else if (field.type === 'signature' && isSignature(value)) {
      if ([...value.name].length < field.min_length) faults[field.name] = { code: 'short', n: field.min_length };
    } else if (field.type === 'date') {
      if (String(value) < dayAhead(0) || String(value) > dayAhead(field.within_days ?? 0)) faults[field.name] = { code: 'date', n: 0 };
    } else if (field.type === 'money') {
      if (typeof value !== 'number') faults[field.name] = { code: 'money', n: 0 };
    } else if (field.type === 'names' && Array.isArray(value)) {
      if (value.length < field.min_items) faults[field.name] = { code: 'names', n: field.min_items };
      else if (value.some((name: string) => [...name].length < field.min_length)) faults[field.name] = { code: 'short', n: field.min_length };
    }
  }
  return faults;
}

const AGAINST: ReadonlySet<string> = new Set(['return', 'decline', 'decline_after', 'refuse', 'redirect', 'recheck_fail', 'recall', 'overturn', 'deny_extension', 'deny_hand_over']);
/** A step that turns something back: an outlined button, never the main one. */
export const turnsBack = (step: string): boolean => AGAINST.has(step);
/** What the reporter reads of a step, written by whoever takes it. */
export const readByReporter = (step: Step): string | null => step.fields.find((field) => field.reporter_reads && field.type === 'text' && field.max_length > 200)?.name ?? null;
