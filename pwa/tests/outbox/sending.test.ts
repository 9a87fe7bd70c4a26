import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '@/outbox/bytes';
import { accessKey, receiptVerifier } from '@/receipt';
import { Sender } from '@/outbox';
import type { Item } from '@/outbox';
import { draftWith, Phone, photo, settle, stored, submitted } from './phone';
import { ProtocolServer } from './protocolServer';
import type { Fault } from './protocolServer';

vi.setConfig({ testTimeout: 60_000 }); // a hang is a failure; a busy machine is not

let server: ProtocolServer;
let phone: Phone;

beforeEach(async () => {
  server = await new ProtocolServer().start();
  phone = new Phone(server.base);
});
afterEach(() => server.stop());

/** These faults one after another on requests that match, then none. */
function misbehave(matches: RegExp, ...faults: Fault[]): void {
  server.fault = (method, path) => (matches.test(`${method} ${path}`) ? (faults.shift() ?? null) : null);
}

/** By digest: comparing megabytes element by element takes minutes. */
async function expectArrived(item: Item, contents: Blob[]): Promise<void> {
  const held = server.held.get(item.id);
  const sent = await Promise.all(contents.map(async (blob) => sha256Hex(new Uint8Array(await blob.arrayBuffer()))));
  expect(held?.media.map(({ content }) => content && sha256Hex(content))).toEqual(sent);
}

describe('a submission', () => {
  it('arrives whole, is opened, and only then leaves the phone', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [3_000_000, 500]);
    expect(item).toMatchObject({ state: 'waiting', hasReceipt: true, number: null });
    server.worker = false;
    const [pending] = await settle(phone, outbox, undefined, 3);
    expect(pending).toMatchObject({ state: 'received', waitingFor: 'opening', sent: pending?.size });
    expect(await stored(phone, 'chunks')).toHaveLength(4);
    server.worker = true;
    const [done] = await settle(phone, outbox);
    expect(done).toMatchObject({ state: 'complete', number: 'N-1', seq: 1, receiptCode: item.receiptCode });
    expect(await stored(phone, 'chunks')).toEqual([]);
    expect(await stored(phone, 'media')).toEqual([]);
    await expectArrived(item, [photo(3_000_000, 0), photo(500, 1)]);
    expect(server.held.get(item.id)?.opened).toMatchObject({
      v: 1,
      kind: 'tip',
      text: '楼道里堆满了油漆桶',
      media: [{ kind: 'photo', type: 'image/jpeg' }, { kind: 'photo' }],
    });
    const envelope = JSON.parse(server.held.get(item.id)?.envelope.toString() ?? '{}') as { receipt: string };
    expect(envelope.receipt).toBe(receiptVerifier(item.receiptCode ?? ''));
    expect(JSON.stringify(envelope)).not.toContain(accessKey(item.receiptCode ?? ''));
  });

  it('seals what a reporter says of themselves to other keys than the report', async () => {
    const outbox = await phone.open();
    const draft = await draftWith(outbox, []);
    const [item] = await outbox.submit(draft.id, [
      { kind: 'tip', body: { text: 'x' }, identity: { name: '扎西' }, contact: { phone: '13800000000' } },
    ]);
    await settle(phone, outbox);
    const envelope = JSON.parse(server.held.get(item?.id ?? '')?.envelope.toString() ?? '{}') as Record<string, string>;
    const open = async (field: string, key: 'identity' | 'notice' | 'intake') =>
      JSON.parse((await server.open(Buffer.from(envelope[field] ?? '', 'base64'), key)).toString()) as unknown;
    expect(await open('identity', 'identity')).toEqual({ name: '扎西' });
    expect(await open('contact', 'notice')).toEqual({ phone: '13800000000' });
    await expect(open('identity', 'intake')).rejects.toThrow();
  });

  it('goes without credentials, and nothing leaves before submit', async () => {
    const outbox = await phone.open();
    await draftWith(outbox, [1000]);
    await new Sender(outbox).runOnce();
    expect(server.requests.filter(({ path }) => path !== '/keys')).toEqual([]);
    await submitted(outbox, [1000]);
    await settle(phone, outbox);
    expect(server.requests.every(({ headers }) => !headers.authorization && !headers.cookie)).toBe(true);
  });
});

describe('an answer that the server did not sign only delays', () => {
  const cases: [string, RegExp, Fault[]][] = [
    ['a captive portal that says 200 to everything', /./, Array<Fault>(6).fill('portal')],
    ['a gateway without a server', /./, Array<Fault>(6).fill('bad_gateway')],
    ['an envelope cut in the middle', /PUT/, [{ cut: 100 }, { cut: 0 }]],
    ['an envelope whose answer is lost', /PUT/, ['lost_answer', 'lost_answer']],
    ['an envelope that a middlebox sends twice', /PUT/, ['duplicate']],
    ['forged signatures under a word of complete', /PUT|status/, ['forged', 'forged', 'forged']],
    ['401 to a public report', /PUT/, ['unauthorized']],
    ['photos cut while they are created', /POST .uploads/, [{ cut: 10_000 }, { cut: 0 }, 'lost_answer']],
    ['pieces cut in the middle', /PATCH/, [{ cut: 10_000 }, { cut: 0 }, { cut: 70_000 }, { cut: 1 }]],
    ['pieces whose answers are lost', /PATCH/, ['lost_answer', 'lost_answer', 'lost_answer']],
    ['pieces that a middlebox sends twice', /PATCH/, ['duplicate', 'duplicate']],
    ['a portal in the middle of the upload', /PATCH|HEAD|uploads/, ['portal', 'portal', 'portal', 'portal']],
    ['a lost answer to status', /status/, ['lost_answer', 'portal', 'bad_gateway']],
  ];
  it.each(cases)('%s', async (_name, matches, faults) => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [700_000, 300_000]);
    misbehave(matches, ...faults);
    const after = await settle(phone, outbox);
    expect(after.map(({ state }) => state)).toEqual(['complete']);
    expect(server.held.size).toBe(1);
    expect(server.held.get(item.id)?.seq).toBe(1);
    await expectArrived(item, [photo(700_000, 0), photo(300_000, 1)]);
  });

  it('keeps everything while the portal stays, and says what it waits for', async () => {
    const outbox = await phone.open();
    await submitted(outbox, [1000]);
    server.fault = () => 'portal';
    const [item] = await settle(phone, outbox, undefined, 5);
    expect(item).toMatchObject({ state: 'waiting', waitingFor: 'server', attention: null });
    expect(item?.nextAttemptAt).not.toBeNull();
    expect(await stored(phone, 'chunks')).toHaveLength(1);
  });

  it('goes on at the last stored byte instead of sending it all again', async () => {
    const outbox = await phone.open();
    await submitted(outbox, [700_000]);
    misbehave(/PATCH|POST .uploads/, { cut: 100_000 }, null, null, { cut: 200_000 });
    await settle(phone, outbox);
    const uploads = server.requests.filter(({ path }) => path.startsWith('/uploads'));
    expect(uploads.filter(({ method }) => method === 'POST')).toHaveLength(3); // once with bytes, twice to ask
    const sent = uploads.reduce((sum, { size }) => sum + size, 0);
    expect(sent).toBe([...server.held.values()][0]?.media[0]?.size);
  });
});

describe('the signed word of the server', () => {
  it('refused: needs attention with the reason, kept, exportable, sent again on request', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [1_500_000]);
    server.refuses = () => 'manifest.too_many';
    const [refused] = await settle(phone, outbox, undefined, 3);
    expect(refused).toMatchObject({
      state: 'needs_attention',
      attention: { reason: 'refused', code: 'manifest.too_many' },
    });
    const file = Buffer.from(await (await outbox.exportItem(item.id)).blob.arrayBuffer());
    const end = file.indexOf('\n');
    const head = JSON.parse(file.subarray(0, end).toString()) as { envelope: number; media: { size: number }[] };
    const medium = file.subarray(end + 1 + head.envelope);
    expect(medium.length).toBe(head.media[0]?.size);
    expect((await server.open(medium)).equals(Buffer.from(await photo(1_500_000, 0).arrayBuffer()))).toBe(true);
    expect(file.includes(item.receiptCode ?? '')).toBe(false);
    server.refuses = () => null;
    await outbox.retry(item.id);
    expect((await settle(phone, outbox))[0]?.state).toBe('complete');
  });

  it('differs: stays on the phone', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, []);
    server.held.set(item.id, { envelope: Buffer.from('{}'), digest: 'ab'.repeat(32), seq: 7, opened: {}, media: [] });
    const [differs] = await settle(phone, outbox, undefined, 2);
    expect(differs).toMatchObject({ state: 'needs_attention', attention: { reason: 'differs' } });
  });

  it('complete, but for another content: is not ours to delete on', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [1000]);
    server.worker = false;
    await settle(phone, outbox, undefined, 2);
    const held = server.held.get(item.id);
    if (!held) throw new Error('not there');
    Object.assign(held, { digest: 'cd'.repeat(32), opened: {}, media: [] });
    expect((await settle(phone, outbox, undefined, 2))[0]).toMatchObject({
      state: 'needs_attention',
      attention: { reason: 'differs' },
    });
    expect(await stored(phone, 'chunks')).toHaveLength(1);
  });

  it('unopenable: stays on the phone, and completes when it could be opened after all', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [1000]);
    server.worker = false;
    await settle(phone, outbox, undefined, 1);
    const medium = server.held.get(item.id)?.media[0];
    if (!medium) throw new Error('not there');
    medium.state = 'unopenable';
    const [alarm] = await settle(phone, outbox, undefined, 2);
    expect(alarm?.state).toBe('needs_attention');
    expect(alarm?.attention?.reason).toBe('unopenable');
    expect(await stored(phone, 'chunks')).toHaveLength(1);
    server.worker = true;
    medium.state = 'expected';
    expect((await settle(phone, outbox))[0]?.state).toBe('complete');
  });

  it('unknown, after the server came back from an older backup: all of it is sent again', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [400_000]);
    server.worker = false;
    await settle(phone, outbox, undefined, 2);
    expect(server.held.size).toBe(1);
    server.held.clear();
    server.worker = true;
    expect((await settle(phone, outbox))[0]?.state).toBe('complete');
    await expectArrived(item, [photo(400_000, 0)]);
  });

  it('bytes that arrived wrong are sent again', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [400_000]);
    server.worker = false;
    await settle(phone, outbox, undefined, 2);
    server.held.get(item.id)?.media[0]?.bytes.fill(0, 100, 200);
    server.worker = true;
    expect((await settle(phone, outbox))[0]?.state).toBe('complete');
    await expectArrived(item, [photo(400_000, 0)]);
  });
});

describe('keys', () => {
  it('a rotated signing key is believed through the chain, also over two steps', async () => {
    const outbox = await phone.open();
    await submitted(outbox, []);
    await server.rotate();
    await server.rotate();
    expect((await settle(phone, outbox))[0]?.state).toBe('complete');
  });

  it('a key that nobody vouches for is not believed: nothing is lost, nothing is deleted', async () => {
    const outbox = await phone.open();
    await submitted(outbox, [1000]);
    await server.rotate(false);
    const [item] = await settle(phone, outbox, undefined, 4);
    expect(item).toMatchObject({ state: 'waiting', waitingFor: 'server' });
    expect(await stored(phone, 'chunks')).toHaveLength(1);
  });

  it("another server's keys change nothing", async () => {
    const outbox = await phone.open();
    const before = await outbox.refreshKeys(0);
    const other = await new ProtocolServer().start();
    const keys = other.keys();
    await other.stop();
    server.keys = () => keys;
    await expect(outbox.refreshKeys(0)).rejects.toMatchObject({ code: 'keys_untrusted' });
    expect((await outbox.refreshKeys(1e9)).keys).toEqual(before.keys);
  });
});

describe('as few requests as there can be', () => {
  it('a photo of one piece goes with its creation, and one question asks for many', async () => {
    const outbox = await phone.open();
    for (let n = 0; n < 5; n++) await submitted(outbox, [150_000, 2000]);
    server.worker = false;
    await new Sender(outbox).runOnce();
    server.worker = true;
    await settle(phone, outbox);
    const asked = server.requests.map(({ method, path }) => `${method} ${path.split('/').slice(0, 2).join('/')}`);
    const count = (what: string) => asked.filter((one) => one === what).length;
    expect([count('PUT /submissions'), count('POST /uploads'), count('POST /submissions')]).toEqual([5, 10, 1]);
    expect(asked.filter((one) => !one.endsWith('/keys'))).toHaveLength(16);
  });
});

describe('order', () => {
  it('envelopes first: urgent, then new before old; then media, small ones first', async () => {
    // As the phone begins them: on the way one lane may overtake another.
    const begun: { method: string | undefined; path: string; size: number }[] = [];
    const noted = (url: string, init: RequestInit) => {
      const size = Number(new Headers(init.headers).get('upload-length'));
      begun.push({ method: init.method, path: url.slice(phone.api.length), size });
      return fetch(url, init);
    };
    const outbox = await phone.open({ environment: { fetch: noted } });
    const old = await submitted(outbox, [90_000]);
    const young = await submitted(outbox, [30_000]);
    const draft = await draftWith(outbox, []);
    const [urgent] = await outbox.submit(draft.id, [{ kind: 'tip', body: {}, urgent: true }]);
    await settle(phone, outbox);
    const path = (item: Item | undefined) => `/submissions/${item?.id ?? ''}`;
    const puts = begun.filter(({ method }) => method === 'PUT').map((request) => request.path);
    expect(puts).toEqual([path(urgent), path(young), path(old)]);
    const sizes = begun.filter((request) => request.path === '/uploads').map(({ size }) => size);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(sizes).toHaveLength(2);
  });

  it('a new report goes out while a large video is on its way', async () => {
    const outbox = await phone.open();
    const video = await submitted(outbox, [3_000_000]);
    const sender = new Sender(outbox);
    let second: Item | null = null;
    let patches = 0;
    server.fault = (method) => {
      if (method === 'PATCH' && ++patches === 1)
        void submitted(outbox, []).then((item) => {
          second = item;
        });
      return null;
    };
    sender.start();
    await expect.poll(() => server.held.get(second?.id ?? '')?.seq, { timeout: 20_000 }).toBe(2);
    await expect
      .poll(() => server.held.get(video.id)?.media[0]?.bytes.length, { timeout: 20_000 })
      .toBe(server.held.get(video.id)?.media[0]?.size);
    sender.stop();
  });
});

describe('sign-in', () => {
  it('an expired sign-in holds nothing up but the sending, which goes on by itself', async () => {
    server.token = 'good';
    let token: string | null = 'stale';
    const asked: (string | null)[] = [];
    const getToken = ({ rejected }: { rejected: string | null }) => {
      asked.push(rejected);
      return Promise.resolve(token === rejected ? null : token);
    };
    const outbox = await phone.open({ database: 'gridwatch-staff', owner: () => 'person-1' });
    const draft = await outbox.createDraft('hazard');
    await outbox.submit(draft.id, [{ kind: 'hazard', body: {}, label: '雪山加油站' }]);
    const [waiting] = await settle(phone, outbox, getToken, 3);
    expect(waiting).toMatchObject({
      state: 'needs_sign_in',
      waitingFor: 'sign_in',
      owner: 'person-1',
      receiptCode: null,
    });
    expect(asked).toContain('stale');
    token = 'good';
    expect((await settle(phone, outbox, getToken))[0]?.state).toBe('complete');
  });

  it('what one person saved is not sent as another who signs in on the same phone', async () => {
    const outbox = await phone.open({ database: 'gridwatch-staff', owner: () => 'person-1' });
    const draft = await outbox.createDraft('hazard');
    await outbox.submit(draft.id, [{ kind: 'hazard', body: {} }]);
    const asOther = ({ owner }: { owner: string | null }) => Promise.resolve(owner === 'person-2' ? 'token' : null);
    expect((await settle(phone, outbox, asOther, 3))[0]?.state).toBe('needs_sign_in');
    expect(server.held.size).toBe(0);
  });
});

describe('when it runs', () => {
  it('two windows send each thing once', async () => {
    const one = await phone.open();
    const two = await phone.open();
    await submitted(one, [300_000]);
    await Promise.all([new Sender(one).runOnce(), new Sender(two).runOnce()]);
    expect(server.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('tries again on a timer that grows, and at once when woken', async () => {
    const waits: number[] = [];
    let fire: () => void = () => undefined;
    // The sender's own timer, apart from its patience with a request and the lease.
    const after = (ms: number, run: () => void) => {
      if (ms < 30_000 && ms !== 10_000) {
        waits.push(ms);
        fire = run;
      }
      return () => undefined;
    };
    const outbox = await phone.open({ environment: { after } });
    await submitted(outbox, []);
    server.fault = () => 'bad_gateway';
    const sender = new Sender(outbox);
    sender.start();
    for (let round = 1; round <= 5; round++) {
      await expect.poll(() => waits.length, { timeout: 10_000 }).toBe(round);
      phone.clock += waits[round - 1] ?? 0;
      fire();
    }
    expect(waits[4]).toBeGreaterThan((waits[0] ?? 0) * 4);
    await expect.poll(() => waits.length, { timeout: 10_000 }).toBe(6);
    server.fault = () => null;
    sender.wake();
    await expect.poll(() => server.held.size, { timeout: 10_000 }).toBe(1);
    sender.stop();
  });
});
