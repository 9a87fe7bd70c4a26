/** What is sent: made once at submit, sealed, and byte for byte the same ever after (PROTOCOL.md §3). */
import { seal } from '../media/seal';
import { exactBuffer, sha256Hex, toBase64, utf8 } from './bytes';
import type { ServerKeys } from './keys';
import type { DraftMedium, JsonObject, SubmissionBody } from './types';

export interface Envelope {
  bytes: ArrayBuffer;
  /** Lower-case hex SHA-256. */
  digest: string;
}

/** Type and capture time of media go inside the seal; outside stand only the hash and size of their sealed forms. */
export async function makeEnvelope(
  { kind, body, identity, contact }: SubmissionBody,
  media: DraftMedium[],
  receipt: string | null,
  keys: ServerKeys,
): Promise<Envelope> {
  const inside: JsonObject = {
    ...body,
    v: 1,
    kind,
    media: media.map(({ sha256, kind: what, type, capturedAt }) => ({
      sha256,
      kind: what,
      type,
      captured_at: capturedAt,
    })),
  };
  const envelope = {
    v: 1,
    kind,
    body: await sealed(inside, keys.intake.recipient),
    receipt,
    identity: identity ? await sealed(identity, keys.identity.recipient) : null,
    contact: contact ? await sealed(contact, keys.notice.recipient) : null,
    media: media.map(({ sha256, size }) => ({ sha256, size })),
  };
  const bytes = utf8(JSON.stringify(envelope));
  return { bytes: exactBuffer(bytes), digest: sha256Hex(bytes) };
}

const sealed = async (what: JsonObject, recipient: string): Promise<string> =>
  toBase64(await seal(utf8(JSON.stringify(what)), recipient));
