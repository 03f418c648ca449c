import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { callHub } from '../../src/cli/control.ts';
import { Vault } from '../../src/vault/vault.ts';
import { TestSite, quickConfig, shortFolder } from '../e2e/site.ts';
import { startCourier, type Home } from './kit.ts';
import { Listener, publish, startBroker } from './mosquitto.ts';

const login = { user: 'hub', password: 'a-password' };

t.test('an alarm rings the phone and shows at the broker; from there the house can be made private and a camera be turned, and nothing else', async (t) => {
  const folder = await shortFolder(t);
  const bodies: { readonly topic?: string; readonly message: string; readonly attachment?: Buffer; readonly filename?: string }[] = [];
  let came: () => void = () => {};
  const sink = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      bodies.push(request.method === 'PUT' ? { message: String(request.headers['message']), attachment: body, filename: String(request.headers['filename']) } : JSON.parse(body.toString()) as typeof bodies[number]);
      response.end('{}');
      came();
    });
  }).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  t.teardown(() => { sink.closeAllConnections(); sink.close(); });
  const said = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = bodies.find(({ message }) => pattern.test(message));
      if (found !== undefined) return found.message;
      await new Promise<void>((resolve) => { came = resolve; });
    }
  };
  mkdirSync(join(folder, 'broker'));
  const broker = await startBroker(join(folder, 'broker'), { login });
  t.teardown(() => broker.kill());
  const home: Home = { folder, outbox: join(folder, 'outbox'), state: join(folder, 'state'), config: join(folder, 'outbox', 'destinations.json'), credentials: join(folder, 'credentials') };
  for (const path of [home.outbox, join(home.outbox, 'out'), home.state, home.credentials]) mkdirSync(path, { recursive: true });
  for (const [name, text] of [['phone.topic', 'our-topic'], ['home.login', `${login.user}\n${login.password}`]] as const) writeFileSync(join(home.credentials, name), text, { mode: 0o600 });

  const alarm = '[[alarm]]\nname = "Anybody"\nkinds = ["person"]\nkeep = "1 hour"\nafter = "0 seconds"\n';
  const site = await TestSite.start(t, { folder, emulator: { ptz: true }, config: quickConfig({ more: alarm }), environment: { SALLYPORT_OUTBOX: home.outbox, SALLYPORT_COURIER: 'service' } });
  const [camera] = site.cameras;
  const tell = (order: { act: 'save'; place: string } | { act: 'move'; pan: number; tilt: number; zoom: number; seconds: number }) => callHub(join(site.data, 'control.sock'), 'camera', { camera: camera!.name, order });
  await tell({ act: 'save', place: 'Anna\'s gate' });
  await tell({ act: 'move', pan: 0.5, tilt: 0, zoom: 0, seconds: 0.2 });
  const turned = camera!.looksAt?.pan;

  writeFileSync(site.config, quickConfig({ more: `${alarm}
[[destination]]
name = "phone"
purpose = "to hear of it"
kind = "ntfy"
url = "http://127.0.0.1:${(sink.address() as AddressInfo).port}"
group = "0 seconds"
picture = true
[[destination]]
name = "home"
purpose = "lamps"
kind = "mqtt"
url = "mqtt://127.0.0.1:${broker.port}"
kinds = ["person", "disk full"]
commands = true
` }));
  process.kill(site.hub!.pid, 'SIGHUP');
  const { pending } = await site.until((status) => status.pending.length === 2);
  t.match(pending.map(({ text }) => text).join('\n'), /whoever may write there may make spaces private and turn cameras/, 'the owner reads what it lets in');
  t.match(pending.map(({ text }) => text).join('\n'), /phone .* with each alarm its small picture, sealed to the key of its day/, 'and what goes along');
  // That something is sealed makes no new state; the first one is to say it.
  await site.until(({ cameras }) => (cameras[0]?.segmentsSealed ?? 0) > 0);
  for (const { id } of pending) await site.call(['accept', id, '--identity', site.kit, '--config', site.config]);
  while (!existsSync(home.config) || !/"home".*"phone"|"phone".*"home"/.test(readFileSync(home.config, 'utf8'))) await systemClock.sleep(50);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  const door = { port: broker.port, login };
  const listener = await Listener.open(door, 'sallyport/#');
  t.teardown(() => listener.close());
  const state = (fits: (state: Record<string, string>) => boolean, from = 0) => listener.until(({ topic, payload }) => topic === 'sallyport/camera-1/state' && fits(JSON.parse(payload) as Record<string, string>), from);
  const first = JSON.parse((await state(({ online, sealed }) => online === 'ON' && sealed !== null)).payload) as object;
  t.same(Object.keys(first).toSorted(), ['online', 'person', 'private', 'sealed'], 'of what it is not to be told it is not told');
  t.match(await said(/new destination/), /^new destination, \d\d:\d\d UTC, no\. [0-9a-f]{8}( \(and \d more\))?$/);

  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working');
  camera!.raise('person', true);
  t.match(await said(/^person/), /^person, camera-1, \d\d:\d\d UTC, no\. [0-9a-f]{8}$/);
  const pictured = bodies.find(({ message }) => message.startsWith('person'));
  t.match(pictured?.attachment?.subarray(0, 21).toString('latin1'), 'age-encryption.org/v1', 'with its picture, sealed');
  t.match(pictured?.message, `no. ${pictured?.filename?.slice(0, 8)}`);
  const shown = listener.messages.length;
  await state(({ person }) => person === 'ON');
  const event = JSON.parse((await listener.until(({ topic }) => topic === 'sallyport/notice')).payload) as Record<string, string>;
  t.match(event, { event_type: 'person', camera: 'camera-1' });
  camera!.raise('person', false);
  await state(({ person }) => person === 'OFF', shown);

  await publish(door, 'sallyport/camera-1/place/set', 'place-1');
  while (camera!.looksAt?.pan === turned) await systemClock.sleep(50);
  t.not(camera!.looksAt?.pan, turned, 'it looks where it was told to');
  // It hears by now. What is no order is dropped by the courier itself; the hub's ledger has it all the same.
  for (const odd of ['UNLOCK', 'on']) await publish(door, 'sallyport/camera-1/privacy/set', odd);
  await publish(door, 'sallyport/camera-1/place/set', 'place-7');
  await publish(door, 'sallyport/camera-9/privacy/set', 'ON');
  await publish(door, 'sallyport/camera-1/privacy/set', 'ON');
  await site.until(({ cameras }) => cameras[0]?.privacy === true);
  const before = listener.messages.length;
  await state((one) => one['private'] === 'ON' && one['online'] === 'OFF', 0);
  await publish(door, 'sallyport/camera-1/privacy/set', 'OFF');
  await state((one) => one['private'] === 'ON', before);
  t.match((await site.status()).cameras[0], { privacy: true }, 'it stays as it was');
  // What was heard has its answer.
  while (!site.log.some((line) => line.includes('"outcome":"lowers privacy"'))) await systemClock.sleep(50);
  const unheard = join(home.outbox, 'back', 'commands');
  while (readdirSync(unheard).length > 0) await systemClock.sleep(50);

  while (!(await site.call(['egress', '--config', site.config])).includes('SP_ORDERS_DROPPED')) await systemClock.sleep(500);
  await courier.stop();
  await site.stop();
  const vault = await Vault.open({ folder: site.data, clock: systemClock, log: silentLog, hubName: 'Test' });
  t.teardown(() => vault.close());
  const lines = await vault.far.lines({ limit: 1000 });
  const heard = lines.filter(({ kind }) => kind === 'heard').map((line) => line.class).toSorted();
  t.same(heard, ['done', 'done', 'failed', 'lowers privacy', 'unknown'], 'each order that came has its line');
  t.ok(lines.some(({ kind, class: klass, destination, outcome }) => kind === 'notice' && klass === 'person' && destination === 'phone' && outcome === 'done'));
  t.match(lines.filter(({ kind }) => kind === 'dropped'), [{ destination: 'home', purpose: 'lamps', class: 'odd', outcome: 'failed', code: 'SP_ORDERS_DROPPED', reason: /^[12] dropped: they were no orders of now/, camera: '' }], 'counted, and nothing of what they said');
  t.notMatch(JSON.stringify(lines), /UNLOCK/);
  t.notOk(lines.some(({ kind }) => kind === 'state'), 'states are counted, not listed');
  t.ok((await vault.far.ledgerSums(0)).some(({ kind, orders }) => kind === 'state' && orders > 2));
  t.notMatch(JSON.stringify([listener.messages, bodies]), /Anna|front-door|Anybody|our-topic.*our-topic.*front/, 'no name has left');
  t.equal(bodies[0]?.topic, 'our-topic');
});
