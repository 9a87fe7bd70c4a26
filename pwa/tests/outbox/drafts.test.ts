import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { storageState } from '@/outbox/storage';
import type { MediumProgress } from '@/outbox';
import { draftWith, Phone, photo, settle, stored, submitted } from './phone';
import { ProtocolServer } from './protocolServer';

vi.setConfig({ testTimeout: 60_000 }); // a hang is a failure; a busy machine is not

let server: ProtocolServer;
let phone: Phone;

beforeAll(async () => {
  server = await new ProtocolServer().start();
});
afterAll(() => server.stop());
beforeEach(() => {
  phone = new Phone(server.base);
});

describe('a draft', () => {
  it('is there after the window was closed, with its media in the chosen order', async () => {
    const outbox = await phone.open();
    const draft = await draftWith(outbox, [100, 200, 300]);
    const [a, b, c] = draft.media;
    await outbox.reorderMedia(draft.id, [c?.id ?? '', a?.id ?? '', b?.id ?? '']);
    await outbox.removeMedium(draft.id, a?.id ?? '');
    outbox.close();
    const [again] = await (await phone.open()).drafts();
    expect(again?.data).toEqual({ text: '楼道里堆满了油漆桶' });
    expect(again?.media.map(({ id }) => id)).toEqual([c?.id, b?.id]);
    expect(await stored(phone, 'chunks')).toHaveLength(2);
  });

  it('keeps the order in which several photos were chosen at once, and submit waits for them', async () => {
    const outbox = await phone.open();
    const draft = await outbox.createDraft('tip');
    const sizes = [400_000, 100, 200_000];
    const added = sizes.map((size) => outbox.addMedium(draft.id, photo(size)));
    const [item] = await outbox.submit(draft.id, [{ kind: 'tip', body: {} }]);
    expect(item?.media.map(({ id }) => id)).toEqual((await Promise.all(added)).map(({ id }) => id));
  });

  it('holds what the phone itself cannot read: only sealed bytes are on the disk', async () => {
    const outbox = await phone.open();
    const draft = await outbox.createDraft('tip');
    const words = 'BEGIN-OF-SECRET-PICTURE';
    await outbox.addMedium(draft.id, new Blob([new Uint8Array([0xff, 0xd8, 0xff]), words]));
    const [chunk] = await stored(phone, 'chunks');
    const bytes = Buffer.from(chunk?.value as ArrayBuffer);
    expect(bytes.includes(words)).toBe(false);
    expect((await server.open(bytes)).includes(words)).toBe(true);
    await outbox.submit(draft.id, [{ kind: 'tip', body: { text: words } }]);
    expect(JSON.stringify(await stored(phone, 'items'))).not.toContain(words);
    expect(await stored(phone, 'drafts')).toEqual([]);
  });

  it('discarded, leaves nothing', async () => {
    const outbox = await phone.open();
    const draft = await draftWith(outbox, [100]);
    await outbox.discardDraft(draft.id);
    expect([await stored(phone, 'chunks'), await stored(phone, 'media'), await outbox.drafts()]).toEqual([[], [], []]);
    await expect(outbox.saveDraft(draft.id, {})).rejects.toMatchObject({ code: 'unknown_draft' });
  });
});

describe('a file that cannot be taken is told by a code with numbers, and leaves nothing', () => {
  const limits = { photoBytes: 1000, videoBytes: 5000, mediaCount: 2 };
  const mp4 = new Blob([new Uint8Array([0, 0, 0, 24]), 'ftypisom', new Uint8Array(6000)]);
  it.each([
    ['an empty one', new Blob([]), { code: 'empty' }],
    [
      'a text called .jpg',
      new File(['hello, I am text'], 'a.jpg', { type: 'image/jpeg' }),
      { code: 'not_media', details: { type: 'image/jpeg' } },
    ],
    ['a photo over the limit', photo(1001), { code: 'too_large', details: { kind: 'photo', size: 1001, limit: 1000 } }],
    ['a video over the limit', mp4, { code: 'too_large', details: { kind: 'video', size: 6012, limit: 5000 } }],
  ])('%s', async (_name, blob, fault) => {
    const outbox = await phone.open({ limits });
    const draft = await outbox.createDraft('tip');
    await expect(outbox.addMedium(draft.id, blob)).rejects.toMatchObject(fault);
    expect(await stored(phone, 'chunks')).toEqual([]);
  });

  it('one too many', async () => {
    const outbox = await phone.open({ limits });
    const draft = await draftWith(outbox, [100, 100]);
    await expect(outbox.addMedium(draft.id, photo(100))).rejects.toMatchObject({
      code: 'too_many_media',
      details: { limit: 2 },
    });
  });

  it('no room on the phone', async () => {
    const storage = {
      estimate: () => Promise.resolve({ usage: 90_000_000, quota: 96_000_000 }),
    } as unknown as StorageManager;
    const outbox = await phone.open({ environment: { storage } });
    const draft = await outbox.createDraft('tip');
    const fault = { code: 'quota', details: { free: 6_000_000 } };
    await expect(outbox.addMedium(draft.id, photo(2_000_000))).rejects.toMatchObject(fault);
    await outbox.addMedium(draft.id, photo(1000));
    expect(await stored(phone, 'chunks')).toHaveLength(1);
  });

  it('never online before: nothing to seal to', async () => {
    const offline = await phone.open({ environment: { fetch: () => Promise.reject(new TypeError('offline')) } });
    const draft = await offline.createDraft('tip');
    await expect(offline.addMedium(draft.id, photo(10))).rejects.toMatchObject({ code: 'no_keys' });
  });
});

describe('submit', () => {
  it('asked twice, also at once and in two windows, makes one item', async () => {
    const one = await phone.open();
    const two = await phone.open();
    const draft = await draftWith(one, [100]);
    const bodies = [{ kind: 'tip' as const, body: {} }];
    const all = await Promise.all([
      one.submit(draft.id, bodies),
      one.submit(draft.id, bodies),
      two.submit(draft.id, bodies),
    ]);
    expect(new Set(all.flat().map(({ id }) => id)).size).toBe(1);
    expect(await two.items()).toHaveLength(1);
  });

  it('several bodies of one visit go together, each with its media; none may be left out', async () => {
    const outbox = await phone.open();
    const draft = await draftWith(outbox, [100, 200]);
    const [a, b] = draft.media.map(({ id }) => id);
    const bodies = (second: string[]) => [
      { kind: 'inspection' as const, body: {}, media: [a ?? ''] },
      { kind: 'hazard' as const, body: {}, media: second },
    ];
    await expect(outbox.submit(draft.id, bodies([]))).rejects.toMatchObject({ code: 'media_unassigned' });
    await expect(outbox.submit(draft.id, bodies([a ?? '']))).rejects.toMatchObject({ code: 'media_unassigned' });
    expect(await outbox.items()).toEqual([]);
    const items = await outbox.submit(draft.id, bodies([b ?? '']));
    expect(items.map(({ kind, media }) => [kind, media.map(({ id }) => id)])).toEqual([
      ['inspection', [a]],
      ['hazard', [b]],
    ]);
  });

  it('the code stays until the person has it, and then is nowhere on the phone', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, []);
    await settle(phone, outbox);
    await expect(outbox.forget(item.id)).rejects.toMatchObject({ code: 'receipt_not_kept' });
    await outbox.markReceiptKept(item.id);
    expect(JSON.stringify(await stored(phone, 'items'))).not.toContain(item.receiptCode);
    await outbox.forget(item.id);
    expect(await outbox.items()).toEqual([]);
  });

  it('a refused one can be mended only where the person chose to keep copies', async () => {
    const outbox = await phone.open();
    server.refuses = () => 'manifest.shape';
    const [kept, lost] = await Promise.all([draftWith(outbox, [50_000], '有'), draftWith(outbox, [], '无')]);
    const [b] = await outbox.submit(lost.id, [{ kind: 'tip', body: {} }]);
    await outbox.keepCopies(true);
    const [a] = await outbox.submit(kept.id, [{ kind: 'tip', body: {} }]);
    await expect(outbox.mend(a?.id ?? '')).rejects.toMatchObject({ code: 'not_mendable' }); // not refused yet
    await settle(phone, outbox, undefined, 2);
    server.refuses = () => null;
    expect((await outbox.items()).map(({ mendable }) => mendable)).toEqual([true, false]);
    await expect(outbox.mend(b?.id ?? '')).rejects.toMatchObject({ code: 'not_mendable' });
    const mended = await outbox.mend(a?.id ?? '');
    expect(mended).toMatchObject({ data: { text: '有' }, media: kept.media });
    const [again] = await outbox.submit(mended.id, [{ kind: 'tip', body: mended.data }]);
    expect(await stored(phone, 'copies')).toHaveLength(1);
    server.worker = false;
    await settle(phone, outbox, undefined, 1);
    expect(await stored(phone, 'copies')).toEqual([]); // received: no need for it any more
    server.worker = true;
    await settle(phone, outbox, undefined, 3);
    expect(await outbox.item(again?.id ?? '')).toMatchObject({ state: 'complete' });
  });

  it('copies that are not wanted any more are gone at once, and the refused one can still be sent', async () => {
    const outbox = await phone.open();
    await outbox.keepCopies(true);
    await submitted(outbox, [100], '藏起来');
    await outbox.keepCopies(false);
    expect([await stored(phone, 'copies'), await outbox.keepsCopies()]).toEqual([[], false]);
    expect((await settle(phone, outbox))[0]?.state).toBe('complete');
  });

  it('what the server will not take can be cleared by the person, with all its bytes; what waits cannot', async () => {
    const outbox = await phone.open();
    const item = await submitted(outbox, [100]);
    await expect(outbox.forget(item.id)).rejects.toMatchObject({ code: 'not_complete' });
    server.refuses = () => 'manifest.shape';
    await settle(phone, outbox, undefined, 2);
    server.refuses = () => null;
    await outbox.forget(item.id);
    for (const store of ['items', 'media', 'chunks', 'copies']) expect(await stored(phone, store)).toEqual([]);
  });

  it('leaves nothing that can be read on the disk, whatever was in the draft', async () => {
    const outbox = await phone.open();
    const draft = await draftWith(outbox, [100], 'WORDS-OF-THE-REPORTER');
    const thumbnail = 'data:image/jpeg;base64,VEhVTUJOQUlM';
    const seen = { ...draft, media: draft.media.map((medium) => ({ ...medium, thumbnail })) };
    await outbox.store.write(['drafts'], async (tx) => void (await tx.objectStore('drafts').put(seen)));
    const readable = /WORDS-OF-THE-REPORTER|VEhVTUJOQUlM|扎西|13800000000/;
    const disk = async () => {
      const stores = ['drafts', 'media', 'chunks', 'items', 'copies', 'meta'];
      const records = await Promise.all(stores.map((store) => stored(phone, store)));
      return JSON.stringify(records, (_key, value: unknown) =>
        value instanceof ArrayBuffer ? Buffer.from(value).toString('latin1') : value,
      );
    };
    expect(await disk()).toMatch(readable);
    const person = { identity: { name: '扎西' }, contact: { phone: '13800000000' } };
    await outbox.submit(draft.id, [{ kind: 'tip', body: draft.data, ...person }]);
    expect(await disk()).not.toMatch(readable);
  });
});

describe('the database', () => {
  it('sweeps what a killed window wrote for nothing, but not what one is writing now', async () => {
    const outbox = await phone.open();
    await draftWith(outbox, [100]);
    await outbox.store.putChunk('left-behind', 0, new ArrayBuffer(8), phone.clock);
    await phone.open();
    expect(await stored(phone, 'chunks')).toHaveLength(2);
    phone.clock += 2 * 60 * 60 * 1000;
    await phone.open();
    expect(await stored(phone, 'chunks')).toHaveLength(1);
    expect((await stored(phone, 'meta')).map(({ key }) => key)).toEqual(['keys']);
  });

  it('gives way to a newer version and says so', async () => {
    const outbox = await phone.open();
    await draftWith(outbox, []);
    const request = phone.disk.open('gridwatch-tip', 999);
    await new Promise((resolve, reject) => {
      request.onsuccess = resolve;
      request.onerror = reject;
    });
    await expect(outbox.drafts()).rejects.toMatchObject({ code: 'database_newer' });
    request.result.close();
  });

  it('comes back by itself after the browser dropped the connection', async () => {
    const outbox = await phone.open();
    const draft = await draftWith(outbox, []);
    outbox.store.close();
    expect((await outbox.draft(draft.id))?.id).toBe(draft.id);
  });

});

it('tells progress in order', async () => {
  const outbox = await phone.open();
  const draft = await outbox.createDraft('tip');
  const told: MediumProgress[] = [];
  await outbox.addMedium(draft.id, photo(2_500_000), {}, (progress) => told.push(progress));
  expect(told.map(({ phase }) => phase)).toEqual(['waiting', 'reducing', 'sealing', 'sealing', 'sealing', 'sealing']);
  expect(told.at(-1)?.fraction).toBe(1);
});

it('tells other listeners what changed', async () => {
  const outbox = await phone.open();
  const told: string[] = [];
  const stop = outbox.subscribe(({ store }) => told.push(store));
  await submitted(outbox, [10]);
  expect(told).toEqual(['drafts', 'drafts', 'drafts', 'drafts', 'items']);
  stop();
  await submitted(outbox, []);
  expect(told).toHaveLength(5);
});

describe('storage state', () => {
  const storage = (parts: object) => parts as unknown as StorageManager;
  it('warns of what it is told', async () => {
    const state = await storageState(
      storage({
        persisted: () => Promise.resolve(false),
        estimate: () => Promise.resolve({ usage: 10, quota: 1000 }),
      }),
    );
    expect(state).toMatchObject({
      persisted: false,
      free: 990,
      privateMode: 'unknown',
      warnings: ['not_persistent', 'almost_full'],
    });
  });

  it('each submit asks the browser to keep it, until it has agreed', async () => {
    let agreed = false;
    let asked = 0;
    const kept = storage({
      persisted: () => Promise.resolve(agreed),
      persist: () => Promise.resolve((agreed = ++asked > 1)),
    });
    const outbox = await phone.open({ environment: { storage: kept } });
    for (let n = 0; n < 4; n++) {
      await submitted(outbox, []);
      await expect.poll(() => asked).toBe(Math.min(2, n + 1));
    }
  });

  it('warns in Safari that was not installed, and not in Chrome', async () => {
    const webkit = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15';
    const seen = async (userAgent: string, standalone?: boolean) => {
      vi.stubGlobal('navigator', { userAgent, standalone });
      const { warnings } = await storageState(storage({}));
      vi.unstubAllGlobals();
      return warnings;
    };
    expect(await seen(`${webkit} Version/18.4 Mobile Safari/604.1`, false)).toEqual(['seven_days']);
    expect(await seen(`${webkit} Version/18.4 Mobile Safari/604.1`, true)).toEqual([]);
    expect(await seen('Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36')).toEqual([]);
  });

  it('guesses a private window where the file system is refused', async () => {
    const state = await storageState(
      storage({ getDirectory: () => Promise.reject(new Error('unknown transient reason')) }),
    );
    expect(state).toMatchObject({ persisted: null, privateMode: 'likely', warnings: ['private_mode'] });
  });
});
