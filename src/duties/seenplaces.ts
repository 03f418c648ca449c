/**
 * Where in the picture the hub saw something within the last day, and how large, for trying a rule with zones or sizes. In memory alone: a disk that says where somebody stood
 * would outlive the footage of it. After a restart it is not known any more, and who tries a rule is told so.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { dayMs, secondMs } from '../base/units.ts';
import { footOf, type Box } from '../policy/alarmrules.ts';
import type { ObservationRow } from '../vault/vault.ts';
import type { Observed } from './alarms.ts';

interface SeenPlace {
  readonly name: string;
  readonly kind: string;
  readonly atMs: UnixMs;
  readonly box: Box;
}

/** Of one camera; the oldest go first. */
const placesMost = 5_000;
/** Whoever stands still is noted so often, and whoever has gone so far (of the picture's width or height), or has grown by so much, at once. */
const stillMs = 30 * secondMs;
const movedLeast = 1 / 40;

export class SeenPlaces {
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #of = new Map<string, SeenPlace[]>();

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
  }

  /** What has no place is the camera's own word, and is left out. */
  note({ camera, kind, by, atMs, name, box }: Observed): void {
    if (by !== 'hub' || box === undefined) return;
    const places = this.#of.get(camera) ?? [];
    const last = places.findLast((one) => one.kind === kind && one.name === name);
    if (last !== undefined && Math.abs(atMs - last.atMs) < stillMs && !isElsewhere(last.box, box)) return;
    places.push({ name, kind, atMs, box });
    const sinceMs = this.#clock.wallMs() - dayMs;
    const old = places.findIndex((one) => one.atMs >= sinceMs);
    places.splice(0, Math.max(old === -1 ? places.length : old, places.length - placesMost));
    this.#of.set(camera, places);
  }

  /** In the order of time; none where nothing is known. */
  of({ camera, kind, source, fromMs, toMs = Infinity }: ObservationRow): readonly SeenPlace[] {
    // One that moves is told with a beginning of its own; who comes and goes, by the name of its row.
    return (this.#of.get(camera) ?? []).filter((one) => one.kind === kind && one.atMs >= fromMs - secondMs && one.atMs <= toMs + secondMs && (kind === 'motion' || one.name.startsWith(`${source} `)));
  }
}

function isElsewhere(one: Box, other: Box): boolean {
  const [a, b] = [footOf(one), footOf(other)];
  return Math.max(Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1]), Math.abs(one.height - other.height)) >= movedLeast;
}
