/**
 * Pictures by which somebody is enrolled: a JPEG that a visitor sent becomes pixels, and the face that was cut out of them a small JPEG. Both in the
 * jailed decoder, one a picture, for the bytes are a stranger's; they are in memory alone, and wiped by whoever has them.
 */
import type { Clock } from '../base/clock.ts';
import { secondMs } from '../base/units.ts';
import { decodeOnce, decoderOptions, jpegOutput } from './decoder.ts';
import type { Jail } from './jail.ts';
import type { ColourPicture } from './moments.ts';

export interface EnrolTools {
  readonly ffmpeg: string;
  /** Without one it runs as the hub does: for tests of the pictures themselves. */
  readonly jail: Jail | undefined;
  readonly clock: Clock;
}

/** Nothing larger helps; what is larger is made smaller. */
export const enrolSideMax = 1280;
/** A JPEG of a few bytes may claim to have billions of pixels: with more than a large camera has, it is not even begun. */
const pixelsMax = 50_000_000;
export const faceBytesMax = 16 * 1024;
const limits = { cpuSeconds: 8, timeoutMs: 10 * secondMs };
/** "P6", width, height, 255. */
const headBytesMax = 32;

/** Undefined when the bytes are no whole JPEG, or too large a picture. SP_TOOL_MISSING, SP_JAIL_MISSING, SP_JAIL_LEVEL. */
export async function pixelsOf(jpeg: Uint8Array, { ffmpeg, jail, clock }: EnrolTools): Promise<ColourPicture | undefined> {
  const fit = `scale=w=min(${enrolSideMax}\\,iw):h=min(${enrolSideMax}\\,ih):force_original_aspect_ratio=decrease:flags=area,format=rgb24`;
  const args = [...decoderOptions, '-xerror', '-err_detect', 'explode', '-max_pixels', String(pixelsMax), '-c:v', 'mjpeg', '-f', 'mjpeg', '-i', 'pipe:0', '-frames:v', '1', '-filter_threads', '1', '-vf', fit, '-c:v', 'ppm', '-f', 'image2pipe', 'pipe:1'];
  const { output } = await decodeOnce({ ffmpeg, args, input: jpeg, jail, outputBytesMax: enrolSideMax * enrolSideMax * 3 + headBytesMax, clock, ...limits });
  const picture = output === undefined ? undefined : pixelsIn(output);
  if (picture === undefined) output?.fill(0);
  return picture;
}

/** A JPEG of at most `faceBytesMax`; undefined when none comes of it. */
export async function jpegOf({ rgb, width, height }: ColourPicture, { ffmpeg, jail, clock }: EnrolTools): Promise<Buffer | undefined> {
  for (const quality of [4, 12, 24]) {
    const args = [...decoderOptions, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-i', 'pipe:0', ...jpegOutput('setsar=1', quality)];
    const { output } = await decodeOnce({ ffmpeg, args, input: rgb, jail, outputBytesMax: 4 * faceBytesMax, clock, ...limits });
    if (output === undefined || output.length <= faceBytesMax) return output;
    output.fill(0);
  }
  return undefined;
}

/** The pixels stay where they are in `ppm`. */
function pixelsIn(ppm: Buffer): ColourPicture | undefined {
  const head = /^P6\s(\d{1,4})\s(\d{1,4})\s255\s/.exec(ppm.toString('latin1', 0, headBytesMax));
  if (head === null) return undefined;
  const [width, height] = [Number(head[1]), Number(head[2])];
  const rgb = ppm.subarray(head[0].length);
  return rgb.length === width * height * 3 ? { rgb, width, height } : undefined;
}
