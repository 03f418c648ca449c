/** What a camera's encoder settings mean for its owner, in words. */
import { formatAge, secondMs } from '../base/units.ts';

export interface PictureFacts {
  /** ffmpeg's name. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  /** Pictures a second, by the camera's word. */
  readonly fps: number | undefined;
  /** Pictures from one key frame to the next, by the camera's word. */
  readonly gop: number | undefined;
}

/** Live view begins at a key frame, and segments are cut there: beyond this it is felt. */
const gopMsGood = 10 * secondMs;

export function gopMsOf({ fps, gop }: Pick<PictureFacts, 'fps' | 'gop'>): number | undefined {
  return fps === undefined || gop === undefined ? undefined : Math.round((gop / fps) * secondMs);
}

/** "H.264 1280x720 at 25 pictures/s" */
export function pictureWords({ codec, width, height, fps }: Omit<PictureFacts, 'gop'>): string {
  return `${codecWords(codec)} ${width}x${height}${fps === undefined ? '' : ` at ${fps} pictures/s`}`;
}

export function codecWords(codec: string): string {
  const names = new Map([['hevc', 'H.265'], ['h264', 'H.264'], ['jpeg', 'JPEG']]);
  return names.get(codec) ?? codec;
}

/** What the owner should know of the main stream, each with what can be done; empty where all is well. */
export function pictureAdvice(camera: string, { codec, fps, gop }: PictureFacts): string[] {
  const gopMs = gopMsOf({ fps, gop });
  return [
    ...(codec === 'hevc' ? [`H.265 is recorded as it is, but not every browser and player shows it; \`sallyport camera codec ${camera} h264\`, or the camera's own settings, choose another`] : []),
    ...(gopMs !== undefined && gopMs > gopMsGood
      ? [`its key frames are ${formatAge(gopMs)} apart: live view begins that late, and segments are cut by limit, not where pictures stand alone; \`sallyport camera gop ${camera} 2\` asks for one each 2 s (a "smart codec" must be off for that)`] : []),
  ];
}

export interface OfferedStream {
  readonly streamUri: string;
  readonly video: { readonly codec: string; readonly width: number; readonly height: number } | undefined;
}

export interface ChosenStreams<S extends OfferedStream> {
  readonly main: S;
  readonly sub: S | undefined;
  /** Why just these, for people. */
  readonly mainWhy: string;
  readonly subWhy: string;
}

/**
 * The largest picture is recorded; the smallest other one is for slow connections and for looking at pictures. JPEG is neither. Undefined
 * where nothing can be recorded.
 */
export function chooseStreams<S extends OfferedStream>(offered: readonly S[]): ChosenStreams<S> | undefined {
  const area = ({ video }: S): number => (video?.width ?? 0) * (video?.height ?? 0);
  const ranked = offered.filter(({ streamUri, video }) => streamUri !== '' && video?.codec !== 'jpeg').toSorted((a, b) => area(b) - area(a));
  const [main] = ranked;
  if (main === undefined) return undefined;
  const last = ranked.at(-1);
  const sub = last === main || last?.streamUri === main.streamUri ? undefined : last;
  const jpeg = offered.filter(({ video }) => video?.codec === 'jpeg').length;
  const left = jpeg === 0 ? '' : `; ${jpeg} more of JPEG ${jpeg === 1 ? 'is' : 'are'} left out`;
  const mainWhy = ranked.length === 1 ? 'its only one' : area(main) === 0 ? `the first of ${ranked.length}, for it tells no sizes` : `the largest of ${ranked.length}`;
  return { main, sub, mainWhy: `${mainWhy}${left}`, subWhy: ranked.length === 2 ? 'the other one' : 'the smallest' };
}
