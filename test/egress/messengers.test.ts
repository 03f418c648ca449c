import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { HttpDoor } from '../../src/egress/http.ts';
import { Ntfy, Webhook } from '../../src/egress/messengers.ts';
import type { NoticeMessage } from '../../src/policy/noticing.ts';
import { never, noPace } from './stores.ts';

const notices: readonly NoticeMessage[] = [
  { kind: 'person', camera: 'camera-2', atMs: Date.UTC(2026, 10, 24, 14, 32), id: 'a'.repeat(32) }, { kind: 'disk full', camera: undefined, atMs: Date.UTC(2026, 10, 24, 14, 33), id: 'b'.repeat(32) },
];

interface Seen { readonly request: IncomingMessage; readonly body: string; readonly bytes: Buffer }

/** A real HTTP server as the far end; answers as it is told. */
async function farEnd(answer: (seen: Seen, response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      seen.push({ request, body: Buffer.concat(pieces).toString(), bytes: Buffer.concat(pieces) });
      answer(seen.at(-1) as Seen, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const door = (path = '') => new HttpDoor({ origin: { name: 'phone', url: new URL(path, url) }, clock: systemClock, pace: noPace });
  return { seen, door, close: async () => { server.closeAllConnections(); await new Promise((resolve) => { server.close(resolve); }); } };
}

t.test('ntfy is told kind, alias, time and how many more, by its own format, and nothing else', async (t) => {
  const far = await farEnd((_, response) => response.end('{}'));
  t.teardown(far.close);
  const ntfy = new Ntfy({ door: far.door(), clock: systemClock, topic: new Secret('topic-of-ours'), token: new Secret('tk_secret') });
  const saidBytes = await ntfy.send(notices, 'm'.repeat(32), true, never);
  await ntfy.send(notices.slice(0, 1), 'n'.repeat(32), false, never);
  await ntfy.close();
  t.equal(saidBytes, Number(far.seen[0]?.request.headers['content-length']));
  t.same(far.seen.map(({ body }) => JSON.parse(body) as object), [
    { topic: 'topic-of-ours', title: 'Sallyport', message: 'person, camera-2, 14:32 UTC, no. aaaaaaaa (and 1 more)', priority: 5 }, { topic: 'topic-of-ours', title: 'Sallyport', message: 'person, camera-2, 14:32 UTC, no. aaaaaaaa', priority: 3 },
  ]);
  t.equal(far.seen[0]?.request.headers.authorization, 'Bearer tk_secret');
  t.same(Object.keys(far.seen[0]?.request.headers ?? {}).toSorted(), ['authorization', 'connection', 'content-length', 'content-type', 'host'], 'no header tells more');
});

t.test('an ntfy server gets a picture as an attachment whose name is the notice\'s number; one that takes none is told without', async (t) => {
  const picture = Buffer.alloc(4_296, 7);
  let status = 200;
  const far = await farEnd(({ request }, response) => { response.statusCode = request.method === 'PUT' ? status : 200; response.end('{}'); });
  t.teardown(far.close);
  const ntfy = new Ntfy({ door: far.door('/push'), clock: systemClock, topic: new Secret('topic of ours'), token: new Secret('tk_secret') });
  await ntfy.send([{ ...notices[0] as NoticeMessage, picture }, notices[1] as NoticeMessage], 'm'.repeat(32), true, never);
  const [put] = far.seen;
  t.same([put?.request.method, put?.request.url, put?.bytes.equals(picture)], ['PUT', '/push/topic%20of%20ours', true]);
  t.match(put?.request.headers, { title: 'Sallyport', message: 'person, camera-2, 14:32 UTC, no. aaaaaaaa (and 1 more)', priority: '5', filename: `${'a'.repeat(32)}.jpg.age`, authorization: 'Bearer tk_secret' });
  for (status of [400, 413, 507]) await ntfy.send([{ ...notices[0] as NoticeMessage, picture }], 'n'.repeat(32), false, never);
  t.same(far.seen.slice(1).map(({ request }) => request.method), ['PUT', 'POST', 'PUT', 'POST', 'PUT', 'POST'], 'told without');
  status = 503;
  await t.rejects(ntfy.send([{ ...notices[0] as NoticeMessage, picture }], 'o'.repeat(32), false, never), { code: 'SP_FAR_BUSY' }, 'a server that is busy is asked again');
  await ntfy.close();
});

/** A receiver as docs/FORMAT.md describes it. */
class Receiver {
  readonly #key: string;
  readonly #messages = new Set<string>();
  constructor(key: string) { this.#key = key; }

  accepts(header: string | undefined, body: string, nowMs: number): boolean {
    const [, time, signature] = /^t=(\d{1,15}),v1=([0-9a-f]{64})$/.exec(header ?? '') ?? [];
    if (time === undefined || signature === undefined || Math.abs(nowMs - Number(time)) > 5 * 60_000) return false;
    const right = createHmac('sha256', this.#key).update(`${time}.${body}`).digest();
    if (!timingSafeEqual(right, Buffer.from(signature, 'hex'))) return false;
    const { message } = JSON.parse(body) as { message: string };
    if (this.#messages.has(message)) return false;
    this.#messages.add(message);
    return true;
  }
}

t.test('a webhook is signed: its receiver takes it once, and neither altered, nor late, nor again, nor under another key', async (t) => {
  const far = await farEnd((_, response) => { response.statusCode = 204; response.end(); });
  t.teardown(far.close);
  const hook = new Webhook({ door: far.door('/hook/in'), clock: systemClock, key: new Secret('the key') });
  await hook.send(notices, 'c'.repeat(32), false, never);
  await hook.close();
  const [{ request, body } = { request: undefined, body: '' }] = far.seen;
  t.equal(request?.url, '/hook/in');
  t.same(JSON.parse(body), {
    v: 1, message: 'c'.repeat(32), urgent: false,
    notices: [{ kind: 'person', camera: 'camera-2', at_ms: notices[0]?.atMs, id: 'a'.repeat(32) }, { kind: 'disk full', at_ms: notices[1]?.atMs, id: 'b'.repeat(32) }],
  });
  const signature = request?.headers['sallyport-signature'] as string;
  const now = Date.now();
  const receiver = new Receiver('the key');
  t.notOk(receiver.accepts(signature, body.replace('person', 'motion'), now), 'altered');
  t.notOk(receiver.accepts(signature.replace(/t=\d/, (begin) => (begin === 't=1' ? 't=2' : 't=1')), body, now), 'another time');
  t.notOk(receiver.accepts(signature, body, now + 6 * 60_000), 'late');
  t.notOk(new Receiver('another key').accepts(signature, body, now), 'under another key');
  t.ok(receiver.accepts(signature, body, now));
  t.notOk(receiver.accepts(signature, body, now), 'again');
});

t.test('what a notice\'s far end says has its code', async (t) => {
  for (const [status, headers, code] of [[401, {}, 'SP_FAR_REFUSED'], [429, { 'Retry-After': '3' }, 'SP_FAR_BUSY'], [500, {}, 'SP_FAR_BUSY'], [302, { Location: 'http://127.0.0.1:9/' }, 'SP_FAR_REDIRECT'], [404, {}, 'SP_FAR_MISSING']] as const) {
    const far = await farEnd((_, response) => { response.writeHead(status, headers); response.end(); });
    for (const messenger of [new Ntfy({ door: far.door(), clock: systemClock, topic: new Secret('t'), token: undefined }), new Webhook({ door: far.door(), clock: systemClock, key: new Secret('k') })]) {
      await t.rejects(messenger.send(notices, 'c'.repeat(32), false, never), { code }, `${status}`);
      await messenger.close();
    }
    t.equal(far.seen.length, 2, 'nobody else was asked');
    await far.close();
  }
});
