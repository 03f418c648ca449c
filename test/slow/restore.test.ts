import { open, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Archive } from '../../src/vault/archive.ts';
import { copiesIn } from '../../src/vault/copies.ts';
import { hourListPath } from '../../src/vault/footagepaths.ts';
import { rebuildDatabase, type Rebuilt } from '../../src/vault/rebuild.ts';
import { restoreDatabase, type Restored } from '../../src/vault/restore.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { always, begin, filesBelow, hourMs, makeWorld, openRaw, openVault, prepare, record, start, type World } from '../vault/world.ts';

async function problems(world: World): Promise<string[]> {
  return (await verifyFolder({ folder: world.folder })).problems.map(({ code, what, detail }) => `${code} ${what}: ${detail}`);
}

async function damagePages(world: World): Promise<void> {
  const file = join(world.folder, 'working.db');
  const { size } = await stat(file);
  const handle = await open(file, 'r+');
  for (let at = 4096; at < size; at += 4096) await handle.write(Buffer.alloc(16, 9), 0, 16, at + 700);
  await handle.close();
}

function restore(world: World, more: { copy?: string } = {}): Promise<Restored> {
  return restoreDatabase({ folder: world.folder, clock: world.clock, log: silentLog, hubName: 'test hub', keepMs: hourMs, ...more });
}

function rebuild(world: World, more: { force?: boolean } = {}): Promise<Rebuilt> {
  return rebuildDatabase({ folder: world.folder, clock: world.clock, log: silentLog, hubName: 'test hub', identities: [world.owner], periodMs: hourMs, keepMs: () => hourMs, gapMsMin: 500, ...more });
}

/** What the owner's kit sees, without the database. */
async function seen(world: World): Promise<string[]> {
  const archive = await Archive.open(world.folder, [world.owner]);
  const found: string[] = [];
  for (const camera of await archive.cameras()) found.push(...(await archive.segments(camera, 0, Number.MAX_SAFE_INTEGER)).segments.map(({ path }) => path));
  await archive.close();
  return found.sort();
}

t.test('the newest two copies are kept; replaced ones are destroyed with receipts; a renewal leaves one', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const slots = async (): Promise<number[]> => (await vault.copies()).map(({ slot }) => slot);
  for (let n = 0; n < 4; n++) {
    world.clock.set(start + n * 24 * hourMs);
    await vault.makeCopy();
  }
  t.same((await copiesIn(world.folder)).map(({ startMs }) => (startMs - start) / (24 * hourMs)), [3, 2]);
  t.equal((await slots()).length, 2);
  const before = await vault.copies();
  await vault.renewCopies('an erasure');
  const [left, ...more] = await vault.copies();
  t.ok(left !== undefined && more.length === 0 && !before.some(({ slotSha256 }) => slotSha256 === left.slotSha256), 'under a key of its own');
  t.equal((await copiesIn(world.folder)).length, 1);
  await vault.close();
  t.same(await problems(world), []);
});

t.test('the drill: recorded, copied, recorded on, purged, damaged, restored: everything is listed, nothing comes back from the dead', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const dying = await prepare(vault, world);
  await record(vault, dying);
  const first = await prepare(vault, world, { startMs: start + hourMs, keepMs: 50 * hourMs });
  await record(vault, first);
  await vault.makeCopy();
  // Since the copy: more of a period that it knows, a purge, a new period in the freed slot, another camera, an open segment.
  await record(vault, first, { wallMs: first.startMs + 60_000 });
  await vault.purge([dying], {});
  const reused = await prepare(vault, world, { startMs: start + 2 * hourMs, keepMs: 50 * hourMs });
  t.equal(reused.slot, dying.slot, 'the slot is used again');
  await record(vault, reused);
  await record(vault, await prepare(vault, world, { camera: 'back', startMs: start + 2 * hourMs, keepMs: 50 * hourMs }));
  world.clock.set(start + 3 * hourMs);
  await vault.finishPeriods(start + 3 * hourMs);
  const now = await prepare(vault, world, { startMs: start + 3 * hourMs, keepMs: 50 * hourMs });
  const writer = await begin(vault, now);
  writer.append(Buffer.alloc(300_000, 5));
  while (writer.backlogBytes > 0) await new Promise((resolve) => setImmediate(resolve));
  await vault.close();
  const before = (await seen(world)).map((path) => path.replace('.part', ''));
  await damagePages(world);
  await t.rejects(openVault(world), { code: 'SP_DATABASE_DAMAGED' });

  const restored = await restore(world);
  t.match(restored, { problems: [], reconciliation: { purged: 1, periods: 3, unknownSlots: 0, receipts: 1 }, recovery: { adopted: 3, cut: 1, removed: 0, missing: [] } });
  t.ok((await stat(join(restored.setAside, 'working.db'))).size > 0);
  t.same(await problems(world), []);
  vault = await openVault(world);
  t.same((await vault.segments(always)).map(({ path }) => path).sort(), before);
  t.same(await seen(world), before, 'and the kit opens it all');
  const periods = await vault.livePeriods();
  t.equal(periods.length, 4);
  t.same(periods.map(({ deadlineMs, endMs }) => (deadlineMs - endMs) / hourMs), [50, 50, 50, 50], 'with the deadlines that they had');
  t.ok((await record(vault, now, { wallMs: start + 3 * hourMs + 120_000 })).seq > 1_000, 'no number is used twice');
  await vault.purge(periods, {});
  await vault.close();
  t.same(await problems(world), []);
  t.same(await filesBelow(join(world.folder, 'footage')), []);
});

t.test('a damaged copy is passed over for the older one, and a damaged database makes none', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  await record(vault, await prepare(vault, world));
  await vault.makeCopy();
  await vault.makeCopy();
  await vault.close();
  const [newest, older] = await copiesIn(world.folder);
  const bytes = await readFile(newest?.file ?? '');
  bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
  await writeFile(newest?.file ?? '', bytes);
  await damagePages(world);
  const restored = await restore(world);
  t.equal(restored.copy, older?.file);
  t.match(restored.problems, [{ code: 'SP_AGE_PAYLOAD' }]);
  for (const { file } of await copiesIn(world.folder)) await unlink(file);
  await rm(join(world.folder, 'working.db'));
  await t.rejects(restore(world), { code: 'SP_NO_COPY' });
});

t.test('an hour list that knows more than the copy stays as it is, until it is gone', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  await vault.makeCopy();
  const period = await prepare(vault, world, { keepMs: 50 * hourMs });
  const row = await record(vault, period);
  await vault.addGap({ camera: period.camera, stream: 'main', fromMs: start + 60_000, toMs: start + 90_000, reason: 'offline', detail: 'no answer' });
  world.clock.set(start + hourMs);
  await vault.finishPeriods(start + hourMs);
  await vault.close();
  const file = join(world.folder, 'footage', hourListPath(period.camera, period.startMs, period.slot));
  const list = await readFile(file);
  await damagePages(world);
  await restore(world);
  vault = await openVault(world);
  t.same(await vault.gaps(always), [], 'the rows do not know the gap any more');
  await vault.addGap({ camera: period.camera, stream: 'main', fromMs: start + 60_000, toMs: start + 90_000, reason: 'account lost', detail: '' });
  t.equal(await vault.finishPeriods(start + 2 * hourMs), 0);
  t.same(await readFile(file), list, 'what was noted since is in the database alone');
  t.same(await problems(world), []);
  const archive = await Archive.open(world.folder, [world.owner]);
  const found = await archive.segments(period.camera, 0, Number.MAX_SAFE_INTEGER);
  t.match(found, { segments: [{ path: row.path, durationMs: row.durationMs }], gaps: [{ reason: 'offline', detail: 'no answer' }] });
  await archive.close();
  await unlink(file);
  await vault.close();
  vault = await openVault(world);
  t.equal(await vault.finishPeriods(start + 2 * hourMs), 1, 'a list that is gone is written from what the database has');
  await vault.close();
  t.same(await problems(world), []);
});

/** Makes a slot's notes unreadable in both keyring files, as of a hub that wrote none. */
async function forgetNote(world: World, slot: number): Promise<void> {
  for (const name of ['keyring.1', 'keyring.2']) {
    const handle = await open(join(world.folder, 'keyring', name), 'r+');
    await handle.write(Buffer.alloc(1_024, 7), 0, 1_024, slot * 4_096 + 1_024);
    await handle.close();
  }
}

t.test('what the hub cannot know is kept: no key is overwritten, no file deleted, and the kit tells', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  await record(vault, await prepare(vault, world));
  await vault.makeCopy();
  const [listed, open] = [await prepare(vault, world, { startMs: start + hourMs }), await prepare(vault, world, { startMs: start + 2 * hourMs, keepMs: 9 * hourMs })];
  const rows = [await record(vault, listed), await record(vault, open)];
  await vault.finishPeriods(start + 2 * hourMs);
  await vault.close();
  for (const { slot } of [listed, open]) await forgetNote(world, slot);
  await damagePages(world);
  t.match(await restore(world), { reconciliation: { periods: 1, unknownSlots: 1 }, recovery: { removed: 0, adopted: 1 } }, 'the name of a list gives one back');
  for (const round of [1, 2]) {
    vault = await openVault(world);
    t.equal(vault.recovery.removed, 0, `start ${round}`);
    t.not((await prepare(vault, world, { camera: `new-${round}` })).slot, open.slot);
    await vault.close();
  }
  t.same((await problems(world)).map((line) => line.split(':')[0]), [`SP_FILE_UNKNOWN ${rows[1]?.path}`], 'and verify says so');
  t.ok((await seen(world)).includes(rows[1]?.path ?? ''), 'it opens with the kit');
  t.match(await rebuild(world, { force: true }), { problems: [], reconciliation: { unknownSlots: 0 } });
  t.same(await problems(world), []);
  vault = await openVault(world);
  t.ok((await vault.segments(always)).some(({ path }) => path === rows[1]?.path));
  await vault.close();
});

async function lost(t: Test): Promise<{ world: World; before: string[] }> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  for (const camera of ['front', 'back']) {
    const listed = await prepare(vault, world, { camera, keepMs: 50 * hourMs });
    for (let n = 0; n < 2; n++) await record(vault, listed, { wallMs: start + n * 60_000 });
    await vault.addGap({ camera, stream: 'main', fromMs: start + 120_000, toMs: start + 180_000, reason: 'stalled', detail: '' });
    await vault.finishPeriods(start + hourMs);
    await record(vault, await prepare(vault, world, { camera, startMs: start + hourMs, keepMs: 50 * hourMs }));
  }
  await vault.close();
  const before = await seen(world);
  for (const name of ['working.db', 'working.key']) await rm(join(world.folder, name));
  return { world, before };
}

t.test('a catalogue made anew has every segment, gap and deadline, and purges them', async (t) => {
  const { world, before } = await lost(t);
  // The time up to the second period stands in no list: its hole is noted, its reason is lost.
  t.match(await rebuild(world), { periods: 4, segments: 6, gaps: 2, gapsUnexplained: 2, problems: [], recovery: { removed: 0, missing: [] } });
  t.same(await problems(world), []);
  const vault = await openVault(world);
  const rows = await vault.segments(always);
  t.same(rows.map(({ path }) => path).sort(), before);
  const gaps = await vault.gaps(always);
  t.equal(gaps.filter(({ reason }) => reason === 'stalled').length, 2);
  t.ok(gaps.some(({ reason, toMs }) => reason === 'account lost' && toMs === start + hourMs), 'up to the next segment');
  for (const camera of ['front', 'back']) {
    const told = [...rows.filter((row) => row.camera === camera).map((row) => [row.startMs, row.startMs + (row.durationMs ?? 0)] as const), ...gaps.filter((gap) => gap.camera === camera).map((gap) => [gap.fromMs, gap.toMs] as const)].sort(([a], [b]) => a - b);
    t.ok(told.every(([fromMs], index) => index === 0 || fromMs <= (told[index - 1]?.[1] ?? 0)), `${camera}: every second is told`);
  }
  const db = await vault.livePeriods();
  t.same(db.map(({ deadlineMs, endMs }) => (deadlineMs - endMs) / hourMs).slice(0, 2), [50, 50], 'the lists tell them where the working key is lost, too');
  await vault.purge(db, {});
  await vault.close();
  t.same(await problems(world), []);
  t.same(await filesBelow(join(world.folder, 'footage')), []);
  const raw = await openRaw(world);
  t.match(raw.prepare('SELECT entry FROM audit WHERE n = 1').pluck().get(), /was lost/);
  raw.close();
});

t.test('rot in a file that no list covers is named by the catalogue that is made anew, wherever it is', async (t) => {
  for (const where of ['in its first chunk', 'in its last chunk'] as const) {
    const { world, before } = await lost(t);
    const path = before.findLast((name) => name.startsWith('front/')) ?? '';
    const file = join(world.folder, 'footage', path);
    const bytes = await readFile(file);
    const at = where === 'in its first chunk' ? 300 : bytes.length - 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await rebuild(world);
    const said = await problems(world);
    t.equal(said.length, 1, said.join('\n'));
    t.ok(said[0]?.startsWith(`SP_SEGMENT_DAMAGED ${path}`), `${where}: ${said.join('\n')}`);
  }
});

t.test('lists that are damaged or missing, rot, foreign files and a lost keyring file do not keep it from being made', async (t) => {
  const { world, before } = await lost(t);
  const footage = join(world.folder, 'footage');
  const lists = (await filesBelow(footage)).filter((name) => name.includes('/hour-'));
  await writeFile(join(footage, lists[0] ?? ''), 'no list');
  const rotten = before.find((path) => path.startsWith('front/')) ?? '';
  const bytes = await readFile(join(footage, rotten));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(join(footage, rotten), bytes);
  await writeFile(join(footage, 'notes.txt'), 'foreign');
  await rm(join(world.folder, 'keyring', 'keyring.2'));
  const rebuilt = await rebuild(world);
  t.ok(rebuilt.problems.length >= 1);
  const vault = await openVault(world);
  const rows = await vault.segments(always);
  t.same(rows.map(({ path }) => path).sort(), before);
  await vault.close();
  const wrong = (await problems(world)).filter((line) => !line.includes('keyring'));
  t.ok(wrong.every((line) => line.startsWith('SP_SEGMENT_DAMAGED') || line.startsWith('SP_SLOT_MISSING')), wrong.join('\n'));
});

t.test('a database that is whole is not replaced, and another kit opens nothing', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  await record(vault, await prepare(vault, world));
  await vault.close();
  await t.rejects(rebuild(world), { code: 'SP_USAGE' });
  await t.rejects(rebuild({ ...world, owner: makeWorld(t.testdirName).owner }, { force: true }), { code: 'SP_WRONG_IDENTITY' });
  t.same(await problems(world), []);
});
