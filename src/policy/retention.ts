/** How long things are kept and what is due. Retention here is a maximum: nothing in this file can make a deadline later. */
import type { UnixMs } from '../base/clock.ts';
import { formatAge, formatBytes, formatDuration, plural } from '../base/units.ts';
import type { HubConfig, PeriodTimes } from './settings.ts';

/** A step of a trusted clock back to `toMs`, by `byMs`. */
export interface StepBack {
  readonly toMs: UnixMs;
  readonly byMs: number;
}

/**
 * The periods that are due at `nowMs`, in the order of their deadlines. What was recorded before the clock went back has aged by
 * running time, not by the clock: `stepsBack` (of `judgeTime`) adds that. What may have been recorded since goes by the clock alone,
 * or fresh footage would die early.
 */
export function duePeriods<P extends PeriodTimes>(periods: readonly P[], nowMs: UnixMs, stepsBack: readonly StepBack[] = []): P[] {
  return periods
    .filter((period) => period.deadlineMs <= nowMs + extraAgeMs(period, nowMs, stepsBack))
    .sort((a, b) => a.deadlineMs - b.deadlineMs);
}

function extraAgeMs(period: PeriodTimes, nowMs: UnixMs, stepsBack: readonly StepBack[]): number {
  return stepsBack
    .filter((step) => period.endMs <= step.toMs || period.startMs > nowMs)
    .reduce((sum, step) => sum + step.byMs, 0);
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
}

/** What a purge at `nowMs` would destroy and what comes next, in words; for `purge --dry-run`. */
export function explainPurge(periods: readonly PurgeFacts[], nowMs: UnixMs, stepsBack: readonly StepBack[] = []): string[] {
  const due = duePeriods(periods, nowMs, stepsBack);
  const next = duePeriods(periods, Infinity).find((period) => !due.includes(period));
  const head = due.length === 0 ? 'nothing is due' : `due now: ${sums(due)}`;
  return [
    head,
    ...due.map((period) => `${describePeriod(period)}, due since ${formatAge(Math.max(0, nowMs - period.deadlineMs))}`),
    next === undefined ? 'nothing else is kept' : `next: ${describePeriod(next)}, due in ${formatAge(next.deadlineMs - nowMs)}`,
  ];
}

function sums(due: readonly PurgeFacts[]): string {
  const segments = due.reduce((sum, period) => sum + period.segments, 0);
  const bytes = due.reduce((sum, period) => sum + period.bytes, 0);
  return `${plural(due.length, 'period')} with ${plural(segments, 'segment')}, ${formatBytes(bytes)}`;
}

function describePeriod(period: PurgeFacts): string {
  const start = new Date(period.startMs).toISOString().slice(0, 19);
  return `${period.camera}: ${period.class} of ${start}Z (${formatDuration(period.endMs - period.startMs)}), ${plural(period.segments, 'segment')}, ${formatBytes(period.bytes)}`;
}
