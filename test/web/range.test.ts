import fc from 'fast-check';
import t from 'tap';
import { edgeKey, gripPx, gripsOf, keyFrameBy, rangeAround, rangeMinMs, wholeSegments, withEdge } from '../../src/web/range.ts';
import type { SegmentRow } from '../../src/web/timelineview.ts';

const segment = (startMs: number, durationMs: number, keyFrames: number[]): SegmentRow => ({ seq: startMs, startMs, durationMs, sizeBytes: 1, slot: 1, generation: 1, deadlineMs: 1e12, keyFrames: keyFrames.map((ms) => [ms, 1]) });
/** Key frames each 4 s; nothing from 24 to 60 s. */
const rows = { segments: [segment(0, 12_000, [0, 4000, 8000]), segment(12_000, 12_000, [0, 4000, 8000.4]), segment(60_000, 12_000, [0, 4000])] };
const bounds = { fromMs: 0, toMs: 100_000 };

t.test('an edge goes where it is wanted, within the day and no nearer to the other one than a second', async (t) => {
  const range = { fromMs: 10_000, toMs: 20_000 };
  t.strictSame(withEdge(range, 'from', 12_345.6, { bounds }), { fromMs: 12_346, toMs: 20_000 });
  t.strictSame(withEdge(range, 'from', 50_000, { bounds }), { fromMs: 19_000, toMs: 20_000 });
  t.strictSame(withEdge(range, 'from', -5, { bounds }), { fromMs: 0, toMs: 20_000 });
  t.strictSame(withEdge(range, 'to', 0, { bounds }), { fromMs: 10_000, toMs: 11_000 });
  t.strictSame(withEdge(range, 'to', 1e9, { bounds }), { fromMs: 10_000, toMs: 100_000 });
});

t.test('the beginning of a film lies on a key frame, its end anywhere', async (t) => {
  const range = { fromMs: 0, toMs: 23_000 };
  const by = (ms: number, snap: 'nearest' | 'before' | 'after') => withEdge(range, 'from', ms, { bounds, keyFramesOf: rows, snap }).fromMs;
  t.strictSame([by(5000, 'nearest'), by(7000, 'nearest'), by(5000, 'after'), by(7000, 'before')], [4000, 8000, 8000, 4000]);
  t.equal(by(10_500, 'after'), 12_000, 'the next segment begins with one');
  t.equal(by(19_900, 'after'), 20_001, 'never a moment before the key frame, which would belong to the one before');
  t.equal(withEdge({ fromMs: 0, toMs: 8500 }, 'from', 8200, { bounds, keyFramesOf: rows }).fromMs, 4000, 'the last one that leaves a second');
  t.equal(withEdge({ fromMs: 0, toMs: 60_000 }, 'from', 30_000, { bounds, keyFramesOf: rows }).fromMs, 30_000, 'where nothing is recorded, anywhere');
  t.equal(withEdge(range, 'to', 15_123, { bounds, keyFramesOf: rows }).toMs, 15_123);
});

t.test('each arrow key leads to another key frame, also where they are further apart than a step', async (t) => {
  const walk = (key: string, fromMs: number): number => {
    const to = edgeKey(key, fromMs, bounds);
    return withEdge({ fromMs, toMs: 24_000 }, 'from', to?.ms ?? NaN, { bounds, keyFramesOf: rows, ...(to === undefined ? {} : { snap: to.snap }) }).fromMs;
  };
  t.strictSame([walk('ArrowRight', 0), walk('ArrowRight', 4000), walk('ArrowLeft', 8000), walk('ArrowLeft', 4000), walk('Home', 8000)], [4000, 8000, 4000, 0, 0]);
  t.equal(edgeKey('a', 0, bounds), undefined);
});

t.test('whatever key or place an edge is moved by, the range stays in its bounds and in order', async () => {
  fc.assert(fc.property(
    fc.constantFrom('from' as const, 'to' as const), fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom('nearest' as const, 'before' as const, 'after' as const), fc.boolean(),
    fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: rangeMinMs, max: 10_000 }), (edge, ms, snap, films, fromMs, lengthMs) => {
      const to = withEdge({ fromMs, toMs: fromMs + lengthMs }, edge, ms, { bounds, keyFramesOf: films ? rows : undefined, snap });
      return to.fromMs >= bounds.fromMs && to.toMs <= bounds.toMs && to.toMs - to.fromMs >= rangeMinMs;
    },
  ));
});

t.test('the grips lie outside of the range, never on each other, and within the strip', async (t) => {
  const scale = { fromMs: 0, toMs: 360_000, width: 360 };
  t.strictSame(gripsOf(scale, { fromMs: 100_000, toMs: 101_000 }), { from: 100 - gripPx, to: 101 });
  fc.assert(fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1000, max: 1e6 }), fc.integer({ min: 2 * gripPx, max: 4000 }), (fromMs, lengthMs, width) => {
    const { from, to } = gripsOf({ ...scale, width }, { fromMs, toMs: fromMs + lengthMs });
    return from >= 0 && to >= from + gripPx && to + gripPx <= width;
  }));
});

t.test('what goes or stays are the whole segments that the range touches', async (t) => {
  t.strictSame(wholeSegments(rows, { fromMs: 11_000, toMs: 13_000 }), { fromMs: 0, toMs: 24_000 });
  t.strictSame(wholeSegments(rows, { fromMs: 12_000, toMs: 24_000 }), { fromMs: 12_000, toMs: 24_000 }, 'an edge on an edge touches nothing more');
  t.equal(wholeSegments(rows, { fromMs: 30_000, toMs: 40_000 }), undefined);
  t.equal(keyFrameBy(rows, 30_000, 'after'), 30_000);
  t.strictSame(rangeAround(65_400, 1), { fromMs: 35_000, toMs: 95_000 });
});
