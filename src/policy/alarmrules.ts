/**
 * Which observations become alarms. A rule says of which cameras, what, where in the picture and when; whoever comes and stays is one
 * visit, and a visit is one alarm of each rule that it concerns. What rings too often is bounded and counted. The camera's own word and
 * the hub's have the same rank, but only what the hub has seen has a place in the picture, and a size.
 */
import type { UnixMs } from '../base/clock.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { camerasInWords, concerns, type CamerasOrSpaces } from './concerns.ts';
import type { ObservationKind } from './observations.ts';
import { scheduleAt, timesInWords, type Schedule } from './schedule.ts';
import type { Place } from './sun.ts';

export type ZonePoint = readonly [x: number, y: number];

/** A place in a camera's picture, by fractions of its width and height. */
export interface Zone {
  readonly camera: string;
  readonly name: string;
  /** What has its foot in it was never there. */
  readonly mask: boolean;
  readonly points: readonly ZonePoint[];
}

export interface AlarmRule extends CamerasOrSpaces, Schedule {
  readonly name: string;
  readonly kinds: readonly ObservationKind[];
  /** Names of zones; anywhere when absent. */
  readonly zones?: readonly string[];
  /** How high what is seen must be, and may be, 0 to 1 of the picture's height; any height when absent. */
  readonly sizeLeast?: number;
  readonly sizeMost?: number;
  readonly keepMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly enabled: boolean;
}

/** Upper left corner and size, each 0 to 1 of the picture. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An observation, as rules look at it. */
export interface Seen {
  readonly camera: string;
  readonly kind: ObservationKind;
  readonly by: 'hub' | 'camera';
  readonly atMs: UnixMs;
  /** Of what the hub has seen itself. */
  readonly box?: Box | undefined;
}

export interface RuleFacts {
  /** The camera's. */
  readonly space: string;
  readonly detect: 'both' | 'hub' | 'camera' | 'off';
  readonly zones: readonly Zone[];
  readonly place: Place | undefined;
}

/** Where somebody or something was seen so well that it should be shown. */
export interface Best {
  readonly atMs: UnixMs;
  readonly box: Box;
  /** Of two the greater one is shown. */
  readonly worth: number;
}

/** What the hub can see itself. */
export const hubKinds: ReadonlySet<ObservationKind> = new Set(['person', 'vehicle', 'motion']);
/** What is nowhere in the picture, so that neither zone nor size matters. */
const placeless: ReadonlySet<ObservationKind> = new Set(['sound', 'doorbell', 'tamper', 'input', 'firmware', 'restart']);

export type Verdict = 'rings' | 'switched off' | 'another camera' | 'another kind' | 'another source' | 'another time' | 'masked' | 'outside its zones' | 'without a place' | 'too small' | 'too large' | 'without a size';

/** Whether a rule keeps an observation, and if not, why. */
export function judge(rule: AlarmRule, seen: Seen, { space, detect, zones, place }: RuleFacts): Verdict {
  if (!rule.enabled) return 'switched off';
  if (!concerns(rule, { id: seen.camera, space })) return 'another camera';
  if (!rule.kinds.includes(seen.kind)) return 'another kind';
  if (detect === 'off' || (detect !== 'both' && detect !== seen.by)) return 'another source';
  if (scheduleAt([rule], place, seen.atMs).running === undefined) return 'another time';
  if (placeless.has(seen.kind)) return 'rings';
  const ofCamera = zones.filter(({ camera }) => camera === seen.camera);
  const foot = seen.box === undefined ? undefined : footOf(seen.box);
  if (foot !== undefined && ofCamera.some(({ mask, points }) => mask && isInside(foot, points))) return 'masked';
  if (foot === undefined || seen.box === undefined) return rule.zones !== undefined ? 'without a place' : asksSize(rule) ? 'without a size' : 'rings';
  if (rule.zones !== undefined && !ofCamera.some(({ name, mask, points }) => !mask && rule.zones?.includes(name) === true && isInside(foot, points))) return 'outside its zones';
  if (!(seen.box.height >= (rule.sizeLeast ?? 0))) return 'too small';
  return seen.box.height <= (rule.sizeMost ?? Infinity) ? 'rings' : 'too large';
}

/** The rule as it would be if nothing were known of where in the picture anything is, nor how large. */
export function anywhere(rule: AlarmRule): AlarmRule {
  const { zones: _, sizeLeast: _least, sizeMost: _most, ...without } = rule;
  return without;
}

/** Whether it matters to the rule where in the picture something is, or how large. */
export function asksPlace(rule: Pick<AlarmRule, 'zones' | 'sizeLeast' | 'sizeMost'>): boolean {
  return rule.zones !== undefined || asksSize(rule);
}

function asksSize({ sizeLeast, sizeMost }: Pick<AlarmRule, 'sizeLeast' | 'sizeMost'>): boolean {
  return sizeLeast !== undefined || sizeMost !== undefined;
}

/** The camera's zones, by name, that what is seen there stands in; masks are none. */
export function zonesOf(camera: string, box: Box, zones: readonly Zone[]): readonly string[] {
  const foot = footOf(box);
  return zones.filter((zone) => zone.camera === camera && !zone.mask && isInside(foot, zone.points)).map(({ name }) => name);
}

/** Where somebody stands: the middle of the box's lower edge. */
export function footOf({ x, y, width, height }: Box): ZonePoint {
  return [Math.min(1, Math.max(0, x + width / 2)), Math.min(1, Math.max(0, y + height))];
}

/** By the even-odd rule, so that a polygon that crosses itself is what it looks like. */
export function isInside([x, y]: ZonePoint, points: readonly ZonePoint[]): boolean {
  let inside = false;
  let [beforeX, beforeY] = points.at(-1) ?? [0, 0];
  for (const [pointX, pointY] of points) {
    if (pointY > y !== beforeY > y && x < ((beforeX - pointX) * (y - pointY)) / (beforeY - pointY) + pointX) inside = !inside;
    [beforeX, beforeY] = [pointX, pointY];
  }
  return inside;
}

/** Twice what a polygon encloses; 0 for one that is only a line. */
export function areaOf(points: readonly ZonePoint[]): number {
  let [beforeX, beforeY] = points.at(-1) ?? [0, 0];
  let area = 0;
  for (const [x, y] of points) {
    area += beforeX * y - x * beforeY;
    [beforeX, beforeY] = [x, y];
  }
  return Math.abs(area);
}

/** Whether the hub must look itself at a camera now, and when that is to be asked again. */
export function hubLooksAt(camera: { readonly id: string } & Pick<RuleFacts, 'space' | 'detect'>, rules: readonly AlarmRule[], place: Place | undefined, nowMs: UnixMs): { readonly kinds: ReadonlySet<ObservationKind>; readonly nextMs: UnixMs | undefined } {
  const kinds = new Set<ObservationKind>();
  let nextMs = Number.POSITIVE_INFINITY;
  if (camera.detect === 'both' || camera.detect === 'hub') {
    for (const rule of rules.filter((one) => one.enabled && concerns(one, camera) && one.kinds.some((kind) => hubKinds.has(kind)))) {
      const { running, nextMs: ruleMs } = scheduleAt([rule], place, nowMs);
      nextMs = Math.min(nextMs, ruleMs ?? nextMs);
      if (running !== undefined) for (const kind of rule.kinds) if (hubKinds.has(kind)) kinds.add(kind);
    }
  }
  return { kinds, nextMs: nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs };
}

/** An alarm is open so long at most, whatever goes on: what follows is footage as any other. */
export const alarmMsMax = 10 * minuteMs;
/** The hub has a segment's file key until so long after its close; then nothing holds it any more. */
export const alarmKeysMsMax = 120 * secondMs;
/** Whoever is gone for a shorter time has not been away. */
const quietMsMin = 10 * secondMs;
/** Of one rule within a minute, and of all. */
export const alarmsPerRuleAndMinute = 6;
export const alarmsPerMinute = 30;

/** Somebody, or something, that a rule has kept; of one rule at one camera there is one at a time. */
export interface Visit {
  readonly rule: string;
  readonly camera: string;
  readonly fromMs: UnixMs;
  /** When it was seen last. */
  readonly lastMs: UnixMs;
  /** The observations that last. */
  readonly lasting: ReadonlySet<string>;
  readonly afterMs: number;
  /** Its alarm is open: not beyond the limits, not for too long. */
  readonly alarm: boolean;
}

export interface Visits {
  readonly open: ReadonlyMap<string, Visit>;
  /** When alarms began within the last minute. */
  readonly rung: readonly { readonly rule: string; readonly atMs: UnixMs }[];
}

export const noVisits: Visits = { open: new Map(), rung: [] };

export type VisitEvent =
  /** `suppressed`: beyond the limits; it is recorded, and is no alarm. */
  | { readonly what: 'begun' | 'suppressed'; readonly visit: Visit }
  | { readonly what: 'goes on'; readonly visit: Visit }
  | { readonly what: 'alarm over' | 'over'; readonly visit: Visit };

export interface VisitsAfter {
  readonly visits: Visits;
  readonly events: readonly VisitEvent[];
}

/** A rule has kept an observation: `name` is its own among all that last; `lasts` until `endObservation`. */
export function visit(before: Visits, rule: Pick<AlarmRule, 'name' | 'afterMs'>, seen: Pick<Seen, 'camera' | 'atMs'>, observation: { readonly name: string; readonly lasts: boolean }): VisitsAfter {
  const key = keyOf({ rule: rule.name, camera: seen.camera });
  const known = before.open.get(key);
  const lasting = new Set(known?.lasting);
  if (observation.lasts) lasting.add(observation.name);
  if (known !== undefined) {
    const goesOn: Visit = { ...known, lastMs: Math.max(known.lastMs, seen.atMs), lasting, afterMs: rule.afterMs };
    return { visits: { ...before, open: new Map([...before.open, [key, goesOn]]) }, events: [{ what: 'goes on', visit: goesOn }] };
  }
  const rung = before.rung.filter(({ atMs }) => Math.abs(seen.atMs - atMs) < minuteMs);
  const alarm = rung.length < alarmsPerMinute && rung.filter((one) => one.rule === rule.name).length < alarmsPerRuleAndMinute;
  const begun: Visit = { rule: rule.name, camera: seen.camera, fromMs: seen.atMs, lastMs: seen.atMs, lasting, afterMs: rule.afterMs, alarm };
  return {
    visits: { open: new Map([...before.open, [key, begun]]), rung: alarm ? [...rung, { rule: rule.name, atMs: seen.atMs }] : rung },
    events: [{ what: alarm ? 'begun' : 'suppressed', visit: begun }],
  };
}

/** What lasted is over; a visit that has nothing left ends after a while. */
export function endObservation(before: Visits, camera: string, name: string, atMs: UnixMs): Visits {
  const open = new Map(before.open);
  for (const [key, one] of open) {
    if (one.camera !== camera || !one.lasting.has(name)) continue;
    open.set(key, { ...one, lastMs: Math.max(one.lastMs, atMs), lasting: new Set([...one.lasting].filter((other) => other !== name)) });
  }
  return { ...before, open };
}

/** Visits that are over, and alarms that have been open for too long; also where the clock was set back, so that nothing waits for a time to come again. */
export function endVisits(before: Visits, nowMs: UnixMs): VisitsAfter {
  const open = new Map(before.open);
  const events: VisitEvent[] = [];
  for (const [key, one] of before.open) {
    const seen = one.lasting.size > 0 ? { ...one, lastMs: Math.max(one.lastMs, nowMs) } : one;
    const toMs = Math.min(seen.lastMs, one.fromMs + alarmMsMax);
    if (one.lasting.size === 0 && Math.abs(nowMs - one.lastMs) >= quietOf(one)) {
      open.delete(key);
      if (one.alarm) events.push({ what: 'alarm over', visit: { ...seen, lastMs: toMs } });
      events.push({ what: 'over', visit: seen });
    } else if (one.alarm && Math.abs(nowMs - one.fromMs) >= alarmMsMax) {
      open.set(key, { ...seen, alarm: false });
      events.push({ what: 'alarm over', visit: { ...seen, lastMs: toMs } });
    } else if (seen !== one) open.set(key, seen);
  }
  return { visits: { ...before, open }, events };
}

/** When `endVisits` has something to do at the latest; undefined while nobody is there. */
export function nextEndMs({ open }: Visits): UnixMs | undefined {
  const ends = [...open.values()].flatMap((one) => [...(one.lasting.size === 0 ? [one.lastMs + quietOf(one)] : []), ...(one.alarm ? [one.fromMs + alarmMsMax] : [])]);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

export interface HoldQuestion {
  readonly segment: { readonly startMs: UnixMs; readonly endMs: UnixMs; readonly closedMs: UnixMs };
  /** `toMs` is not known while it is open. */
  readonly alarm: { readonly fromMs: UnixMs; readonly toMs: UnixMs | undefined; readonly beforeMs: number; readonly afterMs: number };
  readonly nowMs: UnixMs;
}

/** Whether a closed segment is kept for an alarm. */
export function holdFor({ segment, alarm, nowMs }: HoldQuestion): 'hold' | 'not concerned' | 'too late' {
  const toMs = Math.min(alarm.toMs ?? Number.POSITIVE_INFINITY, alarm.fromMs + alarmMsMax) + alarm.afterMs;
  if (segment.endMs <= alarm.fromMs - alarm.beforeMs || segment.startMs >= toMs) return 'not concerned';
  return nowMs - segment.closedMs < alarmKeysMsMax ? 'hold' : 'too late';
}

/** "night: person, vehicle at front-door, in door, at least 20 % of the picture's height, each day from 22:00 to 06:00" */
export function alarmInWords(rule: AlarmRule): string {
  return `${rule.name}: ${rule.kinds.join(', ')} at ${camerasInWords(rule)}${rule.zones === undefined ? '' : `, in ${rule.zones.join(', ')}`}${asksSize(rule) ? `, ${sizeInWords(rule)}` : ''}, ${timesInWords(rule)}${rule.enabled ? '' : ', switched off'}`;
}

/** "at least 20 % of the picture's height"; "any" */
export function sizeInWords({ sizeLeast, sizeMost }: Pick<AlarmRule, 'sizeLeast' | 'sizeMost'>): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  if (sizeLeast !== undefined && sizeMost !== undefined) return `${percent(sizeLeast)} to ${percent(sizeMost)} of the picture's height`;
  if (sizeLeast !== undefined) return `at least ${percent(sizeLeast)} of the picture's height`;
  return sizeMost === undefined ? 'any' : `at most ${percent(sizeMost)} of the picture's height`;
}

export function zoneInWords({ camera, name, mask }: Zone): string {
  return mask ? `${camera}: ${name} is never looked at` : `${camera}: zone ${name}`;
}

function quietOf({ afterMs }: Visit): number {
  return Math.max(afterMs, quietMsMin);
}

function keyOf({ rule, camera }: Pick<Visit, 'rule' | 'camera'>): string {
  return `${camera}\n${rule}`;
}
