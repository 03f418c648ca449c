import { appendFile, cp, readFile, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { makeBox } from '../../src/base/mp4.ts';
import { Identity } from '../../src/seal/identity.ts';
import { sealWhole } from '../../src/seal/sealer.ts';
import { makePeriodKey } from '../../src/seal/slot.ts';
import { Archive, type ArchiveSegment } from '../../src/vault/archive.ts';
import { hourListPath, segmentPath, type StreamName } from '../../src/vault/footagepaths.ts';
import { encodeHourList, type GapRecord, type SegmentRecord } from '../../src/vault/hourlist.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { SegmentFile } from '../../src/vault/segmentfile.ts';

const hourMs = 3_600_000;
const start = Date.UTC(2026, 10, 24, 3);
const owner = Identity.generate();
const ftyp = makeBox('ftyp', Buffer.from('isom0000'));
const moov = makeBox('moov', Buffer.alloc(300, 7));

/** A data folder as a hub leaves it, written period by period. */
class Hub {
  readonly folder: string;
  readonly ring: Keyring;
  #seq = 0;

  constructor(folder: string, ring: Keyring) {
    this.folder = folder;
    this.ring = ring;
  }

  static async make(t: Test): Promise<Hub> {
    const folder = t.testdir({ footage: {} });
    const hub = new Hub(folder, await Keyring.open(join(folder, 'keyring'), { log: silentLog }));
    t.teardown(() => hub.ring.close());
    return hub;
  }

  async period(slot: number, startMs = start, camera = 'front'): Promise<Period> {
    const { recipient, slotText } = makePeriodKey({ camera, class: 'footage', startMs }, [owner.recipient]);
    return { camera, startMs, slot, recipient, sha256: await this.ring.write(slot, slotText) };
  }

  async begin(period: Period, startMs: number, stream: StreamName = 'main'): Promise<{ segment: SegmentFile; path: string; seq: number }> {
    const seq = ++this.#seq;
    const path = segmentPath(period.camera, period.startMs, { startMs, seq, stream });
    const metadata = { v: 1, camera: period.camera, stream, seq, boot: 'boot', mono_ms: 5, wall_ms: startMs, clock: 'synchronised' } as const;
    const segment = await SegmentFile.begin({ footage: join(this.folder, 'footage'), path, recipient: period.recipient, metadata, ftyp, moov, clock: systemClock });
    return { segment, path, seq };
  }

  async record(period: Period, startMs: number, o: { bytes?: number; stream?: StreamName } = {}): Promise<SegmentRecord> {
    const stream = o.stream ?? 'main';
    const { segment, path, seq } = await this.begin(period, startMs, stream);
    segment.append(makeBox('moof', Buffer.alloc(100, 1)), 0);
    segment.append(makeBox('mdat', Buffer.alloc(o.bytes ?? 2000, seq)));
    const { keyFrames, ...closed } = await segment.close();
    return {
      stream, seq, boot: 'boot', mono_ms: 5, start_ms: startMs, duration_ms: 60_000, size: closed.sizeBytes, header_sha256: closed.headerSha256, body_sha256: closed.bodySha256,
      header_bytes: closed.headerBytes, state: 'complete', chunks: 0, path, key_frames: keyFrames, reason: 'continuous',
    };
  }

  /** The hour list's path. */
  async list(period: Period, segments: readonly SegmentRecord[], gaps: readonly GapRecord[] = [], at = period): Promise<string> {
    const text = encodeHourList({ v: 1, camera: period.camera, class: 'footage', start_ms: period.startMs, end_ms: period.startMs + hourMs, deadline_ms: period.startMs + 9 * hourMs, slot: period.slot, generation: 1, segments, gaps });
    const file = this.file(hourListPath(at.camera, at.startMs, at.slot));
    await writeFile(file, sealWhole(Buffer.from(text), [at.recipient]));
    return file;
  }

  file(path: string): string {
    return join(this.folder, 'footage', path);
  }
}

interface Period {
  readonly camera: string;
  readonly startMs: number;
  readonly slot: number;
  readonly recipient: string;
  readonly sha256: string;
}

async function openArchive(t: Test, folder: string, identities = [owner]): Promise<Archive> {
  const archive = await Archive.open(folder, identities, {});
  t.teardown(() => archive.close());
  return archive;
}

async function plainOf(archive: Archive, segment: ArchiveSegment): Promise<Buffer> {
  const opener = await archive.openSegment(segment);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of opener.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    opener.close();
  }
}

function codes(problems: readonly { code: string }[]): string[] {
  return problems.map(({ code }) => code);
}

t.test('footage and gaps of a time come from the hour lists, in order, and open', async (t) => {
  const hub = await Hub.make(t);
  const gap = { stream: 'main', from_ms: start + 120_000, to_ms: start + 180_000, reason: 'camera offline', detail: 'no route' } as const;
  const [first, second] = [await hub.period(0), await hub.period(1, start + hourMs)];
  const rows = [await hub.record(first, start), await hub.record(first, start + 60_000, { bytes: 200_000 }), await hub.record(first, start, { stream: 'sub' })];
  await hub.list(first, rows.toReversed(), [gap]);
  const later = await hub.record(second, start + hourMs);
  await hub.list(second, [later]);
  await hub.period(2, start + 2 * hourMs, 'garden');
  const archive = await openArchive(t, hub.folder);
  t.same(await archive.cameras(), ['front']);

  const all = await archive.segments('front', start, start + 2 * hourMs);
  t.same(all.problems, []);
  t.same(all.segments.map(({ path }) => path), [rows[0], rows[2], rows[1], later].map((row) => row?.path));
  t.same(all.gaps, [{ camera: 'front', stream: 'main', fromMs: gap.from_ms, toMs: gap.to_ms, reason: gap.reason, detail: gap.detail }]);
  t.match(all.segments[2], { camera: 'front', stream: 'main', seq: 2, startMs: start + 60_000, durationMs: 60_000, slot: 0, sizeBytes: rows[1]?.size as number, cutChunks: undefined, state: 'complete', keyFrames: rows[1]?.key_frames as [] });
  for (const segment of all.segments) t.ok((await plainOf(archive, segment)).includes(Buffer.alloc(1000, segment.seq)), segment.path);

  const some = await archive.segments('front', start + 61_000, start + 119_000);
  t.same(some.segments.map(({ seq }) => seq), [2]);
  t.same(some.gaps, []);
  t.same((await archive.segments('front', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).segments.length, 4);
  for (const none of ['garden', '../footage', '']) t.same(await archive.segments(none, start, start + hourMs), { segments: [], gaps: [], problems: [] });
});

t.test('a copy of footage and keyring is enough, and either keyring file alone', async (t) => {
  const hub = await Hub.make(t);
  const period = await hub.period(0);
  await hub.list(period, [await hub.record(period, start)]);
  for (const name of ['keyring.1', 'keyring.2']) {
    const other = join(hub.folder, 'keyring', name === 'keyring.1' ? 'keyring.2' : 'keyring.1');
    const copy = join(t.testdirName, `copy-of-${name}`);
    for (const part of ['footage', 'keyring']) await cp(join(hub.folder, part), join(copy, part), { recursive: true });
    await rm(join(copy, 'keyring', name));
    const archive = await openArchive(t, copy);
    const { segments, problems } = await archive.segments('front', start, start + hourMs);
    t.same(problems, []);
    await plainOf(archive, segments[0] as ArchiveSegment);
    // Beside it, one that is there but rotten within the slot.
    const bytes = await readFile(other);
    bytes[200] = (bytes[200] as number) ^ 1;
    await writeFile(join(copy, 'keyring', name), bytes);
    const rotten = await openArchive(t, copy);
    t.equal((await rotten.segments('front', start, start + hourMs)).segments.length, 1);
  }
});

t.test('files that no list covers are opened by the slot of their period and describe themselves', async (t) => {
  const hub = await Hub.make(t);
  const past = await hub.period(0);
  await hub.list(past, [await hub.record(past, start)]);
  const period = await hub.period(1, start + hourMs);
  await hub.period(2, start + hourMs, 'garden');
  const row = await hub.record(period, start + hourMs + 500, { bytes: 100_000 });
  const { segment, path } = await hub.begin(period, start + hourMs + 60_000);
  segment.append(makeBox('mdat', Buffer.alloc(150_000, 9)));
  t.teardown(() => segment.abandon());
  while (segment.backlogBytes > 0) await new Promise(setImmediate);
  const nothingYet = await hub.begin(period, start + hourMs + 120_000);
  t.teardown(() => nothingYet.segment.abandon());

  const archive = await openArchive(t, hub.folder);
  const { segments, problems } = await archive.segments('front', start + hourMs, start + 2 * hourMs);
  t.same(problems, []);
  t.match(segments, [
    { path: row.path, startMs: start + hourMs + 500, seq: 2, slot: 1, state: 'unlisted', durationMs: undefined, cutChunks: undefined, sizeBytes: row.size },
    { path: `${path}.part`, seq: 3, slot: 1, state: 'unlisted', cutChunks: 2 },
  ]);
  t.equal(segments.length, 2, 'the one without a whole chunk is left out');
  const [whole, open] = segments as [ArchiveSegment, ArchiveSegment];
  t.equal((await plainOf(archive, open)).length, 2 * 65_536);
  t.same((await archive.segments('front', start + hourMs + 61_000, start + 2 * hourMs)).segments.map(({ seq }) => seq), [3], 'one ends where the next begins');

  await segment.close();
  t.equal((await plainOf(archive, open)).length, 2 * 65_536, 'what was seen of an open file is read on after it got its name');
  t.ok((await plainOf(archive, whole)).length > 100_000);
});

t.test('a bit that flipped in the last chunk of a finished file that no list covers is damage, not its end', async (t) => {
  const hub = await Hub.make(t);
  const row = await hub.record(await hub.period(0), start + 500, { bytes: 100_000 });
  const bytes = await readFile(hub.file(row.path));
  bytes[bytes.length - 20] = (bytes.at(-20) ?? 0) ^ 1;
  await writeFile(hub.file(row.path), bytes);
  const archive = await openArchive(t, hub.folder);
  const { segments, problems } = await archive.segments('front', start, start + hourMs);
  t.same(problems, []);
  t.match(segments, [{ path: row.path, state: 'unlisted', cutChunks: undefined, sizeBytes: row.size }]);
  await t.rejects(plainOf(archive, segments[0] as ArchiveSegment), { code: 'SP_AGE_PAYLOAD' });
});

t.test('a file that a crash tore in the middle of a chunk is read up to that chunk', async (t) => {
  const hub = await Hub.make(t);
  const period = await hub.period(0);
  const { segment, path } = await hub.begin(period, start);
  segment.append(makeBox('mdat', Buffer.alloc(200_000, 9)));
  await segment.abandon();
  await appendFile(hub.file(`${path}.part`), Buffer.alloc(777, 3));
  const cut = await hub.begin(period, start + 1000);
  cut.segment.append(makeBox('mdat', Buffer.alloc(200_000, 9)));
  await cut.segment.abandon();
  await rename(hub.file(`${cut.path}.part`), hub.file(cut.path));
  const archive = await openArchive(t, hub.folder);
  const { segments, problems } = await archive.segments('front', start, start + hourMs);
  t.same(problems, []);
  t.match(segments, [{ cutChunks: 3 }, { cutChunks: 3 }]);
  for (const one of segments) t.equal((await plainOf(archive, one)).length, 3 * 65_536);
});

t.test('a listed cut segment is read when it has exactly the chunks that the list says', async (t) => {
  const hub = await Hub.make(t);
  const period = await hub.period(0);
  const row = await hub.record(period, start, { bytes: 300_000 });
  await truncate(hub.file(row.path), row.header_bytes + 3 * 65_552);
  const list = await hub.list(period, [{ ...row, state: 'cut', chunks: 3, size: row.header_bytes + 3 * 65_552 }]);
  const archive = await openArchive(t, hub.folder);
  const segment = async (): Promise<ArchiveSegment> => (await archive.segments('front', start, start + 1)).segments[0] as ArchiveSegment;
  t.match(await segment(), { state: 'cut', cutChunks: 3 });
  t.equal((await plainOf(archive, await segment())).length, 3 * 65_536);
  await truncate(hub.file(row.path), row.header_bytes + 2 * 65_552);
  await t.rejects(plainOf(archive, await segment()), { code: 'SP_SEGMENT_CUT' });
  await hub.list(period, [row]);
  await t.rejects(plainOf(archive, await segment()), { code: 'SP_SEGMENT_CUT' }, 'nor may the end of a complete one be missing');
  await unlink(list);
});

t.test('what was shredded is one problem and hides nothing else', async (t) => {
  const hub = await Hub.make(t);
  const [due, live] = [await hub.period(0), await hub.period(1, start + hourMs)];
  await hub.list(due, [await hub.record(due, start), await hub.record(due, start + 60_000)]);
  await hub.record(due, start + 120_000);
  await hub.list(live, [await hub.record(live, start + hourMs)]);
  const before = await openArchive(t, hub.folder);
  const segments = (await before.segments('front', start, start + hourMs - 1)).segments;
  await hub.ring.shred([{ slot: due.slot, sha256: due.sha256 }]);
  const archive = await openArchive(t, hub.folder);
  const found = await archive.segments('front', start, start + 2 * hourMs);
  t.same(found.segments.map(({ slot }) => slot), [1]);
  t.same(found.problems.map(({ message }) => message), ['the key slot of 4 files in front/20261124/03 is gone or was shredded']);
  for (const segment of segments) await t.rejects(archive.openSegment(segment), { code: 'SP_SLOT_MISSING' });
  t.same((await archive.segments('front', start + hourMs, start + 2 * hourMs)).problems, [], 'an hour that was not asked for is not a problem');
  await hub.ring.shred([{ slot: live.slot, sha256: live.sha256 }]);
  const nothing = await openArchive(t, hub.folder);
  t.same(codes((await nothing.segments('front', start, start + 2 * hourMs)).problems), ['SP_SLOT_MISSING', 'SP_SLOT_MISSING'], 'with every slot gone it still opens and says so');
});

t.test('a listed file that is not there is a problem by name', async (t) => {
  const hub = await Hub.make(t);
  const period = await hub.period(0);
  const rows = [await hub.record(period, start), await hub.record(period, start + 60_000)];
  await hub.list(period, rows);
  await unlink(hub.file(rows[0]?.path as string));
  const archive = await openArchive(t, hub.folder);
  const { segments, problems } = await archive.segments('front', start, start + hourMs);
  t.same(segments.map(({ seq }) => seq), [2]);
  t.match(problems, [{ code: 'SP_SEGMENT_MISSING', evidence: { file: rows[0]?.path as string } }]);
});

t.test('a damaged or misplaced list is a problem, and its segments open by their slot', async (t) => {
  const hub = await Hub.make(t);
  const [period, other] = [await hub.period(0), await hub.period(1, start + hourMs)];
  const row = await hub.record(period, start);
  const list = await hub.list(period, [row]);
  const good = await readFile(list);
  const damages: [string, string, Buffer][] = [
    ['SP_AGE_PAYLOAD', 'a flipped bit', Buffer.from(good.map((byte, i) => (i === good.length - 20 ? byte ^ 1 : byte)))],
    ['SP_AGE_HEADER', 'nothing in it', Buffer.alloc(0)],
    ['SP_HOUR_LIST', 'other text, sealed by a stranger', sealWhole(Buffer.from('{"v":1}'), [period.recipient])],
    ['SP_WRONG_IDENTITY', 'the list of another period under this name', sealWhole(Buffer.from('{}'), [other.recipient])],
  ];
  for (const [code, what, bytes] of damages) {
    await writeFile(list, bytes);
    const { segments, problems } = await (await openArchive(t, hub.folder)).segments('front', start, start + 1000);
    t.same(codes(problems), [code], what);
    t.match(segments, [{ path: row.path, state: 'unlisted', startMs: start }]);
  }
  await hub.list({ ...period, startMs: start + hourMs, slot: 1 }, [row], [], period);
  t.match(await (await openArchive(t, hub.folder)).segments('front', start, start + 1000), { segments: [{ state: 'unlisted' }], problems: [{ code: 'SP_HOUR_LIST', message: /of another period/ }] });
});

t.test('a file that says it is another one is refused', async (t) => {
  const hub = await Hub.make(t);
  const period = await hub.period(0);
  const row = await hub.record(period, start);
  await rename(hub.file(row.path), hub.file(row.path.replace('-1.mp4', '-9.mp4')));
  await writeFile(join(dirname(hub.file(row.path)), '20261124T030100Z-7.mp4.age'), 'no age file at all');
  const { segments, problems } = await (await openArchive(t, hub.folder)).segments('front', start, start + hourMs);
  t.same(segments, []);
  t.same(codes(problems), ['SP_SEGMENT_METADATA', 'SP_AGE_HEADER']);
});

t.test('a gap that began days ago is found', async (t) => {
  const hub = await Hub.make(t);
  const period = await hub.period(0);
  const row = await hub.record(period, start);
  await hub.list(period, [row], [{ stream: 'main', from_ms: start + 60_000, to_ms: start + 100 * hourMs, reason: 'hub was off', detail: '' }]);
  const archive = await openArchive(t, hub.folder);
  const found = await archive.segments('front', start + 72 * hourMs, start + 73 * hourMs);
  t.match(found, { segments: [], gaps: [{ reason: 'hub was off' }], problems: [] });
});

t.test('only identities that open something open an archive', async (t) => {
  const hub = await Hub.make(t);
  t.same(await (await openArchive(t, hub.folder, [Identity.generate()])).cameras(), [], 'an empty one belongs to everybody');
  const period = await hub.period(0);
  await hub.list(period, [await hub.record(period, start)]);
  await t.rejects(Archive.open(hub.folder, [Identity.generate()], {}), { code: 'SP_WRONG_IDENTITY' });
  await openArchive(t, hub.folder, [Identity.generate(), owner]);
  for (const folder of [join(hub.folder, 'absent'), join(hub.folder, 'footage')]) await t.rejects(Archive.open(folder, [owner], {}), { code: 'SP_DATA_FOLDER' });
});

t.test('more periods than are kept open at once can be read side by side', async (t) => {
  const hub = await Hub.make(t);
  for (let i = 0; i < 40; i++) {
    const period = await hub.period(i, start + i * 60_000);
    await hub.list(period, [await hub.record(period, start + i * 60_000)]);
  }
  const archive = await openArchive(t, hub.folder);
  const { segments, problems } = await archive.segments('front', start, start + hourMs);
  t.same(problems, []);
  t.equal(segments.length, 40);
  await Promise.all([...segments, ...segments].map((segment) => plainOf(archive, segment)));
});
