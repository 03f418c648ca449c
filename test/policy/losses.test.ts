import fc from 'fast-check';
import t from 'tap';
import { lossesOf, mayLose, soonMs, type LossFacts, type LossPeriod } from '../../src/policy/losses.ts';
import type { HubConfig } from '../../src/policy/settings.ts';
import type { AlarmRule } from '../../src/policy/alarmrules.ts';
import { always } from '../../src/policy/schedule.ts';
import { camera, day, hour, hub } from './configs.ts';

const GB = 1e9;
const nowMs = Date.UTC(2026, 10, 24, 12);

function period(agoHours: number, more: Partial<LossPeriod> = {}): LossPeriod {
  const endMs = nowMs - (agoHours * hour);
  return { camera: 'front', class: 'footage', startMs: endMs - hour, endMs, deadlineMs: endMs + (3 * day), bytes: GB, ...more };
}

/** A disk of 100 GB of which half is free; a camera brings 1 GB an hour. */
function facts(periods: readonly LossPeriod[], more: Partial<LossFacts> = {}): LossFacts {
  return { nowMs, room: { freeBytes: 50 * GB, totalBytes: 100 * GB }, periods, observedMs: new Map(), bytesPerHour: new Map([['front', GB], ['garden', GB]]), ...more };
}

const before = hub(3, [camera('front'), camera('garden', { keepDays: 10 })]);
const old = [period(60), period(1)];
const night: AlarmRule = { name: 'Night', kinds: ['person'], ...always, keepMs: 30 * day, beforeMs: 0, afterMs: 0, enabled: true };
const rang = (rules: readonly string[], more: Partial<LossPeriod> = {}): LossPeriod => period(60, { class: 'alarm', startMs: nowMs - (84 * hour), deadlineMs: nowMs + (27 * day), rules, ...more });

for (const [name, after, given, expected] of [
  ['the same destroys nothing', before, facts(old), []],
  ['a shorter time destroys what is older, and says of when it is', hub(2, before.cameras), facts(old), ['front: footage of 2026-11-21T23:00:00Z to 2026-11-22T00:00:00Z, 1.0 GB']],
  ['what an erasing left counts, too', hub(2, before.cameras), facts([period(60, { class: 'rest' })]), [/^front: footage of/]],
  ['a hold has a time of its own', hub(2, before.cameras), facts([period(60, { class: 'hold' })]), []],
  ['where nothing lies, nothing is destroyed', hub(1, before.cameras), facts([period(60, { bytes: 0 })]), []],
  ['what would be due within half a day is destroyed', { ...before, cameras: [{ ...camera('front'), ownKeep: true, keepMs: (50 * hour) + soonMs }, before.cameras[1]!] }, facts([period(50)]), [/^front: footage of/]],
  ['what stays longer than that is not', { ...before, cameras: [{ ...camera('front'), ownKeep: true, keepMs: (50 * hour) + soonMs + 1 }, before.cameras[1]!] }, facts([period(50)]), []],
  ['a longer time destroys nothing', hub(9, before.cameras), facts(old), []],
  ['another camera\'s footage is not concerned', { ...before, cameras: [before.cameras[0]!, camera('garden', { keepDays: 1 })] }, facts(old), []],
  ['who comes back for a shorter time destroys what it left', { ...before, cameras: [...before.cameras, camera('yard', { keepDays: 3 })] }, facts([period(90, { camera: 'yard', deadlineMs: nowMs + (20 * day) })]), [/^yard: footage of/]],
  ['a camera that is taken out leaves its footage', { ...before, cameras: [before.cameras[0]!] }, facts([period(90, { camera: 'garden', deadlineMs: nowMs + (5 * day) })]), []],
  ['and loses of what was observed what is older than the hub\'s own time', { ...before, cameras: [before.cameras[0]!] }, facts([], { observedMs: new Map([['garden', nowMs - (4 * day)], ['front', nowMs - (4 * day)]]) }), [/^garden: what was observed before 2026-11-21T12:00:00Z/]],
  ['a budget that footage is larger than', { ...before, disk: { budgetBytes: GB } }, facts(old), [/^the oldest of 2\.0 GB of footage, for which 1\.0 GB are too little/]],
  ['or larger than within half a day', { ...before, disk: { budgetBytes: 25 * GB } }, facts(old), [/^the oldest of/]],
  ['a budget for which there is room', { ...before, disk: { budgetBytes: 27 * GB } }, facts(old), []],
  ['a budget of a camera is for its own', { ...before, cameras: [before.cameras[0]!, { ...before.cameras[1]!, budgetBytes: GB }] }, facts(old), []],
  ['and of that it destroys', { ...before, cameras: [{ ...before.cameras[0]!, budgetBytes: 3 * GB }, before.cameras[1]!] }, facts(old), [/^front: the oldest of/]],
  ['a reserve that is there', { ...before, disk: { reserveBytes: 20 * GB } }, facts(old), []],
  ['a reserve for which something must go', { ...before, disk: { reserveBytes: 40 * GB } }, facts(old), [/^the oldest footage, for 50 GB of the disk are free and 40 GB would have to be/]],
  ['a rule that keeps shorter destroys what is older', { ...before, alarms: [{ ...night, keepMs: 2 * day }] }, facts([rang(['Night'])]), ['front: alarms of 2026-11-21T00:00:00Z to 2026-11-22T00:00:00Z, with pictures and footage']],
  ['also one that comes back under the name of one that was taken out', { ...before, alarms: [{ ...night, keepMs: 2 * day }] }, facts([rang(['Night'])]), [/^front: alarms of/]],
  ['within half a day is now', { ...before, alarms: [{ ...night, keepMs: (60 * hour) + soonMs }] }, facts([rang(['Night'])]), [/^front: alarms of/]],
  ['a day that another rule keeps stays', { ...before, alarms: [{ ...night, keepMs: 2 * day }, { ...night, name: 'Car' }] }, facts([rang(['Night', 'Car'])]), []],
  ['a day of a rule that is there no more stays', { ...before, alarms: [{ ...night, name: 'Car', keepMs: day }] }, facts([rang(['Night'])]), []],
  ['a shorter time for the audit', { ...before, keep: { ...before.keep, auditMs: day } }, facts([]), ['the audit of before 2026-11-23T12:00:00Z']],
] as const satisfies readonly (readonly [string, HubConfig, LossFacts, readonly (string | RegExp)[]])[]) {
  t.test(name, async (t) => {
    const losses = lossesOf(before, after, given);
    t.equal(losses.length, expected.length, losses.join('\n'));
    t.match(losses, expected);
    if (losses.length > 0) t.ok(mayLose(before, after), 'it is looked at all');
  });
}

t.test('a rule that is there destroys by a shorter time alone', async (t) => {
  const ruled = { ...before, alarms: [night] };
  const given = facts([rang(['Night'])]);
  t.match(lossesOf(ruled, { ...ruled, alarms: [{ ...night, keepMs: 2 * day }] }, given), [/^front: alarms of/]);
  for (const keepMs of [night.keepMs, 40 * day]) {
    const after = { ...ruled, alarms: [{ ...night, keepMs }] };
    t.same(lossesOf(ruled, after, given), []);
    t.notOk(mayLose(ruled, after));
  }
});

t.test('a larger budget, and a smaller reserve, destroy nothing', async (t) => {
  const tight = { ...before, disk: { budgetBytes: GB, reserveBytes: 45 * GB } };
  t.same(lossesOf(tight, { ...before, disk: { budgetBytes: 1.5 * GB, reserveBytes: 44 * GB } }, facts(old)), []);
  t.same(lossesOf(tight, { ...before, disk: {} }, facts(old)), []);
});

t.test('however small the steps are: what lies there stays half a day, if no step is said to destroy something', async () => {
  fc.assert(fc.property(fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 6 * hour }), keepMs: fc.integer({ min: 1, max: 5 * day }) }), { maxLength: 60 }), fc.integer({ min: 0, max: 71 }), (steps, ago) => {
    let deadlineMs = period(ago).deadlineMs;
    let atMs = nowMs;
    for (const { afterMs, keepMs } of steps) {
      atMs += afterMs;
      if (atMs >= deadlineMs) break;
      const after = { ...before, cameras: [{ ...before.cameras[0]!, ownKeep: true, keepMs }] };
      if (lossesOf(before, after, facts([period(ago, { deadlineMs })], { nowMs: atMs })).length > 0) continue;
      deadlineMs = Math.min(deadlineMs, period(ago).endMs + keepMs);
    }
    return deadlineMs >= Math.min(period(ago).deadlineMs, nowMs + soonMs);
  }));
});
