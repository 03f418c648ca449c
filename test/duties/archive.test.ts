import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import { ArchiveDuty } from '../../src/duties/archive.ts';
import { PlaybackDuty } from '../../src/duties/playback.ts';
import { destinationInWords } from '../../src/policy/declared.ts';
import type { Archivable, SegmentRow } from '../../src/vault/vault.ts';
import { Archive, type FetchSegment } from '../../src/vault/archive.ts';
import { rebuildDatabase } from '../../src/vault/rebuild.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { always, prepare, record, start } from '../vault/world.ts';
import { answered, close, makeUploads, objectsIn, reopen, runCourier, settle, standingsOf, type UploadWorld } from './uploadworld.ts';

type Archived = UploadWorld & { archive: ArchiveDuty; playback: PlaybackDuty };

/** Two segments that have arrived, of a day ago. */
async function arrived(folder: string): Promise<{ made: Archived; one: SegmentRow; two: SegmentRow; bytes: Buffer[] }> {
  const made = (await makeUploads(folder, { archiveAfterMs: 2 * hourMs })) as Archived;
  const period = await prepare(made.vault, made.world, { keepMs: 5 * dayMs });
  const [one, two] = [await record(made.vault, period), await record(made.vault, period, { wallMs: start + minuteMs, bytes: 300_000 })];
  const bytes = await Promise.all([one, two].map(({ path }) => readFile(join(made.world.folder, 'footage', path))));
  withDuties(made);
  return { made, one, two, bytes };
}

function withDuties(made: Archived): void {
  const { world, vault, ledger } = made;
  const clock: Clock = { wallMs: () => world.clock.wallMs(), monotonicMs: () => systemClock.monotonicMs(), sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  made.archive = new ArchiveDuty({ vault, ledger, destinations: () => made.destinations, clock, log: silentLog });
  made.playback = new PlaybackDuty({ vault, clock, timekeeper: { verdict: undefined }, archive: made.archive });
}

const fileOf = (made: UploadWorld, row: SegmentRow): string => join(made.world.folder, 'footage', row.path);

/** All that may go has its row, and its file still: as a kill between the two leaves it. Answers what was marked. */
async function marked({ vault }: Archived): Promise<readonly Archivable[]> {
  const { rows } = await vault.archivable({ destination: 'disk', beforeMs: start + dayMs, after: 0, limit: 10 });
  const count = await vault.archive('disk', rows.map(({ rowId }) => rowId));
  return rows.slice(0, count);
}

async function played(made: Archived, { camera, stream, seq }: SegmentRow, from?: number, to?: number): Promise<Buffer> {
  const file = await answered(made, made.playback.segment(camera, stream, seq));
  const pieces: Buffer[] = [];
  for await (const piece of file.read(from, to)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const gets = async (made: UploadWorld): Promise<number> => (await made.vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'get').length;

t.test('what is old and surely far lies there alone, and is played from there byte for byte, fetched once for all who ask', async (t) => {
  const { made, one, two, bytes } = await arrived(t.testdir());
  await using _made = made;
  made.world.clock.set(start + 3 * hourMs);
  await answered(made, made.archive.look());
  t.ok(existsSync(fileOf(made, one)), 'nothing is there yet');
  {
    await using _courier = await runCourier(made);
    await settle(made);
    made.world.clock.set(start + hourMs);
    await answered(made, made.archive.look());
    t.ok(existsSync(fileOf(made, one)), 'it is too young');
    made.world.clock.set(start + 3 * hourMs);
    await answered(made, made.archive.look());
    t.notOk(existsSync(fileOf(made, one)) || existsSync(fileOf(made, two)), 'they lie there alone');
    t.same(await made.vault.archivedSums(), [{ destination: 'disk', segments: 2, bytes: one.sizeBytes + two.sizeBytes }]);
    t.match(await standingsOf(made), [{ counts: { alone: 2, aloneBytes: one.sizeBytes + two.sizeBytes } }]);
    t.same((await made.playback.timeline({ camera: 'front', ...always })).segments.map(({ archivedAt }) => archivedAt), ['disk', 'disk']);
    t.same(await Promise.all([played(made, two), played(made, two, 1_000, 2_000)]), [bytes[1], bytes[1]?.subarray(1_000, 2_000)]);
    t.same(await played(made, two, 5, 90_000), bytes[1]?.subarray(5, 90_000), 'a seek asks for nothing');
    t.equal(await gets(made), 3, 'the end of each before its file went, and one of them whole');
    t.match(await made.vault.periodBytes(), [{ bytes: 0, broughtBytes: one.sizeBytes + two.sizeBytes }], 'a full disk takes no hour that it would gain nothing from');
  }
  const { problems, segments, elsewhere } = await verifyFolder({ folder: made.world.folder });
  t.same([problems, segments, elsewhere], [[], 2, 2], 'it says what it did not read');
  await close(made);
  await reopen(made);
  withDuties(made);
  t.same(made.vault.recovery.missing, [], 'a start misses nothing');
  t.same((await made.vault.segments(always)).map(({ state, archivedAt }) => [state, archivedAt]), [['complete', 'disk'], ['complete', 'disk']]);
  await using _courier = await runCourier(made);
  t.same(await played(made, one), bytes[0]);
  await made.vault.purge([{ id: one.periodId }], {});
  await t.rejects(answered(made, made.playback.segment(one.camera, one.stream, one.seq)), { code: 'SP_SEGMENT_MISSING' }, 'not from what was fetched either');
  await settle(made);
  t.equal((await objectsIn(made.disk)).size, 0, 'a purge erases what lies there');
});

t.test('a kill between the row and the file leaves both, and the next look removes the file', async (t) => {
  const { made, one } = await arrived(t.testdir());
  await using _made = made;
  await using _courier = await runCourier(made);
  await settle(made);
  t.equal((await marked(made)).length, 2);
  await close(made);
  await reopen(made);
  withDuties(made);
  t.ok(existsSync(fileOf(made, one)));
  t.equal((await played(made, one)).length, one.sizeBytes, 'played from here');
  t.equal(await gets(made), 0);
  // Killed behind the file, before that is noted.
  await rm(fileOf(made, one));
  await answered(made, made.archive.look());
  t.same([await made.vault.removeArchived(10), await readdir(join(made.world.folder, 'fetched')).catch(() => [])], [0, []]);
  t.same((await verifyFolder({ folder: made.world.folder })).problems, []);
});

t.test('what is not what was sent, is gone or may not be read is said by its code, and not played', async (t) => {
  const { made, one, two } = await arrived(t.testdir());
  await using _made = made;
  const courier = await runCourier(made);
  await settle(made);
  made.world.clock.set(start + 3 * hourMs);
  await answered(made, made.archive.look());
  const files = (await readdir(made.disk, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !entry.name.startsWith('probe')).map((entry) => join(entry.parentPath, entry.name));
  const rot = async (size: number, deed: (bytes: Buffer) => Buffer | undefined): Promise<void> => {
    for (const file of files) {
      const bytes = await readFile(file).catch(() => undefined);
      const next = bytes?.length === size ? deed(Buffer.from(bytes)) : bytes;
      if (bytes?.length !== size) continue;
      await chmod(file, 0o600);
      await (next === undefined ? rm(file) : writeFile(file, next));
    }
  };
  await rot(one.sizeBytes, (bytes) => { bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1; return bytes; });
  await t.rejects(played(made, one), { code: 'SP_ARCHIVE_LIED', evidence: { destination: 'disk' } });
  t.same(await readdir(join(made.world.folder, 'fetched')), [], 'nothing of it is kept');
  await rot(two.sizeBytes, () => undefined);
  await t.rejects(played(made, two), { code: 'SP_ARCHIVE_GONE' });
  await courier[Symbol.asyncDispose]();
  const hasty = new ArchiveDuty({ vault: made.vault, ledger: made.ledger, destinations: () => [], clock: systemClock, log: silentLog, patienceMs: 1 });
  await t.rejects(hasty.open(one), { code: 'SP_ARCHIVE_AWAY', evidence: { reason: /no answer came/ } });
  while (![...made.ledger.orders.values()].some(({ order }) => order === 'withdraw')) await new Promise((resolve) => { setImmediate(resolve); });
  t.equal(made.ledger.orders.size, 1, 'what nobody waits for is withdrawn');
});

t.test('a size alone is no proof, and the owner says yes to what lies there alone', async (t) => {
  const { made } = await arrived(t.testdir());
  await using _made = made;
  await using _courier = await runCourier(made);
  await made.upload.look();
  for (const [name, order] of made.ledger.orders) if (order.order === 'put') await made.vault.far.answered([{ line: (await made.vault.far.line(name)) as never, name, outcome: 'done', answeredMs: start, attempts: 1, sentBytes: 1, proof: 'size', code: '', reason: '' }]);
  t.same((await made.vault.archivable({ destination: 'disk', beforeMs: start + dayMs, after: 0, limit: 10 })).rows, []);
  t.match(made.destinations.map(destinationInWords), [/what is older than 2 hours lies there alone, not at home/]);
});

t.test('what was proven there once, and is not there any more, stays here and is sent again', async (t) => {
  for (const [what, harm] of [['gone', (file: string) => rm(file)], ['shorter', (file: string) => truncate(file, 1_000)], ['another', async (file: string) => writeFile(file, (await readFile(file)).fill(1, 1_000))]] as const) {
    await t.test(what, async (t) => {
      const { made, one, two } = await arrived(t.testdir());
      await using _made = made;
      await using _courier = await runCourier(made);
      await settle(made);
      made.world.clock.set(start + 3 * hourMs);
      const { rows: [first] } = await made.vault.archivable({ destination: 'disk', beforeMs: start + 3 * hourMs, after: 0, limit: 10 });
      const { object = '' } = first ?? {};
      await harm(join(made.disk, object.slice(0, 2), object));
      await answered(made, made.archive.look());
      t.same([existsSync(fileOf(made, one)), existsSync(fileOf(made, two))], [true, false]);
      await settle(made);
      await answered(made, made.archive.look());
      // What lies there under its name and is another is not written over.
      t.equal(existsSync(fileOf(made, one)), what !== 'gone', 'once it is there again it may go');
    });
  }
});

t.test('between the row and the file it is asked again whether the object is known to be there', async (t) => {
  const { made, one } = await arrived(t.testdir());
  await using _made = made;
  await using _courier = await runCourier(made);
  await settle(made);
  const rows = await marked(made);
  await made.vault.far.again(rows.slice(0, 1).map(({ farId }) => farId));
  t.equal(await made.vault.removeArchived(10), 1);
  t.ok(existsSync(fileOf(made, one)), 'the one that is to be sent again stays');
  t.same((await made.vault.segments(always)).map(({ archivedAt }) => archivedAt), [undefined, 'disk']);
});

/** Two segments that lie at the disk alone, and the hour list says so. */
async function archived(folder: string): Promise<Awaited<ReturnType<typeof arrived>>> {
  const all = await arrived(folder);
  const { made } = all;
  {
    await using _courier = await runCourier(made);
    await settle(made);
    await made.vault.finishPeriods(start + 2 * hourMs);
    made.world.clock.set(start + 3 * hourMs);
    await answered(made, made.archive.look());
  }
  await made.vault.finishPeriods(start + 3 * hourMs);
  return all;
}

async function openedWith(made: Archived, fetch: FetchSegment | undefined, deed: (archive: Archive, segments: Awaited<ReturnType<Archive['segments']>>) => Promise<void>): Promise<void> {
  const archive = await Archive.open(made.world.folder, [made.world.owner], { fetch });
  try {
    await deed(archive, await archive.segments('front', always.fromMs, always.toMs));
  } finally {
    await archive.close();
  }
}

async function contentOf(archive: Archive, segment: Awaited<ReturnType<Archive['segments']>>['segments'][number]): Promise<number> {
  const opener = await archive.openSegment(segment);
  let bytes = 0;
  for await (const chunk of opener.chunks()) bytes += chunk.length;
  opener.close();
  return bytes;
}

t.test('with the kit alone the list says where it lies; with the hub it is opened from there, also when it had to make room meanwhile', async (t) => {
  const { made, one, two } = await archived(t.testdir());
  await using _made = made;
  await openedWith(made, undefined, async (archive, { segments: [first, second], problems }) => {
    t.same([first?.archivedAt, second?.archivedAt, problems], ['disk', 'disk', []]);
    await t.rejects(archive.openSegment(first!), { code: 'SP_ARCHIVE_HUB', evidence: { destination: 'disk', file: one.path } });
  });
  await using _courier = await runCourier(made);
  const asked: [string, number][] = [];
  const fetch: FetchSegment = async (name, destination) => {
    asked.push([destination, name.seq]);
    return join(made.world.folder, 'fetched', await answered(made, made.playback.fetch({ camera: name.camera, stream: name.stream, seq: name.seq })));
  };
  await openedWith(made, fetch, async (archive, { segments: [, second] }) => {
    t.ok(await contentOf(archive, second!) > 300_000);
    t.same(asked, [['disk', two.seq]]);
    const opener = await archive.openSegment(second!);
    await opener.read(0, 10);
    await rm(join(made.world.folder, 'fetched'), { recursive: true });
    await mkdir(join(made.world.folder, 'fetched'));
    t.equal((await opener.read(opener.plainSize - 10, 10)).length, 10, 'once more');
    opener.close();
  });
  await t.rejects(answered(made, made.playback.fetch({ camera: 'front', stream: 'main', seq: 99 })), { code: 'SP_SEGMENT_MISSING' });
  made.world.clock.set(start + 7 * dayMs);
  await t.rejects(answered(made, made.playback.fetch(two)), { code: 'SP_FOOTAGE_LOCKED' });
});

t.test('while one segment is played the next one is fetched already, once', async (t) => {
  const { made, one, two, bytes } = await archived(t.testdir());
  await using _made = made;
  await using _courier = await runCourier(made);
  await played(made, one, 0, 100);
  await played(made, one, 100, 200);
  const fetched = async (): Promise<number[]> => (await Promise.all((await readdir(join(made.world.folder, 'fetched'))).map(async (name) => (name.endsWith('.part') ? [] : [(await stat(join(made.world.folder, 'fetched', name))).size])))).flat().toSorted((a, b) => a - b);
  while ((await fetched()).length < 2) {
    await made.ledger.look();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  t.same(await fetched(), [one.sizeBytes, two.sizeBytes]);
  const asked = await gets(made);
  t.ok((await played(made, two)).equals(bytes[1] ?? Buffer.alloc(0)));
  t.equal(await gets(made), asked, 'it is there');
});

t.test('a second header is made of what lies far alone', async (t) => {
  const { made, one } = await archived(t.testdir());
  await using _made = made;
  await using _courier = await runCourier(made);
  const hold = await made.vault.preparePeriod({ camera: 'front', class: 'hold', startMs: start, endMs: start + hourMs, deadlineMs: start + 9 * dayMs, recipients: [made.world.owner.recipient], hold: { order: '5a11e0a7', maker: 'device', label: '' } });
  await openedWith(made, async (name) => join(made.world.folder, 'fetched', await answered(made, made.playback.fetch({ camera: name.camera, stream: name.stream, seq: name.seq }))), async (archive) => {
    const header = await archive.secondHeader({ path: one.path, slot: one.slot }, hold);
    t.equal(await made.vault.addHolds(hold, [{ stream: 'main', seq: one.seq, header }]), 1);
  });
  await made.vault.finishPeriods(start + 4 * hourMs);
  await made.vault.purge([{ id: one.periodId }], {});
  await settle(made);
  t.equal((await played(made, one)).length, one.sizeBytes, 'it stays there beyond its hour');
  await openedWith(made, undefined, async (_archive, { segments }) => void t.match(segments, [{ seq: one.seq, archivedAt: 'disk', heldBy: [hold.slot] }]));
});

t.test('a catalogue that is made anew knows what lies far alone, plays it, and erases it there', async (t) => {
  const { made, one, two, bytes } = await archived(t.testdir());
  await using _made = made;
  await close(made);
  const rebuilt = await rebuildDatabase({ folder: made.world.folder, clock: made.world.clock, log: silentLog, hubName: 'test hub', identities: [made.world.owner], periodMs: hourMs, keepMs: () => hourMs, gapMsMin: 500, force: true });
  t.match(rebuilt, { segments: 2, archived: { disk: 2 }, problems: [], recovery: { missing: [] } });
  await reopen(made);
  withDuties(made);
  t.same((await made.vault.segments(always)).map(({ state, archivedAt }) => [state, archivedAt]), [['complete', 'disk'], ['complete', 'disk']]);
  t.same((await verifyFolder({ folder: made.world.folder })).problems, []);
  await using _courier = await runCourier(made);
  t.same([await played(made, one), await played(made, two)], bytes);
  const [{ periodId } = one] = await made.vault.segments(always);
  await made.vault.purge([{ id: periodId }], {});
  await settle(made);
  t.notOk([...(await objectsIn(made.disk)).values()].some((object) => object.length === two.sizeBytes), 'nothing of it is left there');
});
