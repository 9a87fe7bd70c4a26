/**
 * Steps that may still be taken back (`undo_s` of the table of steps): they wait that long before they are sent.
 *
 * What waits lies in memory and in a database of its own from the tap until the server's answer. A tab that is closed sends it on its way
 * out (`keepalive`); if even that is lost, say because the whole browser ends, the next start on this browser sends it.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { readonly, ref, shallowRef, watch } from 'vue';
import { Problem, Unreachable } from '@/api/client';
import { sendSteps } from './server';
import { personId, session } from './session';
import type { CasePage, CaseRow } from './wire';

type Seen = { id: string; version: number };
type Held = {
  id: string;
  person: string;
  /** Many only for a step without fields. */
  cases: Seen[];
  step: string;
  fields: Record<string, unknown>;
  /** What was done, in words. */
  label: string;
  /** When it is sent, in ms. */
  at: number;
};
/** What the server did not take: the case stays as it is, what was typed is still there. */
type Refused = { held: Held; cases: { id: string; problem: string; row: CaseRow | null }[]; current: CasePage | null };

/** From then on nobody's tab can be about to send it. */
const ABANDONED_MS = 15_000;
const AGAIN_MS = 5_000;

const mine = shallowRef<Held[]>([]);
const trouble = shallowRef<Refused[]>([]);
const sent = ref(0);
const timers = new Map<string, ReturnType<typeof setTimeout>>();
const done = new Map<string, () => void>();

/** What waits in this tab, the latest last. */
export const held = readonly(mine);
export const refused = readonly(trouble);
/** Counts what the server has taken, so that lists know when to look again. */
export const sentCount = readonly(sent);
export const isHeld = (caseId: string): boolean => mine.value.some((one) => one.cases.some((seen) => seen.id === caseId));

interface Kept extends DBSchema {
  held: { key: string; value: Held };
}
let store: IDBPDatabase<Kept> | null = null;
// A browser that cannot write now still has it in memory, and sends it from there.
const keep = (one: Held): void => void store?.put('held', one).catch(() => undefined);
const drop = (one: Held): void => void store?.delete('held', one.id).catch(() => undefined);

/** Takes a step that may be taken back for `seconds`; `after` is called once the server has it. */
export function hold(cases: Seen[], step: string, fields: Record<string, unknown>, label: string, seconds: number, after?: () => void): void {
  const one: Held = { id: crypto.randomUUID(), person: personId() ?? '', cases, step, fields, label, at: Date.now() + seconds * 1000 };
  keep(one);
  mine.value = [...mine.value, one];
  if (after) done.set(one.id, after);
  plan(one, seconds * 1000);
}
/** Takes back what was done last; it was never sent. Null when nothing waits any more. */
export function undo(): Held | null {
  const one = mine.value.at(-1);
  if (!one) return null;
  forget(one);
  return one;
}
/** The person has read it. */
export function dismiss(id: string): void {
  trouble.value = trouble.value.filter((other) => other.held.id !== id);
}
/** Sends now whatever waits, say before signing out. */
export async function flush(): Promise<void> {
  await Promise.all(mine.value.map((one) => send(one)));
}
/** Opens the store; sends what a closed tab left there whenever its person is signed in. Throws where the browser's database does not work. */
export async function startHeld(): Promise<void> {
  store = await openDB<Kept>('gridwatch-staff-held', 1, { upgrade: (db) => void db.createObjectStore('held', { keyPath: 'id' }) });
  watch(() => session.standing === 'in', (signedIn) => signedIn && void resume(), { immediate: true });
  // It stays in the store for whoever took it, and is neither shown to nor sent by the next one here.
  watch(personId, () => {
    timers.forEach(clearTimeout);
    mine.value = [];
  });
}
async function resume(): Promise<void> {
  const left = async () => ((await store?.getAll('held')) ?? []).filter((one) => one.person === personId() && !mine.value.some(({ id }) => id === one.id));
  const work = async () => {
    for (const one of await left()) if (one.at < Date.now() - ABANDONED_MS) await send(one);
  };
  await ('locks' in navigator ? navigator.locks.request('gridwatch-held', work) : work());
  // Another tab may still be about to send these, or the server could not be reached.
  if (session.standing === 'in' && (await left()).length) setTimeout(() => void resume(), ABANDONED_MS);
}

function plan(one: Held, ms: number): void {
  clearTimeout(timers.get(one.id));
  timers.set(one.id, setTimeout(() => void send(one), ms));
}
function forget(one: Held): void {
  clearTimeout(timers.get(one.id));
  timers.delete(one.id);
  done.delete(one.id);
  drop(one);
  mine.value = mine.value.filter((other) => other.id !== one.id);
}

async function send(one: Held, leaving = false): Promise<void> {
  clearTimeout(timers.get(one.id));
  try {
    const kept = (await sendSteps(one.cases, one.step, one.fields, leaving)).filter((answer) => answer.problem);
    const after = done.get(one.id);
    forget(one);
    sent.value += 1;
    if (kept.length) trouble.value = [...trouble.value, { held: one, cases: kept.map(({ id, problem, row }) => ({ id, problem: problem ?? '', row })), current: null }];
    else after?.();
  } catch (error) {
    if (error instanceof Unreachable || (error instanceof Problem && (error.status === 401 || error.status >= 500))) {
      if (mine.value.includes(one)) plan(one, AGAIN_MS);
      return;
    }
    forget(one);
    sent.value += 1;
    const current = error instanceof Problem ? ((error.extra['current'] as CasePage | undefined) ?? null) : null;
    // The answer to a tab that was closed got lost: it was taken.
    const last = current?.history.at(-1);
    if (last?.step === one.step && last.actor_name === session.person?.name) return;
    const problem = error instanceof Problem ? error.code : 'bug';
    trouble.value = [...trouble.value, { held: one, cases: one.cases.map(({ id }) => ({ id, problem, row: null })), current }];
  }
}

addEventListener('pagehide', () => {
  for (const one of mine.value) void send(one, true);
});
