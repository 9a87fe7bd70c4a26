import { reactive, ref, shallowRef } from 'vue';
import { api, call } from '@/api/client';
import type { components, paths } from '@/api/schema';
import type { ReceiptFault } from '@/receipt';
import type { toSeal } from '@/report/rules';
import { openMailbox } from './mailbox';

/** What the office answered, opened with the code. Nothing of it is stored: closing the tab forgets it. */
export type Letter = paths['/api/v1/receipt']['get']['responses'][200]['content']['application/json'];
export type LetterFault = ReceiptFault;

const KEYS_FRESH_MS = 24 * 60 * 60 * 1000;

export const letter = shallowRef<Letter | null>(null);
/** What the person has typed, kept while they look elsewhere in the app. */
export const typed = reactive({ code: '', message: '', reason: '' });

/** What ties later photos to the report of the typed code; known without signal too. */
export const about = ref<string | null>(null);

let header: { Authorization: string } | null = null;
let messageId: string | null = null;

/** Opens the letter for the typed code. Gives the fault of a code that cannot be right; throws Problem 404 for an unknown one. */
export async function openLetter(): Promise<LetterFault | null> {
  const { accessKey, parseReceiptCode, receiptVerifier } = await import('@/receipt');
  const parsed = parseReceiptCode(typed.code);
  if (!parsed.ok) return parsed.fault;
  about.value = receiptVerifier(parsed.code);
  header = { Authorization: `Receipt ${accessKey(parsed.code)}` };
  letter.value = await call(api.GET('/api/v1/receipt', { params: { header } }));
  return null;
}

/** Asks for the open letter again; true when the office was heard. Throws like `openLetter`. */
export async function reread(): Promise<boolean> {
  if (header) letter.value = await call(api.GET('/api/v1/receipt', { params: { header } }));
  return header !== null;
}

/** The id of the message being written: sent at once, or with photos later, it counts once. */
export const thisMessage = (): string => (messageId ??= crypto.randomUUID());
/** The message is on its way or there: the next one is another. */
export function messageGone(): void {
  messageId = null;
  typed.message = '';
}

/** Sends the typed message; after a lost answer the same message goes again under the same id and counts once. */
export async function sendMessage(): Promise<void> {
  if (!header) return;
  await call(api.POST('/api/v1/receipt/messages', { params: { header }, body: { id: thisMessage(), text: typed.message.trim() } }));
  messageGone();
  await reread();
}

/** Tells whether the reply satisfies; the last answer counts. */
export async function answerReply(satisfied: boolean): Promise<void> {
  if (!header) return;
  const reason = satisfied ? '' : typed.reason.trim();
  await call(api.POST('/api/v1/receipt/satisfaction', { params: { header }, body: { satisfied, reason } }));
  typed.reason = '';
  await reread();
}

/** Objects to the answer: somebody else looks again. Sending it again changes nothing. */
export async function objectToAnswer(): Promise<void> {
  if (!header) return;
  letter.value = await call(api.POST('/api/v1/receipt/objection', { params: { header }, body: { reason: typed.reason.trim() } }));
  typed.reason = '';
}

/** Takes the report back; the office decides whether the matter goes on. */
export async function withdraw(): Promise<void> {
  if (header) letter.value = await call(api.POST('/api/v1/receipt/withdrawal', { params: { header }, body: { reason: '' } }));
}

/** Which ways of being told are switched on for the open letter; null where none is open. */
export type Ways = paths['/api/v1/receipt/ways']['get']['responses'][200]['content']['application/json'];
export const askWays = async (): Promise<Ways | null> => (header ? call(api.GET('/api/v1/receipt/ways', { params: { header } })) : null);

/** Where to tell of news from now on, sealed here to the notice key so that only the sending worker reads it; null: nowhere. */
export async function keepContact(contact: ReturnType<typeof toSeal> | null): Promise<Ways | null> {
  if (!header) return null;
  const sealed = contact && (await sealedForNotices(contact));
  return await call(api.PUT('/api/v1/receipt/contact', { params: { header }, body: { sealed } }));
}
/** Wakes this browser when there is news of the open letter. */
export async function pushHere(browser: components['schemas']['Browser']): Promise<Ways | null> {
  return header && (await call(api.PUT('/api/v1/receipt/browser', { params: { header }, body: browser })));
}
/** Wakes no browser any more for the open letter. */
export async function pushNowhere(): Promise<Ways | null> {
  return header && (await call(api.DELETE('/api/v1/receipt/browser', { params: { header } })));
}
async function sealedForNotices(contact: object): Promise<string> {
  const [{ outbox }, { seal }, { toBase64, utf8 }] = await Promise.all([openMailbox(), import('@/media/seal'), import('@/outbox/bytes')]);
  const { keys } = await outbox.refreshKeys(KEYS_FRESH_MS);
  return toBase64(await seal(utf8(JSON.stringify(contact)), keys.notice.recipient));
}

/** Closes the letter and forgets the code. */
export function forgetLetter(): void {
  letter.value = null;
  header = null;
  about.value = null;
  messageId = null;
  Object.assign(typed, { code: '', message: '', reason: '' });
}
