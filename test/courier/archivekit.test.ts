/** What lies far alone, for whoever has the kit: opened, held, found again by a catalogue that is made anew, and named where it is lost. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import type { FetchSegment } from '../../src/vault/archive.ts';
import { makeOperations } from '../../src/vault/operations.ts';
import { rebuildDatabase } from '../../src/vault/rebuild.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { archived, arrived, contentOf, fileOf, gets, openedWith, played, withDuties } from '../duties/archiveworld.ts';
import { answered, close, objectsIn, reopen, runCourier, settle, standingsOf } from '../duties/uploadworld.ts';
import { always, openRaw, start } from '../vault/world.ts';

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

for (const pieceBytes of [undefined, 65_535]) t.test(`a catalogue that is made anew knows what lies far alone, plays it, and erases it there, ${pieceBytes === undefined ? 'as it is' : 'in pieces of one size'}`, async (t) => {
  const { made, one, two, bytes } = await archived(t.testdir(), pieceBytes === undefined ? {} : { pieceBytes });
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
  const left = [...(await objectsIn(made.disk)).values()];
  t.notOk(left.some((object) => object.length === two.sizeBytes), 'nothing of it is left there');
  // Which list named it a new catalogue does not know.
  if (pieceBytes !== undefined) t.equal(left.length, 1, 'and no piece but that of its list');
});

t.test('what is lost there is named until it is found again, and is looked for ever more seldom', async (t) => {
  const { made, two, bytes } = await archived(t.testdir());
  await using _made = made;
  await using _courier = await runCourier(made);
  const [object = ''] = [...(await objectsIn(made.disk))].find(([, content]) => content.length === two.sizeBytes) ?? [];
  const file = join(made.disk, object.slice(0, 2), object);
  await rm(file);
  await t.rejects(played(made, two), { code: 'SP_ARCHIVE_GONE' });
  t.match(made.notices.open, [{ kind: 'far footage lost', detail: 'disk: 1 segment' }]);
  t.match(await standingsOf(made), [{ counts: { alone: 2, lost: 1 } }]);
  const againMs: number[] = [];
  for (let n = 0; n < 4; n++) {
    await made.upload.look();
    const row = await made.vault.far.object('disk', object);
    againMs.push(Math.round(((row?.nextMs ?? 0) - made.world.clock.wallMs()) / minuteMs));
    made.world.clock.set(row?.nextMs ?? 0);
  }
  t.same(againMs, [5, 10, 20, 40]);
  await mkdir(join(made.disk, object.slice(0, 2)), { recursive: true });
  await writeFile(file, bytes[1] ?? '');
  await played(made, two);
  t.match(await made.vault.far.object('disk', object), { state: 'there', tries: 0 });
  await answered(made, made.archive.look());
  t.same(made.notices.open, []);
});

t.test('a destination that does not answer keeps no other, and why it waits is shown', async (t) => {
  const { made, one, two } = await arrived(t.testdir());
  await using _made = made;
  await using _courier = await runCourier(made);
  await settle(made);
  made.destinations = [{ ...made.destinations[0]!, name: 'gone' }, ...made.destinations];
  await made.vault.far.rememberAbilities('gone', { may: ['put', 'get', 'delete'], keepsVersions: 'no', overwrites: 'yes', atMs: start });
  await made.vault.far.adopt([{ destination: 'gone', object: '0'.repeat(32), class: 'segment', camera: 'front', slot: one.slot, path: one.path, keysAt: 'home', sizeBytes: one.sizeBytes }]);
  await made.vault.far.again([(await made.vault.far.object('gone', '0'.repeat(32)))!.id]);
  await made.vault.far.found('gone', '0'.repeat(32));
  made.world.clock.set(start + 3 * hourMs);
  await answered(made, made.archive.look());
  t.match(made.archive.problem, { code: 'SP_FAR_NO', evidence: { destination: 'gone' } });
  t.notOk(existsSync(fileOf(made, one)) || existsSync(fileOf(made, two)), 'they lie at the other');
  made.destinations = made.destinations.slice(1);
  await answered(made, made.archive.look());
  t.equal(made.archive.problem, undefined);
});

t.test('an order to read that was placed just before a kill makes nothing of what lies there', async (t) => {
  const { made } = await arrived(t.testdir());
  await using _made = made;
  {
    await using _courier = await runCourier(made);
    await settle(made);
  }
  const [object = ''] = [...(await objectsIn(made.disk)).keys()];
  await close(made);
  await reopen(made, { afterStep: (step) => { if (step === 'placed') throw new Error('killed'); } });
  await t.rejects(made.ledger.get('disk', object, 0, 10, 'front'), { message: 'killed' });
  await close(made);
  await reopen(made);
  t.same([...made.ledger.orders.values()].map(({ order }) => order), ['get'], 'it lies in the outbox, and has its line now');
  t.match(await made.vault.far.lines({ limit: 1 }), [{ kind: 'get', object }]);
  t.match(await made.vault.far.object('disk', object), { state: 'there' });
});

t.test('a list that was made just before files went elsewhere is not taken for whole; at the store nothing is said of that', async (t) => {
  const { made, one } = await arrived(t.testdir());
  await using _made = made;
  {
    await using _courier = await runCourier(made);
    await settle(made);
  }
  await close(made);
  const db = await openRaw(made.world);
  const operations = makeOperations(db);
  const list = operations.hourList({ periodId: one.periodId });
  const { rows } = operations.archivable({ destination: 'disk', beforeMs: start + dayMs, after: 0, limit: 10 });
  t.equal(operations.archive({ destination: 'disk', rowIds: rows.map(({ rowId }) => rowId), atMs: start }), 2);
  t.equal(operations.markListed({ periodId: one.periodId, segments: 2, away: 0, gaps: 0, listSha256: undefined }), false);
  t.equal(operations.markListed({ periodId: one.periodId, segments: 2, away: 2, gaps: 0, listSha256: undefined }), true);
  t.same(list?.segments.map(({ destination }) => destination), [undefined, undefined]);
  t.same(operations.hourList({ periodId: one.periodId })?.segments.map(({ destination }) => destination), ['disk', 'disk']);
  t.notMatch(JSON.stringify(operations.farList({ destination: 'disk', periodId: one.periodId })), /destination/);
  db.close();
  await reopen(made);
});
