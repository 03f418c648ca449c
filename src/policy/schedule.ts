/** Times of the week, by the machine's zone or by the sun: when something is so by itself. A night of Friday ends on Saturday, and a day of 23 or 25 hours is a day. */
import type { UnixMs } from '../base/clock.ts';
import { minuteMs } from '../base/units.ts';
import { sunOf, type Place } from './sun.ts';

export const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof weekdays)[number];

/** "22:00" by the machine's zone, or by the sun. */
export type Moment = string;
export const momentPattern = '^(([01][0-9]|2[0-3]):[0-5][0-9]|sunrise|sunset)$';

export interface Schedule {
  /** Days on which it begins. */
  readonly days: readonly Weekday[];
  readonly from: Moment;
  /** Of the next day where it is not after `from`. */
  readonly to: Moment;
}

/** Day and night: from midnight to midnight of each day. */
export const always: Schedule = { days: weekdays, from: '00:00', to: '00:00' };

export type Window = readonly [fromMs: UnixMs, toMs: UnixMs];

const daysAhead = 8;
/** Where the sun neither rises nor sets, or nobody has said where the hub is. */
const withoutSun = { sunrise: '06:00', sunset: '18:00' };

export interface ScheduleNow {
  /** The time that it is in now; undefined when it is in none. Times that overlap or touch count as one. */
  readonly running: Window | undefined;
  /** When that may be otherwise; undefined when never within a week. */
  readonly nextMs: UnixMs | undefined;
}

/** Of several schedules together. */
export function scheduleAt(schedules: readonly Schedule[], place: Place | undefined, nowMs: UnixMs): ScheduleNow {
  const windows = schedules.flatMap((schedule) => windowsOf(schedule, place, nowMs));
  const changes = windows.flat().filter((ms) => ms > nowMs);
  return { running: runningAt(windows, nowMs), nextMs: changes.length === 0 ? undefined : Math.min(...changes) };
}

/** "each day from 22:00 to 06:00" */
export function timesInWords({ days, from, to }: Schedule): string {
  const when = days.length === weekdays.length ? 'each day' : weekdays.filter((day) => days.includes(day)).join(', ');
  return from === always.from && to === always.to ? when : `${when} from ${from} to ${to}`;
}

/** Whether it goes by the sun. */
export function isBySun({ from, to }: Pick<Schedule, 'from' | 'to'>): boolean {
  return from in withoutSun || to in withoutSun;
}

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

function windowsOf({ days, from, to }: Schedule, place: Place | undefined, nowMs: UnixMs): Window[] {
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
