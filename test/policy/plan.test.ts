import t from 'tap';
import { planChanges } from '../../src/policy/plan.ts';
import { camera, day, hub } from './configs.ts';

const before = hub(3, [camera('front-door'), camera('garden', { keepDays: 1, address: '10.0.0.2' })]);

t.test('the same configuration changes nothing', async (t) => {
  t.same(planChanges(before, before), []);
});

t.test('changes are told in plain words, with what waits and what needs a restart', async (t) => {
  const after = hub(3, [camera('front-door', { keepDays: 7, audio: true }), camera('porch', { address: '10.0.0.3' })], {
    name: 'House', log: { level: 'debug' }, keep: { ...before.keep, logsMs: 30 * day },
  });
  t.same(planChanges(before, after), [
    { text: 'the hub is called House instead of Home', lowersPrivacy: false, restart: true },
    { text: 'the log is kept 30 days instead of 14 days', lowersPrivacy: true, restart: false },
    { text: 'the log level is debug instead of info', lowersPrivacy: false, restart: true },
    { text: 'front-door: footage is kept 7 days instead of 3 days', lowersPrivacy: true, restart: false, camera: 'front-door' },
    { text: 'front-door: sound is recorded: yes instead of no', lowersPrivacy: true, restart: false, camera: 'front-door' },
    { text: 'porch: new, is recorded from 10.0.0.3, its footage is kept 3 days', lowersPrivacy: false, restart: false, camera: 'porch' },
    { text: 'garden: is no longer recorded; what was recorded stays until its deadline', lowersPrivacy: false, restart: false, camera: 'garden' },
  ]);
});

t.test('a private time that is taken out waits, a new one does not', async (t) => {
  const night = { space: 'home', days: ['friday', 'saturday'], from: '22:00', to: 'sunrise' } as const;
  const withNight = { ...before, privacy: [night], place: { latitude: 52.5, longitude: 13.4 } };
  t.same(planChanges(before, withNight).map((change) => [change.text, change.lowersPrivacy]), [
    ['for the sun, the hub is at 52.5, 13.4 instead of no known place', false], ['new: home is private friday, saturday from 22:00 to sunrise', false],
  ]);
  t.same(planChanges(withNight, { ...withNight, privacy: [{ ...night, to: '05:00' }] }).map((change) => [change.text, change.lowersPrivacy]), [
    ['new: home is private friday, saturday from 22:00 to 05:00', false], ['no longer: home is private friday, saturday from 22:00 to sunrise', true],
  ]);
});

t.test('a shorter retention does not wait', async (t) => {
  t.same(planChanges(before, hub(2, before.cameras)).map((change) => [change.text, change.lowersPrivacy]), [
    ['footage is kept 2 days instead of 3 days', false], ['front-door: footage is kept 2 days instead of 3 days', false],
  ]);
});

t.test('no change of a configuration goes unmentioned', async (t) => {
  const other = hub(4, [camera('front-door', { keepDays: 9, audio: true, address: '10.9.9.9', record: false })], {
    name: 'x', data: '/x', dataMount: true, owner: '/x', socket: '/x', record: { periodMs: 1, cutAfterMs: 1, thumbnails: false }, keep: { footageMs: 1, logsMs: 1, auditMs: 1 },
    disk: { budgetBytes: 1, reserveBytes: 1 }, scrub: { everyMs: 1, bytesPerSecond: 1 }, time: { source: 'system', settleMs: 1 }, discovery: { loopback: true, interfaces: ['x'] }, capture: { ffmpeg: 'x', ffprobe: 'x', jail: 'off' }, log: { level: 'warn' },
    page: { enabled: false, port: 1, httpPort: 1, names: ['x'], panels: true, certificate: '/x', certificateKey: '/x' },
    privacy: [{ space: 'home', days: ['friday'], from: '22:00', to: 'sunrise' }],
  });
  const leaves = (value: object): number => Object.values(value).reduce((sum: number, inner: unknown) => sum + (typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? leaves(inner) : 1), 0);
  const { cameras: _, ...settings } = other;
  t.equal(planChanges(before, other).filter((change) => change.camera === undefined).length, leaves(settings));
  const was = before.cameras[0] ?? camera('front-door');
  for (const change of [{ name: 'x' }, { address: '10.1.1.1' }, { port: 81 }, { path: '/x' }, { user: 'x' }, { keepMs: 1 }, { audio: true }, { record: false }, { space: 'x' }, { serial: 'x' }, { budgetBytes: 1 }]) {
    t.equal(planChanges(before, { ...before, cameras: [{ ...was, ...change }, ...before.cameras.slice(1)] }).length, 1, Object.keys(change)[0] ?? '');
  }
});
