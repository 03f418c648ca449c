/**
 * The pictures and the sound that emulated cameras send, made by ffmpeg once per set of parameters and kept in a folder. Each is made
 * beside and renamed into place, so several emulators may race; who comes second takes what is there.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { run } from '../base/spawn.ts';
import { readVideo, type VideoCodec, type VideoSamples } from './samples.ts';

export interface Scene {
  /** Video alone; its pictures are exactly those that are sent. */
  readonly main: string;
  readonly sub: string;
  readonly snapshots: { readonly main: string; readonly sub: string };
}

/** How the main stream is made; the small one is always H.264 with a key frame a second. */
export interface Encoding {
  readonly codec: VideoCodec;
  /** Whole seconds from one key frame to the next; the loop is at least as long. */
  readonly gopSeconds: number;
  /** Between two others at most. */
  readonly bFrames: number;
}

export const plainEncoding: Encoding = { codec: 'h264', gopSeconds: 1, bFrames: 0 };

export type SoundKind = 'aac' | 'alaw';

export interface SceneMaker {
  readonly folder: string;
  readonly ffmpeg: string;
  readonly seconds: number | undefined;
  readonly clip: string | undefined;
  readonly log: Log;
}

/** So many scenes are made; further cameras share them. */
export const looksMax = 3;

/** Part of each key: what is made differently gets another name. */
const recipeVersion = 5;
const secondsDefault = 20;
const clipSecondsMax = 120;
const makingMax = { timeoutMs: 300_000, stdoutBytesMax: 2 ** 20 };
export const sceneBytesMax = 512 * 2 ** 20;

/** The folder named, or one in the temporary folder that belongs to this user alone. */
export async function openSceneFolder(folder: string | undefined): Promise<string> {
  try {
    if (folder !== undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return await realpath(folder);
    }
    const usual = join(tmpdir(), `sallyport-scenes-${userInfo().uid}`);
    await mkdir(usual, { recursive: true, mode: 0o700 });
    const info = await lstat(usual);
    // A name that anybody could have taken before us: trusted only as our own real folder.
    if (info.isDirectory() && info.uid === userInfo().uid && (info.mode & 0o022) === 0) return usual;
    return await mkdtemp(join(tmpdir(), 'sallyport-scenes-'));
  } catch (error) {
    throw new SallyportError('SP_EMULATOR', { reason: `no folder for scenes: ${reasonOf(error)}` }, error);
  }
}

/** SP_EMULATOR when ffmpeg cannot make it, SP_TOOL_MISSING without ffmpeg. */
export async function makeScene(maker: SceneMaker, look: number, encoding: Encoding): Promise<Scene> {
  const seconds = Math.max(maker.seconds ?? (maker.clip === undefined ? secondsDefault : clipSecondsMax), encoding.gopSeconds);
  const recipe = { ...maker.clip === undefined ? { look } : { clip: await identify(maker.clip) }, seconds, ...encoding };
  const folder = await onceInFolder(maker, ['scene', recipe], (part) =>
    maker.clip === undefined ? generate({ ...maker, seconds }, look, encoding, part) : convertClip({ ...maker, seconds }, maker.clip, encoding, part));
  return {
    main: join(folder, 'main.mp4'), sub: join(folder, 'sub.mp4'),
    snapshots: { main: join(folder, 'main.jpg'), sub: join(folder, 'sub.jpg') },
  };
}

/** A tone pattern, or a clip's own sound where it has some: AAC (LC, 16 kHz mono) in MP4, or headerless A-law (8 kHz mono). */
export async function makeSound(maker: SceneMaker, kind: SoundKind): Promise<string> {
  const seconds = maker.seconds ?? (maker.clip === undefined ? secondsDefault : clipSecondsMax);
  const recipe = { kind, seconds, clip: maker.clip === undefined ? null : await identify(maker.clip) };
  const name = kind === 'aac' ? 'sound.m4a' : 'sound.alaw';
  const output = kind === 'aac'
    ? ['-c:a', 'aac', '-profile:a', 'aac_low', '-ar', '16000', '-ac', '1', '-b:a', '32k']
    : ['-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1', '-f', 'alaw'];
  const folder = await onceInFolder(maker, ['sound', recipe], async (part) => {
    const make = (input: readonly string[]): Promise<string | undefined> =>
      ffmpeg(maker, [...input, '-t', String(seconds), ...output, join(part, name)]);
    if (maker.clip !== undefined && await make([...clipInput(maker.clip), '-map', '0:a:0']) === undefined) return;
    const failure = await make(['-f', 'lavfi', '-i', 'sine=frequency=330:beep_factor=4']);
    if (failure !== undefined) throw notMade(failure);
  });
  return join(folder, name);
}

/** The samples of a scene's file; SP_EMULATOR when it is unusable. */
export async function loadVideo(path: string): Promise<VideoSamples> {
  try {
    if ((await stat(path)).size > sceneBytesMax) throw new Error(`larger than ${sceneBytesMax} bytes; take a shorter clip`);
    return readVideo(await readFile(path));
  } catch (error) {
    throw notMade(`${path}: ${reasonOf(error)}`, error);
  }
}

const even = ['-pix_fmt', 'yuv420p', '-video_track_timescale', '90000'];
const mainFps = 15;
const subFps = 10;
const encodeSub = ['-c:v', 'libx264', '-bf', '0', '-sc_threshold', '0', '-threads', '2', ...even, '-g', String(subFps), '-keyint_min', String(subFps)];

function encodeMain({ codec, gopSeconds, bFrames }: Encoding): string[] {
  const pictures = gopSeconds * mainFps;
  return codec === 'h264'
    ? ['-c:v', 'libx264', '-bf', String(bFrames), '-b_strategy', '0', '-sc_threshold', '0', '-threads', '2', ...even, '-g', String(pictures), '-keyint_min', String(pictures)]
    : ['-c:v', 'libx265', '-x265-params', `keyint=${pictures}:min-keyint=${pictures}:scenecut=0:open-gop=0:bframes=${bFrames}:b-adapt=0:info=0:pools=2:frame-threads=1:log-level=error`, ...even];
}

const bitrate = (kbps: number): string[] => ['-b:v', `${kbps}k`, '-maxrate', `${kbps}k`, '-bufsize', `${kbps}k`];
const snapshot = ['-frames:v', '1', '-q:v', '4', '-f', 'image2', '-update', '1'];

async function generate(maker: SceneMaker, look: number, encoding: Encoding, part: string): Promise<void> {
  const seconds = maker.seconds ?? secondsDefault;
  const make = (withText: boolean): Promise<string | undefined> => ffmpeg(maker, [
    '-filter_complex', drawScene(look, { seconds, noisy: encoding.gopSeconds <= noisyGopSecondsMax, withText }),
    '-map', '[main]', ...encodeMain(encoding), '-preset', 'ultrafast', ...bitrate(1500), join(part, 'main.mp4'),
    '-map', '[sub]', ...encodeSub, '-preset', 'ultrafast', ...bitrate(300), join(part, 'sub.mp4'),
    '-map', '[still]', ...snapshot, join(part, 'main.jpg'),
    '-map', '[substill]', ...snapshot, join(part, 'sub.jpg'),
  ]);
  const failure = await make(true);
  if (failure === undefined) return;
  const failureWithoutText = await make(false);
  if (failureWithoutText !== undefined) throw notMade(failureWithoutText);
  maker.log.warn({ reason: failure }, 'ffmpeg could not draw text, so the emulated pictures carry no clock; a font such as fonts-dejavu-core helps');
}

const palettes = [
  { ground: '0x203040', middle: '0x708090', edge: '0x405030', walker: '0xc04030', car: '0x30a0d0' },
  { ground: '0x304828', middle: '0x88a070', edge: '0x283850', walker: '0x3050c0', car: '0xd08030' },
  { ground: '0x403028', middle: '0x988878', edge: '0x282838', walker: '0x40a050', car: '0xb050c0' },
];

/** Where key frames are further apart, the scene is long, and noise would make each of its pictures dear: with it, two minutes of H.265 took a minute to encode. */
const noisyGopSecondsMax = 10;

/** A still background, slightly noisy where wanted, over which a tall box walks, a wide one passes and a small one circles. */
function drawScene(look: number, { seconds, noisy, withText }: { seconds: number; noisy: boolean; withText: boolean }): string {
  const palette = palettes[look % palettes.length] as (typeof palettes)[number];
  const box = (color: string, size: string, label: string): string => `color=c=${color}:s=${size}:r=15:d=${seconds},format=yuv420p[${label}]`;
  const clock = withText ? `,drawtext=text='%{pts\\:hms}  scene ${look + 1}':x=24:y=24:fontsize=40:fontcolor=white:box=1:boxcolor=black@0.5` : '';
  return [
    `gradients=s=1280x720:c0=${palette.ground}:c1=${palette.middle}:c2=${palette.edge}:n=3:x0=0:y0=0:x1=1280:y1=720:speed=0.00001:seed=${look + 1}:r=15:d=0.07,format=yuv420p,`
      + `loop=loop=-1:size=1:start=0,setpts=N/15/TB,trim=end_frame=${seconds * 15}${noisy ? ',noise=alls=7:allf=t' : ''}[ground]`,
    box(palette.walker, '160x220', 'walker'), box(palette.car, '220x120', 'car'), box('0xe0d040', '80x80', 'ball'),
    `[ground][walker]overlay=x='(W-w)/2+(W-w)/2*sin(2*PI*t/10+${look})':y='H-h-60':shortest=1[with1]`,
    `[with1][car]overlay=x='mod(t*128+${look * 400},W+w)-w':y=300:shortest=1[with2]`,
    `[with2][ball]overlay=x='W/2+300*cos(2*PI*t/5+${look})':y='200+120*sin(2*PI*t/5+${look})':shortest=1${clock},split=3[main][still][small]`,
    '[small]fps=10:eof_action=pass,scale=640:360:flags=fast_bilinear,split=2[sub][substill]',
  ].join(';');
}

async function convertClip(maker: SceneMaker, clip: string, encoding: Encoding, part: string): Promise<void> {
  const main = join(part, 'main.mp4');
  const whole = { input: clipInput(clip), seconds: maker.seconds ?? clipSecondsMax };
  const copied = await ffmpeg(maker, [...whole.input, '-map', '0:v:0', '-t', String(whole.seconds), '-c:v', 'copy', main]);
  const asked = encoding.gopSeconds !== plainEncoding.gopSeconds || encoding.bFrames > 0;
  if (!asked && copied === undefined && await sendsAsIs(main, encoding.codec)) return encodeClip(maker, whole, undefined, part);
  await encodeClip(maker, whole, encoding, part);
  if (secondsOf(await loadVideo(main)) > encoding.gopSeconds - 1) return;
  // It ends before its second key frame would come, so it is shown again until then.
  await encodeClip(maker, { input: ['-stream_loop', '-1', '-t', String(encoding.gopSeconds), ...whole.input], seconds: encoding.gopSeconds }, encoding, part);
}

/** The main stream stays as it is without an encoding. */
async function encodeClip(maker: SceneMaker, { input, seconds }: { readonly input: readonly string[]; readonly seconds: number }, encoding: Encoding | undefined, part: string): Promise<void> {
  const small = 'fps=10:eof_action=pass,scale=w=trunc(min(640\\,iw)/2)*2:h=-2:flags=fast_bilinear';
  const large = 'fps=15:eof_action=pass,scale=w=trunc(min(1920\\,iw)/2)*2:h=-2';
  const video = ['-map', '0:v:0', '-t', String(seconds)];
  const failure = await ffmpeg(maker, [
    ...input,
    ...encoding === undefined ? [] : [...video, '-vf', large, ...encodeMain(encoding), '-preset', 'veryfast', '-crf', '25', join(part, 'main.mp4')],
    ...video, '-vf', small, ...encodeSub, '-preset', 'veryfast', ...bitrate(300), join(part, 'sub.mp4'),
    '-map', '0:v:0', ...snapshot, join(part, 'main.jpg'),
    '-map', '0:v:0', '-vf', small, ...snapshot, join(part, 'sub.jpg'),
  ]);
  if (failure !== undefined) throw notMade(failure);
}

function secondsOf({ timing: { deltas, timescale } }: VideoSamples): number {
  return deltas.reduce((sum, delta) => sum + delta, 0) / timescale;
}

/** Of the codec, of even pace, pictures in order, beginning at a key frame. */
async function sendsAsIs(path: string, codec: VideoCodec): Promise<boolean> {
  try {
    const { codec: own, timing, pictures } = await loadVideo(path);
    const [first, ...rest] = timing.deltas.slice(0, -1);
    if (first === undefined || own !== codec || timing.offsets.length > 0 || pictures[0]?.keyFrame !== true) return false;
    // A coarse timescale rounds: one tick of at most 2 ms is no unevenness.
    const toleranceTicks = timing.timescale >= 500 ? 1 : 0;
    return rest.every((delta) => Math.abs(delta - first) <= toleranceTicks);
  } catch (error) {
    if (isSallyportError(error)) return false;
    throw error;
  }
}

function clipInput(clip: string): string[] {
  // `file:` keeps a name from being read as an option, a pattern or an address.
  return ['-protocol_whitelist', 'file', '-i', `file:${clip}`];
}

/** What went wrong, in ffmpeg's words; undefined when all went well. */
async function ffmpeg(maker: SceneMaker, args: readonly string[]): Promise<string | undefined> {
  const done = await run(maker.ffmpeg, ['-hide_banner', '-nostdin', '-y', '-v', 'error', '-filter_complex_threads', '2', ...args], { ...makingMax, package: 'ffmpeg' });
  return done.status === 0 ? undefined : done.stderr.slice(0, 500) || `ffmpeg ended with status ${done.status}`;
}

async function onceInFolder(maker: SceneMaker, recipe: unknown, make: (part: string) => Promise<void>): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify([recipeVersion, recipe])).digest('hex').slice(0, 16);
  const folder = join(maker.folder, key);
  if (await exists(folder)) return folder;
  const part = `${folder}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  try {
    await mkdir(part, { mode: 0o700 });
    await make(part);
    await rename(part, folder);
  } catch (error) {
    // Another emulator was faster: its folder stands, and is not empty.
    if (await exists(folder)) return folder;
    throw isSallyportError(error) ? error : notMade(reasonOf(error), error);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}

async function identify(clip: string): Promise<{ path: string; size: number; changedMs: number }> {
  try {
    const path = await realpath(clip);
    const info = await stat(path);
    return { path, size: info.size, changedMs: info.mtimeMs };
  } catch (error) {
    throw notMade(`${clip}: ${reasonOf(error)}`, error);
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function notMade(reason: string, cause?: unknown): SallyportError {
  return new SallyportError('SP_EMULATOR', { reason }, cause);
}
