/** What a phone stored under an older version of the app is opened, and sent, by the newest. */
import { describe, expect, it, vi } from 'vitest';
import { VERSION } from '@/outbox/schema';
import { lay, readDatabase, take, versions, writeDatabase } from './databases';
import { draftWith, Phone, settle, stored, submitted } from './phone';
import { ProtocolServer } from './protocolServer';

vi.setConfig({ testTimeout: 60_000 }); // a hang is a failure; a busy machine is not

/** A draft, one that waits, one refused with its readable copy, one complete. After a new version: STORE=1 npx vitest run upgrade */
it.runIf(process.env['STORE'])('stores what the newest version leaves on a phone', async () => {
  const server = await new ProtocolServer().start();
  const phone = new Phone(server.base);
  const outbox = await phone.open();
  const done = await submitted(outbox, [1000], '已收妥');
  await settle(phone, outbox);
  const refused = await draftWith(outbox, [2000], '被拒的');
  await outbox.keepCopies(true);
  await outbox.submit(refused.id, [{ kind: 'tip', body: refused.data }]);
  server.refuses = () => 'manifest.too_many';
  await settle(phone, outbox, undefined, 2);
  await submitted(outbox, [3000, 500], '待发的');
  await draftWith(outbox, [4000], '没写完的');
  expect(done.state).toBe('waiting');
  writeDatabase(await take(phone.disk, 'gridwatch-tip', server.secrets()));
  await server.stop();
});

it('every version of the database is kept as a file', () => {
  expect(versions()).toEqual(Array.from({ length: VERSION }, (_, i) => i + 1));
});

describe.each(versions())('a phone with a database of version %i', (version) => {
  it('keeps everything under the newest, mends what was refused, and sends all of it', async () => {
    const server = await new ProtocolServer().start();
    const old = readDatabase(version);
    server.succeed(old.server);
    const phone = new Phone(server.base);
    await lay(phone.disk, 'gridwatch-tip', old);
    const outbox = await phone.open();

    expect((await outbox.items()).map(({ state }) => state)).toEqual(['waiting', 'needs_attention', 'complete']);
    expect((await outbox.drafts()).map(({ data }) => data['text'])).toEqual(['没写完的']);
    expect(JSON.stringify(await stored(phone, 'items'))).not.toContain('被拒的');
    const refused = (await outbox.items()).find(({ mendable }) => mendable);
    const mended = await outbox.mend(refused?.id ?? '');
    expect(mended.data).toEqual({ text: '被拒的' });
    for (const draft of await outbox.drafts()) await outbox.submit(draft.id, [{ kind: 'tip', body: draft.data }]);

    const items = await settle(phone, outbox);
    expect(items.map(({ state }) => state)).toEqual(Array(4).fill('complete'));
    const texts = [...server.held.values()].map(({ opened }) => (opened as { text: string }).text);
    expect(texts.sort()).toEqual(['待发的', '没写完的', '被拒的'].sort());
    expect(await stored(phone, 'chunks')).toEqual([]);
    await server.stop();
  });
});
