/// <reference lib="webworker" />
import type { GetToken } from '../outbox/types';
import { openCore, sendOnSync } from '../sw/shell';
import { openWork } from './work';

let token: string | null = null;

/** Renews with the cookie that no script can read, one at a time over all windows, as the page does. */
async function refresh(): Promise<string | null> {
  const answer = await fetch('/api/v1/auth/refresh', {
    method: 'POST',
    headers: { 'X-Gridwatch': '1' },
    credentials: 'same-origin',
  });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return ((await answer.json()) as { access_token: string }).access_token;
}

const getToken: GetToken = async ({ owner, rejected }) => {
  const work = await openWork();
  const person = (await work.get('facts', 'person')) as { id: string } | undefined;
  work.close();
  if (person === undefined || person.id !== owner) return null;
  if (token === null || token === rejected) token = await navigator.locks.request('gridwatch-refresh', refresh);
  return token;
};

sendOnSync(openCore('gridwatch-staff'), { getToken });
