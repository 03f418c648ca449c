import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { createLog, silentLog, type Log } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import type { Fragment, Init } from '../../src/capture/media.ts';
import { Stills, type Still, type StillOrder } from '../../src/capture/still.ts';
import { isThumbnail, thumbnailBytesMax } from '../../src/seal/thumbnail.ts';
import { boxMutators } from '../fuzz/boxes.ts';
import { byteMutators } from '../fuzz/mutate.ts';
import { Random } from '../fuzz/random.ts';
import { makeClip, streamOf, take } from './clips.ts';

t.setTimeout(120_000);

const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });

const folder = t.testdir();
let places = 0;
/** A path that nothing has yet. */
const place = (name: string): string => join(folder, `${++places}-${name}`);

interface First { readonly init: Init; readonly keyFrame: Buffer }

/** Init and first key frame, as the hub would get them. */
async function firstOf(clip: string, o: { hevc?: boolean; audio?: boolean } = {}): Promise<First> {
  const { inits, fragments } = take(await streamOf(clip, { audio: o.audio === true ? 'copy' : 'drop', hevc: o.hevc ?? false, richProbe: false }));
  return { init: inits[0] as Init, keyFrame: (fragments.find(({ keyFrame }) => keyFrame) as Fragment).bytes };
}

/** A clip of one second of what lavfi makes. */
async function clipOf(source: string, more: readonly string[] = []): Promise<string> {
  const file = place('clip.mp4');
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-t', '1', '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', ...more, file], { timeoutMs: 60_000 });
  if (made.status !== 0) throw new Error(made.stderr);
  return file;
}

function stillsOf(t: Test, more: { timeoutMs?: number; log?: Log } = {}): Stills {
  const stills = new Stills({ clock: systemClock, log: silentLog, ...more });
  t.teardown(() => stills.close());
  return stills;
}

function order(first: First, more: Partial<StillOrder> = {}): StillOrder {
  return { camera: 'gate', stream: 'main', ...first, ffmpeg: 'ffmpeg', jail, ...more };
}

async function ready(still: Still, withinMs = 5000): Promise<Buffer | undefined> {
  const untilMs = performance.now() + withinMs;
  while (still.jpeg === undefined && performance.now() < untilMs) await systemClock.sleep(5);
  return still.jpeg === undefined ? undefined : Buffer.from(still.jpeg);
}

/** What it says itself. */
async function sizeOf(jpeg: Buffer): Promise<string> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-f', 'mjpeg', '-show_entries', 'stream=codec_name,width,height,sample_aspect_ratio', '-of', 'csv=p=0', '-'], { input: jpeg });
  return stdout.toString().trim();
}

/** How alike two pictures are, in dB, by ffmpeg. */
async function likeness(jpeg: Buffer, clip: string): Promise<number> {
  const file = place('picture.jpg');
  writeFileSync(file, jpeg);
  const { stderr } = await run('ffmpeg', ['-v', 'info', '-i', file, '-i', clip, '-frames:v', '1', '-lavfi', '[0:v]format=yuv420p[a];[1:v]scale=320:-2:flags=area:out_range=full,format=yuv420p[b];[a][b]psnr', '-f', 'null', '-']);
  return Number(/average:(inf|[\d.]+)/.exec(stderr)?.[1] ?? 0);
}

for (const [name, options] of [['H.264', {}], ['H.265', { hevc: true }], ['H.264 beside sound', { audio: 'aac' }]] as const) {
  t.test(`the first picture of ${name} comes out small, and shows what was sent`, async (t) => {
    const clip = await makeClip(place('clip.mp4'), options);
    const first = await firstOf(clip, { hevc: 'hevc' in options, audio: 'audio' in options });
    const stills = stillsOf(t);
    const { keyFrame } = first;
    const still = stills.order(order(first));
    const before = Buffer.from(keyFrame);
    keyFrame.fill(0); // as the ring does when it goes on
    const jpeg = await ready(still) ?? Buffer.alloc(0);
    t.ok(isThumbnail(jpeg) && jpeg.length > 1000, `${jpeg.length} bytes`);
    t.equal(await sizeOf(jpeg), 'mjpeg,320,240,1:1');
    const alike = await likeness(jpeg, clip);
    t.ok(alike > 25, `${alike} dB`);
    before.copy(keyFrame);
    const held = still.jpeg;
    still.close();
    t.ok(held?.every((byte) => byte === 0), 'it is wiped when it is used up');
    t.equal(still.jpeg, undefined);
  });
}

t.test('the height follows the picture as it is shown, within bounds', async (t) => {
  const stills = stillsOf(t);
  for (const [source, filter, expected] of [
    ['testsrc2=s=640x360', [], '320,180'], ['testsrc2=s=352x288', ['-vf', 'setsar=12/11'], '320,240'], ['testsrc2=s=240x426', [], '320,568'], ['testsrc2=s=1280x64', [], '320,16'], ['testsrc2=s=64x1280', [], '320,640'],
  ] as const) {
    const still = stills.order(order(await firstOf(await clipOf(source, filter))));
    t.equal(await sizeOf(await ready(still) ?? Buffer.alloc(0)), `mjpeg,${expected},1:1`, source);
  }
});

t.test('a picture of noise is made coarser, and what is too large even so is none', async (t) => {
  const lines: string[] = [];
  const stills = stillsOf(t, { log: createLog({ level: 'info', write: (line) => void lines.push(line) }) });
  const jpeg = await ready(stills.order(order(await firstOf(await clipOf('testsrc2=s=320x240,noise=alls=70:allf=t', ['-qp', '18']))))) ?? Buffer.alloc(0);
  t.ok(isThumbnail(jpeg) && jpeg.length <= thumbnailBytesMax, `${jpeg.length} bytes`);
  const noise = await firstOf(await clipOf('nullsrc=s=320x640,geq=random(1)*255:random(2)*255:random(3)*255', ['-qp', '1']));
  for (let turn = 0; turn < 2; turn++) t.equal(await ready(stills.order(order(noise, { camera: 'noisy' })), 1500), undefined);
  t.equal(lines.length, 1, 'and that is told once');
  t.match(JSON.parse(lines[0] ?? '{}'), { camera: 'noisy', reason: /larger than 24576 bytes/ });
});

t.test('whatever a camera sends costs its own picture at most', async (t) => {
  const stills = stillsOf(t);
  const random = new Random(7);
  const clips = [await firstOf(await makeClip(place('clip.mp4'))), await firstOf(await makeClip(place('clip.mp4'), { hevc: true }), { hevc: true })];
  let none = 0;
  for (let n = 0; n < 24; n++) {
    const first = clips[n % 2] as First;
    const other = clips[(n + 1) % 2] as First;
    const whole = Buffer.concat([first.init.moov, first.keyFrame]);
    const mutator = random.pick([...boxMutators, ...byteMutators, ...byteMutators]);
    // Some in the boxes, some in the picture itself, where the parser of the stream lets everything through.
    const keyFrame = n % 4 < 2 ? Buffer.concat([first.keyFrame.subarray(0, 120), random.pick(byteMutators)(random, first.keyFrame.subarray(120), other.keyFrame)]) : first.keyFrame;
    const bytes = n % 4 < 2 ? { ...first, keyFrame } : { init: { ...first.init, ftyp: first.init.ftyp, moov: Buffer.alloc(0) }, keyFrame: mutator(random, whole, other.keyFrame) };
    const still = stills.order(order(bytes, { camera: 'hostile' }));
    const after = stills.order(order(first));
    t.ok(await ready(after) !== undefined, `another camera's picture comes, ${n}`);
    // Its own was before it: it is there by now, or never.
    if (still.jpeg === undefined) none++;
    else t.ok(isThumbnail(still.jpeg));
    still.close();
    after.close();
  }
  t.comment(`${none} of 24 gave no picture`);
  t.ok(none > 3, 'and some were really broken');
  t.same(children(), [], 'no decoder is left');
});

function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'latin1').split(' ').filter((text) => text !== ''));
}

/** A program in ffmpeg's place. */
function program(text: string): string {
  const file = place('program');
  writeFileSync(file, `#!/bin/bash\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

t.test('a decoder that does not end, prints without end, or prints something else is given up', async (t) => {
  const lines: string[] = [];
  const stills = stillsOf(t, { timeoutMs: 1500, log: createLog({ level: 'info', write: (line) => void lines.push(line) }) });
  const first = await firstOf(await makeClip(place('clip.mp4')));
  const png = 'printf "\\x89PNG\\r\\n\\x1a\\n"';
  for (const [camera, text] of [['stuck', 'exec sleep 100'], ['deaf', 'trap "" TERM; exec sleep 100 <&-'], ['endless', 'exec cat /dev/zero'], ['png', png], ['silent', 'exit 0'], ['failing', 'echo "no such codec" >&2; exit 1']] as const) {
    stills.order(order(first, { camera, ffmpeg: program(text), jail: undefined }));
    const next = await ready(stills.order(order(first)));
    t.ok(next, `the next one comes after ${camera}`);
  }
  stills.order(order(first, { camera: 'missing', ffmpeg: '/nowhere/ffmpeg', jail: undefined }));
  stills.order(order(first, { camera: 'unjailed', jail: new Jail({ facts: { launcher: '/nowhere/jail', level: 'off', landlock: 0, seccomp: false, missing: 'it was not built' }, need: 'files' }) }));
  t.ok(await ready(stills.order(order(first))));
  t.match(lines.map((line) => JSON.parse(line) as { camera: string; reason: string }).map(({ camera, reason }) => `${camera}: ${reason}`), [
    /^stuck: it took longer than 1500 ms/, /^deaf: it took longer/, /^endless: it printed too much/, /^png: what came out is no JPEG/, /^silent: no picture came out/, /^failing: no such codec/, /^missing: /, /^unjailed: /,
  ]);
});

t.test('one decoder runs at a time, and more than a bounded number do not wait', async (t) => {
  const log = place('log');
  const ffmpeg = program(`echo begin >>${log}; sleep 0.05; echo end >>${log}`);
  const stills = stillsOf(t);
  const first = await firstOf(await makeClip(place('clip.mp4')));
  for (let n = 0; n < 60; n++) stills.order(order(first, { camera: `c${n}`, ffmpeg, jail: undefined }));
  const waited = stills.order(order(first));
  t.equal(waited.jpeg, undefined);
  while (!existsSync(log) || readFileSync(log, 'latin1').split('end').length - 1 < 33) await systemClock.sleep(20);
  await systemClock.sleep(150);
  t.same(readFileSync(log, 'latin1').trim().split('\n'), Array.from({ length: 33 }, () => ['begin', 'end']).flat(), 'the first and 32 that waited, one after another');

  const large = { init: first.init, keyFrame: Buffer.concat([first.keyFrame, Buffer.alloc(9 * 2 ** 20)]) };
  const [one, two, three] = [stills.order(order(large, { ffmpeg, jail: undefined })), stills.order(order(large, { ffmpeg, jail: undefined })), stills.order(order(large, { ffmpeg, jail: undefined }))];
  t.same([one, two, three].map((still) => still.constructor === Object), [false, false, true], 'nor more than 16 MiB: the third gets none');
});

t.test('what is wanted no more is given up at once, and closing leaves no decoder', async (t) => {
  const log = place('log');
  const first = await firstOf(await makeClip(place('clip.mp4')));
  const ffmpeg = program(`echo begin >>${log}; exec sleep 100`);
  const stills = stillsOf(t);
  const [running, waiting] = [stills.order(order(first, { ffmpeg, jail: undefined })), stills.order(order(first, { ffmpeg, jail: undefined }))];
  while (!existsSync(log) || readFileSync(log, 'latin1') === '') await systemClock.sleep(10);
  waiting.close();
  running.close();
  t.ok(await ready(stills.order(order(first))), 'the next one follows at once');
  t.equal(readFileSync(log, 'latin1'), 'begin\n', 'the one that waited was never begun');
  stills.order(order(first, { ffmpeg, jail: undefined }));
  await systemClock.sleep(50);
  const startedMs = performance.now();
  await stills.close();
  t.ok(performance.now() - startedMs < 2000);
  t.equal(stills.order(order(first)).jpeg, undefined, 'a closed one takes no more');
});
