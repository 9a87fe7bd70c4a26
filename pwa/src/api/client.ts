import createClient from 'openapi-fetch';
import type { paths } from './schema';

/** The server's own words for what is wrong (RFC 9457); `code` is stable and is what the apps translate. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string | null,
    /** Sentence or code per field that is wrong. */
    readonly fields: Readonly<Record<string, unknown>>,
    /** Everything else that the answer carried, e.g. `current` of a 412. */
    readonly extra: Readonly<Record<string, unknown>>,
  ) {
    super(`${status} ${code}`);
  }
}

/** No answer at all: no network, or the server is away. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

function asProblem(status: number, body: unknown): Problem {
  const told = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const { code, detail, fields, ...extra } = told;
  return new Problem(
    status,
    typeof code === 'string' ? code : `http.${status}`,
    typeof detail === 'string' ? detail : null,
    (typeof fields === 'object' && fields !== null ? fields : {}) as Record<string, unknown>,
    extra,
  );
}

/** Typed client of the server's interface. Public requests carry no cookies; the staff app adds its own middleware. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? '',
  credentials: import.meta.env.MODE === 'staff' ? 'same-origin' : 'omit',
  cache: 'no-store',
  fetch: async (request) => {
    try {
      return await fetch(request);
    } catch (cause) {
      throw new Unreachable('no answer', { cause });
    }
  },
});

/** The body of an answer; throws Problem for every refusal and Unreachable where no answer came. */
export async function call<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw asProblem(response.status, error);
  // A portal's "please sign in" page is an answer with 200 and no JSON: treat it as no answer.
  if (response.status !== 204 && !(response.headers.get('Content-Type') ?? '').includes('json')) throw new Unreachable('not our answer');
  return data as T;
}
