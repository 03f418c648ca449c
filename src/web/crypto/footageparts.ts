/** A day's rows, handed over part by part: all of them at each click would cost more than the picture. Pure. */
import type { FootageTimeline } from './segmentways.ts';

/** Half an hour, where a segment is a minute. */
export const partSegments = 30;

/** What is played from a moment on, in its order: each segment and each gap stands in one part. At least one; the last one knows that there is more. */
export function partsOf({ periods, segments, gaps, moreFromMs }: FootageTimeline, fromMs: number, toMs = Number.POSITIVE_INFINITY): FootageTimeline[] {
  const played = segments.filter(({ startMs, durationMs }) => startMs + durationMs > fromMs && startMs <= toMs);
  const count = Math.max(1, Math.ceil(played.length / partSegments));
  return Array.from({ length: count }, (_, n) => {
    const own = played.slice(n * partSegments, (n + 1) * partSegments);
    const afterMs = n === 0 ? Number.NEGATIVE_INFINITY : own[0]?.startMs ?? Number.POSITIVE_INFINITY;
    const untilMs = played[(n + 1) * partSegments]?.startMs ?? Number.POSITIVE_INFINITY;
    return {
      periods, segments: own,
      // One that lies before the next part's first segment is told at the end of this one.
      gaps: gaps.filter((gap) => gap.toMs > fromMs && gap.fromMs > afterMs && gap.fromMs <= untilMs),
      ...(moreFromMs === undefined || n < count - 1 ? {} : { moreFromMs }),
    };
  });
}
