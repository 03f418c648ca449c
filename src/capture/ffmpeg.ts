/**
 * What ffmpeg and ffprobe are told. Arguments are the same for every camera of a kind: the camera's address, which holds its password,
 * goes in by standard input as an ffconcat list, so that no process list shows it. fluent-ffmpeg orders the arguments; base/spawn starts.
 */
import fluent from 'fluent-ffmpeg';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { run } from '../base/spawn.ts';
import type { AudioRule } from '../policy/audio.ts';

/** How one session is opened; it may differ from the last one by what ffmpeg said then. */
export interface SessionPlan {
  readonly audio: AudioRule;
  readonly hevc: boolean;
  /** For cameras whose SDP does not carry their parameters: reads up to 2 s of media first. */
  readonly richProbe: boolean;
}

/** SP_FFMPEG_MISSING, SP_FFMPEG_OLD below 5.1 (`timeout` of RTSP in microseconds, `option` lines in lists). Git builds (`N-…`) pass. */
export async function checkFfmpeg(path: string): Promise<{ version: string }> {
  const version = await versionOf(path);
  const [, major, minor] = /^n?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major !== undefined && minor !== undefined && Number(major) * 1000 + Number(minor) < 5001) throw new SallyportError('SP_FFMPEG_OLD', { version, path });
  return { version };
}

/** ffmpeg's arguments: one camera in by list, fMP4 out, a fragment per frame. */
export function streamArguments(plan: SessionPlan): string[] {
  return fluent()
    .input('pipe:0')
    .inputOptions(['-hide_banner', '-loglevel', 'warning', '-nostdin', ...sourceOptions(plan.richProbe)])
    .output('pipe:1')
    .outputOptions([
      // Frames before the first key frame come out too: their bytes show that the camera lives, and the ring passes them over.
      '-map', '0:v:0', '-c:v', 'copy', '-copyinkf:v', ...(plan.hevc ? ['-tag:v', 'hvc1'] : []),
      ...audioOptions(plan.audio),
      ...(plan.audio === 'drop' ? ['-f', 'mp4', '-movflags', movflags, '-flush_packets', '1'] : ['-f', 'fifo', '-fifo_format', 'mp4', '-format_opts', `movflags=${movflags}:flush_packets=1`]),
    ])
    ._getArguments();
}

/** ffprobe's arguments: the same source, its streams as JSON. */
export function probeArguments(): string[] {
  return fluent()
    .input('pipe:0')
    .inputOptions(['-hide_banner', '-loglevel', 'warning', '-show_streams', '-print_format', 'json', ...sourceOptions(true)])
    ._getArguments();
}

/**
 * The ffconcat list for standard input. The address is rebuilt from its parsed parts, so that nothing in it can end the quotes or
 * begin a new line. SP_CAMERA_ADDRESS for what is not a plain rtsp address.
 */
export function sourceList(camera: string, url: Secret, plan: { readonly richProbe: boolean }): string {
  const { bytes, durationUs } = probeOf(plan.richProbe);
  return [
    'ffconcat version 1.0', `file '${rebuiltAddress(camera, url.reveal())}'`, 'option rtsp_transport tcp', `option timeout ${socketTimeoutUs}`,
    `option probesize ${bytes}`, `option analyzeduration ${durationUs}`, '',
  ].join('\n');
}

/** The one TCP port that ffmpeg needs for this list; RTSP's own when the address names none. */
export function sourcePort(source: string): number {
  const port = URL.parse(/^file '(.*)'$/m.exec(source)?.[1] ?? '')?.port ?? '';
  return port === '' ? 554 : Number(port);
}

/**
 * A fragment per frame. skip_trailer: else ffmpeg keeps 40 bytes per fragment for an index at the end (over 100 MB a day).
 * With sound the mp4 muxer sits behind the fifo muxer: fed directly, ffmpeg 5.1 takes a frame's end from the interleaving queue, one
 * frame too far, and half the pictures come out at wrong times, in pairs (seen with AAC frames longer than a picture).
 */
const movflags = '+frag_every_frame+empty_moov+default_base_moof+skip_trailer';

const socketTimeoutUs = 5_000_000;
const addressLengthMax = 2048;

/**
 * How much ffmpeg reads before it begins. It probes twice, the list and the camera in it, so both are told. A duration of 0 would mean
 * its default of 5 s: with 1 µs the first frame is out after 0.3 to 0.7 s instead of 2.5 to 3.
 */
function probeOf(rich: boolean): { bytes: number; durationUs: number } {
  return rich ? { bytes: 1_000_000, durationUs: 2_000_000 } : { bytes: 32_768, durationUs: 1 };
}

function sourceOptions(rich: boolean): string[] {
  const { bytes, durationUs } = probeOf(rich);
  return [
    '-probesize', String(bytes), '-analyzeduration', String(durationUs), '-f', 'concat', '-safe', '0', '-protocol_whitelist', 'pipe,rtsp,rtp,tcp',
  ];
}

function audioOptions(audio: AudioRule): string[] {
  if (audio === 'drop') return ['-an'];
  return [
    '-map', '0:a:0?', ...(audio === 'copy' ? ['-c:a', 'copy'] : ['-c:a', 'aac', '-b:a', '64k', '-ac', '1']),
    // A microphone that is announced and then silent must not hold the pictures back (10 s by default).
    '-max_interleave_delta', '200000',
  ];
}

function rebuiltAddress(camera: string, text: string): string {
  const refuse = (reason: string): SallyportError => new SallyportError('SP_CAMERA_ADDRESS', { camera, reason });
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text.length > addressLengthMax || /[\u0000-\u0020\u007f]/.test(text)) throw refuse('it is too long or holds blanks or control characters');
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'rtsp:') throw refuse('it is not an rtsp:// address');
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/.test(url.hostname)) throw refuse('its host is not a name or an IP address');
  try {
    const user = strictlyEncoded(decodeURIComponent(url.username));
    const password = strictlyEncoded(decodeURIComponent(url.password));
    const login = user === '' && password === '' ? '' : `${user}:${password}@`;
    return `rtsp://${login}${url.hostname}${url.port === '' ? '' : `:${url.port}`}${quoteFree(url.pathname)}${quoteFree(url.search)}`;
  } catch {
    // The cause would quote the address.
    throw refuse('its user name or password is not percent-encoded');
  }
}

function strictlyEncoded(text: string): string {
  return quoteFree(encodeURIComponent(text));
}

/** Whatever is not printable ASCII, and what quotes in lists or shells, percent-encoded. */
function quoteFree(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]+/g, encodeURIComponent).replaceAll(/['"\\`]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout } = await run(path, ['-hide_banner', '-version'], { timeoutMs: 10_000, stdoutBytesMax: 65_536 });
    const version = /^ff(?:mpeg|probe) version (\S{1,80})/.exec(stdout.toString('latin1'))?.[1];
    if (version !== undefined) return version;
  } catch (error) {
    if (isSallyportError(error, 'SP_STOPPED')) throw error;
    throw new SallyportError('SP_FFMPEG_MISSING', { path }, error);
  }
  throw new SallyportError('SP_FFMPEG_MISSING', { path });
}
