/** A zone while it is drawn: corners as fractions of the picture, at least three and at most as many as a zone may have. Pure. */
export type Corner = readonly [x: number, y: number];

export const cornersMin = 3;
export const cornersMax = 32;

/** In the middle of the picture, to begin with. */
export const firstCorners: readonly Corner[] = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]];

interface Changed { readonly corners: readonly Corner[]; readonly index: number }

const inside = (n: number): number => Math.round(Math.min(1, Math.max(0, n)) * 1000) / 1000;

export function cornerMoved(corners: readonly Corner[], index: number, [x, y]: Corner): readonly Corner[] {
  return corners.map((corner, n) => (n === index ? [inside(x), inside(y)] : corner));
}

/** Half-way to the next one. Undefined when there are as many as there may be. */
export function cornerAfter(corners: readonly Corner[], index: number): Changed | undefined {
  const [here, next] = [corners[index], corners[(index + 1) % corners.length]];
  if (here === undefined || next === undefined) return undefined;
  return insertAt(corners, index + 1, [(here[0] + next[0]) / 2, (here[1] + next[1]) / 2]);
}

/** Where somebody clicked: between the two corners whose side is nearest. */
export function cornerAdded(corners: readonly Corner[], at: Corner): Changed | undefined {
  const distances = corners.map((corner, index) => distance(at, corner, corners[(index + 1) % corners.length] ?? corner));
  return insertAt(corners, distances.indexOf(Math.min(...distances)) + 1, at);
}

/** The one before it is next. Undefined when no fewer may be. */
export function cornerRemoved(corners: readonly Corner[], index: number): Changed | undefined {
  if (corners.length <= cornersMin) return undefined;
  return { corners: corners.filter((_, n) => n !== index), index: Math.max(0, index - 1) };
}

function insertAt(corners: readonly Corner[], index: number, [x, y]: Corner): Changed | undefined {
  if (corners.length >= cornersMax) return undefined;
  return { corners: [...corners.slice(0, index), [inside(x), inside(y)], ...corners.slice(index)], index };
}

/** Of a point from a side. */
function distance([x, y]: Corner, [fromX, fromY]: Corner, [toX, toY]: Corner): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = (dx * dx) + (dy * dy);
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, (((x - fromX) * dx) + ((y - fromY) * dy)) / length));
  return Math.hypot(x - fromX - (along * dx), y - fromY - (along * dy));
}
