/** Small clips made by the machine's ffmpeg, and ffmpeg's output for them as the hub would get it. */
import type { SessionPlan } from '../../src/capture/ffmpeg.ts';
import { streamArguments } from '../../src/capture/ffmpeg.ts';
import type { Fragment, Init } from '../../src/capture/media.ts';
import { Fmp4Reader } from '../../src/capture/fmp4.ts';
import { run } from '../../src/base/spawn.ts';

export const clipSeconds = 3;
export const clipFps = 25;

/** 3 s, 320x240, a key frame per second. Sound: AAC in MP4, A-law in Matroska. */
export async function makeClip(file: string, options: { hevc?: boolean; audio?: 'aac' | 'pcm_alaw'; bFrames?: number } = {}): Promise<string> {
  const made = await run('ffmpeg', [
    '-hide_banner', '-loglevel', 'error', '-y',
    '-f', 'lavfi', '-i', `testsrc2=s=320x240:r=${clipFps}:d=${clipSeconds}`,
    ...(options.audio === undefined ? [] : ['-f', 'lavfi', '-i', `sine=r=8000:d=${clipSeconds}`]),
    ...(options.hevc === true
      ? ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=25:min-keyint=25:bframes=0:log-level=error', '-tag:v', 'hvc1']
      : ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-keyint_min', '25', '-bf', String(options.bFrames ?? 0)]),
    ...(options.audio === undefined ? [] : ['-c:a', options.audio]),
    file,
  ]);
  if (made.status !== 0) throw new Error(made.stderr);
  return file;
}

/** The hub's own arguments for a plan, with the camera replaced by a file. */
export async function streamOf(file: string, plan: SessionPlan): Promise<Buffer> {
  const made = await run('ffmpeg', fileArguments(file, plan));
  if (made.status !== 0) throw new Error(made.stderr);
  return made.stdout;
}

export function fileArguments(file: string, plan: SessionPlan): string[] {
  const args = streamArguments(plan);
  return [...args.slice(0, args.indexOf('-nostdin') + 1), '-i', file, ...args.slice(args.indexOf('-i') + 2)];
}

export interface Taken { inits: Init[]; fragments: Fragment[] }

/** Reads a stream in the given cuts; each chunk is wiped behind the reader, as from a pipe. */
export function take(stream: Buffer, cuts: Iterable<number> = [], reader?: { camera: string }): Taken {
  const taken: Taken = { inits: [], fragments: [] };
  const fmp4 = new Fmp4Reader(reader?.camera ?? 'gate', { onInit: (init) => taken.inits.push(init), onFragment: (fragment) => taken.fragments.push({ ...fragment, bytes: Buffer.from(fragment.bytes) }) });
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    const chunk = Buffer.from(stream.subarray(from, to));
    if (to > from) fmp4.push(chunk, 1000, 1);
    chunk.fill(0);
    from = Math.max(from, to);
  }
  return taken;
}

/** A small repeatable generator (mulberry32), so that a failing run can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
