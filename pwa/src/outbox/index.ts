/** The outbox as the apps use it: `Outbox.open`, then `new Sender(outbox).start()`. */
import { prepareMedium } from '../media';
import { Outbox } from './outbox';

Outbox.prepare = prepareMedium;

export { newSubmissionId, Outbox } from './outbox';
export type { OutboxOptions } from './outbox';
export { Sender } from './sender';
export * from './types';
