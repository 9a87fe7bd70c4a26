/** Signed words of the server, and what they mean for an item. Anything unsigned means nothing, whatever its status. */
import { fromBase64, fromUtf8 } from './bytes';
import { isSignedBy } from './keys';
import type { TrustedKey } from './keys';
import type { ItemRecord, MediumProgressRecord } from './schema';

export interface SignedAnswer {
  /** base64 of the exact JSON bytes that are signed. */
  payload: string;
  signature: string;
  key: string;
}

export type VerdictState = 'accepted' | 'refused' | 'differs' | 'complete' | 'unknown';

export interface Verdict {
  id: string;
  digest: string | null;
  state: VerdictState;
  seq: number | null;
  number: string | null;
  received_at: string | null;
  time: string;
  media: { sha256: string; state: string; offset: number }[];
  reason: string | null;
}

declare const verified: unique symbol;
/** Made only by `openVerdict`: nobody can delete on the word of something that was not checked. */
export type VerifiedVerdict = Verdict & { readonly [verified]: true };

export type OpenedVerdict = VerifiedVerdict | 'unsigned' | 'unknown_key';

/** Checks an answer that says it is a signed verdict. `unknown_key`: perhaps the keys were rotated, ask for them. */
export async function openVerdict(answer: unknown, trusted: readonly TrustedKey[]): Promise<OpenedVerdict> {
  if (!isSignedAnswer(answer)) return 'unsigned';
  const key = trusted.find(({ id }) => id === answer.key);
  if (key === undefined) return 'unknown_key';
  try {
    const bytes = fromBase64(answer.payload);
    if (!(await isSignedBy(key.public, bytes, answer.signature))) return 'unsigned';
    const verdict = JSON.parse(fromUtf8(bytes)) as Verdict;
    return isVerdict(verdict) ? (verdict as VerifiedVerdict) : 'unsigned';
  } catch {
    return 'unsigned';
  }
}

/** The item after this verdict; the same object where the verdict says nothing new of it. */
export function judged(item: ItemRecord, verdict: VerifiedVerdict): ItemRecord {
  if (verdict.id !== item.id || item.complete) return item;
  const ours = verdict.digest === item.digest;
  if (verdict.state === 'differs' || (!ours && (verdict.state === 'accepted' || verdict.state === 'complete'))) {
    return { ...item, attention: { reason: 'differs', code: verdict.reason } };
  }
  if (verdict.state === 'refused' && !ours) return item;
  if (verdict.state === 'refused') return { ...item, attention: { reason: 'refused', code: verdict.reason } };
  if (verdict.state === 'unknown') {
    // It was there and is not any more: the server came back from an older backup. Send all of it again.
    return {
      ...item,
      accepted: false,
      attention: null,
      media: item.media.map((m) => ({ ...m, sent: 0, state: 'waiting' })),
    };
  }
  const received = {
    ...item,
    accepted: true,
    attention: null,
    number: verdict.number ?? item.number,
    seq: verdict.seq ?? item.seq,
    receivedAt: verdict.received_at ?? item.receivedAt,
  };
  if (verdict.state === 'complete') {
    return { ...received, complete: true, media: item.media.map((m) => ({ ...m, sent: m.size, state: 'opened' })) };
  }
  const media = item.media.map((medium) => seen(medium, verdict));
  const unopenable = verdict.reason === 'unopenable' || media.some(({ state }) => state === 'unopenable');
  return { ...received, media, attention: unopenable ? { reason: 'unopenable', code: verdict.reason } : null };
}

function seen(medium: MediumProgressRecord, verdict: Verdict): MediumProgressRecord {
  const theirs = verdict.media.find(({ sha256 }) => sha256 === medium.sha256);
  if (theirs === undefined) return medium;
  if (theirs.state === 'stored' || theirs.state === 'opened' || theirs.state === 'unopenable') {
    return { ...medium, sent: medium.size, state: theirs.state };
  }
  // "expected": what counts is how far the server got, which may be less than we believed.
  return { ...medium, sent: Math.min(theirs.offset, medium.size), state: 'waiting' };
}

function isSignedAnswer(answer: unknown): answer is SignedAnswer {
  const signed = answer as Partial<SignedAnswer> | null;
  return (
    typeof signed === 'object' &&
    signed !== null &&
    typeof signed.payload === 'string' &&
    typeof signed.signature === 'string' &&
    typeof signed.key === 'string'
  );
}

function isVerdict(verdict: Partial<Verdict> | null): verdict is Verdict {
  return (
    typeof verdict === 'object' &&
    verdict !== null &&
    typeof verdict.id === 'string' &&
    ['accepted', 'refused', 'differs', 'complete', 'unknown'].includes(verdict.state ?? '') &&
    Array.isArray(verdict.media)
  );
}
