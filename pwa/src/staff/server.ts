/** Every request of the staff app, one function each. All throw Problem (a refusal) or Unreachable (no answer). */
import { api, call, Problem, Unreachable } from '@/api/client';
import type { components } from '@/api/schema';
import { accessToken, session } from './session';
import type { CalendarDay, CaseRow, Costs, NewClockRule, Preview, Template } from './wire';

type Answered<T> = { data?: T; error?: unknown; response: Response };
type Token = { Authorization: string };

/** Sends with the token of whoever is signed in; one that has just run out is renewed once. The body of the answer. */
async function signed<T>(send: (headers: Token) => Promise<Answered<T>>): Promise<T> {
  const token = await accessToken();
  if (!token) throw nobody();
  const answer = await send({ Authorization: `Bearer ${token}` });
  const renewed = answer.response.status === 401 ? await accessToken(token) : null;
  return call(renewed ? send({ Authorization: `Bearer ${renewed}` }) : Promise.resolve(answer));
}

const nobody = () =>
  session.standing === 'expired' || session.standing === 'out'
    ? new Problem(401, 'auth.sign_in', null, {}, {})
    : new Unreachable('no token without signal');

/** A case as this person may see it; its `version` is what `takeStep` must name. */
export const getCase = (id: string) =>
  signed((headers) => api.GET('/api/v1/cases/{case_id}', { params: { path: { case_id: id } }, headers }));

/** Takes a step on the version the person saw. Throws Problem 412 with the case as it is now in `extra.current`. */
export const takeStep = (seen: { id: string; version: number }, step: string, fields: Record<string, unknown>, leaving = false) =>
  signed((headers) =>
    api.POST('/api/v1/cases/{case_id}/steps', {
      params: { path: { case_id: seen.id }, header: { 'If-Match': `"${seen.version}"` } },
      headers,
      body: { step: step as components['schemas']['TakeStep']['step'], fields },
      keepalive: leaving,
    }),
  );

export const getQueues = () => signed((headers) => api.GET('/api/v1/desk/queues', { headers }));
/** A page of a queue (null: of all cases), narrowed down by `filters`. */
export const getQueue = (queue: string | null, after: string | null, filters: Record<string, string> = {}, limit = 50) =>
  signed((headers) =>
    api.GET('/api/v1/desk/cases', {
      params: { query: { ...filters, queue: queue as components['schemas']['Queue']['code'] | null, limit, after } },
      headers,
    }),
  );
/** One step for many cases at once, or with its fields for one. `leaving`: the page is being closed. Throws Problem for one case only. */
export const sendSteps = async (
  cases: { id: string; version: number }[], step: string, fields: Record<string, unknown>, leaving: boolean,
): Promise<{ id: string; problem: string | null; row: CaseRow | null }[]> => {
  const [one] = cases;
  if (one && cases.length === 1) {
    await takeStep(one, step, fields, leaving);
    return [{ id: one.id, problem: null, row: null }];
  }
  const name = step as components['schemas']['TakeSteps']['step'];
  const answer = await signed((headers) => api.POST('/api/v1/cases/steps', { headers, body: { step: name, cases }, keepalive: leaving }));
  return answer.cases;
};
export const getViews = () => signed((headers) => api.GET('/api/v1/desk/views', { headers }));
export const keepView = (name: string, shared: boolean, query: Record<string, string>) =>
  signed((headers) => api.POST('/api/v1/desk/views', { headers, body: { name, shared, query } as unknown as components['schemas']['SavedView'] }));
export const removeView = (id: string) =>
  signed((headers) => api.DELETE('/api/v1/desk/views/{view_id}', { params: { path: { view_id: id } }, headers }));
export const judge = (suggestion: string, same: boolean) =>
  signed((headers) => api.POST('/api/v1/suggestions/{suggestion_id}/judgement', { params: { path: { suggestion_id: suggestion } }, headers, body: { same } }));
/** A question or word to the reporter; `id` makes sending it twice the same as once. */
export const writeToReporter = (report: string, id: string, text: string) =>
  signed((headers) => api.POST('/api/v1/reports/{report_id}/messages', { params: { path: { report_id: report } }, headers, body: { id, text } }));

/** What of a text may give away who reported; nothing of it is kept. */
export const previewText = (id: string, text: string): Promise<Preview> =>
  signed((headers) => api.POST('/api/v1/cases/{case_id}/preview', { params: { path: { case_id: id } }, headers, body: { text } }));

export const getTemplates = (): Promise<Template[]> => signed((headers) => api.GET('/api/v1/reply-templates', { headers }));
export const putTemplate = (id: string, body: components['schemas']['WriteTemplate']) =>
  signed((headers) => api.PUT('/api/v1/reply-templates/{template_id}', { params: { path: { template_id: id } }, headers, body }));
export const removeTemplate = (id: string) =>
  signed((headers) => api.DELETE('/api/v1/reply-templates/{template_id}', { params: { path: { template_id: id } }, headers }));

/** The county's own routing rules in versions; 0 switches all of them off. */
export const getRuleSets = () => signed((headers) => api.GET('/api/v1/routing/sets', { headers }));
export const getRules = (number: number) => signed((headers) => api.GET('/api/v1/routing/sets/{number}/rules', { params: { path: { number } }, headers }));
export const tryRuleSet = (number: number) => signed((headers) => api.GET('/api/v1/routing/sets/{number}/trial', { params: { path: { number } }, headers }));
export const addRuleSet = (csv: string, note: string) => signed((headers) => api.POST('/api/v1/routing/sets', { headers, body: { csv, note } }));
export const useRuleSet = (number: number) => signed((headers) => api.POST('/api/v1/routing/sets/{number}/use', { params: { path: { number } }, headers }));
/** The days of a year that are not as their weekday says. Throws Problem 404 for a year that nobody has told. */
export const getYear = (year: number) => signed((headers) => api.GET('/api/v1/calendar/{year}', { params: { path: { year } }, headers }));
export const putYear = (year: number, days: CalendarDay[]) =>
  signed((headers) => api.PUT('/api/v1/calendar/{year}', { params: { path: { year } }, headers, body: { days } }));
/** Whole years as a table. Throws Problem with `rows`. */
export const putYears = (csv: string) => signed((headers) => api.POST('/api/v1/calendar', { headers, body: { csv } }));
export const getClockRules = () => signed((headers) => api.GET('/api/v1/clock-rules', { headers }));
export const addClockRule = (rule: NewClockRule) => signed((headers) => api.POST('/api/v1/clock-rules', { headers, body: rule }));
export const endClockRule = (id: string) =>
  signed((headers) => api.DELETE('/api/v1/clock-rules/{rule_id}', { params: { path: { rule_id: id } }, headers }));
export const getCosts = () => signed((headers) => api.GET('/api/v1/triage/costs', { headers }));
export const putCosts = (area: string, costs: Costs) =>
  signed((headers) => api.PUT('/api/v1/triage/costs/{area_code}', { params: { path: { area_code: area } }, headers, body: costs }));
export const dropCosts = (area: string) =>
  signed((headers) => api.DELETE('/api/v1/triage/costs/{area_code}', { params: { path: { area_code: area } }, headers }));
export const getAreas = () => signed((headers) => api.GET('/api/v1/areas', { params: { query: {} }, headers }));
export const getEnterprise = (id: string) =>
  signed((headers) => api.GET('/api/v1/enterprises/{enterprise_id}', { params: { path: { enterprise_id: id } }, headers }));
/** The newest matters of an enterprise, for desk and leaders. */
export const getEnterpriseCases = (id: string) =>
  signed((headers) => api.GET('/api/v1/enterprises/{enterprise_id}/cases', { params: { path: { enterprise_id: id } }, headers }));
export const getConflicts = () => signed((headers) => api.GET('/api/v1/enterprises/conflicts', { headers }));
/** Chooses one of two values of a field; what is left to choose. */
export const decideConflict = (id: string, take: boolean) =>
  signed((headers) => api.POST('/api/v1/enterprises/conflicts/{conflict_id}/decision', { params: { path: { conflict_id: id } }, headers, body: { take } }));
/** What this person has read; also ids that were marked already. */
export const postRead = (ids: string[]) => signed((headers) => api.POST('/api/v1/notices/read', { headers, body: { ids } }));
export const putBrowser = (browser: components['schemas']['Browser']) =>
  signed((headers) => api.PUT('/api/v1/notices/browser', { headers, body: browser }));
export const removeBrowser = (endpoint: string) =>
  signed((headers) => api.DELETE('/api/v1/notices/browser', { headers, body: { endpoint } }));

export const getChanges = (cursor: string | undefined) =>
  signed((headers) => api.GET('/api/v1/changes', { params: { query: cursor ? { cursor } : {} }, headers }));
export const getSectors = () => signed((headers) => api.GET('/api/v1/sectors', { headers }));
export const getUnits = () => signed((headers) => api.GET('/api/v1/units', { headers }));
export const getHazardTypes = () => signed((headers) => api.GET('/api/v1/hazard-types', { headers }));

/** Shows that our own page asks: another site cannot set this header. */
const OWN_PAGE = { header: { 'X-Gridwatch': '1' } };
export const postSignIn = (login: string, password: string) =>
  call(api.POST('/api/v1/auth/sign-in', { body: { login, password } }));
export const postRefresh = () => call(api.POST('/api/v1/auth/refresh', { params: OWN_PAGE }));
export const postSignOut = () => call(api.POST('/api/v1/auth/sign-out', { params: OWN_PAGE }));
export const postSignOutEverywhere = () => signed((headers) => api.POST('/api/v1/auth/sign-out-everywhere', { headers }));

export const mediumUrl = (id: string, size: 'thumb' | 'preview' | 'clean'): string => `/api/v1/media/${id}/${size}`;
/** A paper of a case; the address opens by itself, as those of pictures do. */
export const paperUrl = (caseId: string, paper: string): string => `/api/v1/cases/${caseId}/${paper}`;
