/**
 * Whose face it is, and whether a picture is good enough to enrol somebody by. Vectors of 128 numbers come in, one of a face that was seen and at
 * most eight of each person who was enrolled with consent; what comes out is a person, or that it is not certain, or that it is nobody who is known.
 * A wrong name is worse than none, so each doubt is answered without one.
 */

/** The vectors lie in memory that is wiped after its use: nothing here keeps one. */
export interface PersonTemplates {
  readonly person: string;
  readonly vectors: readonly Float32Array[];
}

/** `unsure`: one of those who are known, but two of them are as likely, or it was seen too seldom or too small. */
export type Match = { readonly person: string } | 'unsure' | 'unknown';

/** Euclidean. At it, by faces of 48 pixels and more, nobody of 262 pairs of strangers was taken for the other, and nine of ten pairs of one person matched. */
export const distanceMost = 0.55;
/**
 * By how much the next person must be farther away. A face of 48 pixels is measured about 0.05 farther from its own templates than the same face
 * in full size: with less between two persons, the picture's quality would decide who it is.
 */
export const marginLeast = 0.06;
export const templatesMost = 8;
export const vectorLength = 128;
/** Pixels of a face's width below which nobody is named: of pairs at 32 pixels one of 130 strangers was taken for the other. */
export const namedWidthLeastPx = 48;
/** Frames of one visit that must agree. */
export const framesLeast = 2;

export function matchFace(vector: Float32Array, people: readonly PersonTemplates[]): Match {
  let nearest: { readonly person: string; readonly distance: number } | undefined;
  let other = Infinity;
  for (const { person, vectors } of people) {
    const distance = Math.min(...vectors.slice(0, templatesMost).map((template) => distanceOf(vector, template)));
    if (nearest === undefined || distance < nearest.distance) {
      if (nearest !== undefined && nearest.person !== person) other = nearest.distance;
      nearest = { person, distance };
    } else if (nearest.person !== person) other = Math.min(other, distance);
  }
  if (nearest === undefined || !(nearest.distance <= distanceMost)) return 'unknown';
  return other - nearest.distance >= marginLeast ? { person: nearest.person } : 'unsure';
}

/** Infinity where the one cannot be compared with the other. */
export function distanceOf(a: Float32Array, b: Float32Array): number {
  if (a.length !== vectorLength || b.length !== vectorLength) return Infinity;
  let sum = 0;
  for (let index = 0; index < vectorLength; index++) sum += ((a[index] as number) - (b[index] as number)) ** 2;
  return Number.isNaN(sum) ? Infinity : Math.sqrt(sum);
}

/** What one frame of a visit said. */
export interface FrameMatch {
  readonly match: Match;
  readonly widthPx: number;
}

/** Who it is, by all frames of one visit, in whatever order they came. One frame that names somebody else is a doubt. */
export function nameOf(frames: readonly FrameMatch[]): Match {
  const named = frames.flatMap(({ match, widthPx }) => (typeof match === 'string' || !(widthPx >= namedWidthLeastPx) ? [] : [match.person]));
  const [person] = named;
  if (person !== undefined && named.length >= framesLeast && named.every((one) => one === person)) return { person };
  return frames.every(({ match }) => match === 'unknown') ? 'unknown' : 'unsure';
}

/**
 * Whether it stays open who it is, so that an alarm may say so: a face that is wide enough to be named resembles somebody enrolled, and it is not certain.
 * A face that is too small says nothing of its own, so that no stranger far away is a doubt.
 */
export function isInDoubt(frames: readonly FrameMatch[]): boolean {
  return nameOf(frames) === 'unsure' && frames.some(({ match, widthPx }) => match !== 'unknown' && widthPx >= namedWidthLeastPx);
}

/** What a face of an enrolment's picture is judged by. */
export interface FaceMeasures {
  /** Fractions of the picture. */
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly widthPx: number;
  /** 0 as sharp as can be, 1 a gray blur. */
  readonly blur: number;
  /** Degrees; 0 straight into the camera, and upright. To the person's left, and clockwise as one looks at the picture, above 0. */
  readonly pose: { readonly yaw: number; readonly roll: number };
  /** How sure it is that it is a face, 0 to 1. */
  readonly score: number;
}

/** Why somebody cannot be enrolled by a picture. `another person`: not who the other pictures show. */
export const poorReasons = ['no face', 'more than one face', 'unclear', 'too small', 'cut off', 'blurred', 'turned aside', 'tilted', 'another person'] as const;
export type PoorReason = (typeof poorReasons)[number];

/** Larger than what is named: who is enrolled by a face of 80 pixels is found as well as by a larger one, by one of 48 more seldom. */
export const enrolWidthLeastPx = 80;
/** A drawing, or something that only resembles a face, is less sure. */
const scoreLeast = 0.6;
const blurMost = 0.5;
const yawMost = 30;
const rollMost = 30;
/** Beyond it two pictures that somebody says are of one person are of two: farther apart than any pair of one person was, at 48 pixels and more. */
const strangersFrom = 0.65;
/** Beside the largest face, of its width: what is smaller is somebody far behind. */
const bystanderMost = 1 / 3;

/** The one face that a picture shows well enough, or why there is none. */
export function judgePicture<F extends FaceMeasures>(faces: readonly F[]): { readonly face: F } | { readonly poor: PoorReason } {
  const [face, next] = faces.toSorted((a, b) => b.widthPx - a.widthPx);
  if (face === undefined) return { poor: 'no face' };
  if (next !== undefined && next.widthPx > face.widthPx * bystanderMost) return { poor: 'more than one face' };
  const poor = poorOf(face);
  return poor === undefined ? { face } : { poor };
}

/** Comparisons are such that a measure that is no number is too poor. */
function poorOf({ box, widthPx, blur, pose: { yaw, roll }, score }: FaceMeasures): PoorReason | undefined {
  if (!(score >= scoreLeast)) return 'unclear';
  if (!(widthPx >= enrolWidthLeastPx)) return 'too small';
  if (!(box.x > 0 && box.y > 0 && box.x + box.width < 1 && box.y + box.height < 1)) return 'cut off';
  if (!(blur <= blurMost)) return 'blurred';
  if (!(Math.abs(yaw) <= yawMost)) return 'turned aside';
  if (!(Math.abs(roll) <= rollMost)) return 'tilted';
  return undefined;
}

/**
 * Of the vectors of one enrolment, by their places, those that show somebody else than the most do: they resemble fewer than half of the others.
 * Of two that do not resemble each other it is both.
 */
export function strangersAmong(vectors: readonly Float32Array[]): readonly number[] {
  return vectors.flatMap((vector, at) => {
    const others = vectors.filter((_, index) => index !== at);
    const alike = others.filter((other) => distanceOf(vector, other) < strangersFrom).length;
    return alike * 2 < others.length ? [at] : [];
  });
}
