/**
 * The arithmetic of what fits, said before it happens: what each camera brings in an hour, times how long it is kept, against the room
 * there is. Where it does not fit, everything is kept for a shorter time: as old as the room allows, and the oldest goes early.
 */
import { formatAge, formatBytes, formatDuration, hourMs, minuteMs } from '../base/units.ts';
import { reserveOf, type DiskRoom } from './disk.ts';

/** Taken for a camera of which nothing is recorded yet: 4 Mbit/s, a usual main stream of 4 megapixels. */
export const assumedBytesPerHour = (4e6 / 8) * 3600;

export interface CameraRoom {
  readonly camera: string;
  /** Undefined while nothing is known: then it is assumed. */
  readonly bytesPerHour: number | undefined;
  readonly keepMs: number;
  readonly usedBytes: number;
  readonly budgetBytes?: number;
}

export interface RoomFacts extends DiskRoom {
  readonly cameras: readonly CameraRoom[];
  /** Of cameras that are recorded no more. */
  readonly otherBytes: number;
  readonly periodMs: number;
  readonly budgetBytes?: number;
  readonly reserveBytes?: number;
}

export interface CameraFit {
  readonly camera: string;
  readonly bytesPerHour: number;
  readonly assumed: boolean;
  readonly keepMs: number;
  readonly needBytes: number;
  readonly usedBytes: number;
  readonly budgetBytes: number | undefined;
  /** How old its footage becomes; `keepMs` when all of it fits. */
  readonly fitsMs: number;
}

export interface RoomFit {
  readonly needBytes: number;
  readonly roomBytes: number;
  /** What the room is: the budget, or the disk without its reserve. */
  readonly limit: 'budget' | 'disk';
  readonly reserveBytes: number;
  readonly fits: boolean;
  readonly cameras: readonly CameraFit[];
  /** One for each thing that does not fit; empty when everything does. */
  readonly warnings: readonly string[];
}

/** What a camera brings, from how much of it lies there and for how long it was recorded; undefined for less than a minute. */
export function bytesPerHourOf(bytes: number, recordedMs: number): number | undefined {
  return recordedMs < minuteMs ? undefined : (bytes * hourMs) / recordedMs;
}

export function roomFor(facts: RoomFacts): RoomFit {
  const reserveBytes = reserveOf(facts.totalBytes, facts.reserveBytes);
  const onDisk = Math.max(0, facts.cameras.reduce((sum, camera) => sum + camera.usedBytes, facts.otherBytes) + facts.freeBytes - reserveBytes);
  const roomBytes = Math.round(Math.min(onDisk, facts.budgetBytes ?? Infinity));
  const limit = facts.budgetBytes !== undefined && facts.budgetBytes <= onDisk ? 'budget' : 'disk';
  const own = facts.cameras.map((camera) => withinBudget(camera, facts.periodMs));
  const needBytes = own.reduce((sum, camera) => sum + takes(camera, camera.fitsMs, facts.periodMs), 0);
  const ageMs = needBytes <= roomBytes ? Infinity : ageThatFits(own, roomBytes, facts.periodMs);
  const cameras = own.map((camera) => ({ ...camera, fitsMs: Math.floor(Math.min(camera.fitsMs, ageMs)) }));
  const fit = { needBytes: Math.round(needBytes), roomBytes, limit, reserveBytes, fits: cameras.every((camera) => camera.fitsMs >= camera.keepMs), cameras } as const;
  return { ...fit, warnings: warningsOf(fit, own, ageMs) };
}

/** As if the camera were alone: its own budget is what limits it. */
function withinBudget({ camera, bytesPerHour, keepMs, usedBytes, budgetBytes }: CameraRoom, periodMs: number): CameraFit {
  const perHour = Math.round(bytesPerHour ?? assumedBytesPerHour);
  const all = { camera, bytesPerHour: perHour, assumed: bytesPerHour === undefined, keepMs, usedBytes, budgetBytes, fitsMs: keepMs, needBytes: 0 };
  const needBytes = Math.round(takes(all, keepMs, periodMs));
  const fitsMs = budgetBytes === undefined || needBytes <= budgetBytes ? keepMs : Math.max(0, (budgetBytes / Math.max(1, perHour)) * hourMs - periodMs);
  return { ...all, needBytes, fitsMs };
}

/** A period goes as a whole, when its end is old enough: so up to one period more than the age lies there. */
function takes(camera: { readonly bytesPerHour: number }, ageMs: number, periodMs: number): number {
  return (camera.bytesPerHour * (ageMs + periodMs)) / hourMs;
}

/** The age at which everything that is younger just fits: those that are kept for a shorter time anyway take what they need. */
function ageThatFits(cameras: readonly CameraFit[], roomBytes: number, periodMs: number): number {
  const byAge = [...cameras].sort((a, b) => a.fitsMs - b.fitsMs);
  let leftBytes = roomBytes;
  for (const [index, camera] of byAge.entries()) {
    const rest = byAge.slice(index).reduce((sum, other) => sum + other.bytesPerHour, 0);
    const ageMs = (leftBytes / Math.max(1, rest)) * hourMs - periodMs;
    if (ageMs <= camera.fitsMs) return Math.max(0, ageMs);
    leftBytes -= takes(camera, camera.fitsMs, periodMs);
  }
  return Infinity;
}

function warningsOf(fit: Omit<RoomFit, 'warnings'>, own: readonly CameraFit[], ageMs: number): string[] {
  const assumed = fit.cameras.some((camera) => camera.assumed) ? ', taking 4 Mbit/s for cameras of which nothing is recorded yet' : '';
  return [
    ...own.filter((camera) => camera.fitsMs < camera.keepMs).map((camera) =>
      `${camera.camera}: ${formatDuration(camera.keepMs)} need ${formatBytes(camera.needBytes)}, its budget is ${formatBytes(camera.budgetBytes ?? 0)}: about ${formatAge(camera.fitsMs)} fit, then its oldest goes early${camera.assumed ? ' (taking 4 Mbit/s, nothing is recorded yet)' : ''}`),
    ...(ageMs === Infinity ? [] : [`${kept(own)} needs ${formatBytes(fit.needBytes)}${assumed}; ${formatBytes(fit.roomBytes)} are there${fit.limit === 'budget' ? ' by the budget' : ` with ${formatBytes(fit.reserveBytes)} staying free`}: about ${formatAge(ageMs)} fit, then the oldest goes early`]),
  ];
}

function kept(cameras: readonly CameraFit[]): string {
  const times = [...new Set(cameras.map((camera) => camera.keepMs))];
  return times.length === 1 ? `keeping ${formatDuration(times[0] ?? 0)}` : 'keeping what is set';
}

/** Who brings what, in a line each; for `check` and `status`. */
export function describeRoom(fit: RoomFit): string[] {
  return fit.cameras.map((camera) =>
    `${camera.camera}: ${formatBytes(camera.bytesPerHour)} an hour${camera.assumed ? ' (assumed: 4 Mbit/s)' : ''} x ${formatDuration(camera.keepMs)} = ${formatBytes(camera.needBytes)}`);
}
