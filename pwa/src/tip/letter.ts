import { reactive, shallowRef } from 'vue';
import { api, call } from '@/api/client';
import type { paths } from '@/api/schema';
import type { ReceiptFault } from '@/receipt';

/** What the office answered, opened with the code. Nothing of it is stored: closing the tab forgets it. */
export type Letter = paths['/api/v1/receipt']['get']['responses'][200]['content']['application/json'];
export type LetterFault = ReceiptFault;

export const letter = shallowRef<Letter | null>(null);
/** What the person has typed, kept while they look elsewhere in the app. */
export const typed = reactive({ code: '', message: '', reason: '' });

let header: { Authorization: string } | null = null;
let messageId: string | null = null;

/** Opens the letter for the typed code. Gives the fault of a code that cannot be right; throws Problem 404 for an unknown one. */
export async function openLetter(): Promise<LetterFault | null> {
  const { accessKey, parseReceiptCode } = await import('@/receipt');
  const parsed = parseReceiptCode(typed.code);
  if (!parsed.ok) return parsed.fault;
  header = { Authorization: `Receipt ${accessKey(parsed.code)}` };
  letter.value = await call(api.GET('/api/v1/receipt', { params: { header } }));
  return null;
}

/** Asks for the open letter again; true when the office was heard. Throws like `openLetter`. */
export async function reread(): Promise<boolean> {
  if (header) letter.value = await call(api.GET('/api/v1/receipt', { params: { header } }));
  return header !== null;
}

/** Sends the typed message; after a lost answer the same message goes again under the same id and counts once. */
export async function sendMessage(): Promise<void> {
  if (!header) return;
  messageId ??= crypto.randomUUID();
  await call(api.POST('/api/v1/receipt/messages', { params: { header }, body: { id: messageId, text: typed.message.trim() } }));
  messageId = null;
  typed.message = '';
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

/** Closes the letter and forgets the code. */
export function forgetLetter(): void {
  letter.value = null;
  header = null;
  messageId = null;
  Object.assign(typed, { code: '', message: '', reason: '' });
}
