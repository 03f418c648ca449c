/** What a far end does wrong, from the courier's side to the ledger: a code, a line, and nothing that is lost by it. The vault, the two folders and the courier's parts are real. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { verifyFar, type EgressParts } from '../../src/duties/egress.ts';
import { randomName } from '../../src/outbox/out.ts';
import type { DestinationConfig } from '../../src/policy/declared.ts';
import type { LedgerRow } from '../../src/vault/vault.ts';
import { answered, makeUploads, recordWithKey, rules, runCourier, settle } from '../duties/uploadworld.ts';
import { S3Stub, type Fault } from '../egress/s3stub.ts';
import { prepare } from '../vault/world.ts';

/** Between two tries the courier waits seconds; here a hundredth of it. */
const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms <= 5000 ? ms / 100 : ms, signal) };
const fiveMinutes = 5 * 60_000;

async function secrets(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  const credentials = join(folder, 'credentials');
  await mkdir(credentials);
  for (const [name, text] of Object.entries(files)) await writeFile(join(credentials, name), text, { mode: 0o600 });
  return credentials;
}

async function bucket(t: Test, o: { nowMs?: () => number } = {}) {
  const stub = await S3Stub.start(o);
  t.teardown(() => stub.close());
  const key = stub.grant(['put', 'get', 'delete']);
  const destination: DestinationConfig = { name: 'bucket', purpose: 'a copy elsewhere', kind: 's3', to: { url: stub.url.replace('/bucket', ''), bucket: 'bucket', read_back: true }, store: rules };
  return { stub, destination, login: `${key.id}\n${key.secret}\n` };
}

t.test('a redirect, an answer without end, a lie about checksums, a refusal for the clock: each has its code in the ledger, the segment stays, and is sent later', async (t) => {
  const skew = { ms: 0 };
  const { stub, destination, login } = await bucket(t, { nowMs: () => Date.now() + skew.ms });
  const folder = t.testdir();
  await using made = await makeUploads(folder);
  const { vault, world } = made;
  made.destinations = [destination];
  await using _courier = await runCourier(made, made.destinations, { credentials: await secrets(folder, { 'bucket.all': login }), clock: hurried });
  await settle(made);
  const period = await prepare(vault, world);
  const cases: readonly (readonly [what: string, wrong: Omit<Fault, 'times'> | 'skew', code: string, reason: RegExp])[] = [
    ['a redirect to another host', { does: 'redirect', method: 'PUT' }, 'SP_FAR_REDIRECT', /./],
    ['an answer without end', { does: 'endless answer', method: 'PUT' }, 'SP_FAR_ANSWER', /longer than/],
    ['a wrong checksum', { does: 'spoil', method: 'PUT' }, 'SP_FAR_ANSWER', /./],
    ['our checksum, told of what is something else', { does: 'lie', method: 'PUT' }, 'SP_FAR_CHECKSUM', /./],
    ['a clock that is off by a day', 'skew', 'SP_FAR_REFUSED', /RequestTimeTooSkewed/],
  ];
  for (const [second, [what, wrong, code, reason]] of cases.entries()) {
    const { row, key } = await recordWithKey(vault, period, 10 + second);
    key.close();
    if (wrong === 'skew') skew.ms = 86_400_000;
    else stub.faults.push({ ...wrong, times: Infinity });
    const before = new Set((await vault.far.lines({ limit: 1000 })).map(({ n }) => n));
    await settle(made);
    const line = (await vault.far.lines({ limit: 1000 })).find(({ n, class: klass }) => !before.has(n) && klass === 'segment') as LedgerRow;
    t.match(line, { destination: 'bucket', purpose: 'a copy elsewhere', kind: 'put', outcome: 'failed', code, reason }, what);
    t.equal(stub.objects.get(line.object), undefined, `${what}: nothing is left there`);
    t.match(await vault.far.object('bucket', line.object), { state: 'wanted', code }, `${what}: it is not lost`);
    stub.faults.length = 0;
    skew.ms = 0;
    world.clock.set(world.clock.wallMs() + fiveMinutes);
    await settle(made);
    t.match(await vault.far.object('bucket', line.object), { state: 'there', code: '' }, what);
    t.equal(stub.objects.get(line.object)?.bytes.length, row.sizeBytes, `${what}: later all of it is there`);
  }
  t.notOk(stub.requests.some(({ path }) => path.includes('elsewhere')));
});

t.test('hostile names in a bucket are counted and come nowhere: not into the hub, and not into what is compared', async (t) => {
  const { stub, destination, login } = await bucket(t);
  const folder = t.testdir();
  await using made = await makeUploads(folder);
  made.destinations = [destination];
  await using _courier = await runCourier(made, made.destinations, { credentials: await secrets(folder, { 'bucket.all': login }), clock: hurried });
  const { key } = await recordWithKey(made.vault, await prepare(made.vault, made.world), 10);
  key.close();
  await settle(made);
  const names = ['../../etc/passwd', `${randomName()}/../x`, randomName().toUpperCase(), 'a\nb', '<script>', '%2e%2e', '\u202E'.repeat(10)];
  const stranger = randomName();
  for (const name of [...names, stranger]) stub.objects.set(name, { bytes: randomBytes(3), etag: '"x"', sha256: undefined });
  const parts = { vault: made.vault, ledger: made.ledger, destinations: () => made.destinations } as unknown as EgressParts;
  const verdict = await answered(made, verifyFar(parts, 'bucket', false));
  t.match(verdict, { listed: 3, whole: 2, foreign: names.length, unknown: 1, unknownNames: [stranger], missing: [] });
  const [line] = await made.vault.far.lines({ limit: 1 });
  t.match(line, { kind: 'list', destination: 'bucket', outcome: 'done' });
  for (const name of names) t.notOk(JSON.stringify([verdict, await made.vault.far.lines({ limit: 100 })]).includes(JSON.stringify(name).slice(1, -1)), JSON.stringify(name));
});

t.test('a notice with control characters is refused where it is made; one that lies there all the same is refused by the courier, and nobody is told; what comes after it is', async (t) => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (piece: Buffer) => bodies.push(piece.toString()));
    request.on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const folder = t.testdir();
  await using made = await makeUploads(folder);
  made.destinations = [{ name: 'phone', purpose: 'to be told', kind: 'webhook', to: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }, messenger: {} }];
  const { ledger, vault } = made;
  const odd = { kind: 'person' as const, camera: 'front\u001B[2J', atMs: made.world.clock.wallMs(), id: randomName() };
  await t.rejects(ledger.notice('phone', odd), { code: 'SP_OUTBOX_ORDER' });
  await t.rejects(ledger.notice('phone', { ...odd, camera: 'front', id: 'x\u0000' }), { code: 'SP_OUTBOX_ORDER' });
  t.same(await vault.far.lines({ limit: 10 }), [], 'it never was an order');
  const { name } = await ledger.notice('phone', { ...odd, camera: 'camera-1' });
  const path = join(folder, 'outbox', 'out', name);
  const bytes = await readFile(path);
  // As a hub that was taken over would write it: the letters are JSON's own, so the head can be read.
  const head = JSON.parse(bytes.subarray(0, 4096).toString()) as Record<string, unknown>;
  await writeFile(path, `${JSON.stringify({ ...head, camera: 'a\u001B[2J' }).padEnd(4095)}\n`);
  await using _courier = await runCourier(made, made.destinations, { credentials: await secrets(folder, { 'phone.key': 'a-key-of-the-hook\n' }), clock: hurried });
  while (ledger.orders.size > 0) await ledger.look();
  t.match(await vault.far.lines({ limit: 10 }), [{ kind: 'notice', destination: 'phone', outcome: 'failed', code: 'SP_OUTBOX_FILE' }]);
  t.same(bodies, []);
  await ledger.notice('phone', { ...odd, camera: 'camera-1', id: randomName() });
  while (ledger.orders.size > 0) await ledger.look();
  t.match(await vault.far.lines({ limit: 1 }), [{ outcome: 'done' }]);
  t.match(bodies.join(''), /"camera":"camera-1"/);
});
