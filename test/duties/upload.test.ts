import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { dayMs, secondMs } from '../../src/base/units.ts';
import { prepare, record, start } from '../vault/world.ts';
import { makeUploads, objectsIn, runCourier, settle, standingsOf } from './uploadworld.ts';

t.test('all that is closed arrives byte for byte, with a list that names it, and the ledger has a line of each', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault, world, disk } = made;
  const period = await prepare(vault, world, { keepMs: dayMs });
  const rows = [await record(vault, period), await record(vault, period, { wallMs: start + 60_000, bytes: 300_000 })];
  await using _courier = await runCourier(made);
  await settle(made);
  const objects = await objectsIn(disk);
  t.equal(objects.size, 3, 'two segments and a list');
  const lines = await vault.far.lines({ limit: 100 });
  t.same(lines.map(({ kind, class: klass, outcome }) => [kind, klass, outcome]).sort(), [['probe', '', 'done'], ['put', 'hours', 'done'], ['put', 'segment', 'done'], ['put', 'segment', 'done']]);
  t.ok(lines.every(({ purpose, destination }) => purpose === 'a copy in another house' && destination === 'disk'));
  const puts = lines.filter(({ class: klass }) => klass === 'segment');
  t.same(puts.map(({ recipients, proof, attempts, camera }) => [recipients, proof, attempts, camera]), [[[period.recipient], 'read back', 1, 'front'], [[period.recipient], 'read back', 1, 'front']]);
  for (const { object, sizeBytes, sentBytes } of puts) {
    t.equal(objects.get(object)?.length, sizeBytes);
    t.equal(sentBytes, sizeBytes, 'sent once');
  }
  t.same(puts.map(({ object }) => objects.get(object)).sort((a, b) => (a?.length ?? 0) - (b?.length ?? 0)), await Promise.all(rows.map(({ path }) => readFile(join(world.folder, 'footage', path)))));
  t.match(await vault.far.sums(), [{ destination: 'disk', state: 'there', objects: 3 }]);
  t.match(await vault.far.abilities(), { disk: { may: ['put', 'get', 'delete'] } });
  await settle(made);
  t.equal((await vault.far.lines({ limit: 100 })).length, 4, 'nothing is asked twice');
});

t.test('nothing leaves before the yes, and what was asked is withdrawn when a destination is taken out', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault, world, disk } = made;
  const [before] = made.destinations;
  made.destinations = [];
  await record(vault, await prepare(vault, world, { keepMs: dayMs }));
  await made.upload.look();
  t.same([made.ledger.orders.size, await vault.far.sums()], [0, []]);
  made.destinations = before === undefined ? [] : [before];
  await made.upload.look();
  t.equal(made.ledger.orders.size, 2, 'a segment and a probe');
  made.destinations = [];
  await made.upload.look();
  t.ok([...made.ledger.orders.values()].every(({ order }) => order === 'withdraw'));
  await using _courier = await runCourier(made);
  await settle(made);
  t.equal((await objectsIn(disk)).size, 0);
  t.same((await vault.far.lines({ limit: 9 })).map(({ outcome }) => outcome), ['withdrawn', 'withdrawn']);
});

t.test('what the vault knows to be rotten, and what has rotted unseen, does not leave', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault, world, disk } = made;
  const row = await record(vault, await prepare(vault, world, { keepMs: dayMs }));
  const file = join(world.folder, 'footage', row.path);
  const bytes = await readFile(file);
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
  await writeFile(file, bytes);
  await using _courier = await runCourier(made);
  await settle(made);
  t.equal((await objectsIn(disk)).size, 0);
  t.match(await vault.far.sums(), [{ state: 'failed', objects: 1 }]);
});

t.test('an answer that is none to the order, or cannot be read, is a failure in the ledger, and what it was about is sent again', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault, world, disk, folder } = made;
  await record(vault, await prepare(vault, world, { keepMs: dayMs }));
  await made.upload.look();
  const back = join(folder, 'outbox', 'back');
  await mkdir(back, { recursive: true });
  for (const name of made.ledger.orders.keys()) await writeFile(join(back, name), 'not a head');
  t.equal(await made.ledger.look(), 2);
  t.match(await vault.far.lines({ limit: 9 }), [{ outcome: 'failed', code: 'SP_OUTBOX_FILE' }, { outcome: 'failed', code: 'SP_OUTBOX_FILE' }]);
  await using _courier = await runCourier(made);
  await settle(made);
  t.equal((await objectsIn(disk)).size, 2);
});


t.test('a destination that did not answer what it does is asked again soon; and at once when the courier got another credential', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault, world } = made;
  const probes = async (): Promise<(string | undefined)[]> => (await vault.far.lines({ limit: 100 })).filter(({ kind }) => kind === 'probe').map(({ outcome }) => outcome).toReversed();
  // What an answer says is written beside, so that the next look may come before it is known.
  const untilProbed = async (count: number): Promise<void> => { while ((await probes()).filter((outcome) => outcome !== undefined).length < count) await settle(made); };
  {
    await using _courier = await runCourier(made, []);
    await untilProbed(1);
    await settle(made);
    t.same(await probes(), ['failed'], 'it knows no such destination; nothing is asked at each look');
    world.clock.set(world.clock.wallMs() + 10 * secondMs);
    await untilProbed(2);
    world.clock.set(world.clock.wallMs() + 10 * secondMs);
    await settle(made);
    t.same(await probes(), ['failed', 'failed'], 'the next wait is longer');
  }
  await using _courier = await runCourier(made);
  made.off = { disk: ['delete'] };
  await untilProbed(3);
  made.off = { disk: [] };
  await untilProbed(4);
  await settle(made);
  t.same(await probes(), ['failed', 'failed', 'done', 'done'], 'once for each credential that came or went');
  world.clock.set(world.clock.wallMs() + dayMs);
  await untilProbed(5);
});

t.test('what shows how a destination stands says which rights are missing there', async (t) => {
  await using made = await makeUploads(t.testdir());
  const { vault } = made;
  const lacks = async (...may: string[]): Promise<unknown> => {
    await vault.far.rememberAbilities('disk', { may, keepsVersions: 'no', overwrites: 'yes', atMs: start });
    return (await standingsOf(made)).map((one) => [one.lacks, one.deletes]);
  };
  t.same([await lacks('put', 'get', 'delete'), await lacks('put'), await lacks('get')], [[[[], 'yes']], [[['get'], 'no']], [[['put'], 'no']]]);
});
