/**
 * Where footage lies below `footage/`: `<camera>/<YYYYMMDD>/<HH>/<YYYYMMDDTHHMMSSZ>-<seq>[.sub].mp4.age[.part]` and, beside the
 * segments, `hour-<slot>.json.age`, and holds, `<segment>.<slot of the hold's period>.hold`. Date and hour are those of the period's start, in UTC. Pure: names in, names out.
 *
 * Reading is strict: only what building would have written is a name; everything else is `undefined`, never a guess.
 */
import type { UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { dayMs, hourMs, parseUtcStamp } from '../base/units.ts';
import { isCount, periodFolder, type SegmentName, type StreamName } from '../policy/footagenames.ts';
import { isCameraId } from '../policy/names.ts';

export { isCameraId } from '../policy/names.ts';
export { periodFolder, segmentName, segmentPath, type SegmentName, type StreamName } from '../policy/footagenames.ts';

/** A file that is still being written, or that a crash left behind. */
export const partSuffix = '.part';

/** A period lasts at most this long, so what a folder holds began less than this after the folder's hour. */
export const periodMsMax = dayMs;

export function parseSegmentName(name: string): (SegmentName & { readonly part: boolean }) | undefined {
  const match = /^(\d{8}T\d{6}Z)-(0|[1-9]\d{0,14})(\.sub)?\.mp4\.age(\.part)?$/.exec(name);
  const startMs = match?.[1] === undefined ? undefined : parseUtcStamp(match[1]);
  if (match === null || startMs === undefined) return undefined;
  return { startMs, seq: Number(match[2]), stream: match[3] === undefined ? 'main' : 'sub', part: match[4] !== undefined };
}

export interface SegmentPath extends SegmentName {
  readonly camera: string;
  /** `<camera>/<date>/<hour>`. */
  readonly folder: string;
  /** The beginning of that hour. */
  readonly folderMs: UnixMs;
  readonly part: boolean;
}

/** The inverse of `segmentPath`; also takes a path that ends in `.part`. No other path, and none that leads out of `footage/`, is one. */
export function parseSegmentPath(path: string): SegmentPath | undefined {
  const [camera, date, hour, file, ...more] = path.split('/');
  if (camera === undefined || date === undefined || hour === undefined || file === undefined || more.length > 0) return undefined;
  const folderMs = parseHourFolder(date, hour);
  const name = parseSegmentName(file);
  if (!isCameraId(camera) || folderMs === undefined || name === undefined) return undefined;
  return { ...name, camera, folder: `${camera}/${date}/${hour}`, folderMs };
}

/** The hour in whose folder a segment lies: of that a hold of it is, where a day of alarms keeps it. SP_INTERNAL for another path. */
export function hourOf(path: string): { readonly startMs: UnixMs; readonly endMs: UnixMs } {
  const startMs = parseSegmentPath(path)?.folderMs;
  if (startMs === undefined) throw new SallyportError('SP_INTERNAL', { reason: `"${path}" is no path of a segment` });
  return { startMs, endMs: startMs + hourMs };
}

/** `20260823` → the beginning of that UTC day. */
export function parseDateFolder(date: string): UnixMs | undefined {
  return /^\d{8}$/.test(date) ? parseUtcStamp(`${date}T000000Z`) : undefined;
}

/** `20260823` and `05` → the beginning of that UTC hour. */
export function parseHourFolder(date: string, hour: string): UnixMs | undefined {
  const dayStartMs = parseDateFolder(date);
  return dayStartMs === undefined || !/^([01]\d|2[0-3])$/.test(hour) ? undefined : dayStartMs + Number(hour) * hourMs;
}

/** The list of a period's rows, sealed to the period, beside its segments. */
export function hourListName(slot: number): string {
  if (!isCount(slot)) throw new SallyportError('SP_INTERNAL', { reason: `slot ${slot} reached a path` });
  return `hour-${slot}.json.age`;
}

export function hourListPath(camera: string, periodStartMs: UnixMs, slot: number): string {
  return `${periodFolder(camera, periodStartMs)}/${hourListName(slot)}`;
}

/** The slot of an hour list by its file name. */
export function parseHourListName(name: string): number | undefined {
  const match = /^hour-(0|[1-9]\d{0,9})\.json\.age$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** A segment's second header, for the period that has that slot. `segment` is a name or a path. */
export function holdName(segment: string, slot: number): string {
  if (!isCount(slot)) throw new SallyportError('SP_INTERNAL', { reason: `slot ${slot} reached a path` });
  return `${segment}.${slot}.hold`;
}

/** The inverse of `holdName`, for a name or a path. */
export function parseHoldName(name: string): { readonly segment: string; readonly slot: number } | undefined {
  const match = /^(.+)\.(0|[1-9]\d{0,9})\.hold$/.exec(name);
  const [, segment, slot] = match ?? [];
  if (segment === undefined || parseSegmentName(segment.slice(segment.lastIndexOf('/') + 1))?.part !== false) return undefined;
  return { segment, slot: Number(slot) };
}

/** `<camera>/<stream>/<seq>`, as a segment's writer is called. */
export function parseSegmentId(id: string): { readonly camera: string; readonly stream: StreamName; readonly seq: number } | undefined {
  const match = /^([^/]+)\/(main|sub)\/(0|[1-9]\d{0,14})$/.exec(id);
  const [, camera = '', stream, seq] = match ?? [];
  return match === null || !isCameraId(camera) ? undefined : { camera, stream: stream as StreamName, seq: Number(seq) };
}
