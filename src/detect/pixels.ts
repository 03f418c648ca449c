/** Cuts a square out of a picture, turned and resized as a model wants it. Pure. */
import type { Point } from './box.ts';
import type { Picture } from './protocol.ts';

/** In pixels of the picture; may reach beyond it. */
export interface Square {
  readonly middle: Point;
  readonly side: number;
  /** Radians, clockwise as one looks at the picture; 0 when absent. */
  readonly turned?: number;
}

/** What lies outside of the picture. */
const outside = 114;
/** Beyond it a square is sampled, not averaged: pixels of the picture for one of the result, along a side. */
const averagedMost = 4;

/**
 * The square as `size * size` times red, green and blue, row by row, each value `v * scale + shift`. Between pixels it is interpolated, and where the
 * picture is finer than the result it is averaged.
 */
export function cut({ rgb, width, height }: Picture, { middle, side, turned = 0 }: Square, size: number, { scale = 1, shift = 0 }: { scale?: number; shift?: number } = {}): Float32Array {
  const result = new Float32Array(size * size * 3);
  const step = side / size, fine = Math.min(averagedMost, Math.max(1, Math.round(step))), part = 1 / fine;
  const [right, down] = [Math.cos(turned) * step, Math.sin(turned) * step];
  const factor = scale / fine ** 2;
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++, at += 3) {
      let red = 0, green = 0, blue = 0;
      for (let inner = 0; inner < fine * fine; inner++) {
        const u = column + ((inner % fine) + 0.5) * part - size / 2, v = row + (Math.floor(inner / fine) + 0.5) * part - size / 2;
        const x = middle.x + u * right - v * down - 0.5, y = middle.y + u * down + v * right - 0.5;
        if (x <= -1 || y <= -1 || x >= width || y >= height) {
          red += outside;
          green += outside;
          blue += outside;
          continue;
        }
        const left = Math.max(0, Math.floor(x)), top = Math.max(0, Math.floor(y));
        const next = left + 1 < width ? 3 : 0, below = top + 1 < height ? width * 3 : 0;
        const fx = Math.min(1, Math.max(0, x - left)), fy = Math.min(1, Math.max(0, y - top));
        const a = (1 - fx) * (1 - fy), b = fx * (1 - fy), c = (1 - fx) * fy, d = fx * fy;
        const first = (top * width + left) * 3;
        red += a * (rgb[first] as number) + b * (rgb[first + next] as number) + c * (rgb[first + below] as number) + d * (rgb[first + below + next] as number);
        green += a * (rgb[first + 1] as number) + b * (rgb[first + next + 1] as number) + c * (rgb[first + below + 1] as number) + d * (rgb[first + below + next + 1] as number);
        blue += a * (rgb[first + 2] as number) + b * (rgb[first + next + 2] as number) + c * (rgb[first + below + 2] as number) + d * (rgb[first + below + next + 2] as number);
      }
      result[at] = red * factor + shift;
      result[at + 1] = green * factor + shift;
      result[at + 2] = blue * factor + shift;
    }
  }
  return result;
}
