import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { canonicalJson } from '../../src/base/canonical.ts';
import { silentLog } from '../../src/base/log.ts';
import { boxesIn, makeBox } from '../../src/base/mp4.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openWhole } from '../../src/seal/opener.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { thumbnailBytesMax, thumbnailIn } from '../../src/seal/thumbnail.ts';
import { Archive, type ArchiveSegment } from '../../src/vault/archive.ts';
import { Catalogue } from '../../src/vault/catalogue.ts';
import { hourListPath } from '../../src/vault/footagepaths.ts';
import { decodeHourList } from '../../src/vault/hourlist.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { rebuildDatabase } from '../../src/vault/rebuild.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import type { Period, SegmentRow, Vault } from '../../src/vault/vault.ts';
import { fakeJpeg } from '../seal/thumbnail.ts';
import { always, begin, hourMs, makeWorld, openRaw, openVault, prepare, record, start, type World } from './world.ts';

const jpeg = fakeJpeg();

/** A closed segment with a thumbnail, of so many bytes of fake fragments. */
async function recordWith(vault: Vault, period: Period, o: { wallMs?: number; thumbnail?: Buffer; bytes?: number; stream?: 'main' | 'sub' } = {}): Promise<SegmentRow> {
  const writer = await begin(vault, period, o);
  writer.append(makeBox('moof', Buffer.alloc(100, 1)), 0);
  writer.append(makeBox('mdat', Buffer.alloc(o.bytes ?? 2_000, 2)));
  writer.takeFileKey().close();
  const thumbnail = Buffer.from(o.thumbnail ?? jpeg);
  const closing = writer.close({ durationMs: 60_000, reason: 'continuous', thumbnail });
  // The recorder wipes it as soon as it handed it over.
  thumbnail.fill(0);
  return closing;
}

async function keyOf(world: World, slot = 0): Promise<Identity> {
  const keyring = await Keyring.open(join(world.folder, 'keyring'), { log: silentLog, writable: false });
  const { identity } = openSlot(await keyring.read(slot), [world.owner], `slot ${slot}`);
  await keyring.close();
  return identity;
}

async function thumbnails(t: Test, world: World): Promise<{ segments: ArchiveSegment[]; jpegs: (Buffer | undefined)[] }> {
  const archive = await Archive.open(world.folder, [world.owner], {});
  t.teardown(() => archive.close());
  const { segments, problems } = await archive.segments('front', 0, Number.MAX_SAFE_INTEGER);
  t.same(problems, []);
  return { segments, jpegs: await Promise.all(segments.map((segment) => archive.thumbnail(segment))) };
}

function rebuild(world: World): ReturnType<typeof rebuildDatabase> {
  return rebuildDatabase({ folder: world.folder, clock: world.clock, log: silentLog, hubName: 'test hub', identities: [world.owner], periodMs: hourMs, keepMs: () => hourMs, gapMsMin: 500, force: true });
}

t.test('a thumbnail lies before the padding, and row, hour list and archive say where', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  // The second one's box lies across the edge of a chunk.
  const rows = [await recordWith(vault, period), await recordWith(vault, period, { wallMs: start + 60_000, bytes: 64_500 }), await record(vault, period, { wallMs: start + 120_000 }), await recordWith(vault, period, { wallMs: start + 120_000, stream: 'sub' })];
  t.same((await vault.segments(always)).map(({ thumb }) => thumb), rows.map(({ thumb }) => thumb));
  t.same(rows.map(({ thumb }) => thumb?.[1]), [24 + jpeg.length, 24 + jpeg.length, undefined, 24 + jpeg.length]);
  t.notOk('thumb' in (rows[2] as object), 'absent where there is none');
  const key = await keyOf(world);
  for (const row of rows.slice(0, 2)) {
    const plain = openWhole(await readFile(join(world.folder, 'footage', row.path)), [key], row.path);
    const boxes = boxesIn(plain);
    t.same(boxes.map(({ type }) => type), ['ftyp', 'uuid', 'moov', 'moof', 'mdat', 'uuid', 'free']);
    t.match(boxes.at(-2), { start: row.thumb?.[0], size: row.thumb?.[1] });
    t.same(thumbnailIn(plain.subarray(row.thumb?.[0], (row.thumb?.[0] ?? 0) + (row.thumb?.[1] ?? 0))), jpeg);
  }
  t.same((await thumbnails(t, world)).jpegs, [jpeg, jpeg, undefined, jpeg], 'without a list: found in the files');

  world.clock.set(start + hourMs);
  t.equal(await vault.finishPeriods(start + hourMs), 1);
  await vault.close();
  const listed = await thumbnails(t, world);
  t.same(listed.jpegs, [jpeg, jpeg, undefined, jpeg]);
  t.same(listed.segments.map(({ thumb }) => thumb), rows.map(({ thumb }) => thumb));
  const file = hourListPath('front', start, 0);
  const list = decodeHourList(openWhole(await readFile(join(world.folder, 'footage', file)), [key], file), file);
  t.same(list.segments.map(({ thumb }) => thumb), rows.map(({ thumb }) => thumb));
  t.same((await verifyFolder({ folder: world.folder })).problems, []);
});

t.test('what is no thumbnail does not get in', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const period = await prepare(vault, world);
  for (const thumbnail of [Buffer.from('not a picture'), Buffer.alloc(0), fakeJpeg({ scan: Buffer.alloc(thumbnailBytesMax) }), fakeJpeg({ width: 4000 })]) {
    t.equal((await recordWith(vault, period, { thumbnail })).thumb, undefined);
  }
  await vault.close();
});

t.test('a segment that a crash cut has none; one whose row the crash took has it still', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const period = await prepare(vault, world);
  await recordWith(vault, period);
  const writer = await begin(vault, period, { wallMs: start + 60_000 });
  writer.append(Buffer.concat([makeBox('moof', Buffer.alloc(100, 1)), makeBox('mdat', Buffer.alloc(300_000, 5))]), 0);
  while (writer.backlogBytes > 0) await new Promise((resolve) => setImmediate(resolve));
  await vault.close();
  const db = await openRaw(world);
  db.prepare('DELETE FROM segments').run();
  db.prepare("UPDATE stream_seqs SET next_seq = 1").run();
  db.close();
  vault = await openVault(world);
  t.match(vault.recovery, { adopted: 1, cut: 1 });
  t.same((await vault.segments(always)).map(({ thumb }) => thumb), [undefined, undefined], 'the hub cannot look into what it found');
  await vault.finishPeriods(start + hourMs);
  await vault.close();
  const { segments, jpegs } = await thumbnails(t, world);
  t.same(jpegs, [jpeg, undefined], 'the owner can');
  t.match(segments, [{ state: 'complete' }, { state: 'cut' }]);
});

t.test('a database that is made anew knows them, from lists and from the files', async (t) => {
  const world = makeWorld(t.testdir());
  let vault = await openVault(world);
  const rows = [await recordWith(vault, await prepare(vault, world))];
  world.clock.set(start + hourMs);
  await vault.finishPeriods(start + hourMs);
  const second = await prepare(vault, world, { startMs: start + hourMs });
  rows.push(await recordWith(vault, second, { bytes: 500_000 }), await record(vault, second, { wallMs: start + hourMs + 60_000 }));
  await vault.close();
  await rebuild(world);
  vault = await openVault(world);
  t.same((await vault.segments(always)).map(({ path, thumb }) => [path, thumb]), rows.map(({ path, thumb }) => [path, thumb]));
  await vault.close();
});

t.test('rows without one hash as they did before there were any, and lists read as before', async (t) => {
  const world = makeWorld(t.testdir());
  const vault = await openVault(world);
  const row = await record(vault, await prepare(vault, world));
  await vault.close();
  const db = await openRaw(world);
  t.teardown(() => void db.close());
  const before = {
    stream: 'main', seq: 1, boot: 'boot-1', mono_ms: 5_000, start_ms: start, duration_ms: 60_000, size: row.sizeBytes, header_sha256: row.headerSha256, body_sha256: row.bodySha256, header_bytes: 184,
    state: 'complete', chunks: 0, path: row.path, key_frames: row.keyFrames, reason: 'continuous',
  };
  const hash = (...parts: (string | Buffer)[]): Buffer => parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest();
  t.same(new Catalogue(db).lists.rowsRoot(row.periodId), hash(hash(canonicalJson(before))));
  const list = { v: 1, camera: 'front', class: 'footage', start_ms: start, end_ms: start + hourMs, deadline_ms: start + 2 * hourMs, slot: 0, generation: 1, segments: [before], gaps: [] };
  t.same(decodeHourList(Buffer.from(JSON.stringify(list)), 'x').segments, [before]);
  const withThumb = (thumb: unknown): unknown => decodeHourList(Buffer.from(JSON.stringify({ ...list, segments: [{ ...before, thumb }] })), 'x').segments[0]?.thumb;
  t.same(withThumb([700, 5_000]), [700, 5_000]);
  for (const wrong of [null, [], [1], [1, 2], [1, 24], [1, 30_000], [-1, 100], [0.5, 100], [1, 100, 3], { 0: 1 }, '1,100']) t.throws(() => withThumb(wrong), { code: 'SP_HOUR_LIST', message: /segments\[0\]\.thumb / }, JSON.stringify(wrong));
});
