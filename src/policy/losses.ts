/**
 * What a changed configuration destroys of what lies there: footage that would be kept for a shorter time or has less room, what was
 * observed beside it, alarms whose rule keeps shorter, and the audit. Whoever changes settings on the page needs the right to erase for that, and the passphrase once more.
 *
 * What would go within half a day counts, too: else small steps, each of which destroys nothing by itself, came to the same end, one
 * soon after the other. As it is, nothing that lies there goes in less than that.
 */
import type { UnixMs } from '../base/clock.ts';
import { formatBytes, hourMs } from '../base/units.ts';
import { reserveOf, type DiskRoom } from './disk.ts';
import { keepFor } from './retention.ts';
import type { HubConfig, PeriodTimes } from './settings.ts';
import { isoTime } from './times.ts';

/** What goes sooner than that is destroyed by the change. */
export const soonMs = 12 * hourMs;

export interface LossPeriod extends PeriodTimes {
  readonly camera: string;
  readonly class: string;
  /** Also of what is being written. */
  readonly bytes: number;
  /** Of a day of alarms: the rules that rang. */
  readonly rules?: readonly string[];
}

export interface LossFacts {
  readonly nowMs: UnixMs;
  readonly room: DiskRoom;
  /** All that are not purged. */
  readonly periods: readonly LossPeriod[];
  /** When a camera's first observation that is kept began. */
  readonly observedMs: ReadonlyMap<string, UnixMs>;
  /** What a camera brings, where it is known. */
  readonly bytesPerHour: ReadonlyMap<string, number>;
}

/** Whether it can destroy anything at all, whatever lies there. */
export function mayLose(before: HubConfig, after: HubConfig): boolean {
  const known = new Set(before.cameras.map(({ id }) => id));
  return after.keep.footageMs < before.keep.footageMs || camerasOf(before, after).some((id) => keepFor(id, after) < keepFor(id, before)) || after.cameras.some(({ id }) => !known.has(id))
    || after.keep.auditMs < before.keep.auditMs || shorterRules(before, after).length > 0 || budgets(before, after).length > 0 || (after.disk.reserveBytes ?? 0) !== (before.disk.reserveBytes ?? 0);
}

/** In words, a line for each thing; none when nothing goes. Both sides as they are in force. */
export function lossesOf(before: HubConfig, after: HubConfig, facts: LossFacts): string[] {
  return [...byTime(after, facts), ...ofAlarms(before, after, facts), ...ofObservations(before, after, facts), ...byBudget(before, after, facts), ...byReserve(before, after, facts), ...ofAudit(before, after, facts)];
}

/** By the deadlines that they have: so it is said also of a camera that was taken out, and comes back with a shorter time. */
function byTime(after: HubConfig, { periods, nowMs }: LossFacts): string[] {
  return after.cameras.flatMap(({ id, keepMs }) => {
    const going = periods.filter((period) => period.camera === id && isFootage(period) && period.bytes > 0 && goesBy(period, keepMs, nowMs));
    return going.length === 0 ? [] : [`${id}: footage of ${timeOf(going)}, ${formatBytes(sumOf(going))}`];
  });
}

/** A day of alarms goes when the last of its rules lets it; one that is there no more leaves it its deadline. */
function ofAlarms(before: HubConfig, after: HubConfig, { periods, nowMs }: LossFacts): string[] {
  if (shorterRules(before, after).length === 0) return [];
  const keepMsOf = new Map(after.alarms.map(({ name, keepMs }) => [name, keepMs]));
  return after.cameras.flatMap(({ id }) => {
    const going = periods.filter((period) => {
      const { camera, class: klass, rules = [] } = period;
      return camera === id && klass === 'alarm' && rules.length > 0 && goesBy(period, Math.max(...rules.map((name) => keepMsOf.get(name) ?? Infinity)), nowMs);
    });
    return going.length === 0 ? [] : [`${id}: alarms of ${timeOf(going)}, with pictures and footage`];
  });
}

/** They keep for a shorter time than before; or they are new, and may have the name of one that was taken out. */
function shorterRules(before: HubConfig, after: HubConfig): string[] {
  const was = new Map(before.alarms.map(({ name, keepMs }) => [name, keepMs]));
  return after.alarms.filter(({ name, keepMs }) => keepMs < (was.get(name) ?? Infinity)).map(({ name }) => name);
}

/** They are kept as long as footage: of a camera that is taken out as long as the hub's own rule says. */
function ofObservations(before: HubConfig, after: HubConfig, { observedMs, nowMs }: LossFacts): string[] {
  return [...observedMs].flatMap(([id, firstMs]) => {
    const [was, is] = [keepFor(id, before), keepFor(id, after)];
    return is < was && firstMs < nowMs + soonMs - is ? [`${id}: what was observed before ${isoTime(nowMs - is)}`] : [];
  });
}

function byBudget(before: HubConfig, after: HubConfig, { periods, bytesPerHour }: LossFacts): string[] {
  return budgets(before, after).flatMap(({ camera, bytes }) => {
    const ours = periods.filter((period) => camera === undefined || period.camera === camera);
    const rate = after.cameras.filter(({ id }) => camera === undefined || id === camera).reduce((sum, { id }) => sum + (bytesPerHour.get(id) ?? 0), 0);
    const used = sumOf(ours);
    if (used === 0 || used + (rate * soonMs) / hourMs <= bytes) return [];
    return [`${camera === undefined ? '' : `${camera}: `}the oldest of ${formatBytes(used)} of footage, for which ${formatBytes(bytes)} are too little`];
  });
}

function byReserve(before: HubConfig, after: HubConfig, { room, periods, bytesPerHour }: LossFacts): string[] {
  const [was, is] = [before, after].map(({ disk }) => reserveOf(room.totalBytes, disk.reserveBytes)) as [number, number];
  const rate = after.cameras.reduce((sum, { id }) => sum + (bytesPerHour.get(id) ?? 0), 0);
  if (is <= was || sumOf(periods) === 0 || room.freeBytes - (rate * soonMs) / hourMs >= is) return [];
  return [`the oldest footage, for ${formatBytes(room.freeBytes)} of the disk are free and ${formatBytes(is)} would have to be`];
}

function ofAudit(before: HubConfig, after: HubConfig, { nowMs }: LossFacts): string[] {
  return after.keep.auditMs < before.keep.auditMs ? [`the audit of before ${isoTime(nowMs - after.keep.auditMs)}`] : [];
}

/** Those that are smaller than before, or new: of a camera, or of all footage. */
function budgets(before: HubConfig, after: HubConfig): { readonly camera: string | undefined; readonly bytes: number }[] {
  const was = new Map(before.cameras.map(({ id, budgetBytes }) => [id, budgetBytes ?? Infinity]));
  const rows = [
    { camera: undefined, bytes: after.disk.budgetBytes ?? Infinity, before: before.disk.budgetBytes ?? Infinity },
    ...after.cameras.map(({ id, budgetBytes }) => ({ camera: id, bytes: budgetBytes ?? Infinity, before: was.get(id) ?? Infinity })),
  ];
  return rows.filter((row) => row.bytes < row.before);
}

function camerasOf(before: HubConfig, after: HubConfig): string[] {
  return [...new Set([...before.cameras, ...after.cameras].map(({ id }) => id))];
}

/** Its deadline comes closer, and so near that it is destroyed by that. */
function goesBy({ endMs, deadlineMs }: PeriodTimes, keepMs: number, nowMs: UnixMs): boolean {
  return endMs + keepMs < deadlineMs && endMs + keepMs <= nowMs + soonMs;
}

/** A hold has a deadline of its own. */
function isFootage(period: LossPeriod): boolean {
  return period.class === 'footage' || period.class === 'rest';
}

/** From the first of them to the last. */
function timeOf(periods: readonly LossPeriod[]): string {
  return `${isoTime(Math.min(...periods.map(({ startMs }) => startMs)))} to ${isoTime(Math.max(...periods.map(({ endMs }) => endMs)))}`;
}

function sumOf(periods: readonly LossPeriod[]): number {
  return periods.reduce((sum, { bytes }) => sum + bytes, 0);
}
