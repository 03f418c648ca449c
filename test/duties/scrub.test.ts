import { open, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Notices } from '../../src/duties/notices.ts';
import { ScrubDuty } from '../../src/duties/scrub.ts';
import { hourListPath } from '../../src/vault/footagepaths.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { Period, SegmentRow, Vault } from '../../src/vault/vault.ts';
import { always, hourMs, makeWorld, openVault, prepare, record, start, TestClock, type World } from '../vault/world.ts';

/** Waiting takes as long as it says, at once: time goes on by what was slept. */
class SleepingClock extends TestClock {
  #monoMs = 0;
  slept: number[] = [];
  override monotonicMs(): number { return this.#monoMs; }
  override async sleep(ms = 0, signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    // The pause between two looks lasts until the test is over.
    if (ms >= 60_000) return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    this.slept.push(ms);
    this.#monoMs += Math.max(0, ms);
  }
}

interface Stored { readonly world: World & { clock: SleepingClock }; readonly vault: Vault; readonly notices: Notices; readonly rows: readonly SegmentRow[]; readonly periods: readonly Period[] }

async function stored(t: Test): Promise<Stored> {
  const world = { ...makeWorld(t.testdir()), clock: new SleepingClock() };
  const vault = await openVault(world);
  const periods = [await prepare(vault, world), await prepare(vault, world, { camera: 'back' })];
  const rows = [];
  for (const period of periods) for (let n = 0; n < 3; n++) rows.push(await record(vault, period, { wallMs: start + n * 60_000, bytes: 300_000 }));
  await vault.finishPeriods(start + hourMs);
  return { world, vault, notices: new Notices({ vault, clock: world.clock, log: silentLog }), rows, periods };
}

function duty({ vault, world, notices }: Stored, bytesPerSecond = 2e6): ScrubDuty {
  return new ScrubDuty({ vault, clock: world.clock, log: silentLog, notices, settings: () => ({ everyMs: 7 * 24 * hourMs, bytesPerSecond }) });
}

async function fullLook(s: Stored): Promise<ScrubDuty> {
  const scrub = duty(s);
  const before = scrub.state.lastFullMs;
  scrub.startNow();
  scrub.start();
  while (scrub.state.running !== undefined || (scrub.state.lastFullMs === before && scrub.state.problem === undefined)) await new Promise((resolve) => setImmediate(resolve));
  await scrub.close();
  return scrub;
}

async function flip(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, offset);
  await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, offset);
  await handle.close();
}

function fileOf(s: Stored, path: string): string {
  return join(s.world.folder, 'footage', path);
}

t.test('rot at any place of a file is found, named, told, and over when the file is back', async (t) => {
  const s = await stored(t);
  t.match((await fullLook(s)).state, { lastFound: 0, damaged: 0, missing: 0, lastFullMs: start });
  const rotten = s.rows[1] as SegmentRow;
  const bytes = await readFile(fileOf(s, rotten.path));
  for (const offset of [0, 183, 184, 100_000, bytes.length - 1]) {
    await flip(fileOf(s, rotten.path), offset);
    t.match((await fullLook(s)).state, { lastFound: 1, damaged: 1, missing: 0 }, `byte ${offset}`);
    t.match(s.notices.open, [{ kind: 'rot found', camera: 'front', detail: new RegExp(`1 segment damaged; the first: ${rotten.path}, 2026-11-24T03:01:00`) }]);
    t.match((await s.vault.segments(always)).filter((row) => row.damagedMs !== undefined).map(({ path }) => path), [rotten.path]);
    await writeFile(fileOf(s, rotten.path), bytes);
    t.match((await fullLook(s)).state, { lastFound: 0, damaged: 0 });
    t.same(s.notices.open, []);
  }
  t.equal(await s.vault.finishPeriods(start + hourMs), 1, 'the hour list tells it, too');
  await s.vault.close();
  t.same((await verifyFolder({ folder: s.world.folder })).problems, []);
});

t.test('a lost segment is missing and comes back; a shorter one is damaged; none is deleted', async (t) => {
  const s = await stored(t);
  const [gone, short] = [s.rows[0] as SegmentRow, s.rows[4] as SegmentRow];
  await rename(fileOf(s, gone.path), join(s.world.folder, 'away'));
  await writeFile(fileOf(s, short.path), (await readFile(fileOf(s, short.path))).subarray(0, 1_000));
  t.match((await fullLook(s)).state, { lastFound: 2, damaged: 1, missing: 1 });
  t.same(s.notices.open.map(({ camera }) => camera).sort(), ['back', 'front']);
  await rename(join(s.world.folder, 'away'), fileOf(s, gone.path));
  t.match((await fullLook(s)).state, { damaged: 1, missing: 0 });
  t.equal((await readFile(fileOf(s, short.path))).length, 1_000);
  await s.vault.purge(s.periods, {});
  t.match((await fullLook(s)).state, { lastFound: 0, damaged: 0, missing: 0 });
  t.same(s.notices.open, [], 'what was purged is no complaint any more');
  await s.vault.close();
});

t.test('a rotten or lost hour list is written anew from its rows', async (t) => {
  const s = await stored(t);
  const list = fileOf(s, hourListPath('front', start, (s.periods[0] as Period).slot));
  const { size } = await stat(list);
  for (const harm of [() => flip(list, size - 5), () => unlink(list)]) {
    await harm();
    await fullLook(s);
    t.equal(await s.vault.finishPeriods(start + hourMs), 1);
    await fullLook(s);
    t.equal(await s.vault.finishPeriods(start + hourMs), 0);
  }
  await s.vault.close();
});

t.test('it reads at the rate that was set, and rests while recording waits for the disk', async (t) => {
  const s = await stored(t);
  let backlog = 0;
  const bytes = s.rows.reduce((sum, row) => sum + row.sizeBytes, 0);
  const scrub = new ScrubDuty({
    vault: { scrub: s.vault.scrub, setting: (name) => s.vault.setting(name), putSetting: (name, value) => s.vault.putSetting(name, value), databaseDoubt: undefined, get backlogBytes() { return backlog > 0 ? backlog-- * 2e6 : 0; } },
    clock: s.world.clock, log: silentLog, notices: s.notices, settings: () => ({ everyMs: hourMs, bytesPerSecond: 100_000 }),
  });
  backlog = 5;
  scrub.start();
  while (scrub.state.lastFullMs === undefined) await new Promise((resolve) => setImmediate(resolve));
  t.equal(s.world.clock.slept.filter((ms) => ms === 200).length, 5, 'five rests');
  t.ok(s.world.clock.monotonicMs() >= bytes / 100 - 2_700, `${bytes} bytes took ${s.world.clock.monotonicMs()} ms`);
  await scrub.close();
  await s.vault.close();
});

t.test('what was looked at before a stop is not read again after it', async (t) => {
  const s = await stored(t);
  // One call for when it is due, two for the pieces of each segment. From the third one on it is so slow that it waits until it is stopped.
  let pieces = 0;
  const first = new ScrubDuty({
    vault: s.vault, clock: s.world.clock, log: silentLog, notices: s.notices, settings: () => ({ everyMs: hourMs, bytesPerSecond: ++pieces <= 5 ? 1e6 : 1 }),
  });
  first.start();
  while (pieces < 6) await new Promise((resolve) => setImmediate(resolve));
  await first.close();
  await s.vault.close();
  const vault = await openVault(s.world);
  const read: number[] = [];
  const second = duty({ ...s, vault: new Proxy(vault, { get: (target, name) => (name === 'scrub' ? seen(vault, read) : bound(target, name)) }) });
  second.start();
  while (second.state.lastFullMs === undefined) await new Promise((resolve) => setImmediate(resolve));
  await second.close();
  await vault.close();
  t.same(read, [3, 4, 5, 6]);
});

function bound(target: Vault, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? (value.bind(target) as unknown) : value;
}

function seen(vault: Vault, read: number[]): Vault['scrub'] {
  return new Proxy(vault.scrub, {
    get: (target, name) => (name === 'segment'
      ? (...args: Parameters<Vault['scrub']['segment']>) => { read.push(args[0].rowId); return target.segment(...args); }
      : (Reflect.get(target, name, target) as (...args: unknown[]) => unknown).bind(target)),
  });
}

t.test('many files in a row that cannot be read are a disk that is gone, not rot: the look ends, and goes on later', async (t) => {
  const s = await stored(t);
  const kept = [];
  for (const { path } of s.rows) {
    kept.push({ path, bytes: await readFile(fileOf(s, path)) });
    await unlink(fileOf(s, path));
    await symlink(fileOf(s, path), fileOf(s, path));
  }
  const scrub = await fullLook(s);
  t.match(scrub.state, { problem: { code: 'SP_READ' }, lastFullMs: undefined });
  for (const { path, bytes } of kept) {
    await unlink(fileOf(s, path));
    await writeFile(fileOf(s, path), bytes);
  }
  t.match((await fullLook(s)).state, { damaged: 0, missing: 0, problem: undefined });
  await s.vault.close();
});
