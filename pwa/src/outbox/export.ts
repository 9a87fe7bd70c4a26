/**
 * An item as one file, for handing it in by another way. First line: JSON with what follows and how long each part is;
 * then the envelope's exact bytes; then each sealed medium in the order of that line. Nothing in it can be read without
 * the intake's private key, except what the envelope tells anyway. The receipt code is not in it.
 */
import { utf8 } from './bytes';
import type { ItemRecord } from './schema';
import { CHUNK_BYTES } from '../media/chunk';
import type { ExportedFile } from './types';

export async function asFile(
  item: ItemRecord,
  envelope: ArrayBuffer,
  read: (medium: { id: string; size: number }, offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<ExportedFile> {
  const media = item.media.map(({ sha256, size }) => ({ sha256, size }));
  const line = {
    format: 'gridwatch-submission-v1',
    id: item.id,
    digest: item.digest,
    envelope: envelope.byteLength,
    media,
  };
  const parts: BlobPart[] = [utf8(`${JSON.stringify(line)}\n`), envelope];
  for (const medium of item.media) {
    for (let offset = 0; offset < medium.size; offset += CHUNK_BYTES) {
      parts.push(await read(medium, offset, CHUNK_BYTES));
    }
  }
  return { name: `gridwatch-${item.id}.gws`, blob: new Blob(parts, { type: 'application/octet-stream' }) };
}
