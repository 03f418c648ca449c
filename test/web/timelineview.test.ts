import fc from 'fast-check';
import t from 'tap';
import type { PageAlarm, Timeline } from '../../src/api/pagecontract.ts';
import { at, barOf, dayView, deadlineAt, filmOf, msOf, pictureAt, playableFrom, seenBeside, sizeOf, ticksOf, xOf } from '../../src/web/timelineview.ts';

const segment = (startMs: number, durationMs: number, seq = 1): Timeline['segments'][number] => ({ seq, startMs, durationMs, sizeBytes: 1, slot: 1, generation: 1, deadlineMs: 900_000, keyFrames: [] });
const timeline: Timeline = {
  periods: [{ slot: 1, generation: 1, startMs: 0, endMs: 100_000, deadlineMs: 900_000 }],
  segments: [segment(60_000, 10_000, 3), segment(0, 10_000), segment(10_200, 10_000, 2)],
  gaps: [{ fromMs: 20_200, toMs: 60_000, reason: 'camera offline', detail: '' }],
  observations: [{ kind: 'motion', fromMs: 5000, toMs: 8000 }, { kind: 'person', fromMs: 62_000 }],
};
const view = dayView(timeline, 70_000);

t.test('segments that follow each other are one run; what is between runs is a gap with its reason', async (t) => {
  t.strictSame(view.recorded, [{ fromMs: 0, toMs: 20_200 }, { fromMs: 60_000, toMs: 70_000 }]);
  t.match(at(view, 30_000), { recorded: false, gap: { reason: 'camera offline' } });
  t.match(at(view, 6000), { recorded: true, gap: undefined, seen: [{ kind: 'motion' }] });
});

t.test('playing begins at the moment, or where footage begins again', async (t) => {
  t.equal(playableFrom(view, 5000), 5000);
  t.equal(playableFrom(view, 30_000), 60_000);
  t.equal(playableFrom(view, 80_000), undefined);
  t.equal(deadlineAt(view, 5000), 900_000);
});

t.test('what is held is shown until its hold ends, and its neighbours until their hour does', async (t) => {
  const held = dayView({ ...timeline, segments: timeline.segments.map((one) => (one.seq === 2 ? { ...one, holds: [{ slot: 7, generation: 1 }], deadlineMs: 5_000_000 } : one)) }, 70_000);
  t.same([5000, 15_000, 65_000, 30_000].map((ms) => deadlineAt(held, ms)), [900_000, 5_000_000, 900_000, undefined]);
  t.same(held.recorded, view.recorded, 'it is one run still');
  t.same(held.kept.map(({ fromMs, deadlineMs }) => [fromMs, deadlineMs]), [[0, 900_000], [10_200, 5_000_000], [60_000, 900_000]]);
});

t.test('what lies elsewhere alone is told from its neighbours', async (t) => {
  const away = dayView({ ...timeline, segments: timeline.segments.map((one) => (one.seq === 2 ? { ...one, archivedAt: 'disk' } : one)) }, 70_000);
  t.same(away.kept.map(({ fromMs, archivedAt }) => [fromMs, archivedAt]), [[0, undefined], [10_200, 'disk'], [60_000, undefined]]);
  t.same(away.recorded, view.recorded, 'it is one run still');
  t.same([5000, 15_000, 65_000, 30_000].map((ms) => at(away, ms).away), [undefined, 'disk', undefined, undefined]);
  const pictured = { segments: timeline.segments.map((one) => ({ ...one, thumb: [1, 2] as [number, number], ...(one.seq === 2 ? { archivedAt: 'disk' } : {}) })) };
  t.same([5000, 15_000].map((ms) => pictureAt(pictured, ms)?.seq), [1, undefined], 'no segment is fetched for a small picture');
  t.same(filmOf(pictured, { fromMs: 0, toMs: 40_000 }, 4).map((one) => one?.seq), [1, undefined, undefined, undefined]);
});

t.test('observations are walked through one by one; one that lasts is known to', async (t) => {
  t.match(seenBeside(view, 0, 'after'), { kind: 'motion' });
  t.match(seenBeside(view, 5000, 'after'), { kind: 'person', lasts: true });
  t.equal(seenBeside(view, 6000, 'before'), undefined, 'the one that is being looked at is not the one before');
});

t.test('alarms stand beside what was observed, less those that were none; one that lasts goes on until now', async (t) => {
  const alarm = (id: string, fromMs: number, more: Partial<PageAlarm> = {}): PageAlarm => ({ id, camera: 'c', rule: 'r', kind: 'person', fromMs, scorePm: 0, pictures: [], picturesWhy: '', segments: 0, footageWhy: '', seen: false, falseAlarm: false, deadlineMs: 1, slot: 1, generation: 1, ...more });
  const { alarms } = dayView(timeline, 70_000, [alarm('late', 62_000), alarm('none', 6000, { falseAlarm: true }), alarm('early', 5000, { toMs: 8000 })]);
  t.strictSame(alarms, [{ id: 'early', kind: 'person', fromMs: 5000, toMs: 8000, lasts: false }, { id: 'late', kind: 'person', fromMs: 62_000, toMs: 70_000, lasts: true }]);
  const anna = { id: 'a', name: 'Anna', mark: '' };
  t.match(dayView(timeline, 70_000, [alarm('early', 5000), alarm('late', 6000)], new Map([['late', { zones: ['door'], who: anna }]])).alarms, [{ id: 'early', words: undefined }, { id: 'late', words: { zones: ['door'], who: { name: 'Anna' } } }]);
});

t.test('a place on the strip and its moment belong together; a bar is never too thin to see, nor out of the strip', async () => {
  const scale = fc.record({ fromMs: fc.nat(1e9), spanMs: fc.integer({ min: 1000, max: 86_400_000 }), width: fc.integer({ min: 100, max: 4000 }) }).map(({ fromMs, spanMs, width }) => ({ fromMs, toMs: fromMs + spanMs, width }));
  fc.assert(fc.property(scale, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1e8), (scale, share, lengthMs) => {
    const ms = scale.fromMs + (share * (scale.toMs - scale.fromMs));
    const bar = barOf(scale, { fromMs: ms, toMs: ms + lengthMs });
    return Math.abs(msOf(scale, xOf(scale, ms)) - ms) < 1 && bar !== undefined && bar.width >= 1.5 && bar.x >= 0 && bar.x + bar.width <= scale.width + 1.5;
  }));
});

t.test('marks stand at round times, with room for their words', async (t) => {
  const day = ticksOf({ fromMs: 0, toMs: 86_400_000, width: 800 }, 0);
  t.same(day.map((ms) => ms / 3_600_000), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]);
  t.ok(ticksOf({ fromMs: 123_456, toMs: 723_456, width: 300 }, 0).every((ms) => ms % 60_000 === 0));
});

t.test('a moment is shown by the segment that holds it, a span by the first picture of each part, and a clip\'s size by its shares', async (t) => {
  const with_ = (startMs: number, seq: number): Timeline['segments'][number] => ({ ...segment(startMs, 10_000, seq), sizeBytes: 1000, thumb: [100, 50] });
  const rows = { segments: [with_(0, 1), with_(10_000, 2), segment(20_000, 10_000, 3), with_(60_000, 4)] };
  t.equal(pictureAt(rows, 0)?.seq, 1);
  t.equal(pictureAt(rows, 19_999)?.seq, 2);
  t.equal(pictureAt(rows, 25_000), undefined, 'it has no picture');
  t.equal(pictureAt(rows, 45_000), undefined, 'nothing is there');
  t.same(filmOf(rows, { fromMs: 0, toMs: 80_000 }, 4).map((one) => one?.seq), [1, undefined, undefined, 4]);
  t.same(filmOf({ segments: rows.segments.toReversed() }, { fromMs: 5000, toMs: 85_000 }, 4).map((one) => one?.seq), [2, undefined, 4, undefined]);
  t.equal(sizeOf(rows, { fromMs: 5000, toMs: 15_000 }), 1000);
  t.equal(sizeOf(rows, { fromMs: 40_000, toMs: 50_000 }), 0);
  t.equal(sizeOf(rows, { fromMs: 0, toMs: 100_000 }), 3001);
});
