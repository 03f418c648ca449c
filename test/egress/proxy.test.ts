/** A proxy joins the TLS connection through, and is told no more than where to. */
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { asSallyportError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { HttpDoor } from '../../src/egress/http.ts';
import type { Origin } from '../../src/egress/line.ts';
import { S3Store } from '../../src/egress/s3.ts';
import { portsOf, hostsOf, readDestinations } from '../../src/policy/destinations.ts';
import { proxyIn } from './connectproxy.ts';
import { keysOf, never, noPace, objectName, partBytes, putOf, stubByTls } from './stores.ts';

async function farIn(t: Test) {
  const { stub, cert, pin } = await stubByTls(t, t.testdir());
  const keys = keysOf(stub);
  const open = (origin: Partial<Origin>): S3Store => new S3Store({
    door: new HttpDoor({ origin: { name: 's3', url: new URL(stub.url), ca: cert, ...origin }, clock: systemClock, pace: noPace, stallMs: 500 }), clock: systemClock, region: 'garage', prefix: '', keys, readBack: false, partBytes,
  });
  return { stub, open, pin };
}

t.test('what goes through a proxy arrives whole, under the destination\'s own certificate; the proxy sees host, port and TLS', async (t) => {
  const { stub, open } = await farIn(t);
  const proxy = await proxyIn(t);
  const store = open({ proxy: { url: proxy.url, login: { user: 'house', password: new Secret('open sesame') } } });
  t.teardown(() => store.close());
  const bytes = Buffer.concat([Buffer.from('a marker that a proxy could read'), randomBytes(300_000)]);
  const object = objectName();
  t.equal(await store.put(putOf(object, bytes).put, never), 'checksum');
  t.ok(stub.objects.get(object)?.bytes.equals(bytes));
  t.equal(proxy.asked[0]?.where, new URL(stub.url).host);
  t.equal(proxy.asked[0]?.login, `Basic ${Buffer.from('house:open sesame').toString('base64')}`);
  const seen = Buffer.concat(proxy.passed);
  t.ok(seen.length > bytes.length, 'control: everything passed it');
  for (const marker of ['a marker that a proxy', object, 'Authorization', 'PUT ']) t.notOk(seen.includes(marker), marker);
});

t.test('a pin holds through a proxy: one that ends TLS itself gets nothing', async (t) => {
  const { stub, open, pin } = await farIn(t);
  const proxy = await proxyIn(t);
  const right = open({ pin, proxy: { url: proxy.url } });
  t.equal(await right.put(putOf(objectName(), randomBytes(10)).put, never), 'checksum');
  await right.close();
  const before = stub.requests.length;
  const wrong = open({ pin: '0'.repeat(64), proxy: { url: proxy.url } });
  t.equal(asSallyportError(await wrong.put(putOf(objectName(), randomBytes(10)).put, never).catch((error: unknown) => error)).code, 'SP_FAR_CERTIFICATE');
  await wrong.close();
  t.equal(stub.requests.length, before);
});

t.test('a proxy that refuses, is silent, speaks too early or is not there is told, and nothing goes around it', async (t) => {
  const { stub, open } = await farIn(t);
  const gone = await proxyIn(t);
  for (const [what, url, code, says] of [
    ['it wants a login', (await proxyIn(t, { status: 407 })).url, 'SP_FAR_REFUSED', /407/],
    ['it reaches nobody', (await proxyIn(t, { status: 502 })).url, 'SP_FAR_UNREACHABLE', /its proxy: status 502/],
    ['it speaks no HTTP', (await proxyIn(t, { says: 'SSH-2.0-OpenSSH_9.6\r\n' })).url, 'SP_FAR_UNREACHABLE', /its proxy: Parse Error/],
    ['it goes away', (await proxyIn(t, { says: '' })).url, 'SP_FAR_UNREACHABLE', /its proxy/],
    ['it is silent', (await proxyIn(t, { silent: true })).url, 'SP_FAR_UNREACHABLE', /its proxy|nothing moved/],
    ['it speaks before the destination does', (await proxyIn(t, { early: true })).url, 'SP_FAR_UNREACHABLE', /proxy/],
    ['it is not there', new URL('http://127.0.0.1:9'), 'SP_FAR_UNREACHABLE', /its proxy/],
  ] as const) {
    const store = open({ proxy: { url } });
    await t.rejects(store.put(putOf(objectName(), randomBytes(10)).put, never), { code, message: says }, what);
    await store.close();
  }
  t.same(gone.asked, []);
  t.equal(stub.requests.length, 0, 'the destination heard of none of them');
});

t.test('with a proxy the courier connects to it alone, and only TLS goes through', async (t) => {
  const s3 = { name: 's3', purpose: 'x', kind: 's3', url: 'https://store.example', bucket: 'bucket', proxy: 'http://proxy.lan:3128' };
  const read = (...destinations: object[]) => readDestinations(JSON.stringify({ v: 1, destinations }));
  t.same(portsOf(read(s3)), [53, 3128]);
  t.same(hostsOf(read(s3)), ['proxy.lan']);
  t.same(hostsOf(read(s3, { ...s3, name: 'two', proxy: undefined })), ['proxy.lan', 'store.example']);
  const broker = { name: 'home', purpose: 'x', kind: 'mqtt', url: 'mqtts://broker.example', proxy: 'http://proxy.lan:3128' };
  t.same(portsOf(read(broker)), [53, 3128], 'a broker, too');
  t.same(hostsOf(read(broker)), ['proxy.lan']);
  t.throws(() => read({ ...s3, url: 'http://127.0.0.1:80' }), /https/);
  t.throws(() => read({ ...broker, url: 'mqtt://127.0.0.1:1883' }), /mqtts/);
  for (const proxy of ['https://proxy.lan:1', 'http://proxy.lan', 'http://a:b@proxy.lan:1', 'http://proxy.lan:1/x', 'http://proxy.lan:99999', 'socks://proxy.lan:1', '']) t.throws(() => read({ ...s3, proxy }), /proxy/, proxy);
});
