/**
 * A phone as a process that may be killed at any moment: the real outbox on a disk that outlives it.
 * node phone.js <disk> <plan.json>. Goes on where it was; tells on stdout, a line of JSON each, what it did and what it
 * thinks. On stdin: `wake` (the link is back); the end of stdin ends it.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { prepareHere } from '@/media/prepare';
import { newSubmissionId, Outbox, Sender } from '@/outbox';
import type { GetToken, SubmissionBody } from '@/outbox';
import { openDisk } from './disk';

interface Plan {
  api: string;
  /** How much faster than the world this phone's clock runs, and since when (ms since 1970). */
  speed: number;
  since: number;
  /** And by how many ms it is ahead: the phone lay switched off. */
  later: number;
  /** What the person wants to report, one after another; photos are files. On a visit a hazard was found. */
  jobs: { text: string; photos: string[]; urgent: boolean; visit: Visit | null }[];
  /** An inspector's; null: the public's phone. */
  sign_in: { login: string; password: string } | null;
}
interface Visit {
  visit_id: string;
  enterprise_id: string;
  checklist_id: string;
  items: string[];
}

const TOLD_EVERY_MS = 50;

const [diskPath = '', planPath = ''] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planPath, 'utf8')) as Plan;
const { speed, since, later } = plan;
const database = plan.sign_in ? 'gridwatch-staff' : 'gridwatch-tip';

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const outbox = await Outbox.open({
  database,
  api: plan.api,
  owner: () => plan.sign_in?.login ?? null,
  environment: {
    indexedDB: await openDisk(diskPath, database),
    now: () => Math.round(since + (Date.now() - since) * speed + later),
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
let token: string | null = null;
const getToken: GetToken = async ({ rejected }) => {
  if (token === null || token === rejected) {
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(plan.sign_in) };
    const answer = await fetch(`${plan.api}/auth/sign-in`, init);
    if (!answer.ok) throw new Error(`sign-in answered ${String(answer.status)}`);
    token = ((await answer.json()) as { access_token: string }).access_token;
  }
  return token;
};
new Sender(outbox, plan.sign_in ? { getToken } : {}).start();

let lastTold = '';
setInterval(() => {
  void whatItThinks().then((thought) => {
    const line = JSON.stringify(thought);
    if (line !== lastTold) tell(thought);
    lastTold = line;
  });
}, TOLD_EVERY_MS);

for (const [index, job] of plan.jobs.entries()) await report(String(index), job);
tell({ did: 'all' });

/** Everything that a person does for one report; what was done before a kill is not done again. */
async function report(label: string, job: Plan['jobs'][number]): Promise<void> {
  if ((await outbox.items()).some((item) => item.label === label)) return;
  const draft = (await outbox.drafts()).find(({ data }) => data['label'] === label) ?? (await outbox.createDraft(plan.sign_in ? 'inspection' : 'tip', { label }));
  for (const path of job.photos.slice(draft.media.length)) {
    await untilItWorks(() => outbox.addMedium(draft.id, new File([readFileSync(path)], basename(path))));
    tell({ did: 'chosen', label });
  }
  await untilItWorks(async () => {
    const media = (await outbox.draft(draft.id))?.media.map(({ id }) => id) ?? [];
    await outbox.submit(draft.id, bodiesOf(label, job, media));
  });
  tell({ did: 'submitted', label });
}

/** A tip; or an inspection with the first photo and the hazard that was found with the others, both at once. */
function bodiesOf(label: string, { text, urgent, visit }: Plan['jobs'][number], media: string[]): SubmissionBody[] {
  if (visit === null) return [{ kind: 'tip', body: bodyOf(text), urgent, label, media }];
  const hazard = newSubmissionId('hazard');
  const inspection = {
    ...visit,
    answers: visit.items.map((item) => ({ item_id: item, answer: 'no', note: text, media: [] })),
    hazards: [hazard],
    started_at: '2026-11-23T03:40:00Z',
    ended_at: '2026-11-23T03:55:00Z',
    signatures: [{ name: '才让', role: 'inspector' }],
  };
  const found = { ...bodyOf(text), visit_id: visit.visit_id, enterprise_id: visit.enterprise_id, level: 'general' };
  return [
    { kind: 'inspection', body: inspection, urgent, label, media: media.slice(0, 1) },
    { id: hazard, kind: 'hazard', body: found, urgent, label: `${label}h`, media: media.slice(1) },
  ];
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
