import { existsSync } from 'node:fs';
import { chmod, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { dayMs, hourMs } from '../../src/base/units.ts';
import { ArchiveDuty } from '../../src/duties/archive.ts';
import { destinationInWords } from '../../src/policy/declared.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { always, start } from '../vault/world.ts';
import { arrived, fileOf, gets, marked, played, withDuties } from './archiveworld.ts';
import { answered, close, objectsIn, reopen, runCourier, settle, standingsOf } from './uploadworld.ts';

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
    t.same(await made.vault.archiving.sums(), [{ destination: 'disk', segments: 2, bytes: one.sizeBytes + two.sizeBytes, lost: 0 }]);
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
  t.same([await made.vault.archiving.removeFiles(10), await readdir(join(made.world.folder, 'fetched')).catch(() => [])], [0, []]);
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
  const hasty = new ArchiveDuty({ vault: made.vault, ledger: made.ledger, destinations: () => [], notices: made.notices, clock: systemClock, log: silentLog, patienceMs: 1 });
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
  t.same((await made.vault.archiving.archivable({ destination: 'disk', beforeMs: start + dayMs, after: 0, limit: 10 })).rows, []);
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
      const { rows: [first] } = await made.vault.archiving.archivable({ destination: 'disk', beforeMs: start + 3 * hourMs, after: 0, limit: 10 });
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
  t.equal(await made.vault.archiving.removeFiles(10), 1);
  t.ok(existsSync(fileOf(made, one)), 'the one that is to be sent again stays');
  t.same((await made.vault.segments(always)).map(({ archivedAt }) => archivedAt), [undefined, 'disk']);
});
