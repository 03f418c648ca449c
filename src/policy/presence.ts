/**
 * What a home is told of a camera: whether something is seen there now. Observations come and go under their names, of the camera and of the
 * hub alike; a kind is there while any of them lasts, and a moment is there for some seconds, or nobody's lamp would see it.
 */
import type { UnixMs } from '../base/clock.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { observationKinds, type ObservationKind } from './observations.ts';

/** What a home may be told of; of the camera itself it is told otherwise. */
export const presenceKinds = observationKinds.filter((kind): kind is PresenceKind => kind !== 'firmware' && kind !== 'restart');
export type PresenceKind = Exclude<ObservationKind, 'firmware' | 'restart'>;

/** One camera, under its alias. */
export interface CameraState {
  readonly camera: string;
  readonly atMs: UnixMs;
  /** It is there no more. */
  readonly gone?: boolean;
  readonly online: boolean;
  readonly private: boolean;
  /** Of what it is told at all. */
  readonly shown: readonly PresenceKind[];
  readonly seen: readonly PresenceKind[];
  /** The end of the last footage that is sealed. */
  readonly sealedMs?: UnixMs;
  /** How many places it can be turned to. */
  readonly places?: number;
}

interface Seen {
  readonly kind: PresenceKind;
  readonly untilMs: UnixMs;
}

/** By camera and name. */
export type Presence = ReadonlyMap<string, Seen>;
export const nobody: Presence = new Map();

/** A moment, and the end of what lasted, are there so much longer. */
export const lingerMs = 5 * secondMs;
/** Whoever never says that it is over has forgotten it. */
export const lastsMsMax = 15 * minuteMs;
const namesMax = 1000;

export function appear(presence: Presence, seen: { readonly camera: string; readonly kind: ObservationKind; readonly name: string; readonly lasts: boolean }, nowMs: UnixMs): Presence {
  const { kind } = seen;
  if (kind === 'firmware' || kind === 'restart') return presence;
  const next = new Map([...presence].filter(([, { untilMs }]) => untilMs > nowMs).slice(-namesMax + 1));
  return next.set(keyOf(seen.camera, seen.name), { kind, untilMs: nowMs + (seen.lasts ? lastsMsMax : lingerMs) });
}

export function leave(presence: Presence, camera: string, name: string, nowMs: UnixMs): Presence {
  const known = presence.get(keyOf(camera, name));
  return known === undefined ? presence : new Map(presence).set(keyOf(camera, name), { ...known, untilMs: Math.min(known.untilMs, nowMs + lingerMs) });
}

export function seenAt(presence: Presence, camera: string, nowMs: UnixMs): readonly PresenceKind[] {
  const kinds = new Set([...presence].filter(([key, { untilMs }]) => key.startsWith(`${camera}\n`) && untilMs > nowMs).map(([, { kind }]) => kind));
  return presenceKinds.filter((kind) => kinds.has(kind));
}

/** When the next of them is over by itself. */
export function nextLeaveMs(presence: Presence, nowMs: UnixMs): UnixMs | undefined {
  const ends = [...presence.values()].map(({ untilMs }) => untilMs).filter((ms) => ms > nowMs);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function keyOf(camera: string, name: string): string {
  return `${camera}\n${name}`;
}
