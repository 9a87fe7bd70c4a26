/**
 * Reduces and seals away from the page, so that nine photos at once do not stop it from answering. Pieces are pulled
 * one by one: the page stores each before it asks for the next, so a 200 MB video never sits in memory.
 */
import { OutboxError } from '../outbox/types';
import { prepareHere } from './prepare';
import type { PreparedMedium, PrepareRequest } from './types';

export type ToWorker = { begin: PrepareRequest } | { next: true };

export type FromWorker =
  | { phase: 'reducing' }
  | { facts: PreparedMedium['facts']; sealedSize: number }
  | { chunk: ArrayBuffer }
  | { end: { sha256: string; size: number } }
  | { fault: { code: OutboxError['code'] | null; details: Record<string, string | number>; message: string } };

interface Scope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
let chunks: PreparedMedium['chunks'] | null = null;

scope.onmessage = ({ data }) => {
  const done = 'begin' in data ? begin(data.begin) : next();
  done.catch((fault: unknown) => {
    const known = fault instanceof OutboxError ? fault : null;
    scope.postMessage({
      fault: { code: known?.code ?? null, details: { ...known?.details }, message: String(fault) },
    });
  });
};

async function begin(request: PrepareRequest): Promise<void> {
  const prepared = await prepareHere(request, () => {
    scope.postMessage({ phase: 'reducing' });
  });
  chunks = prepared.chunks;
  scope.postMessage({ facts: prepared.facts, sealedSize: prepared.sealedSize });
}

async function next(): Promise<void> {
  if (chunks === null) throw new Error('nothing begun');
  const { done, value } = await chunks.next();
  if (done === true) scope.postMessage({ end: value });
  else scope.postMessage({ chunk: value }, [value]);
}
