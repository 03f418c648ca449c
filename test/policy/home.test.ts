import fc from 'fast-check';
import t from 'tap';
import { commandAgeMsMax, commandsPerHourMax, judgeCommand, type CommandDecision, type CommandFacts, type CommandWish } from '../../src/policy/commanding.ts';
import { cameraDiscovery, homeRules, hubDiscovery, noticeMessage, orderTopics, readOrder, stateMessage, type HomeRules } from '../../src/policy/homeassistant.ts';
import { appear, lastsMsMax, leave, lingerMs, nextLeaveMs, nobody, seenAt, type CameraState } from '../../src/policy/presence.ts';
import { aliasOf, isToldOf, numberCameras } from '../../src/policy/telling.ts';

const now = Date.UTC(2026, 10, 24, 5);
const facts: CommandFacts = {
  destinations: [{ name: 'home', kind: 'mqtt', commands: true }, { name: 'deaf', kind: 'mqtt' }, { name: 'phone', kind: 'ntfy', commands: true }], numbers: { front: 1, garden: 2 }, lately: 0, nowMs: now,
  cameras: [{ id: 'front', space: 'home' }, { id: 'garden', space: 'outside', alias: 'north' }],
};
const wish = (more: Partial<CommandWish> = {}): CommandWish => ({ from: 'home', at_ms: now - 1000, camera: 'camera-1', do: 'privacy', on: true, ...more }) as CommandWish;

t.test('what may be ordered from outside, and what may not', async (t) => {
  const cases: readonly (readonly [what: string, wish: CommandWish, facts: CommandFacts, decision: CommandDecision])[] = [
    ['privacy is raised', wish(), facts, { do: 'raise privacy', camera: 'front', space: 'home' }],
    ['by the owner\'s word for it', wish({ camera: 'north' }), facts, { do: 'raise privacy', camera: 'garden', space: 'outside' }],
    ['a camera is turned', { from: 'home', at_ms: now, camera: 'north', do: 'place', place: 3 }, facts, { do: 'turn', camera: 'garden', place: 3 }],
    ['privacy is never lowered', wish({ on: false } as Partial<CommandWish>), facts, { refuse: 'lowers privacy', camera: 'front' }],
    ['a broker without the right', wish({ from: 'deaf' }), facts, { refuse: 'no right', camera: 'front' }],
    ['what is no broker', wish({ from: 'phone' }), facts, { refuse: 'no right', camera: undefined }],
    ['what is no destination', wish({ from: 'nobody' }), facts, { refuse: 'no right', camera: undefined }],
    ['a camera by its id', wish({ camera: 'front' }), facts, { refuse: 'unknown', camera: undefined }],
    ['a number that its owner has replaced by a word', wish({ camera: 'camera-2' }), facts, { refuse: 'unknown', camera: undefined }],
    ['one that is old', wish({ at_ms: now - commandAgeMsMax - 1 }), facts, { refuse: 'stale', camera: 'front' }],
    ['one of the future: the clock has gone back, or somebody lies', wish({ at_ms: now + 6000 }), facts, { refuse: 'stale', camera: 'front' }],
    ['more than anybody needs', wish(), { ...facts, lately: commandsPerHourMax }, { refuse: 'too many', camera: 'front' }],
  ];
  for (const [what, asked, known, decision] of cases) t.same(judgeCommand(asked, known), decision, what);
});

t.test('whatever is ordered, privacy is never lowered', async () => {
  fc.assert(fc.property(fc.constantFrom('home', 'deaf', 'phone', 'x'), fc.constantFrom('camera-1', 'north', 'front'), fc.boolean(), fc.integer({ min: now - 1e6, max: now + 1e6 }), (from, camera, on, at_ms) => {
    const decision = judgeCommand({ from, camera, do: 'privacy', on, at_ms }, facts);
    return 'refuse' in decision || (decision.do === 'raise privacy' && on);
  }));
});

const rules: HomeRules = { ...homeRules, commands: true };
const state: CameraState = { camera: 'camera-1', atMs: now, online: true, private: false, shown: ['motion', 'person'], seen: ['person'], sealedMs: now - 60_000, places: 2 };

t.test('a state says what it is to say, and discovery how to show it', async (t) => {
  t.same(stateMessage(rules, state), { topic: 'sallyport/camera-1/state', retain: true, payload: '{"motion":"OFF","online":"ON","person":"ON","private":"OFF","sealed":"2026-11-24T04:59:00Z"}' });
  t.equal(stateMessage(rules, { ...state, gone: true }).payload, '', 'of a camera that is gone nothing is kept');
  const [shown] = cameraDiscovery(rules, state);
  const { components } = JSON.parse(shown?.payload ?? '') as { components: Record<string, Record<string, unknown>> };
  t.equal(shown?.topic, 'homeassistant/device/sallyport_camera-1/config');
  t.match(components['privacy'], { platform: 'switch', command_topic: 'sallyport/camera-1/privacy/set' });
  t.same(components['private'], { platform: 'binary_sensor' }, 'which takes away what was shown without orders');
  const [mute] = cameraDiscovery({ ...rules, commands: false }, { ...state, places: 2 });
  t.notMatch(mute?.payload, /command_topic/);
  t.same(cameraDiscovery({ ...rules, discovery: '' }, state), []);
  t.equal(cameraDiscovery(rules, { ...state, gone: true })[0]?.payload, '');
  t.match(hubDiscovery(rules)[0]?.payload, /"event_types":\[.*"audit broken"/);
  t.same(noticeMessage(rules, { kind: 'disk full', camera: undefined, atMs: now, id: 'f'.repeat(32), over: true }), { topic: 'sallyport/notice', retain: false, payload: `{"at":"2026-11-24T05:00:00Z","event_type":"disk full","id":"${'f'.repeat(32)}","over":true}` });
});

t.test('what comes from a broker is an order or nothing', async (t) => {
  const read = (topic: string, payload: string | Uint8Array, more: Partial<HomeRules> = {}) => readOrder({ ...rules, ...more }, topic, Buffer.from(payload));
  t.same(orderTopics(rules), ['sallyport/+/privacy/set', 'sallyport/+/place/set']);
  t.same(orderTopics({ ...rules, commands: false }), []);
  t.same(read('sallyport/camera-1/privacy/set', 'ON'), { do: 'privacy', camera: 'camera-1', on: true });
  t.same(read('sallyport/camera-1/place/set', 'place-12'), { do: 'place', camera: 'camera-1', place: 12 });
  for (const [topic, payload] of [
    ['sallyport/camera-1/privacy/set', 'on'], ['sallyport/camera-1/privacy/set', 'ON\n'], ['sallyport/camera-1/privacy/set', ''], ['sallyport/camera-1/place/set', 'place-0'], ['sallyport/camera-1/place/set', 'place-100'],
    ['sallyport/camera-1/place/set', 'ON'], ['sallyport/Camera/privacy/set', 'ON'], ['sallyport/a/b/privacy/set', 'ON'], ['sallyport//privacy/set', 'ON'], ['other/camera-1/privacy/set', 'ON'], ['sallyport/camera-1/privacy/set/x', 'ON'], ['sallyport/camera-1/state', 'ON'],
  ] as const) t.equal(read(topic, payload), undefined, `${topic} ${payload}`);
  t.equal(read('sallyport/camera-1/privacy/set', 'ON', { commands: false }), undefined);
  fc.assert(fc.property(fc.string(), fc.uint8Array({ maxLength: 40 }), (topic, payload) => {
    const order = readOrder(rules, `sallyport/${topic}`, payload);
    return order === undefined || /^[a-z0-9][a-z0-9-]*$/.test(order.camera);
  }));
});

t.test('a kind is there while anybody sees it, and a moment for some seconds', async (t) => {
  const seen = (at: number) => (presence: typeof nobody) => seenAt(presence, 'front', at);
  let presence = appear(nobody, { camera: 'front', kind: 'person', name: 'a', lasts: true }, now);
  presence = appear(presence, { camera: 'front', kind: 'person', name: 'b', lasts: true }, now + 1000);
  presence = appear(presence, { camera: 'front', kind: 'doorbell', name: 'c', lasts: false }, now + 1000);
  presence = appear(presence, { camera: 'garden', kind: 'motion', name: 'a', lasts: true }, now);
  t.same(seen(now + 2000)(presence), ['person', 'doorbell']);
  presence = leave(presence, 'front', 'a', now + 10_000);
  t.same(seen(now + 20_000)(presence), ['person'], 'another one is there still');
  presence = leave(presence, 'front', 'b', now + 20_000);
  t.same(seen(now + 20_000 + lingerMs - 1)(presence), ['person']);
  t.same(seen(now + 20_000 + lingerMs)(presence), []);
  t.equal(nextLeaveMs(presence, now + 20_000), now + 20_000 + lingerMs);
  t.same(seenAt(presence, 'garden', now + lastsMsMax), [], 'what never ends was forgotten');
  t.equal(appear(nobody, { camera: 'front', kind: 'firmware', name: 'x', lasts: false }, now), nobody, 'what is of the camera itself is nobody');
});

t.test('a number is given once, and a word stands before it', async (t) => {
  const numbers = numberCameras(numberCameras({}, ['front', 'garden']), ['garden', 'shed']);
  t.same(numbers, { front: 1, garden: 2, shed: 3 }, 'that of one that is gone is not given again');
  t.equal(aliasOf({ id: 'shed' }, numbers), 'camera-3');
  t.equal(aliasOf({ id: 'shed', alias: 'north' }, numbers), 'north');
  t.equal(aliasOf({ id: 'constructor' }, numbers), 'camera', 'one without a number has no name that says anything');
  t.ok(isToldOf({}, 'motion'));
  t.notOk(isToldOf({ kinds: ['person'] }, 'motion'));
});
