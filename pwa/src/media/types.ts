/** What is known of a chosen photo, video or sound once it is ready to be sealed. */
import type { MediaLimits, MediumKind, MediumProgress } from '../outbox/types';

export interface MediumFacts {
  kind: MediumKind;
  type: string;
  width: number | null;
  height: number | null;
  durationS: number | null;
  /** data: URL, null where the phone cannot decode the format. */
  thumbnail: string | null;
  /** True where nothing was reduced. */
  original: boolean;
}

export interface SealedFacts {
  /** Lower-case hex SHA-256 and size in bytes of the sealed form. */
  sha256: string;
  size: number;
}

export interface PrepareRequest {
  blob: Blob;
  /** Send the bytes as they are. */
  original: boolean;
  /** age1… of the intake. */
  recipient: string;
  limits: MediaLimits;
}

export interface PreparedMedium {
  facts: MediumFacts;
  /** What the sealed form will measure. */
  sealedSize: number;
  /** The sealed form in pieces of CHUNK_BYTES, the last one shorter; the return value is its digest. */
  chunks: AsyncGenerator<ArrayBuffer, SealedFacts>;
}

/** Reduces and begins to seal. Throws OutboxError `too_large`, `empty` or `not_media`. */
export type PrepareMedium = (
  request: PrepareRequest,
  onProgress: (progress: MediumProgress) => void,
) => Promise<PreparedMedium>;
