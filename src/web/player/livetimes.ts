/** The times of a live stream: where on the player's one line each fragment goes, when it arrived, and what the hub's clock says. Pure. */
import { fragmentTimes, tracksOf } from '../../base/mp4.ts';

/** The player's line begins here, so that nothing lies before 0. */
const beginSec = 1;
/** A camera's times that jump further, or back, are taken for a new beginning. */
const jumpSecMax = 1.5;
/** Behind what was there before a new beginning, so that ranges never touch. */
const apartSec = 0.2;
const usualPictureSec = 1 / 15;

export interface Placed {
  /** On the player's line. */
  readonly atSec: number;
  /** What the source buffer must add to the fragment's own time. */
  readonly offsetSec: number;
}

export class LiveTimes {
  #tracks: ReadonlyMap<number, { readonly timescale: number; readonly video: boolean }> = new Map();
  #offsetSec: number | undefined;
  #endSec = beginSec;
  #lastSec: number | undefined;
  #pictureSec = usualPictureSec;

  /** What follows belongs to this init. Throws BoxError. */
  begin(init: Uint8Array): void {
    this.#tracks = tracksOf(init);
    this.#offsetSec = undefined;
    this.#lastSec = undefined;
  }

  /** How long a picture usually stands. */
  get pictureSec(): number {
    return this.#pictureSec;
  }

  /** Undefined: it belongs nowhere yet. `close`: pictures before it were left out, so it follows at once. Throws BoxError. */
  place(fragment: Uint8Array, { close = false } = {}): Placed | undefined {
    for (const { track, time } of fragmentTimes(fragment)) {
      const facts = this.#tracks.get(track);
      if (facts === undefined || facts.timescale === 0) continue;
      const ownSec = time / facts.timescale;
      if (facts.video) return this.#picture(ownSec, close);
      return this.#offsetSec === undefined ? undefined : { atSec: ownSec + this.#offsetSec, offsetSec: this.#offsetSec };
    }
    return undefined;
  }

  #picture(ownSec: number, close: boolean): Placed {
    const stepSec = this.#lastSec === undefined ? undefined : ownSec - this.#lastSec;
    if (this.#offsetSec === undefined) this.#offsetSec = this.#endSec + (this.#endSec === beginSec ? 0 : apartSec) - ownSec;
    else if (stepSec === undefined || stepSec < 0 || stepSec > jumpSecMax || (close && stepSec > this.#pictureSec)) this.#offsetSec = this.#endSec - ownSec;
    else if (stepSec > 0 && stepSec < 0.5) this.#pictureSec += (stepSec - this.#pictureSec) / 16;
    this.#lastSec = ownSec;
    const atSec = ownSec + this.#offsetSec;
    this.#endSec = Math.max(this.#endSec, atSec + this.#pictureSec);
    return { atSec, offsetSec: this.#offsetSec };
  }
}

const momentsMax = 1024;

/** When the pictures that may be shown now arrived at the hub. */
export class Moments {
  #moments: { readonly atSec: number; readonly wallMs: number }[] = [];

  add(atSec: number, wallMs: number): void {
    this.#moments.push({ atSec, wallMs });
    if (this.#moments.length > momentsMax) this.#moments.splice(0, momentsMax / 2);
  }

  /** Of the picture that stands at this time; undefined when it is not known. */
  wallAt(atSec: number): number | undefined {
    // A picture's time comes back from the browser rounded to the microsecond.
    return this.#moments.findLast((moment) => moment.atSec <= atSec + 0.0005)?.wallMs;
  }
}

/** The hub's clock by its answers: of the last ones, the one that was the quickest on the way says it best. */
export class HubClock {
  #answers: { readonly tripMs: number; readonly aheadMs: number }[] = [];

  /** `asked` and `answered` by this browser's steady clock. */
  heard(askedMs: number, hubMs: number, answeredMs: number): void {
    this.#answers.push({ tripMs: answeredMs - askedMs, aheadMs: hubMs - (askedMs + answeredMs) / 2 });
    if (this.#answers.length > 12) this.#answers.shift();
  }

  /** Undefined before the first answer. */
  at(steadyMs: number): number | undefined {
    const [first, ...rest] = this.#answers;
    if (first === undefined) return undefined;
    return steadyMs + rest.reduce((best, one) => (one.tripMs < best.tripMs ? one : best), first).aheadMs;
  }
}
