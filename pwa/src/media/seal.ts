/** Sealing: age files to an X25519 recipient, so that the phone itself cannot read them any more. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { CHUNK_BYTES } from './chunk';
import type { SealedFacts } from './types';

/** Seals a few bytes at once. Throws where the recipient is not an age recipient. */
export async function seal(bytes: Uint8Array, recipient: string): Promise<Uint8Array> {
  return await (await encrypter(recipient)).encrypt(bytes);
}

/** Seals a file of any size as a stream; `size` is what the sealed form will measure. */
export async function sealInChunks(
  blob: Blob,
  recipient: string,
): Promise<{ size: number; chunks: AsyncGenerator<ArrayBuffer, SealedFacts> }> {
  const sealed = await (await encrypter(recipient)).encrypt(blob.stream() as ReadableStream<Uint8Array>);
  return { size: sealed.size(blob.size), chunks: inChunks(sealed) };
}

async function* inChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<ArrayBuffer, SealedFacts> {
  const hash = sha256.create();
  let chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  let size = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      hash.update(value);
      size += value.length;
      for (let at = 0; at < value.length;) {
        const part = value.subarray(at, at + CHUNK_BYTES - filled);
        chunk.set(part, filled);
        at += part.length;
        filled += part.length;
        if (filled === CHUNK_BYTES) {
          yield chunk.buffer;
          chunk = new Uint8Array(CHUNK_BYTES);
          filled = 0;
        }
      }
    }
    if (filled > 0) yield chunk.slice(0, filled).buffer;
    return { sha256: bytesToHex(hash.digest()), size };
  } finally {
    await reader.cancel();
  }
}

async function encrypter(recipient: string) {
  // Loaded when first needed: most visits of the page seal nothing.
  const { Encrypter } = await import('age-encryption');
  const to = new Encrypter();
  to.addRecipient(recipient);
  return to;
}
