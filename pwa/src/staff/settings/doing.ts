import { ref } from 'vue';
import { Problem } from '@/api/client';
import { useWords } from '../words';

/** A row of a table that nothing was kept of; `reason` is the server's own sentence. */
export type BadRow = { line: number | null; code: string; params: Record<string, string | number>; reason: string };

/** One request of a settings screen at a time, with what went wrong in words; of a table also its bad rows. */
export function useDoing() {
  const { trouble } = useWords();
  const busy = ref(false);
  const fault = ref<string | null>(null);
  const badRows = ref<BadRow[]>([]);
  /** True when it was done. */
  async function doing(work: () => Promise<unknown>): Promise<boolean> {
    busy.value = true;
    fault.value = null;
    badRows.value = [];
    try {
      await work();
      return true;
    } catch (error) {
      fault.value = trouble(error);
      if (error instanceof Problem && Array.isArray(error.extra['rows'])) badRows.value = error.extra['rows'] as BadRow[];
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, fault, badRows, doing };
}

/** The text and name of a chosen file; null where none was. The same file can be chosen again after it was mended. */
export async function chosenFile(event: Event): Promise<{ text: string; name: string } | null> {
  const input = event.target as HTMLInputElement;
  const file = input.files?.[0];
  const chosen = file ? { text: await file.text(), name: file.name } : null;
  input.value = '';
  return chosen;
}
