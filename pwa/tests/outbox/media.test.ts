import { expect, it, vi } from 'vitest';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { sha256Hex } from '@/outbox/bytes';
import { kindOfBytes } from '@/media/kinds';
import { fit } from '@/media/photo';
import { CHUNK_BYTES } from '@/media/chunk';
import { sealInChunks } from '@/media/seal';
import { PieceSize, backoffMs } from '@/outbox/pace';

vi.setConfig({ testTimeout: 60_000 }); // a hang is a failure; a busy machine is not

const text = (...parts: (string | number)[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part].map((c) => c.charCodeAt(0)))));

it.each([
  [text(0xff, 0xd8, 0xff, 0xe1), 'image/jpeg'],
  [text(0x89, 'PNG\r\n', 0x1a, '\n'), 'image/png'],
  [text('RIFF', 0, 0, 0, 0, 'WEBPVP8 '), 'image/webp'],
  [text(0, 0, 0, 24, 'ftypheic'), 'image/heic'],
  [text(0, 0, 0, 24, 'ftypmif1'), 'image/heic'],
  [text(0, 0, 0, 20, 'ftypqt  '), 'video/quicktime'],
  [text(0, 0, 0, 20, 'ftypisom'), 'video/mp4'],
  [text(0, 0, 0, 20, 'ftypM4A '), 'audio/mp4'],
  [text(0x1a, 0x45, 0xdf, 0xa3), 'video/webm'],
  [text('#!AMR\n'), 'audio/amr'],
  [text('RIFF', 0, 0, 0, 0, 'WAVEfmt '), 'audio/wav'],
  [text(0xff, 0xf1, 0x50), 'audio/aac'],
  [text(0xff, 0xfb, 0x90), 'audio/mpeg'],
  [text('<html>'), undefined],
  [text('%PDF-1.7'), undefined],
  [text('MZ'), undefined],
])('knows a file by its first bytes: %#', (head, type) => {
  expect(kindOfBytes(head)?.type).toBe(type);
});

it('fits the long side, keeps the proportions, never enlarges', () => {
  expect(fit(4000, 3000, 2560)).toEqual({ width: 2560, height: 1920 });
  expect(fit(3000, 4000, 2560)).toEqual({ width: 1920, height: 2560 });
  expect(fit(800, 600, 2560)).toEqual({ width: 800, height: 600 });
  expect(fit(10_000, 1, 240)).toEqual({ width: 240, height: 1 });
});

it.each([0, 1, 65_536, CHUNK_BYTES, 2 * CHUNK_BYTES + 7])(
  'seals %i bytes into whole chunks that age opens',
  async (size) => {
    const secret = await generateX25519Identity();
    const plain = new Uint8Array(size).map((_, i) => i % 251);
    const sealed = await sealInChunks(new Blob([plain]), await identityToRecipient(secret));
    const chunks: ArrayBuffer[] = [];
    let next = await sealed.chunks.next();
    for (; next.done !== true; next = await sealed.chunks.next()) chunks.push(next.value);
    expect(chunks.slice(0, -1).every(({ byteLength }) => byteLength === CHUNK_BYTES)).toBe(true);
    const whole = new Uint8Array(await new Blob(chunks).arrayBuffer());
    expect(next.value).toEqual({ size: whole.length, sha256: sha256Hex(whole) });
    expect(sealed.size).toBe(whole.length);
    const decrypter = new Decrypter();
    decrypter.addIdentity(secret);
    expect(sha256Hex(await decrypter.decrypt(whole))).toBe(sha256Hex(plain));
  },
);

it('sizes pieces to the link, within 64 KiB and 2 MiB', () => {
  const slow = new PieceSize();
  for (let i = 0; i < 20; i++) slow.sent(slow.bytes, slow.bytes / 5); // 5 kB/s
  expect(slow.bytes).toBe(64 * 1024);
  const fast = new PieceSize();
  for (let i = 0; i < 20; i++) fast.sent(fast.bytes, fast.bytes / 5000); // 5 MB/s
  expect(fast.bytes).toBe(2 * 1024 * 1024);
  fast.failed();
  expect(fast.bytes).toBe(1024 * 1024);
});

it('waits longer each time, up to the longest, never all phones at once', () => {
  const waits = [0, 1, 2, 3, 30].map((failures) => backoffMs(failures, 60_000, () => 0.5));
  expect(waits).toEqual([500, 1000, 2000, 4000, 60_000]);
  expect(backoffMs(0, 60_000, () => 0)).toBe(250);
  expect(backoffMs(0, 60_000, () => 0.99)).toBeGreaterThan(700);
});
