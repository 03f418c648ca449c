import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { isSallyportError } from '../../src/base/errors.ts';
import { boxesIn, makeBox } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { Identity } from '../../src/seal/identity.ts';
import { readMetadata, type SegmentMetadata } from '../../src/seal/metadata.ts';
import { chunkSealedBytes, Opener, openWhole } from '../../src/seal/opener.ts';
import { padmeSize } from '../../src/seal/padme.ts';
import { FileSource } from '../../src/vault/filesource.ts';
import { SegmentFile } from '../../src/vault/segmentfile.ts';
import { ageOpens, noAge } from '../seal/referees.ts';

const period = Identity.generate();
const path = 'front/20261124/05/20261124T050000Z-1.mp4.age';
const metadata: SegmentMetadata = { v: 1, camera: 'front', stream: 'main', seq: 1, boot: 'boot', mono_ms: 5, wall_ms: Date.UTC(2026, 10, 24, 5), clock: 'synchronised' };
const ftyp = Buffer.from(makeBox('ftyp', Buffer.from('isom0000')));
const moov = Buffer.from(makeBox('moov', Buffer.alloc(300, 7)));

function begin(footage: string, more: { clock?: Clock; syncEveryMs?: number } = {}): Promise<SegmentFile> {
  return SegmentFile.begin({ footage, path, recipient: period.recipient, metadata, ftyp, moov, clock: systemClock, ...more });
}

function fragment(bytes: number): Buffer {
  return Buffer.concat([makeBox('moof', randomBytes(80)), makeBox('mdat', randomBytes(bytes))]);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function kit(t: Test): Promise<string> {
  const file = join(t.testdir({}), 'period.txt');
  await writeFile(file, `${period.reveal()}\n`);
  return file;
}

t.test('a segment is one age file whose payload is its boxes in order, padded', { skip: noAge }, async (t) => {
  const identityFile = await kit(t);
  const footage = join(dirname(identityFile), 'footage');
  await mkdir(footage);
  const segment = await begin(footage);
  const fragments = Array.from({ length: 40 }, (_, i) => fragment(1000 * i));
  const offsets: [number, number][] = [];
  for (const [i, bytes] of fragments.entries()) {
    if (i % 10 === 0) offsets.push([i * 40, segment.plainBytes]);
    segment.append(bytes, i % 10 === 0 ? i * 40 + 0.3 : undefined);
  }
  segment.takeFileKey().close();
  const closed = await segment.close();
  const sealed = await readFile(join(footage, path));
  const plain = await ageOpens(sealed, identityFile) as Buffer;
  t.equal(plain.length, padmeSize(plain.length));
  const boxes = boxesIn(plain);
  t.same(boxes.map(({ type }) => type).filter((type, i, all) => type !== all[i - 2]), ['ftyp', 'uuid', 'moov', 'moof', 'mdat', 'free']);
  t.same(readMetadata(plain, path), metadata);
  const first = boxes[3]?.start as number;
  t.same(plain.subarray(first, first + fragments.reduce((sum, { length }) => sum + length, 0)), Buffer.concat(fragments));
  t.same(closed.keyFrames, offsets);
  for (const [, offset] of closed.keyFrames) t.equal(plain.toString('latin1', offset + 4, offset + 8), 'moof');
  t.match(closed, { sizeBytes: sealed.length, headerBytes: 184, headerSha256: sha256(sealed.subarray(0, 184)), bodySha256: sha256(sealed.subarray(184)) });
  t.same(await readdir(dirname(join(footage, path))), ['20261124T050000Z-1.mp4.age'], 'no .part is left');
  t.equal((await stat(join(footage, path))).mode & 0o777, 0o600);
  for (const folder of ['front', 'front/20261124', 'front/20261124/05']) t.equal((await stat(join(footage, folder))).mode & 0o777, 0o700, folder);
});

t.test('what is appended is the caller\'s again at once', async (t) => {
  const footage = t.testdir();
  const segment = await begin(footage);
  const bytes = fragment(150_000);
  const before = Buffer.from(bytes);
  segment.append(bytes);
  bytes.fill(0);
  await segment.close();
  t.ok(openWhole(await readFile(join(footage, path)), [period], path).includes(before));
});

t.test('bytes reach the file while the segment is open, and the file is synced when the clock says so', async (t) => {
  const footage = t.testdir();
  let nowMs = 0;
  const segment = await begin(footage, { clock: { ...systemClock, monotonicMs: () => nowMs }, syncEveryMs: 5000 });
  t.equal((await readFile(join(footage, `${path}.part`))).length, 184, 'the header is there before the first frame');
  segment.append(fragment(200_000));
  t.ok(segment.backlogBytes > 0);
  while (segment.backlogBytes > 0) await new Promise(setImmediate);
  t.equal((await stat(join(footage, `${path}.part`))).size, 184 + 3 * chunkSealedBytes);
  nowMs = 6000;
  segment.append(fragment(10));
  nowMs = 12_000;
  segment.append(fragment(200_000));
  t.equal((await segment.close()).sizeBytes, (await stat(join(footage, path))).size);
});

t.test('an abandoned segment stays as a .part of whole chunks', async (t) => {
  const footage = t.testdir();
  const segment = await begin(footage);
  segment.append(fragment(200_000));
  await segment.abandon();
  await segment.abandon();
  t.same(await readdir(dirname(join(footage, path))), ['20261124T050000Z-1.mp4.age.part']);
  const opener = await Opener.open(await FileSource.open(join(footage, `${path}.part`)), [period], path, { cutChunks: 3 });
  t.ok(opener.cut);
  t.same(readMetadata(await opener.read(0, 4096), path), metadata);
  let bytes = 0;
  for await (const chunk of opener.chunks()) bytes += chunk.length;
  t.equal(bytes, 3 * 65_536);
  opener.close();
  await t.rejects(segment.close(), { code: 'SP_STOPPED' });
});

t.test('a name is never given twice, and nothing else than a segment\'s path is written', async (t) => {
  const footage = t.testdir();
  const first = await begin(footage);
  await t.rejects(begin(footage), { code: 'SP_WRITE', message: /-1\.mp4\.age\.part could not be written/ });
  await first.close();
  await t.rejects(begin(footage), { code: 'SP_WRITE', message: /exists already/ });
  for (const bad of ['../x.mp4.age', `${path}.part`, `/${path}`, '']) {
    await t.rejects(SegmentFile.begin({ footage, path: bad, recipient: period.recipient, metadata, ftyp, moov, clock: systemClock }), { code: 'SP_INTERNAL' }, bad);
  }
  await t.rejects(SegmentFile.begin({ footage, path: path.replace('-1', '-2'), recipient: 'age1nobody', metadata, ftyp, moov, clock: systemClock }), { code: 'SP_BAD_RECIPIENT' });
  t.same((await readdir(join(footage, dirname(path)))).length, 1);
});

t.test('a folder that cannot be made is named', async (t) => {
  const footage = join(t.testdir({ front: 'a file in the way' }));
  await t.rejects(begin(footage), { code: 'SP_WRITE', message: /not a folder/ });
});

t.test('a close that fails says so each time and leaves the file to recovery', async (t) => {
  const footage = t.testdir();
  const segment = await begin(footage);
  await rm(join(footage, dirname(path)), { recursive: true });
  await mkdir(join(footage, dirname(path)), { recursive: true });
  await t.rejects(segment.close(), { code: 'SP_WRITE' });
  await t.rejects(segment.close(), { code: 'SP_WRITE' });
  t.match(segment.failure, { code: 'SP_WRITE' });
  await segment.abandon();
});

t.test('after a write that failed nothing more is taken, and the whole chunks before it stay', async (t) => {
  const footage = t.testdir();
  // A limit of the kernel on file sizes stands for the full disk.
  const program = `
    process.on('SIGXFSZ', () => {});
    const { SegmentFile } = await import(${JSON.stringify(new URL('../../src/vault/segmentfile.ts', import.meta.url).href)});
    const { systemClock } = await import(${JSON.stringify(new URL('../../src/base/clock.ts', import.meta.url).href)});
    const o = JSON.parse(process.argv[1]);
    const segment = await SegmentFile.begin({ ...o, ftyp: Buffer.from(o.ftyp, 'hex'), moov: Buffer.from(o.moov, 'hex'), clock: systemClock });
    for (let i = 0; i < 10; i++) {
      segment.append(Buffer.alloc(65536, i));
      while (segment.backlogBytes > 0) await new Promise(setImmediate);
    }
    const { code, evidence } = segment.failure;
    const plainBytes = segment.plainBytes;
    segment.append(Buffer.alloc(1000000));
    console.log(JSON.stringify({ code, file: evidence.file, dropped: segment.plainBytes === plainBytes && segment.backlogBytes === 0, closing: await segment.close().catch((error) => error.code) }));
  `;
  const o = JSON.stringify({ footage, path, recipient: period.recipient, metadata, ftyp: ftyp.toString('hex'), moov: moov.toString('hex') });
  const finished = await run('prlimit', ['--fsize=300000', process.execPath, '--input-type=module', '-e', program, o]).catch((error: unknown) => {
    if (isSallyportError(error, 'SP_TOOL_MISSING')) return undefined;
    throw error;
  });
  if (finished === undefined) return t.comment('skipped: the program prlimit is not installed');
  t.equal(finished.stderr, '');
  t.same(JSON.parse(String(finished.stdout)), { code: 'SP_WRITE', file: join(footage, `${path}.part`), dropped: true, closing: 'SP_WRITE' });
  const size = 184 + 4 * chunkSealedBytes;
  const opener = await Opener.open(await FileSource.open(join(footage, `${path}.part`), size), [period], path, { cutChunks: 4 });
  for await (const chunk of opener.chunks()) t.equal(chunk.length, 65_536);
  opener.close();
});
