/** The server's keys: which to seal to, and whose word to believe. */
import * as ed25519 from '@noble/ed25519';
import { fromBase64 } from './bytes';
import { OutboxError } from './types';

export interface SealingKey {
  id: string;
  /** age1… */
  recipient: string;
}

export interface SigningKey {
  id: string;
  /** Ed25519 public key, base64 of 32 bytes. */
  public: string;
  /** Id of the key that vouches for this one, and its signature (base64); null for the first. */
  previous: string | null;
  signature: string | null;
}

export interface ServerKeys {
  intake: SealingKey;
  identity: SealingKey;
  notice: SealingKey;
  signing: SigningKey[];
}

export interface TrustedKey {
  id: string;
  public: string;
}

/** What this phone remembers of the server's keys. */
export interface KnownKeys {
  keys: ServerKeys;
  /** Pinned at first sight, grown only along the chain; old ones stay, for what they signed. */
  trusted: TrustedKey[];
  fetchedAt: string;
}

/**
 * Takes an answer of GET /keys over what is known. The first one ever is believed (TLS vouches for it); later ones only
 * when a key that we trust is in them or vouches for one of them, so that a portal's or a stranger's answer changes
 * nothing. Throws `keys_untrusted`.
 */
export async function acceptKeys(answer: unknown, known: KnownKeys | null, now: number): Promise<KnownKeys> {
  if (!isServerKeys(answer)) throw new OutboxError('keys_untrusted');
  const trusted = new Map((known?.trusted ?? answer.signing).map(({ id, public: key }) => [id, key]));
  let grew = known !== null;
  while (grew) {
    grew = false;
    for (const key of answer.signing) {
      if (!trusted.has(key.id) && (await isVouchedFor(key, trusted))) {
        trusted.set(key.id, key.public);
        grew = true;
      }
    }
  }
  if (!answer.signing.some((key) => trusted.get(key.id) === key.public)) throw new OutboxError('keys_untrusted');
  return {
    keys: answer,
    trusted: [...trusted].map(([id, key]) => ({ id, public: key })),
    fetchedAt: new Date(now).toISOString(),
  };
}

/** True where `signature` (base64) over the bytes is that of this public key (base64); false for anything odd. */
export async function isSignedBy(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean> {
  try {
    // noble everywhere instead of WebCrypto: Ed25519 came to Chrome with 137, and a verdict is a rare, small thing.
    return await ed25519.verifyAsync(fromBase64(signature), bytes, fromBase64(publicKey), { zip215: false });
  } catch {
    return false;
  }
}

async function isVouchedFor(key: SigningKey, trusted: Map<string, string>): Promise<boolean> {
  const elder = key.previous === null ? undefined : trusted.get(key.previous);
  if (elder === undefined || key.signature === null) return false;
  return await isSignedBy(elder, fromBase64(key.public), key.signature);
}

function isServerKeys(answer: unknown): answer is ServerKeys {
  const keys = answer as Partial<ServerKeys> | null;
  const sealing = (key: SealingKey | undefined) =>
    typeof key?.id === 'string' && typeof key.recipient === 'string' && key.recipient.startsWith('age1');
  return (
    typeof keys === 'object' &&
    keys !== null &&
    sealing(keys.intake) &&
    sealing(keys.identity) &&
    sealing(keys.notice) &&
    Array.isArray(keys.signing) &&
    keys.signing.length > 0 &&
    keys.signing.every(
      (key: Partial<SigningKey> | null) => typeof key?.id === 'string' && typeof key.public === 'string',
    )
  );
}
