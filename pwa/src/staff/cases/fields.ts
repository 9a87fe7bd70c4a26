import type { Step, StepField } from '../wire';

export type Values = Record<string, unknown>;
/** What is missing in a field; the sentence is `form.<code>`. */
export type FieldFault = { code: 'required' | 'short' | 'long' | 'names'; n: number };

export const emptyValue = (field: StepField): unknown =>
  field.type === 'names' ? Array.from({ length: Math.max(field.min_items, 1) }, () => '') : field.type === 'text' ? '' : null;

/** The values as they are sent: trimmed, without empty names and without fields that were left out. */
export function tidy(step: Step, values: Values): Values {
  const sent: Values = {};
  for (const field of step.fields) {
    const value = values[field.name];
    if (field.type === 'names') {
      const names = (Array.isArray(value) ? value : []).map((name) => String(name).trim()).filter(Boolean);
      if (names.length) sent[field.name] = [...new Set(names)];
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
    } else if (field.type === 'names' && Array.isArray(value)) {
      if (value.length < field.min_items) faults[field.name] = { code: 'names', n: field.min_items };
      else if (value.some((name: string) => [...name].length < field.min_length)) faults[field.name] = { code: 'short', n: field.min_length };
    }
  }
  return faults;
}

/** Steps that are evidence from the spot: they go through the outbox, so that they work in a basement. */
export const FROM_THE_SPOT: ReadonlySet<string> = new Set(['verify', 'rectify', 'recheck_pass', 'recheck_fail']);
/** Steps in which the reporter reads what is written. */
export const READ_BY_REPORTER: ReadonlySet<string> = new Set(['reply']);
const AGAINST: ReadonlySet<string> = new Set(['return', 'decline', 'refuse', 'redirect', 'recheck_fail']);
/** A step that turns something back: an outlined button, never the main one. */
export const turnsBack = (step: string): boolean => AGAINST.has(step);
