/** What a chosen file is. Its content decides, not its name or the type that the system tells. */
import type { MediumKind } from '../outbox/types';

export interface Kind {
  kind: MediumKind;
  type: string;
}

/** Null where it is neither a picture, a video nor a sound, as far as its first bytes tell. */
export async function kindOf(blob: Blob): Promise<Kind | null> {
  return kindOfBytes(new Uint8Array(await blob.slice(0, 64).arrayBuffer()));
}

export function kindOfBytes(head: Uint8Array): Kind | null {
  const text = (from: number, to: number) => String.fromCharCode(...head.subarray(from, to));
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  if (starts(0xff, 0xd8, 0xff)) return { kind: 'photo', type: 'image/jpeg' };
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return { kind: 'photo', type: 'image/png' };
  if (text(0, 4) === 'GIF8') return { kind: 'photo', type: 'image/gif' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return { kind: 'photo', type: 'image/webp' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WAVE') return { kind: 'audio', type: 'audio/wav' };
  if (text(4, 8) === 'ftyp') return kindOfBrand(text(8, 12));
  if (starts(0x1a, 0x45, 0xdf, 0xa3)) return { kind: 'video', type: 'video/webm' };
  if (text(0, 4) === 'OggS') return { kind: 'audio', type: 'audio/ogg' };
  if (text(0, 5) === '#!AMR') return { kind: 'audio', type: 'audio/amr' };
  if (text(0, 4) === 'fLaC') return { kind: 'audio', type: 'audio/flac' };
  if (text(0, 3) === 'ID3') return { kind: 'audio', type: 'audio/mpeg' };
  // Frame headers without a container: 11 bits set, then the layer: 0 is AAC (ADTS), else MPEG audio.
  if (head[0] === 0xff && ((head[1] ?? 0) & 0xf6) === 0xf0) return { kind: 'audio', type: 'audio/aac' };
  if (head[0] === 0xff && ((head[1] ?? 0) & 0xe0) === 0xe0 && ((head[1] ?? 0) & 0x06) !== 0) {
    return { kind: 'audio', type: 'audio/mpeg' };
  }
  return null;
}

function kindOfBrand(brand: string): Kind {
  if (/^(heic|heix|heim|heis|hevc|hevx|mif1|msf1)$/.test(brand)) return { kind: 'photo', type: 'image/heic' };
  if (brand === 'avif' || brand === 'avis') return { kind: 'photo', type: 'image/avif' };
  if (brand === 'qt  ') return { kind: 'video', type: 'video/quicktime' };
  if (brand.startsWith('M4A') || brand.startsWith('M4B')) return { kind: 'audio', type: 'audio/mp4' };
  if (brand.startsWith('3gp') || brand.startsWith('3g2')) return { kind: 'video', type: 'video/3gpp' };
  return { kind: 'video', type: 'video/mp4' };
}
