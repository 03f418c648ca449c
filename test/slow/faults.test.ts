/** The vault on disks that really refuse: small, read-only, pulled, shut down. */
import { copyFile, mkdir, readFile, rename, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeBox } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { silentLog } from '../../src/base/log.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { ageOpens, noAge } from '../seal/referees.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { SegmentWriter } from '../../src/vault/vault.ts';
import { always, begin, filesBelow, hourMs, makeWorld, openVault, prepare, record, start, type World } from '../vault/world.ts';

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

// the disk that goes and comes back

t.test('a folder that is gone is let go of and taken up again when it is back, with nothing made in its place', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  await record(vault, period);
  const open = await begin(vault, period, { wallMs: start + 60_000 });
  for (let second = 0; second < 5; second++) open.append(fragments(65_536), second * 1_000);
  await drained(open);
  const away = `${world.folder}.away`;
  await rename(world.folder, away);
  await mkdir(world.folder); // an empty mount point
  await t.rejects(begin(vault, period, { wallMs: start + 70_000 }), { code: 'SP_DISK' }, 'even before anybody looked');
  await vault.mend();
  t.match(vault.disk, { state: 'gone' });
  t.match(open.failure, { code: 'SP_DISK' });
  await open.abandon({ durationMs: 5_000, gap: 'disk' });
  await t.rejects(prepare(vault, world, { camera: 'garden' }), { code: 'SP_DISK' });
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 65_000, toMs: start + 90_000, reason: 'disk', detail: '' });
  t.match(await vault.footageFacts(), []);
  for (let seconds = 2; seconds < 20; seconds += 2) {
    world.clock.set(start + seconds * 1_000);
    await vault.mend();
  }
  t.match(vault.disk, { state: 'gone', reason: /not mounted/ });
  t.same(await filesBelow(world.folder), [], 'nothing was made on the empty mount point');

  await rm(world.folder, { recursive: true });
  await rename(away, world.folder);
  world.clock.set(start + 120_000);
  await vault.mend();
  t.equal(vault.disk.state, 'well');
  t.match(await vault.segments(always), [{ seq: 1, state: 'complete' }, { seq: 2, state: 'cut', cutChunks: 5 }]);
  t.match(await vault.gaps(always), [{ fromMs: start + 60_000 + ((await vault.segments(always))[1]?.durationMs ?? 0), toMs: start + 65_000 }, { fromMs: start + 65_000, toMs: start + 90_000 }]);
  t.equal((await record(vault, period, { wallMs: start + 130_000 })).seq, 4, 'numbers go on; that of the refused one is not used again');
  await vault.close();
  await whole(t, world);
});

t.test('another vault in its place is not taken for ours', async (t) => {
  const folder = t.testdir();
  const [world, other] = [makeWorld(folder), makeWorld(join(folder, 'other'))];
  await (await openVault(other)).close();
  const vault = await openVault(world);
  await record(vault, await prepare(vault, world));
  await rename(world.folder, `${world.folder}.away`);
  await rename(other.folder, world.folder);
  await vault.mend();
  world.clock.set(start + 10_000);
  await vault.mend();
  t.match(vault.disk, { state: 'gone', reason: /another disk/ });
  await rename(world.folder, other.folder);
  await rename(`${world.folder}.away`, world.folder);
  world.clock.set(start + 100_000);
  await vault.mend();
  t.equal(vault.disk.state, 'well');
  await vault.close();
  await whole(t, world);
});

t.test('a disk that is unmounted under open handles can be mounted again, and goes on', { skip: notRoot }, async (t) => {
  const world = makeWorld(t.testdir());
  const image = join(t.testdirName, 'disk.img');
  await mkdir(world.folder, { recursive: true });
  await must('dd', ['if=/dev/zero', `of=${image}`, 'bs=1M', 'count=0', 'seek=64']);
  await must('mkfs.ext4', ['-q', '-F', image]);
  try {
    await must('mount', ['-o', 'loop', image, world.folder]);
  } catch (error) {
    t.comment(`skipped: no loop device can be mounted here (${String(error)})`);
    return;
  }
  try {
    const vault = await openVault(world);
    const period = await prepare(vault, world);
    await record(vault, period);
    await must('umount', ['-l', world.folder]);
    await vault.mend();
    t.equal(vault.disk.state, 'gone');
    t.same(await filesBelow(world.folder), []);
    await must('mount', ['-o', 'loop', image, world.folder]);
    world.clock.set(start + 60_000);
    await vault.mend();
    t.equal(vault.disk.state, 'well', vault.disk.reason);
    t.equal((await record(vault, period, { wallMs: start + 70_000 })).seq, 2);
    await vault.close();
    await whole(t, world);
  } finally {
    await run('umount', ['-l', world.folder]);
  }
});

async function must(command: string, args: readonly string[]): Promise<void> {
  const { status, stderr } = await run(command, args);
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
}

// one keyring file that is not as it should be

const damages: readonly [name: string, deed: (file: string, older: string) => Promise<void>][] = [
  ['torn', async (file) => truncate(file, 4096 + 700)],
  ['rotten', async (file) => {
    const bytes = await readFile(file);
    for (let at = 100; at < bytes.length; at += 4096) bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(file, bytes);
  }],
  ['missing', async (file) => unlink(file)],
  ['older than the database', async (file, older) => copyFile(older, file)],
];

for (const [name, damage] of damages) {
  for (const which of ['keyring.1', 'keyring.2']) {
    t.test(`${which} is ${name}: the other serves, it is mended, and what was shredded stays shredded`, { skip: noAge }, async (t) => {
      const world = makeWorld(t.testdir({ 'kit.txt': '' }));
      await writeFile(join(t.testdirName, 'kit.txt'), `${world.owner.reveal()}\n`);
      const file = join(world.folder, 'keyring', which);
      const older = join(t.testdirName, 'older');
      let vault = await openVault(world);
      const gone = await prepare(vault, world, { camera: 'gone' });
      const kept = await prepare(vault, world, { camera: 'kept' });
      await vault.close();
      await copyFile(file, older);
      vault = await openVault(world);
      await record(vault, gone);
      await vault.purge([gone], {});
      const reused = await prepare(vault, world, { camera: 'reused' });
      const later = await prepare(vault, world, { camera: 'later' });
      t.equal(reused.slot, gone.slot, 'its slot is another period\'s now');
      await vault.close();
      await damage(file, older);

      vault = await openVault(world);
      for (const period of [kept, reused, later]) t.same(await prepare(vault, world, { camera: period.camera }), period, `${period.camera} is served`);
      t.match(await vault.checkKeyring(), new RegExp(which));
      t.equal(await vault.checkKeyring(), undefined, 'mended');
      await vault.close();
      const opens = async (slot: number, path: string) => String(await ageOpens((await readFile(path)).subarray(slot * 4096, slot * 4096 + 1024), join(t.testdirName, 'kit.txt')));
      for (const path of ['keyring.1', 'keyring.2'].map((one) => join(world.folder, 'keyring', one))) {
        t.match(await opens(reused.slot, path), /^# reused /);
        t.match(await opens(kept.slot, path), /^# kept /);
        t.match(await opens(later.slot, path), /^# later /);
      }
      await whole(t, world);
    });
  }
}

t.test('shredded slots that an older keyring brings back, in both files, are shredded again, and no living one with them', async (t) => {
  const world = makeWorld(t.testdir());
  const ring = join(world.folder, 'keyring');
  let vault = await openVault(world);
  const [gone, kept] = [await prepare(vault, world, { camera: 'gone' }), await prepare(vault, world, { camera: 'kept' })];
  await vault.close();
  for (const name of ['keyring.1', 'keyring.2']) await copyFile(join(ring, name), join(t.testdirName, name));
  vault = await openVault(world);
  await vault.purge([gone], {});
  await vault.close();
  for (const name of ['keyring.1', 'keyring.2']) await copyFile(join(t.testdirName, name), join(ring, name));
  vault = await openVault(world);
  t.match(await vault.checkKeyring(), /^2 shredded slots were back/);
  t.equal(await vault.checkKeyring(), undefined);
  await vault.close();
  const keyring = await Keyring.open(ring, { log: silentLog, writable: false });
  t.teardown(() => keyring.close());
  await t.rejects(keyring.read(gone.slot), { code: 'SP_SLOT_MISSING' });
  t.ok(await keyring.read(kept.slot));
  await whole(t, world);
});

t.test('a keyring file that is taken away under a running hub is made anew, with all that lives', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  for (const name of ['keyring.1', 'keyring.2']) await unlink(join(world.folder, 'keyring', name));
  t.match(await vault.checkKeyring(), /keyring\.1 lacked 1 of 1 slots.*keyring\.2 lacked 1 of 1/);
  t.same(await prepare(vault, world), period);
  t.equal((await stat(join(world.folder, 'keyring', 'keyring.2'))).size, 4096);
  await record(vault, period);
  await vault.close();
  await whole(t, world);
});

t.test('a period whose slot both files have lost takes no more footage: it goes on under a new slot', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const lost = await prepare(vault, world);
  await vault.close();
  for (const name of ['keyring.1', 'keyring.2']) await writeFile(join(world.folder, 'keyring', name), Buffer.alloc(4096, 7));
  vault = await openVault(world);
  t.match(await vault.checkKeyring(), /1 of 1 slots are lost in both files: 0/);
  const next = await prepare(vault, world);
  t.not(next.slot, lost.slot);
  t.same(await prepare(vault, world), next, 'once');
  await record(vault, next);
  await vault.purge([lost], {});
  t.equal(await vault.checkKeyring(), undefined);
  await vault.close();
  await whole(t, world);
});

t.test('mending never undoes a shred that is half done', async (t) => {
  const world = makeWorld(t.testdir());
  let failing = true;
  const vault = await openVault(world, { afterStep: (step) => { if (step === 'shredded' && failing) throw new Error('stopped here'); } });
  const period = await prepare(vault, world);
  const ring = join(world.folder, 'keyring');
  const before = await readFile(join(ring, 'keyring.2'));
  await t.rejects(vault.purge([period], {}));
  await writeFile(join(ring, 'keyring.2'), before); // as if the shred had reached the first file only
  await vault.checkKeyring();
  t.notOk((await readFile(join(ring, 'keyring.1'))).equals(before), 'the shredded one was not mended from the other');
  failing = false;
  await vault.purge([period], {});
  t.notOk((await readFile(join(ring, 'keyring.2'))).includes('BEGIN AGE'));
  world.clock.set(start + hourMs);
  await vault.close();
  await whole(t, world);
});
