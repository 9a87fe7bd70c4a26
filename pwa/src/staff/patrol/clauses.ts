import type { Checklist, HazardType } from '../wire';

/** Something a hazard may be named after: an item of a checklist with its clause, or a hazard type. */
export type Clause = { id: string; text: string; clause: string; item_id: string | null; hazard_type: string | null };

/** All that can be searched: the visit's own checklist first, then the others, then the hazard types. */
export function clausesOf(checklists: Checklist[], types: HazardType[], own: string | null): Clause[] {
  const ordered = [...checklists].sort((a, b) => Number(b.id === own) - Number(a.id === own));
  const seen = new Set<string>();
  const found: Clause[] = [];
  for (const list of ordered) {
    for (const item of list.items) {
      if (seen.has(item.text)) continue;
      seen.add(item.text);
      const mine = list.id === own;
      found.push({
        id: `${list.id}/${item.id}`,
        text: item.text,
        clause: item.clause ?? '',
        item_id: mine ? item.id : null,
        hazard_type: null,
      });
    }
  }
  for (const type of types) {
    found.push({ id: `type/${type.code}`, text: type.name, clause: type.clause ?? '', item_id: null, hazard_type: type.code });
  }
  return found;
}

const pairs = (text: string): string[] => {
  const letters = [...text];
  return letters.length < 2 ? letters : letters.slice(1).map((letter, at) => (letters[at] ?? '') + letter);
};

/**
 * The clauses that fit the words best, best first. A word found whole counts most; else the share of its pairs of
 * characters that occur, so that 消防通道堵塞 finds 疏散通道被堵. Without words: the list as it stands.
 */
export function searchClauses(clauses: Clause[], words: string, limit = 30): Clause[] {
  const asked = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (asked.length === 0) return clauses.slice(0, limit);
  return clauses
    .map((clause) => {
      const text = `${clause.text} ${clause.clause}`.toLowerCase();
      const score = asked.reduce((sum, word) => {
        if (text.includes(word)) return sum + 1 + word.length / 100;
        const parts = pairs(word);
        return sum + parts.filter((part) => text.includes(part)).length / (parts.length * 2);
      }, 0);
      return { clause, score };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ clause }) => clause);
}
