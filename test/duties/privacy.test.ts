import t from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { createLog, silentLog } from '../../src/base/log.ts';
import { PrivacyDuty } from '../../src/duties/privacy.ts';
import type { PrivacyRule } from '../../src/policy/privacy.ts';
import { weekdays } from '../../src/policy/schedule.ts';
import { StillClock } from '../cameras/farend.ts';

function setUp(o: { stored?: unknown; rules?: readonly PrivacyRule[] } = {}) {
  const clock = new StillClock();
  const state = { stored: o.stored, broken: false, mute: false, rules: o.rules ?? [], told: 0, audit: [] as unknown[] };
  const failing = async (): Promise<void> => {
    if (state.broken) throw new SallyportError('SP_DATABASE', { reason: 'it is locked' });
  };
  const duty = new PrivacyDuty({
    clock, log: silentLog, rules: () => ({ privacy: state.rules }), spaces: () => ['home', 'garden'], onChange: async () => { state.told++; },
    vault: {
      setting: async () => {
        await failing();
        return state.stored as never;
      },
      putSetting: async (_name, value) => {
        await failing();
        state.stored = value;
      },
      audit: async (entry) => {
        if (state.mute) throw new SallyportError('SP_DATABASE', { reason: 'it takes no line' });
        state.audit.push(entry);
      },
    },
  });
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, state, duty, until };
}

t.test('what is not known is private, until it is known', async (t) => {
  const { clock, state, duty, until } = setUp();
  state.broken = true;
  await duty.load();
  t.match(duty.of('home'), { by: 'doubt' });
  duty.start();
  t.teardown(() => duty.close());
  await until(() => clock.waitsFor(5000));
  t.match(duty.of('home'), { by: 'doubt' });
  state.broken = false;
  clock.pass(5000);
  await until(() => duty.of('home') === undefined);
  await until(() => state.told > 0);
});

t.test('a switch is stored before it is in force; one that could not be stored has not happened', async (t) => {
  const { state, duty } = setUp();
  await duty.load();
  state.broken = true;
  await t.rejects(duty.switch('home', true, { who: 'cli' }), { code: 'SP_DATABASE' });
  t.equal(duty.of('home'), undefined);
  state.broken = false;
  await duty.switch('home', true, { who: 'page', account: 'anna' });
  t.match(duty.of('home'), { by: 'hand' });
  t.equal(duty.of('garden'), undefined);
  t.equal(state.told, 1);
  t.match(state.stored, [{ space: 'home', on: true }]);
  await duty.switch('home', true, { who: 'cli' });
  t.equal(state.audit.length, 1, 'said twice, done once');
  await duty.switch('home', false, { who: 'page', account: 'anna' });
  t.equal(duty.of('home'), undefined);
  t.same(state.stored, []);
  t.match(state.audit, [{ what: 'privacy.on', who: 'page', account: 'anna', detail: { space: 'home' } }, { what: 'privacy.off' }]);
  await t.rejects(duty.switch('cellar', true, { who: 'cli' }), { code: 'SP_SPACE_UNKNOWN' });
});

t.test('a rule begins and ends by itself, and is told each time; taken back, it is lifted until its end', async (t) => {
  const { clock, state, duty, until } = setUp();
  // One minute before and after by the machine's zone, whatever that is.
  const clockOf = (ms: number): string => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(11, 16);
  const minute = 60_000;
  clock.nowMs = Math.floor(clock.nowMs / minute) * minute;
  const startMs = clock.nowMs + minute;
  state.rules = [{ space: 'home', days: weekdays, from: clockOf(startMs), to: clockOf(startMs + 2 * minute) }];
  await duty.load();
  duty.start();
  t.teardown(() => duty.close());
  await until(() => clock.waitsFor(minute));
  t.equal(duty.of('home'), undefined);
  clock.nowMs = startMs;
  clock.pass();
  await until(() => state.told === 1);
  t.match(duty.of('home'), { by: 'rule', sinceMs: startMs, untilMs: startMs + 2 * minute });
  await duty.switch('home', false, { who: 'page' });
  t.equal(duty.of('home'), undefined);
  t.equal(state.told, 2);
  t.match(state.stored, [{ space: 'home', on: false, untilMs: startMs + 2 * minute }]);
});

t.test('a change that could not be carried out is told to the log and tried again', async (t) => {
  const lines: string[] = [];
  const clock = new StillClock();
  let tries = 0;
  const duty = new PrivacyDuty({
    clock, log: createLog({ level: 'debug', write: (line) => lines.push(line) }), rules: () => ({ privacy: [] }), spaces: () => ['home'],
    onChange: async () => {
      if (++tries < 2) throw new Error('not now');
    },
    vault: { setting: async () => undefined, putSetting: async () => {}, audit: async () => {} },
  });
  await duty.load();
  await duty.switch('home', true, { who: 'cli' });
  t.match(lines.join(), /not now/);
  duty.start();
  t.teardown(() => duty.close());
  while (tries < 2) await new Promise((resolve) => setImmediate(resolve));
  t.equal(tries, 2);
});

t.test('an audit that takes no line keeps privacy from nobody, and lets nobody lift it', async (t) => {
  const { state, duty } = setUp();
  await duty.load();
  state.mute = true;
  await t.rejects(duty.switch('home', true, { who: 'page', account: 'anna' }), { code: 'SP_DATABASE' });
  t.match(duty.of('home'), { by: 'hand' });
  t.equal(state.told, 1, 'the cameras are cut off');
  await t.rejects(duty.switch('home', false, { who: 'page', account: 'anna' }), { code: 'SP_DATABASE' });
  t.match(duty.of('home'), { by: 'hand' });
  state.mute = false;
  await duty.switch('home', false, { who: 'page', account: 'anna' });
  t.equal(duty.of('home'), undefined);
});
