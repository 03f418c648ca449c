/** Pictures for the detector: real ones of ../shared/fixtures where they are there, and drawn ones. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import type { Picture } from '../../src/detect/protocol.ts';

const fixtures = join(import.meta.dirname, '../../../shared/fixtures');
export const walkClip = join(fixtures, 'video/one-by-one-person-detection.mp4');
export const squareClip = join(fixtures, 'video/vtest.avi');
export const facesFolder = join(fixtures, 'faces');

/** For `t.test`: why it is skipped, or false. */
export function missing(path: string): string | false {
  return existsSync(path) ? false : 'skipped: the fixtures are not there';
}

/** What ffmpeg makes of it, through that filter. */
export async function picture(input: readonly string[], width: number, height: number, filter = 'null'): Promise<Picture> {
  const made = await run('ffmpeg', ['-v', 'error', ...input, '-filter_complex', `${filter},scale=${width}:${height}:flags=area,format=rgb24`, '-frames:v', '1', '-f', 'rawvideo', '-'], { package: 'ffmpeg' });
  if (made.stdout.length !== width * height * 3) throw new Error(made.stderr);
  return { rgb: new Uint8Array(made.stdout), width, height };
}

export function atSecond(clip: string, second: number, width = 640, height = 360): Promise<Picture> {
  return picture(['-ss', String(second), '-i', clip], width, height);
}

/** By the path below the folder of faces. */
export function faceOf(file: string, width = 640, height = 640): Promise<Picture> {
  return picture(['-i', join(facesFolder, file)], width, height);
}

export function plain(width: number, height: number, gray = 128): Picture {
  return { rgb: new Uint8Array(width * height * 3).fill(gray), width, height };
}

/** A round face as a child draws it: two dots, a line, and a mouth. */
export function cartoon(size = 256): Picture {
  const drawn = plain(size, size, 255);
  const dot = (x: number, y: number, radius: number, colour: readonly [number, number, number]): void => {
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        if (Math.hypot(column / size - x, row / size - y) < radius) drawn.rgb.set(colour, (row * size + column) * 3);
      }
    }
  };
  dot(0.5, 0.5, 0.35, [255, 220, 60]);
  for (const x of [0.38, 0.62]) dot(x, 0.42, 0.05, [20, 20, 20]);
  for (let step = 0; step <= 20; step++) dot(0.36 + step * 0.014, 0.62 + Math.sin((step / 20) * Math.PI) * 0.08, 0.012, [120, 20, 20]);
  return drawn;
}
