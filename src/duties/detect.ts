/**
 * Which cameras the hub looks at itself: those of which an alarm's rule needs it, now, while they are not private. What it sees goes to
 * `alarms.ts` as a camera's own events do.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { Jail } from '../capture/jail.ts';
import type { AlarmPictures, Moments } from '../capture/moments.ts';
import type { Excerpt, StreamCapture } from '../capture/stream.ts';
import { hubLooksAt, type Box } from '../policy/alarmrules.ts';
import { concerns } from '../policy/concerns.ts';
import type { ObservationKind } from '../policy/observations.ts';
import type { CameraConfig, HubConfig } from '../policy/settings.ts';
import type { Vault } from '../vault/vault.ts';
import type { Observed } from './alarms.ts';
import type { FaceFinder } from './faces.ts';
import { Looker, type LookerState, type ObjectFinder } from './looker.ts';
import type { Watched } from './watch.ts';

export interface DetectOptions {
  readonly config: () => Pick<HubConfig, 'cameras' | 'alarms' | 'zones' | 'place' | 'capture'>;
  readonly watchOf: (camera: string) => Watched | undefined;
  readonly jail: () => Jail;
  readonly detector: ObjectFinder & { readonly status: { readonly state: string; readonly reason?: string | undefined; readonly dropped: number } };
  readonly moments: Moments;
  readonly face: FaceFinder;
  readonly vault: Pick<Vault, 'noteObservations'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly onSeen: (seen: Observed) => void;
  readonly onEnded: (camera: string, name: string, atMs: UnixMs) => void;
}

interface Looking {
  readonly looker: Looker;
  readonly watch: Watched;
  /** What it was begun with; when that differs it begins anew. */
  readonly order: string;
}

const lookAroundMs = 5 * secondMs;
/** Of the streams from which an alarm's pictures are made. */
const retainMs = 10 * secondMs;

export class DetectDuty {
  readonly #o: DetectOptions;
  readonly #loop: Loop;
  readonly #looking = new Map<string, Looking>();

  constructor(o: DetectOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  /** Rules, cameras, or whether they are private may be others now. */
  nudge(): void {
    this.#loop.nudge();
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await Promise.all([...this.#looking.keys()].map((camera) => this.#end(camera)));
  }

  /** Undefined where the hub does not look. */
  of(camera: string): LookerState | undefined {
    return this.#looking.get(camera)?.looker.state;
  }

  /** Who tells persons and vehicles: its state in a word, and why it fails if it does. */
  status(): { readonly detector: string; readonly problem: string | undefined; readonly droppedLooks: number } {
    const { detector, moments } = this.#o;
    const { state, reason, dropped } = detector.status;
    return { detector: state, problem: reason, droppedLooks: moments.state.dropped + dropped };
  }

  /** The pictures of a moment (monotonic), or of soon after, from the large stream where that is still in memory, else from the small one. Never rejects. */
  async pictures(camera: string, atMs: number, about: Box | undefined): Promise<AlarmPictures | undefined> {
    const { watchOf, moments, jail, config, log } = this.#o;
    for (const stream of ['main', 'sub'] as const) {
      try {
        const lent = await watchOf(camera)?.lend(stream);
        if (lent === undefined) continue;
        try {
          // The large one again, of a camera that has no other.
          if (lent.stream !== stream) continue;
          const excerpt = excerptOf(lent.capture, atMs);
          const made = excerpt === undefined ? undefined : await moments.pictures({ camera, excerpt, ffmpeg: config().capture.ffmpeg, jail: jail() }, about);
          if (made !== undefined) return made;
        } finally {
          lent.release();
        }
      } catch (error) {
        log.debug({ component: 'detect', camera, code: asSallyportError(error).code }, 'no pictures of an alarm');
      }
    }
    return undefined;
  }

  async #turn(): Promise<number> {
    const { config, clock } = this.#o;
    const { cameras, alarms, place, zones } = config();
    const nowMs = clock.wallMs();
    let nextMs = Infinity;
    for (const camera of this.#looking.keys()) if (!cameras.some(({ id }) => id === camera)) await this.#end(camera);
    for (const camera of cameras) {
      const wanted = hubLooksAt(camera, alarms, place, nowMs);
      nextMs = Math.min(nextMs, wanted.nextMs ?? Infinity);
      await this.#settle(camera, wanted.kinds, zones.filter((zone) => zone.camera === camera.id));
    }
    return Math.min(minuteMs, lookAroundMs, Math.max(1, nextMs - nowMs));
  }

  async #settle(camera: CameraConfig, kinds: ReadonlySet<ObservationKind>, zones: HubConfig['zones']): Promise<void> {
    const watch = this.#o.watchOf(camera.id);
    const order = JSON.stringify([[...kinds].toSorted(), zones]);
    const known = this.#looking.get(camera.id);
    if (known !== undefined && (kinds.size === 0 || known.watch !== watch || known.order !== order)) await this.#end(camera.id);
    if (watch === undefined) return;
    await this.#retain(watch, camera);
    if (kinds.size === 0 || this.#looking.has(camera.id)) return;
    const { detector, moments, jail, vault, clock, log, random, onSeen, onEnded, config, face } = this.#o;
    try {
      const lent = await watch.lend('sub');
      if (lent === undefined) return;
      const looker = new Looker({
        camera: camera.id, lent, kinds, zones, detector, face: (atMs, box) => face.look({ camera: camera.id, watch, ffmpeg: config().capture.ffmpeg, jail: jail(), atMs, box }), moments, ffmpeg: config().capture.ffmpeg, jail: jail(), vault, clock, log, random, onSeen, onEnded: (name, atMs) => onEnded(camera.id, name, atMs),
      });
      this.#looking.set(camera.id, { looker, watch, order });
      looker.start();
      log.info({ component: 'detect', camera: camera.id, stream: lent.stream }, 'the hub looks at its pictures');
    } catch (error) {
      log.debug({ component: 'detect', camera: camera.id, code: asSallyportError(error).code }, 'its pictures cannot be looked at yet');
    }
  }

  /** An alarm's pictures are of a moment some seconds ago, whoever has seen it. */
  async #retain(watch: Watched, camera: CameraConfig): Promise<void> {
    const rung = camera.detect !== 'off' && this.#o.config().alarms.some((rule) => rule.enabled && concerns(rule, camera));
    const lent = await watch.lend('main').catch(() => undefined);
    lent?.capture.retain('alarms', rung ? retainMs : 0);
    lent?.release();
  }

  async #end(camera: string): Promise<void> {
    const known = this.#looking.get(camera);
    this.#looking.delete(camera);
    await known?.looker.close();
  }
}

/** What shows the moment, or soon after it. A last picture from long before shows another time: the stream was away. */
function excerptOf(capture: Pick<StreamCapture, 'excerpt'>, atMs: number): Excerpt | undefined {
  for (const untilMs of [atMs, Infinity]) {
    const excerpt = capture.excerpt(untilMs);
    if (excerpt !== undefined && excerpt.monotonicMs >= atMs - retainMs) return excerpt;
    excerpt?.bytes.fill(0);
  }
  return undefined;
}
