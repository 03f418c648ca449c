import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { PanelEncoder } from '../../src/capture/panel.ts';
import { TsPieces, type TsPiece } from '../../src/capture/tspieces.ts';
import { makeClip, streamOf, take, type Taken } from './clips.ts';

t.setTimeout(120_000);

const facts = await probeJail({ log: silentLog });
const jail = new Jail({ facts, need: 'off' });
const folder = t.testdir();

async function clipOf(name: string, o: { hevc?: boolean } = {}): Promise<Taken> {
  return take(await streamOf(await makeClip(join(folder, name), o), { audio: 'drop', hevc: o.hevc ?? false, richProbe: false }));
}

async function largeClip(): Promise<Taken> {
  const file = join(folder, 'large.mp4');
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=15:d=2', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '15', '-bf', '0', file]);
  if (made.status !== 0) throw new Error(made.stderr);
  return take(await streamOf(file, { audio: 'drop', hevc: false, richProbe: false }));
}

interface Made { readonly encoder: PanelEncoder; readonly pieces: TsPiece[]; until(count: number): Promise<void> }

function encoderOf(t: Test, { inits }: Taken, more: { ffmpeg?: string; jail?: Jail } = {}): Made {
  const pieces: TsPiece[] = [];
  let wake = (): void => {};
  const encoder = new PanelEncoder({
    ffmpeg: 'ffmpeg', jail, clock: systemClock, videoCodec: inits[0]?.videoCodec ?? '', ...more,
    // What is given stands in memory that is used again.
    onPieces: (more) => { pieces.push(...more.map((piece) => ({ ...piece, bytes: Buffer.from(piece.bytes) }))); wake(); },
  });
  t.teardown(async () => { encoder.close(); await encoder.ended; });
  const begun = (): number => pieces.filter(({ begins }) => begins !== undefined).length;
  return { encoder, pieces, until: async (count) => { while (begun() < count) await new Promise<void>((resolve) => { wake = resolve; }); } };
}

function feed(encoder: PanelEncoder, { inits, fragments }: Taken): void {
  encoder.write(Buffer.concat([inits[0]!.ftyp, inits[0]!.moov]));
  for (const { bytes } of fragments) encoder.write(bytes);
}

async function probe(bytes: Buffer): Promise<{ codec_name: string; width: number; height: number; nb_read_frames: string }> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-f', 'mpegts', '-count_frames', '-show_streams', '-of', 'json', '-'], { input: bytes });
  return (JSON.parse(stdout.toString()) as { streams: never[] }).streams[0] as never;
}

for (const codec of ['h264', 'hevc'] as const) {
  t.test(`${codec}: every picture comes out as MPEG-1 that a stock ffprobe reads, while its input is still open`, async (t) => {
    const clip = await clipOf(`${codec}.mp4`, { hevc: codec === 'hevc' });
    const { encoder, pieces, until } = encoderOf(t, clip);
    feed(encoder, clip);
    // The last one, too: none waits for what follows it.
    await until(clip.fragments.length);
    const { codec_name, width, height, nb_read_frames } = await probe(Buffer.concat(pieces.map(({ bytes }) => bytes)));
    t.same([codec_name, width, height], ['mpeg1video', 320, 240]);
    t.equal(Number(nb_read_frames), clip.fragments.length);
    const begun = pieces.flatMap(({ begins }) => begins ?? []);
    t.equal(begun[0]?.keyFrame, true);
    t.ok(begun.filter(({ keyFrame }) => keyFrame).length >= clip.fragments.length / 15 - 1, 'whoever comes later soon finds where to begin');
    t.same(begun.slice(1).map(({ shownMs }, n) => Math.round((shownMs ?? 0) - (begun[n]?.shownMs ?? 0))), Array.from({ length: begun.length - 1 }, () => 40), 'times are those of the camera');
    t.equal(encoder.waiting.bytes, 0);
  });
}

t.test('a larger picture is made smaller, and pictures do not become more', async (t) => {
  const clip = await largeClip();
  const { encoder, pieces, until } = encoderOf(t, clip);
  feed(encoder, clip);
  await until(clip.fragments.length - 1);
  const { width, height, nb_read_frames } = await probe(Buffer.concat(pieces.map(({ bytes }) => bytes)));
  t.same([width, height], [640, 360]);
  t.ok(Number(nb_read_frames) <= clip.fragments.length, `${nb_read_frames} of ${clip.fragments.length}`);
});

t.test('what it runs with: the same few words for every camera, nothing of the hub\'s environment, behind all others', { skip: facts.missing ?? false }, async (t) => {
  process.env['SALLYPORT_TEST_SECRET'] = 'not-for-ffmpeg';
  t.teardown(() => { delete process.env['SALLYPORT_TEST_SECRET']; });
  const clip = await clipOf('argv.mp4');
  const { encoder, until } = encoderOf(t, clip);
  feed(encoder, clip);
  await until(2);
  const of = (file: string): string => readFileSync(`/proc/${encoder.pid}/${file}`, 'utf8');
  const words = of('cmdline').split('\0');
  t.equal(words[0], 'ffmpeg');
  t.match(words.join(' '), / -f mov -i pipe:0 -f mpegts -codec:v mpeg1video /);
  t.notMatch(words.join(' '), /:\/\/|--jail/);
  t.notMatch(of('environ'), /not-for-ffmpeg|PATH=/);
  t.equal(of('stat').slice(of('stat').lastIndexOf(')')).split(' ')[17], '5', 'nice');
  t.match(of('status'), facts.seccomp ? /Seccomp:\t2/ : /Seccomp:/);
  const sockets = (await run('ls', ['-l', `/proc/${encoder.pid}/fd`])).stdout.toString().split('\n').filter((line) => / [0-9]+ -> /.test(line));
  t.ok(sockets.length >= 3 && sockets.every((line) => / [012] -> /.test(line)), `it has its three pipes alone: ${sockets.join(', ')}`);
});

t.test('an ffmpeg that is not there, and bytes that are no stream, end the encoder and nothing else', async (t) => {
  const clip = await clipOf('broken.mp4');
  const missing = encoderOf(t, clip, { ffmpeg: '/nowhere/ffmpeg' });
  feed(missing.encoder, clip);
  t.match(await missing.encoder.ended, /not there|ENOENT/);
  const broken = encoderOf(t, clip);
  // A box that is shorter than its own head.
  broken.encoder.write(Buffer.alloc(100_000, Buffer.from([0, 0, 0, 4])));
  t.match(await broken.encoder.ended, /Invalid|moov/);
  t.same(broken.pieces, []);
});

t.test('a jail that gives less than is needed starts nothing', (t) => {
  const less = new Jail({ facts: { ...facts, level: 'files' }, need: 'full' });
  t.throws(() => new PanelEncoder({ ffmpeg: 'ffmpeg', jail: less, clock: systemClock, videoCodec: 'avc1.4d401f', onPieces: () => {} }), { code: 'SP_JAIL_LEVEL' });
  t.end();
});

t.test('pieces are the same however the bytes come, and what is no stream is refused', async (t) => {
  const clip = await clipOf('pieces.mp4');
  const { encoder, pieces, until } = encoderOf(t, clip);
  feed(encoder, clip);
  await until(20);
  const whole = Buffer.concat(pieces.map(({ bytes }) => bytes));
  const cut = (size: number): { begins: number; keys: number; bytes: Buffer } => {
    const reader = new TsPieces();
    const all: TsPiece[] = [];
    for (let at = 0; at < whole.length; at += size) all.push(...reader.take(whole.subarray(at, at + size)));
    const begun = all.flatMap(({ begins }) => begins ?? []);
    return { begins: begun.length, keys: begun.filter(({ keyFrame }) => keyFrame).length, bytes: Buffer.concat(all.map(({ bytes }) => bytes)) };
  };
  const once = cut(whole.length);
  t.ok(once.begins >= 20 && once.keys >= 2 && once.keys < once.begins);
  for (const size of [1, 187, 188, 189, 4096]) t.same(cut(size), once, `${size} bytes at a time`);
  t.throws(() => new TsPieces().take(Buffer.alloc(188)), RangeError);
});
