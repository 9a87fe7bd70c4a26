/**
 * Runs `write` at once and not after a pause: a browser that is killed right after a tap has the tap. What is asked for
 * while one write is under way goes together with the next. Each call gives the end of a write that holds what was there.
 */
export function atOnce(write: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let owed = false;
  return () => {
    owed = true;
    last = last.then(() => {
      if (!owed) return undefined;
      owed = false;
      return write();
    });
    return last;
  };
}
