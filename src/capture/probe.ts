/** Asks a camera once what it sends, before it is recorded: ffprobe, told the address as ffmpeg is. */
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { run, type Finished } from '../base/spawn.ts';
import { endingOf } from './ending.ts';
import { probeArguments, sourceList, sourcePort } from './ffmpeg.ts';
import type { Jail } from './jail.ts';

export interface ProbedStream {
  readonly video: { readonly codec: 'h264' | 'hevc'; readonly width: number; readonly height: number; readonly fps: number | undefined };
  /** ffmpeg's name of the sound's codec, for policy/audio. */
  readonly audio: { readonly codec: string } | undefined;
}

export interface ProbeOptions {
  readonly ffprobe: string;
  readonly camera: string;
  readonly url: Secret;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Without one it runs as the hub does: for tests of what it finds. */
  readonly jail?: Jail;
}

/** It decodes a few pictures at most. */
const probeCpuSeconds = 60;

/** SP_CAMERA_NO_STREAM, SP_CAMERA_REFUSED, SP_CAMERA_UNREACHABLE, SP_CAMERA_ADDRESS, SP_FFMPEG_MISSING; SP_STOPPED when aborted. */
export async function probeStream(o: ProbeOptions): Promise<ProbedStream> {
  const { camera } = o;
  const input = sourceList(camera, o.url, { richProbe: true });
  const finished = await finish(o, input);
  const streams = streamsOf(finished.stdout);
  const video = streams.find((stream) => stream['codec_type'] === 'video');
  if (video === undefined) throw refusal(camera, o.url, finished);
  const audio = streams.find((stream) => stream['codec_type'] === 'audio');
  return { video: videoOf(camera, video), audio: audio === undefined ? undefined : { codec: textOf(audio['codec_name']) ?? 'unknown' } };
}

type Facts = Readonly<Record<string, unknown>>;

async function finish(o: ProbeOptions, input: string): Promise<Finished> {
  const options = { input, timeoutMs: o.timeoutMs, stdoutBytesMax: 2 ** 20, package: 'ffmpeg', ...(o.signal === undefined ? {} : { signal: o.signal }) };
  try {
    return await (o.jail === undefined ? run(o.ffprobe, probeArguments(), options) : o.jail.run(o.ffprobe, probeArguments(), { ...options, port: sourcePort(input), cpuSeconds: probeCpuSeconds }));
  } catch (error) {
    if (isSallyportError(error, 'SP_TOOL_MISSING')) throw new SallyportError('SP_FFMPEG_MISSING', { path: o.ffprobe }, error);
    if (isSallyportError(error, 'SP_STOPPED') && o.signal?.aborted !== true) throw unreachable(o.camera, o.url, `no stream within ${Math.round(o.timeoutMs / 1000)} s`);
    throw error;
  }
}

function streamsOf(stdout: Buffer): Facts[] {
  try {
    const streams = (JSON.parse(stdout.toString()) as { streams?: unknown }).streams;
    return Array.isArray(streams) ? streams.filter((stream) => typeof stream === 'object' && stream !== null) : [];
  } catch {
    return [];
  }
}

function videoOf(camera: string, video: Facts): ProbedStream['video'] {
  const codec = video['codec_name'];
  const width = Number(video['width']);
  const height = Number(video['height']);
  if (codec !== 'h264' && codec !== 'hevc') throw new SallyportError('SP_CAMERA_NO_STREAM', { camera, reason: `its video is ${textOf(codec) ?? 'of an unknown kind'}` });
  if (!(width > 0 && height > 0)) throw new SallyportError('SP_CAMERA_NO_STREAM', { camera, reason: 'its picture has no size' });
  return { codec, width, height, fps: rateOf(video['avg_frame_rate']) ?? rateOf(video['r_frame_rate']) };
}

/** "25/1" → 25. What no camera does (RTP's 90,000 ticks taken for a rate) is unknown. */
function rateOf(fraction: unknown): number | undefined {
  const [, over, under] = /^(\d{1,9})\/(\d{1,9})$/.exec(textOf(fraction) ?? '') ?? [];
  const rate = Number(over) / Number(under);
  return rate > 0 && rate <= 240 ? Math.round(rate * 100) / 100 : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 100) : undefined;
}

function refusal(camera: string, url: Secret, { stderr }: Finished): SallyportError {
  const lines = stderr.split('\n');
  const { reason, detail } = endingOf({ lines, fragments: 0, quietMs: 0 });
  if (reason === 'credentials refused') return new SallyportError('SP_CAMERA_REFUSED', { camera });
  if (reason === 'camera offline') return unreachable(camera, url, detail);
  return new SallyportError('SP_CAMERA_NO_STREAM', { camera, reason: detail });
}

function unreachable(camera: string, url: Secret, reason: string): SallyportError {
  return new SallyportError('SP_CAMERA_UNREACHABLE', { camera, address: URL.parse(url.reveal())?.host ?? '?', reason });
}
