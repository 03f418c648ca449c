import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { hourListPath, periodFolder, segmentPath } from '../../src/vault/footagepaths.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import type { PurgeStep } from '../../src/vault/purge.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { Period, SegmentRow, Vault } from '../../src/vault/vault.ts';
import { runKilled } from './killedchild.ts';
import { always, begin, filesBelow, hourMs, makeWorld, openRaw, openVault, prepare, readJson, record, start, type World } from './world.ts';

const outside = 'Outside this promise: an older copy of the keyring, or a flash chip read below its controller, together with the recovery kit.';

async function slotTexts(world: World, slot: number): Promise<Buffer[]> {
  const files = await Promise.all(['keyring.1', 'keyring.2'].map((name) => readFile(join(world.folder, 'keyring', name))));
  return files.map((bytes) => bytes.subarray(slot * slotBlockBytes, slot * slotBlockBytes + slotTextBytes));
}

async function opensForOwner(world: World, period: Period): Promise<boolean> {
  const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
  try {
    openSlot(await keyring.read(period.slot), [world.owner], 'the slot').identity.close();
    return true;
  } catch {
    return false;
  } finally {
    await keyring.close();
  }
}

/** Slot 0 is used the second time, by a living period; slot 1 by one that is due, with segments, a gap, an hour list and an open segment. */
async function prepareKill(vault: Vault, world: World): Promise<{ live: Period; due: Period }> {
  await vault.purge([await prepare(vault, world)], { early: 'to use its slot again' });
  const live = await prepare(vault, world, { startMs: start + 5 * hourMs });
  await record(vault, live);
  const due = await prepare(vault, world, { startMs: start + hourMs });
  for (const second of [0, 60, 120]) await record(vault, due, { wallMs: due.startMs + second * 1000 });
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: due.startMs + 180_000, toMs: due.startMs + 200_000, reason: 'stalled', detail: '' });
  await vault.finishPeriods(due.endMs);
  const open = await begin(vault, due, { wallMs: due.startMs + 200_000 });
  open.append(Buffer.alloc(200_000));
  t.same([live.slot, live.generation, due.slot], [0, 2, 1]);
  return { live, due };
}


const steps: readonly PurgeStep[] = ['intended', 'shredded', 'marked', 'unlinked', 'deleted', 'recorded', 'filed'];

for (const step of steps) {
  t.test(`a kill after "${step}" ends complete at the next start and shreds no living slot`, async (t) => {
    const world = makeWorld(t.testdir());
    let vault = await openVault(world);
    const { live, due } = await prepareKill(vault, world);
    const before = (await slotTexts(world, due.slot)).map((text) => text.toString('latin1'));
    await vault.close();
    const { signal, stderr } = await runKilled(join(import.meta.dirname, 'purge-child.ts'), world.folder, step);
    t.equal(signal, 'SIGKILL', stderr);

    vault = await openVault(world);
    t.equal(vault.recovery.purgesFinished, step === 'recorded' || step === 'filed' ? 0 : 1);
    t.same((await vault.livePeriods()).map(({ id }) => id), [live.id]);
    t.same((await vault.duePeriods(due.deadlineMs)), []);
    t.same((await vault.gaps({ ...always })), []);
    await vault.close();

    t.ok(await opensForOwner(world, live), 'the living slot opens');
    t.notOk(await opensForOwner(world, due), 'the shredded one for nobody');
    for (const [index, text] of (await slotTexts(world, due.slot)).entries()) {
      t.notOk(text.includes('AGE ENCRYPTED FILE'));
      t.not(text.toString('latin1').slice(0, 100), before[index]?.slice(0, 100));
    }
    t.same((await filesBelow(join(world.folder, 'footage'))).filter((file) => file.startsWith(periodFolder('front', due.startMs))), []);
    t.match(await readJson(join(world.folder, 'receipts', '2.json')), {
      v: 1, number: 2, hub: 'test hub', segments: 4, read_back: Boolean, outside,
      periods: [{ camera: 'front', class: 'footage', start_ms: due.startMs, end_ms: due.endMs, deadline_ms: due.deadlineMs, slot: 1, generation: 1, segments: 4 }],
    });
    t.same((await verifyFolder({ folder: world.folder })).problems, []);
  });
}

t.test('the open segment of a purged period counts and goes too', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const { live, due } = await prepareKill(vault, world);
  const receipt = await vault.purge([due], {});
  t.match(receipt, { number: 2, segments: 3, early: undefined, periods: [{ slot: 1, generation: 1 }] });
  t.same((await filesBelow(join(world.folder, 'footage'))), [segmentPath('front', live.startMs, { startMs: live.startMs, seq: 1, stream: 'main' })]);
  await vault.close();
});

t.test('a receipt says what was purged, that it was early and why, and what no purge can reach', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const periods = [await prepare(vault, world), await prepare(vault, world, { camera: 'back' })];
  const rows: SegmentRow[] = [];
  for (const period of periods) rows.push(await record(vault, period));
  world.clock.set(start + 77);
  const receipt = await vault.purge(periods, { early: 'the disk is full' });
  const json = await readJson(receipt.file);
  t.same(json, {
    v: 1, number: 1, vault: json['vault'], hub: 'test hub', at_ms: start + 77, early: 'the disk is full', outside,
    segments: 2, bytes: rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), read_back: receipt.readBack,
    periods: periods.map((period, index) => ({
      camera: period.camera, class: 'footage', start_ms: start, end_ms: start + hourMs, deadline_ms: start + 2 * hourMs, slot: index, generation: 1, segments: 1, bytes: rows[index]?.sizeBytes,
    })),
  });
  await vault.close();
  const db = await openRaw(world);
  const entries = db.prepare<[], { entry: string }>('SELECT entry FROM audit ORDER BY n').all().map(({ entry }) => JSON.parse(entry) as { what: string; detail: object });
  db.close();
  const receiptSha256 = createHash('sha256').update(await readFile(receipt.file)).digest('hex');
  t.match(entries.slice(-2), [
    { what: 'purge.shredded', detail: { purge: 1, early: 'the disk is full', read_back: receipt.readBack, slots: [{ camera: 'front', slot: 0, generation: 1 }, { camera: 'back', slot: 1, generation: 1 }] } },
    { what: 'purge.done', detail: { purge: 1, receipt_sha256: receiptSha256 } },
  ]);
});

t.test('a file that cannot be unlinked keeps no key alive, and the purge ends when it is tried again', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const [stuck, next] = [await prepare(vault, world), await prepare(vault, world, { camera: 'back' })];
  for (const period of [stuck, next]) await record(vault, period);
  const inTheWay = join(world.folder, 'footage', hourListPath('front', stuck.startMs, stuck.slot));
  await mkdir(inTheWay);
  await t.rejects(vault.purge([stuck], {}), { code: 'SP_WRITE' });
  t.notOk(await opensForOwner(world, stuck), 'shredded all the same');
  t.same((await vault.duePeriods(0)).map(({ id }) => id), [stuck.id], 'it stays due');
  await t.rejects(vault.purge([next], {}), { code: 'SP_WRITE' }, 'what is stuck is told again');
  t.notOk(await opensForOwner(world, next), 'and keeps no other from its end');
  t.same((await vault.livePeriods()), []);
  await rmdir(inTheWay);
  t.match(await vault.purge([stuck], {}), { number: 1, segments: 1 });
  t.same(await filesBelow(join(world.folder, 'receipts')), ['1.json', '1.json.sig', '2.json', '2.json.sig']);
  await vault.close();
  t.same((await verifyFolder({ folder: world.folder })).problems, []);
});

t.test('folders that another period still uses stay, others go', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const short = { lengthMs: 10_000 };
  const [first, second] = [await prepare(vault, world, short), await prepare(vault, world, { ...short, startMs: start + 10_000 })];
  for (const period of [first, second]) await record(vault, period);
  await vault.finishPeriods(start + hourMs);
  await vault.purge([first], {});
  t.same(await filesBelow(join(world.folder, 'footage')), [segmentPath('front', second.startMs, { startMs: second.startMs, seq: 2, stream: 'main' }), hourListPath('front', start, 1)].sort());
  await vault.purge([second], {});
  await t.rejects(open(join(world.folder, 'footage', 'front', '20261124')), { code: 'ENOENT' });
  await vault.close();
});

t.test('what is not there to be purged is refused', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  await t.rejects(vault.purge([], {}), { code: 'SP_INTERNAL' });
  await vault.purge([period], {});
  await t.rejects(vault.purge([period], {}), { code: 'SP_INTERNAL' });
  await vault.close();
});

const many = process.env['SLOW'] === '1' ? 100_000 : 3_000;

t.test(`${many} segments are purged while the main thread goes on`, { timeout: 600_000 }, async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const perPeriod = 1_000;
  const periods: Period[] = [];
  for (let n = 0; n < many / perPeriod; n++) periods.push(await prepare(vault, world, { camera: `cam-${n % 10}`, startMs: start + Math.floor(n / 10) * hourMs }));
  await vault.close();
  const db = await openRaw(world);
  const insert = db.prepare(`
    INSERT INTO segments (period_id, camera, stream, seq, boot, mono_ms, start_ms, duration_ms, path, size_bytes, header_bytes, header_sha256, body_sha256, key_frames, reason, state)
    VALUES (?, ?, 'main', ?, 'boot', 0, ?, 3600, ?, 1, 184, ?, ?, ?, 'continuous', 'complete')`);
  const hash = Buffer.alloc(32);
  const paths: string[] = [];
  db.transaction(() => {
    for (const period of periods) {
      for (let n = 0; n < perPeriod; n++) {
        const startMs = period.startMs + n * 3_600;
        const path = segmentPath(period.camera, period.startMs, { startMs, seq: period.id * perPeriod + n, stream: 'main' });
        insert.run(period.id, period.camera, period.id * perPeriod + n, startMs, path, hash, hash, Buffer.alloc(120));
        paths.push(path);
      }
      db.prepare('UPDATE periods SET segments = ?, bytes = ? WHERE id = ?').run(perPeriod, perPeriod, period.id);
    }
  })();
  db.close();
  for (const period of periods) await mkdir(join(world.folder, 'footage', periodFolder(period.camera, period.startMs)), { recursive: true });
  for (let from = 0; from < paths.length; from += 64) await Promise.all(paths.slice(from, from + 64).map((path) => writeFile(join(world.folder, 'footage', path), 'x')));

  vault = await openVault(world);
  t.equal(vault.recovery.missing.length, 0);
  // By its own CPU time, too: on a machine that does other things, the clock also counts the time of others.
  let [longestMs, longestCpuMs] = [0, 0];
  let [last, lastCpu] = [performance.now(), process.threadCpuUsage()];
  const timer = setInterval(() => {
    const cpu = process.threadCpuUsage(lastCpu);
    longestMs = Math.max(longestMs, performance.now() - last);
    longestCpuMs = Math.max(longestCpuMs, (cpu.user + cpu.system) / 1000);
    [last, lastCpu] = [performance.now(), process.threadCpuUsage()];
  }, 1);
  const begun = performance.now();
  const receipt = await vault.purge(periods, {});
  const tookMs = performance.now() - begun;
  clearInterval(timer);
  t.equal(receipt.segments, many);
  t.comment(`purged ${many} segments in ${(tookMs / 1000).toFixed(1)} s, longest gap of the main loop ${longestMs.toFixed(0)} ms (${longestCpuMs.toFixed(0)} ms of its own CPU time)`);
  t.same(await filesBelow(join(world.folder, 'footage')), []);
  await vault.close();
});
