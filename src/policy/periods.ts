/** Periods: the pieces of time that one key opens and one deadline ends. */
import type { UnixMs } from '../base/clock.ts';

/** The period that holds `wallMs`: aligned to UTC midnight, so that every hub and every restart cuts alike. `periodMs` divides a day. */
export function periodOf(wallMs: UnixMs, periodMs: number): { startMs: UnixMs; endMs: UnixMs } {
  const startMs = Math.floor(wallMs / periodMs) * periodMs;
  return { startMs, endMs: startMs + periodMs };
}

/** When everything of a period is destroyed: counted from its end, so that its last second is kept as long as was promised. */
export function deadlineMs(endMs: UnixMs, keepMs: number): UnixMs {
  return endMs + keepMs;
}
