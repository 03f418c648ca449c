/**
 * What ffmpeg's last words mean: why a session ended, and what to do otherwise at the next try. Pure. Its exit status says little:
 * a camera that falls silent ends it with 0.
 */
import type { AudioRule } from '../policy/audio.ts';
import type { GapReason } from '../policy/gaps.ts';
import type { SessionPlan } from './ffmpeg.ts';

export interface Ending {
  readonly reason: GapReason;
  readonly detail: string;
}

export interface LastWords {
  /** False when ffmpeg could not even be started. */
  readonly launched: boolean;
  /** The last lines of standard error, scrubbed. */
  readonly lines: readonly string[];
  readonly fragments: number;
  /** How long nothing came before the end. */
  readonly quietMs: number;
}

/** From this much silence on the camera stalled; ffmpeg's own socket time-out is 5 s. */
const quietMsMax = 4500;
const detailLengthMax = 200;

export function endingOf({ lines, fragments, quietMs }: Omit<LastWords, 'launched'>): Ending {
  // Whatever ffmpeg's last word: a camera that was live and fell silent has stalled.
  if (fragments > 0 && quietMs >= quietMsMax) return { reason: 'stalled', detail: `nothing came for ${Math.round(quietMs / 1000)} s` };
  const found = endings.find(([pattern]) => lines.some((line) => pattern.test(line)));
  if (found !== undefined) return { reason: found[1], detail: detailOf(lines.findLast((line) => found[0].test(line))) };
  if (fragments === 0 && lines.some((line) => line.includes('Impossible to open'))) return { reason: 'camera offline', detail: 'it does not answer' };
  return { reason: 'stream ended', detail: detailOf(lines.at(-1)) };
}

/** Whether the camera spoke RTSP in the session that ended so. One that is only there, and silent, has not. */
export function answeredIn({ reason }: Ending, { launched, fragments }: LastWords): boolean {
  return fragments > 0 || (launched && reason !== 'camera offline');
}

/** The plan of the next try: changed only on ffmpeg's own evidence, and then kept. */
export function nextPlan(plan: SessionPlan, words: Pick<LastWords, 'lines' | 'fragments'>): SessionPlan {
  const said = (pattern: RegExp): boolean => words.lines.some((line) => pattern.test(line));
  return {
    audio: said(soundFails) ? weaker(plan.audio) : plan.audio,
    hevc: said(/Tag hvc1 incompatible/) ? false : plan.hevc,
    richProbe: plan.richProbe || (words.fragments === 0 && said(parametersMissing)),
  };
}

const endings: ReadonlyArray<readonly [RegExp, GapReason]> = [
  [/\b40[13] (?:Unauthorized|Forbidden)|Server returned 40[13]\b/, 'credentials refused'],
  [/Connection refused|No route to host|Network is unreachable|Host is down|timed out|Failed to resolve hostname/i, 'camera offline'],
  [/method \w+ failed: \d{3}|Server returned/, 'stream ended'],
];

const parametersMissing = /dimensions not set|unspecified size|Could not find codec parameters|matches no streams|Could not write header|sample rate not set/;
const soundFails = /Could not find tag for codec (?:pcm|adpcm|opus|mp[23]|none)|Too many packets buffered|Error (?:initializing|while opening) (?:output stream 0:1|encoder for output stream #0:1|decoder for input stream #0:1)|Malformed AAC/;

function weaker(audio: AudioRule): AudioRule {
  return audio === 'copy' ? 'transcode' : 'drop';
}

/** Without ffmpeg's `[rtsp @ 0x55…]`. */
function detailOf(line: string | undefined): string {
  return (line ?? 'it ended without a word').replace(/^\[[^\]]*\] /, '').slice(0, detailLengthMax);
}
