/**
 * Opened footage on the player's one line: each fragment's time is written anew, so that segments and sessions follow each other without
 * holes, and wall time is found again. Looking through fast is done with key frames alone, each standing until the next. Pure.
 */
import { boxAt, childrenOf, findBox, fragmentTimes, tracksOf, viewOf, type Box } from '../../base/mp4.ts';

/** The player's line begins here, so that nothing lies before 0. */
export const lineBeginSec = 1;
/** What follows a picture later than this, by the camera's own times, begins anew. */
const stepSecMax = 1.5;
/** The same for key frames, by the wall clock. */
const keyStepSecMax = 20;
const usualPictureSec = 1 / 15;
const usualKeySec = 1;
const pointsMax = 20_000;

export interface PlacedFragment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly atSec: number;
}

interface Point {
  readonly atSec: number;
  readonly wallMs: number;
}

interface Track {
  readonly timescale: number;
  readonly video: boolean;
}

export class ReplayTimes {
  /** How many seconds of the day one second of the line stands for. */
  readonly #pace: number;
  #tracks: ReadonlyMap<number, Track> = new Map();
  #points: Point[] = [];
  #endSec: number;
  #shiftSec: number | undefined;
  #lastSec: number | undefined;
  #pictureSec = usualPictureSec;
  /** The newest key frame, whose length is not known yet; only with a pace. */
  #held: { readonly bytes: Uint8Array<ArrayBuffer>; readonly atSec: number; readonly wallMs: number; readonly track: Track } | undefined;

  /** `pace` 1: as recorded; more: only key frames are given. */
  constructor(pace = 1, beginSec = lineBeginSec) {
    this.#pace = pace;
    this.#endSec = beginSec;
  }

  /** Where what comes next begins. */
  get endSec(): number {
    return this.#endSec;
  }

  /** What follows belongs to this init. Throws BoxError. */
  begin(init: Uint8Array): void {
    this.#tracks = tracksOf(init);
    this.#breakOff();
  }

  /** Something is missing here: what follows begins anew. What was held back comes out. */
  gap(): PlacedFragment[] {
    const flushed = this.end();
    this.#breakOff();
    return flushed;
  }

  /** What was held back, when nothing more comes. */
  end(): PlacedFragment[] {
    return this.#release(usualKeySec / this.#pace);
  }

  /** The fragment, its times written anew in place; none when it belongs nowhere, one before it with a pace. Throws BoxError. */
  place(bytes: Uint8Array<ArrayBuffer>, wallMs: number): PlacedFragment[] {
    for (const entry of fragmentTimes(bytes)) {
      const track = this.#tracks.get(entry.track);
      if (track === undefined || track.timescale === 0) continue;
      const ownSec = entry.time / track.timescale;
      if (this.#pace !== 1) return track.video ? this.#keyFrame(bytes, wallMs, track, entry) : [];
      if (track.video) this.#step(ownSec, wallMs);
      if (this.#shiftSec === undefined || ownSec + this.#shiftSec < 0) return [];
      writeTime(bytes, entry, Math.round((ownSec + this.#shiftSec) * track.timescale));
      return [{ bytes, atSec: ownSec + this.#shiftSec }];
    }
    return [];
  }

  /** When what stands there was recorded; undefined where nothing is known. */
  wallAt(atSec: number): number | undefined {
    const index = this.#points.findLastIndex((point) => point.atSec <= atSec + 0.0005);
    const point = this.#points[index];
    if (point === undefined) return undefined;
    const next = this.#points[index + 1];
    const wallMs = point.wallMs + Math.max(0, atSec - point.atSec) * 1000 * this.#pace;
    return next === undefined || next.wallMs < point.wallMs ? wallMs : Math.min(wallMs, next.wallMs);
  }

  /** Where a time is on the line; undefined when it is not there. */
  at(wallMs: number): number | undefined {
    const index = this.#points.findLastIndex((point) => point.wallMs <= wallMs + 0.5);
    const point = this.#points[index];
    if (point === undefined) return undefined;
    const atSec = point.atSec + Math.max(0, wallMs - point.wallMs) / 1000 / this.#pace;
    return atSec <= (this.#points[index + 1]?.atSec ?? this.#endSec) ? atSec : undefined;
  }

  #breakOff(): void {
    this.#shiftSec = undefined;
    this.#lastSec = undefined;
  }

  #step(ownSec: number, wallMs: number): void {
    const stepSec = this.#lastSec === undefined ? undefined : ownSec - this.#lastSec;
    if (stepSec === undefined || stepSec < 0 || stepSec > stepSecMax) this.#shiftSec = this.#endSec - ownSec;
    else if (stepSec > 0) this.#pictureSec = stepSec;
    this.#lastSec = ownSec;
    const atSec = ownSec + (this.#shiftSec ?? 0);
    this.#endSec = Math.max(this.#endSec, atSec + this.#pictureSec);
    this.#note(atSec, wallMs);
  }

  #keyFrame(bytes: Uint8Array<ArrayBuffer>, wallMs: number, track: Track, entry: { offset: number; wide: boolean }): PlacedFragment[] {
    const before = this.#held;
    const stepSec = before === undefined ? undefined : (wallMs - before.wallMs) / 1000;
    const standsSec = stepSec !== undefined && stepSec > 0 && stepSec <= keyStepSecMax ? stepSec / this.#pace : usualKeySec / this.#pace;
    const flushed = this.#release(standsSec);
    const atSec = this.#endSec;
    writeTime(bytes, entry, Math.round(atSec * track.timescale));
    this.#held = { bytes, atSec, wallMs, track };
    this.#note(atSec, wallMs);
    return flushed;
  }

  #release(standsSec: number): PlacedFragment[] {
    const held = this.#held;
    if (held === undefined) return [];
    this.#held = undefined;
    this.#endSec = held.atSec + standsSec;
    writeDuration(held.bytes, Math.round(standsSec * held.track.timescale));
    return [{ bytes: held.bytes, atSec: held.atSec }];
  }

  #note(atSec: number, wallMs: number): void {
    this.#points.push({ atSec, wallMs });
    if (this.#points.length > pointsMax) this.#points.splice(0, pointsMax / 4);
  }
}

/** Writes a fragment's decode time. */
export function writeTime(fragment: Uint8Array, { offset, wide }: { readonly offset: number; readonly wide: boolean }, ticks: number): void {
  if (wide) viewOf(fragment).setBigUint64(offset, BigInt(Math.max(0, ticks)));
  else viewOf(fragment).setUint32(offset, Math.max(0, ticks));
}

/** Writes how long the one picture of a fragment stands; what has several, or names no time, stays as it is. Throws BoxError. */
export function writeDuration(fragment: Uint8Array, ticks: number): void {
  const view = viewOf(fragment);
  const moof = boxAt(fragment, 0);
  const traf = moof === undefined ? undefined : findBox(childrenOf(fragment, moof), 'traf');
  const boxes = traf === undefined ? [] : childrenOf(fragment, traf);
  const [tfhd, trun] = [findBox(boxes, 'tfhd'), findBox(boxes, 'trun')];
  if (tfhd === undefined || trun === undefined || view.getUint32(trun.start + 12) !== 1) return;
  const [has, usual] = [view.getUint32(trun.start + 8), view.getUint32(tfhd.start + 8)];
  const write = (box: Box, at: number): void => { if (at + 4 <= box.start + box.size) view.setUint32(at, ticks); };
  if (has & 0x100) write(trun, trun.start + 16 + (has & 0x1 ? 4 : 0) + (has & 0x4 ? 4 : 0));
  else if (usual & 0x8) write(tfhd, tfhd.start + 16 + (usual & 0x1 ? 8 : 0) + (usual & 0x2 ? 4 : 0));
}
