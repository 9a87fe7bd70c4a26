/** How long to wait after a failure, and how much to send at once. */

const FIRST_WAIT_MS = 500;

/** Doubles from half a second up to `longest`, times 0.5 … 1.5 so that phones do not all come back together. */
export function backoffMs(failures: number, longest: number, random: () => number): number {
  return Math.min(longest, FIRST_WAIT_MS * 2 ** Math.min(failures, 20)) * (0.5 + random());
}

export const SMALLEST_PIECE = 64 * 1024;
export const LARGEST_PIECE = 2 * 1024 * 1024;
const FIRST_PIECE = 256 * 1024;
/** Long enough that the round trip weighs little, short enough that a cut costs little. */
const PIECE_MS = 2000;

/** Size of the next piece, after what the link did with the ones before. */
export class PieceSize {
  bytes = FIRST_PIECE;
  #bytesPerMs: number | null = null;

  /** How much of `left` bytes goes into one request: a small rest goes along, as a request of its own costs more. */
  of(left: number): number {
    return left <= 2 * this.bytes ? left : this.bytes;
  }

  sent(bytes: number, ms: number): void {
    const rate = bytes / Math.max(1, ms);
    this.#bytesPerMs = this.#bytesPerMs === null ? rate : 0.7 * this.#bytesPerMs + 0.3 * rate;
    const wanted = this.#bytesPerMs * PIECE_MS;
    // At most doubled each time: one quick answer may have come from a buffer on the way.
    this.bytes = inRange(Math.min(wanted, this.bytes * 2));
  }

  failed(): void {
    this.bytes = inRange(this.bytes / 2);
  }
}

const inRange = (bytes: number): number => {
  const whole = Math.floor(bytes / SMALLEST_PIECE) * SMALLEST_PIECE;
  return Math.min(LARGEST_PIECE, Math.max(SMALLEST_PIECE, whole));
};
