import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { asSallyportError, type ErrorCode } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { run } from '../../src/base/spawn.ts';
import { FolderStore } from '../../src/egress/folder.ts';
import { HttpDoor } from '../../src/egress/http.ts';
import { openLine } from '../../src/egress/line.ts';
import { Pace } from '../../src/egress/pace.ts';
import { WebdavStore } from '../../src/egress/webdav.ts';
import { S3Stub, type Fault, type Right } from './s3stub.ts';
import { keysOf, never, noPace, objectName, partBytes, putOf, s3StoreAt, serveWebdav, stubByTls } from './stores.ts';

async function stubbed(o: Parameters<typeof S3Stub.start>[0] & { rights?: readonly Right[]; readBack?: boolean; stallMs?: number } = {}) {
  const stub = await S3Stub.start(o);
  const store = s3StoreAt(stub.url, keysOf(stub, o.rights), { readBack: o.readBack ?? false, stallMs: o.stallMs ?? 30_000 });
  return { stub, store, close: async () => { await store.close(); await stub.close(); } };
}

t.test('each fault of a far end has its code, and the next try brings the object once and whole', async (t) => {
  const { stub, store, close } = await stubbed({ stallMs: 300 });
  t.teardown(close);
  const faults: readonly (readonly [fault: Omit<Fault, 'times'>, code: ErrorCode])[] = [
    [{ does: 'status', status: 503, headers: { 'Retry-After': '7' } }, 'SP_FAR_BUSY'],
    [{ does: 'status', status: 500 }, 'SP_FAR_BUSY'],
    [{ does: 'status', status: 429 }, 'SP_FAR_BUSY'],
    [{ does: 'status', status: 507 }, 'SP_FAR_FULL'],
    [{ does: 'status', status: 403 }, 'SP_FAR_REFUSED'],
    [{ does: 'status', status: 418 }, 'SP_FAR_ANSWER'],
    [{ does: 'early refusal', status: 403 }, 'SP_FAR_REFUSED'],
    [{ does: 'reset', afterBytes: 0 }, 'SP_FAR_UNREACHABLE'],
    [{ does: 'reset', afterBytes: 70_000 }, 'SP_FAR_UNREACHABLE'],
    [{ does: 'stall' }, 'SP_FAR_UNREACHABLE'],
    [{ does: 'half answer' }, 'SP_FAR_UNREACHABLE'],
    [{ does: 'redirect' }, 'SP_FAR_REDIRECT'],
    [{ does: 'redirect', status: 302 }, 'SP_FAR_REDIRECT'],
    [{ does: 'endless answer' }, 'SP_FAR_ANSWER'],
    [{ does: 'no http' }, 'SP_FAR_ANSWER'],
    [{ does: 'spoil' }, 'SP_FAR_ANSWER'],
  ];
  for (const [fault, code] of faults) {
    const what = `${fault.does} ${fault.status ?? ''} ${fault.afterBytes ?? ''}`;
    const bytes = randomBytes(300_000);
    const object = objectName();
    stub.faults.push({ ...fault, method: 'PUT', times: 1 });
    const error = asSallyportError(await store.put(putOf(object, bytes).put, never).then(() => undefined, (reason: unknown) => reason));
    t.equal(error.code, code, `${what}: ${error.message}`);
    if (fault.headers !== undefined) t.equal(error.evidence['waitMs'], 7000);
    t.equal(await store.put(putOf(object, bytes, { again: true }).put, never), 'checksum', what);
    t.ok(stub.objects.get(object)?.bytes.equals(bytes), what);
    t.equal(stub.stored.get(object), 1, `${what}: stored once`);
  }
  t.notOk(stub.requests.some(({ path }) => path.includes('elsewhere')));
});

t.test('a far end that begins no TLS is left: the connection does not stay', async (t) => {
  const closed: Promise<unknown>[] = [];
  const server = createTcpServer((socket) => { closed.push(once(socket.resume(), 'close')); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const door = new HttpDoor({ origin: { name: 's3', url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`) }, clock: systemClock, pace: noPace, stallMs: 200 });
  t.teardown(() => door.close());
  const error = asSallyportError(await door.ask({ method: 'GET', path: '/' }, never).then(() => undefined, (reason: unknown) => reason));
  t.equal(error.code, 'SP_FAR_UNREACHABLE');
  t.equal(closed.length, 1);
  await Promise.all(closed);
});

t.test('a greeting that drips is not waited for longer than one that does not come', async (t) => {
  const server = createTcpServer((socket) => {
    // A record of TLS that goes on coming.
    socket.on('error', () => {}).resume().write(Buffer.from([22, 3, 3, 64, 0]));
    const drip = setInterval(() => socket.write(Buffer.from([2])), 20);
    socket.on('close', () => clearInterval(drip));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await t.rejects(openLine({ name: 's3', url }, 200), { message: /does not begin to speak TLS/ });
});

t.test('a far end that begins to speak something else than HTTP is left, and the next is asked as if nothing had been', async (t) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const door = new HttpDoor({ origin: { name: 's3', url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) }, clock: systemClock, pace: noPace, socketsMax: 1 });
  t.teardown(() => door.close());
  for (const body of [undefined, randomBytes(300_000), undefined]) {
    await t.rejects(door.ask({ method: 'PUT', path: '/', ...(body === undefined ? {} : { body }) }, never), { code: 'SP_FAR_ANSWER', message: /something else than HTTP/ });
  }
});

t.test('an answer that drips for ever is cut', async (t) => {
  const { stub, store, close } = await stubbed();
  t.teardown(close);
  stub.faults.push({ does: 'drip', times: 1 });
  // The real clock, whose minutes pass in a moment once the request is out.
  let ahead = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + ahead, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal) };
  const door = new HttpDoor({ origin: { name: 's3', url: new URL(stub.url) }, clock, pace: noPace, stallMs: 600_000 });
  const asked = door.ask({ method: 'GET', path: '/x', answerBytesMax: 1000 }, never);
  asked.catch(() => {});
  while (stub.requests.length === 0) await systemClock.sleep(5);
  await systemClock.sleep(30);
  ahead = 61_000;
  await t.rejects(asked, { code: 'SP_FAR_UNREACHABLE', message: /does not come to an end/ });
  door.close();
  await store.close();
});

t.test('a store that spoils what it stores is found out, by checksum or by reading back', async (t) => {
  for (const [what, o, large] of [
    ['checksums', {}, false], ['ETags alone', { checksums: false }, false], ['parts', {}, true], ['parts by ETags', { checksums: false }, true],
  ] as const) {
    const { stub, store, close } = await stubbed(o);
    const bytes = randomBytes(large ? partBytes + 1000 : 1000);
    stub.faults.push({ does: 'spoil', method: 'PUT', times: 1 });
    const code = asSallyportError(await store.put(putOf(objectName(), bytes).put, never).catch((error: unknown) => error)).code;
    // The body's own hash is signed, so a spoiled one is refused there, or its checksum is another here.
    t.match(code, /^SP_FAR_(ANSWER|CHECKSUM|REFUSED)$/, what);
    await close();
  }
  for (const large of [false, true]) {
    const { stub, store, close } = await stubbed({ readBack: true });
    const object = objectName();
    stub.faults.push({ does: 'lie', method: 'PUT', times: 1 });
    await t.rejects(store.put(putOf(object, randomBytes(large ? partBytes + 1000 : 1000)).put, never), { code: 'SP_FAR_CHECKSUM' }, 'it says our checksum, and holds something else');
    t.equal(stub.objects.get(object), undefined, 'and what is wrong is taken away again');
    await close();
  }
});

t.test('an upload in parts goes on where it was cut; what the far end has forgotten is sent anew', async (t) => {
  const { stub, store, close } = await stubbed();
  t.teardown(close);
  const bytes = randomBytes(3 * partBytes);
  const cut = async (object: string) => {
    stub.faults.push({ does: 'reset', method: 'PUT', query: /partNumber=3/, afterBytes: 1000, times: 1 });
    const first = putOf(object, bytes);
    await t.rejects(store.put(first.put, never), { code: 'SP_FAR_UNREACHABLE' });
    return first;
  };
  const one = objectName();
  const resumed = putOf(one, bytes, { again: true, resume: (await cut(one)).noted });
  t.equal(await store.put(resumed.put, never), 'checksum');
  t.equal(resumed.sentBytes, partBytes, 'one of three parts');
  t.ok(stub.objects.get(one)?.bytes.equals(bytes));

  const two = objectName();
  const noted = (await cut(two)).noted;
  stub.uploads.clear();
  const anew = putOf(two, bytes, { again: true, resume: noted });
  await store.put(anew.put, never);
  t.equal(anew.sentBytes, bytes.length);

  const three = objectName();
  const spoiledNote = (await cut(three)).noted;
  for (const upload of stub.uploads.values()) for (const part of upload.parts.values()) part.etag = '"0123"';
  const again = putOf(three, bytes, { again: true, resume: spoiledNote });
  await store.put(again.put, never);
  t.equal(again.sentBytes, bytes.length, 'parts that are not what was noted are sent again');
  for (const odd of ['', '{}', 'null', '{"upload":"x","part_bytes":0,"parts":[]}', '[1', `{"upload":"${'x'.repeat(2000)}","part_bytes":1,"parts":[]}`]) {
    const object = objectName();
    await store.put(putOf(object, bytes, { again: true, resume: odd }).put, never);
    t.ok(stub.objects.get(object)?.bytes.equals(bytes));
  }
});

t.test('a conditional put protects what is there, also where the server knows no conditions and is looked at', async (t) => {
  const { stub, store, close } = await stubbed();
  t.teardown(close);
  const object = objectName();
  stub.objects.set(object, { bytes: Buffer.from('theirs'), etag: '"x"', sha256: undefined });
  await t.rejects(store.put(putOf(object, randomBytes(6)).put, never), { code: 'SP_FAR_EXISTS' });
  await t.rejects(store.put(putOf(object, randomBytes(partBytes + 6)).put, never), { code: 'SP_FAR_EXISTS' });
  t.equal(stub.objects.get(object)?.bytes.toString(), 'theirs');
  const old = await stubbed({ knowsConditions: false });
  t.teardown(old.close);
  const fresh = objectName();
  t.equal(await old.store.put(putOf(fresh, randomBytes(6)).put, never), 'checksum');
  t.equal(await old.store.put(putOf(objectName(), randomBytes(partBytes + 6)).put, never), 'checksum');
});

t.test('three credentials: one that lacks says which feature is off, and the others work without it', async (t) => {
  const bytes = randomBytes(1000);
  for (const [rights, off] of [[['put'], ['get', 'delete']], [['get'], ['put', 'delete']], [['delete'], ['put', 'get']], [['put', 'get'], ['delete']], [[], ['put', 'get', 'delete']]] as const) {
    const { stub, store, close } = await stubbed({ rights });
    t.same(Object.keys(store.off).toSorted(), [...off].toSorted(), rights.join());
    for (const why of Object.values(store.off)) t.match(why, /^no credential; /);
    const there = objectName();
    stub.objects.set(there, { bytes, etag: '"x"', sha256: undefined });
    const deeds: Record<Right, () => Promise<unknown>> = { put: () => store.put(putOf(objectName(), bytes).put, never), get: () => store.get(there, 0, 10, never), delete: () => store.delete(there, never) };
    for (const feature of ['put', 'get', 'delete'] as const) {
      if (rights.includes(feature as never)) await deeds[feature]();
      else await t.rejects(deeds[feature](), { code: 'SP_FAR_FEATURE', evidence: { feature } }, `${rights.join()} cannot ${feature}`);
    }
    t.equal(stub.requests.filter(({ status }) => status === 403).length, 0, 'a feature that is off asks nobody');
    await close();
  }
});

t.test('a wrong secret, a key that is gone, a clock that is off: refused, with the far end\'s word for it', async (t) => {
  const stub = await S3Stub.start({ nowMs: () => Date.now() + 86_400_000 });
  const skewed = s3StoreAt(stub.url, keysOf(stub));
  await t.rejects(skewed.put(putOf(objectName(), randomBytes(10)).put, never), { code: 'SP_FAR_REFUSED', message: /RequestTimeTooSkewed/ });
  await skewed.close();
  await stub.close();
  const other = await stubbed();
  const { id } = other.stub.grant(['put']);
  const wrong = s3StoreAt(other.stub.url, { put: { id, secret: new Secret('guess') } });
  await t.rejects(wrong.put(putOf(objectName(), randomBytes(10)).put, never), { code: 'SP_FAR_REFUSED', message: /SignatureDoesNotMatch/ });
  other.stub.keys.clear();
  await t.rejects(other.store.put(putOf(objectName(), randomBytes(10)).put, never), { code: 'SP_FAR_REFUSED', message: /InvalidAccessKeyId/ });
  t.equal(other.stub.objects.size, 0);
  await wrong.close();
  await other.close();
});

t.test('a probe finds versioning, and a store that does not overwrite', async (t) => {
  const versions = await stubbed({ versions: true });
  t.match(await versions.store.probe(never), { keepsVersions: 'yes' });
  await versions.close();
  const keeps = await stubbed({ keepsFirst: true });
  t.match(await keeps.store.probe(never), { overwrites: 'no' });
  await keeps.close();
});

t.test('each upload says whether the bucket keeps versions, in one part and in several; one where that was stopped does not', async (t) => {
  const { stub, store, close } = await stubbed();
  t.teardown(close);
  const versioned = async (bytes: number): Promise<boolean> => {
    const tried = putOf(objectName(), randomBytes(bytes));
    await store.put(tried.put, never);
    return tried.versioned === true;
  };
  const sizes = [10, partBytes * 2 + 1];
  for (const bytes of sizes) t.notOk(await versioned(bytes), `${bytes}`);
  stub.versions = true;
  for (const bytes of sizes) t.ok(await versioned(bytes), `${bytes}`);
  stub.versions = 'stopped';
  for (const bytes of sizes) t.notOk(await versioned(bytes), `${bytes}`);
});

t.test('hostile names in a bucket come nowhere', async (t) => {
  const { stub, store, close } = await stubbed();
  t.teardown(close);
  const ours = objectName();
  for (const name of [ours, '../../etc/passwd', `${objectName()}/../x`, objectName().toUpperCase(), 'a\nb', '<script>', '%2e%2e', `${ours}.part`, '\u202e'.repeat(10)]) stub.objects.set(name, { bytes: Buffer.from('x'), etag: '"x"', sha256: undefined });
  const list = await store.list(undefined, never);
  t.same(list.objects, [[ours, 1]]);
  t.equal(list.foreign, 8);
});

t.test('TLS: an unknown authority, another name and another certificate get nothing; an own authority or a pin are believed', async (t) => {
  const folder = t.testdir();
  const { stub, cert, pin } = await stubByTls(t, folder);
  const keys = keysOf(stub);
  const bytes = randomBytes(100);
  const tried = async (o: Parameters<typeof s3StoreAt>[2], url = stub.url): Promise<string> => {
    const store = s3StoreAt(url, keys, o);
    const outcome = await store.put(putOf(objectName(), bytes).put, never).catch((error: unknown) => asSallyportError(error).code);
    await store.close();
    return outcome;
  };
  t.equal(await tried({}), 'SP_FAR_CERTIFICATE', 'an unknown authority');
  t.equal(await tried({ pin: '0'.repeat(64) }), 'SP_FAR_CERTIFICATE', 'another pin');
  t.equal(await tried({ ca: cert }, stub.url.replace('127.0.0.1', 'localhost')), 'SP_FAR_CERTIFICATE', 'another name');
  t.equal(stub.requests.length, 0, 'nothing was sent to any of them');
  t.equal(await tried({ ca: cert }), 'checksum');
  t.equal(await tried({ pin }), 'checksum');
});

t.test('a far end that is not there, or says nothing, is told', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => { server.close(resolve); });
  const key = { id: 'x', secret: new Secret('y') };
  const store = s3StoreAt(`http://127.0.0.1:${port}/bucket`, { put: key });
  await t.rejects(store.put(putOf(objectName(), randomBytes(10)).put, never), { code: 'SP_FAR_UNREACHABLE', message: /refused/ });
  await store.close();
});

t.test('WebDAV: a wrong password is refused, and what another put there is not replaced', async (t) => {
  const folder = t.testdir();
  const server = await serveWebdav(folder);
  t.teardown(() => server.close());
  const open = (logins: ConstructorParameters<typeof WebdavStore>[0]['logins']) => new WebdavStore({ door: new HttpDoor({ origin: { name: 'dav', url: server.url }, clock: systemClock, pace: noPace }), clock: systemClock, logins, readBack: 'always' });
  const right = { user: 'sally', password: new Secret('port') };
  const wrong = open({ put: { user: 'sally', password: new Secret('guess') } });
  await t.rejects(wrong.put(putOf(objectName(), randomBytes(10)).put, never), { code: 'SP_FAR_REFUSED' });
  const object = objectName();
  mkdirSync(join(server.path, object.slice(0, 2)), { recursive: true });
  writeFileSync(join(server.path, object.slice(0, 2), object), 'theirs');
  const store = open({ put: right, get: right, delete: right });
  await t.rejects(store.put(putOf(object, randomBytes(10)).put, never), { code: 'SP_FAR_EXISTS' });
  t.equal(readFileSync(join(server.path, object.slice(0, 2), object), 'utf8'), 'theirs');
  const blind = open({ put: right });
  t.equal(await blind.put(putOf(objectName(), randomBytes(10)).put, never), 'size', 'without a right to read its size is all that is known');
  await t.rejects(blind.get(object, 0, 1, never), { code: 'SP_FAR_FEATURE' });
  for (const one of [wrong, store, blind]) await one.close();
});

t.test('a folder: no disk, no writing; links in an object\'s place are not followed', async (t) => {
  const folder = t.testdir();
  const disk = join(folder, 'disk');
  const store = new FolderStore({ name: 'disk', path: disk, mount: false, pace: noPace });
  await t.rejects(store.put(putOf(objectName(), randomBytes(10)).put, never), { code: 'SP_FAR_UNREACHABLE', message: /folder is not there/ });
  mkdirSync(disk);
  const [own] = (await run('df', ['--output=target', folder])).stdout.toString().trim().split('\n').slice(-1);
  const unmounted = new FolderStore({ name: 'disk', path: disk, mount: true, pace: noPace });
  if (own === '/') await t.rejects(unmounted.put(putOf(objectName(), randomBytes(10)).put, never), { code: 'SP_FAR_UNREACHABLE', message: /not mounted/ });
  const object = objectName();
  writeFileSync(join(folder, 'precious'), 'mine');
  mkdirSync(join(disk, object.slice(0, 2)));
  symlinkSync(join(folder, 'precious'), join(disk, object.slice(0, 2), object));
  await t.rejects(store.put(putOf(object, randomBytes(10)).put, never), { code: 'SP_FAR_UNREACHABLE', message: /symbolic link/ });
  await t.rejects(store.get(object, 0, 1, never), { code: 'SP_FAR_UNREACHABLE' });
  symlinkSync(join(folder, 'precious'), join(disk, object.slice(0, 2), `${object.replace(/.$/, (last) => (last === '0' ? '1' : '0'))}.part`));
  await t.rejects(store.put(putOf(object.replace(/.$/, (last) => (last === '0' ? '1' : '0')), randomBytes(10)).put, never), { code: 'SP_FAR_UNREACHABLE' });
  t.equal(readFileSync(join(folder, 'precious'), 'utf8'), 'mine');
});

t.test('a folder with odd things in the places of its own folders is listed all the same, and nothing is written behind a link', async (t) => {
  const disk = t.testdir({ disk: {}, elsewhere: {} });
  const store = new FolderStore({ name: 'disk', path: join(disk, 'disk'), mount: false, pace: noPace });
  const object = objectName();
  const [other] = ['00', '01'].filter((shard) => shard !== object.slice(0, 2));
  await store.put(putOf(object, randomBytes(10)).put, never);
  writeFileSync(join(disk, 'disk', 'fe'.replace(object.slice(0, 2), 'fd')), 'a file');
  symlinkSync(join(disk, 'elsewhere'), join(disk, 'disk', other as string));
  t.same(await store.list(undefined), { objects: [[object, 10]], more: false, foreign: 2 });
  await t.rejects(store.put(putOf(`${other}${object.slice(2)}`, randomBytes(10)).put, never), { code: 'SP_FAR_ANSWER', message: /a link is in the place/ });
  t.same(readdirSync(join(disk, 'elsewhere')), []);
});

t.test('a bandwidth limit holds on the average, over all that is sent at once', async (t) => {
  let nowMs = 0;
  const clock: Clock = { wallMs: () => nowMs, monotonicMs: () => nowMs, sleep: async (ms) => { nowMs += ms; } };
  const pace = new Pace(clock, 50_000);
  t.equal(pace.pieceBytes, 5000);
  for (let sent = 0; sent < 500_000; sent += pace.pieceBytes) await pace.take(pace.pieceBytes, never);
  t.ok(Math.abs(nowMs - 9900) < 1, `${nowMs} ms for ten seconds' bytes, the last piece on its way`);
  const free = new Pace(clock, undefined);
  const before = nowMs;
  await free.take(1e9, never);
  t.equal(nowMs, before);
});

t.test('a limit of the bandwidth slows an upload', async (t) => {
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  let waitedMs = 0;
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => { if (ms < 1000) waitedMs += ms; return systemClock.sleep(Math.min(ms, 1), signal); } };
  const store = s3StoreAt(stub.url, keysOf(stub), { pace: new Pace(clock, 100_000) });
  await store.put(putOf(objectName(), randomBytes(50_000)).put, never);
  t.ok(waitedMs > 300, `${waitedMs}`);
  await store.close();
});
