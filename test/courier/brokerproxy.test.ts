/** A broker behind a proxy: it is reached through it, or not at all. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Broker } from '../../src/egress/mqtt.ts';
import { randomName } from '../../src/outbox/out.ts';
import type { CameraState } from '../../src/policy/presence.ts';
import { proxyIn } from '../egress/connectproxy.ts';
import { HubSide, makeHome, startCourier } from './kit.ts';
import { Listener, publish, startBroker } from './mosquitto.ts';

const login = { user: 'hub', password: 'a-password' };
const state: CameraState = { camera: 'camera-1', atMs: Date.UTC(2026, 10, 24, 5), online: true, private: false, shown: ['motion'], seen: [] };

async function certified(folder: string): Promise<{ certificate: string; key: string; pin: string }> {
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=broker', '-addext', 'subjectAltName=IP:127.0.0.1']);
  if (made.status !== 0) throw new Error(made.stderr);
  return { certificate, key, pin: new X509Certificate(readFileSync(certificate)).fingerprint256.replaceAll(':', '').toLowerCase() };
}

t.test('states, notices and orders go through a proxy, under the broker\'s own certificate; it sees host, port and TLS', async (t) => {
  const folder = t.testdir();
  const tls = await certified(folder);
  const broker = await startBroker(folder, { login, tls });
  t.teardown(() => broker.kill());
  const proxy = await proxyIn(t);
  const home = makeHome(join(folder, 'home'), [{ name: 'home', kind: 'mqtt', url: `mqtts://127.0.0.1:${broker.port}`, ca: tls.certificate, proxy: proxy.url.origin, commands: true }], {
    'home.login': `${login.user}\n${login.password}\n`, 'home.proxy': 'house\nopen-sesame\n',
  });
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  t.match(await hub.answerTo((await hub.outbox.state('home', state)).name), { outcome: 'done' });
  t.match(await hub.answerTo((await hub.outbox.notice('home', { kind: 'disk full', camera: undefined, atMs: state.atMs, id: randomName() })).name), { outcome: 'done' });
  const listener = await Listener.open({ port: broker.port, login, ca: tls.certificate }, 'sallyport/#');
  t.teardown(() => listener.close());
  await listener.until(({ topic }) => topic === 'sallyport/camera-1/state');
  await publish({ port: broker.port, login, ca: tls.certificate }, 'sallyport/camera-1/privacy/set', 'UNLOCK');
  t.match(await courier.said('an order that came was dropped'), /no orders/, 'what is said there comes back by the same way');
  t.same(proxy.asked, [{ where: `127.0.0.1:${broker.port}`, login: `Basic ${Buffer.from('house:open-sesame').toString('base64')}` }], 'one connection');
  const seen = Buffer.concat(proxy.passed);
  t.ok(seen.length > 1000, 'control: it passed there');
  for (const marker of ['sallyport', 'camera-1', 'disk full', 'UNLOCK', login.password]) t.notOk(seen.includes(marker), marker);
  const end = listener.messages.length;
  t.equal((await courier.stop()).status, 0);
  t.equal((await listener.until(({ topic }) => topic === 'sallyport/available', end)).payload, 'offline', 'it takes its leave');
  t.match(broker.said.join('\n'), /Received DISCONNECT from sallyport-sallyport/, 'in due form');
  t.notMatch(JSON.stringify(courier.lines), /a-password|open-sesame/);
});

t.test('a proxy that wants a login, reaches nobody, is silent, is none, speaks too early, ends TLS itself or is not there: its code, and the broker hears of nobody', async (t) => {
  const folder = t.testdir();
  const tls = await certified(folder);
  const broker = await startBroker(folder, { login, tls });
  t.teardown(() => broker.kill());
  // Of a port that was somebody's a moment ago.
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const nobody = new URL(`http://127.0.0.1:${(gone.address() as AddressInfo).port}`);
  await new Promise((resolve) => { gone.close(resolve); });
  const refuses = await proxyIn(t, { status: 407 });
  const joins = await proxyIn(t);
  for (const [what, url, code, says, pin] of [
    ['it wants a login', refuses.url, 'SP_FAR_REFUSED', /its proxy.*407/],
    ['it forbids', (await proxyIn(t, { status: 403 })).url, 'SP_FAR_REFUSED', /its proxy.*403/],
    ['it reaches nobody', (await proxyIn(t, { status: 502 })).url, 'SP_FAR_UNREACHABLE', /its proxy: status 502/],
    ['it is silent', (await proxyIn(t, { silent: true })).url, 'SP_FAR_UNREACHABLE', /its proxy does not answer/],
    ['it speaks no HTTP', (await proxyIn(t, { says: 'SSH-2.0-OpenSSH_9.6\r\n' })).url, 'SP_FAR_UNREACHABLE', /its proxy: Parse Error/],
    ['it hangs up', (await proxyIn(t, { says: '' })).url, 'SP_FAR_UNREACHABLE', /its proxy: /],
    ['it speaks before the broker does', (await proxyIn(t, { early: true })).url, 'SP_FAR_UNREACHABLE', /its proxy: it speaks before/],
    ['it is not there', nobody, 'SP_FAR_UNREACHABLE', /its proxy: /],
    ['somebody else is behind it', joins.url, 'SP_FAR_CERTIFICATE', /not the pinned one/, 'a'.repeat(64)],
  ] as const) {
    let failed: (line: string) => void = () => {};
    const warned = new Promise<string>((resolve) => { failed = resolve; });
    const one = new Broker({
      origin: { name: 'home', url: new URL(`mqtts://127.0.0.1:${broker.port}`), proxy: { url }, pin: pin ?? tls.pin }, login: undefined, client: 'hub', will: { topic: 'x', payload: '', retain: false }, topics: [],
      clock: systemClock, log: { ...silentLog, warn: (_about: unknown, line: string) => failed(line) } as typeof silentLog, random: () => 0, onUp: async () => {}, onMessage: () => {}, patienceMs: 500,
    });
    one.start();
    t.match(await warned, says, what);
    t.equal(one.problem?.code, code, what);
    await t.rejects(one.publish({ topic: 'x', payload: 'y', retain: false }, new AbortController().signal), { code }, what);
    await one.close();
  }
  t.equal(joins.asked.length, 1, 'control: one was joined through to the broker');
  t.notMatch(broker.said.join('\n'), /New client connected/, 'and nobody said who they are');
  t.equal(broker.said.filter((line) => line.includes('New connection from')).length, 2, 'what came at all came through the proxies that joined');
});

t.test('while a proxy is silent, the courier can be stopped', async (t) => {
  const folder = t.testdir();
  const proxy = await proxyIn(t, { silent: true });
  const home = makeHome(folder, [{ name: 'home', kind: 'mqtt', url: 'mqtts://192.0.2.1:8883', proxy: proxy.url.origin }]);
  await HubSide.open(home);
  const courier = await startCourier(home);
  while (proxy.asked.length === 0) await systemClock.sleep(20);
  t.equal((await courier.stop()).status, 0);
});
