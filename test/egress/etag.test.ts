/** What goes out by one lent buffer arrives as it was. What a WebDAV server's ETag proves: a hash of what it has written does; what only looks like one does not, and one of other bytes is found by reading back. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { HttpDoor } from '../../src/egress/http.ts';
import { Pace } from '../../src/egress/pace.ts';
import { WebdavStore, type WebdavOptions } from '../../src/egress/webdav.ts';
import { keysOf, never, noPace, objectName, partBytes, putOf, s3StoreAt, stubByTls, webdavFar } from './stores.ts';

const login = { user: 'sally', password: new Secret('port') };

/** WebDAV as far as a put needs it. `etag`: of what it has written; `keeps`: what it makes of what comes. */
async function serve(t: Test, { etag, keeps = (bytes) => bytes }: { etag: (bytes: Buffer) => string; keeps?: (bytes: Buffer) => Buffer }): Promise<{ url: URL; asked: string[] }> {
  const files = new Map<string, Buffer>();
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const { method = '', url = '' } = request;
    asked.push(method);
    const held = files.get(url);
    if (method === 'MKCOL') return void response.writeHead(201).end();
    if (method === 'PUT') {
      const bytes = keeps(Buffer.concat(pieces));
      files.set(url, bytes);
      return void response.writeHead(201, { ETag: etag(bytes) }).end();
    }
    if (held === undefined) return void response.writeHead(404).end();
    if (method === 'MOVE') {
      files.delete(url);
      files.set(new URL(String(request.headers['destination'])).pathname, held);
      return void response.writeHead(201).end();
    }
    if (method === 'DELETE') {
      files.delete(url);
      return void response.writeHead(204).end();
    }
    if (method === 'PROPFIND') return void response.writeHead(207).end(`<D:multistatus xmlns:D="DAV:"><D:response><D:href>${url}</D:href><D:propstat><D:prop><D:getcontentlength>${held.length}</D:getcontentlength></D:prop></D:propstat></D:response></D:multistatus>`);
    response.writeHead(200, { 'Content-Length': String(held.length) }).end(method === 'HEAD' ? undefined : held);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.teardown(() => { server.closeAllConnections(); server.close(); });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), asked };
}

function storeAt(t: Test, url: URL, o: { readBack?: WebdavOptions['readBack']; mayGet?: boolean } = {}): WebdavStore {
  const door = new HttpDoor({ origin: { name: 'dav', url }, clock: systemClock, pace: noPace });
  const store = new WebdavStore({ door, clock: systemClock, logins: { put: login, delete: login, ...(o.mayGet === false ? {} : { get: login }) }, readBack: o.readBack ?? 'unless hashed' });
  t.teardown(() => store.close());
  return store;
}

const hashOf = (algorithm: string) => (bytes: Buffer): string => `"${createHash(algorithm).update(bytes).digest('hex')}"`;

t.test('the real server that hashes: what was put is proven, and nothing is read back, unless it is wished for', async (t) => {
  for (const etagHash of ['MD5', 'SHA-1'] as const) for (const [readBack, proof] of [['unless hashed', 'checksum'], ['never', 'checksum'], ['always', 'read back']] as const) {
    const far = await webdavFar(t.testdir(), { etagHash, readBack });
    t.equal(await far.store.put(putOf(objectName(), randomBytes(300_000)).put, never), proof, `${etagHash}, ${readBack}`);
    await far.close();
  }
});

t.test('a hash that agrees needs no right to get, and no byte that comes back', async (t) => {
  for (const algorithm of ['md5', 'sha1', 'sha256']) {
    const { url, asked } = await serve(t, { etag: hashOf(algorithm) });
    t.equal(await storeAt(t, url, { mayGet: false }).put(putOf(objectName(), randomBytes(100_000)).put, never), 'checksum', algorithm);
    t.equal(await storeAt(t, url).put(putOf(objectName(), randomBytes(100_000)).put, never), 'checksum', algorithm);
    t.notOk(asked.includes('GET'));
  }
});

t.test('an ETag that only looks like a hash proves nothing: it is read back, and where it may not be, the size is all', async (t) => {
  for (const etag of [() => `"${randomBytes(16).toString('hex')}"`, () => `W/${hashOf('md5')(Buffer.from('x'))}`, () => '"v1"']) {
    const { url, asked } = await serve(t, { etag });
    const store = storeAt(t, url);
    for (let n = 0; n < 5; n++) t.equal(await store.put(putOf(objectName(), randomBytes(5000)).put, never), 'read back');
    t.equal(asked.filter((method) => method === 'GET').length, 5);
    t.equal(await storeAt(t, url, { mayGet: false }).put(putOf(objectName(), randomBytes(5000)).put, never), 'size');
  }
});

t.test('a server that has written other bytes, and tells their hash, is found out', async (t) => {
  const { url } = await serve(t, { etag: hashOf('md5'), keeps: (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]) });
  await t.rejects(storeAt(t, url).put(putOf(objectName(), randomBytes(5000)).put, never), { code: 'SP_FAR_CHECKSUM' });
});

t.test('one that has written less than it hashed is found out by its length', async (t) => {
  const sent = new Map<number, Buffer>();
  const { url } = await serve(t, { etag: () => hashOf('md5')(sent.get(0) ?? Buffer.alloc(0)), keeps: (bytes) => { sent.set(0, bytes); return bytes.subarray(0, 100); } });
  await t.rejects(storeAt(t, url).put(putOf(objectName(), randomBytes(5000)).put, never), { code: 'SP_FAR_ANSWER' });
});

t.test('many pieces of one buffer arrive in order and whole, over TLS and by a slow line too', async (t) => {
  const { stub, pin } = await stubByTls(t, t.testdir());
  for (const pace of [noPace, new Pace(systemClock, 64 * 2 ** 20)]) {
    const store = s3StoreAt(stub.url, keysOf(stub), { pin, pace });
    const [object, bytes] = [objectName(), randomBytes(partBytes - 7)];
    t.equal(await store.put(putOf(object, bytes).put, never), 'checksum');
    t.ok(stub.objects.get(object)?.bytes.equals(bytes));
    await store.close();
  }
});
