import { join } from 'node:path';
import t from 'tap';
import { isSallyportError } from '../../src/base/errors.ts';
import { boxesIn, makeBox } from '../../src/base/mp4.ts';
import { run } from '../../src/base/spawn.ts';
import { Fmp4Reader } from '../../src/capture/fmp4.ts';
import type { Fragment } from '../../src/capture/media.ts';
import { clipFps, clipSeconds, makeClip, randomFrom, streamOf, take } from './clips.ts';

const folder = t.testdir({});
const plan = { audio: 'copy', hevc: false, richProbe: false } as const;
const clip = await makeClip(join(folder, 'aac.mp4'), { audio: 'aac' });
const stream = await streamOf(clip, plan);
const whole = take(stream);

const facts = (fragments: readonly Fragment[]): string => fragments.map(({ bytes, track, keyFrame, timeMs, durationMs }) => [bytes.toString('base64'), track, keyFrame, timeMs, durationMs].join()).join('\n');

t.test('every frame that ffprobe counts comes out once, as ffprobe sees it', async (t) => {
  const probed = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=codec_type,dts_time,flags', '-of', 'json', clip]);
  const packets = (JSON.parse(probed.stdout.toString()) as { packets: Array<{ codec_type: string; dts_time: string; flags: string }> }).packets;
  for (const track of ['video', 'audio'] as const) {
    t.equal(whole.fragments.filter((fragment) => fragment.track === track).length, packets.filter((packet) => packet.codec_type === track).length, track);
  }
  const video = whole.fragments.filter((fragment) => fragment.track === 'video');
  t.equal(video.length, clipSeconds * clipFps);
  t.same(video.map((fragment) => fragment.keyFrame), packets.filter((packet) => packet.codec_type === 'video').map((packet) => packet.flags.startsWith('K')));
  // The first picture lasts longer: sound begins before it, and both tracks begin at 0.
  t.ok(video.slice(1).every((fragment, index) => Math.abs(fragment.timeMs - (video[1]?.timeMs ?? 0) - index * 40) < 1), 'times');
  t.ok(video.slice(1).every((fragment) => Math.abs(fragment.durationMs - 40) < 1), 'durations');
  t.ok(whole.fragments.filter((fragment) => fragment.track === 'audio').every((fragment) => !fragment.keyFrame), 'sound is no key frame');
});

t.test('the init and the fragments together are the stream, and it decodes', async (t) => {
  const [init] = whole.inits;
  if (init === undefined) return t.fail('no init');
  t.match(init.videoCodec, /^avc1\.[0-9a-f]{6}$/);
  t.equal(init.audioCodec, 'mp4a.40.2');
  const again = Buffer.concat([init.ftyp, init.moov, ...whole.fragments.map((fragment) => fragment.bytes)]);
  t.ok(again.equals(stream), 'nothing added, nothing lost');
  const decoded = await run('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'null', '-'], { input: again });
  t.equal(decoded.status, 0);
  t.equal(decoded.stderr, '');
});

t.test('how the pipe cuts the bytes makes no difference', async (t) => {
  const expected = facts(whole.fragments);
  t.equal(facts(take(stream, Array.from({ length: stream.length }, (_, index) => index)).fragments), expected, 'byte by byte');
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomFrom(seed);
    const cuts: number[] = [];
    for (let at = 0; at < stream.length; at += Math.ceil(random() ** 3 * 20_000)) cuts.push(at);
    t.equal(facts(take(stream, cuts).fragments), expected, `random cuts, seed ${seed}`);
  }
});

t.test('a fragment that lies in one chunk is not copied', async (t) => {
  const fragments: Fragment[] = [];
  const chunk = Buffer.from(stream);
  new Fmp4Reader('gate', { onInit: () => {}, onFragment: (fragment) => fragments.push(fragment) }).push(chunk, 0, 0);
  t.ok(fragments.every((fragment) => fragment.bytes.buffer === chunk.buffer));
});

t.test('a fragment that spans chunks is wiped when it was taken, and what there is of one when the reader is closed', async (t) => {
  const fragments: Fragment[] = [];
  const reader = new Fmp4Reader('gate', { onInit: () => {}, onFragment: (fragment) => fragments.push(fragment) });
  const [, second = 0] = boxesIn(stream).filter(({ type }) => type === 'moof').map(({ start }) => start);
  reader.push(stream.subarray(0, second - 10), 0, 0);
  reader.push(stream.subarray(second - 10, second + 500), 0, 0);
  const [first] = fragments;
  if (first === undefined) return t.fail('no fragment');
  const held = Buffer.from(first.bytes.buffer, first.bytes.byteOffset);
  t.ok(held.subarray(0, 500).equals(stream.subarray(second, second + 500)), 'the next one began where it lay');
  t.ok(first.bytes.subarray(500).every((byte) => byte === 0), 'and nothing is left of the first');
  reader.close();
  t.ok(held.every((byte) => byte === 0));
});

t.test('H.265, B-frames and sound that must be transcoded come through', async (t) => {
  const hevc = take(await streamOf(await makeClip(join(folder, 'hevc.mp4'), { hevc: true }), { audio: 'drop', hevc: true, richProbe: false }));
  t.match(hevc.inits[0]?.videoCodec, /^hvc1\.\d+\.[0-9A-F]+\.[LH]\d+/);
  t.equal(hevc.inits[0]?.audioCodec, undefined);
  t.equal(hevc.fragments.length, clipSeconds * clipFps);
  t.equal(hevc.fragments.filter((fragment) => fragment.keyFrame).length, clipSeconds);

  const reordered = take(await streamOf(await makeClip(join(folder, 'b.mp4'), { bFrames: 2 }), { ...plan, audio: 'drop' }));
  t.equal(reordered.fragments.length, clipSeconds * clipFps);

  const alaw = await makeClip(join(folder, 'alaw.mkv'), { audio: 'pcm_alaw' });
  const made = take(await streamOf(alaw, { ...plan, audio: 'transcode' }));
  t.equal(made.inits[0]?.audioCodec, 'mp4a.40.2');
  t.ok(made.fragments.some((fragment) => fragment.track === 'audio'));
  const pictures = made.fragments.filter((fragment) => fragment.track === 'video').slice(1);
  t.ok(pictures.every((fragment, index) => Math.abs(fragment.timeMs - (pictures[0]?.timeMs ?? 0) - index * 40) < 1), 'sound does not move the pictures');
  t.equal(made.fragments.filter((fragment) => fragment.track === 'video').length, clipSeconds * clipFps);
  await t.rejects(streamOf(alaw, plan), /Could not find tag for codec pcm_alaw/);
  t.notOk(take(await streamOf(alaw, { ...plan, audio: 'drop' })).fragments.some((fragment) => fragment.track === 'audio'), 'dropped sound is not there');
});

t.test('a stream that ends anywhere gives its whole fragments and no error', async (t) => {
  const ends = boxesIn(stream).filter((box) => box.type === 'mdat').map((box) => box.start + box.size);
  for (let length = 0; length < stream.length; length += length < 2500 ? 1 : 97) {
    const taken = take(stream.subarray(0, length), [Math.floor(length / 2)]);
    if (taken.fragments.length !== ends.filter((end) => end <= length).length) return t.fail(`cut at ${length}`);
  }
});

t.test('a second setup in mid-stream is a new init, and times begin anew', async (t) => {
  const { inits, fragments } = take(Buffer.concat([stream, stream]));
  t.equal(inits.length, 2);
  t.equal(facts(fragments), [facts(whole.fragments), facts(whole.fragments)].join('\n'));
});

t.test('times that jump or run backwards are reported as they are', async (t) => {
  const second = boxesIn(stream).filter((box) => box.type === 'moof')[4];
  if (second === undefined) return t.fail('no fragment');
  const patched = Buffer.from(stream);
  const tfdt = patched.indexOf('tfdt', second.start);
  patched.fill(0xff, tfdt + 8, tfdt + 16);
  const { fragments } = take(patched);
  t.equal(fragments.length, whole.fragments.length);
  t.ok(Number.isFinite(fragments[4]?.timeMs) && (fragments[4]?.timeMs ?? 0) > 1e9);
  t.ok((fragments[5]?.timeMs ?? Infinity) < 1000);
});

t.test('whatever happens to the bytes, nothing but SP_FMP4 is thrown', async (t) => {
  const setup = stream.subarray(0, stream.indexOf('moof') + 3000);
  let refused = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const random = randomFrom(seed);
    const bytes = Buffer.from(seed % 2 === 0 ? setup : stream.subarray(0, 20_000));
    for (let count = 1 + Math.floor(random() * 8); count > 0; count--) mutate(bytes, random);
    try {
      take(bytes, [Math.floor(random() * bytes.length)]);
    } catch (error) {
      refused++;
      if (!isSallyportError(error, 'SP_FMP4')) return t.fail(`seed ${seed}: ${String(error)}`);
      if (typeof error.evidence['offset'] !== 'number' || error.evidence['camera'] !== 'gate') return t.fail(`seed ${seed}: no evidence`);
    }
  }
  t.ok(refused > 200, `${refused} of 2000 were refused`);
});

t.test('boxes that claim too much are refused as soon as they claim it', async (t) => {
  const [ftyp, moov] = boxesIn(stream.subarray(0, stream.indexOf('moof') - 4)).map((box) => stream.subarray(box.start, box.start + box.size)) as [Buffer, Buffer];
  const moof = stream.subarray(ftyp.length + moov.length, ftyp.length + moov.length + stream.readUInt32BE(ftyp.length + moov.length));
  const header = (size: number, type: string): Buffer => Buffer.concat([Buffer.from([size >>> 24, size >>> 16, size >>> 8, size]), Buffer.from(type, 'latin1')]);
  const refused = (parts: Buffer[], reason: RegExp, offset: number): void => {
    const bytes = Buffer.concat(parts);
    for (const cuts of [[], Array.from({ length: bytes.length }, (_, index) => index)]) {
      t.throws(() => take(bytes, cuts), { code: 'SP_FMP4', evidence: { reason, offset } });
    }
  };
  refused([header(1025, 'ftyp')], /box ftyp claims 1025/, 0);
  refused([ftyp, header(2 ** 20 + 1, 'moov')], /box moov claims/, ftyp.length);
  refused([ftyp, moov, header(0xffffffff, 'moof')], /box moof claims 4294967295/, ftyp.length + moov.length);
  refused([ftyp, moov, moof, header(2 ** 24 + 1, 'mdat')], /box mdat claims/, ftyp.length + moov.length + moof.length);
  refused([ftyp, moov, moof, header(0, 'mdat')], /box mdat claims 0/, ftyp.length + moov.length + moof.length);
  refused([ftyp, moov, moof, header(1, 'mdat')], /box mdat claims 1/, ftyp.length + moov.length + moof.length);
  refused([ftyp, header(2 ** 16 + 1, 'free')], /box free claims/, ftyp.length);
  refused([header(16, 'wild')], /unknown type/, 0);
  refused([Buffer.from('HTTP/1.1 200 OK\r\n\r\n')], /unknown type/, 0);
  refused([ftyp, moov, Buffer.from(makeBox('mdat', Buffer.alloc(10)))], /without a fragment/, ftyp.length + moov.length);
  refused([ftyp, moof, Buffer.from(makeBox('mdat', Buffer.alloc(10)))], /before moov/, ftyp.length);
  refused([moov], /before ftyp/, 0);
  t.equal(take(Buffer.concat([ftyp, makeBox('free', Buffer.alloc(100)), moov, makeBox('styp', Buffer.alloc(8)), makeBox('sidx', Buffer.alloc(60))])).inits.length, 1, 'known small boxes are passed over');
});

t.test('after its first error a reader stays broken', async (t) => {
  const reader = new Fmp4Reader('gate', { onInit: () => {}, onFragment: () => {} });
  t.throws(() => reader.push(Buffer.from('garbage, garbage'), 0, 0), { code: 'SP_FMP4' });
  t.throws(() => reader.push(Buffer.from(stream), 0, 0), { code: 'SP_FMP4', evidence: { offset: 0 } });
});

function mutate(bytes: Buffer, random: () => number): void {
  const at = Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 4);
  if (kind === 0) bytes[at] = Math.floor(random() * 256);
  else if (kind === 1) bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
  else if (kind === 2) bytes.fill(random() < 0.5 ? 0 : 0xff, at, Math.min(bytes.length, at + 8));
  else bytes.copyWithin(at, Math.floor(random() * bytes.length), Math.floor(random() * bytes.length));
}
