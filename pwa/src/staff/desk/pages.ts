import { getCase, mediumUrl } from '../server';
import type { CasePage } from '../wire';

const pages = new Map<string, Promise<CasePage>>();

/** The case, fetched before it is asked for where `preload` was called; a failure is not kept. */
export function openPage(id: string, fresh = false): Promise<CasePage> {
  const known = fresh ? undefined : pages.get(id);
  if (known) return known;
  const asked = getCase(id);
  pages.set(id, asked);
  asked.catch(() => pages.delete(id));
  if (pages.size > 30) pages.delete(pages.keys().next().value as string);
  return asked;
}
/** Fetches a case and its first pictures ahead of the person. */
export function preload(id: string): void {
  void openPage(id).then(
    (page) => {
      for (const medium of page.media.filter((one) => one.kind === 'photo' && one.state === 'ready').slice(0, 3)) {
        new Image().src = mediumUrl(medium.id, 'preview');
      }
    },
    () => undefined, // it will be asked for again when it is opened
  );
}
export const forgetPage = (id: string): boolean => pages.delete(id);
