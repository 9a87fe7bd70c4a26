/** Check, reduce and seal one chosen file: what the worker does, and the page where there is no worker. */
import { OutboxError } from '../outbox/types';
import { kindOf } from './kinds';
import type { Kind } from './kinds';
import { offscreenSurface, photoThumbnail, reducePhoto } from './photo';
import type { Surface } from './photo';
import { sealInChunks } from './seal';
import type { MediumFacts, PrepareMedium, PrepareRequest } from './types';

export interface Reduced {
  blob: Blob;
  facts: MediumFacts;
}

/** Throws OutboxError `empty`, `not_media` or `too_large`. */
export async function checked({ blob, limits }: PrepareRequest): Promise<Kind> {
  if (blob.size === 0) throw new OutboxError('empty');
  const kind = await kindOf(blob);
  if (kind === null) throw new OutboxError('not_media', { type: blob.type });
  const limit = kind.kind === 'photo' ? limits.photoBytes : limits.videoBytes;
  if (blob.size > limit) throw new OutboxError('too_large', { kind: kind.kind, size: blob.size, limit });
  return kind;
}

/** A photo reduced (or left as it is on request, or where it cannot be decoded); everything else untouched. */
export async function reduced(
  { blob, original }: Pick<PrepareRequest, 'blob' | 'original'>,
  { kind, type }: Kind,
  surface: ((width: number, height: number) => Surface) | null,
): Promise<Reduced> {
  const untouched = { kind, type, width: null, height: null, durationS: null, thumbnail: null, original: true };
  if (kind !== 'photo' || surface === null) return { blob, facts: untouched };
  if (original) return { blob, facts: { ...untouched, ...(await photoThumbnail(blob, surface)) } };
  const photo = await reducePhoto(blob, surface);
  if (photo === null) return { blob, facts: untouched };
  const { blob: smaller, ...seen } = photo;
  return { blob: smaller, facts: { ...untouched, ...seen, type: smaller.type, original: false } };
}

/** Everything in this thread. */
export const prepareHere: PrepareMedium = async (request, onProgress) => {
  const kind = await checked(request);
  onProgress({ phase: 'reducing', fraction: 0 });
  const surface = typeof OffscreenCanvas === 'undefined' ? null : offscreenSurface;
  const { blob, facts } = await reduced(request, kind, surface);
  const { size, chunks } = await sealInChunks(blob, request.recipient);
  return { facts, sealedSize: size, chunks };
};
