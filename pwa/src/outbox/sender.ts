/** Sends what waits, one sender over all windows of an app. It never deletes on anything but a signed `complete`. */
import { contentDigest, toBase64, utf8 } from './bytes';
import type { Environment } from './environment';
import type { OutboxCore } from './core';
import { backoffMs, PieceSize } from './pace';
import { dueSteps, envelopeKey, mediumKey, openKeys, ownerKey, statusKey } from './plan';
import type { Step } from './plan';
import type { ItemRecord, MediumProgressRecord } from './schema';
import { stateOf } from './state';
import type { Store } from './store';
import type { GetToken, ItemState, WaitReason } from './types';
import { openVerdict } from './verdict';
import type { VerifiedVerdict } from './verdict';
import { Wire } from './wire';
import type { Answer, Outcome } from './wire';

export interface SenderOptions {
  /** Staff app only; without it every request goes without credentials. */
  getToken?: GetToken;
}

/** Tag of the Background Sync registration that the service worker listens for. */
export const SYNC_TAG = 'outbox';

/** Requests at once; one is always left free for an envelope, so that no video holds up a report. */
const LANES = 4;
const MEDIA_LANES = 3;
const LONGEST_WAIT_MS = 5 * 60 * 1000;
const LONGEST_OPENING_MS = 60 * 1000;
/** How often to ask whether something that could not be opened can be opened now. */
const UNOPENABLE_MS = 30 * 60 * 1000;
const OTHER_WINDOW_MS = 5_000;
/** While bytes wait for the link, it is asked what became of the others only so often, for all of them at once. */
const ASKING_MS = 10_000;
const LEASE_MS = 30_000;

const LEAVES_PHONE: ItemState[] = ['waiting', 'sending', 'media_pending', 'received'];

/** Where an upload is and how far; `null`: not known, so ask before sending more of it. */
type Upload = { url: string; offset: number } | { url: null; offset: null };

const NOTHING = new Uint8Array(0);

export class Sender {
  readonly #outbox: OutboxCore;
  readonly #store: Store;
  readonly #environment: Environment;
  readonly #wire: Wire;
  readonly #holder = crypto.getRandomValues(new Uint32Array(2)).join('-');
  readonly #pieces = new PieceSize();
  readonly #uploads = new Map<string, Upload>();
  /** By step: how often it failed, and when it may be tried again. In memory only: a new start tries at once. */
  readonly #failures = new Map<string, { times: number; until: number }>();
  readonly #asked = new Set<string>();
  #pause = { times: 0, until: 0 };
  #askAgainAt = 0;
  #keysAsked = false;
  #running: Promise<void> | null = null;
  #poke: () => void = () => undefined;
  #started = false;
  #otherWindow = false;
  #stops: (() => void)[] = [];
  #timer: () => void = () => undefined;

  constructor(outbox: OutboxCore, options: SenderOptions = {}) {
    this.#outbox = outbox;
    this.#store = outbox.store;
    this.#environment = outbox.environment;
    this.#wire = new Wire(outbox.environment, options.getToken ?? null);
  }

  /** Sends now and from then on whenever there is a way. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const submitted = () => {
      void this.#environment.requestSync(SYNC_TAG).catch(() => undefined);
      this.wake();
    };
    this.#stops = [
      this.#environment.onWake(() => {
        this.wake();
      }),
      this.#outbox.onSubmitted(submitted),
    ];
    this.wake();
  }

  /** Requests that are under way come to their end; nothing new is begun. */
  stop(): void {
    this.#started = false;
    for (const stop of this.#stops) stop();
    this.#timer();
    this.#poke();
  }

  /** Try now: after signing in, on a new link, or when the person taps "send now". */
  wake(): void {
    this.#failures.clear();
    this.#pause = { times: 0, until: 0 };
    if (!this.#started) return;
    this.#poke();
    void this.#runAndSchedule();
  }

  /** Sends what can be sent now and resolves when nothing more is due. */
  async runOnce(): Promise<void> {
    this.#running ??= this.#alone(() => this.#drain()).finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  /**
   * For the service worker: sends for at most `ms`, in turn with the pages; true once nothing is left to send but what
   * needs somebody.
   */
  async runFor(ms: number): Promise<boolean> {
    const end = this.#environment.now() + ms;
    for (;;) {
      await this.runOnce();
      const open = (await this.#store.items()).map(stateOf);
      if (!open.some((state) => LEAVES_PHONE.includes(state))) return true;
      const wait = (await this.#waitMs()) ?? 0;
      if (this.#environment.now() + wait > end) return false;
      await new Promise<void>((resolve) => this.#environment.after(wait, resolve));
    }
  }

  async #runAndSchedule(): Promise<void> {
    this.#timer();
    try {
      await this.runOnce();
    } catch {
      // The database does not answer (another window upgrades it, the system is out of room): try again later.
      this.#pauseAll();
    }
    if (!this.#started) return;
    const wait = await this.#waitMs().catch(() => LONGEST_WAIT_MS);
    if (wait === null) return;
    this.#timer();
    this.#timer = this.#environment.after(wait, () => void this.#runAndSchedule());
  }

  /** Milliseconds until something may be done; null where nothing is left to do. */
  async #waitMs(): Promise<number | null> {
    const keys = openKeys(await this.#store.items());
    if (keys.length === 0) return null;
    if (this.#otherWindow) return OTHER_WINDOW_MS;
    const now = this.#environment.now();
    const dueAt = (all: string[]) => Math.max(...all.map((key) => this.#failures.get(key)?.until ?? now));
    const first = Math.min(...keys.map(dueAt));
    // The phone's clock may be set back while we wait.
    return Math.min(LONGEST_WAIT_MS * 2, Math.max(first, this.#pause.until, now + 50) - now);
  }

  /** Runs only where no other window sends. */
  async #alone(work: () => Promise<void>): Promise<void> {
    const { locks } = this.#environment;
    if (locks !== null) {
      await locks.request(`gridwatch-sender:${this.#outbox.name}`, { ifAvailable: true }, async (lock) => {
        this.#otherWindow = lock === null;
        if (lock !== null) await work();
      });
      return;
    }
    const take = () => this.#store.takeLease(this.#holder, this.#environment.now(), LEASE_MS);
    this.#otherWindow = !(await take());
    if (this.#otherWindow) return;
    let cancel: () => void = () => undefined;
    const renew = () => {
      cancel = this.#environment.after(LEASE_MS / 3, () => {
        renew();
        take().catch(() => undefined);
      });
    };
    renew();
    try {
      await work();
    } finally {
      cancel();
      await this.#store.leaveLease(this.#holder);
    }
  }

  async #drain(): Promise<void> {
    this.#keysAsked = false;
    for (const item of await this.#store.items()) {
      if (item.sending) await this.#note(item.id, { sending: false }); // a window that was closed meanwhile
    }
    const busy = new Map<string, { step: Step; done: Promise<void> }>();
    for (;;) {
      const poked = new Promise<void>((resolve) => {
        this.#poke = resolve;
      });
      for (const step of await this.#due()) {
        const media = [...busy.values()].filter((other) => other.step.kind === 'medium').length;
        if (busy.size >= LANES || busy.has(step.key) || (step.kind === 'medium' && media >= MEDIA_LANES)) continue;
        const done = this.#take(step).finally(() => busy.delete(step.key));
        busy.set(step.key, { step, done });
      }
      if (busy.size === 0) return;
      try {
        await Promise.race([...[...busy.values()].map(({ done }) => done), poked]);
      } catch (fault) {
        await Promise.allSettled([...busy.values()].map(({ done }) => done));
        throw fault;
      }
    }
  }

  async #due(): Promise<Step[]> {
    const now = this.#environment.now();
    if (now < this.#pause.until || (this.#stops.length > 0 && !this.#started)) return [];
    const isDue = (key: string) => now >= (this.#failures.get(key)?.until ?? 0);
    const steps = dueSteps(await this.#store.items(), isDue, (item) => this.#asked.has(item.id), now < this.#askAgainAt);
    return steps.filter((step) => step.kind === 'status' || isDue(ownerKey(step.item)));
  }

  async #take(step: Step): Promise<void> {
    if (step.kind === 'envelope') await this.#sendEnvelope(step.item);
    else if (step.kind === 'status') await this.#askStatus(step.items);
    else await this.#sendPiece(step.item, step.medium);
  }

  async #sendEnvelope(item: ItemRecord): Promise<void> {
    if (item.envelope === null) return;
    await this.#note(item.id, { sending: true, waitingFor: null, nextAttemptAt: null });
    const bytes = new Uint8Array(item.envelope);
    const outcome = await this.#wire.ask('PUT', `${this.#outbox.api}/submissions/${item.id}`, {
      headers: { 'Content-Type': 'application/json', 'Content-Digest': contentDigest(bytes) },
      body: bytes,
      size: bytes.length,
      owner: item.owner,
    });
    const heard = isAnswer(outcome) && (await this.#hear([item], [outcome.json])).has(item.id);
    if (!heard) await this.#failed(envelopeKey(item), item, outcome);
  }

  async #askStatus(items: ItemRecord[]): Promise<void> {
    this.#askAgainAt = this.#environment.now() + ASKING_MS;
    const outcome = await this.#wire.ask('POST', `${this.#outbox.api}/submissions/status`, {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ids: items.map(({ id }) => id) }),
    });
    const answers = isAnswer(outcome) ? (outcome.json as { verdicts?: unknown } | null)?.verdicts : null;
    const heard = await this.#hear(items, Array.isArray(answers) ? answers : []);
    for (const item of items) {
      this.#asked.delete(item.id);
      if (!heard.has(item.id)) await this.#failed(statusKey(item), item, outcome);
    }
  }

  /** One request towards an upload's end; the next one is planned anew, so that a report can go in between. */
  async #sendPiece(item: ItemRecord, medium: MediumProgressRecord): Promise<void> {
    const known = this.#uploads.get(medium.id);
    const at = known?.offset ?? medium.sent;
    // Where the server may hold more than we know, it is asked first: bytes that it has are not sent again.
    const asks = known === undefined ? medium.sent > 0 : known.url === null;
    const piece = asks ? NOTHING : await this.#store.bytes(medium, at, this.#pieces.of(medium.size - at));
    const began = this.#environment.now();
    this.#uploads.set(medium.id, { url: null, offset: null }); // until the server has told
    const outcome = known?.url == null ? await this.#create(item, medium, piece) : await this.#patch(item, known.url, at, piece);
    const offset = isTus(outcome) && (outcome.status < 300 || outcome.status === 409) ? offsetIn(outcome) : null;
    const url = known?.url ?? locationIn(outcome, this.#outbox.api);
    if (offset === null || url === null || (offset <= at && !asks)) {
      // The server does not expect it: perhaps it lost the submission, perhaps it has the bytes. Its word will tell.
      if (isAnswer(outcome) && outcome.status === 404 && asks) this.#asked.add(item.id);
      await this.#failed(mediumKey(medium), item, outcome);
      return;
    }
    if (piece.length > 0) this.#pieces.sent(piece.length, this.#environment.now() - began);
    this.#uploads.set(medium.id, { url, offset });
    await this.#progressed(item, medium, offset);
  }

  /** Makes the upload, with its first bytes, or asks how far it is; doing it again leads to the same one. */
  #create(item: ItemRecord, medium: MediumProgressRecord, piece: Uint8Array<ArrayBuffer>): Promise<Outcome> {
    return this.#tus('POST', `${this.#outbox.api}/uploads`, item, piece, {
      'Upload-Length': String(medium.size),
      'Upload-Metadata': `submission ${toBase64(utf8(item.id))},sha256 ${toBase64(utf8(medium.sha256))}`,
    });
  }

  #patch(item: ItemRecord, url: string, offset: number, piece: Uint8Array<ArrayBuffer>): Promise<Outcome> {
    return this.#tus('PATCH', url, item, piece, { 'Upload-Offset': String(offset) });
  }

  async #tus(
    method: string,
    url: string,
    item: ItemRecord,
    piece: Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
  ): Promise<Outcome> {
    const body = { body: piece, size: piece.length };
    const type = { 'Content-Type': 'application/offset+octet-stream' };
    return await this.#wire.ask(method, url, {
      headers: { 'Tus-Resumable': '1.0.0', ...headers, ...(piece.length > 0 ? type : {}) },
      ...(piece.length > 0 ? body : {}),
      owner: item.owner,
    });
  }

  async #progressed(item: ItemRecord, { id, size, sent }: MediumProgressRecord, offset: number): Promise<void> {
    this.#pause = { times: 0, until: 0 };
    if (offset > sent || offset === size) this.#failures.delete(`medium:${id}`);
    if (offset >= size) {
      this.#uploads.delete(id);
      this.#delay(statusKey(item), LONGEST_OPENING_MS); // it takes the server a moment to open it
    }
    await this.#change(item.id, (stored) => ({
      ...stored,
      needsSignIn: false,
      waitingFor: null,
      nextAttemptAt: null,
      media: stored.media.map((medium) =>
        medium.id !== id || !(medium.state === 'waiting' || medium.state === 'sending')
          ? medium
          : { ...medium, sent: Math.min(offset, size), state: offset >= size ? 'stored' : 'sending' },
      ),
    }));
  }

  /** Takes in signed verdicts; answers which of these items they were about. Everything unsigned is passed over. */
  async #hear(items: ItemRecord[], answers: unknown[]): Promise<Set<string>> {
    const heard = new Set<string>();
    for (const answer of answers) {
      const verdict = await this.#verified(answer);
      const item = items.find(({ id }) => id === verdict?.id);
      if (verdict === null || item === undefined) continue;
      await this.#obey(item, verdict);
      heard.add(item.id);
    }
    return heard;
  }

  async #verified(answer: unknown): Promise<VerifiedVerdict | null> {
    let known = (await this.#store.keys()) ?? (await this.#newKeys());
    let opened = await openVerdict(answer, known?.trusted ?? []);
    if (opened === 'unknown_key') {
      known = await this.#newKeys(); // perhaps they were rotated
      opened = await openVerdict(answer, known?.trusted ?? []);
    }
    return typeof opened === 'string' ? null : opened;
  }

  /** At most once a run. */
  async #newKeys() {
    if (this.#keysAsked) return await this.#store.keys();
    this.#keysAsked = true;
    return await this.#outbox.refreshKeys(0).catch(() => null);
  }

  async #obey(item: ItemRecord, verdict: VerifiedVerdict): Promise<void> {
    this.#pause = { times: 0, until: 0 };
    const after = await this.#store.obey(item.id, verdict);
    if (after === null) return;
    for (const medium of after.media) {
      const before = item.media.find(({ id }) => id === medium.id);
      if (medium.sent >= (before?.sent ?? 0) && verdict.state !== 'unknown') continue;
      // It has less than we believed: the upload expired, its hash was wrong, or the server lost it. Not in a tight loop.
      this.#uploads.delete(medium.id);
      this.#delay(mediumKey(medium), LONGEST_WAIT_MS);
    }
    if (!after.accepted && after.attention === null) this.#delay(envelopeKey(after), LONGEST_WAIT_MS);
    if (stateOf(after) === 'received' || after.attention?.reason === 'unopenable') {
      const longest = after.attention === null ? LONGEST_OPENING_MS : UNOPENABLE_MS;
      await this.#wait(item.id, 'opening', this.#delay(statusKey(item), longest));
    }
    this.#outbox.changed('items', item.id);
  }

  /** Nothing came of a step: it waits longer each time, and without any answer so does everything. */
  async #failed(key: string, item: ItemRecord, outcome: Outcome): Promise<void> {
    if (outcome === 'sign_in') {
      this.#delay(ownerKey(item), LONGEST_WAIT_MS);
      for (const other of await this.#store.items()) {
        if (other.owner === item.owner && !other.complete) {
          await this.#note(other.id, { sending: false, needsSignIn: true, waitingFor: 'sign_in' });
        }
      }
      return;
    }
    const until = this.#delay(key, LONGEST_WAIT_MS);
    if (outcome === 'no_answer') this.#pauseAll();
    await this.#wait(item.id, outcome === 'no_answer' ? 'network' : 'server', Math.max(until, this.#pause.until));
  }

  #delay(key: string, longest: number): number {
    const times = this.#failures.get(key)?.times ?? 0;
    const until = this.#environment.now() + backoffMs(times, longest, this.#environment.random);
    this.#failures.set(key, { times: times + 1, until });
    return until;
  }

  #pauseAll(): void {
    const now = this.#environment.now();
    if (now < this.#pause.until) return; // the other lanes felt the same cut
    const { times } = this.#pause;
    this.#pause = { times: times + 1, until: now + backoffMs(times, LONGEST_WAIT_MS, this.#environment.random) };
    this.#pieces.failed();
  }

  async #wait(id: string, waitingFor: WaitReason, until: number): Promise<void> {
    await this.#note(id, { sending: false, waitingFor, nextAttemptAt: new Date(until).toISOString() });
  }

  async #note(id: string, notes: Partial<ItemRecord>): Promise<void> {
    await this.#change(id, (item) => ({ ...item, ...notes }));
  }

  /** For what is only shown: relaxed, as it is told anew after a restart. */
  async #change(id: string, next: (item: ItemRecord) => ItemRecord): Promise<void> {
    await this.#store.changeItem(id, next, 'relaxed');
    this.#outbox.changed('items', id);
  }
}

const isAnswer = (outcome: Outcome): outcome is Answer => typeof outcome !== 'string';

/** A portal in between does not speak tus. */
const isTus = (outcome: Outcome): outcome is Answer => isAnswer(outcome) && outcome.headers.has('Tus-Resumable');

function offsetIn({ headers }: Answer): number | null {
  const offset = headers.get('Upload-Offset');
  return offset !== null && /^\d{1,15}$/.test(offset) ? Number(offset) : null;
}

/** The upload's address at our own server, whatever host a proxy made of it: nobody else is sent anything. */
function locationIn(outcome: Outcome, api: string): string | null {
  const location = isTus(outcome) ? outcome.headers.get('Location') : null;
  if (location === null) return null;
  const here = (globalThis as { location?: { href: string } }).location?.href;
  const base = new URL(api, here ?? 'http://localhost');
  const { pathname, search } = new URL(location, `${base.href}/uploads`);
  return api.startsWith('/') ? pathname + search : base.origin + pathname + search;
}
