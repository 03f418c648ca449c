import t from 'tap';
import { hubNow, noteHubTime, offOf, whenClocksDiffer } from '../../src/web/hubtime.ts';

const hub = 'Sat, 28 Nov 2026 03:00:00 GMT';
const hubMs = Date.parse(hub);
const day = 86_400_000;

for (const [what, date, askedMs, answeredMs, off] of [
  ['the same', hub, hubMs, hubMs + 300, 0],
  ['a minute is no difference: answers tell whole seconds, and take their time', hub, hubMs - 60_000, hubMs - 59_000, 0],
  ['a day late', hub, hubMs - day, hubMs - day, day + 500],
  ['a day early', hub, hubMs + day, hubMs + day, 500 - day],
  ['an answer that took minutes says nothing', hub, hubMs - day, hubMs - day + 90_000, undefined],
  ['nor one under way while the clock was set', hub, hubMs, hubMs - day, undefined],
  ['nor one without a time', null, hubMs, hubMs, undefined],
  ['nor one whose time is none', 'soon', hubMs, hubMs, undefined],
] as const) t.test(what, async (t) => t.equal(offOf(date, askedMs, answeredMs), off));

t.test('what is made here goes by the hub\'s clock, and a difference is told once', async (t) => {
  const told: number[] = [];
  whenClocksDiffer((offMs) => told.push(offMs));
  const late = (): void => noteHubTime(new Date(Date.now() + day).toUTCString(), Date.now());
  late();
  late();
  t.ok(Math.abs(hubNow() - Date.now() - day) < 2000);
  noteHubTime(new Date().toUTCString(), Date.now());
  t.ok(Math.abs(hubNow() - Date.now()) < 2000, 'and when it is set right, by its own again');
  t.equal(told.length, 3, told.join(' '));
  t.equal(told.at(-1), 0);
});
