/**
 * Objects at a destination that the catalogue does not know, though their names are of our form: a catalogue that was made anew has forgotten them. A name is
 * random and proves nothing, so the hub erases none of them by itself; docs/decisions/008-what-nobody-knows.md. Pure.
 */
import { dayMs } from '../base/units.ts';
import type { UnixMs } from '../base/clock.ts';

/** What was found, at one destination. */
export interface FarUnknown {
  readonly objects: number;
  readonly bytes: number;
  /** Over their names and sizes: `unknownText`. */
  readonly set: string;
  /** The first look that found exactly these, and the last one. */
  readonly sinceMs: UnixMs;
  readonly lookedMs: UnixMs;
}

/** Whoever else uses the place puts something there sooner or later: only what has stayed the same for so long may be erased. */
export const settledMs = dayMs;

/** A line for each, in the order of their names; its SHA-256 is what an owner signs. */
export function unknownText(objects: readonly (readonly [object: string, bytes: number])[]): string {
  return objects.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([object, bytes]) => `${object} ${bytes}\n`).join('');
}

/** After another look. */
export function unknownAfter(before: FarUnknown | undefined, now: Pick<FarUnknown, 'objects' | 'bytes' | 'set'>, nowMs: UnixMs): FarUnknown {
  // A clock that went back has seen them for no time at all.
  const same = before !== undefined && before.set === now.set && before.sinceMs <= nowMs;
  return { ...now, sinceMs: same ? before.sinceMs : nowMs, lookedMs: nowMs };
}

/** From when on they may be erased, if they stay as they are. */
export function erasableMs({ sinceMs }: FarUnknown): UnixMs {
  return sinceMs + settledMs;
}
