/** The vault on disks that really refuse: small, read-only, pulled, shut down. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeBox } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { SegmentWriter } from '../../src/vault/vault.ts';
import { always, begin, filesBelow, makeWorld, openVault, prepare, record, start, type World } from './world.ts';

const notRoot = process.getuid?.() === 0 ? false : 'skipped: file systems are mounted by root only';

async function whole(t: Test, world: World): Promise<void> {
  t.same((await verifyFolder({ folder: world.folder })).problems, []);
}

async function drained(writer: SegmentWriter): Promise<void> {
  while (writer.backlogBytes > 0) await new Promise((resolve) => setImmediate(resolve));
}

/** With a file system of its own at the world's folder, as large as `size` says. */
async function mounted(world: World, size: string, body: () => Promise<void>): Promise<void> {
  await mkdir(world.folder, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', world.folder]);
  try {
    await body();
  } finally {
    await run('umount', ['-l', world.folder]);
  }
}

function fragments(bytes: number): Buffer {
  return Buffer.concat([makeBox('moof', Buffer.alloc(100, 1)), makeBox('mdat', Buffer.alloc(bytes, 2))]);
}

/** A folder stands where the final name would go: the rename is refused as long as it does. */
async function blockName(world: World, writer: SegmentWriter): Promise<string> {
  const file = join(world.folder, 'footage', writer.path);
  await mkdir(join(file, 'in the way'), { recursive: true });
  return file;
}

t.test('a segment whose name was refused is not acknowledged, and is named and catalogued when the disk lets it', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const writer = await begin(vault, await prepare(vault, world));
  writer.append(fragments(200_000), 0);
  const file = await blockName(world, writer);
  await t.rejects(writer.close({ durationMs: 10_000, reason: 'continuous' }), { code: 'SP_WRITE' });
  t.same(await vault.segments(always), [], 'nothing is acknowledged');
  await rm(file, { recursive: true });
  await vault.mend();
  t.match(await vault.segments(always), [{ id: 'front/main/1', state: 'complete', durationMs: 10_000, path: writer.path }]);
  t.same(await vault.gaps(always), []);
  await vault.close();
  await whole(t, world);
});

t.test('what stays refused is tried again later and later, and at the close once more', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const writer = await begin(vault, await prepare(vault, world));
  const file = await blockName(world, writer);
  await t.rejects(writer.close({ durationMs: 10_000, reason: 'continuous' }), { code: 'SP_WRITE' });
  for (let seconds = 1; seconds < 100; seconds++) {
    world.clock.set(start + seconds * 1_000);
    await vault.mend();
  }
  t.equal(vault.disk.state, 'well', 'the disk itself can be written');
  await rm(file, { recursive: true });
  await vault.close();
  const again = await openVault(world);
  t.match(await again.segments(always), [{ id: 'front/main/1', state: 'complete' }]);
  await again.close();
  await whole(t, world);
});

t.test('a segment that is given up keeps its whole chunks, and the rest of its time is a gap', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  const writer = await begin(vault, period);
  for (let second = 0; second < 10; second++) writer.append(fragments(65_536), second * 1_000);
  await drained(writer);
  await writer.abandon({ durationMs: 10_000, gap: 'too slow' });
  await vault.mend();
  const [row] = await vault.segments(always);
  t.match(row, { state: 'cut', cutChunks: 10, boot: 'boot-1', monoMs: 5_000 });
  t.ok((row?.durationMs ?? 0) > 9_000 && (row?.durationMs ?? 0) <= 10_000);
  t.ok((row?.keyFrames.length ?? 0) > 5, 'its key frames are known');
  t.match(await vault.gaps(always), [{ reason: 'too slow', fromMs: start + (row?.durationMs ?? 0), toMs: start + 10_000 }]);
  t.equal((await record(vault, period, { wallMs: start + 20_000 })).seq, 2);
  await vault.close();
  await whole(t, world);
});

t.test('a full disk refuses segments whole, takes the next one when there is room, and nothing is left over', { skip: notRoot }, async (t) => {
  const world = makeWorld(t.testdir());
  await mounted(world, '24m', async () => {
    const vault = await openVault(world);
    const period = await prepare(vault, world);
    const first = await record(vault, period);
    const writer = await begin(vault, period, { wallMs: start + 60_000 });
    for (let at = 0; writer.failure === undefined && at < 100; at++) {
      writer.append(fragments(2 ** 20), at * 1_000);
      await drained(writer);
    }
    t.match(writer.failure, { code: 'SP_WRITE', evidence: { reason: 'the disk is full' } });
    await writer.abandon({ durationMs: 30_000, gap: 'disk' });
    await t.rejects(record(vault, period, { wallMs: start + 100_000 }), 'nothing is acknowledged that does not fit');
    await vault.mend();
    t.ok(['well', 'full'].includes(vault.disk.state), vault.disk.state);
    await vault.purge([period], {});
    await vault.mend();
    t.equal(vault.disk.state, 'well');
    const next = await prepare(vault, world, { camera: 'garden' });
    t.ok(await record(vault, next, { wallMs: start + 110_000 }));
    t.ok(first.seq === 1);
    await vault.close();
    t.same((await filesBelow(join(world.folder, 'footage'))).filter((name) => name.endsWith('.part')), []);
    await whole(t, world);
  });
});
