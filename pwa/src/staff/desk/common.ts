import { diffChars } from 'diff';

export type Part = { text: string; common: boolean };
/** Shorter agreements are chance: every Chinese text shares single characters with every other. */
const SHORTEST = 2;

/** Two texts cut into what both say and what only one says. */
export function commonParts(a: string, b: string): [Part[], Part[]] {
  const sides: [Part[], Part[]] = [[], []];
  for (const piece of diffChars(a, b)) {
    const common = !piece.added && !piece.removed && [...piece.value].length >= SHORTEST;
    if (!piece.added) put(sides[0], piece.value, common);
    if (!piece.removed) put(sides[1], piece.value, common);
  }
  return sides;
}

function put(parts: Part[], text: string, common: boolean): void {
  const last = parts.at(-1);
  if (last?.common === common) last.text += text;
  else parts.push({ text, common });
}
