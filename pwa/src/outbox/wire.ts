/** Requests to the server. Whatever goes wrong with one is an outcome, never an exception: it only delays. */
import type { Environment } from './environment';
import type { GetToken } from './types';

export interface Answer {
  status: number;
  headers: Headers;
  /** The body where it is JSON, else null. */
  json: unknown;
}

/** `no_answer`: no link, cut, or too slow. `sign_in`: this owner has to sign in first. */
export type Outcome = Answer | 'no_answer' | 'sign_in';

export interface Question {
  headers?: Record<string, string>;
  body?: BodyInit;
  /** Size of the body in bytes: how long to be patient. */
  size?: number;
  /** As whom; left out for what takes no credentials. */
  owner?: string | null;
}

const PATIENCE_MS = 30_000;
/** Slowest link that is still waited for. */
const BYTES_PER_MS = 4;

export class Wire {
  readonly #environment: Environment;
  readonly #getToken: GetToken | null;

  constructor(environment: Environment, getToken: GetToken | null) {
    this.#environment = environment;
    this.#getToken = getToken;
  }

  async ask(method: string, url: string, question: Question = {}): Promise<Outcome> {
    if (this.#getToken === null || question.owner === undefined) return await this.#fetch(method, url, question, null);
    let rejected: string | null = null;
    for (let attempt = 0; attempt < 2; attempt++) {
      let token: string | null;
      try {
        token = await this.#getToken({ owner: question.owner, rejected });
      } catch {
        return 'no_answer'; // renewing the sign-in needs a link as well
      }
      if (token === null) return 'sign_in';
      const outcome = await this.#fetch(method, url, question, token);
      if (outcome === 'no_answer' || outcome.status !== 401) return outcome;
      rejected = token;
    }
    return 'sign_in';
  }

  async #fetch(
    method: string,
    url: string,
    { headers, body, size = 0 }: Question,
    token: string | null,
  ): Promise<Answer | 'no_answer'> {
    const giveUp = new AbortController();
    const cancel = this.#environment.after(PATIENCE_MS + size / BYTES_PER_MS, () => {
      giveUp.abort();
    });
    try {
      const answer = await this.#environment.fetch(url, {
        method,
        headers: { ...headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { body }),
        credentials: 'omit',
        cache: 'no-store',
        // A portal that redirects must not be handed the report.
        redirect: 'error',
        referrerPolicy: 'no-referrer',
        signal: giveUp.signal,
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, json: asJson(text) };
    } catch {
      return 'no_answer';
    } finally {
      cancel();
    }
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
