/** The cipher takes an old page, put back into the file, for a genuine one: the signed checkpoint does not. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { verifyFolder } from '../../src/vault/verify.ts';
import { hourMs, makeWorld, openRaw, openVault, prepare, record, start, type World } from '../vault/world.ts';

async function problems(world: World): Promise<string[]> {
  return (await verifyFolder({ folder: world.folder })).problems.map(({ code, what, detail }) => `${code} ${what}: ${detail}`);
}

t.test('each page of an older state, put back into the file at rest, is found or harmless', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  for (let n = 0; n < 3; n++) await record(vault, await prepare(vault, world, { startMs: start + n * hourMs }));
  await vault.finishPeriods(start + 3 * hourMs);
  await vault.close();
  const file = join(world.folder, 'working.db');
  const older = await readFile(file);
  vault = await openVault(world);
  await vault.purge((await vault.livePeriods()).slice(0, 1), {});
  for (let n = 3; n < 6; n++) await record(vault, await prepare(vault, world, { startMs: start + n * hourMs }));
  await vault.finishPeriods(start + 6 * hourMs);
  await vault.close();
  const newer = await readFile(file);
  const truth = await dump(world);
  let [found, harmless, doubts] = [0, 0, 0];
  for (let page = 0; page < older.length / 4096; page++) {
    const mixed = Buffer.from(newer);
    older.copy(mixed, page * 4096, page * 4096, (page + 1) * 4096);
    if (mixed.equals(newer)) continue;
    await writeFile(file, mixed);
    if (await doubted(world)) doubts++;
    await writeFile(file, mixed);
    const said = await problems(world).catch((error: unknown) => [String(error)]);
    if (said.length > 0) found++;
    else {
      t.equal(await dump(world), truth, `page ${page}`);
      harmless++;
    }
  }
  await writeFile(file, newer);
  t.ok(found > 5, `${found} found, ${harmless} harmless`);
  t.ok(doubts > found / 2, `${doubts} of ${found} seen at the start already`);
  t.comment(`${found} pages found, ${doubts} of them at the start, ${harmless} harmless`);
  t.same(await problems(world), []);
});

async function dump(world: World): Promise<string> {
  const db = await openRaw(world);
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all() as string[];
  const text = JSON.stringify(tables.map((name) => db.prepare(`SELECT * FROM "${name}"`).all()));
  db.close();
  return text;
}

/** Whether opening sees it, on a copy. */
async function doubted(world: World): Promise<boolean> {
  const folder = `${world.folder}.start`;
  await rm(folder, { recursive: true, force: true });
  await cp(world.folder, folder, { recursive: true });
  const vault = await openVault({ ...world, folder }).catch(() => undefined);
  const doubt = vault === undefined || vault.databaseDoubt !== undefined;
  await vault?.close().catch(() => {});
  return doubt;
}
