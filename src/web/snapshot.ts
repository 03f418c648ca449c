export type Picture = HTMLVideoElement | HTMLCanvasElement;

/** A picture of what a video or canvas shows now, for the visitor's own device: it goes nowhere else. False where there is none yet. */
export async function snapshot(picture: Picture | null, name: string): Promise<boolean> {
  const [width, height] = picture instanceof HTMLVideoElement ? [picture.videoWidth, picture.videoHeight] : [picture?.width ?? 0, picture?.height ?? 0];
  if (picture === null || width === 0) return false;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, 'image/png'); });
  if (blob === null) return false;
  saveFile(blob, `${name}.png`);
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
