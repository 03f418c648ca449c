/**
 * Faces in a picture, and what one looks like in 128 numbers. Nothing here knows whose face it is, and nothing is kept: what a face was cut into, and
 * its numbers, are overwritten after their use by whoever had them.
 */
import { clamped, holds, middleOf, type Box, type Point } from './box.ts';
import { apart, squareAround } from './objects.ts';
import { cut, type Square } from './pixels.ts';
import { cropSide, examinedMax, facesMax, type ExaminedFace, type Face, type Keypoints, type Picture, type Quality } from './protocol.ts';
import { embedSize, facesSize, type Models } from './runtime.ts';

const scoreLeast = 0.5;
const roiMargin = 0.1;
const sideLeast = 0.15;
/** Of a row: logit, middle x and y, width and height, then six points. */
const rowLength = 17;
/** dlib's own: the distance from the eyes to the mouth is this share of the square, and where in it their middle lies. */
const eyesToMouth = 0.45;
const middleX = 0.5;
const middleY = 0.43;
/** A picture whose smaller side has so many pixels is looked at in parts, of that share of its sides. */
const partedFromPx = 512;
const partShare = 0.6;
/** Of a part's width. */
const smallShare = 0.2;
const cropGrowth = 1.25;
/** How far the tip of the nose stands out before the line between the eyes, by the distance between them: of grown people 33 to 40 of 63 mm. */
const noseDepth = 0.58;
/** Below it there is nothing to align: two pixels. */
const alignLeastPx = 2;

/** Looks at the square round `roi`. Boxes are fractions of the whole picture; the surest first. */
export function findFaces(models: Models, picture: Picture, roi: Box): Face[] {
  const square = squareAround(picture, roi, { margin: roiMargin, least: sideLeast });
  const input = cut(picture, square, facesSize, { scale: 1 / 127.5, shift: -1 });
  try {
    return facesIn(models.faces(input), square, picture);
  } finally {
    input.fill(0);
  }
}

/** All of a picture's faces and what can be said of them, the largest first: for enrolling, and for whose face it is. */
export function examineFaces(models: Models, picture: Picture, roi: Box): ExaminedFace[] {
  return allFaces(models, picture, roi).toSorted((a, b) => b.quality.widthPx - a.quality.widthPx).slice(0, examinedMax).flatMap((face) => {
    const square = alignedSquare(picture, face.keypoints), vector = embedFace(models, picture, face.keypoints);
    if (square === undefined || vector === undefined) return [];
    const { score, box, quality: { widthPx, sharpness, tilt } } = face;
    return [{ score, box, widthPx, blur: 1 - sharpness, pose: { yaw: yawOf(picture, face.keypoints), roll: tilt }, vector, crop: cropOf(picture, square) }];
  });
}

/** Undefined when its points are too close to each other, or no face's. */
export function embedFace(models: Models, picture: Picture, keypoints: Keypoints): Float32Array | undefined {
  const square = alignedSquare(picture, keypoints);
  if (square === undefined) return undefined;
  const input = cut(picture, square, embedSize);
  try {
    return models.embed(input);
  } finally {
    input.fill(0);
  }
}

/**
 * A face must fill a fifteenth of what is looked at, so a large picture is looked at in parts as well. What is large in a part was seen in the whole,
 * and better: a part's edge may cut it, and what is left of it resembles a smaller face.
 */
function allFaces(models: Models, picture: Picture, roi: Box): Face[] {
  const whole = findFaces(models, picture, roi);
  if (Math.min(roi.width * picture.width, roi.height * picture.height) < partedFromPx) return whole;
  const width = partShare * roi.width, height = partShare * roi.height;
  const parts = [0, 1].flatMap((row) => [0, 1].map((column) => ({ x: roi.x + column * (roi.width - width), y: roi.y + row * (roi.height - height), width, height })));
  const small = parts.flatMap((part) => findFaces(models, picture, part).filter(({ box }) => box.width <= part.width * smallShare));
  return apart([...whole, ...small.filter(({ box }) => !whole.some((face) => holds(face.box, middleOf(box))))]);
}

/** With hair and chin, which the net does not want and people do. */
function cropOf(picture: Picture, square: Square): Picture {
  const values = cut(picture, { ...square, side: square.side * cropGrowth }, cropSide);
  const rgb = Uint8Array.from(values, (value) => Math.round(value));
  values.fill(0);
  return { rgb, width: cropSide, height: cropSide };
}

/** The square that dlib's net was trained with: upright, by both eyes and the mouth. */
export function alignedSquare({ width, height }: Picture, keypoints: Keypoints): Square | undefined {
  const [right, left, , mouth] = keypoints.map(({ x, y }) => ({ x: x * width, y: y * height })) as unknown as [Point, Point, Point, Point];
  const distance = (distanceOf(right, mouth) + distanceOf(left, mouth)) / 2;
  if (!(distance >= alignLeastPx) || distance > 2 * Math.max(width, height)) return undefined;
  const side = distance / eyesToMouth, turned = Math.atan2(left.y - right.y, left.x - right.x);
  const reference = { x: (right.x + left.x + mouth.x) / 3, y: (right.y + left.y + mouth.y) / 3 };
  const u = (0.5 - middleX) * side, v = (0.5 - middleY) * side;
  return { middle: { x: reference.x + u * Math.cos(turned) - v * Math.sin(turned), y: reference.y + u * Math.sin(turned) + v * Math.cos(turned) }, side, turned };
}

function facesIn(rows: Float32Array, { middle, side }: Square, picture: Picture): Face[] {
  const factor = side / facesSize;
  const inPicture = (x: number, y: number): Point => ({ x: (middle.x + (x - facesSize / 2) * factor) / picture.width, y: (middle.y + (y - facesSize / 2) * factor) / picture.height });
  const found: Omit<Face, 'quality'>[] = [];
  for (let at = 0, index = 0; at + rowLength <= rows.length; at += rowLength, index++) {
    const score = 1 / (1 + Math.exp(-(rows[at] as number)));
    if (!(score >= scoreLeast)) continue;
    const row = rows.subarray(at, at + rowLength);
    const anchor = anchors[index] as Point;
    const [x, y, width, height] = row.subarray(1, 5) as unknown as [number, number, number, number];
    const corner = inPicture(anchor.x + x - width / 2, anchor.y + y - height / 2), end = inPicture(anchor.x + x + width / 2, anchor.y + y + height / 2);
    const keypoints = Array.from({ length: 6 }, (_, point) => inPicture(anchor.x + (row[5 + 2 * point] as number), anchor.y + (row[6 + 2 * point] as number)));
    const box = clamped({ ...corner, width: end.x - corner.x, height: end.y - corner.y });
    if (box.width > 0 && box.height > 0 && keypoints.every((point) => Math.abs(point.x) <= 4 && Math.abs(point.y) <= 4)) found.push({ score, box, keypoints });
  }
  return apart(found).slice(0, facesMax).map((face) => ({ ...face, quality: qualityOf(picture, face) }));
}

/** Two grids over the 256 pixels: 16x16 with two anchors each, 8x8 with six. */
const anchors: readonly Point[] = [[16, 2], [32, 6]].flatMap(([stride, count]) => {
  const cells = facesSize / (stride as number);
  return Array.from({ length: cells ** 2 }, (_, cell) => ({ x: ((cell % cells) + 0.5) * (stride as number), y: (Math.floor(cell / cells) + 0.5) * (stride as number) }))
    .flatMap((anchor) => Array.from({ length: count as number }, () => anchor));
});

/** Whether it is worth comparing: large, sharp and looking this way. */
function qualityOf(picture: Picture, { box, keypoints }: Omit<Face, 'quality'>): Quality {
  const { eyes, radians, aside } = noseOf(picture, keypoints);
  return {
    widthPx: Math.min(8192, box.width * picture.width),
    sharpness: sharpnessOf(picture, keypoints),
    turn: eyes === 0 ? 1 : Math.min(1, Math.abs(aside) / eyes),
    tilt: degreesOf(radians),
  };
}

/** In degrees: above 0 to the person's left, which is the picture's right. */
function yawOf(picture: Picture, keypoints: Keypoints): number {
  const { eyes, aside } = noseOf(picture, keypoints);
  return eyes === 0 ? 90 : degreesOf(Math.atan(aside / eyes / noseDepth));
}

/** How far the nose is from the middle between the eyes, along the line from eye to eye, in pixels; how long that line is, and how it lies. */
function noseOf({ width, height }: Picture, keypoints: Keypoints): { readonly eyes: number; readonly radians: number; readonly aside: number } {
  const [right, left, nose] = keypoints.map(({ x, y }) => ({ x: x * width, y: y * height })) as unknown as [Point, Point, Point];
  const radians = Math.atan2(left.y - right.y, left.x - right.x);
  return { eyes: distanceOf(right, left), radians, aside: (nose.x - (right.x + left.x) / 2) * Math.cos(radians) + (nose.y - (right.y + left.y) / 2) * Math.sin(radians) };
}

function degreesOf(radians: number): number {
  return (radians * 180) / Math.PI;
}

const sharpSize = 64;
/** Of the second derivative, at which a face is half as sharp as can be; by pictures of 48 pixels that match and their blurred copies that do not. */
const halfSharp = 6;

function sharpnessOf(picture: Picture, keypoints: Keypoints): number {
  const square = alignedSquare(picture, keypoints);
  if (square === undefined) return 0;
  const face = cut(picture, square, sharpSize);
  const gray = new Float32Array(sharpSize ** 2).map((_, at) => 0.3 * (face[3 * at] as number) + 0.59 * (face[3 * at + 1] as number) + 0.11 * (face[3 * at + 2] as number));
  let sum = 0;
  for (let row = 1; row < sharpSize - 1; row++) {
    for (let column = 1; column < sharpSize - 1; column++) {
      const at = row * sharpSize + column;
      sum += (4 * (gray[at] as number) - (gray[at - 1] as number) - (gray[at + 1] as number) - (gray[at - sharpSize] as number) - (gray[at + sharpSize] as number)) ** 2;
    }
  }
  face.fill(0);
  gray.fill(0);
  const deviation = Math.sqrt(sum / (sharpSize - 2) ** 2);
  return deviation / (deviation + halfSharp);
}

function distanceOf(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
