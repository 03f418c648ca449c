/** Generated scenes as a camera of 160x90 gray sees them, five pictures a second: a yard with a wall, a tree and noise, and what happens in it. */
import { motionHeight, motionWidth } from '../../src/policy/motionpicture.ts';
import { Random } from '../fuzz/random.ts';

export const fps = 5;

export interface SceneOptions {
  /** Standard deviation of each pixel's noise, in gray levels. */
  readonly noise?: number;
  /** Added to all pixels at that time. */
  readonly light?: (second: number) => number;
  /** Rain: streaks in each picture. */
  readonly streaks?: number;
  /** Wind: pixels by which the tree's leaves go to and fro. */
  readonly wind?: number;
  /** A lamp that flickers, in a corner, by so many gray levels. */
  readonly flicker?: number;
  /** Somebody of that size walks at that speed, in pixels a second, from the left edge, from `fromSecond` on. */
  readonly walker?: {
    readonly width: number; readonly height: number; readonly speed: number; readonly fromSecond: number; readonly gray?: number;
    /** Stands still from there on, until it is gone at once. */
    readonly stands?: { readonly x: number; readonly goneSecond: number };
  };
}

/** Where the walker's left edge is, in pixels; undefined before and after. */
export function walkerAt({ walker }: SceneOptions, second: number): number | undefined {
  if (walker === undefined || second < walker.fromSecond) return undefined;
  const x = Math.round(-walker.width + (second - walker.fromSecond) * walker.speed);
  if (walker.stands !== undefined && second >= walker.stands.goneSecond) return undefined;
  return x >= motionWidth ? undefined : Math.min(x, walker.stands?.x ?? x);
}

/** Pictures one after another. */
export function* scene(seconds: number, seed: number, o: SceneOptions = {}): Generator<{ gray: Uint8Array; atMs: number; second: number }> {
  const random = new Random(seed);
  const yard = yardOf(random);
  const leaves = Array.from({ length: 500 }, () => ({ x: 100 + random.below(40), y: 5 + random.below(35), gray: 40 + random.below(120), phase: random.below(100) / 16 }));
  for (let index = 0; index < seconds * fps; index++) {
    const second = index / fps;
    const picture = Float32Array.from(yard);
    for (const { x, y, gray: shade, phase } of leaves) {
      const away = (o.wind ?? 0) * Math.sin(phase + second * 3 + Math.sin(second / 2));
      picture[y * motionWidth + Math.round(x + away)] = shade;
    }
    if (o.flicker !== undefined) fill(picture, 10, 10, 24, 16, (value) => value + (index % 3 === 0 ? o.flicker as number : 0));
    const x = walkerAt(o, second);
    if (x !== undefined && o.walker !== undefined) walk(picture, x, o.walker, second);
    for (let streak = 0; streak < (o.streaks ?? 0); streak++) {
      const column = random.below(motionWidth), row = random.below(motionHeight), length = 4 + random.below(8);
      fill(picture, column, row, 1, length, (value) => value + 45);
    }
    const light = o.light?.(second) ?? 0;
    const gray = Uint8Array.from(picture, (value) => Math.min(255, Math.max(0, Math.round(value + light + (o.noise ?? 1.5) * normal(random)))));
    yield { gray, atMs: index * (1000 / fps), second };
  }
}

function yardOf(random: Random): Float32Array {
  const yard = new Float32Array(motionWidth * motionHeight);
  for (let at = 0; at < yard.length; at++) yard[at] = (Math.floor(at / motionWidth) < 50 ? 150 : 100) + random.below(12);
  fill(yard, 60, 20, 30, 35, () => 60);
  return yard;
}

/** Darker than the yard, with a lighter head, and legs that move. */
function walk(picture: Float32Array, x: number, { width, height, gray = 45 }: NonNullable<SceneOptions['walker']>, second: number): void {
  const y = motionHeight - 12 - height;
  fill(picture, x + Math.floor(width / 4), y, Math.ceil(width / 2), Math.ceil(height / 6), () => gray + 90);
  fill(picture, x, y + Math.ceil(height / 6), width, Math.ceil(height / 2), () => gray);
  const stride = Math.round((Math.sin(second * 8) * width) / 3);
  for (const leg of [stride, -stride]) fill(picture, x + Math.floor(width / 3) + leg, y + Math.ceil(height / 6) + Math.ceil(height / 2), Math.ceil(width / 3), Math.ceil(height / 3), () => gray - 15);
}

function fill(picture: Float32Array, x: number, y: number, width: number, height: number, change: (value: number) => number): void {
  for (let row = Math.max(0, y); row < Math.min(motionHeight, y + height); row++) {
    for (let column = Math.max(0, x); column < Math.min(motionWidth, x + width); column++) picture[row * motionWidth + column] = change(picture[row * motionWidth + column] as number);
  }
}

/** Nearly normal, of deviation 1. */
function normal(random: Random): number {
  return (random.below(1001) + random.below(1001) + random.below(1001) - 1500) / 500;
}
