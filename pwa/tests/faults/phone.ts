/**
 * A phone as a process that may be killed at any moment: the real outbox on a disk that outlives it.
 * node phone.js <disk> <plan.json>. Goes on where it was; tells on stdout, a line of JSON each, what it did and what it
 * thinks. On stdin: `wake` (the link is back); the end of stdin ends it.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { prepareHere } from '@/media/prepare';
import { Outbox, Sender } from '@/outbox';
import { openDisk } from './disk';

interface Plan {
  api: string;
  /** How much faster than the world this phone's clock runs, and since when (ms since 1970). */
  speed: number;
  since: number;
  /** What the person wants to report, one after another; photos are files. */
  tips: { text: string; photos: string[]; urgent: boolean }[];
}

const TOLD_EVERY_MS = 50;
const DATABASE = 'gridwatch-tip';

const [diskPath = '', planPath = ''] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planPath, 'utf8')) as Plan;
const { speed, since } = plan;

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const outbox = await Outbox.open({
  database: DATABASE,
  api: plan.api,
  environment: {
    indexedDB: await openDisk(diskPath, DATABASE),
    now: () => Math.round(since + (Date.now() - since) * speed),
    after: (ms, run) => {
      const timer = setTimeout(run, ms / speed);
      return () => {
        clearTimeout(timer);
      };
    },
    // Web Locks end with the process that holds them, and this is the only one.
    locks: { request: (_name, _options, callback) => callback({}) },
    storage: null,
    channel: () => null,
    onWake: (wake) => {
      createInterface(process.stdin)
        .on('line', wake)
        .on('close', () => process.exit(0));
      return () => undefined;
    },
    requestSync: () => Promise.resolve(),
    prepare: prepareHere,
  },
});
new Sender(outbox).start();

let lastTold = '';
setInterval(() => {
  void whatItThinks().then((thought) => {
    const line = JSON.stringify(thought);
    if (line !== lastTold) tell(thought);
    lastTold = line;
  });
}, TOLD_EVERY_MS);

for (const [index, tip] of plan.tips.entries()) await report(String(index), tip);
tell({ did: 'all' });

/** Everything that a person does for one report; what was done before a kill is not done again. */
async function report(label: string, { text, photos, urgent }: Plan['tips'][number]): Promise<void> {
  if ((await outbox.items()).some((item) => item.label === label)) return;
  const draft = (await outbox.drafts()).find(({ data }) => data['label'] === label) ?? (await begun(label));
  for (const path of photos.slice(draft.media.length)) {
    await untilItWorks(() => outbox.addMedium(draft.id, new File([readFileSync(path)], basename(path))));
    tell({ did: 'chosen', label });
  }
  await untilItWorks(() => outbox.submit(draft.id, [{ kind: 'tip', body: bodyOf(text), urgent, label }]));
  tell({ did: 'submitted', label });
}

async function begun(label: string) {
  const draft = await outbox.createDraft('tip');
  await outbox.saveDraft(draft.id, { label });
  return draft;
}

/** A phone that was never online has no keys yet: the person tries again. */
async function untilItWorks<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, TOLD_EVERY_MS));
    }
  }
}

function bodyOf(text: string) {
  return {
    captured_at: '2026-11-23T03:55:00Z',
    text,
    hazard_type: null,
    place: { lat: 34.477, lng: 100.242, accuracy_m: 15, source: 'gps' },
    place_words: '',
    enterprise_words: '',
    named: false,
    wants_notice: false,
  };
}

async function whatItThinks() {
  const items = (await outbox.items()).map((item) => ({
    label: item.label,
    id: item.id,
    state: item.state,
    attention: item.attention,
    waiting_for: item.waitingFor,
    seq: item.seq,
    number: item.number,
    media: item.media.map(({ sha256, size, sent, state }) => ({ sha256, size, sent, state })),
  }));
  const left = await outbox.store.read(['chunks', 'media', 'drafts', 'items'], async (tx) => ({
    chunks: await tx.objectStore('chunks').count(),
    media: await tx.objectStore('media').count(),
    drafts: await tx.objectStore('drafts').count(),
    envelopes: (await tx.objectStore('items').getAll()).filter(({ envelope }) => envelope !== null).length,
    digests: Object.fromEntries((await tx.objectStore('items').getAll()).map(({ id, digest }) => [id, digest])),
  }));
  return { items, ...left };
}
