import fc from 'fast-check';
import t from 'tap';
import { awayWaitMsMax, failuresMax, kindOf, nextTry, noTries, type TryEnd, type TryHistory, type TryKind } from '../../src/policy/supervision.ts';

const second = 1000;
const hour = 3_600_000;
const latest = (): number => 1;

const usual: TryEnd = { reason: 'stream ended', answered: true, liveMs: 0, startedMs: 0, endedMs: 1000 };
const away: Partial<TryEnd> = { reason: 'camera offline', answered: false };
const refused: Partial<TryEnd> = { reason: 'credentials refused' };

const kinds: [name: string, end: Partial<TryEnd>, kind: TryKind][] = [
  ['nobody answers', away, 'away'],
  ['ffmpeg does not start', { reason: 'stream broken', answered: false }, 'away'],
  ['an hour of pictures', { liveMs: hour }, 'good'],
  ['a minute of pictures, then silence', { reason: 'stalled', liveMs: 60 * second }, 'good'],
  ['pictures for a while', { liveMs: 10 * second }, 'short'],
  ['another picture size at once', { reason: 'codec changed', liveMs: 2 * second }, 'failed'],
  ['a few pictures, then silence', { reason: 'stalled', liveMs: 9999 }, 'failed'],
  ['an answer and no picture', {}, 'failed'],
  ['a wrong password', refused, 'refused'],
  ['a password that is refused after hours of pictures', { ...refused, liveMs: hour }, 'refused'],
];

for (const [name, end, kind] of kinds) t.test(`${kind}: ${name}`, async (t) => void t.equal(kindOf({ ...usual, ...end }), kind));

/** The waits, in seconds and without jitter, when the same end comes again and again at once. */
function waits(end: Partial<TryEnd>, count: number, history: TryHistory = noTries): number[] {
  const seconds: number[] = [];
  let nowMs = 0;
  for (let index = 0; index < count; index++) {
    const next = nextTry(history, { ...usual, ...end, startedMs: nowMs, endedMs: nowMs + (end.liveMs ?? 0) }, latest);
    history = next.history;
    seconds.push(next.waitMs / second);
    nowMs += (end.liveMs ?? 0) + next.waitMs;
  }
  return seconds;
}

const ladders: [name: string, end: Partial<TryEnd>, seconds: number[]][] = [
  ['a camera that is away is looked for every few seconds', away, [1, 2, 4, 8, 8, 8]],
  ['a camera that streams for minutes and drops is taken again at once, each time', { liveMs: 120 * second }, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
  ['one that streams for seconds only, soon', { liveMs: 20 * second }, [1, 2, 4, 8, 8]],
  ['one that was set to another picture, without a wait', { reason: 'codec changed', liveMs: 20 * second }, [0, 0, 0]],
  ['one that answers and fails, ever more rarely', {}, [1, 4, 15, 60, 240, 720, 720, 720, 720, 720]],
  ['a password that is refused is not sent four times in twenty minutes', refused, [66, 330, 990, 990]],
];

for (const [name, end, seconds] of ladders) t.test(name, async (t) => void t.same(waits(end, seconds.length), seconds));

t.test('a camera that restarts now and then is not made to pay for its earlier restarts', async (t) => {
  let history = noTries;
  let nowMs = 0;
  for (let restart = 0; restart < 4; restart++) {
    const tries: number[] = [];
    for (const liveMs of [20 * second, 0, 0]) {
      const next = nextTry(history, { ...usual, liveMs, startedMs: nowMs, endedMs: nowMs + liveMs }, latest);
      history = next.history;
      nowMs += liveMs + next.waitMs;
      tries.push(next.waitMs / second);
    }
    t.same(tries, [1, 1, 4]);
  }
});

t.test('jitter takes half of a wait at most, and nothing of a minute after a refusal', async (t) => {
  t.equal(nextTry(noTries, { ...usual, ...away }, () => 0).waitMs, 500);
  t.equal(nextTry(noTries, usual, () => 0).waitMs, 500);
  t.equal(nextTry(noTries, { ...usual, ...refused }, () => 0).waitMs, 60_000);
});

const ends = fc.record({
  reason: fc.constantFrom('stream ended', 'stream broken', 'stalled', 'camera offline', 'codec changed', 'credentials refused'),
  answered: fc.boolean(), liveMs: fc.oneof(fc.constant(0), fc.nat(9999), fc.nat(100_000)), tookMs: fc.nat(10_000), random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
}) satisfies fc.Arbitrary<Pick<TryEnd, 'reason' | 'answered' | 'liveMs'> & { tookMs: number; random: number }>;

/** What happened, try after try: when each began, what it was, and how long was waited after it. */
function story(facts: readonly { reason: TryEnd['reason']; answered: boolean; liveMs: number; tookMs: number; random: number }[]): { startedMs: number; kind: TryKind; waitMs: number }[] {
  let history = noTries;
  let nowMs = 0;
  return facts.map(({ tookMs, random, ...end }) => {
    const startedMs = nowMs;
    const facts = { ...end, startedMs, endedMs: startedMs + tookMs + end.liveMs };
    const next = nextTry(history, facts, () => random);
    history = next.history;
    nowMs = facts.endedMs + next.waitMs;
    return { startedMs, kind: kindOf(facts), waitMs: next.waitMs };
  });
}

t.test('in no sequence of failures do more than ten tries of an hour fail after an answer', async () => {
  fc.assert(fc.property(fc.array(ends, { maxLength: 120 }), (facts) => {
    const failed = story(facts).filter(({ kind }) => kind === 'failed' || kind === 'refused').map(({ startedMs }) => startedMs);
    return failed.every((ms, index) => index < failuresMax || ms - (failed[index - failuresMax] as number) >= hour);
  }), { numRuns: 500 });
});

t.test('after whatever else, a refusal is followed by a minute of peace', async () => {
  fc.assert(fc.property(fc.array(ends, { maxLength: 60 }), (facts) => story(facts).every(({ kind, waitMs }) => kind !== 'refused' || waitMs >= 60_000)));
});

t.test('a camera that only was away, or brought pictures, never waits longer than a few seconds, and never nothing', async () => {
  fc.assert(fc.property(fc.array(ends, { maxLength: 60 }), (facts) => {
    const patient = facts.map((end) => (end.liveMs >= 10_000 && end.reason !== 'credentials refused' ? end : { ...end, ...away, liveMs: 0 } as typeof end));
    return story(patient).every(({ waitMs }, index) => waitMs <= awayWaitMsMax && (waitMs >= 500 || patient[index]?.reason === 'codec changed'));
  }));
});

t.test('what is remembered is bounded', async () => {
  fc.assert(fc.property(fc.array(ends, { maxLength: 200 }), (facts) => {
    let history = noTries;
    for (const { tookMs, random, ...end } of facts) history = nextTry(history, { ...end, startedMs: 0, endedMs: tookMs }, () => random).history;
    return history.failedMs.length <= failuresMax;
  }));
});
