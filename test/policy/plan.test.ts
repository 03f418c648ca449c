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

const always = { days: ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'], from: '00:00', to: '00:00' } as const;

t.test('alarms, zones and modes of recording are told in plain words, and only a longer time waits', async (t) => {
  const night = { name: 'Night', kinds: ['person'], ...always, keepMs: 2 * day, beforeMs: 5000, afterMs: 20_000, enabled: true } as const;
  const door = { camera: 'front-door', name: 'door', mask: false, points: [[0, 0], [1, 0], [1, 1]] } as const;
  const alarms = { mode: 'alarms', cameras: ['garden'], ...always } as const;
  const told = (was: Partial<typeof before>, is: Partial<typeof before>): [string, boolean][] => planChanges({ ...before, ...was }, { ...before, ...is }).map(({ text, lowersPrivacy }) => [text, lowersPrivacy]);
  t.same(told({}, { alarms: [night], zones: [door], recordings: [alarms] }), [
    ['new: garden is recorded around alarms only each day', false], ['new: front-door: zone door', false], ['new alarm Night: person at all cameras, each day; its pictures and footage are kept 2 days', false],
  ]);
  t.match(told({}, { alarms: [{ ...night, keepMs: 30 * day }] }), [[/kept 30 days$/, true]], 'longer than footage');
  t.same(told({ alarms: [night] }, { alarms: [{ ...night, keepMs: 3 * day, zones: ['door'], sizeLeast: 0.2, cameras: ['garden'], from: '22:00', to: '06:00', enabled: false }] }), [
    ['alarm Night: it rings: no instead of yes', false], ['alarm Night: it is of garden instead of all cameras', false], ['alarm Night: it looks at door instead of the whole picture', false],
    ['alarm Night: its size must be at least 20 % of the picture\'s height instead of any', false],
    ['alarm Night: its time is each day from 22:00 to 06:00 instead of each day', false], ['alarm Night: its pictures and footage are kept 3 days instead of 2 days', true],
  ]);
  t.same(told({ alarms: [night], zones: [door], recordings: [alarms, { ...alarms, mode: 'off' }] }, { zones: [{ ...door, points: [[0, 0], [1, 0], [0, 1]] }], recordings: [{ ...alarms, mode: 'off' }, alarms] }), [
    ['which rule of recording counts first has changed', false], ['front-door: door is drawn otherwise', false], ['no longer: alarm Night: person at all cameras, each day; what it has kept stays until its deadline', false],
  ]);
  t.same(told({ zones: [door] }, { zones: [{ ...door, mask: true }] }), [['front-door: door is never looked at; before it was a zone', false]]);
  t.same(told({ recordings: [alarms] }, {}), [['no longer: garden is recorded around alarms only each day', false]]);
});

t.test('faces are said to be turned on, and what stays when they are turned off', async (t) => {
  const on = hub(3, [], { faces: { enabled: true, consentMs: 30 * day, lock: 'hub' as const } });
  t.match(planChanges(hub(3), on), [{ text: 'a person\'s consent lasts 30 days instead of 365 days', lowersPrivacy: false }, { text: 'faces are compared with those of people who agreed to it', lowersPrivacy: true, restart: false }]);
  t.match(planChanges(on, hub(3)), [{ lowersPrivacy: true }, { text: 'faces are no longer compared with anybody\'s; people stay until they are forgotten', lowersPrivacy: false }]);
});

t.test('no change of a configuration goes unmentioned', async (t) => {
  const other = hub(4, [camera('front-door', { keepDays: 9, audio: true, address: '10.9.9.9', record: false })], {
    name: 'x', data: '/x', dataMount: true, owner: '/x', socket: '/x', record: { periodMs: 1, cutAfterMs: 1, thumbnails: false }, keep: { footageMs: 1, logsMs: 1, auditMs: 1 },
    disk: { budgetBytes: 1, reserveBytes: 1 }, scrub: { everyMs: 1, bytesPerSecond: 1 }, time: { source: 'system', settleMs: 1 }, discovery: { loopback: true, interfaces: ['x'] }, capture: { ffmpeg: 'x', ffprobe: 'x', jail: 'off' }, log: { level: 'warn' },
    page: { enabled: false, port: 1, httpPort: 1, names: ['x'], panels: true, certificate: '/x', certificateKey: '/x' },
    faces: { enabled: true, consentMs: 1, lock: 'owner' as const },
    privacy: [{ space: 'home', days: ['friday'], from: '22:00', to: 'sunrise' }],
    recordings: [{ mode: 'off', ...always }], zones: [{ camera: 'front-door', name: 'x', mask: true, points: [[0, 0], [1, 0], [1, 1]] }],
    alarms: [{ name: 'x', kinds: ['person'], ...always, keepMs: 1, beforeMs: 1, afterMs: 1, enabled: true }],
    destinations: [{ name: 'x', purpose: 'x', kind: 'folder', to: { path: '/x' }, store: { send: 'alarms', slots: 'home', slotsSamePlace: false } }],
  });
  const leaves = (value: object): number => Object.values(value).reduce((sum: number, inner: unknown) => sum + (typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? leaves(inner) : 1), 0);
  const { cameras: _, ...settings } = other;
  t.equal(planChanges(before, other).filter((change) => change.camera === undefined).length, leaves(settings));
  const was = before.cameras[0] ?? camera('front-door');
  for (const change of [{ name: 'x' }, { address: '10.1.1.1' }, { port: 81 }, { path: '/x' }, { user: 'x' }, { keepMs: 1 }, { audio: true }, { record: false }, { detect: 'hub' as const }, { space: 'x' }, { serial: 'x' }, { budgetBytes: 1 }]) {
    t.equal(planChanges(before, { ...before, cameras: [{ ...was, ...change }, ...before.cameras.slice(1)] }).length, 1, Object.keys(change)[0] ?? '');
  }
});
