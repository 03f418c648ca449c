import fc from 'fast-check';
import t from 'tap';
import { partSegments, partsOf } from '../../../src/web/crypto/footageparts.ts';
import type { FootageTimeline } from '../../../src/web/crypto/segmentways.ts';

const minuteMs = 60_000;
const periods = [{ slot: 1, generation: 1, startMs: 0, endMs: 1e9, deadlineMs: 2e9 }];

/** A segment a minute from 0 on; a gap behind each of those minutes. */
function day(segments: number, gapsBehind: readonly number[]): FootageTimeline {
  return {
    periods, moreFromMs: 7,
    segments: Array.from({ length: segments }, (_, n) => ({ seq: n, startMs: n * minuteMs, durationMs: minuteMs - 2000, sizeBytes: 1, slot: 1, generation: 1, deadlineMs: 1e12, keyFrames: [[0, 1]] as [number, number][] })),
    gaps: gapsBehind.map((n) => ({ fromMs: (n + 1) * minuteMs - 2000, toMs: (n + 1) * minuteMs, reason: 'stalled', detail: '' })),
  };
}

t.test('a part is handed over at a time, from the moment on', async (t) => {
  const parts = partsOf(day(100, []), 10 * minuteMs + 5000);
  t.strictSame(parts.map(({ segments }) => [segments[0]?.seq, segments.length]), [[10, partSegments], [40, partSegments], [70, partSegments]]);
  t.strictSame(parts.map(({ moreFromMs }) => moreFromMs), [undefined, undefined, 7], 'the last one knows that there is more');
  t.strictSame(partsOf(day(100, []), 0, 5 * minuteMs).map(({ segments }) => segments.length), [6], 'and up to one');
  t.match(partsOf(day(3, [2]), 3 * minuteMs - 500), [{ segments: [], gaps: [{ reason: 'stalled' }] }], 'where nothing is recorded, what is said of it');
});

t.test('whatever is recorded, parts hold each segment and each gap of it once and in their order', async () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 130 }), fc.uniqueArray(fc.integer({ min: 0, max: 129 })), fc.integer({ min: 0, max: 130 * minuteMs }), (count, behind, fromMs) => {
    const whole = day(count, behind.toSorted((a, b) => a - b));
    const parts = partsOf(whole, fromMs);
    const inOrder = parts.flatMap(({ segments, gaps }) => [...segments.map(({ startMs }) => startMs), ...gaps.map((gap) => gap.fromMs)].toSorted((a, b) => a - b));
    const wanted = [...whole.segments.filter(({ startMs, durationMs }) => startMs + durationMs > fromMs).map(({ startMs }) => startMs), ...whole.gaps.filter(({ toMs }) => toMs > fromMs).map((gap) => gap.fromMs)];
    return JSON.stringify(inOrder) === JSON.stringify(wanted.toSorted((a, b) => a - b));
  }));
});
