/**
 * The live picture of one stream: one time line, one timer, any number of viewers who all see the same. Unit n of a track is due at
 * n times its duration after the time line's beginning, so nothing drifts; without viewers nothing runs.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import type { Track } from './rtp.ts';

/** Who looks at the feed. `send` hands over the n-th unit of a track; it must not throw. */
export interface Viewer {
  send(trackIndex: number, n: number): void;
  /** Units were left out (the process was away): go on at a key frame. */
  skipped(): void;
  /** A key frame is wanted soon. */
  synchronize(): void;
}

export interface Feed {
  readonly tracks: readonly Track[];
  /** Beginning of the time line. */
  readonly startWallMs: UnixMs;
  elapsedMs(): number;
  /** The unit of a track that is sent next. */
  next(trackIndex: number): number;
  join(viewer: Viewer): void;
  leave(viewer: Viewer): void;
}

/** Later than this and units are left out instead of sent in a burst. */
const lagMax = 2000;

export class LiveFeed implements Feed {
  #tracks: readonly Track[];
  readonly startWallMs: UnixMs;
  readonly #clock: Clock;
  readonly #startMonotonicMs: number;
  readonly #viewers = new Set<Viewer>();
  /** Per track the unit that is due next. */
  #next: number[];
  #timer: NodeJS.Timeout | undefined;

  constructor(o: { tracks: readonly Track[]; clock: Clock; startWallMs: UnixMs; startMonotonicMs: number }) {
    this.#tracks = o.tracks;
    this.startWallMs = o.startWallMs;
    this.#clock = o.clock;
    this.#startMonotonicMs = o.startMonotonicMs;
    this.#next = o.tracks.map(() => 0);
  }

  get tracks(): readonly Track[] {
    return this.#tracks;
  }

  /** From now on another scene, of as many tracks, on the same time line; each viewer goes on at its next key frame. */
  show(tracks: readonly Track[]): void {
    if (tracks.length !== this.#tracks.length) throw new Error('another scene has as many tracks');
    this.#tracks = tracks;
    this.#next = tracks.map(() => 0);
    this.#catchUp();
    for (const viewer of this.#viewers) viewer.skipped();
  }

  /** Each viewer gets a key frame soon, however far the next one is. */
  synchronize(): void {
    for (const viewer of this.#viewers) viewer.synchronize();
  }

  elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startMonotonicMs;
  }

  next(trackIndex: number): number {
    return this.#next[trackIndex] as number;
  }

  join(viewer: Viewer): void {
    this.#viewers.add(viewer);
    if (this.#timer !== undefined) return;
    this.#catchUp();
    this.#schedule();
  }

  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = this.elapsedMs();
    if (nowMs - this.#dueMs() > lagMax) {
      this.#catchUp();
      for (const viewer of this.#viewers) viewer.skipped();
    }
    for (const [index, track] of this.tracks.entries()) {
      for (let n = this.#next[index] as number; n * track.unitMs <= nowMs; n++) {
        this.#next[index] = n + 1;
        for (const viewer of this.#viewers) viewer.send(index, n);
      }
    }
    if (this.#viewers.size > 0) this.#schedule();
  }

  #schedule(): void {
    const waitMs = Math.max(1, this.#dueMs() - this.elapsedMs());
    this.#timer = setTimeout(() => this.#tick(), waitMs);
  }

  #dueMs(): number {
    return Math.min(...this.tracks.map((track, index) => (this.#next[index] as number) * track.unitMs));
  }

  #catchUp(): void {
    const nowMs = this.elapsedMs();
    for (const [index, track] of this.tracks.entries()) this.#next[index] = Math.ceil(nowMs / track.unitMs);
  }
}
