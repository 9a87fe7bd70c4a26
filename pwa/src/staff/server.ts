/** Every request of the staff app, one function each. All throw Problem (a refusal) or Unreachable (no answer). */
import { api, call, Problem, Unreachable } from '@/api/client';
import { accessToken, session } from './session';
import type {
  CasePage, CaseRows, Changes, HazardType, Queue, Sector, SignedIn, Unit,
} from './wire';

type Init = { params?: { query?: object; path?: object; header?: object }; body?: unknown; headers?: Record<string, string> };
type Answered<T> = { data?: T; error?: unknown; response: Response };
const loose = api as unknown as { request<T>(method: string, path: string, init?: Init): Promise<Answered<T>> };

/** Sends with the token of whoever is signed in; a token that has just run out is renewed once. */
async function signed<T>(method: string, path: string, init: Init = {}): Promise<Answered<T>> {
  const send = (token: string) =>
    loose.request<T>(method, path, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
  const token = await accessToken();
  if (!token) throw nobody();
  const answer = await send(token);
  if (answer.response.status !== 401) return answer;
  const renewed = await accessToken(token);
  return renewed ? send(renewed) : answer;
}

const nobody = () =>
  session.standing === 'expired' || session.standing === 'out'
    ? new Problem(401, 'auth.sign_in', null, {}, {})
    : new Unreachable('no token without signal');

/** A case as this person may see it; its `version` is what `takeStep` must name. */
export const getCase = (id: string): Promise<CasePage> => call(signed('get', '/api/v1/cases/{id}', { params: { path: { id } } }));

/** Takes a step on the version the person saw. Throws Problem 412 with the case as it is now in `extra.current`. */
export const takeStep = (seen: { id: string; version: number }, step: string, fields: Record<string, unknown>): Promise<CasePage> =>
  call(
    signed('post', '/api/v1/cases/{id}/steps', {
      params: { path: { id: seen.id } },
      headers: { 'If-Match': `"${seen.version}"` },
      body: { step, fields },
    }),
  );

export const getQueues = (): Promise<{ queues: Queue[] }> => call(signed('get', '/api/v1/desk/queues'));
export const getQueue = (queue: string, after: string | null): Promise<CaseRows> =>
  call(signed('get', '/api/v1/desk/cases', { params: { query: { queue, limit: 50, ...(after ? { after } : {}) } } }));
export const judge = (suggestion: string, same: boolean): Promise<unknown> =>
  call(signed('post', '/api/v1/suggestions/{id}/judgement', { params: { path: { id: suggestion } }, body: { same } }));
/** A question or word to the reporter; `id` makes sending it twice the same as once. */
export const writeToReporter = (report: string, id: string, text: string): Promise<unknown> =>
  call(signed('post', '/api/v1/reports/{id}/messages', { params: { path: { id: report } }, body: { id, text } }));

export const getChanges = (cursor: string | undefined): Promise<Changes> =>
  call(signed('get', '/api/v1/changes', { params: { query: cursor ? { cursor } : {} } }));
export const getSectors = (): Promise<Sector[]> => call(signed('get', '/api/v1/sectors'));
export const getUnits = (): Promise<Unit[]> => call(signed('get', '/api/v1/units'));

/** Shows that our own page asks: another site cannot set this header. */
const OWN_PAGE = { 'X-Gridwatch': '1' };
export const getHazardTypes = (): Promise<HazardType[]> => call(signed('get', '/api/v1/hazard-types'));

export const postSignIn = (login: string, password: string): Promise<SignedIn> =>
  call(loose.request('post', '/api/v1/auth/sign-in', { body: { login, password } }));
export const postRefresh = (): Promise<SignedIn> => call(loose.request('post', '/api/v1/auth/refresh', { headers: OWN_PAGE }));
export const postSignOut = (): Promise<unknown> => call(loose.request('post', '/api/v1/auth/sign-out', { headers: OWN_PAGE }));
export const postSignOutEverywhere = (): Promise<unknown> => call(signed('post', '/api/v1/auth/sign-out-everywhere'));

export const mediumUrl = (id: string, size: 'thumb' | 'preview' | 'clean'): string => `/api/v1/media/${id}/${size}`;
