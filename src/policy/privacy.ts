/**
 * When a space is private: its cameras are then neither watched nor recorded. Somebody has switched it, or a rule of the configuration
 * says so at this time of the day. A switch to private holds until somebody switches it back; a switch back during a rule's time lifts
 * the rule until that time ends.
 */
import type { UnixMs } from '../base/clock.ts';
import { minuteMs } from '../base/units.ts';
import { sunOf, type Place } from './sun.ts';

export const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof weekdays)[number];

/** "22:00" by the machine's zone, or by the sun. */
export type Moment = string;
export const momentPattern = '^(([01][0-9]|2[0-3]):[0-5][0-9]|sunrise|sunset)$';

export interface PrivacyRule {
  readonly space: string;
  /** Days on which it begins. */
  readonly days: readonly Weekday[];
  readonly from: Moment;
  /** Of the next day where it is not after `from`. */
  readonly to: Moment;
}

/** What somebody has said by hand. */
export interface PrivacySwitch {
  readonly space: string;
  readonly on: boolean;
  readonly sinceMs: UnixMs;
  /** Of a switch back: until when rules are lifted. */
  readonly untilMs?: UnixMs;
}

export interface PrivacyNow {
  /** Undefined: pictures may be made. */
  readonly private: { readonly sinceMs: UnixMs; readonly untilMs: UnixMs | undefined; readonly by: 'hand' | 'rule' } | undefined;
  /** When it is to be looked at again at the latest. */
  readonly nextMs: UnixMs | undefined;
}

const daysAhead = 8;
/** Where the sun neither rises nor sets, or nobody has said where the hub is. */
const withoutSun = { sunrise: '06:00', sunset: '18:00' };

export function privacyAt(space: string, rules: readonly PrivacyRule[], switches: readonly PrivacySwitch[], place: Place | undefined, nowMs: UnixMs): PrivacyNow {
  const windows = rules.filter((rule) => rule.space === space).flatMap((rule) => windowsOf(rule, place, nowMs));
  const hand = switches.find((one) => one.space === space);
  const liftedMs = hand !== undefined && !hand.on ? hand.untilMs ?? Number.NEGATIVE_INFINITY : Number.NEGATIVE_INFINITY;
  const changes = [...windows.flat(), liftedMs].filter((ms) => ms > nowMs);
  const nextMs = changes.length === 0 ? undefined : Math.min(...changes);
  if (hand?.on === true) return { private: { sinceMs: hand.sinceMs, untilMs: undefined, by: 'hand' }, nextMs };
  const running = runningAt(windows, nowMs);
  if (running === undefined || nowMs < liftedMs) return { private: undefined, nextMs };
  return { private: { sinceMs: running[0], untilMs: running[1], by: 'rule' }, nextMs };
}

/** Until when a switch back lifts the rules; undefined when none holds. */
export function liftedUntil(space: string, rules: readonly PrivacyRule[], place: Place | undefined, nowMs: UnixMs): UnixMs | undefined {
  return runningAt(rules.filter((rule) => rule.space === space).flatMap((rule) => windowsOf(rule, place, nowMs)), nowMs)?.[1];
}

/** Rules of `before` that `after` has no more: taking them away lowers privacy. */
export function rulesLost(before: readonly PrivacyRule[], after: readonly PrivacyRule[]): readonly PrivacyRule[] {
  const kept = new Set(after.map(ruleInWords));
  return before.filter((rule) => !kept.has(ruleInWords(rule)));
}

export function ruleInWords(rule: PrivacyRule): string {
  return `${rule.space} is private ${timesInWords(rule)}`;
}

/** "each day from 22:00 to 06:00" */
export function timesInWords({ days, from, to }: PrivacyRule): string {
  const when = days.length === weekdays.length ? 'each day' : weekdays.filter((day) => days.includes(day)).join(', ');
  return `${when} from ${from} to ${to}`;
}

type Window = readonly [fromMs: UnixMs, toMs: UnixMs];

/** Windows that overlap or touch count as one. */
function runningAt(windows: readonly Window[], nowMs: UnixMs): Window | undefined {
  let running: Window | undefined;
  for (const [fromMs, toMs] of windows.toSorted(([one], [other]) => one - other)) {
    if (running !== undefined && fromMs <= running[1]) running = [running[0], Math.max(running[1], toMs)];
    else if (running === undefined || running[1] <= nowMs) running = [fromMs, toMs];
    else break;
  }
  return running !== undefined && running[0] <= nowMs && nowMs < running[1] ? running : undefined;
}

function windowsOf({ days, from, to }: PrivacyRule, place: Place | undefined, nowMs: UnixMs): Window[] {
  const windows: Window[] = [];
  for (let offset = -2; offset <= daysAhead; offset++) {
    const day = new Date(nowMs);
    day.setHours(12, 0, 0, 0);
    day.setDate(day.getDate() + offset);
    if (!days.includes(weekdays[day.getDay()] as Weekday)) continue;
    const fromMs = momentOn(day, from, place);
    const sameDayMs = momentOn(day, to, place);
    const next = new Date(day);
    next.setDate(next.getDate() + 1);
    windows.push([fromMs, sameDayMs > fromMs ? sameDayMs : momentOn(next, to, place)]);
  }
  return windows;
}

/** `noon` of the day, by the machine's zone. */
function momentOn(noon: Date, moment: Moment, place: Place | undefined): UnixMs {
  if (moment !== 'sunrise' && moment !== 'sunset') return timeOn(noon, moment);
  const sun = place === undefined ? undefined : sunOf(noon.getTime(), place);
  if (sun === undefined) return timeOn(noon, withoutSun[moment]);
  return Math.floor((moment === 'sunrise' ? sun.riseMs : sun.setMs) / minuteMs) * minuteMs;
}

function timeOn(noon: Date, time: string): UnixMs {
  const at = new Date(noon);
  at.setHours(Number(time.slice(0, 2)), Number(time.slice(3)), 0, 0);
  return at.getTime();
}

