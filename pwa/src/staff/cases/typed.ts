import type { Values } from './fields';

const kept = new Map<string, Values>();

/** What was typed for a step of a case and not sent yet, while the app is open; empty at first. */
export function typedFor(caseId: string, step: string, initial: () => Values): Values {
  const key = `${caseId} ${step}`;
  const found = kept.get(key) ?? initial();
  kept.set(key, found);
  return found;
}
export const forgetTyped = (caseId: string, step: string): boolean => kept.delete(`${caseId} ${step}`);
