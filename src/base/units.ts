/** Durations, sizes and times as people write and read them. */
import { SallyportError } from './errors.ts';

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type UnixMs = number;

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

const durationUnits = new Map([
  ['ms', 1], ['s', secondMs], ['sec', secondMs], ['second', secondMs], ['min', minuteMs], ['minute', minuteMs], ['h', hourMs], ['hour', hourMs],
  ['d', dayMs], ['day', dayMs], ['week', 7 * dayMs], ['month', 30 * dayMs], ['year', 365 * dayMs],
]);

/** "3 days", "90 s", "1 hour" in ms; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})\s*([a-z]+?)s?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, count, word] = match as unknown as [string, string, string];
  const unit = durationUnits.get(word) ?? durationUnits.get(`${word}s`);
  return unit === undefined ? undefined : Number(count) * unit;
}

/** The largest unit that says it exactly: 259200000 → "3 days". */
export function formatDuration(ms: number): string {
  for (const [name, unit] of [['day', dayMs], ['hour', hourMs], ['minute', minuteMs], ['second', secondMs]] as const) {
    if (ms >= unit && ms % unit === 0) return plural(ms / unit, name);
  }
  return ms < secondMs ? `${Math.round(ms)} ms` : `${(ms / secondMs).toFixed(1)} s`;
}

/** For a glance: 93784000 → "1 day 2 h", 65000 → "1 min 5 s". */
export function formatAge(ms: number): string {
  const parts = ([['day', dayMs], ['h', hourMs], ['min', minuteMs], ['s', secondMs]] as const)
    .map(([name, unit], index, units) => [name, Math.floor((index === 0 ? ms : ms % (units[index - 1]?.[1] ?? 1)) / unit)] as const)
    .filter(([, count]) => count > 0)
    .slice(0, 2);
  return parts.length === 0 ? '0 s' : parts.map(([name, count]) => (name === 'day' ? plural(count, name) : `${count} ${name}`)).join(' ');
}

const byteUnits = new Map([
  ['B', 1], ['kB', 1e3], ['KB', 1e3], ['MB', 1e6], ['GB', 1e9], ['TB', 1e12], ['KiB', 2 ** 10], ['MiB', 2 ** 20], ['GiB', 2 ** 30], ['TiB', 2 ** 40],
]);

/** "20 GB", "512 MiB" in bytes; undefined when it is not a size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,12})\s*([A-Za-z]+)$/.exec(text.trim());
  const unit = match === null ? undefined : byteUnits.get(match[2] ?? '');
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

export function formatBytes(bytes: number): string {
  for (const [name, unit] of [['TB', 1e12], ['GB', 1e9], ['MB', 1e6], ['kB', 1e3]] as const) {
    if (bytes >= unit) return `${(bytes / unit).toFixed(bytes >= 10 * unit ? 0 : 1)} ${name}`;
  }
  return `${bytes} B`;
}

/** 1787461200000 → "20260823T050000Z": sorts as time does and needs no escaping in a file name. */
export function utcStamp(ms: UnixMs): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/** The inverse of `utcStamp`, to the second; undefined when it is none. */
export function parseUtcStamp(stamp: string): UnixMs | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp);
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`);
  return Number.isNaN(ms) || utcStamp(ms) !== stamp ? undefined : ms;
}

/** ISO 8601 with or without zone ("2026-11-24 05:00" is local time), "now", "-10 min", or SP_USAGE. */
export function parseTime(text: string, now: UnixMs, command: string): UnixMs {
  if (text === 'now') return now;
  const back = text.startsWith('-') ? parseDuration(text.slice(1)) : undefined;
  if (back !== undefined) return now - back;
  const ms = parseUtcStamp(text) ?? (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN);
  if (Number.isNaN(ms)) throw new SallyportError('SP_USAGE', { command, reason: `"${text}" is no time; write 2026-11-24T05:00:00Z, "2026-11-24 05:00" (local), now, or "-10 min"` });
  return ms;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
