import fc from 'fast-check';
import t from 'tap';
import { deadlineMs, periodOf } from '../../src/policy/periods.ts';
import { dueMs, duePeriods, explainPurge, holdDeadlineMs, keepFor, shortened } from '../../src/policy/retention.ts';
import { camera, day, hour, hub } from './configs.ts';

const lengths = fc.constantFrom(10_000, 15_000, 60_000, hour, 6 * hour, day);
const times = fc.integer({ min: 0, max: 4e12 });

t.test('periods are aligned to UTC midnight', async (t) => {
  const at = Date.UTC(2026, 10, 24, 5, 59, 59, 999);
  t.same(periodOf(at, hour), { startMs: Date.UTC(2026, 10, 24, 5), endMs: Date.UTC(2026, 10, 24, 6) });
  t.same(periodOf(at + 1, hour), { startMs: Date.UTC(2026, 10, 24, 6), endMs: Date.UTC(2026, 10, 24, 7) });
  t.same(periodOf(at, day), { startMs: Date.UTC(2026, 10, 24), endMs: Date.UTC(2026, 10, 25) });
});

t.test('each moment is in exactly one period, and a period never crosses midnight', async () => {
  fc.assert(fc.property(times, lengths, (at, length) => {
    const { startMs, endMs } = periodOf(at, length);
    return startMs <= at && at < endMs && endMs - startMs === length && Math.floor(startMs / day) === Math.floor((endMs - 1) / day)
      && periodOf(startMs, length).startMs === startMs && periodOf(endMs, length).startMs === endMs;
  }));
});

const periods = fc.array(fc.record({ startMs: times, length: lengths, keepMs: fc.integer({ min: 10_000, max: 3650 * day }) })
  .map(({ startMs, length, keepMs }) => ({ startMs, endMs: startMs + length, deadlineMs: deadlineMs(startMs + length, keepMs) })), { maxLength: 20 });

t.test('nothing is due before its deadline, everything is from its deadline on', async () => {
  fc.assert(fc.property(periods, times, (all, now) => {
    const due = new Set(duePeriods(all, now));
    return all.every((period) => due.has(period) === period.deadlineMs <= now);
  }));
});

t.test('what is held until a time is due then, whatever the clock did before', async () => {
  const steps = fc.array(fc.record({ toMs: times, byMs: fc.nat(900 * day) }), { maxLength: 3 });
  fc.assert(fc.property(periods, times, fc.nat(3650 * day), steps, (all, now, moreMs, stepsBack) => all.every((period) => {
    const deadline = holdDeadlineMs(now + moreMs, period, now, { stepsBack });
    return deadline >= now + moreMs && dueMs({ ...period, deadlineMs: deadline }, now, { stepsBack }) === now + moreMs;
  })));
});

t.test('more age never means keep', async () => {
  fc.assert(fc.property(periods, times, fc.nat(3650 * day), (all, now, moreMs) => {
    const later = new Set(duePeriods(all, now + moreMs));
    return duePeriods(all, now).every((period) => later.has(period));
  }));
});

t.test('what is due comes in the order of its deadlines', async () => {
  fc.assert(fc.property(periods, times, (all, now) => duePeriods(all, now).every((period, index, due) => index === 0 || (due[index - 1]?.deadlineMs ?? 0) <= period.deadlineMs)));
});

t.test('a changed retention shortens deadlines and never lengthens one', async (t) => {
  fc.assert(fc.property(times, times, fc.nat(3650 * day), (deadline, end, keepMs) => {
    const changed = shortened(deadline, end, keepMs);
    return changed <= deadline && changed <= end + keepMs && (changed === deadline || changed === end + keepMs);
  }));
  t.equal(shortened(10 * day, 7 * day, day), 8 * day);
  t.equal(shortened(10 * day, 7 * day, 30 * day), 10 * day);
});

t.test('a camera\'s own retention goes before the hub\'s', async (t) => {
  const config = hub(3, [camera('own', { keepDays: 1 }), camera('follows')]);
  t.equal(keepFor('own', config), day);
  t.equal(keepFor('follows', config), 3 * day);
  t.equal(keepFor('gone', config), 3 * day);
});

t.test('after the clock went back, older footage ages by running time and newer footage by the clock', async (t) => {
  const jump = { toMs: 100 * day, byMs: 10 * day };
  const old = { startMs: 99 * day, endMs: 99 * day + hour, deadlineMs: 102 * day + hour };
  const fresh = { startMs: 100 * day + hour, endMs: 100 * day + 2 * hour, deadlineMs: 103 * day + 2 * hour };
  const fromAhead = { startMs: 109 * day, endMs: 109 * day + hour, deadlineMs: 112 * day + hour };
  const all = [old, fresh, fromAhead];
  t.same(duePeriods(all, 100 * day + 3 * hour, { stepsBack: [jump] }), [old], 'ten days of it had passed already');
  t.same(duePeriods(all, 100 * day + 3 * hour), [], 'by the clock alone it would stay');
  t.same(duePeriods(all, 102 * day, { stepsBack: [jump] }), [old], 'what was recorded ahead keeps its remaining time');
  t.same(duePeriods(all, 102 * day + hour, { stepsBack: [jump] }), [old, fromAhead]);
  t.same(duePeriods(all, 103 * day + 2 * hour, { stepsBack: [jump] }), [old, fresh, fromAhead]);
});

t.test('a purge is explained before it is done', async (t) => {
  const at = Date.UTC(2026, 10, 20, 5);
  const facts = [0, 1, 2].map((index) => ({
    camera: 'front-door', class: 'footage', startMs: at + index * hour, endMs: at + (index + 1) * hour, deadlineMs: at + (index + 1) * hour + 3 * day, dueMs: at + (index + 1) * hour + 3 * day, segments: 60, bytes: 412e6,
  }));
  t.same(explainPurge(facts, at + 3 * day + 2 * hour + 300_000), [
    'due now: 2 periods with 120 segments, 824 MB',
    'front-door: footage of 2026-11-20T05:00:00Z (1 hour), 60 segments, 412 MB, due since 1 h 5 min',
    'front-door: footage of 2026-11-20T06:00:00Z (1 hour), 60 segments, 412 MB, due since 5 min',
    'next: front-door: footage of 2026-11-20T07:00:00Z (1 hour), 60 segments, 412 MB, due in 55 min',
  ]);
  t.same(explainPurge([], at), ['nothing is due', 'nothing else is kept']);
});
