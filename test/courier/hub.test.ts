/** A hub that records, with its courier as a child, and real far ends: what leaves, when, and what comes back from there. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { ReplyOf } from '../../src/api/contract.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { S3Stub } from '../egress/s3stub.ts';
import { serveWebdav } from '../egress/stores.ts';
import { quickConfig, shortFolder, TestSite } from '../e2e/site.ts';

type Egress = ReplyOf<'egress'>;

function objectsIn(folder: string): string[] {
  return readdirSync(folder).flatMap((shard) => readdirSync(join(folder, shard)).filter((name) => !name.endsWith('.part')).map((name) => join(folder, shard, name)));
}

async function egressOf(site: TestSite, ...more: string[]): Promise<Egress> {
  return site.json<Egress>(['egress', '--config', site.config, '--lines', '1000', ...more]);
}

async function until<T>(look: () => T | Promise<T>, fits: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (fits(found)) return found;
    await delay(200);
  }
}

async function acceptAll(site: TestSite): Promise<void> {
  for (const { id, key } of (await site.status()).pending) if (key === 'destination') await site.call(['accept', id, '--identity', site.kit, '--config', site.config]);
}

function pidOf(site: TestSite): number {
  const lines = site.log.filter((line) => line.includes('the courier is started'));
  return Number(/"pid":(\d+)/.exec(lines.at(-1) ?? '')?.[1]);
}

t.test('stores that stall, refuse and break off slow no recording; what waits for them stays bounded', { timeout: 120_000 }, async (t) => {
  const folder = await shortFolder(t);
  const [stalls, refuses] = [await S3Stub.start(), await S3Stub.start()];
  t.teardown(async () => { await stalls.close(); await refuses.close(); });
  const [one, other] = [stalls.grant(['put', 'get', 'delete']), refuses.grant(['put', 'get', 'delete'])];
  stalls.faults.push({ does: 'stall', times: Number.MAX_SAFE_INTEGER });
  refuses.faults.push({ does: 'status', status: 503, times: 3 }, { does: 'reset', times: 3 }, { does: 'status', status: 403, times: Number.MAX_SAFE_INTEGER });
  const table = (name: string, stub: S3Stub): string => `
[[destination]]
name = "${name}"
purpose = "a copy far away"
kind = "s3"
url = "${stub.url.replace('/bucket', '')}"
bucket = "bucket"
send = "all"
`;
  const site = await TestSite.start(t, { folder, config: quickConfig({ more: table('stalls', stalls) + table('refuses', refuses) }) });
  await site.call(['secret', 'set', 'stalls.all', '--config', site.config], `${one.id}\n${one.secret}\n`);
  await site.call(['secret', 'set', 'refuses.all', '--config', site.config], `${other.id}\n${other.secret}\n`);
  await acceptAll(site);
  await until(() => refuses.requests.length + stalls.requests.length, (asked) => asked > 3);
  const then = (await site.status()).cameras[0]!.segmentsSealed;
  const status = await site.until(({ cameras }) => cameras[0]!.segmentsSealed > then + 5);
  t.ok(status.doors.running && status.doors.orders <= 2 * 26, 'no more than so many orders wait');
  const { doors } = await site.until(({ doors: { stuck } }) => stuck.some(({ destination, code }) => destination === 'refuses' && code === 'SP_FAR_REFUSED'));
  t.ok(doors.stuck.every(({ text, atMs }) => text !== '' && atMs > 0));
  t.match(await site.call(['status', '--config', site.config]), /! refuses: SP_FAR_REFUSED .* ago: /);
  const { gaps } = await site.list();
  t.same(gaps.filter(({ reason }) => reason !== 'not recorded'), [], 'nothing of the recording is missing');
  const { lines, destinations } = await egressOf(site);
  t.ok(lines.some(({ destination, outcome, code }) => destination === 'refuses' && outcome === 'failed' && code === 'SP_FAR_REFUSED'), 'the ledger says what was refused');
  t.same(destinations.map(({ counts }) => counts!.there), [0, 0]);
  await site.stop();
  t.same((await verifyFolder({ folder: site.data })).problems, []);
});

t.test('after the owner\'s yes sealed footage goes to a folder, WebDAV and S3; at its deadline it goes from there', { timeout: 180_000 }, async (t) => {
  const folder = await shortFolder(t);
  const [dav, stub] = [await serveWebdav(folder), await S3Stub.start()];
  t.teardown(async () => { await dav.close(); await stub.close(); });
  const key = stub.grant(['put', 'get', 'delete']);
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const site = await TestSite.start(t, { folder, config: quickConfig({ keep: '15 seconds', more: `
[[destination]]
name = "disk"
purpose = "a copy on another disk"
kind = "folder"
path = "disk"
mount = false
send = "all"

[[destination]]
name = "dav"
purpose = "a copy in another house"
kind = "webdav"
url = "${dav.url.href}"
send = "all"

[[destination]]
name = "cloud"
purpose = "a copy far away"
kind = "s3"
url = "${stub.url.replace('/bucket', '')}"
bucket = "bucket"
prefix = "home/"
send = "all"
` }) });
  await site.untilSealed(1);
  const asked = (await site.status()).pending;
  t.same(asked.map(({ key }) => key), ['destination', 'destination', 'destination']);
  t.equal(asked[0]!.text, `new destination disk (folder ${disk}) gets all footage, and the pictures of alarms, of all cameras, sealed; its keys stay at home; its purpose: a copy on another disk`);
  t.equal(objectsIn(disk).length + stub.objects.size, 0, 'nothing left before the yes');
  t.match(await site.call(['egress', '--config', site.config]), /nothing leaves the house/);
  await site.call(['secret', 'set', 'dav.all', '--config', site.config], 'sally\nport\n');
  await site.call(['secret', 'set', 'cloud.all', '--config', site.config], `${key.id}\n${key.secret}\n`);
  await acceptAll(site);

  const told = await until(() => egressOf(site), ({ destinations }) => destinations.length === 3 && destinations.every(({ counts }) => counts!.there >= 3));
  t.same(told.destinations.map(({ declared, slots }) => [declared, slots]), [[true, 'home'], [true, 'home'], [true, 'home']]);
  // Passwords came after the destinations: each is asked again what it may.
  await until(() => egressOf(site), ({ destinations }) => destinations.every(({ deletes }) => deletes === 'yes'));
  t.match(told.doors, { run: 'child', running: true, confined: /full|files|no/ });
  t.match(await site.call(['status', '--config', site.config]), /what leaves: the courier is a child of the hub/);
  t.ok(told.lines.filter(({ kind }) => kind === 'put').every(({ recipients, purpose }) => recipients.length === 1 && purpose.startsWith('a copy')));
  t.match(await site.call(['egress', '--long', '--to', 'disk', '--lines', '1000', '--config', site.config]), /disk: put segment \S+\n {2}purpose: a copy on another disk\n {2}object: [0-9a-f]{32}\n {2}size: \d+ bytes, sha256: [0-9a-f]{64}\n {2}opens for: age1\S+\n {2}outcome: done\n {2}1 try, .* sent\n {2}known to be there by: read back/);
  t.notOk(existsSync(join(site.data, 'outbox', 'credentials', 'dav.all')), 'secrets do not stay on the disk');
  t.match(await site.call(['egress', '--verify', 'disk', '--config', site.config]), /all is there/);

  // Killed, it comes again; recording has not noticed.
  const sealedThen = (await site.status()).cameras[0]!.segmentsSealed;
  const [pid, thereThen] = [pidOf(site), objectsIn(disk).length];
  process.kill(pid, 'SIGKILL');
  await until(() => pidOf(site), (now) => now !== pid);
  await until(() => stub.objects.size, (size) => size > 0);
  t.ok(thereThen > 0);
  await site.until(({ cameras, doors }) => cameras[0]!.segmentsSealed > sealedThen + 2 && doors.restarts === 1 && doors.running);

  // Somebody takes an object away: it is noticed, and sent again.
  const first = (await until(() => egressOf(site, '--to', 'dav'), ({ lines }) => lines.some(({ outcome, class: klass }) => outcome === 'done' && klass === 'segment'))).lines.find(({ outcome, class: klass }) => outcome === 'done' && klass === 'segment')!;
  rmSync(join(dav.path, first.object.slice(0, 2), first.object));
  t.match(await site.attempt(['egress', '--verify', 'dav', '--repair', '--config', site.config]).then(({ status, stdout }) => ({ status, text: stdout.toString() })), { status: 1, text: new RegExp(`missing: segment .*${first.object}[^]*sent again`) });

  // The first hours go, here and there.
  const { lines } = await until(() => egressOf(site), ({ lines }) => ['disk', 'dav', 'cloud'].every((name) => lines.some(({ destination, kind, outcome }) => destination === name && kind === 'delete' && outcome === 'done')));
  t.ok(lines.filter(({ kind }) => kind === 'delete').every(({ outcome }) => outcome !== 'failed'));
  await site.stop();
  t.same((await verifyFolder({ folder: site.data })).problems, []);
});
