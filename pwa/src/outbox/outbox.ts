/** Drafts and what was submitted: the only place that may delete unsent work. */
import { makeReceiptCode, receiptVerifier } from '../receipt';
import { uuid4, uuid7 } from './bytes';
import { makeEnvelope } from './envelope';
import { platformEnvironment } from './environment';
import type { Environment } from './environment';
import { OutboxCore } from './core';
import type { DatabaseName } from './core';
import type { KnownKeys } from './keys';
import type { ItemRecord } from './schema';
import { isHalted, stateOf } from './state';
import { removeMedium } from './store';
import { OutboxError } from './types';
import type {
  Draft,
  DraftMedium,
  ExportedFile,
  Item,
  JsonObject,
  MediaLimits,
  MediumInfo,
  MediumProgress,
  StorageState,
  SubmissionBody,
  SubmissionKind,
} from './types';
import { asFile } from './export';
import { storageState } from './storage';

export interface OutboxOptions {
  database: DatabaseName;
  /** Base of the server's interface, e.g. `/api/v1`. */
  api: string;
  /** Staff app only: who is signed in now; drafts and items belong to them. */
  owner?: () => string | null;
  limits?: Partial<MediaLimits>;
  /** Parts of the outside world that a test or a bench replaces. */
  environment?: Partial<Environment>;
}

const LIMITS: MediaLimits = { photoBytes: 60_000_000, videoBytes: 200_000_000, mediaCount: 20 };
/** Left free beside a medium that is being stored, for records and the browser's own journal. */
const SPARE_BYTES = 5_000_000;
const KEEP_COPIES = 'keep-copies';
/** Keys are asked for again after this; a rotated one is noticed earlier, by a verdict that it signed. */
const KEYS_FRESH_MS = 24 * 60 * 60 * 1000;

export class Outbox extends OutboxCore {
  /** How a chosen medium is prepared where the options name nothing else; `index.ts` sets the page's worker. */
  static prepare: Environment['prepare'] = () => Promise.reject(new Error('nothing prepares media here'));

  readonly #owner: () => string | null;
  #limits: MediaLimits;
  /** Media are prepared one after another: that keeps their order and one video's worth of memory. */
  #preparing: Promise<unknown> = Promise.resolve();

  private constructor(options: OutboxOptions, environment: Environment) {
    super(options.database, options.api, environment);
    this.#owner = options.owner ?? (() => null);
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** Opens the database, sweeps what a killed tab left, and asks for the server's keys. Throws `storage`, `database_newer`. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const environment = { ...platformEnvironment(Outbox.prepare), ...options.environment };
    const outbox = new Outbox(options, environment);
    await outbox.store.sweep(environment.now());
    void outbox.refreshKeys(KEYS_FRESH_MS).catch(() => undefined); // offline: those that we have must do
    return outbox;
  }

  /** A new draft with what the form holds so far, in one transaction: a kill leaves no empty one behind. */
  async createDraft(kind: SubmissionKind, data: JsonObject = {}): Promise<Draft> {
    const at = this.#time();
    const draft: Draft = { id: uuid4(), kind, owner: this.#owner(), data, media: [], createdAt: at, updatedAt: at };
    await this.store.write(['drafts'], async (tx) => {
      await tx.objectStore('drafts').add(draft);
    });
    this.changed('drafts', draft.id);
    return draft;
  }

  /** Replaces the form's data; media are not touched. Throws `unknown_draft` once it was submitted or discarded. */
  async saveDraft(id: string, data: JsonObject): Promise<void> {
    // Relaxed: it outlives the tab and the browser; only a power cut can take the last seconds of typing.
    await this.#changeDraft(id, (draft) => ({ ...draft, data }), 'relaxed');
  }

  async draft(id: string): Promise<Draft | null> {
    return (await this.store.draft(id)) ?? null;
  }

  /** Newest first. */
  async drafts(): Promise<Draft[]> {
    return (await this.store.drafts()).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  async discardDraft(id: string): Promise<void> {
    await this.store.write(['drafts', 'media', 'chunks'], async (tx) => {
      const draft = await tx.objectStore('drafts').get(id);
      if (draft === undefined) return;
      await tx.objectStore('drafts').delete(id);
      for (const medium of draft.media) await removeMedium(tx, medium.id);
    });
    this.changed('drafts', id);
  }

  /**
   * Reduces, seals to the intake and stores a chosen file. From then on the phone cannot read it: the person sees their
   * draft through the thumbnail, which is simpler than a key per draft and goes at submit like that key would.
   * Throws `empty`, `not_media`, `too_large`, `too_many_media`, `quota`, `no_keys`, `unknown_draft`.
   */
  async addMedium(
    draftId: string,
    blob: Blob,
    info: MediumInfo = {},
    onProgress: (progress: MediumProgress) => void = () => undefined,
  ): Promise<DraftMedium> {
    onProgress({ phase: 'waiting', fraction: 0 });
    return await this.#inTurn(() => this.#addMedium(draftId, blob, info, onProgress));
  }

  async removeMedium(draftId: string, mediumId: string): Promise<void> {
    await this.store.write(['drafts', 'media', 'chunks'], async (tx) => {
      const draft = await tx.objectStore('drafts').get(draftId);
      if (draft === undefined) throw new OutboxError('unknown_draft');
      const media = draft.media.filter(({ id }) => id !== mediumId);
      if (media.length === draft.media.length) throw new OutboxError('unknown_medium');
      await tx.objectStore('drafts').put({ ...draft, media, updatedAt: this.#time() });
      await removeMedium(tx, mediumId);
    });
    this.changed('drafts', draftId);
  }

  /** Throws `unknown_medium` unless exactly the draft's media are named. */
  async reorderMedia(draftId: string, mediumIds: string[]): Promise<void> {
    await this.#changeDraft(
      draftId,
      (draft) => {
        const byId = new Map(draft.media.map((medium) => [medium.id, medium]));
        const media = mediumIds.flatMap((id) => byId.get(id) ?? []);
        if (media.length !== draft.media.length || new Set(mediumIds).size !== mediumIds.length) {
          throw new OutboxError('unknown_medium');
        }
        return { ...draft, media };
      },
      'strict',
    );
  }

  /**
   * Freezes the draft into what will be sent, all of it in one transaction that also removes the draft; several bodies
   * (a visit with its hazards) are kept together or not at all. Waits for media that are being prepared. Asking twice
   * gives the same items. Throws `unknown_draft`, `media_unassigned`, `no_keys`, `quota`, `busy`.
   */
  async submit(draftId: string, bodies: SubmissionBody[]): Promise<Item[]> {
    return await this.#inTurn(async () => {
      for (let attempt = 0; attempt < 3; attempt++) {
        const items = await this.#trySubmit(draftId, bodies);
        if (items === null) continue;
        this.changed('drafts', draftId);
        for (const item of items) this.changed('items', item.id);
        this.wakeSender();
        void this.askToPersist().catch(() => undefined);
        return items.map(shown);
      }
      throw new OutboxError('busy');
    });
  }

  async item(id: string): Promise<Item | null> {
    const item = await this.store.item(id);
    return item === undefined ? null : shown(item);
  }

  /** Newest first. */
  async items(): Promise<Item[]> {
    return (await this.store.items()).sort((a, b) => b.order - a.order).map(shown);
  }

  /** The person has the code: from now on it is nowhere on the phone. */
  async markReceiptKept(id: string): Promise<void> {
    await this.#changeItem(id, (item) => ({ ...item, receiptCode: null }));
  }

  /**
   * Takes an item off the list: one that is complete, or, with all its bytes, one that the server will not take and that
   * the person does not want any more. Throws `not_complete`, `receipt_not_kept`.
   */
  async forget(id: string): Promise<void> {
    await this.store.write(['items', 'media', 'chunks', 'copies'], async (tx) => {
      const item = await tx.objectStore('items').get(id);
      if (item === undefined) return;
      if (!item.complete && !isHalted(item)) throw new OutboxError('not_complete');
      if (item.complete && item.receiptCode !== null) throw new OutboxError('receipt_not_kept');
      for (const medium of item.media) await removeMedium(tx, medium.id);
      await tx.objectStore('copies').delete(id);
      await tx.objectStore('items').delete(id);
    });
    this.changed('items', id);
  }

  /** All that the phone holds of an item, sealed as it is, to be handed in another way. Throws `unknown_item`. */
  async exportItem(id: string): Promise<ExportedFile> {
    const item = await this.store.item(id);
    if (item?.envelope == null) throw new OutboxError('unknown_item');
    return await asFile(item, item.envelope, (medium, offset, length) => this.store.bytes(medium, offset, length));
  }

  /** Sends once more what needed attention. */
  async retry(id: string): Promise<void> {
    await this.#changeItem(id, (item) =>
      item.complete ? item : { ...item, accepted: false, attention: null, needsSignIn: false, waitingFor: 'turn' },
    );
    this.wakeSender();
  }

  /** True where the person wants a readable copy of what they submit kept until the server has it, for mending. */
  async keepsCopies(): Promise<boolean> {
    return (await this.store.read(['meta'], (tx) => tx.objectStore('meta').get(KEEP_COPIES))) === true;
  }

  /** From now on; "no" also drops those that are kept. */
  async keepCopies(keep: boolean): Promise<void> {
    await this.store.write(['meta', 'items', 'copies'], async (tx) => {
      await tx.objectStore('meta').put(keep, KEEP_COPIES);
      if (keep) return;
      await tx.objectStore('copies').clear();
      for (const item of await tx.objectStore('items').getAll()) {
        if (item.hasCopy) await tx.objectStore('items').put({ ...item, hasCopy: false });
      }
    });
    this.changed('items', '');
  }

  /** Turns a refused item, of which the person kept a readable copy, back into a draft. Throws `not_mendable`. */
  async mend(id: string): Promise<Draft> {
    const at = this.#time();
    const draft = await this.store.write(['items', 'drafts', 'media', 'copies'], async (tx) => {
      const item = await tx.objectStore('items').get(id);
      const copy = await tx.objectStore('copies').get(id);
      if (item === undefined || copy === undefined || !isMendable(item)) throw new OutboxError('not_mendable');
      const { kind, owner } = item;
      const mended: Draft = { id: uuid4(), kind, owner, ...copy, createdAt: at, updatedAt: at };
      await tx.objectStore('drafts').add(mended);
      for (const medium of await Promise.all(copy.media.map((m) => tx.objectStore('media').get(m.id)))) {
        if (medium !== undefined) await tx.objectStore('media').put({ ...medium, draftId: mended.id, itemId: null });
      }
      await tx.objectStore('items').delete(id);
      await tx.objectStore('copies').delete(id);
      return mended;
    });
    this.changed('items', id);
    this.changed('drafts', draft.id);
    return draft;
  }

  async storageState(): Promise<StorageState> {
    return await storageState(this.environment.storage);
  }

  /** Asks the browser not to clear what waits; call it from a tap. Every submit does, and asks nobody twice. */
  async askToPersist(): Promise<boolean> {
    const { storage } = this.environment;
    return (await storage?.persisted?.()) === true || ((await storage?.persist?.()) ?? false);
  }

  /** As `GET /public/county` tells them. */
  setLimits(limits: Partial<MediaLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
  }

  async #keysToSealTo(): Promise<KnownKeys['keys']> {
    const known = await this.store.keys();
    if (known) return known.keys;
    try {
      return (await this.refreshKeys(0)).keys;
    } catch {
      throw new OutboxError('no_keys');
    }
  }

  async #addMedium(
    draftId: string,
    blob: Blob,
    info: MediumInfo,
    onProgress: (progress: MediumProgress) => void,
  ): Promise<DraftMedium> {
    const draft = await this.store.draft(draftId);
    if (draft === undefined) throw new OutboxError('unknown_draft');
    if (draft.media.length >= this.#limits.mediaCount) {
      throw new OutboxError('too_many_media', { limit: this.#limits.mediaCount });
    }
    const { recipient } = (await this.#keysToSealTo()).intake;
    const request = { blob, original: info.original ?? false, recipient, limits: this.#limits };
    const { facts, sealedSize, chunks } = await this.environment.prepare(request, onProgress);
    const id = uuid4();
    try {
      await this.#checkRoom(sealedSize);
      onProgress({ phase: 'sealing', fraction: 0 });
      let stored = 0;
      let next = await chunks.next();
      for (let index = 0; next.done !== true; index++) {
        await this.store.putChunk(id, index, next.value, this.environment.now());
        stored += next.value.byteLength;
        onProgress({ phase: 'sealing', fraction: Math.min(1, stored / sealedSize) });
        next = await chunks.next();
      }
      const { sha256, size } = next.value;
      const capturedAt = info.capturedAt ?? new Date(timeOf(blob) ?? this.environment.now()).toISOString();
      const medium: DraftMedium = { id, ...facts, sha256, size, capturedAt };
      await this.store.commitMedium({ id, draftId, itemId: null, sha256, size }, draftId, (stored) => ({
        ...stored,
        media: [...stored.media, medium],
        updatedAt: this.#time(),
      }));
      this.changed('drafts', draftId);
      return medium;
    } catch (fault) {
      await chunks.return({ sha256: '', size: 0 }).catch(() => undefined);
      await this.store.dropChunks(id).catch(() => undefined); // else the next start sweeps them
      throw await this.#withNumbers(fault, sealedSize);
    }
  }

  async #checkRoom(needed: number): Promise<void> {
    const { free } = await this.storageState();
    if (free !== null && free < needed + SPARE_BYTES) throw new OutboxError('quota', { needed, free });
  }

  async #withNumbers(fault: unknown, needed: number): Promise<unknown> {
    if (!(fault instanceof OutboxError) || fault.code !== 'quota' || 'needed' in fault.details) return fault;
    return new OutboxError('quota', { needed, free: (await this.storageState()).free ?? 0 });
  }

  /** Null where the draft's media changed meanwhile in another window. */
  async #trySubmit(draftId: string, bodies: SubmissionBody[]): Promise<ItemRecord[] | null> {
    const draft = await this.store.draft(draftId);
    if (draft === undefined) return await this.#submittedBefore(draftId);
    const keys = await this.#keysToSealTo();
    const at = this.#time();
    // Everything that must be awaited is made now: the transaction below would end while something is sealed.
    const items: ItemRecord[] = [];
    for (const { body, media } of assigned(bodies, draft.media)) {
      items.push(await this.#frozen(draft, body, media, keys, at));
    }
    const done = await this.store.write(['drafts', 'media', 'items', 'copies', 'meta'], async (tx) => {
      const now = await tx.objectStore('drafts').get(draftId);
      if (now === undefined) return 'submitted';
      if (JSON.stringify(now.media) !== JSON.stringify(draft.media)) return 'changed';
      const [only, another] = items;
      // Of one thing only: the parts of a visit cannot be mended apart from each other.
      if (only && !another && (await tx.objectStore('meta').get(KEEP_COPIES)) === true) {
        only.hasCopy = true;
        await tx.objectStore('copies').put({ data: draft.data, media: draft.media }, only.id);
      }
      const counter = await tx.objectStore('meta').get('order');
      const order = (typeof counter === 'number' ? counter : 0) + 1;
      await tx.objectStore('meta').put(order, 'order');
      for (const item of items) {
        item.order = order;
        await tx.objectStore('items').add(item);
        for (const { id, sha256, size } of item.media) {
          await tx.objectStore('media').put({ id, draftId: null, itemId: item.id, sha256, size });
        }
      }
      await tx.objectStore('drafts').delete(draftId);
      return 'done';
    });
    if (done === 'changed') return null;
    return done === 'done' ? items : await this.#submittedBefore(draftId);
  }

  async #submittedBefore(draftId: string): Promise<ItemRecord[]> {
    const items = (await this.store.items()).filter((item) => item.draftId === draftId);
    if (items.length === 0) throw new OutboxError('unknown_draft');
    return items;
  }

  async #frozen(
    draft: Draft,
    body: SubmissionBody,
    media: DraftMedium[],
    keys: KnownKeys['keys'],
    at: string,
  ): Promise<ItemRecord> {
    const receiptCode = body.kind === 'tip' || body.kind === 'entry' ? makeReceiptCode() : null;
    const receipt = receiptCode === null ? null : receiptVerifier(receiptCode);
    const { bytes, digest } = await makeEnvelope(body, media, receipt, keys);
    return {
      id: body.id ?? newSubmissionId(body.kind, this.environment.now()),
      kind: body.kind,
      owner: draft.owner,
      label: body.label ?? null,
      urgent: body.urgent ?? false,
      draftId: draft.id,
      order: 0,
      submittedAt: at,
      envelope: bytes,
      envelopeSize: bytes.byteLength,
      digest,
      receiptCode,
      hasReceipt: receiptCode !== null,
      accepted: false,
      complete: false,
      attention: null,
      sending: false,
      needsSignIn: false,
      waitingFor: 'turn',
      nextAttemptAt: null,
      number: null,
      seq: null,
      receivedAt: null,
      media: media.map(({ id, kind, size, sha256 }) => ({
        id,
        kind,
        size,
        sha256,
        sent: 0,
        state: 'waiting' as const,
      })),
      hasCopy: false,
    };
  }

  async #changeDraft(id: string, next: (draft: Draft) => Draft, durability: 'strict' | 'relaxed'): Promise<void> {
    await this.store.changeDraft(id, (draft) => ({ ...next(draft), updatedAt: this.#time() }), durability);
    this.changed('drafts', id);
  }

  async #changeItem(id: string, next: (item: ItemRecord) => ItemRecord): Promise<void> {
    if ((await this.store.changeItem(id, next, 'strict')) === null) throw new OutboxError('unknown_item');
    this.changed('items', id);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#preparing.then(work);
    this.#preparing = turn.catch(() => undefined);
    return turn;
  }

  #time = (): string => new Date(this.environment.now()).toISOString();
}

/** Random for the public: a time-ordered id would tell the millisecond of the tap. */
export function newSubmissionId(kind: SubmissionKind, now: number = Date.now()): string {
  return kind === 'tip' || kind === 'more' ? uuid4() : uuid7(now);
}

/** Which media go with which body. Throws `media_unassigned` where one would be lost or sent twice. */
function assigned(bodies: SubmissionBody[], media: DraftMedium[]): { body: SubmissionBody; media: DraftMedium[] }[] {
  const [only] = bodies;
  if (bodies.length === 1 && only !== undefined && only.media === undefined) return [{ body: only, media }];
  const left = new Map(media.map((medium) => [medium.id, medium]));
  const all = bodies.map((body) => ({
    body,
    media: (body.media ?? []).map((id) => {
      const medium = left.get(id);
      if (medium === undefined) throw new OutboxError('media_unassigned');
      left.delete(id);
      return medium;
    }),
  }));
  if (left.size > 0 || all.length === 0) throw new OutboxError('media_unassigned');
  return all;
}

/** True where nothing of this item is on its way or at the server: only then may it become a draft again. */
const isMendable = (item: ItemRecord): boolean => item.hasCopy && item.attention?.reason === 'refused';

function shown(item: ItemRecord): Item {
  const { id, kind, owner, label, urgent, attention, nextAttemptAt, submittedAt, receiptCode, hasReceipt } = item;
  const mediaSent = item.media.reduce((sum, { sent }) => sum + sent, 0);
  return {
    id,
    kind,
    owner,
    label,
    urgent,
    attention,
    nextAttemptAt,
    submittedAt,
    receiptCode,
    hasReceipt,
    state: stateOf(item),
    waitingFor: item.complete ? null : item.waitingFor,
    number: item.number,
    seq: item.seq,
    receivedAt: item.receivedAt,
    size: item.envelopeSize + item.media.reduce((sum, { size }) => sum + size, 0),
    sent: (item.accepted ? item.envelopeSize : 0) + mediaSent,
    media: item.media,
    mendable: isMendable(item),
  };
}

/** The file's own time where it has one that can be true. */
function timeOf(blob: Blob): number | null {
  const time = (blob as Partial<File>).lastModified;
  return typeof time === 'number' && time > 0 ? time : null;
}
