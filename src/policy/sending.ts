/** When the courier may send, how fast, and when it tries again. */
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import { backoffMs } from './backoff.ts';

/** Minutes since midnight where the hub is; `until` before `from` goes over midnight. */
export interface DayHours {
  readonly from: number;
  readonly until: number;
}

export function inHours(hours: readonly DayHours[], localMinute: number): boolean {
  return hours.some(({ from, until }) => (from <= until ? localMinute >= from && localMinute < until : localMinute >= from || localMinute < until));
}

/** Footage goes in these hours; without any, always. What is small (notices, erasures, answers to visitors) always goes. */
export function mayUpload(hours: readonly DayHours[], localMinute: number): boolean {
  return hours.length === 0 || inHours(hours, localMinute);
}

/** "22:00" → 1320; undefined when it is no time of day. "24:00" is the end of a day. */
export function minuteOfDay(text: string): number | undefined {
  const match = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  const minute = match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
  return minute === undefined || minute > 24 * 60 ? undefined : minute;
}

/** A far end is asked again after 1 s at first, then up to 10 minutes later. */
export const retryMaxMs = 10 * minuteMs;
/** What a far end may ask for with Retry-After; a longer wish is cut. */
export const retryAfterMaxMs = hourMs;
/** An answer that cannot be used, or a wrong checksum, is not tried for ever. */
export const faultsMax = 4;

export type NextTry = { readonly afterMs: number } | 'give up';

/** `kind`: of the error that try `attempt` (from 1) ended with; `faults`: how many of this order's tries ended with a fault. */
export function nextTry(kind: 'refuse' | 'retry' | 'fault', attempt: number, faults: number, retryAfterMs: number | undefined, random: () => number): NextTry {
  if (kind === 'refuse' || (kind === 'fault' && faults >= faultsMax)) return 'give up';
  const ownMs = backoffMs(attempt, random, retryMaxMs);
  return { afterMs: retryAfterMs === undefined ? ownMs : Math.max(ownMs, Math.min(retryAfterMs, retryAfterMaxMs) + Math.round(random() * secondMs)) };
}

/** Retry-After: seconds, or an HTTP date; undefined when it is neither. */
export function retryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * secondMs;
  const atMs = /^[A-Za-z]{3}, \d{2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
