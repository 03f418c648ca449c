/** A picture of a face, made small here and written anew, so that neither its size nor what a camera wrote into the file (place, time, make) goes to the hub. */

/** A face is found and compared in far less. */
const sideMax = 1024;
const qualities = [0.92, 0.8, 0.6, 0.4];
export const facePictureBytesMax = 256 * 1024;

export interface FacePicture {
  /** Base64url, as the hub takes it. */
  readonly jpeg: string;
  /** To be shown; revoked by whoever takes the picture away. */
  readonly address: string;
}

/** The same shape, with no side longer than may be. Pure. */
export function fitted({ width, height }: { readonly width: number; readonly height: number }, most = sideMax): { readonly width: number; readonly height: number } {
  const by = Math.min(1, most / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * by)), height: Math.max(1, Math.round(height * by)) };
}

/** Rejects where it is no picture that this browser reads. */
export async function facePicture(source: Blob | HTMLVideoElement): Promise<FacePicture> {
  const picture = await createImageBitmap(source);
  try {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, fitted(picture));
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const quality of qualities) {
      const jpeg = await new Promise<Blob | null>((done) => { canvas.toBlob(done, 'image/jpeg', quality); });
      if (jpeg !== null && jpeg.size <= facePictureBytesMax) return { jpeg: base64url(new Uint8Array(await jpeg.arrayBuffer())), address: URL.createObjectURL(jpeg) };
    }
    throw new RangeError('no quality makes it small enough');
  } finally {
    picture.close();
  }
}

function base64url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCodePoint(...bytes.subarray(at, at + 0x8000));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
