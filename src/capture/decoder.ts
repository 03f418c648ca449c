/**
 * A program that gets some bytes, gives some back, and is gone: how one picture is decoded. It runs in the jail with nothing but its three
 * pipes, for it gets a camera's bytes; it may take so long and print so much and no more, and whatever it does costs that picture only.
 */
import type { Clock } from '../base/clock.ts';
import { launch, type Child, type LaunchOptions } from '../base/spawn.ts';
import { thumbnailHeightMax, thumbnailWidth } from '../seal/thumbnail.ts';
import type { Jail } from './jail.ts';

export interface DecodeOrder {
  readonly ffmpeg: string;
  readonly args: readonly string[];
  /** Stays the caller's. */
  readonly input: Uint8Array;
  /** Without one it runs as the hub does: for tests of the picture itself. */
  readonly jail: Jail | undefined;
  readonly outputBytesMax: number;
  readonly cpuSeconds: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** It is wanted no more. */
  readonly signal?: AbortSignal;
}

export interface Decoded {
  /** The caller's to wipe; undefined when nothing usable came out. */
  readonly output: Buffer | undefined;
  /** Why, in words. */
  readonly failure: string;
}

/** SP_TOOL_MISSING, SP_JAIL_MISSING, SP_JAIL_LEVEL. */
export async function decodeOnce(o: DecodeOrder): Promise<Decoded> {
  const lines: string[] = [];
  const options: LaunchOptions = { input: o.input, package: 'ffmpeg', detached: true, stderrLinesMax: 3, onErrorLine: (line) => lines.push(line) };
  const child = await (o.jail === undefined ? launch(o.ffmpeg, o.args, options) : o.jail.launch(o.ffmpeg, o.args, { ...options, cpuSeconds: o.cpuSeconds }));
  const memory = Buffer.alloc(o.outputBytesMax);
  let size = 0;
  let broken: string | undefined;
  const stop = (why: string): void => {
    broken ??= why;
    child.kill('SIGKILL');
  };
  child.stdout.on('error', () => stop('its output broke'));
  child.readOutput((bytes) => {
    if (size + bytes.length > memory.length) stop('it printed too much');
    else size += bytes.copy(memory, size);
  });
  await untilGone(child, o, stop);
  const output = size === 0 || broken !== undefined ? undefined : Buffer.from(memory.subarray(0, size));
  memory.fill(0);
  return { output, failure: broken ?? lines[0] ?? 'no picture came out' };
}

async function untilGone(child: Child, { clock, timeoutMs, signal }: DecodeOrder, stop: (why: string) => void): Promise<void> {
  const gone = new AbortController();
  const onAbort = (): void => stop('it is wanted no more');
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  clock.sleep(timeoutMs, gone.signal).then(() => stop(`it took longer than ${timeoutMs} ms`), () => {});
  await child.exited;
  gone.abort();
  signal?.removeEventListener('abort', onAbort);
}

/** For every decoder of pictures: it says errors alone, asks nobody, opens nothing, and has one thread. */
export const decoderOptions: readonly string[] = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-protocol_whitelist', 'pipe', '-threads', '1'];

/**
 * What every decoder of a camera's picture is told: this demuxer and this decoder alone, whatever the bytes claim to be, and one thread.
 * Without `-nofind_stream_info` the first pictures are decoded twice.
 */
export function pictureInput(codec: 'h264' | 'hevc', more: readonly string[] = []): string[] {
  return [...decoderOptions, '-nofind_stream_info', '-flags', '+output_corrupt', ...more, '-c:v', codec, '-f', 'mov', '-i', 'pipe:0', '-map', '0:v:0'];
}

/** One JPEG through the filter, and nothing of ffmpeg's own in it. */
export function jpegOutput(filter: string, quality: number, more: readonly string[] = []): string[] {
  return ['-frames:v', '1', '-filter_threads', '1', '-vf', `${filter},format=yuvj420p`, ...more, '-c:v', 'mjpeg', '-threads', '1', '-q:v', String(quality), '-bitexact', '-f', 'mjpeg', 'pipe:1'];
}

/** To a thumbnail's width, in square pixels, within its bounds. */
export const thumbnailFilter = `scale=w=${thumbnailWidth}:h=clip(2*trunc(${thumbnailWidth / 2}/dar+0.5)\\,2\\,${thumbnailHeightMax}):flags=area,setsar=1`;

/** The decoder for a stream's init. */
export function codecOf({ videoCodec }: { readonly videoCodec: string }): 'h264' | 'hevc' {
  return videoCodec.startsWith('avc') ? 'h264' : 'hevc';
}
