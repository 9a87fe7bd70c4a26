import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256Hex } from '@/outbox/bytes';
import { Sender } from '@/outbox';
import { Fuse } from './fuse';
import { Phone, photo, settle, stored } from './phone';
import { ProtocolServer } from './protocolServer';

/** Small, as this runs some hundred times; two chunks in one medium are in sending.test.ts. */
const SIZES = [40_000, 3_000];
let server: ProtocolServer;

beforeAll(async () => {
  Fuse.install();
  server = await new ProtocolServer().start();
});
afterAll(() => server.stop());

/** What a person does in one go, from the first photo to the signed `complete`. */
async function theWholeWay(phone: Phone, fuse: Fuse, told: { chosen: number; submitted: boolean }): Promise<void> {
  const outbox = await phone.open({ environment: { fetch: fuse.fetch } });
  const draft = (await outbox.drafts())[0] ?? (await outbox.createDraft('tip'));
  await outbox.saveDraft(draft.id, { text: '没有护栏' });
  for (const [i, size] of SIZES.entries()) {
    await outbox.addMedium(draft.id, photo(size, i));
    told.chosen = i + 1;
  }
  await outbox.submit(draft.id, [{ kind: 'tip', body: { text: '没有护栏' } }]);
  told.submitted = true;
  const sender = new Sender(outbox);
  for (let i = 0; i < 3; i++) {
    await sender.runOnce();
    phone.clock += 60 * 60 * 1000;
  }
}

async function digestOf(blob: Blob): Promise<string> {
  return sha256Hex(new Uint8Array(await blob.arrayBuffer()));
}

it(
  'killed at any point between choosing and complete: nothing lost, nothing doubled, nothing left over',
  { timeout: 300_000 },
  async () => {
    const contents = await Promise.all(SIZES.map((size, i) => digestOf(photo(size, i))));
    let finished = false;
    let at = 0;
    while (!finished) {
      at += 1;
      server.held.clear();
      const phone = new Phone(server.base);
      const told = { chosen: 0, submitted: false };
      const fuse = new Fuse(at);
      finished = await fuse.run(() => theWholeWay(phone, fuse, told));
      const where = `killed at touch ${String(at)}`;
      phone.clock += 2 * 60 * 60 * 1000;

      const outbox = await phone.open();
      const [drafts, items] = [await outbox.drafts(), await outbox.items()];
      // What the person was told is true: every chosen photo is there, and "submitted" is an item.
      expect(drafts.length + items.length, where).toBeLessThanOrEqual(1);
      if (told.submitted) expect(items.length, where).toBe(1);
      if (told.chosen > 0)
        expect((drafts[0] ?? items[0])?.media.length ?? 0, where).toBeGreaterThanOrEqual(told.chosen);
      // No chunk without a record, no record without its chunks.
      const named = new Set(
        [...drafts, ...items.filter(({ state }) => state !== 'complete')].flatMap(({ media }) =>
          media.map(({ id }) => id),
        ),
      );
      const chunked = new Set((await stored(phone, 'chunks')).map(({ key }) => (key as [string, number])[0]));
      expect(chunked, where).toEqual(named);

      // It goes on from what is there, to the end.
      for (const draft of drafts) {
        for (const [i, size] of SIZES.entries()) {
          if (i >= draft.media.length) await outbox.addMedium(draft.id, photo(size, i));
        }
        await outbox.submit(draft.id, [{ kind: 'tip', body: { text: '没有护栏' } }]);
      }
      const after = await settle(phone, outbox);
      if (drafts.length + items.length === 0) {
        expect(told, where).toEqual({ chosen: 0, submitted: false });
        expect(server.held.size, where).toBe(0);
      } else {
        expect(
          after.map(({ state }) => state),
          where,
        ).toEqual(['complete']);
        expect(server.held.size, where).toBe(1);
        const held = server.held.get(after[0]?.id ?? '');
        expect(
          held?.media.map(({ content }) => content && sha256Hex(content)),
          where,
        ).toEqual(contents);
        expect(after[0]?.receiptCode, where).toMatch(/^[2-9A-HJKMNP-Z]{20}$/);
      }
      expect(await stored(phone, 'chunks'), where).toEqual([]);
      expect(await stored(phone, 'media'), where).toEqual([]);
      outbox.close();
    }
    expect(at).toBeGreaterThan(60); // the last one came through alive; all points before it were killed
  },
);
