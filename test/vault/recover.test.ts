import { appendFile, copyFile, readFile, rename, stat, symlink, truncate, unlink, utimes, writeFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Opener, chunkSealedBytes } from '../../src/seal/opener.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { hourListPath } from '../../src/vault/footagepaths.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { Period, SegmentWriter, Vault } from '../../src/vault/vault.ts';
import { always, begin, filesBelow, hourMs, makeWorld, openRaw, openVault, prepare, record, start, type World } from './world.ts';

interface Crashed { readonly world: World; readonly period: Period; readonly file: string; readonly path: string }

/** A vault that ended with an open segment of about `bytes`, last written `seconds` after its beginning. */
async function crashed(t: Test, bytes: number, seconds = 40): Promise<Crashed> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  await record(vault, period);
  const writer = await begin(vault, period, { wallMs: start + 60_123 });
  writer.append(Buffer.alloc(bytes, 5));
  await drained(writer);
  await vault.close();
  const file = join(world.folder, 'footage', `${writer.path}.part`);
  await setTimes(file, start + 60_123 + seconds * 1_000);
  return { world, period, file, path: writer.path };
}

async function drained(writer: SegmentWriter): Promise<void> {
  while (writer.backlogBytes > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function setTimes(file: string, ms: number): Promise<void> {
  await utimes(file, ms / 1000, ms / 1000);
}

async function footageOf(world: World): Promise<string[]> {
  return filesBelow(join(world.folder, 'footage'));
}

async function whole(t: Test, world: World): Promise<void> {
  t.same((await verifyFolder({ folder: world.folder })).problems, []);
}

t.test('a segment that a crash cut is kept up to its last whole chunk, and opens that far', async (t) => {
  const { world, period, file, path } = await crashed(t, 300_000);
  await appendFile(file, Buffer.alloc(chunkSealedBytes / 2)); // a chunk that did not get whole
  await setTimes(file, start + 60_123 + 40_000);
  const vault = await openVault(world);
  t.match(vault.recovery, { cut: 1, adopted: 0, removed: 0, missing: [], purgesFinished: 0 });
  const row = (await vault.segments(always))[1];
  t.match(row, { id: 'front/main/2', state: 'cut', cutChunks: 4, startMs: start + 60_123, monoMs: 5_000, boot: 'boot-1', path, sizeBytes: 184 + 4 * chunkSealedBytes, slot: 0 });
  t.match(await vault.gaps(always), [{ reason: 'hub stopped', fromMs: start + 60_123 + (row?.durationMs ?? 0), toMs: start + 100_123 }]);
  t.equal(row?.durationMs, Math.round((40_000 * 4) / 4.5));
  t.equal((await record(vault, period, { wallMs: start + 200_000 })).seq, 3);
  t.equal(await vault.finishPeriods(start + hourMs), 1);
  await vault.close();
  await whole(t, world);

  const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
  const { identity } = openSlot(await keyring.read(0), [world.owner], 'slot 0');
  await keyring.close();
  const bytes = await readFile(join(world.folder, 'footage', path));
  const source = { size: bytes.length, read: async (offset: number, length: number) => bytes.subarray(offset, offset + length) };
  const opener = await Opener.open(source, [identity], path, { cutChunks: 4 });
  let plain = 0;
  for await (const chunk of opener.chunks()) plain += chunk.length;
  t.equal(plain, 4 * 65_536);
});

t.test('what did not reach its first whole chunk is a gap', async (t) => {
  const { world, file } = await crashed(t, 10_000);
  const vault = await openVault(world);
  t.match(vault.recovery, { cut: 0, removed: 1 });
  t.match(await vault.gaps(always), [{ camera: 'front', stream: 'main', reason: 'hub stopped', fromMs: start + 60_123, toMs: start + 100_123 }]);
  await vault.close();
  await t.rejects(stat(file), { code: 'ENOENT' });
  await whole(t, world);
});

t.test('a header that is not whole is a gap too', async (t) => {
  const { world, file } = await crashed(t, 300_000);
  await truncate(file, 100);
  await setTimes(file, start + 65_000);
  const vault = await openVault(world);
  t.match(vault.recovery, { cut: 0, removed: 1 });
  t.equal((await vault.gaps(always)).length, 1);
  t.equal((await record(vault, await prepare(vault, world))).seq, 3, 'its number is not used again');
  await vault.close();
  await whole(t, world);
});

t.test('a kill between the row of a cut segment and its rename is repaired', async (t) => {
  const { world, file, path } = await crashed(t, 300_000);
  await (await openVault(world)).close();
  await rename(join(world.folder, 'footage', path), file);
  const vault = await openVault(world);
  t.match(vault.recovery, { cut: 0, adopted: 0, removed: 0, missing: [] });
  await vault.close();
  await whole(t, world);
});

t.test('a kill between truncation and row cuts the same again', async (t) => {
  const { world, file } = await crashed(t, 300_000, 40);
  const { size } = await stat(file);
  await truncate(file, 184 + Math.floor((size - 184) / chunkSealedBytes) * chunkSealedBytes);
  await setTimes(file, start + 100_123);
  const vault = await openVault(world);
  t.equal(vault.recovery.cut, 1);
  t.equal((await vault.segments(always))[1]?.durationMs, 40_000);
  await vault.close();
  await whole(t, world);
});

/** As if the crash had come between a segment's rename and its row. */
async function loseRow(world: World, id: { seq: number }, begun: boolean): Promise<void> {
  const db = await openRaw(world);
  const row = db.prepare<[number], { period_id: number; start_ms: number }>('SELECT period_id, start_ms FROM segments WHERE seq = ?').get(id.seq);
  db.prepare('DELETE FROM segments WHERE seq = ?').run(id.seq);
  db.prepare('UPDATE stream_seqs SET next_seq = ?').run(id.seq);
  if (begun) db.prepare("INSERT INTO begun (camera, stream, seq, period_id, boot, mono_ms, start_ms) VALUES ('front', 'main', ?, ?, 'boot-1', 5000, ?)").run(id.seq, row?.period_id, row?.start_ms);
  db.close();
}

async function withTwoSegments(t: Test): Promise<{ world: World; vault: Vault; period: Period; path: string }> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  await record(vault, period);
  const { path } = await record(vault, period, { wallMs: start + 60_500 });
  return { world, vault, period, path };
}

for (const begun of [true, false]) {
  t.test(`a closed file whose row did not come is adopted, ${begun ? 'as it was begun' : 'by its name when even its beginning was not noted'}`, async (t) => {
    const { world, vault, path } = await withTwoSegments(t);
    await vault.close();
    await setTimes(join(world.folder, 'footage', path), start + 100_500);
    await loseRow(world, { seq: 2 }, begun);
    const again = await openVault(world);
    t.match(again.recovery, { cut: 0, adopted: 1, removed: 0 });
    const startMs = begun ? start + 60_500 : start + 60_000;
    t.match((await again.segments(always))[1], { seq: 2, state: 'complete', path, startMs, durationMs: start + 100_500 - startMs, keyFrames: [], boot: begun ? 'boot-1' : '' });
    await again.close();
    await whole(t, world);
  });
}

t.test('files that belong to nothing go, and the audit names them', async (t) => {
  const { world, vault, period, path } = await withTwoSegments(t);
  await vault.finishPeriods(start + hourMs);
  await vault.close();
  const footage = join(world.folder, 'footage');
  const before = await footageOf(world);
  const folder = dirname(path);
  const strange = [
    'notes.txt', 'front/20261124/x', `${folder}/20261124T030000Z-1.mp4.age.part`, `${folder}/20261124T030000Z-0.mp4.age`, `${folder}/hour-7.json.age`,
    `${folder}/${hourListPath('front', period.startMs, 0).split('/').at(-1) ?? ''}.77.part`, 'front/20250101/00/20250101T000000Z-99.mp4.age', 'strange folder/deep/file',
  ];
  for (const name of strange) {
    await mkdir(dirname(join(footage, name)), { recursive: true });
    await copyFile(join(footage, path), join(footage, name));
  }
  await symlink('/etc/hostname', join(footage, folder, 'link'));
  // Beside a running hub, a file that is being renamed and one that is newer than the last row are as it should be.
  const inPassing = /\.part$|-99\.mp4/;
  t.same((await verifyFolder({ folder: world.folder })).problems.map(({ code, what }) => [code, what]).sort(),
    [...strange, `${folder}/link`].filter((name) => !inPassing.test(name)).map((name) => ['SP_FILE_UNKNOWN', name]).sort(), 'verify names them too');
  const again = await openVault(world);
  t.match(again.recovery, { removed: strange.length + 1, adopted: 0 });
  t.equal((await record(again, await prepare(again, world))).seq, 100, 'numbers go on above the garbage\'s');
  await again.purge(await again.livePeriods(), {});
  await again.close();
  t.ok(before.length === 3 && (await readFile('/etc/hostname')).length > 0);
  await t.rejects(stat(join(footage, 'strange folder')), { code: 'ENOENT' });
  const db = await openRaw(world);
  const entry = db.prepare<[], { entry: string }>("SELECT entry FROM audit WHERE entry LIKE '%recovery.removed%'").get()?.entry;
  db.close();
  t.match(JSON.parse(entry ?? '{}'), { detail: { files: strange.length + 1, first: [...strange, `${folder}/link`].sort() } });
  await whole(t, world);
});

t.test('a row without its file is remembered as missing, and found again when it comes back', async (t) => {
  const { world, vault, path } = await withTwoSegments(t);
  await vault.close();
  const file = join(world.folder, 'footage', path);
  await rename(file, `${world.folder}/away`);
  for (const round of [1, 2]) {
    const again = await openVault(world);
    t.same(again.recovery.missing, [path], `start ${round}`);
    t.match(await again.segments(always), [{ state: 'complete' }, { state: 'missing' }]);
    await again.close();
  }
  t.match((await verifyFolder({ folder: world.folder })).problems, [{ code: 'SP_SEGMENT_MISSING', what: path }]);
  await rename(`${world.folder}/away`, file);
  const again = await openVault(world);
  t.same(again.recovery.missing, []);
  t.match(await again.segments(always), [{ state: 'complete' }, { state: 'complete' }]);
  await again.close();
  await whole(t, world);
});

t.test('a whole folder of files that is gone is missed, too', async (t) => {
  const { world, vault } = await withTwoSegments(t);
  await vault.close();
  await rename(join(world.folder, 'footage', 'front'), `${world.folder}/away`);
  const again = await openVault(world);
  t.equal(again.recovery.missing.length, 2);
  await again.close();
});

t.test('a lost hour list is written anew', async (t) => {
  const { world, vault, period } = await withTwoSegments(t);
  await vault.finishPeriods(start + hourMs);
  await vault.close();
  const list = join(world.folder, 'footage', hourListPath('front', period.startMs, period.slot));
  await unlink(list);
  const again = await openVault(world);
  t.equal(await again.finishPeriods(start + hourMs), 1);
  await again.close();
  t.ok((await stat(list)).size > 100);
});

t.test('the rest of a segment of a purged period goes', async (t) => {
  const { world, file, period } = await crashed(t, 300_000);
  const bytes = await readFile(file);
  const vault = await openVault(world);
  await vault.purge([period], {});
  await vault.close();
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  const again = await openVault(world);
  t.match(again.recovery, { cut: 0, adopted: 0, removed: 1 });
  await again.close();
  t.same(await footageOf(world), []);
});

t.test('a start with nothing to repair writes nothing to the audit but what it must', async (t) => {
  const { world, vault } = await withTwoSegments(t);
  await vault.close();
  const before = await verifyFolder({ folder: world.folder });
  await (await openVault(world)).close();
  t.equal((await verifyFolder({ folder: world.folder })).auditEntries, before.auditEntries);
});
