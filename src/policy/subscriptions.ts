/**
 * How a camera's events are asked for when all is not well. A camera may answer at once instead of waiting, never stop sending, end our
 * subscriptions, say that it has events and have none, or be away. Each ends in a state that is said, and in tries that it can bear:
 *
 * | the try                                                      | counts as   | the next one comes after          |
 * |--------------------------------------------------------------|-------------|-----------------------------------|
 * | found nobody (refused, no route, silent)                     | away        | 1 s doubling to 60 s              |
 * | brought answers for as long as was granted, or five minutes  | good        | 1 s                               |
 * | brought answers, and was ended early                         | short       | as away                           |
 * | brought no answer                                            | failed      | as away; from the tenth on, 5 min |
 * | brought none, five times, and never any                      | unsupported | 15 min, then each hour            |
 * | was answered that there are no events                        | unsupported | 15 min, then each hour            |
 * | was refused for its password                                 | refused     | 1, 5, then 15 minutes, and not before pictures come |
 *
 * Each wait is cut by up to half at random, but never below the first minute after a refusal.
 */
import type { UnixMs } from '../base/clock.ts';
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import { isoTime } from './times.ts';
import { backoffMs } from './backoff.ts';

// one pull after the other

/** A pull that comes back empty within this time did not wait. */
export const floorMs = secondMs;
/** Whatever the camera sends, it is not asked more often. */
export const pullsPerSecondMax = 5;
const pullMsMin = secondMs / pullsPerSecondMax;
const slowMs = 2 * secondMs;
const hastyMax = 5;
const floodMax = 25;

export interface PullHistory {
  /** Empty answers that came at once, since the last that was waited for. */
  readonly hasty: number;
  /** Answers in a row that were full and came at once. */
  readonly flood: number;
}

export const noPulls: PullHistory = { hasty: 0, flood: 0 };

/** What to remember of a pull, and how long to wait before the next. */
export function nextPull(before: PullHistory, pull: { readonly messages: number; readonly tookMs: number }): { readonly history: PullHistory; readonly waitMs: number } {
  const empty = pull.messages === 0;
  const history: PullHistory = {
    hasty: !empty ? before.hasty : pull.tookMs < floorMs ? Math.min(before.hasty + 1, hastyMax) : 0,
    flood: !empty && pull.tookMs < floorMs ? Math.min(before.flood + 1, floodMax) : 0,
  };
  const spanMs = history.hasty >= hastyMax && empty ? slowMs : empty || history.flood >= floodMax ? floorMs : pullMsMin;
  return { history, waitMs: Math.max(0, spanMs - pull.tookMs) };
}

/** Why events are asked for at a pace of our own, and come late; undefined where the camera waits as it should. */
export function slowBecause({ hasty, flood }: PullHistory): string | undefined {
  if (hasty >= hastyMax) return 'it answers at once instead of waiting for an event';
  return flood >= floodMax ? 'it never stops sending events' : undefined;
}

// one subscription after the other

export type TryEnd = {
  readonly outcome: 'away' | 'refused' | 'unsupported' | 'failed';
  /** In words, cleaned. */
  readonly reason: string;
  /** From the subscription to its end, and how long it was granted for. */
  readonly livedMs: number;
  readonly grantedMs: number;
  /** Pulls that were answered. */
  readonly pulls: number;
};

export interface TryHistory {
  /** Tries in a row that brought nothing. */
  readonly failures: number;
  readonly refusals: number;
  readonly denials: number;
  /** Subscriptions in a row that were ended early. */
  readonly shorts: number;
  /** Whether this camera has ever answered a pull. */
  readonly worked: boolean;
}

export const noTries: TryHistory = { failures: 0, refusals: 0, denials: 0, shorts: 0, worked: false };

const longMs = 5 * minuteMs;
const shortsMax = 3;
const failuresQuick = 10;
const failuresUntilNone = 5;
const failedWaitMs = 5 * minuteMs;
const deniedWaitsMs = [15 * minuteMs, hourMs];
/** Many cameras lock a user out after five to seven wrong passwords within half an hour, and the stream asks too. */
const refusedWaitsMs = [1, 5, 15].map((minutes) => minutes * minuteMs);

export interface NextTry {
  readonly history: TryHistory;
  readonly waitMs: number;
  readonly state: EventsState;
}

/** After the end of a subscription, or of a try to get one. */
export function nextTry(before: TryHistory, end: TryEnd, random: () => number): NextTry {
  const worked = before.worked || end.pulls > 0;
  const calm: TryHistory = { ...noTries, worked };
  if (end.outcome === 'refused') {
    const refusals = before.refusals + 1;
    return { history: { ...calm, refusals }, waitMs: Math.round(stepOf(refusedWaitsMs, refusals) * (1 + random() / 10)), state: { kind: 'stuck', because: 'its user or password is refused' } };
  }
  if (end.pulls > 0) return afterAnswers(before, end, calm, random);
  const failures = before.failures + 1;
  const none = end.outcome === 'unsupported' || (end.outcome === 'failed' && !worked && failures >= failuresUntilNone);
  if (none) {
    const denials = before.denials + 1;
    return { history: { ...calm, failures, denials }, waitMs: jittered(stepOf(deniedWaitsMs, denials), random), state: { kind: 'none', because: end.reason } };
  }
  const waitMs = end.outcome === 'failed' && failures >= failuresQuick ? jittered(failedWaitMs, random) : backoffMs(failures, random);
  return { history: { ...calm, failures, shorts: before.shorts }, waitMs, state: failures < shortsMax ? { kind: 'starting', because: end.reason } : { kind: 'stuck', because: end.reason } };
}

function afterAnswers(before: TryHistory, end: TryEnd, calm: TryHistory, random: () => number): NextTry {
  const long = end.livedMs >= Math.min(longMs, 0.8 * end.grantedMs);
  if (long) return { history: calm, waitMs: backoffMs(1, random), state: { kind: 'starting', because: end.reason } };
  const shorts = before.shorts + 1;
  return { history: { ...calm, shorts }, waitMs: backoffMs(shorts, random), state: { kind: 'starting', because: end.reason } };
}

/** What a subscription that answers begins with: a camera that has ended several early is known for it until one has lasted. */
export function endedEarly({ shorts }: TryHistory): string | undefined {
  return shorts >= shortsMax ? 'it ends each subscription early' : undefined;
}

function stepOf(ladder: readonly number[], count: number): number {
  return ladder[Math.min(Math.max(count, 1), ladder.length) - 1] as number;
}

function jittered(ms: number, random: () => number): number {
  return Math.round(ms / 2 + (ms / 2) * random());
}

// what is said of it

/**
 * `working`; `polling`: they come, but late; `none`: the camera has none, or not for us; `stuck`: it should have some and brings none;
 * `starting`: being subscribed to, with what ended the last subscription; `off`: as configured.
 */
export type EventsKind = 'off' | 'starting' | 'working' | 'polling' | 'none' | 'stuck';
export const eventsKinds: readonly EventsKind[] = ['off', 'starting', 'working', 'polling', 'none', 'stuck'];

export interface EventsState {
  readonly kind: EventsKind;
  readonly because?: string;
}

export function eventsInWords({ kind, because }: EventsState, sinceMs: UnixMs): string {
  const why = because === undefined || because === '' ? '' : `, because ${because}`;
  if (kind === 'off') return 'off, as configured';
  if (kind === 'polling') return `polling slowly${why}`;
  if (kind === 'none') return `none${why}`;
  if (kind === 'stuck') return `stuck since ${isoTime(sinceMs)}${why}`;
  if (kind === 'starting') return because === undefined ? 'being subscribed to' : `being subscribed to again${why}`;
  return because === undefined ? 'working' : `working (${because})`;
}
