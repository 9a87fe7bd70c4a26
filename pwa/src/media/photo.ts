/** Photos made smaller, in whichever thread has a canvas. */

/** Long side of what is sent: enough to read a type plate, a tenth of a camera's bytes. */
export const LONG_SIDE = 2560;
const THUMBNAIL_SIDE = 240;
/** JPEG, not WebP: Safari cannot encode WebP, and on a slow phone it takes three times as long. */
const TYPE = 'image/jpeg';
const QUALITY = 0.82;
const THUMBNAIL_QUALITY = 0.7;

export interface Surface {
  width: number;
  height: number;
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  toBlob(type: string, quality: number): Promise<Blob>;
}

export interface ReducedPhoto {
  blob: Blob;
  width: number;
  height: number;
  thumbnail: string;
}

/** Turned upright, reduced, without metadata. Null where this browser cannot decode it (HEIC in Chrome). */
export async function reducePhoto(
  blob: Blob,
  surface: (width: number, height: number) => Surface,
): Promise<ReducedPhoto | null> {
  const bitmap = await decode(blob);
  if (bitmap === null) return null;
  try {
    const full = draw(bitmap, LONG_SIDE, surface);
    const small = draw(bitmap, THUMBNAIL_SIDE, surface);
    const reduced = await full.toBlob(TYPE, QUALITY);
    if (reduced.type !== TYPE || reduced.size === 0) return null;
    const thumbnail = await dataUrl(await small.toBlob(TYPE, THUMBNAIL_QUALITY));
    return { blob: reduced, width: full.width, height: full.height, thumbnail };
  } catch {
    return null; // a canvas that is too large for this phone: send the file as it is
  } finally {
    bitmap.close();
  }
}

/** Thumbnail alone, for what is sent as it is; null where it cannot be decoded. */
export async function photoThumbnail(
  blob: Blob,
  surface: (width: number, height: number) => Surface,
): Promise<Omit<ReducedPhoto, 'blob'> | null> {
  const bitmap = await decode(blob);
  if (bitmap === null) return null;
  const { width, height } = bitmap;
  try {
    const small = draw(bitmap, THUMBNAIL_SIDE, surface);
    return { width, height, thumbnail: await dataUrl(await small.toBlob(TYPE, THUMBNAIL_QUALITY)) };
  } catch {
    return null;
  } finally {
    bitmap.close();
  }
}

/** Width and height with the long side at most `side`; never enlarged, never 0. */
export function fit(width: number, height: number, side: number): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export async function dataUrl(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return `data:${blob.type};base64,${btoa(text)}`;
}

async function decode(blob: Blob): Promise<ImageBitmap | null> {
  if (typeof createImageBitmap === 'undefined') return null;
  try {
    return await createImageBitmap(blob, { imageOrientation: 'from-image' });
  } catch {
    return null;
  }
}

function draw(bitmap: ImageBitmap, side: number, surface: (width: number, height: number) => Surface): Surface {
  const { width, height } = fit(bitmap.width, bitmap.height, side);
  const drawn = surface(width, height);
  drawn.context.fillStyle = '#fff'; // JPEG has no transparency: a screenshot's holes become paper, not ink
  drawn.context.fillRect(0, 0, width, height);
  drawn.context.imageSmoothingQuality = 'high';
  drawn.context.drawImage(bitmap, 0, 0, width, height);
  return drawn;
}

/** A surface that works in a worker; Safari has it from 16.4. */
export function offscreenSurface(width: number, height: number): Surface {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no canvas');
  return { width, height, context, toBlob: (type, quality) => canvas.convertToBlob({ type, quality }) };
}
