export type Picture = HTMLVideoElement | HTMLCanvasElement;

/** What a video or canvas shows now, as a PNG; undefined where nothing is. It goes nowhere. */
export async function pngOf(picture: Picture): Promise<Blob | undefined> {
  const video = picture instanceof HTMLVideoElement;
  const [width, height] = video ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height];
  if (width === 0 || (video && picture.readyState < picture.HAVE_CURRENT_DATA)) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
  return await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, 'image/png'); }) ?? undefined;
}

/** For the visitor's own device. False where there is none yet. */
export async function snapshot(picture: Picture | null, name: string): Promise<boolean> {
  const png = picture === null ? undefined : await pngOf(picture);
  if (png === undefined) return false;
  saveFile(png, `${name}.png`);
  return true;
}

/** Gives a file to the visitor's device, as a download. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** front-door 2026-11-27 09-14-05, by this browser's clock and zone. */
export function fileNameAt(camera: string, atMs: number): string {
  const local = new Date(atMs - (new Date(atMs).getTimezoneOffset() * 60_000));
  return `${camera} ${local.toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '-')}`;
}
