/**
 * The receipt code: made on the phone, held by the reporter alone, and all that an anonymous reporter has to prove
 * that a report is theirs. 19 random characters of 31 are 94 bits; the 20th is a check. The server learns the access
 * key only when the reporter asks, and stores only its hash.
 */
import { sha256Hex, utf8 } from '../outbox/bytes';

/** No 0 O 1 I L: a code is copied by hand. 31 is prime, so the check finds every single wrong or swapped character. */
export const RECEIPT_ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
export const RECEIPT_LENGTH = 20;
const GROUP = 4;

export type ReceiptFault =
  | { code: 'length'; length: number; expected: number }
  /** `position` counts from 1 over the characters of the code, without spaces and dashes. */
  | { code: 'character'; character: string; position: number }
  | { code: 'check' };

export type ParsedReceipt = { ok: true; code: string } | { ok: false; fault: ReceiptFault };

/** 20 characters without groups. `random` fills the array with random bytes. */
export function makeReceiptCode(
  random: (bytes: Uint8Array<ArrayBuffer>) => void = (bytes) => void crypto.getRandomValues(bytes),
): string {
  const limit = 256 - (256 % RECEIPT_ALPHABET.length); // bytes from here on would favour the first characters
  const bytes = new Uint8Array(RECEIPT_LENGTH * 2);
  let code = '';
  while (code.length < RECEIPT_LENGTH - 1) {
    random(bytes);
    for (const byte of bytes) {
      if (byte < limit && code.length < RECEIPT_LENGTH - 1)
        code += RECEIPT_ALPHABET.charAt(byte % RECEIPT_ALPHABET.length);
    }
  }
  return code + checkCharacter(code);
}

/** XXXX-XXXX-XXXX-XXXX-XXXX, as it is shown and copied. */
export function formatReceiptCode(code: string): string {
  return (code.match(new RegExp(`.{1,${String(GROUP)}}`, 'g')) ?? []).join('-');
}

/** Reads what a person typed or pasted: any case, full-width forms, spaces and dashes of all kinds. */
export function parseReceiptCode(typed: string): ParsedReceipt {
  const code = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{Pd}_.,·:]/gu, '');
  const characters = [...code];
  const wrong = characters.findIndex((character) => !RECEIPT_ALPHABET.includes(character));
  if (wrong >= 0) return fail({ code: 'character', character: characters[wrong] ?? '', position: wrong + 1 });
  if (code.length !== RECEIPT_LENGTH) return fail({ code: 'length', length: code.length, expected: RECEIPT_LENGTH });
  if (checkCharacter(code.slice(0, -1)) !== code.slice(-1)) return fail({ code: 'check' });
  return { ok: true, code };
}

/** What `Authorization: Receipt …` carries: hex, derived from the 20 characters. */
export const accessKey = (code: string): string => sha256Hex(utf8(`gridwatch-receipt-v1:${code}`));

/** What the envelope carries, so that the server knows the right access key when it sees it. */
export const receiptVerifier = (code: string): string => sha256Hex(utf8(accessKey(code)));

function checkCharacter(code: string): string {
  let sum = 0;
  for (let i = 0; i < code.length; i++) sum += (i + 1) * RECEIPT_ALPHABET.indexOf(code.charAt(i));
  return RECEIPT_ALPHABET.charAt(sum % RECEIPT_ALPHABET.length);
}

const fail = (fault: ReceiptFault): ParsedReceipt => ({ ok: false, fault });
