/** Alarms: pictures and footage that live as long as their rule says, and not a moment longer. What opens, stock `age` decides. */
import { cp, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { makeBox } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { dayMs } from '../../src/base/units.ts';
import type { FileKey } from '../../src/seal/filekey.ts';
import { slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { alarmPictureBytesMax, alarmTextBytes } from '../../src/vault/alarms.ts';
import { Archive } from '../../src/vault/archive.ts';
import { unlock } from '../../src/vault/connection.ts';
import { WorkingDatabase } from '../../src/vault/database.ts';
import { holdName, hourListPath } from '../../src/vault/footagepaths.ts';
import type { PurgeStep } from '../../src/vault/purge.ts';
import { rebuildDatabase } from '../../src/vault/rebuild.ts';
import { restoreDatabase } from '../../src/vault/restore.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';
import type { AlarmRow, Period, SegmentRow, Vault } from '../../src/vault/vault.ts';
import { ageOpens, noAge } from '../seal/referees.ts';
import { always, begin, filesBelow, ftyp, hourMs, makeWorld, moov, openVault, prepare, readJson, record, start, type World } from './world.ts';

const midnight = Math.floor(start / dayMs) * dayMs;
/** Of a person at the door, as far as anybody here looks. */
const jpeg = (fill: number, bytes = 30_000): Buffer => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(bytes - 4, fill), Buffer.from([0xff, 0xd9])]);
const pictures = { full: jpeg(1), crop: jpeg(2, 9_000), thumb: jpeg(3, 4_000), text: { name: 'Ada' } };

function ring(vault: Vault, world: World, o: { atMs?: number; rule?: string; keepMs?: number; camera?: string; kind?: string } = {}): Promise<AlarmRow> {
  return vault.openAlarm({ camera: o.camera ?? 'front', rule: o.rule ?? 'door', kind: o.kind ?? 'person', atMs: o.atMs ?? world.clock.wallMs(), keepMs: o.keepMs ?? 30 * dayMs, recipients: [world.owner.recipient], scorePm: 912 });
}

async function recordWithKey(vault: Vault, period: Period, second: number): Promise<{ row: SegmentRow; key: FileKey }> {
  const writer = await begin(vault, period, { wallMs: period.startMs + second * 1000 });
  writer.append(makeBox('moof', Buffer.alloc(100, 1)), 0);
  writer.append(makeBox('mdat', Buffer.alloc(70_000, second % 256)));
  const key = writer.takeFileKey();
  return { row: await writer.close({ durationMs: 60_000, reason: 'continuous' }), key };
}

/** `dd … | age -d -i kit.txt > key.txt`, from that file of the keyring; undefined when age refuses. */
async function keyFile(world: World, slot: number, folder = world.folder): Promise<string | undefined> {
  const owner = join(world.folder, '..', 'owner');
  await mkdir(owner, { recursive: true });
  await writeFile(join(owner, 'kit.txt'), `${world.owner.reveal()}\n`);
  const text = (await readFile(join(folder, 'keyring', 'keyring.1'))).subarray(slot * slotBlockBytes).subarray(0, slotTextBytes);
  const opened = await ageOpens(text, join(owner, 'kit.txt'));
  if (opened === undefined) return undefined;
  const file = join(owner, `slot-${slot}.txt`);
  await writeFile(file, opened);
  return file;
}

async function opensHeld(world: World, row: Pick<SegmentRow, 'path'>, slot: number, key: string): Promise<Buffer | undefined> {
  const file = join(world.folder, 'footage', row.path);
  const hold = await readFile(holdName(file, slot)).catch(() => Buffer.alloc(0));
  return ageOpens(Buffer.concat([hold, (await readFile(file).catch(() => Buffer.alloc(0))).subarray(hold.length)]), key);
}

function isTheFootage(plain: Buffer | undefined, second: number): boolean {
  return plain?.subarray(0, ftyp.length).equals(ftyp) === true && plain.includes(moov) && plain.includes(Buffer.alloc(70_000, second % 256));
}

async function problemsIn(world: World): Promise<unknown[]> {
  return (await verifyFolder({ folder: world.folder })).problems;
}

/** A database of a closed vault under its key, as any program that knows it would open it. */
async function raw(world: World, name: string): Promise<Database.Database> {
  const workingKey = await loadWorkingKey({ folder: world.folder, mayCreate: false });
  const db = new Database(join(world.folder, name));
  unlock(db, workingKey.databaseKey());
  workingKey.close();
  return db;
}

const page = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100 };

t.test('what shows or names somebody lies sealed: kit, slot and picture open with stock age, and no plain byte is on the disk', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const alarm = await ring(vault, world);
  t.match(alarm, { camera: 'front', rule: 'door', kind: 'person', fromMs: start, toMs: undefined, scorePm: 912, pictures: [], segments: 0, seen: false, falseAlarm: false, deadlineMs: midnight + 31 * dayMs });
  t.match(alarm.id, /^[0-9a-f]{16}$/);
  await vault.putAlarmPictures(alarm.id, pictures);
  await vault.endAlarm(alarm.id, start + 20_000);
  t.match(await vault.alarm(alarm.id), { pictures: ['full', 'crop', 'thumb', 'text'], toMs: start + 20_000 });
  const key = (await keyFile(world, alarm.slot))!;
  t.match(await readFile(key, 'latin1'), /^# front alarm 2026-11-24T00:00:00Z\n/);
  for (const which of ['full', 'crop', 'thumb'] as const) t.same(await ageOpens((await vault.alarmPicture(alarm.id, which)).sealed, key), pictures[which]);
  const text = await ageOpens((await vault.alarmPicture(alarm.id, 'text')).sealed, key);
  t.equal(text?.length, alarmTextBytes);
  t.same(JSON.parse(text!.toString('utf8')), { name: 'Ada' });
  const nobody = await ring(vault, world, { rule: 'yard' });
  await vault.putAlarmPictures(nobody.id, { full: jpeg(9) });
  t.equal((await vault.alarmPicture(nobody.id, 'text')).sealed.length, (await vault.alarmPicture(alarm.id, 'text')).sealed.length, 'that nobody was recognised shows in no size');
  t.equal(nobody.slot, alarm.slot, 'a day has one key for rules that keep equally long');
  await t.rejects(vault.alarmPicture(nobody.id, 'crop'), { code: 'SP_ALARM' });
  await vault.close();
  for (const name of await filesBelow(world.folder)) {
    const bytes = await readFile(join(world.folder, name));
    for (const plain of [pictures.full.subarray(0, 64), Buffer.from('Ada'), Buffer.from('person')]) t.notOk(plain.length > 6 ? bytes.includes(plain) : bytes.includes(Buffer.from(`"${plain.toString()}"`)), `${name} has no ${plain.length} plain bytes`);
  }
  const db = await raw(world, 'pictures.db');
  t.notOk(db.prepare<[], { sealed: Buffer }>('SELECT sealed FROM pictures').all().some(({ sealed }) => sealed.includes(pictures.full.subarray(0, 64))), 'nor below the cipher of the file');
  t.equal(db.pragma('auto_vacuum', { simple: true }), 2);
  db.close();
  t.same(await problemsIn(world), []);
});

t.test('when the hour is shredded an alarm\'s footage opens with its hold and the day\'s key, and its neighbours open for nobody', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const [before, held, after] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60), await recordWithKey(vault, hour, 120)];
  const alarm = await ring(vault, world, { atMs: start + 70_000 });
  t.equal(await vault.holdForAlarm(alarm.id, held.row.id, held.key), true);
  const second = await ring(vault, world, { atMs: start + 90_000 });
  t.equal(await vault.holdForAlarm(second.id, held.row.id, held.key), true, 'two alarms of a day share one second header');
  t.equal(await vault.holdForAlarm(alarm.id, 'front/main/999', held.key), false);
  const none = await ring(vault, world, { atMs: start + 100_000 });
  await vault.noteAlarmFootage(none.id, 'too late');
  t.match(await vault.alarms(page), [{ id: none.id, segments: 0, footageWhy: 'too late' }, { id: second.id, segments: 1 }, { id: alarm.id, segments: 1 }]);
  const copies = await Promise.all([before, after].map(async ({ row }) => readFile(join(world.folder, 'footage', row.path))));
  await vault.finishPeriods(hour.deadlineMs);
  await vault.purge([hour], {});
  const key = (await keyFile(world, alarm.slot))!;
  t.ok(isTheFootage(await opensHeld(world, held.row, alarm.slot, key), 60));
  for (const sealed of copies) t.equal(await ageOpens(sealed, key), undefined, 'a copy of a neighbour opens with nothing that is left');
  t.match(await vault.alarmFootage(alarm.id), [{ seq: held.row.seq, periodClass: 'alarm', slot: alarm.slot, state: 'complete' }]);
  t.same(await vault.holes({ msMin: 1 }), []);

  await vault.finishPeriods(midnight + dayMs + 1);
  t.same(await filesBelow(join(world.folder, 'footage')), [held.row.path, holdName(held.row.path, alarm.slot), hourListPath('front', midnight, alarm.slot)].sort());
  const list = JSON.parse((await ageOpens(await readFile(join(world.folder, 'footage', hourListPath('front', midnight, alarm.slot))), key))!.toString('utf8')) as { class: string; segments: unknown[] };
  t.match(list, { class: 'alarm', maker: 'hub', segments: [{ seq: held.row.seq, path: held.row.path }] });
  t.equal(list.segments.length, 1);
  const archive = await Archive.open(world.folder, [world.owner]);
  const { segments, problems } = await archive.segments('front', start, start + hourMs);
  t.same(problems, []);
  t.match(segments, [{ seq: held.row.seq, heldBy: [alarm.slot] }]);
  const opener = await archive.openSegment(segments[0]!);
  const chunks: Buffer[] = [];
  for await (const chunk of opener.chunks()) chunks.push(chunk);
  opener.close();
  await archive.close();
  t.ok(isTheFootage(Buffer.concat(chunks), 60));
  await vault.close();
  t.same(await problemsIn(world), []);

  const again = await openVault(world);
  t.match(again.recovery, { removed: 0, adopted: 0, missing: [] });
  t.match(await again.alarms(page), [{}, {}, { id: alarm.id, segments: 1 }]);
  await again.close();
});

t.test('what an alarm keeps from before midnight, or after the next one, is found, played and purged with its day', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const [evening, morning] = [await prepare(vault, world, { startMs: midnight + 23 * hourMs }), await prepare(vault, world, { startMs: midnight + dayMs })];
  const [last, first] = [await recordWithKey(vault, evening, 3_590), await recordWithKey(vault, morning, 50)];
  const [early, late] = [await ring(vault, world, { atMs: midnight + dayMs + 5_000 }), await ring(vault, world, { atMs: midnight + dayMs - 5_000 })];
  t.ok(await vault.holdForAlarm(early.id, last.row.id, last.key));
  t.ok(await vault.holdForAlarm(late.id, first.row.id, first.key));
  await vault.finishPeriods(midnight + 3 * dayMs);
  await vault.purge([evening, morning], {});
  for (const [row, alarm] of [[last.row, early], [first.row, late]] as const) {
    const time = { fromMs: row.startMs, toMs: row.startMs + 1_000 };
    t.match(await vault.segments({ ...time, limit: 10 }), [{ seq: row.seq, slot: alarm.slot }]);
    t.ok((await vault.periodsIn({ camera: 'front', ...time, limit: 10 })).some(({ slot }) => slot === alarm.slot));
    const archive = await Archive.open(world.folder, [world.owner]);
    const { segments, problems } = await archive.segments('front', time.fromMs, time.toMs);
    t.same(problems, []);
    t.match(segments.filter(({ seq }) => seq === row.seq), [{ seq: row.seq, heldBy: [alarm.slot] }]);
    await archive.close();
  }
  await vault.close();
  t.same(await problemsIn(world), []);
  const again = await openVault(world);
  t.match(again.recovery, { removed: 0, adopted: 0, missing: [] });
  await again.purge(await again.duePeriods(midnight + 32 * dayMs), {});
  t.same(await filesBelow(join(world.folder, 'footage')), []);
  await again.close();
});

t.test('at its own deadline nothing of a day of alarms is left: pictures, footage, rows, and the folders they lay in', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const held = await recordWithKey(vault, hour, 60);
  const [short, long] = [await ring(vault, world, { keepMs: 2 * dayMs }), await ring(vault, world, { rule: 'safe', keepMs: 9 * dayMs })];
  t.not(short.slot, long.slot, 'another retention has another key');
  for (const { id } of [short, long]) {
    await vault.putAlarmPictures(id, pictures);
    await vault.holdForAlarm(id, held.row.id, held.key);
  }
  await vault.finishPeriods(midnight + dayMs);
  const sealed = (await vault.alarmPicture(short.id, 'full')).sealed;
  await vault.purge([hour], {});
  await cp(world.folder, join(world.folder, '..', 'copy'), { recursive: true });

  t.same((await vault.duePeriods(midnight + 3 * dayMs - 1)).map(({ slot }) => slot), []);
  const due = await vault.duePeriods(midnight + 3 * dayMs);
  t.same(due.map(({ slot }) => slot), [short.slot], 'to the millisecond, and the other one is not touched');
  t.match(await readJson((await vault.purge(due, {})).file), { read_back: true, periods: [{ class: 'alarm', alarms: 1, holds: 1 }] });
  t.equal(await vault.alarm(short.id), undefined);
  await t.rejects(vault.alarmPicture(short.id, 'full'), { code: 'SP_ALARM' });
  await t.rejects(vault.putAlarmPictures(short.id, pictures), { code: 'SP_ALARM' });
  t.equal(await keyFile(world, short.slot), undefined, 'no key of it is there');
  t.equal(await ageOpens(sealed, (await keyFile(world, long.slot))!), undefined, 'and no other key opens what somebody has kept');
  t.match(await vault.alarms(page), [{ id: long.id, segments: 1, pictures: ['full', 'crop', 'thumb', 'text'] }]);

  await vault.purge(await vault.duePeriods(midnight + 10 * dayMs), {});
  t.same(await vault.alarms(page), []);
  t.same(await filesBelow(join(world.folder, 'footage')), []);
  await vault.close();
  await t.rejects(stat(join(world.folder, 'footage', 'front', '20261124')), { code: 'ENOENT' });
  const db = await raw(world, 'pictures.db');
  t.equal(db.prepare<[], { n: number }>('SELECT (SELECT count(*) FROM alarms) + (SELECT count(*) FROM pictures) AS n').get()?.n, 0);
  db.close();
  t.same(await problemsIn(world), []);
});

t.test('purging a day of alarms does not write their pictures again, and an early purge gives the room back to the disk', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const [first, second] = [await ring(vault, world), await ring(vault, world, { atMs: start + dayMs })];
  for (let n = 0; n < 60; n++) {
    const { id } = await ring(vault, world, { atMs: (n % 2 === 0 ? start : start + dayMs) + n });
    await vault.putAlarmPictures(id, { full: jpeg(n, 40_000), crop: jpeg(n, 40_000), thumb: jpeg(n, 40_000) });
  }
  const bytes = (await vault.periodBytes()).filter((period) => period.class === 'alarm').map((period) => period.bytes);
  t.ok(bytes.every((one) => one > 30 * 120_000), 'what they take is known');
  await vault.close();
  const again = await openVault(world);
  const file = async (): Promise<Buffer> => readFile(join(world.folder, 'pictures.db'));
  const full = await file();
  const periods = await again.livePeriods();
  const period = (alarm: AlarmRow): Period => periods.find(({ slot }) => slot === alarm.slot)!;
  await again.purge([period(first)], {});
  const purged = await file();
  t.equal(purged.length, full.length, 'the pages stay for the pictures to come');
  const pages = full.length / 4096;
  const written = Array.from({ length: pages }, (_, n) => !full.subarray(n * 4096, (n + 1) * 4096).equals(purged.subarray(n * 4096, (n + 1) * 4096))).filter(Boolean).length;
  t.ok(written < pages / 10, `${written} of ${pages} pages were written`);
  t.match((await again.alarms(page)).length, 31);
  await again.purge([period(second)], { early: 'the disk is nearly full' });
  t.ok((await file()).length < full.length / 20, `${(await file()).length} of ${full.length} bytes are left`);
  await again.close();
  t.same(await problemsIn(world), []);
});

t.test('alarms are listed page by page, the newest first, by camera and kind', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const ids: string[] = [];
  // Two of one moment: the key of a page tells them apart.
  for (const [camera, kind, atMs] of [['front', 'person', 1], ['yard', 'vehicle', 2], ['front', 'vehicle', 2], ['front', 'person', 3], ['yard', 'person', 4]] as const) {
    const { id } = await ring(vault, world, { camera, kind, atMs: start + atMs });
    await vault.endAlarm(id, start + atMs);
    ids.push(id);
  }
  const seen: AlarmRow[] = [];
  for (let before: AlarmRow | undefined; ;) {
    const rows = await vault.alarms({ ...page, limit: 2, before });
    if (rows.length === 0) break;
    seen.push(...rows);
    before = rows.at(-1);
  }
  t.same(seen.map(({ fromMs }) => fromMs - start), [4, 3, 2, 2, 1]);
  t.same(seen.map(({ id }) => id).toSorted(), ids.toSorted(), 'each once');
  t.same((await vault.alarms({ ...page, cameras: ['yard'] })).map(({ fromMs }) => fromMs - start), [4, 2]);
  t.same((await vault.alarms({ ...page, cameras: ['yard', 'front'], kinds: ['vehicle'] })).map(({ fromMs }) => fromMs - start), [2, 2]);
  t.same((await vault.alarms({ ...page, fromMs: start + 2, toMs: start + 3 })).length, 2);
  t.same(await vault.alarms({ ...page, cameras: [] }), []);
  const { total: before } = await vault.auditBefore(undefined, 1);
  for (const marks of [{ seen: true }, { falseAlarm: true }, { seen: true }]) await vault.markAlarm(ids[0]!, marks, { who: 'cli' });
  t.match(await vault.alarm(ids[0]!), { seen: true, falseAlarm: true });
  await vault.markAlarm(ids[0]!, { seen: false, falseAlarm: false }, { who: 'cli' });
  await vault.markAlarm(ids[0]!, { falseAlarm: true, seen: true }, { who: 'page', account: 'somebody' });
  await vault.markAlarm(ids[1]!, { seen: true }, { who: 'cli' });
  await vault.markAlarm(ids[1]!, { seen: false }, { who: 'cli' });
  const { lines, total } = await vault.auditBefore(undefined, 6);
  const marked = lines.map(({ entry }) => JSON.parse(entry ?? '') as { what: string; who: string; account?: string; camera: string; detail: { alarm: string } });
  t.same(marked.toReversed().map(({ what }) => what), ['alarm.seen', 'alarm.false', 'alarm.not-false', 'alarm.false', 'alarm.seen', 'alarm.unseen'], 'what changes nothing leaves no line');
  t.equal(total - before, 6);
  t.match(marked[2], { who: 'page', account: 'somebody', camera: (await vault.alarm(ids[0]!))!.camera, detail: { alarm: ids[0] } });
  await t.rejects(vault.markAlarm('0'.repeat(16), { seen: true }, { who: 'cli' }), { code: 'SP_ALARM' });
  await t.rejects(vault.endAlarm('0'.repeat(16), start), { code: 'SP_ALARM' });
  await vault.close();
});

t.test('a picture that is too large, or none, is refused, and the alarm stands', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const { id } = await ring(vault, world);
  await t.rejects(vault.putAlarmPictures(id, { full: jpeg(1, alarmPictureBytesMax + 1) }), { code: 'SP_ALARM' });
  await t.rejects(vault.putAlarmPictures(id, { thumb: Buffer.from('GIF89a;') }), { code: 'SP_ALARM' });
  await t.rejects(vault.putAlarmPictures(id, { text: 'x'.repeat(alarmTextBytes) }), { code: 'SP_ALARM' });
  await vault.putAlarmPictures(id, { full: jpeg(1, alarmPictureBytesMax) });
  t.same((await vault.alarm(id))?.pictures, ['full', 'text']);
  await vault.close();
});

t.test('while the pictures\' file is locked by another program an alarm stands without, says why, and takes them later; recording does not wait', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const { id } = await ring(vault, world);
  const other = await raw(world, 'pictures.db');
  other.exec('BEGIN IMMEDIATE');
  await t.rejects(vault.putAlarmPictures(id, pictures), { code: 'SP_PICTURES', evidence: { reason: 'another program holds it' } });
  t.match(await vault.alarm(id), { pictures: [], picturesWhy: 'another program holds it' });
  await record(vault, await prepare(vault, world));
  other.exec('COMMIT');
  other.close();
  await vault.putAlarmPictures(id, pictures);
  t.match(await vault.alarm(id), { pictures: ['full', 'crop', 'thumb', 'text'], picturesWhy: '' });
  await vault.close();
});

t.test('without its pictures\' file, or with a damaged one, a hub starts, records and alarms; what is lost is said', async (t) => {
  for (const damage of ['gone', 'garbage', 'a damaged page'] as const) {
    const world = makeWorld(join(t.testdir(), damage.replaceAll(' ', '-')));
    await mkdir(join(world.folder, '..'), { recursive: true });
    const vault = await openVault(world);
    const alarm = await ring(vault, world);
    await vault.putAlarmPictures(alarm.id, pictures);
    await vault.close();
    const file = join(world.folder, 'pictures.db');
    if (damage === 'gone') await rm(file);
    else if (damage === 'garbage') await writeFile(file, Buffer.alloc(20_000, 7));
    else {
      // Of the sealed bytes, which only reading them shows.
      const handle = await open(file, 'r+');
      await handle.write(Buffer.alloc(4096, 7), 0, 4096, Math.floor((await handle.stat()).size / 4096 / 2) * 4096);
      await handle.close();
    }
    t.match(await problemsIn(world), [{ code: 'SP_PICTURES' }], damage);
    const again = await openVault(world);
    t.match(await again.pictures(), damage === 'a damaged page' ? { open: true, lost: 0 } : { open: true, lost: 1, setAside: damage === 'garbage' }, damage);
    await record(again, await prepare(again, world));
    t.match(await again.alarm(alarm.id), damage === 'a damaged page' ? { id: alarm.id } : { pictures: [], picturesWhy: 'lost' });
    if (damage !== 'a damaged page') {
      const next = await ring(again, world);
      await again.putAlarmPictures(next.id, pictures);
      t.match(await again.alarm(next.id), { pictures: ['full', 'crop', 'thumb', 'text'] });
      const aside = `${file}.damaged`;
      t.equal(await stat(aside).then(() => true, () => false), damage === 'garbage');
      await again.purge(await again.duePeriods(midnight + 32 * dayMs), {});
      await t.rejects(stat(aside), { code: 'ENOENT' }, 'what it said of alarms does not outlive them');
    } else await t.rejects(Promise.all((['full', 'crop', 'thumb', 'text'] as const).map((which) => again.alarmPicture(alarm.id, which))), { code: 'SP_PICTURES' });
    await again.close();
  }
});

t.test('where rows and pictures agree, comparing them writes nothing, however many there are', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  for (let n = 0; n < 3; n++) await vault.putAlarmPictures((await ring(vault, world, { atMs: start + n * 1000 })).id, pictures);
  await vault.close();
  const workingKey = await loadWorkingKey({ folder: world.folder, mayCreate: false });
  const database = await WorkingDatabase.open(join(world.folder, 'working.db'), workingKey.databaseKey());
  workingKey.close();
  const before = await database.call('checkpointFacts', { atMs: 1 });
  const batch = await database.call('settlePictures', { after: '', limit: 2, atMs: 1 });
  t.match(batch, { lost: 0, found: 0, gone: 0, next: /^00000002/ });
  t.same(await database.call('settlePictures', { after: batch.next ?? '', limit: 2, atMs: 1 }), { lost: 0, found: 0, gone: 0, next: undefined });
  t.same(await database.call('checkpointFacts', { atMs: 1 }), before, 'neither generation nor audit moved');
  await database.close();
});

t.test('killed after any step of a purge, or of an erasing, a day of alarms ends purged at the next start', async (t) => {
  const yesterday = midnight - dayMs;
  for (const [step, erased] of [['intended'], ['shredded'], ['marked', 'a guest asked'], ['unlinked'], ['deleted'], ['recorded'], ['filed']] as [PurgeStep, string?][]) {
    const world = makeWorld(join(t.testdir(), step));
    await mkdir(join(world.folder, '..'), { recursive: true });
    const vault = await openVault(world);
    const hour = await prepare(vault, world, { startMs: yesterday });
    const held = await recordWithKey(vault, hour, 60);
    const { id } = await ring(vault, world, { atMs: yesterday + 61_000, keepMs: hourMs });
    await vault.putAlarmPictures(id, pictures);
    await vault.holdForAlarm(id, held.row.id, held.key);
    const stays = await ring(vault, world);
    await vault.putAlarmPictures(stays.id, pictures);
    await vault.close();
    const killed = await run(process.execPath, ['--disable-warning=ExperimentalWarning', new URL('./purge-child.ts', import.meta.url).pathname, world.folder, step, ...(erased === undefined ? [] : [erased])]);
    t.equal(killed.signal, 'SIGKILL', step);
    const again = await openVault(world);
    t.match(await again.alarms(page), [{ id: stays.id, pictures: ['full', 'crop', 'thumb', 'text'] }], step);
    t.equal((await again.alarms(page)).length, 1);
    t.same(await again.segments(always), []);
    t.same(await filesBelow(join(world.folder, 'footage')), []);
    await again.close();
    const db = await raw(world, 'pictures.db');
    t.equal(db.prepare<[], { n: number }>('SELECT count(*) AS n FROM pictures').get()?.n, 4, 'and so do its rows in the file of pictures');
    db.close();
    t.same(await problemsIn(world), [], step);
  }
});

t.test('a shortened rule shortens its days; one that shares a day with a rule that keeps longer waits for it', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const [door, yard] = [await ring(vault, world, { rule: 'door' }), await ring(vault, world, { rule: 'yard', atMs: start + dayMs })];
  await ring(vault, world, { rule: 'door', atMs: start + dayMs });
  t.equal(await vault.shortenAlarms('front', { door: 3 * dayMs }), 1);
  t.match(await vault.alarm(door.id), { deadlineMs: midnight + 4 * dayMs });
  t.match(await vault.alarm(yard.id), { deadlineMs: midnight + 32 * dayMs });
  t.equal(await vault.shortenAlarms('front', { door: 3 * dayMs, yard: 5 * dayMs }), 1);
  t.match(await vault.alarm(yard.id), { deadlineMs: midnight + 7 * dayMs });
  t.equal(await vault.shortenAlarms('front', { door: 90 * dayMs, yard: 90 * dayMs }), 0, 'never longer');
  await vault.close();
});

t.test('an alarm that a kill left open has ended when the hub is there again', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const { id } = await ring(vault, world);
  await vault.close();
  const again = await openVault(world);
  t.match(await again.alarm(id), { toMs: start });
  await again.close();
});

t.test('a database that is put back from a copy learns the alarms since from their pictures, and the owner\'s kit alone rebuilds them', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world, { keepMs: 5 * dayMs });
  const [early, late] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60)];
  const before = await ring(vault, world);
  await vault.putAlarmPictures(before.id, pictures);
  await vault.makeCopy();
  const since = await ring(vault, world, { atMs: start + 80_000, rule: 'safe', keepMs: 60 * dayMs });
  await vault.putAlarmPictures(since.id, pictures);
  await vault.endAlarm(since.id, start + 90_000);
  await vault.holdForAlarm(before.id, early.row.id, early.key);
  await vault.holdForAlarm(since.id, late.row.id, late.key);
  await vault.purge([hour], {});
  await vault.finishPeriods(midnight + dayMs);
  await vault.close();

  for (const way of ['restored', 'rebuilt'] as const) {
    await cp(world.folder, join(world.folder, '..', way), { recursive: true });
    const there: World = { ...world, folder: join(world.folder, '..', way) };
    const o = { folder: there.folder, clock: world.clock, log: silentLog, hubName: 'test hub' };
    if (way === 'restored') await restoreDatabase({ ...o, keepMs: hourMs });
    else await rebuildDatabase({ ...o, identities: [world.owner], periodMs: hourMs, keepMs: () => hourMs, gapMsMin: 500, force: true });
    const again = await openVault(there);
    t.match(await again.alarms(page), [{ id: since.id, rule: 'safe', kind: 'person', fromMs: start + 80_000, toMs: start + 90_000, deadlineMs: midnight + 61 * dayMs, pictures: ['full', 'crop', 'thumb', 'text'] }, { id: before.id, deadlineMs: midnight + 31 * dayMs }], way);
    const key = (await keyFile(there, since.slot))!;
    t.same(await ageOpens((await again.alarmPicture(since.id, 'full')).sealed, key), pictures.full, way);
    t.match((await again.segments(always)).map(({ seq, periodClass }) => [seq, periodClass]), [[early.row.seq, 'alarm'], [late.row.seq, 'alarm']], way);
    t.ok(isTheFootage(await opensHeld(there, late.row, since.slot, key), 60), way);
    world.clock.set(midnight + 61 * dayMs);
    await again.purge(await again.duePeriods(midnight + 61 * dayMs), {});
    t.same(await again.alarms(page), [], way);
    t.same(await filesBelow(join(there.folder, 'footage')), [], way);
    await again.close();
    world.clock.set(start);
    t.same((await verifyFolder({ folder: there.folder })).problems, [], way);
  }
});
