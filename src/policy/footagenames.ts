/** What a segment's file is called: `<camera>/<YYYYMMDD>/<HH>/<YYYYMMDDTHHMMSSZ>-<seq>[.sub].mp4.age`, by the period's start and its own. Pure; the page names files so in a clip's manifest. */
import { SallyportError } from '../base/errors.ts';
import { utcStamp, type UnixMs } from '../base/units.ts';
import { isCameraId } from './names.ts';

export type StreamName = 'main' | 'sub';

export interface SegmentName {
  /** To the second. */
  readonly startMs: UnixMs;
  readonly seq: number;
  readonly stream: StreamName;
}

/** `<camera>/<YYYYMMDD>/<HH>`: the folder of all periods of a camera that begin in that hour. */
export function periodFolder(camera: string, periodStartMs: UnixMs): string {
  if (!isCameraId(camera)) throw new SallyportError('SP_INTERNAL', { reason: 'a camera id that is none reached a path' });
  const stamp = stampOf(periodStartMs);
  return `${camera}/${stamp.slice(0, 8)}/${stamp.slice(9, 11)}`;
}

export function segmentName(segment: SegmentName): string {
  if (!isCount(segment.seq)) throw new SallyportError('SP_INTERNAL', { reason: `sequence number ${segment.seq} reached a path` });
  return `${stampOf(segment.startMs)}-${segment.seq}${segment.stream === 'sub' ? '.sub' : ''}.mp4.age`;
}

/** The whole path of a segment, relative to `footage/`, without `.part`. */
export function segmentPath(camera: string, periodStartMs: UnixMs, segment: SegmentName): string {
  return `${periodFolder(camera, periodStartMs)}/${segmentName(segment)}`;
}

export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function stampOf(ms: UnixMs): string {
  const stamp = Number.isFinite(ms) ? utcStamp(ms) : '';
  if (!/^\d{8}T/.test(stamp)) throw new SallyportError('SP_INTERNAL', { reason: `time ${ms} reached a path` });
  return stamp;
}
