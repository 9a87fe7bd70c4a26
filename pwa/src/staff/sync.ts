/** Keeps the phone's copy of the server's data near: asks for changes on start, when signal returns, and now and then. */
import { reactive, readonly, shallowReactive, watch } from 'vue';
import { getChanges, getHazardTypes } from './server';
import { session } from './session';
import { applyChanges, rowsOf, type WorkStore } from './work';
import type { CaseSheet, Checklist, Enterprise, HazardType, Visit } from './wire';

const EVERY_MS = 60_000;

type Known = {
  visits: Map<string, Visit>;
  enterprises: Map<string, Enterprise>;
  checklists: Map<string, Checklist>;
  /** What lies with this person's units, or waits for this person's recheck. */
  cases: Map<string, CaseSheet>;
  hazardTypes: HazardType[];
};
/** All that this phone knows now; replaced topic by topic after each sync. */
export const known = shallowReactive<Known>({
  visits: new Map(),
  enterprises: new Map(),
  checklists: new Map(),
  cases: new Map(),
  hazardTypes: [],
});

const state = reactive<{ loaded: boolean; running: boolean; at: string | null }>({ loaded: false, running: false, at: null });
/** `loaded`: the phone's store was read. `at`: when the server was last heard. */
export const syncState = readonly(state);

let store: WorkStore | null = null;

async function reload(db: WorkStore): Promise<void> {
  const [visits, enterprises, checklists, cases] = await Promise.all([
    rowsOf<Visit>(db, 'visit'),
    rowsOf<Enterprise>(db, 'enterprise'),
    rowsOf<Checklist>(db, 'checklist'),
    rowsOf<CaseSheet>(db, 'case'),
  ]);
  const hazardTypes = ((await db.get('facts', 'hazard_types')) as HazardType[] | undefined) ?? [];
  Object.assign(known, { visits, enterprises, checklists, cases, hazardTypes });
  state.at = ((await db.get('facts', 'synced_at')) as string | undefined) ?? null;
  state.loaded = true;
}

/** Fetches page after page; what arrived stays even if the next page does not. */
async function pull(db: WorkStore): Promise<void> {
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
