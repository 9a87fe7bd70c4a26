/** A picture of a video for the draft, and how long it is: only a page can play one. */
import type { MediumFacts } from './types';
import { fit } from './photo';

const SIDE = 240;
/** Some phones never say that they cannot play a format; the video is sent all the same. */
const PATIENCE_MS = 4000;

/** Null where this browser cannot play it, or not in time. */
export async function posterOf(
  blob: Blob,
): Promise<Pick<MediumFacts, 'thumbnail' | 'width' | 'height' | 'durationS'> | null> {
  if (typeof document === 'undefined') return null;
  const url = URL.createObjectURL(blob);
  const video = document.createElement('video');
  try {
    video.muted = true;
    video.playsInline = true;
    video.preload = 'auto';
    const loaded = happens(video, 'loadeddata');
    video.src = url;
    await loaded;
    const { videoWidth: width, videoHeight: height, duration } = video;
    const durationS = Number.isFinite(duration) ? Math.round(duration * 10) / 10 : null;
    const small = fit(width, height, SIDE);
    const canvas = document.createElement('canvas');
    canvas.width = small.width;
    canvas.height = small.height;
    canvas.getContext('2d')?.drawImage(video, 0, 0, small.width, small.height);
    return { thumbnail: canvas.toDataURL('image/jpeg', 0.7), width, height, durationS };
  } catch {
    return null;
  } finally {
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(url);
  }
}

function happens(video: HTMLVideoElement, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error('too slow'));
    }, PATIENCE_MS);
    video.addEventListener(
      name,
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
    video.addEventListener(
      'error',
      () => {
        clearTimeout(timer);
        reject(new Error('cannot be played'));
      },
      { once: true },
    );
  });
}
