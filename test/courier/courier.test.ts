import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { run } from '../../src/base/spawn.ts';
import { randomName } from '../../src/outbox/out.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { serveWebdav } from '../egress/stores.ts';
import { sealedText } from '../outbox/world.ts';
import { argumentsOf, declare, HubSide, makeHome, program, startCourier } from './kit.ts';

t.test('sealed bytes travel from out/ to a folder, WebDAV and S3, and every order has its answer', { timeout: 120_000 }, async (t) => {
  const folder = t.testdir();
  const [dav, stub] = [await serveWebdav(folder), await S3Stub.start()];
  t.teardown(async () => { await dav.close(); await stub.close(); });
  const key = stub.grant(['put', 'get', 'delete']);
  mkdirSync(join(folder, 'disk'));
  const home = makeHome(folder, [
    { name: 'disk', kind: 'folder', path: join(folder, 'disk'), mount: false },
    { name: 'dav', kind: 'webdav', url: dav.url.href },
    { name: 's3', kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket', prefix: 'home/' },
  ], { 'dav.all': 'sally\nport\n', 's3.all': `${key.id}\n${key.secret}\n` });
  const hub = await HubSide.open(home);
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  const text = 'footage '.repeat(50_000);
  const sealed = sealedText(text);
  for (const to of ['disk', 'dav', 's3']) {
    const { name, object } = await hub.outbox.put(sealed, { to, class: 'segment' });
    const answer = await hub.answerTo(name);
    t.match(answer, { outcome: 'done', to, order: 'put', attempts: 1, sent_bytes: sealed.bytes.length, proof: to === 's3' ? 'checksum' : 'read back' }, to);

    const got = await hub.outbox.get(to, object, 1000, 5000);
    t.match(await hub.answerTo(got.name), { outcome: 'done', size: 5000 });
    t.same(await hub.back.body(got.name), Buffer.from(sealed.bytes).subarray(1000, 6000), to);

    const listed = await hub.outbox.list(to);
    t.match(await hub.answerTo(listed.name), { outcome: 'done', more: false, foreign: 0 });
    t.equal((await hub.back.body(listed.name)).toString(), `${object} ${sealed.bytes.length}\n`);

    const probed = await hub.outbox.probe(to);
    t.match(await hub.answerTo(probed.name), { outcome: 'done', may: ['put', 'get', 'delete'], overwrites: 'yes' });

    const deleted = await hub.outbox.delete(to, object);
    t.match(await hub.answerTo(deleted.name), { outcome: 'done' });
    const gone = await hub.outbox.get(to, object, 0, 1);
    t.match(await hub.answerTo(gone.name), { outcome: 'failed', code: 'SP_FAR_MISSING' });
    for (const order of [name, got.name, listed.name, probed.name, deleted.name, gone.name]) await hub.settle(order);
  }
  t.same(readdirSync(join(home.outbox, 'out')), []);
  t.same(readdirSync(join(home.outbox, 'back')).filter((name) => !name.startsWith('status.json')), []);
  // What is settled is forgotten, the journal's part last.
  while (readdirSync(join(home.state, 'journal')).length > 0) await systemClock.sleep(20);
  t.notOk(courier.lines.some((line) => line.includes(key.secret) || line.includes('port\\n')), 'no secret in the log');
});

t.test('what cannot go is answered with its code: an undeclared destination, a missing right, hostile files', async (t) => {
  const folder = t.testdir();
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  const key = stub.grant(['put']);
  const home = makeHome(folder, [{ name: 's3', kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket' }], { 's3.put': `${key.id}\n${key.secret}\n` });
  const hub = await HubSide.open(home);
  const undeclared = await hub.outbox.probe('elsewhere');
  const right = await hub.outbox.delete('s3', randomName());
  const notified = await hub.outbox.notice('s3', { kind: 'motion', camera: undefined, atMs: 1, id: randomName() });
  const out = join(home.outbox, 'out');
  const hostile = `${'0'.repeat(15)}-${randomName()}`;
  symlinkSync('/etc/shadow', join(out, hostile));
  const broken = await hub.outbox.put(sealedOf(), { to: 's3', class: 'segment' });
  const bytes = readFileSync(join(out, broken.name));
  bytes[5000] = (bytes[5000] as number) ^ 1;
  writeFileSync(join(out, broken.name), bytes);
  writeFileSync(join(out, 'stray.txt'), 'x');
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  t.match(await hub.answerTo(undeclared.name), { outcome: 'failed', code: 'SP_FAR_UNDECLARED' });
  t.match(await hub.answerTo(right.name), { outcome: 'failed', code: 'SP_FAR_FEATURE' });
  t.match(await hub.answerTo(notified.name), { outcome: 'failed', code: 'SP_FAR_FEATURE' });
  t.match(await hub.answerTo(hostile), { outcome: 'failed', code: 'SP_OUTBOX_FILE', order: 'unknown', to: 'unknown' });
  t.match(await hub.answerTo(broken.name), { outcome: 'failed', code: 'SP_OUTBOX_FILE', attempts: 1, sent_bytes: 0 });
  await courier.said('no orders; they are left alone');
  t.equal(stub.objects.size, 0);
  t.equal(statSync(join(out, 'stray.txt')).size, 1);
  unlinkSync(join(out, hostile));
});

t.test('while a destination is down its orders wait, others go on; when it is back all of it arrives, once', async (t) => {
  const folder = t.testdir();
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  const key = stub.grant(['put', 'get', 'delete']);
  mkdirSync(join(folder, 'disk'));
  const home = makeHome(folder, [
    { name: 's3', kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket' }, { name: 'disk', kind: 'folder', path: join(folder, 'disk'), mount: false },
  ], { 's3.all': `${key.id}\n${key.secret}\n` });
  const hub = await HubSide.open(home);
  stub.faults.push({ does: 'status', status: 503, times: 2 }, { does: 'reset', times: 1 });
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  const far = await Promise.all(Array.from({ length: 6 }, () => hub.outbox.put(sealedOf(), { to: 's3', class: 'segment' })));
  const near = await hub.outbox.put(sealedOf(), { to: 'disk', class: 'segment' });
  t.match(await hub.answerTo(near.name), { outcome: 'done' });
  const answers = await Promise.all(far.map(({ name }) => hub.answerTo(name)));
  t.ok(answers.every(({ outcome }) => outcome === 'done'));
  t.ok(answers.some(({ attempts }) => attempts > 1), 'the ledger hears of the tries that failed');
  t.same([...stub.stored.values()], [1, 1, 1, 1, 1, 1]);
});

t.test('an order that is withdrawn before it went is never sent', async (t) => {
  const folder = t.testdir();
  const home = makeHome(folder, [{ name: 'disk', kind: 'folder', path: join(folder, 'disk'), mount: false }]);
  const hub = await HubSide.open(home);
  const { name } = await hub.outbox.put(sealedOf(), { to: 'disk', class: 'segment' });
  const courier = await startCourier(home);
  t.teardown(() => courier.stop());
  await courier.said('its folder is not there');
  await hub.outbox.withdraw(name);
  t.match(await hub.answerTo(name), { outcome: 'withdrawn', order: 'withdraw', sent_bytes: 0 });
  mkdirSync(join(folder, 'disk'));
  t.same(readdirSync(join(folder, 'disk')), []);
});

t.test('SIGTERM ends it in good time, also in the middle of an upload, which then goes on where it was', async (t) => {
  const folder = t.testdir();
  const stub = await S3Stub.start();
  t.teardown(() => stub.close());
  const key = stub.grant(['put', 'get', 'delete']);
  const home = makeHome(folder, [{ name: 's3', kind: 's3', url: stub.url.replace('/bucket', ''), bucket: 'bucket' }], { 's3.all': `${key.id}\n${key.secret}\n` });
  const hub = await HubSide.open(home);
  const sealed = sealedText(randomBytes(20 * 2 ** 20));
  // The third part never gets an answer.
  stub.faults.push({ does: 'stall', method: 'PUT', query: /partNumber=3/, times: 1 });
  const placed = await hub.outbox.put(sealed, { to: 's3', class: 'segment' });
  const first = await startCourier(home);
  while (!stub.requests.some(({ path }) => path.includes('partNumber=3'))) await new Promise((resolve) => { setImmediate(resolve); });
  const begunMs = performance.now();
  t.same(await first.stop(), { status: 0, signal: null });
  t.ok(performance.now() - begunMs < 5000, 'under 5 s');
  const second = await startCourier(home);
  t.teardown(() => second.stop());
  const answer = await hub.answerTo(placed.name);
  t.match(answer, { outcome: 'done', attempts: 2, proof: 'checksum' });
  t.equal(stub.requests.filter(({ path, status }) => /partNumber=1&/.test(path) && status === 200).length, 1, 'the first part went once');
  t.ok(stub.objects.get(placed.object)?.bytes.equals(Buffer.from(sealed.bytes)));
});

t.test('a configuration or credential that cannot be used ends it with its reason', async (t) => {
  const folder = t.testdir();
  const good = { name: 's3', kind: 's3', url: 'https://store.example', bucket: 'bucket' };
  const home = makeHome(folder, [{ ...good, url: 'https://me:pass@store.example' }], { 's3.put': 'id\nsecret\n' });
  const outcome = async (): Promise<{ status: number | null; stderr: string }> => run(process.execPath, argumentsOf(home));
  const refused = await outcome();
  t.match(refused, { status: 78, stderr: /no password/ });
  t.notMatch(refused.stderr, /pass@/);
  declare(home, [good]);
  chmodSync(join(home.credentials, 's3.put'), 0o644);
  t.match(await outcome(), { status: 78, stderr: /0600/ });
  t.match(await run(process.execPath, ['--disable-warning=ExperimentalWarning', program, '--config', 'relative']), { status: 64 });
});

function sealedOf() {
  return sealedText(randomBytes(60_000));
}
