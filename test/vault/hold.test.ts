/** Holds: second headers that keep segments when their hour goes. What opens, stock `age` decides. */
import { cp, mkdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { makeBox } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { FileKey } from '../../src/seal/filekey.ts';
import { makeHold, holdBytes } from '../../src/seal/hold.ts';
import { fileKeyIn } from '../../src/seal/opener.ts';
import { openSlot, slotBlockBytes, slotTextBytes } from '../../src/seal/slot.ts';
import { Archive, type ArchiveSegment } from '../../src/vault/archive.ts';
import { holdName, hourListPath, periodFolder } from '../../src/vault/footagepaths.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import type { PurgeStep } from '../../src/vault/purge.ts';
import { rebuildDatabase } from '../../src/vault/rebuild.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { newOrderId, type Period, type SegmentRow, type Vault } from '../../src/vault/vault.ts';
import { ageOpens, noAge } from '../seal/referees.ts';
import { runKilled } from './killedchild.ts';
import { always, begin, filesBelow, ftyp, hourMs, makeWorld, moov, openRaw, openVault, prepare, readJson, record, start, type World } from './world.ts';

const day = 24 * hourMs;

/** A closed segment, and its file key as the hub has it until a while after the close. */
async function recordWithKey(vault: Vault, period: Period, second = 0): Promise<{ row: SegmentRow; key: FileKey }> {
  const writer = await begin(vault, period, { wallMs: period.startMs + second * 1000 });
  writer.append(makeBox('moof', Buffer.alloc(100, 1)), 0);
  writer.append(makeBox('mdat', Buffer.alloc(70_000, second)));
  const key = writer.takeFileKey();
  return { row: await writer.close({ durationMs: 60_000, reason: 'continuous' }), key };
}

function holdByHub(vault: Vault, world: World, { row, key }: { row: SegmentRow; key: FileKey }, deadlineMs: number): Promise<boolean> {
  return vault.hold(row.id, key, { deadlineMs, recipients: [world.owner.recipient] });
}

/** A hold's period as a device asks for it. */
function holdPeriod(vault: Vault, world: World, period: Period, o: { deadlineMs: number; order?: string; class?: 'hold' | 'rest'; label?: string }): Promise<Period> {
  return vault.preparePeriod({
    camera: period.camera, class: o.class ?? 'hold', startMs: period.startMs, endMs: period.endMs, deadlineMs: o.deadlineMs, recipients: [world.owner.recipient],
    hold: { order: o.order ?? newOrderId(), maker: 'device', label: o.label ?? '' },
  });
}

/** The second header as the owner's device makes it, with the kit and what lies on the disk. */
async function headerOf(world: World, row: SegmentRow, to: Period): Promise<Buffer> {
  const { identity } = openSlot(await slotText(world.folder, row.slot), [world.owner], 'the hour');
  const key = fileKeyIn(await readFile(join(world.folder, 'footage', row.path)), [identity], row.path);
  identity.close();
  const header = makeHold(key, to.recipient);
  key.close();
  return header;
}

async function holdByDevice(vault: Vault, world: World, row: SegmentRow, to: Period): Promise<number> {
  return vault.addHolds(to, [{ stream: row.stream, seq: row.seq, header: await headerOf(world, row, to) }]);
}

async function slotText(folder: string, slot: number): Promise<Buffer> {
  return (await readFile(join(folder, 'keyring', 'keyring.1'))).subarray(slot * slotBlockBytes).subarray(0, slotTextBytes);
}

/** With `kit.txt` in it. */
async function ownersFolder(world: World): Promise<string> {
  const folder = join(world.folder, '..', 'owner');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'kit.txt'), `${world.owner.reveal()}\n`);
  return folder;
}

/** `dd … | age -d -i kit.txt > period.txt; (cat X.hold; tail -c +169 X) | age -d -i period.txt`; undefined when age refuses. */
async function ageOpensHeld(world: World, path: string, slot: number): Promise<Buffer | undefined> {
  const folder = await ownersFolder(world);
  const period = await ageOpens(await slotText(world.folder, slot), join(folder, 'kit.txt'));
  if (period === undefined) return undefined;
  await writeFile(join(folder, 'period.txt'), period);
  const file = join(world.folder, 'footage', path);
  const hold = await readFile(holdName(file, slot)).catch(() => Buffer.alloc(0));
  return ageOpens(Buffer.concat([hold, (await readFile(file).catch(() => Buffer.alloc(0))).subarray(hold.length)]), join(folder, 'period.txt'));
}

function isTheFootage(plain: Buffer | undefined, second: number): boolean {
  return plain?.subarray(0, ftyp.length).equals(ftyp) === true && plain.includes(moov) && plain.includes(Buffer.alloc(70_000, second));
}

async function archived(world: World, folder = world.folder): Promise<{ segments: ArchiveSegment[]; problems: string[]; plain: Map<number, Buffer> }> {
  const archive = await Archive.open(folder, [world.owner]);
  try {
    const { segments, problems } = await archive.segments('front', 0, Number.MAX_SAFE_INTEGER);
    const plain = new Map<number, Buffer>();
    for (const segment of segments) {
      const opener = await archive.openSegment(segment);
      const chunks: Buffer[] = [];
      for await (const chunk of opener.chunks()) chunks.push(chunk);
      opener.close();
      plain.set(segment.seq, Buffer.concat(chunks));
    }
    return { segments, problems: problems.map(({ code }) => code), plain };
  } finally {
    await archive.close();
  }
}

async function problemsIn(world: World): Promise<unknown[]> {
  return (await verifyFolder({ folder: world.folder })).problems;
}

t.test('when its hour is shredded a held segment opens with its hold, and its neighbours open for nobody', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const [before, held, after] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60), await recordWithKey(vault, hour, 120)];
  const sealedBefore = await readFile(join(world.folder, 'footage', held.row.path));
  t.equal(await holdByHub(vault, world, held, start + 9 * day), true);
  t.equal(await holdByHub(vault, world, held, start + 9 * day), true, 'said twice it is held once');
  const [order] = await vault.holdOrders();
  t.match(order, { maker: 'hub', camera: 'front', deadlineMs: start + 9 * day, segments: 1, bytes: held.row.sizeBytes, fromMs: held.row.startMs });
  const hold = (await vault.livePeriods()).find((period) => period.class === 'hold')!;
  const copies = await Promise.all([before, after].map(async ({ row }) => ({ row, sealed: await readFile(join(world.folder, 'footage', row.path)) })));
  world.clock.set(hour.deadlineMs);
  await vault.finishPeriods(hour.deadlineMs);
  t.ok(isTheFootage(await ageOpensHeld(world, held.row.path, hold.slot), 60), 'it opens before, too');

  const receipt = await vault.purge(await vault.duePeriods(hour.deadlineMs), {});
  t.match(await readJson(receipt.file), { segments: 2, periods: [{ class: 'footage', segments: 2, held: 1 }] });
  t.same(await filesBelow(join(world.folder, 'footage')), [held.row.path, holdName(held.row.path, hold.slot), hourListPath('front', start, hold.slot)].sort());
  t.same(await readFile(join(world.folder, 'footage', held.row.path)), sealedBefore, 'the segment was not written again');
  t.equal((await readFile(join(world.folder, 'footage', holdName(held.row.path, hold.slot)))).length, holdBytes);
  t.ok(isTheFootage(await ageOpensHeld(world, held.row.path, hold.slot), 60));
  for (const { row, sealed } of copies) {
    const folder = await ownersFolder(world);
    const period = await ageOpens(await slotText(world.folder, hold.slot), join(folder, 'kit.txt'));
    await writeFile(join(folder, 'all.txt'), Buffer.concat([period!, Buffer.from(`${world.owner.reveal()}\n`)]));
    t.equal(await ageOpens(sealed, join(folder, 'all.txt')), undefined, `${row.path}: a copy of a neighbour opens with nothing that is left`);
    const header = await readFile(join(world.folder, 'footage', holdName(held.row.path, hold.slot)));
    t.equal(await ageOpens(Buffer.concat([header, sealed.subarray(holdBytes)]), join(folder, 'all.txt')), undefined, 'nor by the hold of another');
  }
  t.match(await vault.segments(always), [{ seq: held.row.seq, periodClass: 'hold', slot: hold.slot, state: 'complete' }]);
  const found = await archived(world);
  t.match(found, { problems: [], segments: [{ seq: held.row.seq, heldBy: [hold.slot], keyFrames: held.row.keyFrames }] });
  t.same(await vault.holes({ msMin: 1 }), [], 'what is held stands for itself');
  await vault.close();
  t.same(await problemsIn(world), []);

  const again = await openVault(world);
  t.match(again.recovery, { removed: 0, adopted: 0, missing: [] });
  t.match(await again.segments(always), [{ seq: held.row.seq, periodClass: 'hold' }]);
  world.clock.set(start + 9 * day);
  t.match(await readJson((await again.purge(await again.duePeriods(start + 9 * day), {})).file), { segments: 1, periods: [{ class: 'hold', segments: 1, holds: 1 }] });
  t.same(await filesBelow(join(world.folder, 'footage')), [], 'and at its own deadline it goes as well');
  t.equal(await ageOpensHeld(world, held.row.path, hold.slot), undefined);
  await again.close();
  t.same(await problemsIn(world), []);
});

t.test('several holds stand beside each other, and the last one keeps the segment', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const held = await recordWithKey(vault, hour, 7);
  await holdByHub(vault, world, held, start + 5 * day);
  const [long, short] = [await holdPeriod(vault, world, hour, { deadlineMs: start + 9 * day }), await holdPeriod(vault, world, hour, { deadlineMs: start + 2 * day })];
  t.equal(await holdByDevice(vault, world, held.row, long), 1);
  t.equal(await holdByDevice(vault, world, held.row, short), 1);
  t.equal(await holdByDevice(vault, world, held.row, short), 0, 'a second one of the same wish is none');
  const hub = (await vault.livePeriods()).find((period) => period.class === 'hold' && period.deadlineMs === start + 5 * day)!;
  t.equal(new Set([hub.slot, long.slot, short.slot]).size, 3);
  await vault.purge([hour], {});
  t.match(await vault.segments(always), [{ slot: long.slot }], 'its row is with the one that lasts longest');
  for (const { slot } of [hub, long, short]) t.ok(isTheFootage(await ageOpensHeld(world, held.row.path, slot), 7));
  t.same((await archived(world)).segments[0]?.heldBy?.toSorted(), [hub.slot, long.slot, short.slot].toSorted());
  await vault.purge([long], { early: 'released' });
  t.match(await vault.segments(always), [{ slot: hub.slot }]);
  t.match(await vault.purge([short], {}), { segments: 0 });
  t.ok(isTheFootage(await ageOpensHeld(world, held.row.path, hub.slot), 7));
  t.same(await filesBelow(join(world.folder, 'footage')), [held.row.path, holdName(held.row.path, hub.slot)].sort());
  await vault.purge([hub], {});
  t.same(await filesBelow(join(world.folder, 'footage')), []);
  await vault.close();
  t.same(await problemsIn(world), []);
});

t.test('a hold that is released while its hour lives takes nothing of the hour with it', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const held = await recordWithKey(vault, hour);
  await holdByHub(vault, world, held, start + 9 * day);
  const [order] = await vault.holdOrders();
  t.match(await readJson((await vault.purge(order!.periods.map((id) => ({ id })), { early: 'released by the owner' })).file), { segments: 0, early: 'released by the owner', periods: [{ class: 'hold', holds: 1 }] });
  t.same(await vault.holdOrders(), []);
  t.same(await filesBelow(join(world.folder, 'footage')), [held.row.path]);
  t.match(await archived(world), { problems: [], segments: [{ seq: held.row.seq }] });
  await vault.purge([hour], {});
  t.same(await filesBelow(join(world.folder, 'footage')), []);
  await vault.close();
  t.same(await problemsIn(world), []);
});

t.test('a broken second header from a device harms nothing', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const [good, alone] = [await recordWithKey(vault, hour, 3), await recordWithKey(vault, hour, 60)];
  const broken = await holdPeriod(vault, world, hour, { deadlineMs: start + 20 * day });
  const bytes = await headerOf(world, good.row, broken);
  const refused = (header: Buffer): Promise<unknown> => t.rejects(vault.addHolds(broken, [{ stream: 'main', seq: good.row.seq, header }]), { code: 'SP_AGE_HEADER' });
  await refused(Buffer.alloc(holdBytes, 65));
  await refused(bytes.subarray(0, -1));
  await refused(Buffer.concat([bytes, Buffer.from('\n')]));
  await refused(Buffer.from(bytes.toString('latin1').replace('X25519', 'X25518'), 'latin1'));
  await refused(Buffer.from(bytes.toString('latin1').replace('-> X25519 ', '-> X25519  '), 'latin1'));
  t.equal(await vault.addHolds(broken, [{ stream: 'main', seq: 9999, header: bytes }]), 0, 'a segment that is not there takes none');
  t.same((await filesBelow(join(world.folder, 'footage'))).filter((name) => name.includes('hold')), []);
  // Well made, and of another file key: only who opens it can tell.
  const other = FileKey.generate();
  for (const { row } of [good, alone]) t.equal(await vault.addHolds(broken, [{ stream: 'main', seq: row.seq, header: makeHold(other, broken.recipient) }]), 1);
  await holdByHub(vault, world, good, start + 5 * day);
  await vault.finishPeriods(hour.endMs);
  t.match(await archived(world), { problems: [], segments: [{ seq: good.row.seq }, { seq: alone.row.seq }] }, 'while the hour lives all is as it was');
  await vault.purge([hour], {});
  const hub = (await vault.livePeriods()).find((period) => period.deadlineMs === start + 5 * day)!;
  t.ok(isTheFootage(await ageOpensHeld(world, good.row.path, hub.slot), 3), 'the hub\'s own hold was not replaced');
  const archive = await Archive.open(world.folder, [world.owner]);
  const { segments } = await archive.segments('front', 0, Number.MAX_SAFE_INTEGER);
  const byEither = segments.find(({ seq }) => seq === good.row.seq)!;
  t.same(byEither.heldBy, [broken.slot, hub.slot], 'the broken one is tried first');
  const opener = await archive.openSegment(byEither);
  t.ok(isTheFootage(await opener.read(0, opener.plainSize), 3), 'and the other one opens it');
  opener.close();
  const lost = await archive.openSegment(segments.find(({ seq }) => seq === alone.row.seq)!);
  await t.rejects(lost.read(0, 1), { code: 'SP_AGE_PAYLOAD' }, 'what has no other hold opens no more');
  lost.close();
  await archive.close();
  await vault.close();
  t.same(await problemsIn(world), []);
});

const steps: readonly PurgeStep[] = ['intended', 'shredded', 'marked', 'unlinked', 'deleted', 'recorded', 'filed'];

for (const step of steps) {
  t.test(`a kill after "${step}" of a purge keeps what is held, and nothing else`, { skip: noAge }, async (t) => {
    const world = makeWorld(t.testdir());
    let vault = await openVault(world);
    const due = await prepare(vault, world, { startMs: start + hourMs });
    const [, held] = [await recordWithKey(vault, due, 0), await recordWithKey(vault, due, 60), await recordWithKey(vault, due, 120)];
    await holdByHub(vault, world, held, start + 9 * day);
    await vault.finishPeriods(due.endMs);
    const hold = (await vault.livePeriods()).find((period) => period.class === 'hold')!;
    await vault.close();
    const { signal, stderr } = await runKilled(join(import.meta.dirname, 'purge-child.ts'), world.folder, step);
    t.equal(signal, 'SIGKILL', stderr);

    vault = await openVault(world);
    t.same((await vault.livePeriods()).map(({ id }) => id), [hold.id]);
    t.match(await vault.segments(always), [{ seq: held.row.seq, slot: hold.slot, periodClass: 'hold' }]);
    t.match(await readJson(join(world.folder, 'receipts', '1.json')), { segments: 2, periods: [{ segments: 2, held: 1 }] });
    await vault.close();
    t.same(await filesBelow(join(world.folder, 'footage')), [held.row.path, holdName(held.row.path, hold.slot), hourListPath('front', due.startMs, hold.slot)].sort());
    t.ok(isTheFootage(await ageOpensHeld(world, held.row.path, hold.slot), 60));
    t.same(await problemsIn(world), []);
  });

  t.test(`a kill after "${step}" of a hold's own end leaves nothing of it`, { skip: noAge }, async (t) => {
    const world = makeWorld(t.testdir());
    let vault = await openVault(world);
    const hour = await prepare(vault, world, { startMs: start - 5 * hourMs });
    const [moved] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60)];
    await holdByHub(vault, world, moved, start + 2 * hourMs);
    await vault.purge([hour], {});
    const live = await prepare(vault, world, { startMs: start + 5 * hourMs });
    const both = await recordWithKey(vault, live, 0);
    await holdByHub(vault, world, both, start + 2 * hourMs + 1);
    await vault.close();
    const { signal, stderr } = await runKilled(join(import.meta.dirname, 'purge-child.ts'), world.folder, step);
    t.equal(signal, 'SIGKILL', stderr);
    vault = await openVault(world);
    t.same((await vault.livePeriods()).map(({ id }) => id), [live.id]);
    t.match(await readJson(join(world.folder, 'receipts', '2.json')), { segments: 1, periods: [{ class: 'hold', segments: 1, holds: 1 }, { class: 'hold', segments: 0, holds: 1 }] });
    await vault.close();
    t.same(await filesBelow(join(world.folder, 'footage')), [both.row.path]);
    t.same(await problemsIn(world), []);
  });
}

for (const step of steps) {
  t.test(`a kill after "${step}" of an erasing ends as it would have without`, { skip: noAge }, async (t) => {
    const world = makeWorld(t.testdir());
    let vault = await openVault(world);
    const hour = await prepare(vault, world, { startMs: start + hourMs });
    const [stays, goes] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60)];
    await vault.addGap({ camera: 'front', stream: 'main', fromMs: hour.startMs + 120_000, toMs: hour.startMs + 150_000, reason: 'stalled', detail: '' });
    const rest = await holdPeriod(vault, world, hour, { class: 'rest', deadlineMs: hour.deadlineMs + 1 });
    await holdByDevice(vault, world, stays.row, rest);
    await vault.finishPeriods(hour.endMs);
    await vault.close();
    const { signal, stderr } = await runKilled(join(import.meta.dirname, 'purge-child.ts'), world.folder, step, 'a guest asked');
    t.equal(signal, 'SIGKILL', stderr);
    vault = await openVault(world);
    t.match(await vault.segments(always), [{ seq: stays.row.seq, periodClass: 'rest' }]);
    t.match(await vault.gaps(always), [{ fromMs: goes.row.startMs, toMs: goes.row.startMs + 60_000, reason: 'erased' }]);
    t.match(await readJson(join(world.folder, 'receipts', '1.json')), { erased: 'a guest asked', segments: 1 });
    t.same(await vault.unfinishedHolds(), []);
    await vault.finishPeriods(hour.endMs);
    await vault.close();
    t.same(await filesBelow(join(world.folder, 'footage')), [stays.row.path, holdName(stays.row.path, rest.slot), hourListPath('front', hour.startMs, rest.slot)].sort());
    t.ok(isTheFootage(await ageOpensHeld(world, stays.row.path, rest.slot), 0));
    t.same(await problemsIn(world), []);
  });
}

t.test('a second header that a kill left without its row gets it, a half one goes', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const hour = await prepare(vault, world);
  const [first, second] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60)];
  const hold = await holdPeriod(vault, world, hour, { deadlineMs: start + 9 * day });
  const [whole, half] = [join(world.folder, 'footage', holdName(first.row.path, hold.slot)), join(world.folder, 'footage', holdName(second.row.path, hold.slot))];
  await writeFile(whole, await headerOf(world, first.row, hold));
  await writeFile(half, (await headerOf(world, second.row, hold)).subarray(0, 100));
  await writeFile(`${half}.part`, 'begun');
  await writeFile(holdName(join(world.folder, 'footage', first.row.path), 77), await headerOf(world, first.row, hold));
  t.match(await problemsIn(world), [{ code: 'SP_FILE_UNKNOWN' }, { code: 'SP_FILE_UNKNOWN' }, { code: 'SP_FILE_UNKNOWN' }], 'until then nobody knows them');
  await vault.close();
  vault = await openVault(world);
  t.match(vault.recovery, { removed: 3 });
  t.match(await vault.holdOrders(), [{ segments: 1, deadlineMs: start + 9 * day }]);
  await vault.purge([hour], {});
  t.match(await vault.segments(always), [{ seq: first.row.seq }]);
  await vault.close();
  t.same(await problemsIn(world), []);
});

t.test('a second header that rotted or went is named by verify and scrub, and the segment opens by another way', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const [rotten, gone] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60)];
  for (const one of [rotten, gone]) await holdByHub(vault, world, one, start + 9 * day);
  await vault.finishPeriods(hour.endMs);
  const hold = (await vault.livePeriods()).find((period) => period.class === 'hold')!;
  const file = holdName(join(world.folder, 'footage', rotten.row.path), hold.slot);
  const bytes = await readFile(file);
  bytes[100] = bytes[100] === 65 ? 66 : 65;
  await writeFile(file, bytes);
  await unlink(holdName(join(world.folder, 'footage', gone.row.path), hold.slot));
  const scrubbed = await Promise.all((await vault.scrub.holds({ periodId: 0, segmentId: 0 }, 10)).map((row) => vault.scrub.hold(row)));
  t.same(scrubbed, ['the second header is not what was written', 'the second header is not there']);
  t.same((await vault.scrub.holds({ periodId: 0, segmentId: 0 }, 10)).map(({ damaged }) => damaged), [true, true]);
  t.match(await problemsIn(world), [{ code: 'SP_HOLD_DAMAGED', what: holdName(rotten.row.path, hold.slot) }, { code: 'SP_HOLD_DAMAGED', what: holdName(gone.row.path, hold.slot) }]);
  const found = await archived(world);
  t.match(found.segments, [{ seq: rotten.row.seq }, { seq: gone.row.seq }]);
  t.ok([0, 60].every((second, index) => isTheFootage(found.plain.get(index + 1), second)), 'while the hour lives its own header opens it');
  await vault.close();
});

t.test('a far copy opens with the kit alone: by the lists, and where none is there yet by the second headers', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const [, held] = [await recordWithKey(vault, hour, 0), await recordWithKey(vault, hour, 60)];
  await holdByHub(vault, world, held, start + 9 * day);
  const hold = (await vault.livePeriods()).find((period) => period.class === 'hold')!;
  await vault.purge([hour], { early: 'before any list was written' });
  const copy = async (name: string): Promise<string> => {
    const folder = join(world.folder, '..', name);
    for (const part of ['footage', 'keyring']) await cp(join(world.folder, part), join(folder, part), { recursive: true });
    return folder;
  };
  const unlisted = await archived(world, await copy('unlisted'));
  t.match(unlisted, { problems: [], segments: [{ state: 'unlisted', slot: hold.slot, heldBy: [hold.slot], startMs: held.row.startMs }] });
  t.ok(isTheFootage(unlisted.plain.get(held.row.seq), 60));
  t.equal(await vault.finishPeriods(hour.endMs), 1);
  const listed = await archived(world, await copy('listed'));
  t.match(listed, { problems: [], segments: [{ state: 'complete', slot: hold.slot, heldBy: [hold.slot] }] });
  t.ok(isTheFootage(listed.plain.get(held.row.seq), 60));
  await vault.close();
});

t.test('a row whose second header is not told of any more is found', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  await holdByHub(vault, world, await recordWithKey(vault, hour, 0), start + 9 * day);
  await vault.purge([hour], {});
  await vault.close();
  const db = await openRaw(world);
  db.prepare('DELETE FROM holds').run();
  db.close();
  t.match(await problemsIn(world), [{ code: 'SP_HOLD_DAMAGED', detail: /no row tells/ }, { code: 'SP_FILE_UNKNOWN' }]);
});

t.test('a list of a hold is believed in its own place only', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const held = await recordWithKey(vault, hour, 60);
  await holdByHub(vault, world, held, start + 9 * day);
  await vault.finishPeriods(hour.endMs);
  const hold = (await vault.livePeriods()).find((period) => period.class === 'hold')!;
  const folder = join(world.folder, 'footage');
  await cp(join(folder, hourListPath('front', start, hold.slot)), join(folder, hourListPath('front', start, hour.slot)), { force: true });
  t.match(await archived(world), { problems: ['SP_WRONG_IDENTITY'], segments: [{ slot: hold.slot, heldBy: [hold.slot] }] });
  await vault.close();
});

async function rebuilt(world: World): Promise<Awaited<ReturnType<typeof rebuildDatabase>>> {
  await rm(join(world.folder, 'working.db'));
  return rebuildDatabase({
    folder: world.folder, identities: [world.owner], periodMs: hourMs, keepMs: () => hourMs, gapMsMin: 500, clock: world.clock, log: silentLog, hubName: 'test hub',
  });
}

t.test('a database that is made anew with the kit knows what is held, with and without its hour', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const [gone, lives] = [await prepare(vault, world), await prepare(vault, world, { startMs: start + hourMs })];
  const [, held] = [await recordWithKey(vault, gone, 0), await recordWithKey(vault, gone, 60)];
  const both = await recordWithKey(vault, lives, 0);
  await recordWithKey(vault, lives, 60);
  const order = newOrderId();
  for (const [hour, { row }] of [[gone, held], [lives, both]] as const) await holdByDevice(vault, world, row, await holdPeriod(vault, world, hour, { deadlineMs: start + 9 * day, order, label: 'the visitor' }));
  await vault.finishPeriods(lives.endMs);
  await vault.purge([gone], {});
  const before = await vault.segments(always);
  await vault.close();
  t.match(await rebuilt(world), { segments: 3, problems: [], deadlinesGuessed: 0, recovery: { removed: 0, missing: [] } });
  vault = await openVault(world);
  const kept = (rows: readonly SegmentRow[]) => rows.map(({ seq, path, slot, periodClass, keyFrames }) => ({ seq, path, slot, periodClass, keyFrames }));
  t.same(kept(await vault.segments(always)), kept(before));
  t.match(await vault.holdOrders(), [{ order, label: 'the visitor', maker: 'device', deadlineMs: start + 9 * day, segments: 2 }]);
  await vault.purge(await vault.duePeriods(lives.deadlineMs), {});
  t.same((await vault.segments(always)).map(({ seq }) => seq), [held.row.seq, both.row.seq]);
  const found = await archived(world);
  t.ok(isTheFootage(found.plain.get(held.row.seq), 60));
  t.ok(isTheFootage(found.plain.get(both.row.seq), 0));
  await vault.close();
  t.same(await problemsIn(world), []);
});

t.test('an older database that is put back finds what was held and purged since', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const [knownToIt, unknownToIt] = [await prepare(vault, world), await prepare(vault, world, { startMs: start + hourMs })];
  const [, first] = [await recordWithKey(vault, knownToIt, 0), await recordWithKey(vault, knownToIt, 60)];
  await vault.close();
  await cp(join(world.folder, 'working.db'), join(world.folder, '..', 'older.db'));
  vault = await openVault(world);
  const [, second] = [await recordWithKey(vault, unknownToIt, 0), await recordWithKey(vault, unknownToIt, 120)];
  for (const one of [first, second]) await holdByHub(vault, world, one, start + 9 * day);
  await vault.finishPeriods(unknownToIt.endMs);
  await vault.purge([knownToIt, unknownToIt], {});
  await vault.close();
  await cp(join(world.folder, '..', 'older.db'), join(world.folder, 'working.db'));
  const db = await openRaw(world);
  db.prepare("INSERT OR REPLACE INTO settings (name, value) VALUES ('reconcile', ?)").run(JSON.stringify({ keepMs: hourMs }));
  db.close();
  vault = await openVault(world);
  t.match(vault.reconciliation, { periods: 2, purged: 2, unknownSlots: 0 });
  t.same((await vault.segments(always)).map(({ path, periodClass }) => ({ path, periodClass })), [first, second].map(({ row }) => ({ path: row.path, periodClass: 'hold' })));
  t.match(await vault.holdOrders(), [{ maker: 'hub', deadlineMs: start + 9 * day, segments: 1 }, { maker: 'hub', deadlineMs: start + 9 * day, segments: 1 }]);
  const found = await archived(world);
  t.same(found.problems, []);
  t.ok(isTheFootage(found.plain.get(first.row.seq), 60));
  t.ok(isTheFootage(found.plain.get(second.row.seq), 120));
  await vault.close();
  t.same((await problemsIn(world)).filter((problem) => (problem as { code: string }).code !== 'SP_ROLLBACK'), []);
});

t.test('what an erasing leaves of an hour stays with its old deadline, its gaps, and no hole', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const rows = [];
  for (const second of [0, 60, 120, 180, 240]) rows.push(await recordWithKey(vault, hour, second));
  await vault.addGap({ camera: 'front', stream: 'main', fromMs: start + 300_000, toMs: start + 400_000, reason: 'stalled', detail: '' });
  await holdByHub(vault, world, rows[2]!, start + 9 * day);
  await holdByHub(vault, world, rows[4]!, start + 9 * day);
  await vault.finishPeriods(hour.endMs);
  const plan = await vault.erasePlan({ camera: 'front', fromMs: start + 121_000, toMs: start + 200_000 });
  const held = (await vault.livePeriods()).find((period) => period.class === 'hold')!;
  t.same(plan.periods.toSorted(), [hour.id, held.id].toSorted(), 'every key that opens something of it');
  t.match(plan.erased, { segments: 2, fromMs: start + 120_000, toMs: start + 240_000 });
  const rest = await holdPeriod(vault, world, hour, { class: 'rest', deadlineMs: hour.deadlineMs });
  const again = await holdPeriod(vault, world, hour, { deadlineMs: held.deadlineMs, order: newOrderId() });
  const bySeq = new Map(rows.map(({ row }) => [row.seq, row]));
  for (const { periodId, seq } of plan.staying) t.equal(await holdByDevice(vault, world, bySeq.get(seq)!, periodId === hour.id ? rest : again), 1);
  const receipt = await vault.purge(plan.periods.map((id) => ({ id })), { erased: 'a visitor asked for it' });
  t.match(await readJson(receipt.file), { erased: 'a visitor asked for it', segments: 2, periods: [{ class: 'footage', segments: 2, held: 3 }, { class: 'hold', segments: 0, holds: 2 }] });
  t.same((await vault.segments(always)).map(({ seq, periodClass }) => [seq, periodClass]), [[1, 'rest'], [2, 'rest'], [5, 'rest']], 'also what is held longer is the hour\'s until then');
  t.same((await vault.gaps(always)).map(({ fromMs, toMs, reason }) => [fromMs - start, toMs - start, reason]), [[120_000, 240_000, 'erased'], [300_000, 400_000, 'stalled']]);
  t.same(await vault.holes({ msMin: 1 }), []);
  await vault.finishPeriods(hour.endMs);
  const found = await archived(world);
  t.same(found.problems, []);
  t.same([...found.plain.keys()], [1, 2, 5]);
  t.ok(isTheFootage(await ageOpensHeld(world, rows[0]!.row.path, rest.slot), 0));
  t.same(await vault.duePeriods(hour.deadlineMs - 1), []);
  t.match(await vault.duePeriods(hour.deadlineMs), [{ id: rest.id }]);
  t.equal(await vault.shortenDeadlines('front', 'footage', 1_000), 1, 'and a shorter retention reaches it');
  await vault.purge([rest], {});
  t.same((await vault.segments(always)).map(({ seq, periodClass }) => [seq, periodClass]), [[5, 'hold']]);
  t.ok(isTheFootage(await ageOpensHeld(world, rows[4]!.row.path, again.slot), 240));
  await vault.close();
  t.same(await problemsIn(world), []);
});

t.test('the recorder is asked to end what is open of a period that takes no more, and goes on under another key', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const writer = await begin(vault, hour);
  t.equal(writer.wantsEnd, false);
  t.equal(vault.endPeriods([hour.id]), 1);
  t.equal(writer.wantsEnd, true);
  const next = await prepare(vault, world);
  t.not(next.slot, hour.slot, 'the same hour under another key');
  writer.takeFileKey().close();
  await writer.close({ durationMs: 1000, reason: 'continuous' });
  t.equal(vault.endPeriods([hour.id]), 0);
  t.equal((await prepare(vault, world)).id, next.id);
  await record(vault, next, { wallMs: start + 1000 });
  await vault.purge([hour], { erased: 'x' });
  t.match(await vault.segments(always), [{ periodId: next.id }]);
  await vault.close();
  t.same(await problemsIn(world), []);
});

t.test('every hold of a segment has a place of its own, and there are at most 16', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const { row } = await recordWithKey(vault, hour);
  let taken = 0;
  for (let n = 0; n < 18; n++) taken += await holdByDevice(vault, world, row, await holdPeriod(vault, world, hour, { deadlineMs: start + 9 * day + n }));
  t.equal(taken, 16);
  t.same((await filesBelow(join(world.folder, 'footage', periodFolder('front', start)))).filter((name) => name.endsWith('.hold')).length, 16);
  t.equal((await vault.unfinishedHolds()).length, 2);
  await vault.close();
});

t.test('a hold opens by dd, cat, tail and age as the format document says', { skip: noAge }, async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const hour = await prepare(vault, world);
  const held = await recordWithKey(vault, hour, 9);
  await holdByHub(vault, world, held, start + 9 * day);
  const hold = (await vault.livePeriods()).find((period) => period.class === 'hold')!;
  await vault.purge([hour], {});
  const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
  const { identity, ...named } = openSlot(await keyring.read(hold.slot), [world.owner], 'the slot');
  t.same(named, { camera: 'front', class: 'hold', startMs: start });
  identity.close();
  await keyring.close();
  const file = join(world.folder, 'footage', held.row.path);
  const folder = await ownersFolder(world);
  const script = `dd if=${world.folder}/keyring/keyring.1 bs=1024 skip=$((4 * ${hold.slot})) count=1 2>/dev/null | age -d -i ${folder}/kit.txt > ${folder}/hold.txt
(cat ${holdName(file, hold.slot)}; tail -c +169 ${file}) | age -d -i ${folder}/hold.txt`;
  const { status, stdout, stderr } = await run('sh', ['-c', script]);
  t.equal(status, 0, stderr);
  t.ok(isTheFootage(stdout, 9));
  await vault.close();
});
