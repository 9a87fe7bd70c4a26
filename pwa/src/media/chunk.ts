/** Stored pieces of a medium. Small enough for a phone to hold a few, large enough to keep records few. */
export const CHUNK_BYTES = 1024 * 1024;
