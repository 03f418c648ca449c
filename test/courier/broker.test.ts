import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { run } from '../../src/base/spawn.ts';
import { CommandReader, type Came } from '../../src/outbox/commands.ts';
import { readCourierStatus } from '../../src/outbox/courierstatus.ts';
import { randomName } from '../../src/outbox/out.ts';
import type { CameraState } from '../../src/policy/presence.ts';
import { HubSide, makeHome, startCourier, type Home } from './kit.ts';
import { Listener, publish, startBroker, type BrokerAsked } from './mosquitto.ts';

const login = { user: 'hub', password: 'a-password' };
const state: CameraState = { camera: 'camera-1', atMs: Date.UTC(2026, 10, 24, 5), online: true, private: false, shown: ['motion', 'person'], seen: ['motion'], sealedMs: Date.UTC(2026, 10, 24, 4, 59), places: 2 };

async function certified(folder: string): Promise<{ certificate: string; key: string; pin: string }> {
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=broker', '-addext', 'subjectAltName=IP:127.0.0.1']);
  if (made.status !== 0) throw new Error(made.stderr);
  return { certificate, key, pin: new X509Certificate(readFileSync(certificate)).fingerprint256.replaceAll(':', '').toLowerCase() };
}

/** As the hub looks for them. */
async function commandsOf(home: Home, count: number): Promise<Came[]> {
  const reader = new CommandReader(join(home.outbox, 'back'));
  for (;;) {
    const came = await reader.scan();
    if (came.length === count) return came;
    await systemClock.sleep(20);
  }
}

const destination = (port: number, more: object = {}) => ({ name: 'home', kind: 'mqtt', purpose: 'lamps', url: `mqtt://127.0.0.1:${port}`, ...more });

t.test('a broker with TLS and a password has a camera\'s state, how to show it, and notices; orders become files, and what is none becomes nothing', async (t) => {
  const folder = t.testdir();
  const tls = await certified(folder);
  const broker = await startBroker(folder, { login, tls });
  t.teardown(() => broker.kill());
  const door = { port: broker.port, login, ca: tls.certificate };
  // Kept from before: an order of whoever was there last week.
  await publish(door, 'sallyport/camera-1/privacy/set', 'ON', ['-r']);
  const home = makeHome(join(folder, 'home'), [destination(broker.port, { url: `mqtts://127.0.0.1:${broker.port}`, ca: tls.certificate, commands: true })], { 'home.login': `${login.user}\n${login.password}\n` });
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  const notice = await hub.outbox.notice('home', { kind: 'disk full', camera: undefined, atMs: state.atMs, id: randomName() });
  const first = await hub.outbox.state('home', state);
  t.match(await hub.answerTo(first.name), { order: 'state', outcome: 'done', attempts: 1 });
  t.match(await hub.answerTo(notice.name), { order: 'notice', outcome: 'done' });

  const listener = await Listener.open(door);
  t.teardown(() => listener.close());
  const told = await listener.until(({ topic }) => topic === 'sallyport/camera-1/state');
  t.ok(told.retained, 'whoever comes later has it too');
  t.same(JSON.parse(told.payload), { motion: 'ON', person: 'OFF', online: 'ON', private: 'OFF', sealed: '2026-11-24T04:59:00Z' });
  t.equal((await listener.until(({ topic }) => topic === 'sallyport/available')).payload, 'online');
  const shown = JSON.parse((await listener.until(({ topic }) => topic === 'homeassistant/device/sallyport_camera-1/config')).payload) as { components: Record<string, { platform: string; unique_id?: string; options?: string[] }>; device: { name: string } };
  t.equal(shown.device.name, 'camera-1');
  t.same(Object.fromEntries(Object.entries(shown.components).flatMap(([name, { platform, unique_id: id }]) => (id === undefined ? [] : [[name, platform]]))), { motion: 'binary_sensor', person: 'binary_sensor', online: 'binary_sensor', sealed: 'sensor', privacy: 'switch', place: 'select' });
  t.same(shown.components['place']?.options, ['place-1', 'place-2']);

  const from = listener.messages.length;
  const other = await hub.outbox.notice('home', { kind: 'person', camera: 'camera-1', atMs: state.atMs, id: 'a'.repeat(32) });
  t.match(await hub.answerTo(other.name), { outcome: 'done' });
  const event = await listener.until(({ topic }) => topic === 'sallyport/notice', from);
  t.same(JSON.parse(event.payload), { event_type: 'person', camera: 'camera-1', at: '2026-11-24T05:00:00Z', id: 'a'.repeat(32) });
  t.notOk(event.retained, 'no late one is told for a new one');

  // What is no order: other words, other topics, what is too long, what is no text.
  for (const [topic, payload] of [['sallyport/camera-1/privacy/set', 'on'], ['sallyport/camera-1/privacy/set', 'x'.repeat(60_000)], ['sallyport/camera-1/place/set', 'place-0'], ['sallyport/camera-1/place/set', 'place-1\u0000'], ['sallyport/../privacy/set', 'ON'], ['sallyport/Camera 1/privacy/set', 'ON'], ['sallyport/camera-1/privacy/set', '']] as const) await publish(door, topic, payload);
  await publish(door, 'sallyport/camera-1/privacy/set', 'ON');
  await publish(door, 'sallyport/camera-1/place/set', 'place-2');
  await publish(door, 'sallyport/camera-1/privacy/set', 'OFF');
  const came = await commandsOf(home, 3);
  t.same(came.map(({ command }) => command).map((one) => ({ ...one, at_ms: undefined })), [
    { v: 1, from: 'home', do: 'privacy', camera: 'camera-1', on: true, at_ms: undefined }, { v: 1, from: 'home', do: 'place', camera: 'camera-1', place: 2, at_ms: undefined }, { v: 1, from: 'home', do: 'privacy', camera: 'camera-1', on: false, at_ms: undefined },
  ], 'the hub judges all that is an order, and the one that was kept never came');
  t.match(courier.lines.join('\n'), /an order that came was dropped/);
  const back = listener.messages.length;
  for (const { name } of came) t.match(await hub.answerTo((await hub.outbox.heard('home', name, 'camera-1', 'done')).name), { order: 'heard', outcome: 'done' });
  t.same(await commandsOf(home, 0), [], 'what was heard is gone');
  t.equal((await listener.until(({ topic }) => topic === 'sallyport/camera-1/state', back)).payload, told.payload, 'whoever ordered sees how it is');

  const gone = listener.messages.length;
  t.match(await hub.answerTo((await hub.outbox.state('home', { ...state, gone: true })).name), { outcome: 'done' });
  t.equal((await listener.until(({ topic }) => topic === 'homeassistant/device/sallyport_camera-1/config', gone)).payload, '', 'a camera that is no more is shown no more');
  t.equal((await listener.until(({ topic }) => topic === 'sallyport/camera-1/state', gone)).payload, '');
  const end = listener.messages.length;
  t.equal((await courier.stop()).status, 0);
  t.equal((await listener.until(({ topic }) => topic === 'sallyport/available', end)).payload, 'offline', 'it takes its leave');
});

t.test('of a flood of orders twenty a minute become files, however quickly the hub hears them; the rest is dropped and said', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const broker = await startBroker(folder, { login });
  t.teardown(() => broker.kill());
  const door = { port: broker.port, login };
  const home = makeHome(join(folder, 'home'), [destination(broker.port, { commands: true })], { 'home.login': `${login.user}\n${login.password}\n` });
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  // There is a connection, and orders are asked for, when a state has arrived.
  t.match(await hub.answerTo((await hub.outbox.state('home', state)).name), { outcome: 'done' });
  for (const half of [1, 2]) {
    for (let order = 0; order < 10; order++) await publish(door, 'sallyport/camera-1/privacy/set', 'ON');
    for (const { name } of await commandsOf(home, 10)) t.match(await hub.answerTo((await hub.outbox.heard('home', name, 'camera-1', 'done')).name), { outcome: 'done' }, `half ${half}`);
    await commandsOf(home, 0);
  }
  await publish(door, 'sallyport/camera-1/privacy/set', 'ON');
  t.match(await courier.said('an order that came was dropped'), /more came than are taken in a minute/);
  t.same(await commandsOf(home, 0), []);
  await publish(door, 'sallyport/camera-1/privacy/set', 'UNLOCK');
  // The hub reads how many they were, and no word of theirs.
  const status = async () => (await readCourierStatus(join(home.outbox, 'back')))?.destinations[0]?.dropped;
  while ((await status())?.odd !== 1) await systemClock.sleep(50);
  t.same(await status(), { odd: 1, flood: 1, waiting: 0 });
});

t.test('a broker that was killed and has forgotten everything is told all of it again; a courier that was killed is said to be away by the broker', async (t) => {
  const folder = t.testdir();
  const asked: BrokerAsked = {};
  const broker = await startBroker(folder, asked);
  const home = makeHome(join(folder, 'home'), [destination(broker.port)]);
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  t.match(await hub.answerTo((await hub.outbox.state('home', state)).name), { outcome: 'done' });
  await broker.kill();
  await courier.said('the connection');
  const waiting = await hub.outbox.state('home', { ...state, camera: 'camera-2' });
  const again = await startBroker(folder, { ...asked, port: broker.port });
  t.teardown(() => again.kill());
  t.match(await hub.answerTo(waiting.name), { outcome: 'done' }, 'what waited is told');
  const listener = await Listener.open({ port: broker.port });
  t.teardown(() => listener.close());
  await listener.until(({ topic }) => topic === 'sallyport/camera-1/state');
  await listener.until(({ topic }) => topic === 'homeassistant/device/sallyport_camera-1/config');
  await listener.until(({ topic }) => topic === 'sallyport/camera-2/state');
  t.notOk(JSON.parse((await listener.until(({ topic }) => topic === 'homeassistant/device/sallyport_camera-2/config')).payload).components.privacy.command_topic, 'without `commands` nothing is offered to be ordered');
  const from = listener.messages.length;
  courier.child.kill('SIGKILL');
  t.equal((await listener.until(({ topic }) => topic === 'sallyport/available', from)).payload, 'offline');
});

t.test('a wrong password, a wrong certificate and a forbidden topic have their codes; a pin is believed; no password goes to whom it is not for', async (t) => {
  const folder = t.testdir();
  const tls = await certified(folder);
  const broker = await startBroker(folder, { login, tls, rights: ['user hub', 'topic write lamps/#', 'topic write homeassistant/#', 'topic read lamps/#'] });
  t.teardown(() => broker.kill());
  const url = `mqtts://127.0.0.1:${broker.port}`;
  const home = makeHome(join(folder, 'home'), [
    destination(0, { url, name: 'wrong-password', ca: tls.certificate }), destination(0, { url, name: 'wrong-authority' }), destination(0, { url, name: 'wrong-pin', pin: 'a'.repeat(64) }),
    destination(0, { url, name: 'right', pin: tls.pin, topic: 'lamps' }), destination(0, { url, name: 'forbidden', pin: tls.pin, topic: 'others', discovery: '' }),
  ], { 'wrong-password.login': 'hub\nanother', ...Object.fromEntries(['wrong-authority', 'wrong-pin', 'right', 'forbidden'].map((name) => [`${name}.login`, `${login.user}\n${login.password}`])) });
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  const answers = async (name: string) => hub.answerTo((await hub.outbox.state(name, state)).name);
  t.match(await answers('wrong-password'), { outcome: 'failed', code: 'SP_FAR_REFUSED' });
  t.match(await answers('wrong-authority'), { outcome: 'failed', code: 'SP_FAR_CERTIFICATE' });
  t.match(await answers('wrong-pin'), { outcome: 'failed', code: 'SP_FAR_CERTIFICATE' });
  t.match(await answers('right'), { outcome: 'done' });
  t.match(await answers('forbidden'), { outcome: 'failed', code: 'SP_FAR_REFUSED' });
  t.same([...new Set(broker.said.filter((line) => line.includes('New client connected')).map((line) => / as (\S+)/.exec(line)?.[1]))].toSorted(), ['sallyport-lamps', 'sallyport-others'], 'nobody else said who they are');
  t.notMatch(JSON.stringify(courier.lines), new RegExp(login.password), 'and the log has no password');
});
