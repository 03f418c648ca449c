/** Places in a picture, as fractions of its width and height, so that a box of the small stream fits the large one. */
import type { Box } from '../policy/alarmrules.ts';

export type { Box } from '../policy/alarmrules.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export const wholePicture: Box = { x: 0, y: 0, width: 1, height: 1 };

export function areaOf({ width, height }: Box): number {
  return width * height;
}

/** What of the box lies in the picture; of size 0 when nothing does. */
export function clamped({ x, y, width, height }: Box): Box {
  const left = within(x), top = within(y);
  return { x: left, y: top, width: Math.max(0, within(x + width) - left), height: Math.max(0, within(y + height) - top) };
}

/** Larger by that share of its own size on each side, within the picture. */
export function grown(box: Box, share: number): Box {
  return clamped({ x: box.x - box.width * share, y: box.y - box.height * share, width: box.width * (1 + 2 * share), height: box.height * (1 + 2 * share) });
}

/** Common area over the area of both together: 0 apart, 1 the same. */
export function overlap(a: Box, b: Box): number {
  const common = Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y));
  const both = areaOf(a) + areaOf(b) - common;
  return both > 0 ? common / both : 0;
}

export function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

export function holds(box: Box, { x, y }: Point): boolean {
  return x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height;
}

/** Whether it reaches the picture's edge, so that a part of what it shows is outside. */
export function atEdge({ x, y, width, height }: Box, margin = 0.01): boolean {
  return x < margin || y < margin || x + width > 1 - margin || y + height > 1 - margin;
}

function within(value: number): number {
  return Math.min(1, Math.max(0, value));
}
