/**
 * Makes visits of what the detector finds in single pictures: somebody who comes, stays and goes is one visit, however many pictures show
 * them. Pure: what was found and when comes in.
 *
 * What is found belongs to the visit whose last box it overlaps most, both grown, for a second lies between two looks and people walk.
 * Only what was found twice is a visit; a single sighting is most often a mistake of the model, and is forgotten.
 */
import { areaOf, atEdge, grown, overlap, type Box } from './box.ts';

/** What the model tells apart. */
export const labels = ['person', 'vehicle'] as const;
export type Label = (typeof labels)[number];

/** One thing in one picture. */
export interface Found {
  readonly label: Label;
  /** How sure the model is, 0 to 1. */
  readonly score: number;
  readonly box: Box;
}

export interface Sighting {
  readonly atMs: number;
  readonly score: number;
  readonly box: Box;
  /** The caller's number of the picture. */
  readonly picture: number;
}

export interface Visit {
  /** From 1, in the order of the first sightings. */
  readonly id: number;
  readonly label: Label;
  readonly fromMs: number;
  /** When it was seen last. */
  readonly toMs: number;
  readonly sightings: number;
  readonly first: Sighting;
  readonly last: Sighting;
  /** The one to show: a sure and large one, rather whole than cut by the picture's edge. */
  readonly best: Sighting;
}

export interface TracksOptions {
  /** Sightings below it do not count (0.3). */
  readonly scoreLeast?: number;
  /** Sightings that make a visit (2). */
  readonly sightingsLeast?: number;
  /** A visit ends when nothing was seen of it for so long (20 s). */
  readonly unseenMs?: number;
}

export interface Seen {
  /** Visits that are visits from this look on: the moment for an alarm. Each once, in one answer only. */
  readonly begun: readonly Visit[];
  /** Those that are over. Each once, after it was in `begun`. */
  readonly ended: readonly Visit[];
}

/** At once; what is beyond is dropped, the least sure first, and counted. */
export const visitsMax = 32;
const scoreLeastDefault = 0.3;
const sightingsLeastDefault = 2;
const unseenMsDefault = 20_000;
/** Of its own size, on each side, before boxes are compared. */
const reach = 0.5;

export class Tracks {
  readonly #o: Required<TracksOptions>;
  #going: Visit[] = [];
  #nextId = 1;
  #dropped = 0;

  constructor({ scoreLeast = scoreLeastDefault, sightingsLeast = sightingsLeastDefault, unseenMs = unseenMsDefault }: TracksOptions = {}) {
    this.#o = { scoreLeast, sightingsLeast, unseenMs };
  }

  /** Visits that go on, those that are none yet left out. */
  get going(): readonly Visit[] {
    return this.#going.filter((visit) => this.#isVisit(visit));
  }

  /** Sightings that there was no room for. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The next picture that was looked at. Times go forward; one that goes back counts as the time of the last look. */
  look(o: { readonly atMs: number; readonly picture: number; readonly found: readonly Found[] }): Seen {
    const ended = this.pass(o.atMs).ended;
    const found = o.found.filter(({ score }) => score >= this.#o.scoreLeast).toSorted((a, b) => b.score - a.score);
    const begun: Visit[] = [];
    for (const { visit, thing } of this.#pairs(found)) {
      const next = grow(visit, sightingOf(thing, o));
      this.#going[this.#going.indexOf(visit)] = next;
      found.splice(found.indexOf(thing), 1);
      if (this.#isVisit(next) && !this.#isVisit(visit)) begun.push(next);
    }
    for (const thing of found) {
      const visit = this.#begin(thing, o);
      if (visit !== undefined && this.#isVisit(visit)) begun.push(visit);
    }
    return { begun, ended };
  }

  /** Time went on without a look. */
  pass(atMs: number): Seen {
    const over = this.#going.filter(({ toMs }) => atMs - toMs >= this.#o.unseenMs);
    this.#going = this.#going.filter((visit) => !over.includes(visit));
    return { begun: [], ended: over.filter((visit) => this.#isVisit(visit)) };
  }

  /** All are over: the camera is gone. */
  end(): Seen {
    return this.pass(Infinity);
  }

  #isVisit({ sightings }: Visit): boolean {
    return sightings >= this.#o.sightingsLeast;
  }

  /** Which belongs to which, each at most once, those that overlap most first. */
  #pairs(found: readonly Found[]): { visit: Visit; thing: Found }[] {
    const possible = this.#going.flatMap((visit) => found
      .filter(({ label }) => label === visit.label)
      .map((thing) => ({ visit, thing, share: overlap(grown(visit.last.box, reach), grown(thing.box, reach)) })))
      .filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
    const taken = new Set<Visit | Found>();
    return possible.filter(({ visit, thing }) => {
      if (taken.has(visit) || taken.has(thing)) return false;
      taken.add(visit).add(thing);
      return true;
    });
  }

  #begin(thing: Found, o: { readonly atMs: number; readonly picture: number }): Visit | undefined {
    if (this.#going.length >= visitsMax) {
      this.#dropped++;
      return undefined;
    }
    const sighting = sightingOf(thing, o);
    const visit: Visit = { id: this.#nextId++, label: thing.label, fromMs: o.atMs, toMs: o.atMs, sightings: 1, first: sighting, last: sighting, best: sighting };
    this.#going.push(visit);
    return visit;
  }
}

function sightingOf({ score, box }: Found, { atMs, picture }: { readonly atMs: number; readonly picture: number }): Sighting {
  return { atMs, score, box, picture };
}

function grow(visit: Visit, sighting: Sighting): Visit {
  const toMs = Math.max(visit.toMs, sighting.atMs);
  return { ...visit, toMs, sightings: visit.sightings + 1, last: sighting, best: worth(sighting) > worth(visit.best) ? sighting : visit.best };
}

/** Beyond a tenth of the picture, larger is not better. */
export function worth({ score, box }: Sighting): number {
  return score * (atEdge(box) ? 0.6 : 1) * (0.5 + 0.5 * Math.min(1, areaOf(box) / 0.1));
}
