/** The keys that open segments: each period's, from its slot, and second headers. What the hub hands out is compared with what was sealed. */
import { SallyportError } from '../../base/errors.ts';
import { checkHold, holdBytes } from '../../seal/format/hold.ts';
import { secondHeader } from './age.ts';
import { errorOf } from './fetcher.ts';
import type { FootageSource } from './footagesource.ts';
import type { Identity } from './identity.ts';
import { kept } from './kept.ts';
import { holdPath, isGone, isUseless, segmentPath, slotPath, waysInto, type FootageTimeline, type Segment, type StreamName, type Way } from './segmentways.ts';
import { openSlot } from './slot.ts';

/** What the hub asks a device to make a second header of, and for which period. */
export interface WantedHeader extends Way {
  readonly stream: StreamName;
  readonly seq: number;
}

export interface HeaderTarget {
  readonly slot: number;
  readonly generation: number;
  readonly recipient: string;
}

const periodsKept = 64;
/** Classes of keys: a camera's own hour; what opens by second headers, those of alarms too; and what alarms' pictures are sealed to. */
const [own, keeping, ofAlarms]: readonly [ReadonlySet<string>, ReadonlySet<string>, ReadonlySet<string>] = [new Set(['footage']), new Set(['hold', 'rest', 'alarm']), new Set(['alarm'])];

export class FootageKeys {
  readonly #source: FootageSource;
  readonly #identities: readonly Identity[];
  readonly #periods = new Map<string, Promise<Identity>>();

  /** @param identities Of the spaces and of whoever looks: they stay the caller's. */
  constructor(source: FootageSource, identities: readonly Identity[]) {
    this.#source = source;
    this.#identities = identities;
  }

  /** The period's key, which stays this object's. SP_SLOT_MISSING, SP_WRONG_IDENTITY, SP_SEGMENT_METADATA. */
  period(camera: string, way: Way, timeline?: Pick<FootageTimeline, 'periods'>, atMs?: number): Promise<Identity> {
    const kind = way.held ? 'held/' : '';
    return kept(this.#periods, `${kind}${camera}/${way.slot}/${way.generation}`, periodsKept, () => this.#open(camera, way, way.held ? keeping : own, timeline, atMs), (identity) => identity.close());
  }

  /** The key of a day's alarms. SP_SLOT_MISSING, SP_WRONG_IDENTITY, SP_SEGMENT_METADATA. */
  alarms(camera: string, slot: Omit<Way, 'held'>): Promise<Identity> {
    return kept(this.#periods, `alarms/${camera}/${slot.slot}/${slot.generation}`, periodsKept, () => this.#open(camera, slot, ofAlarms), (identity) => identity.close());
  }

  async #open(camera: string, way: Omit<Way, 'held'>, classes: ReadonlySet<string>, timeline?: Pick<FootageTimeline, 'periods'>, atMs?: number): Promise<Identity> {
    const what = atMs === undefined ? `slot ${way.slot} of ${camera}` : `the key of ${camera} at ${new Date(atMs).toISOString()}`;
    const text = await this.#source.fetch(slotPath(camera, way));
    const { identity, ...period } = openSlot(text, this.#identities, what);
    const listed = timeline?.periods.find(({ slot, generation }) => slot === way.slot && generation === way.generation);
    if (!this.#source.closed && period.camera === camera && classes.has(period.class) && (listed === undefined || listed.startMs === period.startMs)) return identity;
    identity.close();
    this.#source.checkGoing();
    throw new SallyportError('SP_SEGMENT_METADATA', { what, reason: 'it is the key of another time or camera' });
  }

  /** A second header as the hub keeps it. SP_AGE_HEADER. */
  async holdOf(camera: string, stream: StreamName, seq: number, slot: number, signal?: AbortSignal): Promise<Uint8Array> {
    const hold = await this.#source.fetch(holdPath(camera, stream, seq, slot), undefined, signal);
    checkHold(hold, `the second header of ${camera} ${stream} ${seq}`);
    return hold;
  }

  /** What the first of a segment's ways gives that opens. `checkGoing` throws where nobody waits for it any more. */
  async byAnyWay<T>(segment: Segment, checkGoing: () => void, open: (way: Way) => Promise<T>): Promise<T> {
    const failures: unknown[] = [];
    for (const way of waysInto(segment)) {
      try {
        return await open(way);
      } catch (error) {
        this.#source.checkGoing();
        checkGoing();
        failures.push(error);
        // A second header may be of its maker's own making, and a key may be destroyed meanwhile: another one may open.
        if (!isUseless(error)) break;
      }
    }
    // That one key of several was destroyed is no fault; what keeps the others from opening is told.
    throw failures.find((error) => !isGone(error)) ?? failures[0];
  }

  /**
   * A second header for a period that keeps footage longer. That period's own slot must open here, and be of the same camera and of such a class:
   * a hub cannot have footage sealed to whom it likes. SP_HOLD, SP_SLOT_MISSING, SP_WRONG_IDENTITY, SP_AGE_MAC, and what the hub answered.
   */
  async secondHeader(camera: string, wanted: WantedHeader, target: HeaderTarget, signal?: AbortSignal): Promise<Uint8Array> {
    const what = `${camera} ${wanted.stream} ${wanted.seq}`;
    this.#source.checkGoing(signal);
    try {
      const [to, period, start] = await Promise.all([
        this.period(camera, { ...target, held: true }), this.period(camera, wanted),
        wanted.held ? this.holdOf(camera, wanted.stream, wanted.seq, wanted.slot, signal) : this.#source.ask(segmentPath(camera, wanted.stream, wanted.seq), { from: 0, to: holdBytes }, signal),
      ]);
      this.#source.checkGoing(signal);
      if (to.recipient !== target.recipient) throw new SallyportError('SP_HOLD', { reason: `slot ${target.slot} is not what the hub says it is` });
      return secondHeader(start, [period], target.recipient, what);
    } catch (error) {
      throw errorOf(error);
    }
  }

  /** Wipes them. */
  close(): void {
    for (const period of this.#periods.values()) void period.then((identity) => identity.close(), () => {});
    this.#periods.clear();
  }
}
