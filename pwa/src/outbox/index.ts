export * from './types'
import type {
  Draft, DraftMedium, ExportedFile, GetToken, Item, JsonObject, MediaLimits, MediumInfo, MediumProgress, OutboxChange,
  StorageState, SubmissionBody, SubmissionKind,
} from './types'

// The bodies follow; these are the signatures.
export interface OutboxOptions {
  database: 'gridwatch-tip' | 'gridwatch-staff'
  /** Base of the server's interface, e.g. `/api/v1`. */
  api: string
  /** Staff app only: who is signed in now; drafts and items belong to them. */
  owner?: () => string | null
  limits?: Partial<MediaLimits>
}
export declare class Outbox {
  static open(options: OutboxOptions): Promise<Outbox>
  createDraft(kind: SubmissionKind): Promise<Draft>
  /** Replaces the form's data; media are not touched. */
  saveDraft(id: string, data: JsonObject): Promise<void>
  draft(id: string): Promise<Draft | null>
  /** Newest first. */
  drafts(): Promise<Draft[]>
  discardDraft(id: string): Promise<void>
  addMedium(
    draftId: string, blob: Blob, info?: MediumInfo, onProgress?: (progress: MediumProgress) => void,
  ): Promise<DraftMedium>
  removeMedium(draftId: string, mediumId: string): Promise<void>
  reorderMedia(draftId: string, mediumIds: string[]): Promise<void>
  /** Asking twice gives the same items. */
  submit(draftId: string, bodies: SubmissionBody[]): Promise<Item[]>
  item(id: string): Promise<Item | null>
  /** Newest first. */
  items(): Promise<Item[]>
  subscribe(listener: (change: OutboxChange) => void): () => void
  markReceiptKept(id: string): Promise<void>
  forget(id: string): Promise<void>
  exportItem(id: string): Promise<ExportedFile>
  retry(id: string): Promise<void>
  mend(id: string): Promise<Draft>
  storageState(): Promise<StorageState>
  /** Asks the browser not to clear what waits; call it from a tap. */
  askToPersist(): Promise<boolean>
  setLimits(limits: Partial<MediaLimits>): void
  close(): void
}
export declare function newSubmissionId(kind: SubmissionKind): string

export interface SenderOptions {
  /** Staff app only; without it every request goes without credentials. */
  getToken?: GetToken
}
export declare class Sender {
  constructor(outbox: Outbox, options?: SenderOptions)
  /** Sends now and from then on whenever there is a way. */
  start(): void
  stop(): void
  /** Try now: after signing in, or when the person taps "send now". */
  wake(): void
  /** Sends what can be sent and resolves when nothing more is due now (for the service worker's `sync` event). */
  runOnce(): Promise<void>
}
/** Tag of the Background Sync registration: on `sync` with it, open the outbox and `runOnce()`. */
export declare const SYNC_TAG: 'gridwatch-send'
