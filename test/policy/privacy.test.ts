import t from 'tap';
import { liftedUntil, privacyAt, ruleInWords, rulesLost, type PrivacyRule } from '../../src/policy/privacy.ts';
import { weekdays } from '../../src/policy/schedule.ts';
import { sunOf } from '../../src/policy/sun.ts';

const minute = 60_000;
const hour = 60 * minute;

/** By the machine's zone, as rules are. 2026-11-27 is a Friday. */
function at(day: number, time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return new Date(2026, 10, day, hours, minutes).getTime();
}

function rule(from: string, to: string, days: PrivacyRule['days'] = weekdays, space = 'home'): PrivacyRule {
  return { space, days, from, to };
}

const berlin = { latitude: 52.5, longitude: 13.4 };

t.test('a rule\'s time', async (t) => {
  const rows: [rules: PrivacyRule[], now: number, since: number | undefined, until: number | undefined, next: number | undefined][] = [
    [[rule('22:00', '06:00')], at(27, '21:59'), undefined, undefined, at(27, '22:00')],
    [[rule('22:00', '06:00')], at(27, '22:00'), at(27, '22:00'), at(28, '06:00'), at(28, '06:00')],
    [[rule('22:00', '06:00')], at(28, '05:59'), at(27, '22:00'), at(28, '06:00'), at(28, '06:00')],
    [[rule('22:00', '06:00')], at(28, '06:00'), undefined, undefined, at(28, '22:00')],
    [[rule('22:00', '06:00', ['friday'])], at(28, '03:00'), at(27, '22:00'), at(28, '06:00'), at(28, '06:00')],
    [[rule('22:00', '06:00', ['friday'])], at(28, '23:00'), undefined, undefined, at(34, '22:00')],
    [[rule('12:00', '12:00', ['friday'])], at(28, '11:00'), at(27, '12:00'), at(28, '12:00'), at(28, '12:00')],
    [[rule('08:00', '10:00'), rule('09:00', '12:00')], at(27, '09:30'), at(27, '08:00'), at(27, '12:00'), at(27, '10:00')],
    [[rule('08:00', '10:00'), rule('10:00', '12:00')], at(27, '11:00'), at(27, '08:00'), at(27, '12:00'), at(27, '12:00')],
    [[rule('08:00', '10:00', weekdays, 'garden')], at(27, '09:00'), undefined, undefined, undefined],
    [[], at(27, '09:00'), undefined, undefined, undefined],
  ];
  for (const [rules, now, since, until, next] of rows) {
    const found = privacyAt('home', rules, [], undefined, now);
    t.strictSame([found.private?.sinceMs, found.private?.untilMs, found.nextMs], [since, until, next], `${rules.map(ruleInWords).join('; ')} at ${new Date(now).toISOString()}`);
  }
});

t.test('a switch holds until it is taken back; taken back in a rule\'s time, it lifts that time only', async (t) => {
  const rules = [rule('22:00', '06:00')];
  const by = (on: boolean, sinceMs: number, untilMs?: number) => [{ space: 'home', on, sinceMs, ...(untilMs === undefined ? {} : { untilMs }) }];
  t.match(privacyAt('home', rules, by(true, at(20, '10:00')), undefined, at(27, '12:00')).private, { by: 'hand', sinceMs: at(20, '10:00'), untilMs: undefined });
  t.equal(liftedUntil('home', rules, undefined, at(27, '23:00')), at(28, '06:00'));
  t.equal(liftedUntil('home', rules, undefined, at(27, '12:00')), undefined);
  const lifted = by(false, at(27, '23:00'), at(28, '06:00'));
  t.equal(privacyAt('home', rules, lifted, undefined, at(28, '01:00')).private, undefined);
  t.equal(privacyAt('home', rules, lifted, undefined, at(28, '01:00')).nextMs, at(28, '06:00'));
  t.match(privacyAt('home', rules, lifted, undefined, at(28, '22:00')).private, { by: 'rule' }, 'the next night is private again');
  t.equal(privacyAt('garden', rules, by(true, 0), undefined, at(27, '23:00')).private, undefined, 'another space is not concerned');
});

t.test('the sun, to within two minutes', async (t) => {
  // Almanac times of these days and places.
  const rows: [place: { latitude: number; longitude: number }, day: string, rise: string, set: string][] = [
    [berlin, '2026-06-21', '02:43', '19:33'], [berlin, '2026-12-21', '07:15', '14:54'],
    [{ latitude: 51.5, longitude: -0.1 }, '2026-12-21', '08:04', '15:53'], [{ latitude: 0, longitude: 0 }, '2026-03-20', '06:04', '18:11'],
  ];
  for (const [place, day, rise, set] of rows) {
    const sun = sunOf(Date.parse(`${day}T12:00:00Z`), place);
    t.ok(sun !== undefined && Math.abs(sun.riseMs - Date.parse(`${day}T${rise}:00Z`)) <= 2 * minute, `${day}: rises ${new Date(sun?.riseMs ?? 0).toISOString()}, not ${rise}`);
    t.ok(sun !== undefined && Math.abs(sun.setMs - Date.parse(`${day}T${set}:00Z`)) <= 2 * minute, `${day}: sets ${new Date(sun?.setMs ?? 0).toISOString()}, not ${set}`);
  }
  t.equal(sunOf(Date.parse('2026-06-21T12:00:00Z'), { latitude: 70, longitude: 20 }), undefined, 'no night');
  t.equal(sunOf(Date.parse('2026-12-21T12:00:00Z'), { latitude: 70, longitude: 20 }), undefined, 'no day');
});

t.test('rules by the sun', async (t) => {
  const night = rule('sunset', 'sunrise');
  const noon = new Date(2026, 10, 27, 12).getTime();
  const sun = sunOf(noon, berlin);
  t.equal(privacyAt('home', [night], [], berlin, noon).private, undefined);
  const dark = privacyAt('home', [night], [], berlin, (sun?.setMs ?? 0) + hour).private;
  t.equal(dark?.sinceMs, Math.floor((sun?.setMs ?? 0) / minute) * minute);
  t.match(privacyAt('home', [night], [], undefined, at(27, '18:01')).private, { sinceMs: at(27, '18:00'), untilMs: at(28, '06:00') }, 'without a place, by the clock');
});

t.test('a rule that is taken out or changed is lost; one that is added is not', async (t) => {
  const [night, day] = [rule('22:00', '06:00'), rule('08:00', '10:00')];
  t.strictSame(rulesLost([night], [night, day]), []);
  t.strictSame(rulesLost([night, day], [night]), [day]);
  t.strictSame(rulesLost([night], [rule('22:00', '05:00')]), [night]);
  t.strictSame(rulesLost([night], [rule('22:00', '06:00', weekdays.toReversed())]), [], 'the order of days means nothing');
});
