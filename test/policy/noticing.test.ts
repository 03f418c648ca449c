import fc from 'fast-check';
import t from 'tap';
import { decideNotices, noticeMessageKinds, noticeRules, noticeText, type NoticeMessageKind, type NoticeRules, type SentMessage } from '../../src/policy/noticing.ts';

const now = Date.UTC(2026, 10, 24, 14, 32);
const minute = 60_000;
const hour = 60 * minute;
const noon = 12 * 60;
const notice = (kind: NoticeMessageKind, agoMs = 0) => ({ notice: { kind, camera: 'camera-2', atMs: now - agoMs, id: 'f'.repeat(32) } });
const sent = (agoMs: number, ...kinds: NoticeMessageKind[]): SentMessage => ({ kinds, atMs: now - agoMs });
const night: NoticeRules = { ...noticeRules, quiet: [{ from: 22 * 60, until: 7 * 60 }] };

t.test('grouping, limits and quiet hours', async (t) => {
  const cases: readonly (readonly [what: string, waiting: ReturnType<typeof notice>[], before: SentMessage[], rules: NoticeRules, minute: number, sends: number, againMs: number | undefined])[] = [
    ['nothing waits', [], [], noticeRules, noon, 0, undefined],
    ['the first goes at once', [notice('motion')], [], noticeRules, noon, 1, undefined],
    ['what waits together goes together', [notice('motion'), notice('person'), notice('motion')], [], noticeRules, noon, 3, undefined],
    ['the same kind again waits for its group', [notice('motion')], [sent(20_000, 'motion')], noticeRules, noon, 0, now + 40_000],
    ['and goes when that is over', [notice('motion'), notice('motion')], [sent(minute, 'motion')], noticeRules, noon, 2, undefined],
    ['another kind does not wait for it, and takes it along', [notice('motion'), notice('doorbell')], [sent(20_000, 'motion')], noticeRules, noon, 2, undefined],
    ['no more an hour than was set', [notice('doorbell')], [sent(50 * minute, 'motion'), sent(30 * minute, 'motion')], { ...noticeRules, perHourMax: 2 }, noon, 0, now + 10 * minute],
    ['messages of earlier hours do not count', [notice('doorbell')], [sent(hour, 'motion'), sent(30 * minute, 'motion')], { ...noticeRules, perHourMax: 2 }, noon, 1, undefined],
    ['what is urgent passes the limit', [notice('recording stopped')], [sent(50 * minute, 'motion'), sent(30 * minute, 'motion')], { ...noticeRules, perHourMax: 2 }, noon, 1, undefined],
    ['but not its own group', [notice('recording stopped')], [sent(20_000, 'recording stopped')], noticeRules, noon, 0, now + 40_000],
    ['quiet hours hold back', [notice('motion')], [], night, 23 * 60, 0, now + minute],
    ['what is urgent rings at night, alone', [notice('motion'), notice('tamper')], [], night, 23 * 60, 1, now + minute],
    ['in the morning all that waited comes as one', [notice('motion', 5 * hour), notice('person', 4 * hour)], [], night, 7 * 60, 2, undefined],
    ['a clock that went back forgets nothing and waits for nothing', [notice('motion')], [sent(-hour, 'motion')], noticeRules, noon, 1, undefined],
  ];
  for (const [what, waiting, before, rules, localMinute, sends, againMs] of cases) {
    const decision = decideNotices(waiting, before, rules, now, localMinute);
    t.equal(decision.send.length, sends, what);
    if (sends === 0) t.equal(decision.againMs, againMs, what);
    else if (againMs !== undefined) t.ok(decision.againMs !== undefined, what);
  }
});

t.test('whatever waits goes in the end, each once, and never more messages an hour than are allowed, urgent ones aside', async () => {
  const calm = noticeMessageKinds.filter((kind) => !noticeRules.urgent.includes(kind));
  fc.assert(fc.property(fc.array(fc.record({ kind: fc.constantFrom(...calm), afterMs: fc.nat(5 * hour) }), { maxLength: 60 }), fc.integer({ min: 1, max: 10 }), (arrivals, perHourMax) => {
    const rules = { ...noticeRules, perHourMax };
    const messages: SentMessage[] = [];
    let waiting: ReturnType<typeof notice>[] = [];
    const coming = arrivals.toSorted((a, b) => a.afterMs - b.afterMs);
    let went = 0;
    for (let at = now; at < now + 8 * hour; at += 20_000) {
      while (coming[0] !== undefined && now + coming[0].afterMs <= at) waiting.push(notice((coming.shift() as { kind: NoticeMessageKind }).kind));
      const { send } = decideNotices(waiting, messages, rules, at, noon);
      if (send.length === 0) continue;
      went += send.length;
      waiting = waiting.filter((one) => !send.includes(one));
      messages.push({ kinds: send.map((one) => one.notice.kind), atMs: at });
      if (messages.filter(({ atMs }) => at - atMs < hour).length > perHourMax) return false;
    }
    return went === arrivals.length && waiting.length === 0;
  }), { numRuns: 30 });
});

t.test('a message says kind, alias, time and how many more, and nothing else', async (t) => {
  t.equal(noticeText([notice('motion').notice, notice('person').notice, notice('motion').notice]), `motion, camera-2, 14:32 UTC, no. ${notice('motion').notice.id.slice(0, 8)} (and 2 more)`);
  t.equal(noticeText([{ kind: 'disk full', camera: undefined, atMs: now, id: 'f'.repeat(32) }]), 'disk full, 14:32 UTC, no. ffffffff');
});
