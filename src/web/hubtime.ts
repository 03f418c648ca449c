/**
 * What time it is, by the hub. The device's own clock may be a day off, and the hub refuses what was signed at another time than its own; so
 * the time that each answer carries is compared with the device's, and what is made or shown here goes by the hub's.
 */
import { minuteMs } from './format.ts';

/** Answers tell whole seconds, and are under way for a while: less is no difference. */
const differsMs = 2 * minuteMs;

let offMs = 0;
let tell: (offMs: number) => void = () => {};

/** Each time that the difference becomes another one; 0 where there is none. Told at once what is known. */
export function whenClocksDiffer(listener: (offMs: number) => void): void {
  tell = listener;
  tell(offMs);
}

export function hubNow(): number {
  return Date.now() + offMs;
}

/** Of an answer that was asked for at `askedMs` by this device's clock. One that carries no time, or came from a cache, says nothing. */
export function noteHubTime(date: string | null, askedMs: number): void {
  const now = offOf(date, askedMs, Date.now());
  if (now === undefined || Math.abs(now - offMs) < differsMs) return;
  offMs = now;
  tell(offMs);
}

/** How far the hub's clock is ahead of this device's; 0 where they agree. Undefined where the answer took so long that nothing can be said. */
export function offOf(date: string | null, askedMs: number, answeredMs: number): number | undefined {
  const hubMs = Date.parse(date ?? '');
  if (Number.isNaN(hubMs) || answeredMs < askedMs || answeredMs - askedMs > minuteMs) return undefined;
  const off = hubMs + 500 - (askedMs + answeredMs) / 2;
  return Math.abs(off) < differsMs ? 0 : Math.round(off);
}
