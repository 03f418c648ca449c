import t, { type Test } from 'tap';
import { join } from 'node:path';
import { readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Frames, type GrayFrame } from '../../src/capture/frames.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { cropBytesMax, fullBytesMax, Moments } from '../../src/capture/moments.ts';
import { MediaRing } from '../../src/capture/ring.ts';
import { padmeSize } from '../../src/seal/format/padme.ts';
import { isThumbnail } from '../../src/seal/thumbnail.ts';
import { clipFps, clipSeconds, makeClip, streamOf, take, type Taken } from './clips.ts';

const plan = { audio: 'drop', hevc: false, richProbe: false } as const;

async function takenOf(t: Test, options: Parameters<typeof makeClip>[1]): Promise<Taken> {
  const file = await makeClip(join(t.testdir(), `clip.${options?.audio === 'pcm_alaw' ? 'mkv' : 'mp4'}`), options);
  return take(await streamOf(file, { ...plan, hevc: options?.hevc === true, ...(options?.audio === undefined ? {} : { audio: 'copy' as const }) }));
}

/** A picture of the clip arrives each 40 ms, by a clock of its own: `fromMs` is when the first one came. */
function fill(ring: MediaRing, { inits, fragments }: Taken, fromMs: number, begin = true): number {
  let atMs = fromMs;
  if (begin) ring.begin(inits[0]!);
  for (const fragment of fragments) {
    atMs = fromMs + fragment.timeMs;
    ring.push({ ...fragment, monotonicMs: atMs, wallMs: 1_000_000 + atMs });
  }
  return atMs;
}

async function framesOf(t: Test, ring: MediaRing, more: { jail?: Jail; ffmpeg?: string; stuckMs?: number } = {}): Promise<{ frames: Frames; seen: (Omit<GrayFrame, 'gray'> & { mean: number })[]; breaks: () => number }> {
  const seen: (Omit<GrayFrame, 'gray'> & { mean: number })[] = [];
  let breaks = 0;
  const frames = new Frames({
    camera: 'gate', capture: { read: (signal) => ring.read(signal) }, ffmpeg: more.ffmpeg ?? 'ffmpeg', jail: more.jail, clock: systemClock, log: silentLog, random: () => 0, ...(more.stuckMs === undefined ? {} : { stuckMs: more.stuckMs }),
    onFrame: ({ gray, ...times }) => seen.push({ ...times, mean: gray.reduce((sum, value) => sum + value, 0) / gray.length }), onBreak: () => { breaks++; },
  });
  t.teardown(() => frames.close());
  frames.start();
  return { frames, seen, breaks: () => breaks };
}

async function until(so: () => boolean): Promise<void> {
  while (!so()) await systemClock.sleep(10);
}

for (const [what, options] of [['H.264', {}], ['H.264 with B pictures and sound', { bFrames: 2, audio: 'aac' }], ['H.265', { hevc: true }]] as const) {
  t.test(`small grey pictures of ${what}, five a second, with the times at which they came, out of the jail`, async (t) => {
    const taken = await takenOf(t, options);
    const ring = new MediaRing(2 ** 24);
    const { frames, seen } = await framesOf(t, ring, { jail: new Jail({ facts: await probeJail({ log: silentLog }), need: 'files' }) });
    fill(ring, taken, 5000);
    // The end of what was fed comes out when more is fed; of three seconds, two are sure to.
    await until(() => seen.length >= 8);
    await frames.close();
    t.equal(seen[0]?.monotonicMs, 5000, 'the first');
    for (const [index, { monotonicMs, wallMs }] of seen.entries()) {
      t.ok(Math.abs(monotonicMs - 5000 - index * 200) <= 1000 / clipFps + 1, `${monotonicMs} for the picture no. ${index}`);
      t.equal(wallMs, monotonicMs + 1_000_000);
    }
    t.ok(seen.every(({ mean }) => mean > 20 && mean < 235), 'a picture, and neither black nor white');
  });
}

t.test('a decoder that hangs is killed and started again, one that cannot be started is tried again, and who waits is told', async (t) => {
  const folder = t.testdir();
  const taken = await takenOf(t, {});
  const hangs = join(folder, 'hangs');
  await writeFile(hangs, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
  const ring = new MediaRing(2 ** 24);
  const { frames, breaks } = await framesOf(t, ring, { ffmpeg: hangs, stuckMs: 200 });
  let atMs = fill(ring, taken, 0);
  while (frames.state.problem === undefined) {
    atMs = fill(ring, taken, atMs + 40, false);
    await systemClock.sleep(50);
  }
  t.match(frames.state, { running: false, problem: /no picture came out/ });
  t.ok(breaks() > 0);
  while (frames.state.restarts < 1) {
    atMs = fill(ring, taken, atMs + 40, false);
    await systemClock.sleep(50);
  }
  await frames.close();

  const other = await framesOf(t, ring, { ffmpeg: join(folder, 'nothing') });
  await until(() => other.frames.state.problem !== undefined);
  t.match(other.frames.state.problem, /nothing/);
});

t.test('a stream that is lost ends its decoder, and the next one begins with the next session', async (t) => {
  const taken = await takenOf(t, {});
  const ring = new MediaRing(2 ** 24);
  const { frames, seen } = await framesOf(t, ring);
  fill(ring, taken, 0);
  await until(() => seen.length >= 5);
  ring.lose({ kind: 'lost', reason: 'stream ended', detail: '', wallMs: 0, monotonicMs: 0 });
  await until(() => !frames.state.running);
  fill(ring, taken, 60_000);
  await until(() => (seen.at(-1)?.monotonicMs ?? 0) > 61_000);
  t.equal(frames.state.restarts, 1);
  t.ok(seen.some(({ monotonicMs }) => monotonicMs === 60_000));
});

t.test('a moment in colour, and the pictures of an alarm: of the right moment, small enough, the rest of them wiped', async (t) => {
  const folder = t.testdir();
  const taken = await takenOf(t, { audio: 'aac' });
  const ring = new MediaRing(2 ** 24);
  ring.retain(60_000);
  fill(ring, taken, 0);
  const moments = new Moments({ clock: systemClock, log: silentLog });
  t.teardown(() => moments.close());
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'files' });
  const excerpt = (atMs: number) => ring.excerpt(atMs)!;
  const order = (atMs: number) => ({ camera: 'gate', excerpt: excerpt(atMs), ffmpeg: 'ffmpeg', jail });
  const given = order(1500);
  const colour = await moments.colour(given);
  t.match(colour, { width: 640, height: 480 });
  t.ok(given.excerpt.bytes.every((byte) => byte === 0), 'wiped');
  const file = join(folder, 'moment.rgb');
  await writeFile(file, colour!.rgb);
  // The judge: the picture that had come last by then, as ffmpeg makes it from nothing.
  const number = taken.fragments.filter(({ track, timeMs }) => track === 'video' && timeMs <= 1500).length - 1;
  const judge = await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=320x240:r=${clipFps}:d=${clipSeconds}`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', '640x480', '-i', file,
    '-filter_complex', `[0:v]select=eq(n\\,${number}),scale=640:480,format=rgb24,setpts=0[a];[1:v]setpts=0[b];[a][b]psnr=stats_file=-`, '-frames:v', '1', '-f', 'null', '-']);
  t.ok(Number(/psnr_avg:([\d.]+|inf)/.exec(judge.stdout.toString())?.[1]?.replace('inf', '99') ?? 0) > 25, judge.stdout.toString());

  const pictures = await moments.pictures(order(2500), { x: 0.9, y: 0.9, width: 0.2, height: 0.2 });
  t.ok(pictures !== undefined && pictures.full.length <= fullBytesMax && (pictures.crop?.length ?? 0) <= cropBytesMax && isThumbnail(pictures.thumb) && padmeSize(pictures.thumb.length) === pictures.thumb.length, `${pictures?.full.length} bytes`);
  for (const [jpeg, size] of [[pictures!.full, '320,240'], [pictures!.crop!, /^\d+,\d+$/], [pictures!.thumb, '320,240']] as const) {
    const probe = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0', '-'], { input: jpeg });
    t.match(probe.stdout.toString().trim(), typeof size === 'string' ? `mjpeg,${size}` : /^mjpeg,\d+,\d+$/);
  }
  t.equal((await moments.pictures(order(2500), undefined))?.crop, undefined);
  t.same(moments.state, { dropped: 0, failed: 0 });
});

t.test('looks that are too many are dropped, the oldest first, and counted; an alarm\'s pictures go before them', async (t) => {
  const taken = await takenOf(t, {});
  const ring = new MediaRing(2 ** 24);
  fill(ring, taken, 0);
  const moments = new Moments({ clock: systemClock, log: silentLog });
  t.teardown(() => moments.close());
  const order = () => ({ camera: 'gate', excerpt: ring.excerpt(Infinity)!, ffmpeg: 'ffmpeg', jail: undefined });
  const done: string[] = [];
  const looks = Array.from({ length: 10 }, (_, index) => moments.colour(order()).then((picture) => { done.push(`${index}`); return picture !== undefined; }));
  const alarm = moments.pictures(order(), undefined).then((made) => { done.push('alarm'); return made !== undefined; });
  t.same(await Promise.all(looks), [true, false, false, false, false, false, true, true, true, true], 'one was at work, four wait');
  t.equal(await alarm, true);
  t.ok(done.indexOf('alarm') < done.indexOf('6'), done.join(' '));
  t.equal(moments.state.dropped, 5);
});

t.test('no decoder outlives the duty that has it', async (t) => {
  const taken = await takenOf(t, {});
  const ring = new MediaRing(2 ** 24);
  const { frames, seen } = await framesOf(t, ring);
  fill(ring, taken, 0);
  await until(() => seen.length > 0);
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  await frames.close();
  for (const pid of children.trim().split(' ').filter((one) => one !== '')) t.notOk(await stat(`/proc/${pid}`).then(() => readlink(`/proc/${pid}/exe`)).then((exe) => exe.includes('ffmpeg'), () => false), pid);
});
