import fc from 'fast-check';
import t from 'tap';
import { decideCut, segmentBytesMax, segmentMsMax, type CutDecision, type CutFacts } from '../../src/policy/cutting.ts';

const usual: CutFacts = { openForMs: 10_000, bytes: 1e6, keyFrame: false, wallMs: 500_000, periodEndMs: 3_600_000, othersNow: false, cutAfterMs: 60_000 };

const cases: [name: string, facts: Partial<CutFacts>, decision: CutDecision][] = [
  ['a frame in the middle', {}, 'go on'],
  ['a key frame too early', { keyFrame: true, openForMs: 59_999 }, 'go on'],
  ['the first key frame after cut_after', { keyFrame: true, openForMs: 60_000 }, 'cut'],
  ['no key frame after cut_after', { openForMs: 75_000 }, 'go on'],
  ['a key frame at the period\'s end', { keyFrame: true, openForMs: 100, wallMs: 3_600_000 }, 'cut'],
  ['a key frame just before the period\'s end', { keyFrame: true, openForMs: 100, wallMs: 3_599_999 }, 'go on'],
  ['no key frame after the period\'s end', { wallMs: 3_650_000 }, 'go on'],
  ['a key frame, and it is for others now', { keyFrame: true, openForMs: 100, othersNow: true }, 'cut'],
  ['no key frame, though it is for others now', { openForMs: 100, othersNow: true }, 'go on'],
  ['key frames minutes apart', { openForMs: segmentMsMax }, 'cut by limit'],
  ['a key frame at the limit', { keyFrame: true, openForMs: segmentMsMax }, 'cut'],
  ['too many bytes', { bytes: segmentBytesMax }, 'cut by limit'],
  ['too many bytes, at a key frame', { keyFrame: true, bytes: segmentBytesMax }, 'cut'],
  ['a clock that went back', { wallMs: -1e12, openForMs: 60_000, keyFrame: true }, 'cut'],
];

for (const [name, facts, decision] of cases) {
  t.test(`${decision}: ${name}`, async (t) => {
    t.equal(decideCut({ ...usual, ...facts }), decision);
  });
}

const facts = fc.record({
  openForMs: fc.integer({ min: 0, max: 200_000 }), bytes: fc.integer({ min: 0, max: 2 ** 28 }), keyFrame: fc.boolean(),
  wallMs: fc.integer({ min: 0, max: 2e6 }), periodEndMs: fc.integer({ min: 0, max: 2e6 }), othersNow: fc.boolean(), cutAfterMs: fc.integer({ min: 2000, max: 90_000 }),
});

t.test('no segment is open beyond the limits', async () => {
  fc.assert(fc.property(facts, (facts) => decideCut(facts) !== 'go on' || (facts.openForMs < segmentMsMax && facts.bytes < segmentBytesMax)));
});

t.test('a clean cut is always at a key frame, a cut by limit never', async () => {
  fc.assert(fc.property(facts, (facts) => {
    const decision = decideCut(facts);
    return decision === 'go on' || facts.keyFrame === (decision === 'cut');
  }));
});

t.test('waiting longer never turns a cut into going on', async () => {
  fc.assert(fc.property(facts, fc.nat(100_000), (facts, moreMs) =>
    decideCut(facts) === 'go on' || decideCut({ ...facts, openForMs: facts.openForMs + moreMs, wallMs: facts.wallMs + moreMs }) !== 'go on'));
});
