/** What the outbox shows to the apps. Times are UTC ISO 8601, sizes are bytes, ids are UUID strings. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** `more`: further photos to a report, by its code; `entry`: what the desk writes down for somebody who wrote, called or came. */
export type SubmissionKind = 'tip' | 'more' | 'entry' | 'hazard' | 'inspection' | 'step' | 'edit';
export type MediumKind = 'photo' | 'video' | 'audio' | 'other';

/** A photo, video or sound of a draft: already reduced, sealed and stored; only the thumbnail can still be seen. */
export interface DraftMedium {
  id: string;
  kind: MediumKind;
  /** Content type of what was sealed, e.g. image/jpeg. */
  type: string;
  /** Size of the sealed form: what will be sent. */
  size: number;
  /** Lower-case hex SHA-256 of the sealed form. */
  sha256: string;
  /** Small preview as data: URL, dropped at submit; null where the phone cannot decode the format. */
  thumbnail: string | null;
  width: number | null;
  height: number | null;
  durationS: number | null;
  capturedAt: string;
  /** True where the bytes are exactly those of the chosen file. */
  original: boolean;
}

export interface Draft {
  id: string;
  kind: SubmissionKind;
  /** Person who began it (staff app), null for the public. */
  owner: string | null;
  /** Whatever the form saves; `{}` at first. */
  data: JsonObject;
  media: DraftMedium[];
  createdAt: string;
  updatedAt: string;
}

/** One thing to be sent. The outbox itself adds `v`, `kind` and `media` to the body before sealing it. */
export interface SubmissionBody {
  /** Chosen by the caller where another body must name it (`newSubmissionId(kind)`), else by the outbox. */
  id?: string;
  kind: SubmissionKind;
  body: JsonObject;
  /** Media ids of the draft in order; may be left out where there is only one body: then it takes all. */
  media?: string[];
  /** What a named reporter says of themselves; sealed apart to the identity key. */
  identity?: JsonObject | null;
  /** Where notices may go; sealed apart to the notice key. */
  contact?: JsonObject | null;
  /** Danger to life: goes before everything else on this phone. */
  urgent?: boolean;
  /** A few words for the outbox list, kept readable on the phone: for staff work, never for tips. */
  label?: string | null;
}

export type ItemState =
  | 'waiting' /** saved on this phone, not sent yet */
  | 'sending' /** its envelope is on the way now */
  | 'received' /** the server signed for it; nothing of it is left to send, the server is opening it */
  | 'media_pending' /** the server signed for it; photos or videos still have to go */
  | 'complete' /** signed: everything arrived and was opened; the bytes are gone from this phone */
  | 'needs_attention' /** signed: refused, differs or cannot be opened; the bytes stay on this phone */
  | 'needs_sign_in'; /** goes on by itself after its owner has signed in */

export interface Attention {
  reason: 'refused' | 'differs' | 'unopenable';
  /** The server's dotted word for it, where it gave one; the apps put it into words. */
  code: string | null;
}

/** Why an item that is not complete is not moving now. */
export type WaitReason =
  | 'turn' /** others go first */
  | 'network' /** no answer at all */
  | 'server' /** an answer came, but none that the server signed: a fault, or a portal in between */
  | 'opening' /** everything is there, the server is opening it */
  | 'sign_in';

export interface ItemMedium {
  id: string;
  kind: MediumKind;
  size: number;
  sha256: string;
  /** Bytes that the server is known to hold. */
  sent: number;
  state: 'waiting' | 'sending' | 'stored' | 'opened' | 'unopenable';
}

export interface Item {
  id: string;
  kind: SubmissionKind;
  /** Person it is sent as (staff app), null for the public. */
  owner: string | null;
  label: string | null;
  urgent: boolean;
  state: ItemState;
  attention: Attention | null;
  waitingFor: WaitReason | null;
  nextAttemptAt: string | null;
  submittedAt: string;
  /** Until the person says that they have kept it; then null and nowhere on the phone. */
  receiptCode: string | null;
  hasReceipt: boolean;
  number: string | null;
  seq: number | null;
  receivedAt: string | null;
  /** Bytes of envelope and media together, and how many of them the server is known to hold. */
  size: number;
  sent: number;
  media: ItemMedium[];
  /** True where `mend(id)` can make a new draft of it. */
  mendable: boolean;
}

export interface MediumInfo {
  /** Time of the shot where the caller knows it; else the file's own time, else now. */
  capturedAt?: string;
  /** Send the bytes as they are ("send the original"). */
  original?: boolean;
}

export interface MediumProgress {
  phase: 'waiting' | 'reducing' | 'sealing';
  /** 0…1 within sealing, 0 before. */
  fraction: number;
}

export interface MediaLimits {
  photoBytes: number;
  videoBytes: number;
  mediaCount: number;
}

export type OutboxErrorCode =
  | 'too_large' /** details: kind, size, limit */
  | 'empty'
  | 'not_media' /** details: type */
  | 'too_many_media' /** details: limit */
  | 'quota' /** details: needed, free */
  | 'no_keys' /** this phone has never been online with this app */
  | 'keys_untrusted' /** details: none; an answer to /keys that no known key vouches for */
  | 'unknown_draft'
  | 'unknown_medium'
  | 'unknown_item'
  | 'media_unassigned' /** a medium of the draft is named by no body, or by two */
  | 'not_complete'
  | 'receipt_not_kept'
  | 'not_mendable'
  | 'busy' /** the draft is changing in another window all the time */
  | 'storage' /** the browser's database does not work here. details: message */
  | 'database_newer'; /** another window runs a newer version: reload */

/** A fault with a stable `code` that the apps put into a sentence with the numbers of `details`. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: OutboxErrorCode;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(code: OutboxErrorCode, details: Record<string, string | number> = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

export type StorageWarning =
  | 'private_mode' /** what waits is lost when the window closes */
  | 'seven_days' /** Safari, not installed: what waits may be deleted after 7 days without a visit */
  | 'not_persistent' /** the browser may clear it when the phone is full */
  | 'almost_full';

export interface StorageState {
  /** True when the browser promised not to clear it; null where it cannot tell. */
  persisted: boolean | null;
  usage: number | null;
  quota: number | null;
  free: number | null;
  privateMode: 'likely' | 'unlikely' | 'unknown';
  warnings: StorageWarning[];
}

/** What changed, in this window or another one of the same app; read again what you show. */
export interface OutboxChange {
  store: 'drafts' | 'items';
  id: string;
}

export interface ExportedFile {
  name: string;
  blob: Blob;
}

/** Asked before each request of a staff item; null means: not signed in as this owner. */
export type GetToken = (request: {
  owner: string | null;
  /** The token that the server has just answered with 401, so that it is not given again. */
  rejected: string | null;
}) => Promise<string | null>;
