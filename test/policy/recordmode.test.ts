import fc from 'fast-check';
import t from 'tap';
import { mayRecordAlarms, recordingInWords, recordModeAt, recordModes, type RecordingRule } from '../../src/policy/recordmode.ts';
import { weekdays } from '../../src/policy/schedule.ts';

const front = { id: 'front', space: 'home' };

function at(time: string, day = 27): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return new Date(2026, 10, day, hours, minutes).getTime();
}

function rule(mode: RecordingRule['mode'], more: Partial<RecordingRule> = {}): RecordingRule {
  return { mode, days: weekdays, from: '00:00', to: '00:00', ...more };
}

const night = { from: '22:00', to: '06:00' };
const table: [what: string, rules: RecordingRule[], nowMs: number, mode: string, nextMs: number | undefined][] = [
  ['no rule: always', [], at('12:00'), 'continuous', undefined],
  ['a rule of another camera', [rule('off', { cameras: ['garden'] })], at('12:00'), 'continuous', undefined],
  ['a rule of its space', [rule('off', { spaces: ['home'], ...night })], at('23:00'), 'off', at('06:00', 28)],
  ['outside its time', [rule('off', night)], at('12:00'), 'continuous', at('22:00')],
  ['the first that fits', [rule('alarms', night), rule('off', night)], at('01:00'), 'alarms', at('06:00')],
  ['the second, where the first has not its time', [rule('alarms', night), rule('off', { from: '08:00', to: '20:00' })], at('12:00'), 'off', at('20:00')],
];
for (const [what, rules, nowMs, mode, nextMs] of table) {
  t.test(`${mode}: ${what}`, async (t) => t.same(recordModeAt(front, rules, undefined, nowMs), { mode, nextMs }));
}

t.test('between now and the next moment the mode stays what it is, and it is the first rule\'s that runs', async () => {
  const time = fc.integer({ min: 0, max: 1439 }).map((minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`);
  const rules = fc.array(fc.record({ mode: fc.constantFrom(...recordModes), days: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }), from: time, to: time }), { maxLength: 4 });
  const now = fc.integer({ min: at('00:00', 1), max: at('00:00', 30) });
  fc.assert(fc.property(rules, now, fc.double({ min: 0, max: 1, noNaN: true }), (given, nowMs, share) => {
    const { mode, nextMs } = recordModeAt(front, given, undefined, nowMs);
    const alone = given.find((one) => recordModeAt(front, [one, rule('off')], undefined, nowMs).mode !== 'off' || (one.mode === 'off' && recordModeAt(front, [one], undefined, nowMs).mode === 'off'));
    if (mode !== (alone?.mode ?? 'continuous')) return false;
    return nextMs === undefined || recordModeAt(front, given, undefined, Math.floor(nowMs + share * (nextMs - 1 - nowMs))).mode === mode;
  }));
});

t.test('in words, and whether memory must hold what comes before an alarm', async (t) => {
  t.equal(recordingInWords(rule('alarms', { cameras: ['front'], ...night })), 'front is recorded around alarms only each day from 22:00 to 06:00');
  t.equal(recordingInWords(rule('off', { days: ['saturday', 'sunday'] })), 'all cameras are not recorded sunday, saturday');
  t.equal(mayRecordAlarms(front, [rule('alarms', { cameras: ['garden'] }), rule('off')]), false);
  t.equal(mayRecordAlarms(front, [rule('alarms', night)]), true);
});
