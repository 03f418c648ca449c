import { open, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Secret } from '../../src/base/secret.ts';
import { silentLog } from '../../src/base/log.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Opener, openWhole } from '../../src/seal/opener.ts';
import { readMetadata } from '../../src/seal/metadata.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { decodeHourList } from '../../src/vault/hourlist.ts';
import { hourListPath } from '../../src/vault/footagepaths.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { Vault, type Period } from '../../src/vault/vault.ts';
import { always, begin, filesBelow, ftyp, hourMs, makeWorld, moov, openVault, prepare, record, start, type World } from './world.ts';

async function periodKey(world: World, period: Period) {
  const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
  try {
    return openSlot(await keyring.read(period.slot), [world.owner], `slot ${period.slot}`);
  } finally {
    await keyring.close();
  }
}

t.test('what was recorded opens with the owner\'s identity and the files alone', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  const row = await record(vault, period);
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 60_000, toMs: start + 90_000, reason: 'stalled', detail: 'x'.repeat(900) });
  t.equal(await vault.finishPeriods(start + hourMs), 1);
  t.equal(await vault.finishPeriods(start + hourMs), 0, 'once');
  await vault.close();

  const { identity, camera } = await periodKey(world, period);
  t.equal(camera, 'front');
  const footage = join(world.folder, 'footage');
  const listFile = hourListPath('front', period.startMs, period.slot);
  const list = decodeHourList(openWhole(await readFile(join(footage, listFile)), [identity], listFile), listFile);
  t.match(list, { camera: 'front', slot: 0, generation: 1, segments: [{ seq: 1, path: row.path, size: row.sizeBytes, key_frames: [[0, row.keyFrames[0]?.[1]]] }], gaps: [{ reason: 'stalled' }] });
  const plain = openWhole(await readFile(join(footage, row.path)), [identity], row.path);
  t.ok(plain.subarray(0, ftyp.length).equals(ftyp));
  t.match(readMetadata(plain, row.path), { camera: 'front', stream: 'main', seq: 1, boot: 'boot-1', mono_ms: 5_000, wall_ms: start, clock: 'synchronised' });
  const offset = row.keyFrames[0]?.[1] ?? -1;
  t.equal(plain.subarray(offset + 4, offset + 8).toString(), 'moof', 'the key-frame index points at a fragment');
  t.ok(plain.includes(moov));
});

t.test('preparing a period twice makes one key; side by side, periods get slots of their own', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const [first, same] = await Promise.all([prepare(vault, world), prepare(vault, world)]);
  t.same(first, same);
  const many = await Promise.all(Array.from({ length: 8 }, (_, n) => prepare(vault, world, { camera: `cam-${n}` })));
  t.equal(new Set(many.map(({ slot }) => slot)).size, 8);
  t.equal(new Set(many.map(({ recipient }) => recipient)).size, 8);
  const keptLonger = await prepare(vault, world, { keepMs: 2 * hourMs });
  t.not(keptLonger.id, first?.id, 'another deadline is another key');
  await vault.close();
  const again = await openVault(world);
  t.same(await prepare(again, world), first, 'also after a restart');
  await again.close();
});

t.test('whoever leaves finds nothing that comes after: other recipients have another period in the same hour, also when its slot was made ahead', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const [before, after] = [Identity.generate().recipient, Identity.generate().recipient];
  const p = (recipient: string, ahead: number) => ({ camera: 'front', class: 'footage', startMs: start + ahead * hourMs, endMs: start + (ahead + 1) * hourMs, deadlineMs: start + 9 * hourMs, recipients: [world.owner.recipient, recipient] }) as const;
  const old = [await vault.preparePeriod(p(before, 0)), await vault.preparePeriod(p(before, 1))];
  const anew = [await vault.preparePeriod(p(after, 0)), await vault.preparePeriod(p(after, 1))];
  t.equal(new Set([...old, ...anew].map(({ slot }) => slot)).size, 4);
  await vault.close();
  vault = await openVault(world);
  t.same([await vault.preparePeriod(p(after, 0)), await vault.preparePeriod(p(after, 1))], anew, 'a restart goes on with the new one');
  await record(vault, anew[0]!, { wallMs: start + 1000 });
  await record(vault, old[0]!, { wallMs: start });
  t.equal(await vault.finishPeriods(start + 2 * hourMs), 4, 'each has a list of its own');
  const receipt = await vault.purge([old[0]!], {});
  t.equal(receipt.periods.length, 1);
  t.equal((await vault.segments(always)).length, 1, 'and each is purged alone');
  await vault.close();
});

t.test('no slot, no recording: too many recipients, or none that is one', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const p = { camera: 'front', class: 'footage', startMs: start, endMs: start + hourMs, deadlineMs: start + 2 * hourMs } as const;
  await t.rejects(vault.preparePeriod({ ...p, recipients: Array<string>(6).fill(world.owner.recipient) }), { code: 'SP_NO_SLOT', evidence: { camera: 'front' } });
  await t.rejects(vault.preparePeriod({ ...p, recipients: ['age1nobody'] }), { code: 'SP_NO_SLOT' });
  t.same(await vault.livePeriods(), []);
  await vault.close();
});

t.test('sequence numbers rise per camera and stream, also over restarts', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const period = await prepare(vault, world);
  t.same([await record(vault, period), await record(vault, period), await record(vault, period, { stream: 'sub' })].map(({ id }) => id), ['front/main/1', 'front/main/2', 'front/sub/1']);
  await vault.purge([period], {});
  await vault.close();
  vault = await openVault(world);
  t.equal((await record(vault, await prepare(vault, world))).id, 'front/main/3');
  await vault.close();
});

t.test('an ended period with an open segment is listed after it closed', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  const writer = await begin(vault, period);
  t.equal(await vault.finishPeriods(start + hourMs), 0);
  await writer.close({ durationMs: 1_000, reason: 'continuous' });
  t.equal(await vault.finishPeriods(start + hourMs), 1);
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 1_000, toMs: start + 2_000, reason: 'stalled', detail: '' });
  t.equal(await vault.finishPeriods(start + hourMs), 1, 'and anew when something was added');
  await vault.close();
});

t.test('rows come in the order of their numbers, whichever close is asked first', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  const writers = [await begin(vault, period), await begin(vault, period, { wallMs: start + 1_000 })];
  writers[0]?.append(Buffer.alloc(3_000_000));
  const order: number[] = [];
  await Promise.all(writers.map((writer) => writer.close({ durationMs: 1_000, reason: 'continuous' }).then(({ seq }) => order.push(seq))));
  t.same(order, [1, 2]);
  await vault.close();
});

t.test('a segment whose period is purged meanwhile is refused and leaves nothing', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  const [open, abandoned] = [await begin(vault, period), await begin(vault, period, { stream: 'sub' })];
  open.append(Buffer.alloc(200_000));
  await vault.purge([period], {});
  t.match(open.failure, { code: 'SP_SLOT_MISSING' });
  open.append(Buffer.alloc(200_000));
  await t.rejects(open.close({ durationMs: 1, reason: 'continuous' }), { code: 'SP_SLOT_MISSING' });
  await abandoned.abandon();
  await t.rejects(begin(vault, period), { code: 'SP_SLOT_MISSING' });
  t.same(await filesBelow(join(world.folder, 'footage')), []);
  await vault.close();
});

t.test('settings and secrets are kept, in the encrypted database only', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  await vault.putSetting('time', { boot: 'x', last_ms: 5, list: [1, 'a', null] });
  await vault.putSecret('front', new Secret('correct horse battery staple'));
  t.equal(await vault.setting('toString'), undefined);
  await vault.close();
  for (const file of await filesBelow(world.folder)) t.notOk((await readFile(join(world.folder, file))).includes('horse battery'), file);
  vault = await openVault(world);
  t.same(await vault.setting('time'), { boot: 'x', last_ms: 5, list: [1, 'a', null] });
  t.equal((await vault.secret('front'))?.reveal(), 'correct horse battery staple');
  await vault.removeSecret('front');
  t.equal(await vault.secret('front'), undefined);
  await vault.close();
});

t.test('one hub a folder; and the folder is free again after close', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  await t.rejects(openVault(world), { code: 'SP_DATA_LOCKED' });
  await vault.close();
  await (await openVault(world)).close();
});

t.test('without its working key, or with another one, nothing is made anew', async (t) => {
  const world = makeWorld(t.testdir());
  await (await openVault(world)).close();
  const keyFile = join(world.folder, 'working.key');
  await rename(keyFile, `${keyFile}.away`);
  await t.rejects(openVault(world), { code: 'SP_NO_WORKING_KEY' });
  const other = makeWorld(join(t.testdirName, 'other'));
  await (await openVault(other)).close();
  const workingKeyFile = join(other.folder, 'working.key');
  await t.rejects(Vault.open({ folder: world.folder, workingKeyFile, clock: world.clock, log: silentLog, hubName: 'x' }), { code: 'SP_WRONG_WORKING_KEY' });
  await rename(`${keyFile}.away`, keyFile);
  await (await openVault(world)).close();
});

t.test('footage without its database is not taken for garbage: the folder is refused', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const row = await record(vault, await prepare(vault, world));
  await vault.close();
  await unlink(join(world.folder, 'working.db'));
  await t.rejects(openVault(world), { code: 'SP_DATA_FOLDER' });
  await rm(join(world.folder, 'working.key'));
  await t.rejects(openVault(world), { code: 'SP_DATA_FOLDER' });
  t.ok(await readFile(join(world.folder, 'footage', row.path)));
});

t.test('the hub\'s key is the same at each start and stands in hub.pub', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const { publicKey } = vault;
  await vault.close();
  t.match(publicKey, /^ssh-ed25519 [A-Za-z0-9+/=]+$/);
  await unlink(join(world.folder, 'hub.pub'));
  const again = await openVault(world);
  t.equal(again.publicKey, publicKey);
  t.ok((await readFile(join(world.folder, 'hub.pub'), 'utf8')).startsWith(`${publicKey} `));
  await again.close();
});

t.test('facts for status: disk, footage, periods', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const row = await record(vault, await prepare(vault, world));
  t.same(await vault.footageFacts(), [{ camera: 'front', segments: 1, bytes: row.sizeBytes, oldestMs: start, newestEndMs: start + 60_000 }]);
  t.match(await vault.livePeriods(), [{ segments: 1, bytes: row.sizeBytes, state: 'live' }]);
  const { freeBytes, totalBytes } = await vault.diskFacts();
  t.ok(freeBytes > 0 && totalBytes >= freeBytes);
  t.equal((await vault.segments({ ...always, camera: 'nobody' })).length, 0);
  await vault.close();
});

t.test('a segment reads back chunk by chunk from the disk', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  const row = await record(vault, period, { bytes: 300_000 });
  await vault.close();
  const { identity } = await periodKey(world, period);
  const handle = await open(join(world.folder, 'footage', row.path));
  t.teardown(() => handle.close());
  const source = { size: row.sizeBytes, read: async (offset: number, length: number) => (await handle.read(Buffer.alloc(length), 0, length, offset)).buffer };
  const opener = await Opener.open(source, [identity], row.path);
  t.notOk(opener.cut);
  let bytes = 0;
  for await (const chunk of opener.chunks()) bytes += chunk.length;
  t.equal(bytes, opener.plainSize);
  opener.close();
});
