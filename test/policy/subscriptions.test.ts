import t from 'tap';
import fc from 'fast-check';
import { hourMs, minuteMs, secondMs } from '../../src/base/units.ts';
import { endedEarly, eventsInWords, nextPull, nextTry, noPulls, noTries, slowBecause, type NextTry, type PullHistory, type TryEnd, type TryHistory } from '../../src/policy/subscriptions.ts';

/** `count` pulls of one kind; the history and the waits. */
function pulls(count: number, pull: { messages: number; tookMs: number }, from: PullHistory = noPulls): { history: PullHistory; waitsMs: number[] } {
  let history = from;
  const waitsMs: number[] = [];
  for (let done = 0; done < count; done++) {
    const next = nextPull(history, pull);
    history = next.history;
    waitsMs.push(next.waitMs);
  }
  return { history, waitsMs };
}

t.test('a camera that waits as it should is asked again at once', async (t) => {
  t.same(pulls(3, { messages: 0, tookMs: 20_000 }).waitsMs, [0, 0, 0]);
  t.same(pulls(2, { messages: 2, tookMs: 4_000 }).waitsMs, [0, 0]);
});

t.test('a camera that answers at once is asked once a second, then every two, and that is said', async (t) => {
  const { history, waitsMs } = pulls(8, { messages: 0, tookMs: 10 });
  t.same(waitsMs, [990, 990, 990, 990, 1990, 1990, 1990, 1990]);
  t.equal(slowBecause(history), 'it answers at once instead of waiting for an event');
  t.ok(slowBecause(nextPull(history, { messages: 1, tookMs: 10 }).history), 'an event does not make it well');
  t.equal(slowBecause(nextPull(history, { messages: 0, tookMs: 5_000 }).history), undefined, 'a wait does');
});

t.test('a camera that never stops sending is asked five times a second, then once, and that is said', async (t) => {
  const { history, waitsMs } = pulls(30, { messages: 100, tookMs: 5 });
  t.same([waitsMs[0], waitsMs[23], waitsMs[24], waitsMs[29]], [195, 195, 995, 995]);
  t.equal(slowBecause(history), 'it never stops sending events');
});

t.test('whatever a camera does, there are at most five pulls in a second', async () => {
  fc.assert(fc.property(fc.array(fc.record({ messages: fc.nat(300), tookMs: fc.nat(3000) }), { minLength: 1 }), (list) => {
    let history = noPulls;
    return list.every((pull) => {
      const next = nextPull(history, pull);
      history = next.history;
      return pull.tookMs + next.waitMs >= 200;
    });
  }));
});

const failed: TryEnd = { outcome: 'failed', reason: 'it answers CreatePullPointSubscription with "no"', livedMs: 0, grantedMs: 0, pulls: 0 };
const away: TryEnd = { ...failed, outcome: 'away', reason: 'it does not answer (no route)' };
const refused: TryEnd = { ...failed, outcome: 'refused', reason: 'refused' };
const short: TryEnd = { outcome: 'failed', reason: 'it answers PullMessages with "gone"', livedMs: 8_000, grantedMs: 600_000, pulls: 3 };
const long: TryEnd = { ...short, livedMs: 500_000 };

function tries(ends: readonly TryEnd[], random = (): number => 1): NextTry[] {
  let history: TryHistory = noTries;
  return ends.map((end) => {
    const next = nextTry(history, end, random);
    history = next.history;
    return next;
  });
}

function times(count: number, end: TryEnd): TryEnd[] {
  return Array.from({ length: count }, () => end);
}

const seconds = (list: readonly NextTry[]): number[] => list.map(({ waitMs }) => waitMs / secondMs);

t.test('a camera that is away is looked for after 1 s, doubling to a minute, for ever', async (t) => {
  t.same(seconds(tries(times(9, away))), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  const last = tries(times(9, away)).at(-1);
  t.same(last?.state, { kind: 'stuck', because: 'it does not answer (no route)' });
  t.equal(tries([away])[0]?.state.kind, 'starting', 'once is nothing to be told of');
});

t.test('a wrong password is tried after one minute, after five, then every fifteen', async (t) => {
  t.same(seconds(tries(times(4, refused), () => 0)), [60, 300, 900, 900]);
  t.same(tries([refused])[0]?.state, { kind: 'stuck', because: 'its user or password is refused' });
});

t.test('a camera that says it has no events is believed, and asked again each hour', async (t) => {
  const list = tries(times(3, { ...failed, outcome: 'unsupported', reason: 'it has no event service' }));
  t.same(seconds(list), [900, 3600, 3600]);
  t.same(list[0]?.state, { kind: 'none', because: 'it has no event service' });
});

t.test('a camera that claims events and never brings one has none after five tries', async (t) => {
  const list = tries(times(7, failed));
  t.same(list.map(({ state }) => state.kind), ['starting', 'starting', 'stuck', 'stuck', 'none', 'none', 'none']);
  t.same(seconds(list).slice(4), [900, 3600, 3600]);
});

t.test('a camera that brought events once is stuck, never without any', async (t) => {
  const list = tries([long, ...times(12, failed)]);
  t.same(new Set(list.slice(4).map(({ state }) => state.kind)), new Set(['stuck']));
  t.equal(list.at(-1)?.waitMs, 5 * minuteMs, 'and is not worn out');
});

t.test('a camera that ends each subscription early is known for it until one has lasted', async (t) => {
  const list = tries([short, short, short]);
  t.same(list.map(({ history }) => endedEarly(history)), [undefined, undefined, 'it ends each subscription early']);
  t.same(seconds(list), [1, 2, 4]);
  t.equal(endedEarly(tries([short, short, short, long]).at(-1)?.history ?? noTries), undefined);
});

t.test('no wait is without end or below half a second, whatever happens', async () => {
  const anyEnd = fc.record({
    outcome: fc.constantFrom('away', 'refused', 'unsupported', 'failed'), reason: fc.constant('x'), livedMs: fc.nat(1e6), grantedMs: fc.nat(1e6), pulls: fc.nat(3),
  });
  fc.assert(fc.property(fc.array(anyEnd, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (ends, chance) => tries(ends, () => chance).every(({ waitMs }) => waitMs >= 500 && waitMs <= 2 * hourMs)));
});

t.test('each state in words', async (t) => {
  const say = (state: Parameters<typeof eventsInWords>[0]): string => eventsInWords(state, Date.UTC(2026, 10, 24, 3));
  t.equal(say({ kind: 'working' }), 'working');
  t.equal(say({ kind: 'working', because: 'it does not renew' }), 'working (it does not renew)');
  t.equal(say({ kind: 'polling', because: 'it answers at once' }), 'polling slowly, because it answers at once');
  t.equal(say({ kind: 'none', because: 'it has no event service' }), 'none, because it has no event service');
  t.match(say({ kind: 'stuck', because: 'it does not answer' }), /^stuck since \d{4}-\d\d-\d\dT\d\d:00:00Z, because it does not answer$/);
  t.equal(say({ kind: 'starting' }), 'being subscribed to');
  t.equal(say({ kind: 'starting', because: 'it ended' }), 'being subscribed to again, because it ended');
});
