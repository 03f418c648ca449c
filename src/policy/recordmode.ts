/** When a camera is recorded: always, only what an alarm is about, or not at all. The first rule that fits camera and time counts. */
import type { UnixMs } from '../base/clock.ts';
import { camerasInWords, concerns, type CamerasOrSpaces } from './concerns.ts';
import { scheduleAt, timesInWords, type Schedule } from './schedule.ts';
import type { Place } from './sun.ts';

/** From what keeps most to what keeps least. `alarms`: the time of an alarm, with what the rule wants before and after it. */
export const recordModes = ['continuous', 'alarms', 'off'] as const;
export type RecordMode = (typeof recordModes)[number];

export interface RecordingRule extends CamerasOrSpaces, Schedule {
  readonly mode: RecordMode;
}

export interface ModeNow {
  readonly mode: RecordMode;
  /** When it may be another one; undefined when not within a week. */
  readonly nextMs: UnixMs | undefined;
}

export function recordModeAt(camera: { readonly id: string; readonly space: string }, rules: readonly RecordingRule[], place: Place | undefined, nowMs: UnixMs): ModeNow {
  let nextMs = Number.POSITIVE_INFINITY;
  let mode: RecordMode | undefined;
  for (const rule of rules.filter((one) => concerns(one, camera))) {
    const { running, nextMs: ruleMs } = scheduleAt([rule], place, nowMs);
    nextMs = Math.min(nextMs, ruleMs ?? nextMs);
    mode ??= running === undefined ? undefined : rule.mode;
  }
  return { mode: mode ?? 'continuous', nextMs: nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs };
}

/** Whether any rule may ever record the camera around alarms, so that what comes before one must be kept in memory. */
export function mayRecordAlarms(camera: { readonly id: string; readonly space: string }, rules: readonly RecordingRule[]): boolean {
  return rules.some((rule) => rule.mode === 'alarms' && concerns(rule, camera));
}

/** "front-door is recorded around alarms only each day from 22:00 to 06:00" */
export function recordingInWords(rule: RecordingRule): string {
  const how = { continuous: 'recorded', alarms: 'recorded around alarms only', off: 'not recorded' }[rule.mode];
  const which = camerasInWords(rule);
  return `${which} ${rule.cameras?.length === 1 ? 'is' : 'are'} ${how} ${timesInWords(rule)}`;
}
