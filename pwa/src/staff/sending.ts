/** The staff app's one outbox and sender, and what the screens show of them. */
import { computed, reactive, shallowRef, watch } from 'vue';
import { Unreachable } from '@/api/client';
import { type Draft, type Item, Outbox, Sender } from '@/outbox';
import { accessToken, needsSignIn, personId, session } from './session';
import { syncNow } from './sync';
import type { Mark, WorkStore } from './work';

let box: Outbox | null = null;
let sender: Sender | null = null;
let store: WorkStore | null = null;

/** Newest first. */
export const items = shallowRef<Item[]>([]);
export const drafts = shallowRef<Draft[]>([]);
/** What a submission of this phone has dealt with: by `visit:<id>` or `case:<id>`. */
export const marks = reactive(new Map<string, Mark>());

/** What this person still has to send, or has to look at. */
export const unsent = computed(() => items.value.filter((item) => item.owner === personId() && item.state !== 'complete'));
export const mine = computed(() => drafts.value.filter((draft) => draft.owner === personId()));

export function outbox(): Outbox {
  if (!box) throw new Error('the outbox is opened in main.ts before any screen is shown');
  return box;
}

async function reload(): Promise<void> {
  if (!box) return;
  [items.value, drafts.value] = await Promise.all([box.items(), box.drafts()]);
}

/** Null asks for sign-in; without a signal nobody can tell whether that is needed, so that is no answer. */
async function getToken({ owner, rejected }: { owner: string | null; rejected: string | null }): Promise<string | null> {
  if (owner !== personId()) return null;
  const token = await accessToken(rejected);
  if (token === null && !needsSignIn.value) throw new Unreachable('no token without signal');
  return token;
}

/** Opens the outbox and sends from now on whenever there is a way. Throws where the browser's database does not work. */
export async function startSending(db: WorkStore): Promise<void> {
  store = db;
  for (const mark of await db.getAll('marks')) marks.set(mark.about, mark);
  box = await Outbox.open({ database: 'gridwatch-staff', api: '/api/v1', owner: personId });
  await reload();
  box.subscribe(() => void reload());
  sender = new Sender(box, { getToken });
  sender.start();
  navigator.serviceWorker?.addEventListener('message', (event: MessageEvent<{ type?: string } | null>) => {
    if (event.data?.type === 'send-outbox') sendNow();
  });
  watch(() => session.standing, (standing) => standing === 'in' && sendNow());
  // What has just arrived changes what the server tells: the visit is done, the case has moved on.
  watch(
    () => items.value.filter((item) => item.state === 'complete').length,
    (now, before) => now > before && void syncNow(),
  );
}

export function sendNow(): void {
  sender?.wake();
  void syncNow();
}

/** Remembers that `item` deals with `about` until the server's own data show it. */
export async function mark(about: string, item: string, seen = 0): Promise<void> {
  const made: Mark = { about, owner: personId() ?? '', item, at: new Date().toISOString(), seen };
  await store?.put('marks', made);
  marks.set(about, made);
}

/** Forgets what this item dealt with: it was taken back, or given up. */
async function unmark(item: string): Promise<void> {
  for (const { about } of [...marks.values()].filter((mark) => mark.item === item)) {
    marks.delete(about);
    await store?.delete('marks', about);
  }
}

/** Turns a refused item into a draft again. Throws OutboxError `not_mendable`. */
export async function mend(item: string): Promise<Draft> {
  const draft = await outbox().mend(item);
  await unmark(item);
  await reload(); // the page that opens it looks for it there
  return draft;
}

/** Takes a refused item off this phone. */
export async function giveUp(item: string): Promise<void> {
  await outbox().forget(item);
  await unmark(item);
}

/** The item that deals with `about`, while it is still on its way. */
export function onItsWay(about: string): Item | null {
  const found = marks.get(about);
  return items.value.find((item) => item.id === found?.item && item.state !== 'complete') ?? null;
}
/** True where this phone has sent something about it, whatever the server's data still say. */
export const dealtWith = (about: string): boolean => marks.has(about);

/** True from queueing a step of a case until its history shows that the server has dealt with it. */
export function waitsForServer(caseId: string, lines: number): boolean {
  const found = marks.get(`case:${caseId}`);
  return !!found && (onItsWay(found.about) !== null || lines <= found.seen);
}
