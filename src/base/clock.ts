/**
 * Time as a parameter: whoever needs it takes a `Clock`, tests hand in one that they move.
 * Wall time is for people and periods; monotonic time (Linux CLOCK_MONOTONIC: since boot, stops in suspend) is for elapsed time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { UnixMs } from './units.ts';

export type { UnixMs } from './units.ts';

export interface Clock {
  wallMs(): UnixMs;
  /** Milliseconds since boot; comparable across processes of one boot. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  sleep: (ms, signal) => delay(Math.min(Math.max(0, ms), 2 ** 31 - 1), undefined, signal === undefined ? {} : { signal }),
};
