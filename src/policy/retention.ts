/** How long things are kept and what is due. Retention here is a maximum: nothing in this file can make a deadline later. */
import type { UnixMs } from '../base/clock.ts';
import { formatAge, formatBytes, formatDuration, plural } from '../base/units.ts';
import { isoTime } from './times.ts';
import type { HubConfig, PeriodTimes } from './settings.ts';

/** A step of the clock back to `toMs`, by `byMs`. */
export interface StepBack {
  readonly toMs: UnixMs;
  readonly byMs: number;
  /** It took back times that were never trusted: only what was recorded in them, at a time that is still to come, ages by it. */
  readonly took?: { readonly fromMs: UnixMs; readonly toMs: UnixMs };
}

/** The clock is further ahead than can be known. */
export interface Doubt {
  /** What is certain: the last trusted time, and how long the hub was seen running since. It is never ahead of the truth. */
  readonly certainMs: UnixMs;
  /** Of what ended by then the clock is believed; -Infinity when of nothing. The last day stays: it is what somebody who turns clocks wants gone. */
  readonly believedToMs: UnixMs;
  /** Since when the doubted clock runs steady: what was recorded by it ages by it. */
  readonly sinceMs: UnixMs;
}

/** How the clock is to be taken: a verdict of `judgeTime`. */
export interface TimeView {
  readonly stepsBack: readonly StepBack[];
  readonly doubt?: Doubt;
}

const steady: TimeView = { stepsBack: [] };

/** The periods that are due at `nowMs`, in the order of their deadlines. */
export function duePeriods<P extends PeriodTimes>(periods: readonly P[], nowMs: UnixMs, time: TimeView = steady): P[] {
  return periods
    .filter((period) => dueMs(period, nowMs, time) <= nowMs)
    .sort((a, b) => a.deadlineMs - b.deadlineMs);
}

/**
 * The wall time at which a period is due, as seen at `nowMs`. What was recorded before the clock went back has aged by running time,
 * not by the clock; what was recorded since goes by the clock alone, or fresh footage would die early. While the clock is doubted,
 * what was recorded before it goes by what is certain.
 */
export function dueMs(period: PeriodTimes, nowMs: UnixMs, { stepsBack, doubt }: TimeView): UnixMs {
  const aged = period.deadlineMs - extraAgeMs(period, nowMs, stepsBack);
  if (doubt === undefined || period.startMs >= doubt.sinceMs) return aged;
  return period.endMs <= doubt.believedToMs ? aged : aged + (nowMs - doubt.certainMs);
}

function extraAgeMs(period: PeriodTimes, nowMs: UnixMs, stepsBack: readonly StepBack[]): number {
  const toCome = period.startMs > nowMs;
  const taken = stepsBack.findIndex(({ took }) => took !== undefined && toCome && period.endMs > took.fromMs && period.startMs <= took.toMs);
  const counting = taken >= 0
    ? stepsBack.slice(taken).filter(({ took }) => took !== undefined)
    : stepsBack.filter((step) => step.took === undefined && (period.endMs <= step.toMs || toCome));
  return counting.reduce((sum, step) => sum + step.byMs, 0);
}

/**
 * The deadline of what is held until `untilMs`, decided at `nowMs`. What was recorded before the clock went back counts as that much older
 * (`dueMs`): the hold's deadline carries it, or the hold would end at once.
 */
export function holdDeadlineMs(untilMs: UnixMs, period: Omit<PeriodTimes, 'deadlineMs'>, nowMs: UnixMs, { stepsBack }: Pick<TimeView, 'stepsBack'> = steady): UnixMs {
  return untilMs + extraAgeMs({ ...period, deadlineMs: untilMs }, nowMs, stepsBack);
}

/** How long footage of a camera is kept; a camera that the configuration no longer names falls under the hub's own rule. */
export function keepFor(camera: string, config: HubConfig): number {
  return config.cameras.find((known) => known.id === camera)?.keepMs ?? config.keep.footageMs;
}

/** A deadline under a changed retention: never later than it was, because the owner was promised the earlier one. */
export function shortened(deadlineMs: UnixMs, endMs: UnixMs, keepMs: number): UnixMs {
  return Math.min(deadlineMs, endMs + keepMs);
}

export interface PurgeFacts extends PeriodTimes {
  readonly camera: string;
  readonly class: string;
  readonly segments: number;
  readonly bytes: number;
  /** Of `dueMs`; later than the deadline while the clock is doubted, earlier after it went back. */
  readonly dueMs: UnixMs;
}

/** What a purge at `nowMs` would destroy and what comes next, in words; for `purge --dry-run`. */
export function explainPurge(periods: readonly PurgeFacts[], nowMs: UnixMs): string[] {
  const inOrder = [...periods].sort((a, b) => a.dueMs - b.dueMs);
  const due = inOrder.filter((period) => period.dueMs <= nowMs);
  const locked = inOrder.filter((period) => period.dueMs > nowMs && period.deadlineMs <= nowMs);
  const next = inOrder[due.length];
  return [
    due.length === 0 ? 'nothing is due' : `due now: ${sums(due)}`,
    ...due.map((period) => `${describePeriod(period)}, due since ${formatAge(Math.max(0, nowMs - period.dueMs))}`),
    ...(locked.length === 0 ? [] : [`locked until the time is certain: ${sums(locked)}`]),
    next === undefined ? 'nothing else is kept' : `next: ${describePeriod(next)}, due in ${formatAge(next.dueMs - nowMs)}`,
  ];
}

function sums(due: readonly PurgeFacts[]): string {
  const segments = due.reduce((sum, period) => sum + period.segments, 0);
  const bytes = due.reduce((sum, period) => sum + period.bytes, 0);
  return `${plural(due.length, 'period')} with ${plural(segments, 'segment')}, ${formatBytes(bytes)}`;
}

function describePeriod(period: PurgeFacts): string {
  return `${period.camera}: ${period.class} of ${isoTime(period.startMs)} (${formatDuration(period.endMs - period.startMs)}), ${plural(period.segments, 'segment')}, ${formatBytes(period.bytes)}`;
}
