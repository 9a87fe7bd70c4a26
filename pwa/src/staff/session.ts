/**
 * Who is signed in. The access token lives in memory only, the refresh token in a cookie no script can read; the person's
 * name and roles are kept on the phone so that the app opens without signal.
 */
import { computed, reactive, readonly } from 'vue';
import { Problem, Unreachable } from '@/api/client';
import { postRefresh, postSignIn, postSignOut, postSignOutEverywhere } from './server';
import { forgetPerson, type WorkStore } from './work';
import type { Person, Role, SignedIn } from './wire';

/**
 * `starting` until the phone's store was read · `in` with a token · `offline` known but the server was not reached ·
 * `expired` known, but the server wants the password again: saving and queueing go on · `out` nobody.
 */
export type Standing = 'starting' | 'in' | 'offline' | 'expired' | 'out';

const state = reactive<{ standing: Standing; person: Person | null }>({ standing: 'starting', person: null });
/** Read it anywhere; change it only through the functions here. */
export const session = readonly(state);
export const personId = (): string | null => state.person?.id ?? null;
export const has = (role: Role): boolean => state.person?.grants.some((grant) => grant.role === role) ?? false;
export const needsSignIn = computed(() => state.standing === 'expired');

let store: WorkStore | null = null;
let token: string | null = null;
let expiresAt = 0;
let refreshing: Promise<string | null> | null = null;

async function admit(answer: SignedIn): Promise<void> {
  token = answer.access_token;
  expiresAt = Date.parse(answer.expires_at);
  if (store && (await store.get('facts', 'person').then((known) => (known as Person | undefined)?.id)) !== answer.person.id) {
    await forgetPerson(store);
  }
  await store?.put('facts', answer.person, 'person');
  await store?.delete('facts', 'signed_out');
  state.person = answer.person;
  state.standing = 'in';
}

/** Reads who was here last and begins to ask the server for a token; does not wait for signal. */
export async function startSession(db: WorkStore): Promise<void> {
  store = db;
  state.person = ((await db.get('facts', 'person')) as Person | undefined) ?? null;
  if (!state.person) {
    state.standing = 'out';
    if (await db.get('facts', 'signed_out')) void endCookie();
    return;
  }
  state.standing = 'offline';
  void refresh(); // the app opens on what it knows; who needs the token waits for it
}

/** Throws Problem (wrong password, too many attempts) or Unreachable. */
export async function signIn(login: string, password: string): Promise<void> {
  await admit(await postSignIn(login, password));
}

async function refreshNow(): Promise<string | null> {
  try {
    await admit(await postRefresh());
    return token;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      token = null;
      state.standing = state.person ? 'expired' : 'out';
    } else if (error instanceof Unreachable && state.person && !token) {
      state.standing = 'offline';
    }
    return null;
  }
}

/** A new access token, or null without signal or when the password is wanted. One at a time over all windows. */
export function refresh(): Promise<string | null> {
  refreshing ??= alone().finally(() => (refreshing = null));
  return refreshing;
}
async function alone(): Promise<string | null> {
  return 'locks' in navigator ? await navigator.locks.request('gridwatch-refresh', refreshNow) : await refreshNow();
}

/** The token to send now; `rejected` is one that the server has just refused. */
export async function accessToken(rejected: string | null = null): Promise<string | null> {
  if (!state.person) return null;
  if (token && token !== rejected && Date.now() < expiresAt - 30_000) return token;
  return refresh();
}

/** Ends the refresh cookie; offline it is tried again at the next start, and no token is asked for in between. */
async function endCookie(): Promise<void> {
  try {
    await postSignOut();
    await store?.delete('facts', 'signed_out');
  } catch (error) {
    if (error instanceof Problem && error.status === 401) await store?.delete('facts', 'signed_out');
  }
}

/** Forgets the person on this phone. Unsent work stays and goes on after its owner has signed in again. */
export async function signOut(): Promise<void> {
  token = null;
  state.person = null;
  state.standing = 'out';
  if (store) {
    await forgetPerson(store);
    await store.put('facts', true, 'signed_out');
  }
  await endCookie();
}

/** Ends every session of this person on every device. Throws Unreachable or Problem; then nobody is signed out. */
export async function signOutEverywhere(): Promise<void> {
  await postSignOutEverywhere();
  await signOut();
}
