import fc from 'fast-check';
import t from 'tap';
import { betterReason, gapReasons, isOfThePast, segmentSpanMs, type GapReason } from '../../src/policy/gaps.ts';

const reasons: [known: GapReason, later: GapReason, better: GapReason][] = [
  ['stream ended', 'camera offline', 'camera offline'],
  ['stream ended', 'credentials refused', 'credentials refused'],
  ['stream broken', 'codec changed', 'codec changed'],
  ['stalled', 'camera offline', 'stalled'],
  ['camera offline', 'stream ended', 'camera offline'],
  ['stream ended', 'stream broken', 'stream ended'],
  ['disk', 'camera offline', 'disk'],
];

for (const [known, later, better] of reasons) t.test(`${known}, then ${later}: ${better}`, async (t) => void t.equal(betterReason(known, later), better));

t.test('a reason is never made up, and what was said of the past is not said of the present', async (t) => {
  const any = fc.constantFrom(...gapReasons);
  fc.assert(fc.property(any, any, (known, later) => [known, later].includes(betterReason(known, later))));
  t.same(gapReasons.filter(isOfThePast), ['hub stopped', 'hub was off', 'settings changed', 'not recorded', 'privacy', 'no owner']);
});

const spans: [name: string, mediaMs: number, arrivedMs: number, spanMs: number][] = [
  ['times that agree: the camera\'s, to the millisecond', 60_000, 60_120, 60_000],
  ['a camera whose clock runs fast: the arrival', 66_000, 60_000, 60_000],
  ['a camera whose clock runs slow: the arrival', 54_000, 60_000, 60_000],
  ['times that jump by an hour: the arrival', 3_660_000, 60_000, 60_000],
  ['times that go back: the arrival', -5000, 2000, 2000],
  ['a burst at the start: the arrival', 12_000, 10_000, 10_000],
  ['no time at all', -1, 0, 0],
];

for (const [name, mediaMs, arrivedMs, spanMs] of spans) t.test(name, async (t) => void t.equal(segmentSpanMs({ mediaMs, arrivedMs }), spanMs));

t.test('whatever the camera says, a segment\'s length is off from its arrival by a quarter of a second at most', async () => {
  fc.assert(fc.property(fc.integer({ min: -1e7, max: 1e7 }), fc.nat(100_000), (mediaMs, arrivedMs) => Math.abs(segmentSpanMs({ mediaMs, arrivedMs }) - arrivedMs) <= 251));
});
