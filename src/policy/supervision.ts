/**
 * When a stream is tried again after a try has ended. Two wishes pull apart: a camera that was away must be recorded within seconds of
 * its return, and a camera that answers and fails must not be asked in a tight loop. So what counts is what the last try brought:
 *
 * | the try                                                  | counts as | the next one comes after                      |
 * |----------------------------------------------------------|-----------|-----------------------------------------------|
 * | found nobody (refused, no route, silent)                 | away      | 1, 2, 4, then 8 s                             |
 * | brought a minute of pictures or more                     | good      | 1 s                                           |
 * | brought 10 s of pictures or more                         | short     | as away: what it brings is worth its restarts |
 * | was answered and brought less                            | failed    | 1, 4, 15, 60, 240, then 720 s, by how many such came in a row, and never more than ten of them in an hour |
 * | was refused for its password                             | refused   | 1, 5, then 15 minutes, in the same ten         |
 *
 * Each wait is cut by up to half at random (never below a minute after a refusal), so that cameras that vanished together do not come
 * back together. Times are monotonic milliseconds.
 */
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import { backoffMs } from './backoff.ts';
import type { GapReason } from './gaps.ts';

export interface TryEnd {
  readonly reason: GapReason;
  /** Whether the camera spoke RTSP at all. */
  readonly answered: boolean;
  /** From its first picture to its last. */
  readonly liveMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface TryHistory {
  /** Ends in a row that were `away` or `short`. */
  readonly quick: number;
  /** Ends in a row that were `refused`. */
  readonly refused: number;
  /** Ends that were `failed` since one that brought pictures worth a restart. */
  readonly failed: number;
  /** When the tries began that were answered and failed, within the last hour; oldest first. */
  readonly failedMs: readonly number[];
}

export const noTries: TryHistory = { quick: 0, refused: 0, failed: 0, failedMs: [] };

/** So many tries within an hour may be answered and fail. */
export const failuresMax = 10;
/** Bounds how long after its return a camera is asked again. */
export const awayWaitMsMax = 8 * secondMs;

const goodFromMs = minuteMs;
const shortFromMs = 10 * secondMs;
const failedWaitsMs = [1, 4, 15, 60, 240, 720].map((seconds) => seconds * secondMs);
/** Many cameras lock a user out after five to seven wrong passwords within half an hour; these are at most four. */
const refusedWaitsMs = [1, 5, 15].map((minutes) => minutes * minuteMs);

export type TryKind = 'away' | 'good' | 'short' | 'failed' | 'refused';

export function kindOf({ reason, answered, liveMs }: TryEnd): TryKind {
  if (reason === 'credentials refused') return 'refused';
  if (liveMs >= goodFromMs) return 'good';
  if (liveMs >= shortFromMs) return 'short';
  return answered ? 'failed' : 'away';
}

/** What to remember of the try that has ended, and how long to wait before the next. */
export function nextTry(before: TryHistory, end: TryEnd, random: () => number): { readonly history: TryHistory; readonly waitMs: number } {
  const kind = kindOf(end);
  const counts = kind === 'failed' || kind === 'refused';
  const history: TryHistory = {
    quick: kind === 'away' || kind === 'short' ? before.quick + 1 : 0,
    refused: kind === 'refused' ? before.refused + 1 : 0,
    failed: kind === 'failed' ? before.failed + 1 : kind === 'good' || kind === 'short' ? 0 : before.failed,
    failedMs: [...before.failedMs, ...(counts ? [end.startedMs] : [])].filter((ms) => ms > end.endedMs - hourMs).slice(-failuresMax),
  };
  return { history, waitMs: Math.max(waitOf(kind, end, history, random), untilAllowedMs(history, end.endedMs)) };
}

function waitOf(kind: TryKind, { reason }: TryEnd, { quick, refused, failed }: TryHistory, random: () => number): number {
  if (kind === 'refused') return Math.round(stepOf(refusedWaitsMs, refused) * (1 + random() / 10));
  if (kind === 'failed') return jittered(stepOf(failedWaitsMs, failed), random);
  // Nothing is wrong with a camera that was set to another picture: it is only described anew.
  if (reason === 'codec changed') return 0;
  return backoffMs(Math.max(1, quick), random, awayWaitMsMax);
}

/** Whatever ended: no try may begin that could be the eleventh to fail within an hour. */
function untilAllowedMs({ failedMs }: TryHistory, nowMs: number): number {
  const oldest = failedMs.at(-failuresMax);
  return oldest === undefined ? 0 : Math.max(0, Math.ceil(oldest + hourMs - nowMs));
}

function stepOf(ladder: readonly number[], count: number): number {
  return ladder[Math.min(Math.max(count, 1), ladder.length) - 1] as number;
}

function jittered(ms: number, random: () => number): number {
  return Math.round(ms / 2 + (ms / 2) * random());
}
