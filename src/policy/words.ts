/** How a stream is, in one sentence for people: what is the matter, since when, and what happens next. */
import type { UnixMs } from '../base/clock.ts';
import { formatAge, secondMs } from '../base/units.ts';
import { isoTime } from './times.ts';
import type { GapReason } from './gaps.ts';

export interface StreamFacts {
  readonly camera: string;
  readonly nowMs: UnixMs;
  /** Undefined while the camera is still being asked what it is. */
  readonly capture: {
    readonly state: 'starting' | 'live' | 'waiting' | 'stopped';
    readonly reason?: GapReason;
    readonly detail?: string;
    readonly lostSinceMs?: UnixMs;
    readonly nextTryMs?: UnixMs;
    readonly lastKeyFrameMs?: UnixMs;
    readonly sinceMs: UnixMs;
  } | undefined;
  /** Undefined when it is not recorded; `unrecorded` says why. */
  readonly recorder: { readonly recording: boolean; readonly problem: { readonly message: string; readonly code: string } | undefined; readonly cutByLimit: boolean; readonly resting?: 'no alarm' | 'schedule' | undefined } | undefined;
  readonly unrecorded: 'no owner' | 'not recorded' | undefined;
}

export function streamInWords(facts: StreamFacts): string {
  const { capture } = facts;
  if (capture === undefined) return 'being asked what it is';
  if (capture.state === 'stopped') return 'stopped';
  return capture.state === 'live' ? liveInWords(facts, capture) : lostInWords(facts, capture);
}

type Capture = NonNullable<StreamFacts['capture']>;

function lostInWords({ camera, nowMs }: StreamFacts, capture: Capture): string {
  const { reason, detail, lostSinceMs, nextTryMs, state } = capture;
  if (reason === undefined) return 'connecting';
  const next = state === 'starting' ? 'being tried again' : `tried again in ${formatAge(Math.max(secondMs, (nextTryMs ?? nowMs) - nowMs))}`;
  const because = detail === undefined || detail === '' ? '' : `: ${detail}`;
  if (reason === 'credentials refused') return `credentials refused by ${camera}, ${next}; \`sallyport secret set ${camera}\` gives another password`;
  if (reason === 'certificate changed') return `${camera} shows another certificate, so nothing is sent to it, ${next}; \`sallyport camera trust ${camera}\` believes it`;
  if (reason === 'camera offline') return `offline since ${isoTime(lostSinceMs ?? capture.sinceMs)}${because}`;
  return `${reason}${because}, ${next}`;
}

function liveInWords({ camera, nowMs, recorder, unrecorded }: StreamFacts, capture: Capture): string {
  if (unrecorded === 'no owner') return 'online, not recorded: there is no owner (SP_NO_OWNER)';
  if (recorder === undefined) return 'online, not recorded as configured';
  if (recorder.resting !== undefined) return recorder.resting === 'no alarm' ? 'online, recorded when there is an alarm' : 'online, not recorded at this time by schedule';
  if (recorder.problem !== undefined && !recorder.recording) return `not recorded: ${recorder.problem.message} (${recorder.problem.code})`;
  const keyFrameAgeMs = nowMs - (capture.lastKeyFrameMs ?? capture.sinceMs);
  if (capture.reason === 'no key frame') return `${recorder.recording ? 'recording, but ' : ''}no key frame for ${formatAge(Math.max(secondMs, keyFrameAgeMs))}: look at ${camera}'s key frame interval`;
  if (!recorder.recording) return 'online, recording begins at the next key frame';
  return recorder.cutByLimit ? 'recording (its key frames come too rarely, segments are cut by limit)' : 'recording';
}
