import fc from 'fast-check';
import t from 'tap';
import { atClock, bytes, clock, dayBeside, dayMs, dayStart, deadline, fromIsoDay, hourMs, isoDay, readerOf, spanParts, weekdayClock, type Reader } from '../../src/web/format.ts';
import { say } from '../../src/web/strings.ts';

const berlin: Reader = { language: 'en-GB', timeZone: 'Europe/Berlin' };
const friday = Date.UTC(2026, 10, 27, 8, 14);

t.test('a time is told by the visitor\'s zone', async (t) => {
  t.equal(clock(friday, berlin), '09:14');
  t.equal(weekdayClock(friday, berlin), 'Friday 09:14');
  t.equal(clock(friday, { language: 'en-GB', timeZone: 'America/New_York' }), '03:14');
});

t.test('a key\'s end is a weekday within the week, and a date beyond', async (t) => {
  t.equal(deadline(friday, friday - (3 * dayMs), berlin), 'Friday 09:14');
  t.match(deadline(friday, friday - (7 * dayMs), berlin), /27 Nov 2026, 09:14/);
});

t.test('a day has 23, 24 or 25 hours, and begins at midnight all the same', async (t) => {
  for (const [day, hours] of [['2026-03-29', 23], ['2026-10-25', 25], ['2026-11-27', 24]] as const) {
    const start = fromIsoDay(day, berlin) ?? 0;
    t.equal(clock(start, berlin), '00:00', day);
    t.equal((dayBeside(start, 1, berlin) - start) / hourMs, hours, day);
    t.equal(isoDay(start, berlin), day);
    t.equal(dayBeside(dayBeside(start, 1, berlin), -1, berlin), start);
  }
  t.equal(fromIsoDay('27.11.2026', berlin), undefined);
  t.equal(fromIsoDay('2026-13-40', berlin), undefined);
});

t.test('every moment lies in its own day, in any zone', async () => {
  const zones = fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Chatham', 'America/Sao_Paulo', 'UTC');
  fc.assert(fc.property(zones, fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2030, 0) }), (timeZone, ms) => {
    const reader = { language: 'en-GB', timeZone };
    const start = dayStart(ms, reader);
    return start <= ms && ms < dayBeside(start, 1, reader) && clock(start, reader) === '00:00';
  }), { numRuns: 300 });
});

t.test('what an account says of language and zone is taken where it is known, and left to the browser else', async (t) => {
  t.strictSame(readerOf({ language: 'de', timeZone: 'Europe/Vienna' }), { language: 'de', timeZone: 'Europe/Vienna' });
  t.strictSame(readerOf({ language: '!!', timeZone: 'Moon/Base' }), { language: 'en-GB', timeZone: undefined });
});

t.test('sizes as disks are sold; spans in their two largest units', async (t) => {
  t.equal(bytes(0, berlin), '0 B');
  t.equal(bytes(1_400_000_000, berlin), '1.4 GB');
  t.equal(bytes(250e9, berlin), '250 GB');
  t.strictSame(spanParts((26 * hourMs) + 5000), [['day', 1], ['hour', 2]]);
  t.equal(say.span(3 * dayMs), '3 days');
  t.equal(say.span(hourMs + 60_000), '1 hour 1 minute');
  t.equal(say.span(0), '0 seconds');
});

t.test('a clock time of a day is its moment, also on days that the clock makes longer or shorter', async (t) => {
  const start = dayStart(friday, berlin);
  t.equal(atClock('09:14:00', start, berlin), friday);
  t.equal(atClock('09:14', start, berlin), friday);
  for (const odd of ['', '9:14', '25:00:00', '09:14:61', 'noon']) t.equal(atClock(odd, start, berlin), undefined, odd);
  const spring = dayStart(Date.UTC(2026, 2, 29, 12), berlin);
  t.equal(atClock('01:30:00', spring, berlin), Date.UTC(2026, 2, 29, 0, 30));
  t.equal(atClock('02:30:00', spring, berlin), undefined, 'left out');
  t.equal(atClock('03:30:00', spring, berlin), Date.UTC(2026, 2, 29, 1, 30));
  t.equal(atClock('23:30:00', spring, berlin), Date.UTC(2026, 2, 29, 21, 30));
  const autumn = dayStart(Date.UTC(2026, 9, 25, 12), berlin);
  t.equal(atClock('02:30:00', autumn, berlin), Date.UTC(2026, 9, 25, 0, 30), 'the first of two');
  t.equal(atClock('23:30:00', autumn, berlin), Date.UTC(2026, 9, 25, 22, 30));
});
