/** Times as whoever looks reads them, in their own time zone; and what of a day hangs together. */
import type { Timeline } from '../../api/pagecontract.ts';

export interface Run {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Shorter pauses between segments are none. */
const pauseMs = 2_000;

export function runsOf({ segments }: Pick<Timeline, 'segments'>): Run[] {
  const runs: { fromMs: number; toMs: number }[] = [];
  for (const { startMs, durationMs } of segments) {
    const last = runs.at(-1);
    if (last !== undefined && startMs - last.toMs <= pauseMs) last.toMs = Math.max(last.toMs, startMs + durationMs);
    else runs.push({ fromMs: startMs, toMs: startMs + durationMs });
  }
  return runs;
}

export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** Days are UTC days, as periods are. */
export function dayText(dayStartMs: number): string {
  return `${new Date(dayStartMs).toISOString().slice(0, 10)} (UTC)`;
}

export function wholeText(ms: number): string {
  return new Date(ms).toLocaleString();
}

/** For a field of type datetime-local. */
export function toLocal(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

export function fromLocal(text: string): number | undefined {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? undefined : ms;
}
