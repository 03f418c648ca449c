import { cp, open, readFile, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Connection } from '../../src/vault/connection.ts';
import { verifyFolder, type VerifyProblem } from '../../src/vault/verify.ts';
import { begin, hourMs, makeWorld, openRaw, openVault, prepare, record, start, type World } from './world.ts';

interface Recorded { readonly world: World; readonly path: string; readonly checkpoint: string }

/** Two hours of a camera and one of another; the first hour listed, a third one purged; closed. */
async function recorded(t: Test): Promise<Recorded> {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  await vault.purge([await prepare(vault, world, { camera: 'old' })], {});
  const [first, second, back] = [await prepare(vault, world), await prepare(vault, world, { startMs: start + hourMs }), await prepare(vault, world, { camera: 'back' })];
  const { path } = await record(vault, first, { bytes: 150_000 });
  for (const period of [first, second, back]) await record(vault, period);
  await vault.finishPeriods(start + hourMs);
  const { file } = await vault.checkpoint();
  await vault.close();
  return { world, path, checkpoint: file };
}

async function problems(world: World, since?: string): Promise<VerifyProblem[]> {
  return (await verifyFolder({ folder: world.folder, ...(since === undefined ? {} : { since }) })).problems;
}

async function flip(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, offset);
  await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, offset);
  await handle.close();
}

async function tamper(world: World, deed: (db: Connection) => void): Promise<void> {
  const db = await openRaw(world);
  db.pragma('foreign_keys = OFF');
  deed(db);
  db.close();
}

t.test('a folder as it should be has no problem, and everything was looked at', async (t) => {
  const { world } = await recorded(t);
  const progress: [number, number][] = [];
  const report = await verifyFolder({ folder: world.folder, onProgress: (done, total) => void progress.push([done, total]) });
  t.match(report, { segments: 4, checkpoints: 3, problems: [] });
  t.ok(report.bytes > 150_000 && report.auditEntries > 8);
  t.same(progress, [[1, 4], [2, 4], [3, 4], [4, 4]]);
});

t.test('it changes nothing', async (t) => {
  const { world } = await recorded(t);
  const before = await readFile(join(world.folder, 'working.db'));
  await problems(world);
  t.same(await readFile(join(world.folder, 'working.db')), before);
});

t.test('each flipped bit of a segment is found, in header and body', async (t) => {
  const { world, path } = await recorded(t);
  const file = join(world.folder, 'footage', path);
  for (const [offset, where] of [[10, 'header'], [170, 'header'], [184, 'what follows'], [150_000, 'what follows']] as const) {
    await flip(file, offset);
    t.match(await problems(world), [{ code: 'SP_SEGMENT_DAMAGED', what: path, detail: new RegExp(where) }]);
    await flip(file, offset);
  }
  t.same(await problems(world), []);
});

t.test('segments that are gone, shorter, longer, put in or swapped are named', async (t) => {
  const { world, path } = await recorded(t);
  const file = join(world.folder, 'footage', path);
  const bytes = await readFile(file);
  await truncate(file, bytes.length - 1);
  t.match(await problems(world), [{ code: 'SP_SEGMENT_DAMAGED', what: path, detail: /bytes/ }]);
  await unlink(file);
  t.match(await problems(world), [{ code: 'SP_SEGMENT_MISSING', what: path }]);
  await writeFile(file, bytes);
  const strange = path.replace('-1.mp4', '-0.mp4');
  await writeFile(join(world.folder, 'footage', strange), bytes);
  t.match(await problems(world), [{ code: 'SP_FILE_UNKNOWN', what: strange }]);
});

t.test('a slot that is not as written is named, with the file', async (t) => {
  const { world } = await recorded(t);
  const slot = 1;
  await flip(join(world.folder, 'keyring', 'keyring.2'), slot * 4096 + 300);
  t.match(await problems(world), [{ code: 'SP_SLOT_MISSING', what: 'slot 1', detail: /keyring\.2/ }]);
  await rm(join(world.folder, 'keyring', 'keyring.2'));
  const found = await problems(world);
  t.match(found, [{ code: 'SP_KEYRING', what: 'keyring.2' }]);
});

t.test('an audit line that was altered, cut out, or lost its text is named', async (t) => {
  const { world } = await recorded(t);
  const away = `${world.folder}.away`;
  await cp(world.folder, away, { recursive: true });
  const cases: [string, RegExp][] = [
    ["UPDATE audit SET entry = replace(entry, 'front', 'frost') WHERE n = 6", /text was altered/],
    ['DELETE FROM audit WHERE n = 6', /not there/],
    ['UPDATE audit SET entry = NULL, salt = NULL WHERE n = 6', /its text is not there/],
    ["UPDATE audit SET leaf = zeroblob(32) WHERE n = 6", /does not follow/],
    ['DELETE FROM audit WHERE n > (SELECT max(seq) - 1 FROM checkpoints)', /not what was signed/],
    ['DELETE FROM checkpoints WHERE number = 2', /checkpoint 2 is not there/],
  ];
  for (const [sql, detail] of cases) {
    await tamper(world, (db) => void db.exec(sql));
    const found = await problems(world);
    t.ok(found.some((problem) => problem.code === 'SP_AUDIT_BROKEN' && detail.test(problem.detail)), `${sql}: ${JSON.stringify(found)}`);
    await rm(world.folder, { recursive: true });
    await cp(away, world.folder, { recursive: true });
  }
  t.same(await problems(world), []);
});

t.test('catalogue rows that were altered or taken out are found by the signed root', async (t) => {
  const { world, path } = await recorded(t);
  await tamper(world, (db) => void db.prepare('UPDATE segments SET start_ms = start_ms + 1 WHERE path = ?').run(path));
  t.match(await problems(world), [{ code: 'SP_AUDIT_BROKEN', detail: /hour list/ }]);
  await tamper(world, (db) => void db.prepare('UPDATE segments SET start_ms = start_ms - 1 WHERE path = ?').run(path));
  t.same(await problems(world), []);
  await tamper(world, (db) => void db.prepare("UPDATE segments SET reason = 'alarm' WHERE camera = 'front' AND seq = 3").run());
  t.match(await problems(world), [{ code: 'SP_AUDIT_BROKEN', detail: /catalogue is not what was signed/ }], 'also of a period that is not listed yet');
});

t.test('receipts, checkpoints and hub.pub on disk are those that were signed', async (t) => {
  const { world, checkpoint } = await recorded(t);
  const receipt = join(world.folder, 'receipts', '1.json');
  const text = await readFile(receipt, 'utf8');
  await writeFile(receipt, text.replace('"segments":0', '"segments":9'));
  t.match(await problems(world), [{ code: 'SP_BAD_SIGNATURE', what: 'receipts/1.json' }]);
  await writeFile(receipt, text);
  await writeFile(`${checkpoint}.sig`, 'nothing');
  t.match(await problems(world), [{ code: 'SP_BAD_SIGNATURE', what: /^checkpoints\// }]);
  await tamper(world, (db) => void db.prepare("UPDATE checkpoints SET json = replace(json, '\"v\":1', '\"v\":2') WHERE number = 2").run());
  t.ok((await problems(world)).some(({ code, what }) => code === 'SP_BAD_SIGNATURE' && what === 'checkpoint 2'));
  await writeFile(join(world.folder, 'hub.pub'), 'ssh-ed25519 AAAA other\n');
  t.ok((await problems(world)).some(({ what }) => what === 'hub.pub'));
});

t.test('a database that was put back to an older state is found: by the papers on disk, and by a kept checkpoint', async (t) => {
  const { world } = await recorded(t);
  const older = await readFile(join(world.folder, 'working.db'));
  const vault = await openVault(world);
  await record(vault, await prepare(vault, world));
  const { number } = await vault.checkpoint();
  await vault.close();
  const kept = join(t.testdirName, 'kept.json');
  for (const ending of ['', '.sig']) await writeFile(kept + ending, await readFile(join(world.folder, 'checkpoints', `${number}.json${ending}`)));
  t.same(await problems(world, kept), []);

  await writeFile(join(world.folder, 'working.db'), older);
  const found = await problems(world, kept);
  t.ok(found.some(({ code, what }) => code === 'SP_ROLLBACK' && what === `checkpoints/${number}.json`));
  t.ok(found.some(({ code, what }) => code === 'SP_ROLLBACK' && what === kept));
});

t.test('a checkpoint of another folder, one without signature, and one that was changed prove nothing', async (t) => {
  const { world, checkpoint } = await recorded(t);
  const kept = join(t.testdirName, 'kept.json');
  const json = await readFile(checkpoint, 'utf8');
  await writeFile(kept, json);
  t.match(await problems(world, kept), [{ code: 'SP_ROLLBACK', detail: /signature is not beside it/ }]);
  await rename(checkpoint, `${checkpoint}.x`);
  await writeFile(`${kept}.sig`, await readFile(`${checkpoint}.sig`));
  await rename(`${checkpoint}.x`, checkpoint);
  t.same(await problems(world, kept), []);
  await writeFile(kept, json.replace('"v":1', '"v":1 '));
  t.match(await problems(world, kept), [{ code: 'SP_ROLLBACK', detail: /did not sign/ }]);
  const other = makeWorld(join(t.testdirName, 'other'));
  await (await openVault(other)).close();
  t.match(await problems(world, join(other.folder, 'checkpoints', '1.json')), [{ code: 'SP_ROLLBACK', detail: /another data folder/ }]);
  await writeFile(kept, '[]');
  await t.rejects(problems(world, kept), { code: 'SP_ROLLBACK' });
});

t.test('it runs beside a hub that records and purges, and finds nothing wrong', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  let running = true;
  const reports = (async () => {
    const all = [];
    while (running) all.push(await verifyFolder({ folder: world.folder }));
    return all;
  })();
  for (let hour = 0; hour < 12; hour++) {
    const period = await prepare(vault, world, { startMs: start + hour * hourMs });
    for (let n = 0; n < 4; n++) await record(vault, period, { wallMs: period.startMs + n * 60_000 });
    await begin(vault, period, { stream: 'sub' }).then((writer) => writer.close({ durationMs: 1, reason: 'continuous' }));
    await vault.finishPeriods(period.endMs);
    if (hour >= 4) await vault.purge((await vault.livePeriods()).slice(0, 1), {});
  }
  const open = await begin(vault, await prepare(vault, world, { startMs: start + 20 * hourMs }));
  open.append(Buffer.alloc(100_000));
  running = false;
  t.same((await reports).flatMap((report) => report.problems), []);
  t.same(await problems(world), [], 'with an open segment');
  await vault.close();
});

t.test('it can be stopped; and it refuses a folder without database or with another key', async (t) => {
  const { world } = await recorded(t);
  const stop = new AbortController();
  await t.rejects(verifyFolder({ folder: world.folder, signal: stop.signal, onProgress: () => stop.abort() }), { code: 'SP_STOPPED' });
  await t.rejects(verifyFolder({ folder: t.testdirName }), { code: 'SP_DATA_FOLDER' });
  await writeFile(join(t.testdirName, 'other.key'), `${'ab'.repeat(32)}\n`, { mode: 0o600 });
  await t.rejects(verifyFolder({ folder: world.folder, workingKeyFile: join(t.testdirName, 'other.key') }), { code: 'SP_WRONG_WORKING_KEY' });
});
