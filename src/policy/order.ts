/** The order of footage when the wall clock went back: by number, not by time, or two recordings of the same hour would be mixed. */
import type { UnixMs } from '../base/clock.ts';

export interface Numbered {
  readonly camera: string;
  readonly stream: string;
  /** Rises over all starts of a stream, and is never used again. */
  readonly seq: number;
  readonly startMs: UnixMs;
}

/** Each stream in the order of its numbers; streams beside each other by time, which is taken not to go back within a stream. */
export function inRecordedOrder<S extends Numbered>(segments: readonly S[]): S[] {
  const latest = new Map<string, UnixMs>();
  return [...segments]
    .sort((a, b) => a.seq - b.seq)
    .map((segment) => {
      const stream = `${segment.camera}/${segment.stream}`;
      const atMs = Math.max(segment.startMs, latest.get(stream) ?? -Infinity);
      latest.set(stream, atMs);
      return { segment, atMs };
    })
    .sort((a, b) => a.atMs - b.atMs || order(a.segment.camera, b.segment.camera) || order(a.segment.stream, b.segment.stream) || a.segment.seq - b.segment.seq)
    .map(({ segment }) => segment);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
