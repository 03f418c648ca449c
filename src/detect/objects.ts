/** Persons and vehicles in a picture: what part of it the model sees, and what its numbers mean. */
import { clamped, grown, overlap, type Box } from './box.ts';
import { cut, type Square } from './pixels.ts';
import { foundMax, type Picture } from './protocol.ts';
import { objectsSize, type Models } from './runtime.ts';
import type { Found, Label } from './tracks.ts';

/** As COCO numbers them. Pets and bicycles are among what the model knows and are not promised. */
const classes: ReadonlyMap<number, Label> = new Map([[0, 'person'], [2, 'vehicle'], [3, 'vehicle'], [5, 'vehicle'], [7, 'vehicle']]);
const scoreLeast = 0.3;
/** Two of a kind that overlap more are one. */
const sameLeast = 0.45;
/** What moves is seen with some of what is round it, and never closer than this share of the picture's height. */
const roiMargin = 0.25;
const sideLeast = 0.5;
const rowLength = 6;

/** Looks at the square round `roi`. Boxes are fractions of the whole picture; the surest first. */
export function findObjects(models: Models, picture: Picture, roi: Box): Found[] {
  const square = squareAround(picture, roi, { margin: roiMargin, least: sideLeast });
  const input = cut(picture, square, objectsSize);
  try {
    return foundIn(models.objects(input), square, picture);
  } finally {
    input.fill(0);
  }
}

/** A square round the box and its margin, moved into the picture as far as it fits; larger than it, it lies round its middle. */
export function squareAround({ width, height }: Picture, roi: Box, { margin, least }: { readonly margin: number; readonly least: number }): Square {
  const box = grown(roi, margin);
  const side = Math.min(Math.max(box.width * width, box.height * height, least * Math.min(width, height)), Math.max(width, height));
  const place = (middle: number, length: number): number => (side >= length ? length / 2 : Math.min(length - side / 2, Math.max(side / 2, middle)));
  return { middle: { x: place((box.x + box.width / 2) * width, width), y: place((box.y + box.height / 2) * height, height) }, side };
}

function foundIn(rows: Float32Array, { middle, side }: Square, { width, height }: Picture): Found[] {
  const left = middle.x - side / 2, top = middle.y - side / 2, factor = side / objectsSize;
  const found: Found[] = [];
  for (let at = 0; at + rowLength <= rows.length; at += rowLength) {
    const [x1, y1, x2, y2, score, kind] = rows.subarray(at, at + rowLength) as unknown as [number, number, number, number, number, number];
    const label = classes.get(Math.round(kind));
    if (label === undefined || !(score >= scoreLeast) || ![x1, y1, x2, y2].every(Number.isFinite)) continue;
    const box = clamped({ x: (left + x1 * factor) / width, y: (top + y1 * factor) / height, width: ((x2 - x1) * factor) / width, height: ((y2 - y1) * factor) / height });
    if (box.width > 0 && box.height > 0) found.push({ label, score: Math.min(1, score), box });
  }
  return apart(found).slice(0, foundMax);
}

/** Of those that are one, the surest. */
export function apart<T extends { readonly score: number; readonly box: Box; readonly label?: string }>(found: readonly T[]): T[] {
  const kept: T[] = [];
  for (const one of found.toSorted((a, b) => b.score - a.score)) {
    if (!kept.some((other) => other.label === one.label && overlap(other.box, one.box) > sameLeast)) kept.push(one);
  }
  return kept;
}
