/**
 * Times of fragments moved so that a file begins at zero and runs on: a clip may be made of several sessions of a camera, each of
 * which began its own times. Pure bytes in, bytes out, for the browser too.
 */
import { fragmentTimes, tracksOf, viewOf } from './mp4.ts';

/** A time jump of more than this between two fragments is a new session of the camera, not its frame rate. */
const jumpMs = 2000;

/** Where `mfhd`, the first box of each `moof`, keeps its sequence number (ISO/IEC 14496-12, 8.8.5). */
const sequenceOffset = 8 + 8 + 4;

/**
 * Moves the decode times of fragments so that a file begins at zero and goes on without a jump where the camera's own times
 * began anew. All tracks are moved by the same time, so sound stays with its picture; sound before the first picture is dropped.
 * Throws BoxError.
 */
export class Retimer {
  readonly #tracks: Map<number, { timescale: number; video: boolean }>;
  #shiftMs: number | undefined;
  #lastVideoMs = 0;
  #frameMs = 40;
  #sequence = 0;

  constructor(init: Uint8Array) {
    this.#tracks = tracksOf(init);
  }

  /** `bytes` is a copy with its new times; undefined for what has no place in the file. */
  retime(fragment: Uint8Array): { bytes: Uint8Array<ArrayBuffer> | undefined; video: boolean } {
    const times = fragmentTimes(fragment);
    const first = times[0];
    const track = first === undefined ? undefined : this.#tracks.get(first.track);
    if (first === undefined || track === undefined) return { bytes: undefined, video: false };
    const ms = (first.time / track.timescale) * 1000;
    if (track.video) this.#follow(ms);
    if (this.#shiftMs === undefined || ms + this.#shiftMs < 0) return { bytes: undefined, video: track.video };
    const bytes = new Uint8Array(fragment);
    const view = viewOf(bytes);
    for (const entry of times) {
      const scale = this.#tracks.get(entry.track)?.timescale ?? track.timescale;
      const time = Math.max(0, Math.round(entry.time + (this.#shiftMs / 1000) * scale));
      if (entry.wide) view.setBigUint64(entry.offset, BigInt(time));
      else view.setUint32(entry.offset, time);
    }
    view.setUint32(sequenceOffset, ++this.#sequence);
    return { bytes, video: track.video };
  }

  /** Keeps output times running on: a jump of the camera's times becomes one frame's length. */
  #follow(ms: number): void {
    const at = this.#shiftMs === undefined ? undefined : ms + this.#shiftMs;
    if (at === undefined) this.#shiftMs = -ms;
    else if (at < this.#lastVideoMs || at - this.#lastVideoMs > jumpMs) this.#shiftMs = this.#lastVideoMs + this.#frameMs - ms;
    else if (at > this.#lastVideoMs) this.#frameMs = at - this.#lastVideoMs;
    this.#lastVideoMs = ms + (this.#shiftMs as number);
  }
}
