/** Times as a client of the event service writes them: xs:duration and xs:dateTime. */
import type { Quirks } from '../face.ts';

const pattern = /^P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/;
const secondMs = 1000;
const minuteMs = 60 * secondMs;

/** Undefined for what is no duration, or a negative one; years and months by their mean length. */
export function durationMs(text: string, misreads?: Quirks['durations']): number | undefined {
  const match = pattern.exec(text.trim());
  if (match === null || /^P$|T$/.test(text.trim())) return undefined;
  const [years, months, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const ofMinute = misreads === 'minutes as seconds' ? secondMs : minuteMs;
  const ofSecond = misreads === 'seconds as minutes' ? minuteMs : secondMs;
  return ((years * 365.25 + months * 30.4375 + days) * 24 + hours) * 60 * minuteMs + minutes * ofMinute + seconds * ofSecond;
}

/** A duration, or the time until a date by the camera's clock. */
export function lifeMs(text: string, nowMs: number, misreads?: Quirks['durations']): number | undefined {
  const relative = durationMs(text, misreads);
  if (relative !== undefined) return relative;
  const until = Date.parse(text.trim());
  return Number.isNaN(until) ? undefined : until - nowMs;
}
