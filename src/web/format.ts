/** Times and sizes as the visitor reads them: in their language and zone, which the account may set. Pure but for the zone's default. */

export interface Reader {
  readonly language: string;
  /** Undefined: the browser's. */
  readonly timeZone: string | undefined;
}

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(reader: Reader, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([reader, options]);
  const known = formats.get(key);
  if (known !== undefined) return known;
  const zone = reader.timeZone === undefined ? {} : { timeZone: reader.timeZone };
  const made = new Intl.DateTimeFormat(reader.language, { ...options, ...zone });
  formats.set(key, made);
  return made;
}

/** A reader whom `Intl` takes: what it does not know (an account may say anything) is left to the browser. */
export function readerOf({ language, timeZone }: { readonly language: string; readonly timeZone: string }): Reader {
  const known = (make: () => unknown): boolean => {
    try {
      make();
      return true;
    } catch {
      return false;
    }
  };
  return {
    language: language !== '' && known(() => new Intl.DateTimeFormat(language)) ? language : 'en-GB',
    timeZone: timeZone !== '' && known(() => new Intl.DateTimeFormat('en', { timeZone })) ? timeZone : undefined,
  };
}

/** 09:14 */
export const clock = (ms: number, reader: Reader): string => format(reader, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
/** 09:14:05 */
export const clockSeconds = (ms: number, reader: Reader): string => format(reader, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(ms);
/** Friday, 27 November */
export const dayName = (ms: number, reader: Reader): string => format(reader, { weekday: 'long', day: 'numeric', month: 'long' }).format(ms);
/** Friday 09:14 */
export const weekdayClock = (ms: number, reader: Reader): string => `${format(reader, { weekday: 'long' }).format(ms)} ${clock(ms, reader)}`;
/** 27 Nov 2026, 09:14 */
export const dateClock = (ms: number, reader: Reader): string => `${format(reader, { day: 'numeric', month: 'short', year: 'numeric' }).format(ms)}, ${clock(ms, reader)}`;

/** 27 Nov 2026, 09:14:05 */
export const dateClockSeconds = (ms: number, reader: Reader): string => `${format(reader, { day: 'numeric', month: 'short', year: 'numeric' }).format(ms)}, ${clockSeconds(ms, reader)}`;

/** When a key is destroyed: the weekday says it within the week, the date beyond. */
export function deadline(ms: number, nowMs: number, reader: Reader): string {
  return ms - nowMs < 6 * dayMs ? weekdayClock(ms, reader) : dateClock(ms, reader);
}

/** What the wall shows there at that moment, as if it were UTC. */
function wallMs(ms: number, reader: Reader): number {
  const parts = new Map(format({ ...reader, language: 'en-GB' }, { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
    .formatToParts(ms).map(({ type, value }): [string, number] => [type, Number(value)]));
  const of = (type: string): number => parts.get(type) ?? 0;
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}

/** Where the visitor's day of that moment begins, also on days that the clock makes longer or shorter. */
export function dayStart(ms: number, reader: Reader): number {
  const midnight = Math.floor(wallMs(ms, reader) / dayMs) * dayMs;
  let guess = ms - (wallMs(ms, reader) - midnight);
  // A change of the clock between midnight and now moves the guess by as much.
  for (let tries = 0; tries < 2; tries++) guess -= wallMs(guess, reader) - midnight;
  return Math.floor(guess / 1000) * 1000;
}

/** The day's beginning of another day: `days` later, or earlier. */
export function dayBeside(startMs: number, days: number, reader: Reader): number {
  return dayStart(startMs + (days * dayMs) + (12 * hourMs), reader);
}

/** 2026-11-27, as a date field takes it. */
export function isoDay(ms: number, reader: Reader): string {
  return new Date(wallMs(ms, reader)).toISOString().slice(0, 10);
}

/** The beginning of the day that a date field gives; undefined for none. */
export function fromIsoDay(text: string, reader: Reader): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const noonMs = Date.parse(`${text}T12:00:00Z`);
  if (Number.isNaN(noonMs)) return undefined;
  return dayStart(noonMs - (wallMs(noonMs, reader) - noonMs), reader);
}

/** The moment of a visitor's day at which the clock shows "09:14:05"; undefined for what is no time, or is left out that day. The first of two where the clock goes back. */
export function atClock(text: string, dayStartMs: number, reader: Reader): number | undefined {
  const [, hours, minutes, seconds = '0'] = /^(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  const sinceMs = (Number(hours) * hourMs) + (Number(minutes) * minuteMs) + (Number(seconds) * 1000);
  const wanted = `${hours}:${minutes}:${seconds.padStart(2, '0')}`;
  const day = isoDay(dayStartMs, reader);
  return [-hourMs, 0, hourMs].map((moved) => dayStartMs + sinceMs + moved).find((ms) => clockSeconds(ms, { ...reader, language: 'en-GB' }) === wanted && isoDay(ms, reader) === day);
}

/** 1.4 GB; as disks are sold, by thousands. */
export function bytes(count: number, reader: Reader): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)));
  const value = count / (1000 ** power);
  return `${new Intl.NumberFormat(reader.language, { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 }).format(value)} ${units[power] ?? ''}`;
}

/** The two largest units of a span, as numbers; `strings.ts` says them. */
export function spanParts(ms: number): readonly (readonly [unit: 'day' | 'hour' | 'minute' | 'second', count: number])[] {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const all = [['day', Math.floor(seconds / 86_400)], ['hour', Math.floor(seconds / 3600) % 24], ['minute', Math.floor(seconds / 60) % 60], ['second', seconds % 60]] as const;
  const first = all.findIndex(([, count]) => count > 0);
  if (first === -1) return [['second', 0]];
  return all.slice(first, first + 2).filter(([, count]) => count > 0);
}
