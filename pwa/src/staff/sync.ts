/** Keeps the phone's copy of the server's data near: asks for changes on start, when signal returns, and now and then. */
import { reactive, readonly, shallowReactive, watch } from 'vue';
import { getChanges, getHazardTypes, postRead } from './server';
import { session } from './session';
import { applyChanges, rowsOf, type WorkStore } from './work';
import type { CaseSheet, Checklist, Enterprise, HazardType, Notice, Visit } from './wire';

const EVERY_MS = 30_000;

type Known = {
  visits: Map<string, Visit>;
  enterprises: Map<string, Enterprise>;
  checklists: Map<string, Checklist>;
  /** What lies with this person's units, or waits for this person's recheck. */
  cases: Map<string, CaseSheet>;
  hazardTypes: HazardType[];
  notices: Map<string, Notice>;
};
/** All that this phone knows now; replaced topic by topic after each sync. */
export const known = shallowReactive<Known>({
  visits: new Map(),
  enterprises: new Map(),
  checklists: new Map(),
  cases: new Map(),
  hazardTypes: [],
  notices: new Map(),
});

const state = reactive<{ loaded: boolean; running: boolean; at: string | null }>({ loaded: false, running: false, at: null });
/** `loaded`: the phone's store was read. `at`: when the server was last heard. */
export const syncState = readonly(state);

let store: WorkStore | null = null;

async function reload(db: WorkStore): Promise<void> {
  const [visits, enterprises, checklists, cases, notices] = await Promise.all([
    rowsOf<Visit>(db, 'visit'),
    rowsOf<Enterprise>(db, 'enterprise'),
    rowsOf<Checklist>(db, 'checklist'),
    rowsOf<CaseSheet>(db, 'case'),
    rowsOf<Notice>(db, 'notice'),
  ]);
  for (const id of await readHere(db)) {
    const one = notices.get(id);
    if (one) notices.set(id, { ...one, read_at: one.read_at ?? new Date().toISOString() });
  }
  const hazardTypes = ((await db.get('facts', 'hazard_types')) as HazardType[] | undefined) ?? [];
  Object.assign(known, { visits, enterprises, checklists, cases, hazardTypes, notices });
  state.at = ((await db.get('facts', 'synced_at')) as string | undefined) ?? null;
  state.loaded = true;
}

const READ = 'notices_read';
/** Notices that were read on this phone while the server does not know it yet. */
const readHere = async (db: WorkStore) => ((await db.get('facts', READ)) as string[] | undefined) ?? [];

async function tellRead(db: WorkStore): Promise<void> {
  const told = (await readHere(db)).slice(0, 500);
  if (!told.length) return;
  await postRead(told);
  await db.put('facts', (await readHere(db)).filter((id) => !told.includes(id)), READ);
}

/** Marks notices as read: on this phone at once, at the server as soon as it is reached. */
export async function markRead(ids: string[]): Promise<void> {
  if (!store) return;
  await store.put('facts', [...new Set([...(await readHere(store)), ...ids])], READ);
  await reload(store);
  void syncNow();
}

/** Fetches page after page; what arrived stays even if the next page does not. */
async function pull(db: WorkStore): Promise<void> {
  await tellRead(db);
  for (let more = true; more; ) {
    const cursor = (await db.get('facts', 'cursor')) as string | undefined;
    const page = await getChanges(cursor);
    await applyChanges(db, page);
    more = page.more;
  }
  await db.put('facts', new Date().toISOString(), 'synced_at');
  if (known.hazardTypes.length === 0) await db.put('facts', await getHazardTypes(), 'hazard_types');
}

let round: Promise<boolean> | null = null;

/** One round now, or the one under way; gives whether the server was heard. Without signal or sign-in nothing happens. */
export function syncNow(): Promise<boolean> {
  if (!store || session.standing === 'out') return Promise.resolve(false);
  round ??= oneRound(store).finally(() => (round = null));
  return round;
}
async function oneRound(db: WorkStore): Promise<boolean> {
  state.running = true;
  try {
    await pull(db);
    return true;
  } catch {
    return false; // No signal, or sign-in needed: the copy on the phone serves until the next round.
  } finally {
    state.running = false;
    await reload(db);
  }
}

/** Reads the copy on the phone, then keeps it fresh while the app is visible. */
export async function startSync(db: WorkStore): Promise<void> {
  store = db;
  await reload(db);
  const visible = () => document.visibilityState === 'visible' && void syncNow();
  window.addEventListener('online', visible);
  document.addEventListener('visibilitychange', visible);
  setInterval(visible, EVERY_MS);
  visible();
  // Somebody else signed in, or nobody is: what the last one knew is gone from the store, so from the screens too.
  watch(
    () => session.person?.id,
    () => void reload(db).then(syncNow),
  );
}
