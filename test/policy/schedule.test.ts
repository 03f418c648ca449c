import fc from 'fast-check';
import t from 'tap';
import { always, scheduleAt, timesInWords, weekdays, type Schedule } from '../../src/policy/schedule.ts';

const hour = 3_600_000;

function at(text: string): number {
  return new Date(text).getTime();
}

const schedules = fc.record({
  days: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }),
  from: fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })).map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`),
  to: fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })).map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`),
});
const moments = fc.integer({ min: at('2026-01-01T00:00'), max: at('2027-12-31T00:00') });

t.test('always is always, also over the days on which clocks change', async (t) => {
  fc.assert(fc.property(moments, (nowMs) => scheduleAt([always], undefined, nowMs).running !== undefined));
  t.equal(timesInWords(always), 'each day');
});

t.test('what runs holds now, until its end, and nothing changes before the next moment', async () => {
  fc.assert(fc.property(fc.array(schedules, { minLength: 1, maxLength: 3 }), moments, fc.double({ min: 0, max: 1, noNaN: true }), (rules: readonly Schedule[], nowMs, share) => {
    const { running, nextMs } = scheduleAt(rules, undefined, nowMs);
    if (running !== undefined && !(running[0] <= nowMs && nowMs < running[1])) return false;
    if (nextMs === undefined) return false;
    const between = Math.floor(nowMs + share * (nextMs - 1 - nowMs));
    return nextMs > nowMs && (scheduleAt(rules, undefined, between).running !== undefined) === (running !== undefined);
  }));
});

t.test('over midnight and the changes of clocks in Berlin', async (t) => {
  const before = process.env['TZ'];
  process.env['TZ'] = 'Europe/Berlin';
  t.teardown(() => { if (before === undefined) delete process.env['TZ']; else process.env['TZ'] = before; });
  const night: Schedule = { days: ['saturday'], from: '22:00', to: '06:00' };
  // Clocks go back on 25 October 2026 at 03:00 and forward on 29 March 2026 at 02:00, both Sundays.
  const rows: [now: string, from: string | undefined, hours: number][] = [
    ['2026-10-24T23:30:00+02:00', '2026-10-24T22:00:00+02:00', 9], ['2026-10-25T02:30:00+01:00', '2026-10-24T22:00:00+02:00', 9], ['2026-10-25T06:00:00+01:00', undefined, 0],
    ['2026-03-29T03:30:00+02:00', '2026-03-28T22:00:00+01:00', 7], ['2026-03-29T05:59:59+02:00', '2026-03-28T22:00:00+01:00', 7], ['2026-11-27T23:00:00+01:00', undefined, 0],
  ];
  for (const [now, from, hours] of rows) {
    const { running } = scheduleAt([night], undefined, at(now));
    t.same(running, from === undefined ? undefined : [at(from), at(from) + hours * hour], now);
  }
});
