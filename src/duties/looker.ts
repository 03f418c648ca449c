/**
 * Looks at one camera: small grey pictures tell what moves, and where something does, a colour picture of that moment tells the detector's
 * process whether it is somebody. Who comes, stays and goes is one observation, of the same rank as what the camera says itself.
 *
 * At most one look is under way, so a camera where everything moves costs what one look after the other costs. Everything that fails costs
 * looks, is counted, and shown.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { dayMs, secondMs } from '../base/units.ts';
import { Frames, type FramesOptions, type GrayFrame } from '../capture/frames.ts';
import type { Jail } from '../capture/jail.ts';
import type { Moments } from '../capture/moments.ts';
import { wholePicture, type Box } from '../detect/box.ts';
import { Motion } from '../detect/motion.ts';
import type { Picture } from '../detect/protocol.ts';
import { Tracks, worth, type Found, type Seen, type Sighting, type Visit } from '../detect/tracks.ts';
import { footOf, isInside, type Best, type Zone } from '../policy/alarmrules.ts';
import { isInDoubt, nameOf as whoIs, type FrameMatch } from '../policy/faces.ts';
import type { ObservationKind } from '../policy/observations.ts';
import type { Vault } from '../vault/vault.ts';
import type { Observed } from './alarms.ts';
import type { LentStream } from './watch.ts';

/** Who tells persons and vehicles from leaves. */
export interface ObjectFinder {
  objects(picture: Picture, roi?: Box): Promise<readonly Found[]>;
}

/** Whose face somebody has who is there at a moment (monotonic); see `FaceFinder.look`. */
export type FaceLook = (atMs: number, box: Box) => Promise<FrameMatch | 'not looked' | undefined>;

export interface LookerOptions {
  readonly camera: string;
  /** The small stream, if the camera has one. Given back at the end. */
  readonly lent: LentStream;
  /** What is worth looking for. */
  readonly kinds: ReadonlySet<ObservationKind>;
  /** The camera's. */
  readonly zones: readonly Zone[];
  readonly detector: ObjectFinder;
  readonly face: FaceLook;
  readonly moments: Pick<Moments, 'colour'>;
  /** Where small pictures come from; a decoder of the stream when absent. */
  readonly frames?: (o: FramesOptions) => Pick<Frames, 'start' | 'close' | 'state'>;
  readonly ffmpeg: string;
  readonly jail: Jail | undefined;
  readonly vault: Pick<Vault, 'noteObservations'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly onSeen: (seen: Observed) => void;
  readonly onEnded: (name: string, atMs: UnixMs) => void;
}

export interface LookerState {
  readonly stream: 'main' | 'sub';
  readonly frames: number;
  readonly moving: boolean;
  readonly restarts: number;
  /** Pictures that the detector looked at. */
  readonly looks: number;
  /** Looks that came to nothing: dropped for others, too late, or failed. */
  readonly missed: number;
  /** Visits since it looks. */
  readonly seen: Readonly<Partial<Record<ObservationKind, number>>>;
  readonly problem: string | undefined;
}

interface FaceLooks {
  readonly frames: FrameMatch[];
  looks: number;
  /** Monotonic. */
  nextMs: number;
  person: string | undefined;
  /** It may be somebody enrolled. */
  unsure: boolean;
}

/** While something moves. */
const lookEveryMs = secondMs;
/** At who has been seen and does not move now: still there? */
const lookAgainMs = 4 * secondMs;
/** What is shown of a moment must still be in memory when it is asked for. */
const retainMs = 10 * secondMs;
const renewMs = 10 * secondMs;
/** Of a camera; beyond it visits are still told to the rules. */
const notesPerDayMax = 50_000;
/** Of one visit: looking for a face costs a second of a small board. Those after the first few come ever more seldom, for who turns away now may turn round later. */
const faceLooksMax = 12;
const faceLooksAtOnce = 5;
/** A light that goes on moves for a moment. */
const movingFramesMin = 3;

export class Looker {
  readonly #o: LookerOptions;
  readonly #frames: Pick<Frames, 'start' | 'close' | 'state'>;
  readonly #motion: Motion;
  readonly #masks: readonly Zone[];
  #tracks = new Tracks();
  /** Tells visits of one look from those of the next. */
  readonly #startedMs: number;
  #closed = false;
  #looking: Promise<void> | undefined;
  #lookedMs = -Infinity;
  #pictures = 0;
  #looks = 0;
  #missed = 0;
  #problem: string | undefined;
  #movingFrames = 0;
  #moving: { readonly name: string; readonly fromMs: UnixMs; lastMs: UnixMs } | undefined;
  readonly #seen = new Map<ObservationKind, number>();
  /** When visits were noted again, monotonic. */
  readonly #noted = new Map<number, number>();
  /** Of visits of persons, by their ids: what each frame said, who it is once that is certain, and how often it was looked. No face, and nothing of one. */
  readonly #faces = new Map<number, FaceLooks>();
  #today: { day: number; count: number } = { day: 0, count: 0 };

  constructor(o: LookerOptions) {
    this.#o = o;
    const { camera, lent, ffmpeg, jail, clock, log, random, zones, frames = (of: FramesOptions) => new Frames(of) } = o;
    this.#startedMs = Math.round(clock.wallMs());
    this.#masks = zones.filter(({ mask }) => mask);
    this.#motion = new Motion({ masks: this.#masks.map(({ points }) => points) });
    this.#frames = frames({ camera, capture: lent.capture, ffmpeg, jail, clock, log, random, onFrame: (frame) => this.#onFrame(frame), onBreak: () => this.#onBreak() });
  }

  start(): void {
    this.#o.lent.capture.retain('looks', retainMs);
    this.#frames.start();
  }

  /** Nothing that it looks at now becomes an observation any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#frames.close();
    await this.#looking;
    this.#endAll();
    this.#o.lent.capture.retain('looks', 0);
    this.#o.lent.release();
  }

  get state(): LookerState {
    const { frames, restarts, problem } = this.#frames.state;
    return {
      stream: this.#o.lent.stream, frames, restarts, moving: this.#movingFrames > 0, looks: this.#looks, missed: this.#missed, seen: Object.fromEntries(this.#seen), problem: problem ?? this.#problem,
    };
  }

  #onFrame({ gray, wallMs, monotonicMs }: GrayFrame): void {
    const { state, moving } = this.#motion.frame(gray, monotonicMs);
    this.#movingFrames = moving === undefined ? 0 : this.#movingFrames + 1;
    this.#noteMotion(moving, wallMs);
    for (const visit of this.#tracks.pass(monotonicMs).ended) this.#end(visit);
    if (!this.#o.kinds.has('person') && !this.#o.kinds.has('vehicle')) return;
    const { going } = this.#tracks;
    const waitMs = state === 'moving' || (moving !== undefined && going.length > 0) ? lookEveryMs : going.length > 0 ? lookAgainMs : Infinity;
    if (this.#looking !== undefined || this.#closed || monotonicMs - this.#lookedMs < waitMs) return;
    this.#lookedMs = monotonicMs;
    this.#looking = this.#look(monotonicMs, moving ?? going.at(-1)?.last.box ?? wholePicture).finally(() => { this.#looking = undefined; });
  }

  async #look(atMs: number, roi: Box): Promise<void> {
    const { camera, lent, moments, detector, ffmpeg, jail, log } = this.#o;
    const excerpt = lent.capture.excerpt(atMs);
    if (excerpt === undefined) {
      this.#missed++;
      return;
    }
    const { wallMs, monotonicMs } = excerpt;
    const picture = await moments.colour({ camera, excerpt, ffmpeg, jail });
    try {
      if (picture === undefined || this.#closed) {
        this.#missed++;
        return;
      }
      const found = await detector.objects(picture, roi);
      this.#looks++;
      this.#problem = undefined;
      if (this.#closed) return;
      // What no rule asks for is not followed: a car that stands there would keep the detector awake for nobody.
      this.#take(found.filter(({ label, box }) => this.#o.kinds.has(label) && this.#isLookedAt(box)), wallMs, monotonicMs);
      await this.#recognise(wallMs, monotonicMs);
    } catch (error) {
      this.#missed++;
      this.#problem = asSallyportError(error).message;
      log.debug({ component: 'detect', camera, code: asSallyportError(error).code }, 'a look came to nothing');
    } finally {
      picture?.rgb.fill(0);
    }
  }

  #take(found: readonly Found[], wallMs: UnixMs, monotonicMs: number): void {
    const { begun, ended } = this.#tracks.look({ atMs: monotonicMs, picture: ++this.#pictures, found });
    for (const visit of begun) {
      this.#seen.set(visit.label, (this.#seen.get(visit.label) ?? 0) + 1);
      this.#note(visit.label, nameOf(visit), this.#wallOf(visit.fromMs), wallMs);
      this.#tell(visit, this.#wallOf(visit.fromMs), visit.first.box);
    }
    for (const visit of this.#tracks.going) {
      if (visit.toMs !== monotonicMs) continue;
      this.#tell(visit, wallMs, visit.last.box);
      this.#renew(visit, monotonicMs);
    }
    for (const visit of ended) this.#end(visit);
  }

  /** One of those who were seen just now, who has been looked at the least often; not any more once it is certain who it is. */
  async #recognise(wallMs: UnixMs, monotonicMs: number): Promise<void> {
    const of = ({ id }: Visit): FaceLooks => this.#faces.get(id) ?? { frames: [], looks: 0, nextMs: -Infinity, person: undefined, unsure: false };
    const [visit] = this.#tracks.going.filter(({ label, toMs }) => label === 'person' && toMs === monotonicMs)
      .filter((one) => of(one).person === undefined && of(one).looks < faceLooksMax && monotonicMs >= of(one).nextMs).sort((a, b) => of(a).looks - of(b).looks);
    if (visit === undefined) return;
    const frame = await this.#o.face(monotonicMs, visit.last.box);
    if (frame === 'not looked' || this.#closed) return;
    const known = of(visit);
    known.looks++;
    known.nextMs = monotonicMs + lookEveryMs * 2 ** Math.max(0, known.looks - faceLooksAtOnce);
    if (frame !== undefined) known.frames.push(frame);
    const name = whoIs(known.frames), wasUnsure = known.unsure;
    if (typeof name !== 'string') known.person = name.person;
    known.unsure = isInDoubt(known.frames);
    this.#faces.set(visit.id, known);
    if (known.person !== undefined || known.unsure !== wasUnsure) this.#tell(visit, wallMs, visit.last.box);
  }

  /** From time to time, so that a kill costs little of what it was. */
  #renew(visit: Visit, nowMs: number): void {
    if (nowMs - (this.#noted.get(visit.id) ?? visit.fromMs) < renewMs) return;
    this.#noted.set(visit.id, nowMs);
    this.#note(visit.label, nameOf(visit), this.#wallOf(visit.fromMs), this.#wallOf(visit.toMs));
  }

  /** Where it was at that time; a rule may keep it from there on. */
  #tell(visit: Visit, atMs: UnixMs, box: Box): void {
    const { camera, onSeen } = this.#o;
    const { best } = visit;
    const known = this.#faces.get(visit.id);
    onSeen({ camera, kind: visit.label, by: 'hub', atMs, box, name: this.#named(nameOf(visit)), lasts: true, score: best.score, best: this.#bestOf(best), person: known?.person, unsure: known?.unsure });
  }

  #bestOf(best: Sighting): Best {
    return { atMs: this.#wallOf(best.atMs), box: best.box, worth: worth(best) };
  }

  #end(visit: Visit): void {
    this.#noted.delete(visit.id);
    this.#faces.delete(visit.id);
    const toMs = this.#wallOf(visit.toMs);
    this.#note(visit.label, nameOf(visit), this.#wallOf(visit.fromMs), toMs);
    this.#o.onEnded(this.#named(nameOf(visit)), toMs);
  }

  #noteMotion(moving: Box | undefined, wallMs: UnixMs): void {
    const { camera, kinds, onSeen } = this.#o;
    if (moving !== undefined && this.#moving === undefined && this.#movingFrames >= movingFramesMin && kinds.has('motion')) {
      this.#moving = { name: this.#named(`motion ${wallMs}`), fromMs: wallMs, lastMs: wallMs };
      this.#seen.set('motion', (this.#seen.get('motion') ?? 0) + 1);
      this.#note('motion', 'hub', wallMs, wallMs);
    }
    if (this.#moving === undefined) return;
    if (moving === undefined) this.#endMotion(wallMs);
    else {
      this.#moving.lastMs = wallMs;
      // Each second is enough for who keeps it.
      if (this.#movingFrames % 5 === movingFramesMin) onSeen({ camera, kind: 'motion', by: 'hub', atMs: wallMs, box: moving, name: this.#moving.name, lasts: true });
    }
  }

  #endMotion(atMs: UnixMs): void {
    const over = this.#moving;
    this.#moving = undefined;
    if (over === undefined) return;
    this.#note('motion', 'hub', over.fromMs, atMs);
    this.#o.onEnded(over.name, atMs);
  }

  /** What was seen before says nothing of what comes. */
  #onBreak(): void {
    this.#motion.clear();
    this.#endAll();
    this.#movingFrames = 0;
  }

  #endAll(): void {
    const { ended }: Seen = this.#tracks.end();
    for (const visit of ended) this.#end(visit);
    this.#tracks = new Tracks();
    if (this.#moving !== undefined) this.#endMotion(this.#moving.lastMs);
  }

  #isLookedAt(box: Box): boolean {
    const foot = footOf(box);
    return !this.#masks.some(({ points }) => isInside(foot, points));
  }

  /** Told with the end that is known so far, so that no kill leaves one without; told again, it has the end that was told last. */
  #note(kind: ObservationKind, source: string, fromMs: UnixMs, toMs: UnixMs): void {
    const { camera, vault, log } = this.#o;
    const day = Math.floor(toMs / dayMs);
    this.#today = { day, count: (this.#today.day === day ? this.#today.count : 0) + 1 };
    if (this.#today.count > notesPerDayMax) return;
    void vault.noteObservations([{ camera, kind, source, fromMs: Math.round(fromMs), toMs: Math.round(Math.max(fromMs, toMs)) }])
      .catch((error: unknown) => log.debug({ component: 'detect', camera, code: asSallyportError(error).code }, 'an observation was not written'));
  }

  #wallOf(monotonicMs: number): UnixMs {
    const { clock } = this.#o;
    return Math.round(clock.wallMs() - (clock.monotonicMs() - monotonicMs));
  }

  #named(name: string): string {
    return `${name} ${this.#startedMs}`;
  }
}

/** Two that came at the same moment are two. */
function nameOf({ id }: Visit): string {
  return `hub ${id}`;
}
