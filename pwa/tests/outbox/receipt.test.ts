import { describe, expect, it } from 'vitest';
import vectors from '../../../tests/sync/receipt-vectors.json';
import { contentDigest, sha256Hex, utf8 } from '@/outbox/bytes';
import {
  accessKey,
  formatReceiptCode,
  makeReceiptCode,
  parseReceiptCode,
  RECEIPT_ALPHABET,
  receiptVerifier,
} from '@/receipt';

describe('receipt code', () => {
  it('agrees with the server on alphabet, check character and hashes', () => {
    expect(RECEIPT_ALPHABET).toBe(vectors.alphabet);
    for (const { code, shown, access_key, verifier } of vectors.codes) {
      expect(parseReceiptCode(shown)).toEqual({ ok: true, code });
      expect(formatReceiptCode(code)).toBe(shown);
      expect(accessKey(code)).toBe(access_key);
      expect(receiptVerifier(code)).toBe(verifier);
    }
  });

  it('reads what a person typed, and says precisely what is wrong with it', () => {
    for (const { typed, code, fault } of vectors.typed) {
      expect(parseReceiptCode(typed)).toEqual(fault ? { ok: false, fault } : { ok: true, code });
    }
  });

  it('finds every single wrong character and every swap of neighbours', () => {
    const code = makeReceiptCode();
    for (let i = 0; i < code.length; i++) {
      for (const other of RECEIPT_ALPHABET) {
        if (other !== code[i]) expect(parseReceiptCode(code.slice(0, i) + other + code.slice(i + 1)).ok).toBe(false);
      }
      const [a, b] = [code.charAt(i), code.charAt(i + 1)];
      if (b !== '' && a !== b) expect(parseReceiptCode(code.slice(0, i) + b + a + code.slice(i + 2)).ok).toBe(false);
    }
  });

  it('draws every character equally often: bytes that would favour some are thrown away', () => {
    // All 256 values in turn: an unfair draw would give the first eight characters one more each.
    let value = 0;
    const counts = new Map<string, number>();
    for (let i = 0; i < 248; i++) {
      const code = makeReceiptCode((bytes) =>
        bytes.forEach((_, at) => {
          bytes[at] = value++ % 256;
        }),
      );
      for (const character of code.slice(0, -1)) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    const fewest = Math.min(...counts.values());
    const most = Math.max(...counts.values());
    expect(counts.size).toBe(31);
    expect(most - fewest).toBeLessThanOrEqual(19);
  });
});

it('writes Content-Digest as RFC 9530 has it', () => {
  for (const { utf8: text, header, sha256 } of vectors.content_digests) {
    expect(contentDigest(utf8(text))).toBe(header);
    expect(sha256Hex(utf8(text))).toBe(sha256);
  }
});
