/** A burnt hub is no lost footage: the real command line, its own courier, real WebDAV servers, and nothing of the hub left. */
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { FileKey } from '../../src/seal/filekey.ts';
import { makeHold } from '../../src/seal/hold.ts';
import { fileKeyIn } from '../../src/seal/opener.ts';
import { Archive } from '../../src/vault/archive.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { serveWebdav, type Rclone } from '../egress/stores.ts';
import { always, hourMs, makeWorld, openVault, record, start, type World } from '../vault/world.ts';
import { objectPath, sendAway, type Sent } from './farworld.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

interface Burnt { world: World; space: Identity; folder: string; kit: string; sent: Sent; nas: Rclone; keys: Rclone; before: string[]; login: string }

async function paths(folder: string, owner: Identity): Promise<string[]> {
  const archive = await Archive.open(folder, [owner]);
  const found: string[] = [];
  for (const camera of await archive.cameras()) {
    const { segments, gaps, problems } = await archive.segments(camera, 0, Number.MAX_SAFE_INTEGER);
    if (problems[0] !== undefined) throw problems[0];
    found.push(...segments.map(({ path, deadlineMs, heldBy }) => `${path} ${deadlineMs ?? 0} ${heldBy?.join() ?? ''}`), ...gaps.map((gap) => `${camera} ${gap.fromMs} ${gap.reason} ${gap.detail}`));
  }
  await archive.close();
  return found.sort();
}

/** Two cameras, three hours, a hold whose hour is purged, a gap; all of it sent away, then the data folder is gone. */
async function burn(t: Test, pieceBytes?: number): Promise<Burnt> {
  const folder = t.testdir();
  const world = makeWorld(folder);
  const space = Identity.generate();
  const recipients = [world.owner.recipient, space.recipient];
  const vault = await openVault(world);
  const period = (camera: string, hour: number, keepMs: number) => vault.preparePeriod({ camera, class: 'footage', startMs: start + hour * hourMs, endMs: start + (hour + 1) * hourMs, deadlineMs: start + (hour + 1) * hourMs + keepMs, recipients });
  for (const camera of ['front', 'back']) {
    for (const hour of [0, 1]) {
      const one = await period(camera, hour, 50 * hourMs);
      for (const minute of [0, 1]) await record(vault, one, { wallMs: one.startMs + minute * 60_000, bytes: 40_000 });
    }
    await vault.addGap({ camera, stream: 'main', fromMs: start + 120_000, toMs: start + hourMs, reason: 'offline', detail: 'no answer' });
  }
  const dying = await period('front', 2, hourMs);
  const row = await record(vault, dying);
  const slot = readFileSync(join(world.folder, 'keyring/keyring.1')).subarray(dying.slot * 4096, dying.slot * 4096 + 1024);
  const { openSlot } = await import('../../src/seal/slot.ts');
  const { identity } = openSlot(slot, [world.owner], 'a slot');
  const fileKey: FileKey = fileKeyIn(readFileSync(join(world.folder, 'footage', row.path)).subarray(0, 1024), [identity], row.path);
  const hold = await vault.preparePeriod({ camera: 'front', class: 'hold', startMs: dying.startMs, endMs: dying.endMs, deadlineMs: start + 90 * hourMs, recipients, hold: { order: 'cafe0123', maker: 'device', label: 'the fence' } });
  await vault.addHolds(hold, [{ stream: 'main', seq: row.seq, header: makeHold(fileKey, hold.recipient) }]);
  fileKey.close();
  identity.close();
  world.clock.set(start + 3 * hourMs);
  await vault.finishPeriods(start + 3 * hourMs + 10_000);
  await vault.purge([dying], {});
  await vault.finishPeriods(start + 3 * hourMs + 10_000);
  await vault.close();
  const before = await paths(world.folder, world.owner);
  for (const name of ['nas', 'keys']) mkdirSync(join(folder, name));
  const [nas, keys] = [await serveWebdav(join(folder, 'nas')), await serveWebdav(join(folder, 'keys'))];
  t.teardown(async () => { await nas.close(); await keys.close(); });
  const sent = await sendAway({ data: world.folder, identities: [world.owner], footage: nas.path, slots: keys.path, ...(pieceBytes === undefined ? {} : { pieceBytes }) });
  rmSync(world.folder, { recursive: true });
  const [kit, login] = [join(folder, 'kit.txt'), join(folder, 'login.txt')];
  writeFileSync(kit, `${world.owner.reveal()}\n`);
  writeFileSync(login, 'sally\nport\n');
  return { world, space, folder, kit, sent, nas, keys, before, login };
}

function sallyport(args: readonly string[]): Promise<{ status: number | null; stdout: Buffer; stderr: string }> {
  return run(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { timeoutMs: 60_000 });
}

function farArgs({ nas, keys, login, kit }: Burnt, name = '--far'): string[] {
  return [name, nas.url.href, '--far-login', login, '--slots', keys.url.href, '--slots-login', login, '--identity', kit];
}

t.test('what lies there in pieces of one size comes back as whole', { timeout: 120_000 }, async (t) => {
  const burnt = await burn(t, 65_535);
  const files = readdirSync(burnt.nas.path, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  t.same([...new Set(files.map(({ parentPath, name }) => statSync(join(parentPath, name)).size))], [65_535], 'nothing there has another size');
  const data = join(burnt.folder, 'again');
  const whole = await sallyport(['restore', ...farArgs(burnt, '--from'), '--data', data, '--json']);
  t.equal(whole.status, 0, whole.stderr);
  t.match(JSON.parse(whole.stdout.toString()), { hub: 'c0ffee', periods: 5, segments: 9, found: 0, problems: [] });
  t.same(await paths(data, burnt.world.owner), burnt.before);
  t.same((await verifyFolder({ folder: data })).problems, []);
});

t.test('a hub whose disk is gone comes back whole from its stores and the kit, and verify is clean', { timeout: 180_000 }, async (t) => {
  const burnt = await burn(t);
  const { world, sent, nas } = burnt;
  const data = join(burnt.folder, 'again');
  const restoring = ['restore', ...farArgs(burnt, '--from'), '--data', data];

  // One object is not there yet, and one was spoiled: each is named, the rest comes.
  const [missing = '', spoiled = ''] = [...sent.objects.values()];
  const kept = readFileSync(objectPath(nas.path, missing));
  const good = readFileSync(objectPath(nas.path, spoiled));
  rmSync(objectPath(nas.path, missing));
  writeFileSync(objectPath(nas.path, spoiled), Buffer.concat([good.subarray(0, -1), Buffer.from([(good.at(-1) ?? 0) ^ 1])]));
  const first = await sallyport(['restore', ...farArgs(burnt, '--from'), '--data', join(burnt.folder, 'poor')]);
  t.equal(first.status, 1);
  t.match(first.stderr, /SP_FAR_MISSING/);
  t.match(first.stderr, /SP_SEGMENT_DAMAGED/);
  writeFileSync(objectPath(nas.path, missing), kept);
  writeFileSync(objectPath(nas.path, spoiled), good);

  const whole = await sallyport([...restoring, '--json']);
  t.equal(whole.status, 0, whole.stderr);
  t.match(JSON.parse(whole.stdout.toString()), { hub: 'c0ffee', periods: 5, segments: 9, found: 0, problems: [] });
  t.same(await paths(data, world.owner), burnt.before, 'the same segments, holds, gaps and deadlines');
  t.same((await verifyFolder({ folder: data })).problems, []);
  t.same(readdirSync(data).includes('restoring'), false);

  // A hub opens it, and purging goes on: what was kept 50 hours goes then.
  const vault = await openVault({ ...world, folder: data });
  t.equal((await vault.segments(always)).length, 9);
  t.same((await vault.far.sums()).map(({ destination, state, objects }) => [destination, state, objects]), [['nas', 'there', 9 + 5 + 1]], 'and knows what lies far: segments, lists, a second header');
  t.same(await vault.setting('far slots adopted'), [sent.slotsObject]);
  const due = await vault.duePeriods(start + 53 * hourMs);
  t.same(due.map(({ camera }) => camera).sort(), ['back', 'back', 'front', 'front']);
  await vault.purge(due, {});
  t.equal((await vault.far.sums()).find(({ state }) => state === 'leaving')?.objects, 8 + 4, 'what is purged here is to go from there');
  await vault.close();
  t.same((await verifyFolder({ folder: data })).problems, []);
  t.equal((await paths(data, world.owner)).filter((line) => line.includes('.mp4.age')).length, 1, 'what is held stays');

  // If little is missing, nothing need be brought back: list and export straight from the stores.
  const times = ['--from', new Date(start).toISOString(), '--to', new Date(start + 4 * hourMs).toISOString()];
  const listed = await sallyport(['list', ...times, ...farArgs(burnt), '--json']);
  t.equal(listed.status, 0, listed.stderr);
  const { segments, gaps } = JSON.parse(listed.stdout.toString()) as { segments: { path: string; deadlineMs: number }[]; gaps: { reason: string }[] };
  t.same(segments.map(({ path }) => path).sort(), [...sent.objects.keys()].sort());
  t.same(gaps.map(({ reason }) => reason), ['offline', 'offline']);

  const again = await sallyport(restoring);
  t.not(again.status, 0);
  t.match(again.stderr, /a hub lives here/);
});

t.test('a restore that ended half way goes on where it was', { timeout: 120_000 }, async (t) => {
  const burnt = await burn(t);
  const data = join(burnt.folder, 'again');
  const restoring = ['restore', ...farArgs(burnt, '--from'), '--data', data, '--json'];
  t.equal((await sallyport(restoring)).status, 0);
  // As if it had been killed before the catalogue was made, with some of the segments there.
  for (const name of ['working.db', 'working.key', 'checkpoints', 'receipts', 'hub.pub']) rmSync(join(data, name), { recursive: true, force: true });
  const [one = ''] = burnt.sent.objects.keys();
  rmSync(join(data, 'footage', one));
  const { status, stdout, stderr } = await sallyport(restoring);
  t.equal(status, 0, stderr);
  t.match(JSON.parse(stdout.toString()), { segments: 9, found: 8 });
  t.same((await verifyFolder({ folder: data })).problems, []);
});

t.test('who has another kit, another store or another password gets nothing, and is told why', { timeout: 120_000 }, async (t) => {
  const burnt = await burn(t);
  const data = join(burnt.folder, 'nothing');
  const other = join(burnt.folder, 'other.txt');
  writeFileSync(other, `${Identity.generate().reveal()}\n`);
  const attempt = async (args: readonly string[], expected: RegExp): Promise<void> => {
    const { status, stderr } = await sallyport(['restore', ...args, '--data', data]);
    t.not(status, 0);
    t.match(stderr, expected);
  };
  await attempt([...farArgs(burnt).slice(0, -1), other], /SP_FAR_NO_SLOTS.*this kit opens none/);
  await attempt(['--from', burnt.nas.url.href, '--far-login', burnt.login, '--identity', burnt.kit], /SP_FAR_NO_SLOTS.*no slots object/);
  const wrong = join(burnt.folder, 'wrong.txt');
  writeFileSync(wrong, 'sally\nwrong\n');
  await attempt(['--from', burnt.nas.url.href, '--far-login', wrong, '--identity', burnt.kit], /SP_FAR_REFUSED/);
  await attempt(['--from', 'ftp://x', '--identity', burnt.kit], /SP_USAGE.*there is no folder|SP_USAGE.*no store/);
  await attempt(['--from', 'https://u:p@x/', '--identity', burnt.kit], /SP_USAGE.*password stands in a file/);
});
