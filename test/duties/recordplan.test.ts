import t from 'tap';
import { CameraPlan } from '../../src/duties/recordplan.ts';
import { always } from '../../src/policy/schedule.ts';

function world(recordings: { mode: 'continuous' | 'alarms' | 'off'; from?: string; to?: string }[]): { plan: CameraPlan; nowMs: () => number; pass(ms: number): void; set(to: typeof recordings): void; picture(agoMs?: number): { wallMs: number; monotonicMs: number } } {
  // A Friday's evening.
  let wallMs = new Date(2026, 10, 27, 21, 59, 50).getTime();
  let monoMs = 1000;
  const alarm = { name: 'x', kinds: ['person'] as const, ...always, keepMs: 1, beforeMs: 7000, afterMs: 0, enabled: true };
  const rulesOf = (rows: typeof recordings) => ({ cameras: [{ id: 'front', space: 'home' }], alarms: [alarm], recordings: rows.map((row) => ({ ...always, ...row })) });
  let rules = rulesOf(recordings);
  const clock = { wallMs: () => wallMs, monotonicMs: () => monoMs, sleep: () => Promise.resolve() };
  return {
    plan: new CameraPlan({ camera: 'front', rules: () => rules, clock }),
    nowMs: () => wallMs, pass: (ms) => { wallMs += ms; monoMs += ms; }, set: (to) => { rules = rulesOf(to); },
    picture: (agoMs = 0) => ({ wallMs: wallMs - agoMs, monotonicMs: monoMs - agoMs }),
  };
}

t.test('without a rule all is wanted, and memory holds nothing for it', async (t) => {
  const { plan, picture } = world([]);
  t.equal(plan.unwanted(picture()), undefined);
  t.equal(plan.backMs, 0);
});

t.test('only what an alarm is about is wanted, from its beginning to its end', async (t) => {
  const { plan, picture, nowMs, pass } = world([{ mode: 'alarms' }]);
  t.equal(plan.unwanted(picture()), 'no alarm');
  plan.want('a', nowMs() - 7000);
  plan.want('b', nowMs() - 3000);
  t.equal(plan.unwanted(picture()), undefined);
  t.equal(plan.wantedSinceMs(picture()), picture(7000).monotonicMs, 'since the first of both');
  t.equal(plan.unwanted(picture(8000)), 'no alarm');
  plan.leave('a', nowMs());
  pass(1000);
  t.equal(plan.unwanted(picture()), undefined, 'the other one goes on');
  plan.leave('b', nowMs() + 2000);
  pass(2000);
  t.equal(plan.unwanted(picture()), undefined, 'up to its end');
  pass(1);
  t.equal(plan.unwanted(picture()), 'no alarm');
  t.ok(plan.backMs >= 7000, `${plan.backMs} ms are held in memory`);
});

t.test('a mode begins at its moment, also for pictures that are read a little later or looked at again', async (t) => {
  const { plan, picture, pass } = world([{ mode: 'alarms', from: '22:00', to: '06:00' }]);
  t.equal(plan.unwanted(picture()), undefined);
  pass(10_250);
  t.equal(plan.unwanted(picture()), 'no alarm');
  t.equal(plan.unwanted(picture(251)), undefined, 'of the time before');
  t.equal(plan.unwanted(picture(249)), 'no alarm');
  t.equal(plan.mode, 'alarms');
});

t.test('when all is wanted again, it is from the moment on', async (t) => {
  const { plan, picture, pass, set } = world([{ mode: 'off', to: '22:00' }]);
  t.equal(plan.unwanted(picture()), 'schedule');
  pass(10_200);
  t.equal(plan.unwanted(picture()), undefined);
  t.equal(plan.wantedSinceMs(picture()), picture(200).monotonicMs);
  set([{ mode: 'off' }]);
  t.equal(plan.unwanted(picture()), 'schedule', 'a changed rule counts at once');
});
