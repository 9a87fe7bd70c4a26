/** How far an item is, told from what is stored of it. */
import type { ItemRecord } from './schema';
import type { ItemState } from './types';

export function stateOf(item: ItemRecord): ItemState {
  if (item.complete) return 'complete';
  if (item.attention !== null) return 'needs_attention';
  if (item.needsSignIn) return 'needs_sign_in';
  if (!item.accepted) return item.sending ? 'sending' : 'waiting';
  return item.media.some(isLeft) ? 'media_pending' : 'received';
}

/** True where bytes of this medium still have to go. */
export const isLeft = (medium: ItemRecord['media'][number]): boolean =>
  (medium.state === 'waiting' || medium.state === 'sending') && medium.sent < medium.size;

/** True where the server's word, not ours, has ended it for now. */
export const isHalted = (item: ItemRecord): boolean =>
  item.complete || item.attention?.reason === 'refused' || item.attention?.reason === 'differs';
