/**
 * The hub's sentences as the visitor reads them. The hub writes each time in them in one way (`isoTime`), for it knows no visitor's zone; here they
 * are written by the visitor's clock, in one place, whatever sentence it is.
 */
import { withTimes } from '../policy/times.ts';
import { dateClock, dateClockSeconds, minuteMs, readerOf, type Reader } from './format.ts';

/** Before anybody is in: as the browser has it. */
let reader: Reader = readerOf({ language: '', timeZone: '' });

/** Whoever is in reads by their own zone. */
export function readBy(next: Reader): void {
  reader = next;
}

/** They begin small, for they also stand behind a colon; `inside` leaves that so. */
export function hubWords(sentence: string, { inside = false } = {}): string {
  const words = withTimes(sentence, (ms) => (ms % minuteMs === 0 ? dateClock(ms, reader) : dateClockSeconds(ms, reader)));
  return inside ? words : words.slice(0, 1).toUpperCase() + words.slice(1);
}
