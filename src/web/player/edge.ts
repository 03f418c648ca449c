/** Staying at the newest picture: what the player does to be neither behind nor out of pictures, and when it comes back. Pure, but for the jitter. */

export interface Edge {
  /** What is buffered, in order. */
  readonly ranges: readonly (readonly [fromSec: number, toSec: number])[];
  readonly atSec: number;
  /** How far the newest picture's end has been ahead of it lately, each time just after a picture came; undefined when that is not known. */
  readonly leadSec: number | undefined;
  /** How long a picture usually stands. */
  readonly pictureSec: number;
  /** How long a picture waits before it is shown, so that the next ones may come unevenly. */
  readonly cushionSec: number;
  readonly sound: boolean;
}

export interface EdgeStep {
  readonly seekToSec: number | undefined;
  readonly rate: number;
}

/** Further behind, it goes to the newest picture at once. */
export const driftSecMax = 0.5;
export const cushionSecMin = 0.03;
export const cushionSecMax = 0.2;
const soundCushionSec = 0.15;
const settledSec = 4;

export function stayAtEdge({ ranges, atSec, leadSec, pictureSec, cushionSec, sound }: Edge): EdgeStep {
  const last = ranges.at(-1);
  if (last === undefined) return { seekToSec: undefined, rate: 1 };
  const [fromSec, toSec] = last;
  const wantedSec = pictureSec + Math.max(cushionSec, sound ? soundCushionSec : 0);
  const newestSec = Math.max(fromSec, toSec - wantedSec);
  if (atSec < fromSec || atSec > toSec + driftSecMax) return { seekToSec: newestSec, rate: 1 };
  if (toSec - atSec - wantedSec > driftSecMax) return { seekToSec: newestSec, rate: 1 };
  const lateSec = leadSec === undefined ? 0 : leadSec - wantedSec;
  // Sound is not to be heard being stretched.
  if (sound) return { seekToSec: undefined, rate: lateSec > 0.1 ? 1.04 : lateSec < -0.1 ? 0.98 : 1 };
  if (lateSec > 0.2) return { seekToSec: undefined, rate: 1.25 };
  if (lateSec > 0.04) return { seekToSec: undefined, rate: 1.06 };
  return { seekToSec: undefined, rate: lateSec < -0.04 ? 0.95 : 1 };
}

/** The lead that was seen, smoothed: pictures come unevenly. */
export function nextLead(leadSec: number | undefined, seenSec: number): number {
  return leadSec === undefined ? seenSec : leadSec + (seenSec - leadSec) / 6;
}

/** The cushion grows where pictures came too late, and shrinks slowly while none does. */
export function nextCushion(cushionSec: number, quietSec: number, ranOut: boolean): number {
  if (ranOut) return Math.min(cushionSecMax, cushionSec + 0.02);
  return quietSec >= settledSec ? Math.max(cushionSecMin, cushionSec - 0.01) : cushionSec;
}

/** How long until the next try to come back, by how many have failed. */
export function nextTryMs(failures: number, random: number): number {
  return Math.min(15_000, 500 * 2 ** Math.min(10, failures)) * (0.7 + 0.6 * random);
}

/** From 0 to 1; no secret depends on it. */
export function jitter(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
}

/** What the hub may say differently in a moment. */
export const retried: ReadonlySet<string> = new Set(['SP_VIEWERS', 'SP_PANELS', 'SP_VIEWER_SLOW', 'SP_STOPPED', 'SP_DISK', 'SP_DATABASE']);
