/** When stored segments are looked at again, and how fast. */
import type { UnixMs } from '../base/clock.ts';
import { secondMs } from '../base/units.ts';

/** The next full look begins then. A clock that was ahead at the last one must not put it off for years. */
export function nextScrubMs(lastFullMs: UnixMs | undefined, nowMs: UnixMs, everyMs: number): UnixMs {
  return lastFullMs === undefined ? nowMs : Math.min(lastFullMs, nowMs) + everyMs;
}

export interface Pace {
  /** Monotonic: from when on the next bytes may be read. */
  readonly freeAtMs: number;
}

/** After `bytes` were read at `nowMs` (monotonic): time that was not used is not saved up, so there is never a burst. */
export function paced(pace: Pace, nowMs: number, bytes: number, bytesPerSecond: number): Pace {
  return { freeAtMs: Math.max(pace.freeAtMs, nowMs) + (bytes * secondMs) / bytesPerSecond };
}
