/** Preparing chosen media on a page: in a worker, with the page's own canvas where workers have none. */
import { OutboxError } from '../outbox/types';
import { posterOf } from './poster';
import { checked, prepareHere, reduced } from './prepare';
import type { FromWorker, ToWorker } from './reduce.worker';
import type { Surface } from './photo';
import type { MediumFacts, PreparedMedium, PrepareMedium, PrepareRequest, SealedFacts } from './types';

export const prepareMedium: PrepareMedium = async (request, onProgress) => {
  const kind = await checked(request);
  let facts: Partial<MediumFacts> = {};
  if (kind.kind === 'video') facts = (await posterOf(request.blob)) ?? {};
  let ready = request;
  if (kind.kind === 'photo' && typeof OffscreenCanvas === 'undefined') {
    onProgress({ phase: 'reducing', fraction: 0 });
    const photo = await reduced(request, kind, pageSurface);
    facts = photo.facts;
    ready = { ...request, blob: photo.blob, original: true };
  }
  const prepared = await inWorker(ready, onProgress);
  return { ...prepared, facts: { ...prepared.facts, ...facts } };
};

async function inWorker(request: PrepareRequest, onProgress: Parameters<PrepareMedium>[1]): Promise<PreparedMedium> {
  let worker: Worker;
  try {
    worker = new Worker(new URL('./reduce.worker.ts', import.meta.url), { type: 'module' });
  } catch {
    return await prepareHere(request, onProgress); // a WebView without module workers
  }
  const ask = conversation(worker);
  try {
    let answer = await ask({ begin: request });
    if ('phase' in answer) {
      onProgress({ phase: 'reducing', fraction: 0 });
      answer = await ask(null);
    }
    if (!('facts' in answer)) throw new Error('worker out of step');
    return { facts: answer.facts, sealedSize: answer.sealedSize, chunks: pulled(ask, worker) };
  } catch (fault) {
    worker.terminate();
    // The worker could not be loaded or died; a fault of the file itself has a code and stands.
    if (fault instanceof OutboxError) throw fault;
    return await prepareHere(request, onProgress);
  }
}

async function* pulled(
  ask: (message: ToWorker) => Promise<FromWorker>,
  worker: Worker,
): AsyncGenerator<ArrayBuffer, SealedFacts> {
  try {
    for (;;) {
      const answer = await ask({ next: true });
      if ('end' in answer) return answer.end;
      if (!('chunk' in answer)) throw new Error('worker out of step');
      yield answer.chunk;
    }
  } finally {
    worker.terminate();
  }
}

/** One question, one answer; null only waits for one more. Rejects on the worker's faults and on its death. */
function conversation(worker: Worker): (message: ToWorker | null) => Promise<FromWorker> {
  const arrived: FromWorker[] = [];
  let waiting: { resolve(answer: FromWorker): void; reject(fault: unknown): void } | null = null;
  let dead: Error | null = null;
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    arrived.push(data);
    settle();
  };
  worker.onerror = (event) => {
    dead = new Error(event.message);
    settle();
  };
  const settle = () => {
    if (waiting === null) return;
    const answer = arrived.shift();
    if (answer === undefined && dead === null) return;
    const { resolve, reject } = waiting;
    waiting = null;
    if (answer === undefined) reject(dead);
    else if (!('fault' in answer)) resolve(answer);
    else if (answer.fault.code !== null) reject(new OutboxError(answer.fault.code, answer.fault.details));
    else reject(new Error(answer.fault.message));
  };
  return (message) =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      if (message !== null) worker.postMessage(message);
      settle();
    });
}

/** The page's own canvas, for Safari before 16.4. */
function pageSurface(width: number, height: number): Surface {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no canvas');
  return {
    width,
    height,
    context,
    toBlob: (type, quality) =>
      new Promise((resolve, reject) => {
        canvas.toBlob(
          (blob) => {
            if (blob) resolve(blob);
            else reject(new Error('no blob'));
          },
          type,
          quality,
        );
      }),
  };
}
