/** Whether a stream that should be recorded is: by how long ago a segment of it was sealed, whatever kept it from that. */
import { secondMs } from '../base/units.ts';
import { segmentMsMax } from './cutting.ts';

export interface SealingFacts {
  readonly stream: 'main' | 'sub';
  /** It is to be recorded, and there is somebody to seal for. */
  readonly wanted: boolean;
  /** Since its last segment was sealed, or, before the first one, since it is watched. */
  readonly ageMs: number;
  /** How it is, in words. */
  readonly state: string;
}

/** A camera whose key frames are minutes apart is cut by limit, so nothing is late before that; and a disk may take its time. */
export function sealedLateMs(cutAfterMs: number): number {
  return Math.max(cutAfterMs, segmentMsMax) + 30 * secondMs;
}

/** What the owner must hear of the camera's streams, in words; undefined when all that should be sealed is. */
export function sealingComplaint(streams: readonly SealingFacts[], cutAfterMs: number): string | undefined {
  const late = streams.filter(({ wanted, ageMs }) => wanted && ageMs > sealedLateMs(cutAfterMs));
  return late.length === 0 ? undefined : late.map(({ stream, state }) => (stream === 'main' ? state : `${stream} stream: ${state}`)).join('; ');
}
