/**
 * Live pictures: what a camera's stream brings is passed on as it comes, to whoever watches. Each viewer reads from the stream's ring as
 * the recorder does; one that takes pictures too slowly is dropped to key frames, then cut, and neither the recorder nor another viewer
 * notices. A stream that nobody records comes only while somebody watches.
 */
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import type { Fragment, Init, MediaEvent } from '../capture/media.ts';
import { pictureSizeOf, withoutSound } from '../capture/movie.ts';
import { fallenBehind, nextForViewer, viewersMax, viewersOfCameraMax, viewingBegins, type Viewing, type Waiting } from '../policy/viewing.ts';
import type { LentStream, Watched } from './watch.ts';

export type LiveItem =
  | LiveInit
  /** The fragment's bytes are there until the next item is asked for; viewers of one stream are given the same object. */
  | { readonly kind: 'fragment'; readonly fragment: Fragment }
  /** Pictures are left out from here on, or no more. */
  | { readonly kind: 'behind'; readonly mode: Viewing['mode'] }
  /** No pictures come; they begin anew with an init. */
  | { readonly kind: 'lost'; readonly reason: string; readonly detail: string };

/** What follows belongs to this setup, and begins with a key frame. */
export interface LiveInit {
  readonly kind: 'init';
  /** `main` where `sub` was asked for and the camera has none. */
  readonly stream: 'main' | 'sub';
  readonly ftyp: Buffer;
  /** Without the track of the sound, unless it was asked for. */
  readonly moov: Buffer;
  /** RFC 6381. */
  readonly video: string;
  /** Of the sound that comes with it; undefined when none does. */
  readonly audio: string | undefined;
  /** The camera sends sound, whether it was asked for or not. */
  readonly hasSound: boolean;
  readonly width: number;
  readonly height: number;
}

export interface WatchingOptions {
  readonly sound: boolean;
  /** What was sent to this viewer and has not arrived there. Asked before each picture. */
  readonly waiting: () => Waiting;
}

export interface LiveRooms {
  readonly cameras: () => readonly Pick<Watched, 'status' | 'lend'>[];
  readonly clock: Clock;
  readonly log: Log;
  /** Whether nobody may look through a camera now. Asked before each item: closing what watches a camera takes longer. */
  readonly isPrivate: (camera: string) => boolean;
}

/** A camera that is being asked what it is, or that was just taken over with other settings, is looked for so often. */
const lookAgainMs = secondMs / 2;

export class LiveDuty {
  readonly #rooms: LiveRooms;
  readonly #stop = new AbortController();
  /** Viewers by camera. */
  readonly #viewers = new Map<string, number>();

  constructor(rooms: LiveRooms) {
    this.#rooms = rooms;
  }

  /** Whoever watches sees the end. */
  async close(): Promise<void> {
    this.#stop.abort();
  }

  /** Who watch now: of a camera, or all. */
  viewers(camera?: string): number {
    return camera === undefined ? [...this.#viewers.values()].reduce((sum, count) => sum + count, 0) : this.#viewers.get(camera) ?? 0;
  }

  /**
   * A stream from the current picture's group on, until `signal`. Ends by itself only when the hub stops. SP_CAMERA_UNKNOWN, SP_VIEWERS,
   * SP_VIEWER_SLOW, SP_PRIVATE.
   */
  async *watch(camera: string, stream: 'main' | 'sub', options: WatchingOptions, signal: AbortSignal): AsyncGenerator<LiveItem> {
    this.#enter(camera);
    try {
      yield* this.#watch(camera, stream, options, AbortSignal.any([signal, this.#stop.signal]));
    } finally {
      this.#leave(camera);
    }
  }

  async *#watch(camera: string, stream: 'main' | 'sub', options: WatchingOptions, signal: AbortSignal): AsyncGenerator<LiveItem> {
    const viewer = new Viewer(camera, options, this.#rooms.clock);
    let told: string | undefined;
    while (!signal.aborted) {
      const found = await this.#find(camera, stream);
      if (typeof found === 'string') {
        if (found !== told) yield { kind: 'lost', reason: 'camera offline', detail: found };
        told = found;
        await this.#rooms.clock.sleep(lookAgainMs, signal).catch(() => {});
        continue;
      }
      told = undefined;
      try {
        for await (const event of found.capture.read(signal, 'live')) {
          this.#checkPrivacy(camera);
          if (signal.aborted) return;
          yield* viewer.items(event, found.stream);
        }
      } finally {
        found.release();
      }
      // Its session ended: with the hub, or to begin anew with other settings.
      if (!signal.aborted) await this.#rooms.clock.sleep(lookAgainMs, signal).catch(() => {});
    }
  }

  /** The stream, or why there is none now, in words. */
  async #find(camera: string, stream: 'main' | 'sub'): Promise<LentStream | string> {
    const watch = this.#rooms.cameras().find(({ status }) => status.camera === camera);
    if (watch === undefined) throw new SallyportError('SP_CAMERA_UNKNOWN', { camera });
    this.#checkPrivacy(camera);
    if (watch.status.privacy) throw new SallyportError('SP_PRIVATE', { camera });
    try {
      return await watch.lend(stream) ?? watch.status.state;
    } catch (error) {
      const problem = asSallyportError(error);
      this.#rooms.log.debug({ component: 'live', camera, code: problem.code }, problem.message);
      return problem.message;
    }
  }

  /** The one place that is asked whether pictures may be shown at all. */
  #checkPrivacy(camera: string): void {
    if (this.#rooms.isPrivate(camera)) throw new SallyportError('SP_PRIVATE', { camera });
  }

  #enter(camera: string): void {
    if (this.viewers(camera) >= viewersOfCameraMax) throw new SallyportError('SP_VIEWERS', { viewers: viewersOfCameraMax, what: camera });
    if (this.viewers() >= viewersMax) throw new SallyportError('SP_VIEWERS', { viewers: viewersMax, what: 'this hub\'s cameras' });
    this.#viewers.set(camera, this.viewers(camera) + 1);
  }

  #leave(camera: string): void {
    const left = this.viewers(camera) - 1;
    if (left > 0) this.#viewers.set(camera, left);
    else this.#viewers.delete(camera);
  }
}

/** What one viewer is given of what comes. */
class Viewer {
  readonly #camera: string;
  readonly #options: WatchingOptions;
  readonly #clock: Clock;
  #viewing: Viewing = viewingBegins;

  constructor(camera: string, options: WatchingOptions, clock: Clock) {
    this.#camera = camera;
    this.#options = options;
    this.#clock = clock;
  }

  *items(event: MediaEvent, stream: 'main' | 'sub'): Generator<LiveItem> {
    if (event.kind === 'fragment') yield* this.#fragment(event.fragment);
    else if (event.kind === 'init') yield initOf(event.init, stream, this.#options.sound);
    else if (event.kind === 'behind') yield* this.#fallBehind();
    else yield { kind: 'lost', reason: event.reason === 'hub stopped' ? 'settings changed' : event.reason, detail: event.detail };
  }

  *#fragment(fragment: Fragment): Generator<LiveItem> {
    const { sound, waiting } = this.#options;
    if (fragment.track === 'audio' && !sound) return;
    const { next, decision, news, why } = nextForViewer(this.#viewing, { ...waiting(), track: fragment.track, keyFrame: fragment.keyFrame, nowMs: this.#clock.monotonicMs() });
    this.#viewing = next;
    if (decision === 'cut') throw new SallyportError('SP_VIEWER_SLOW', { camera: this.#camera, reason: why ?? '' });
    if (news !== undefined) yield { kind: 'behind', mode: news };
    if (decision === 'send') yield { kind: 'fragment', fragment };
  }

  /** It was so slow that the ring had let go of what it wanted. */
  *#fallBehind(): Generator<LiveItem> {
    const before = this.#viewing.mode;
    this.#viewing = fallenBehind(this.#viewing, this.#clock.monotonicMs());
    if (before !== this.#viewing.mode) yield { kind: 'behind', mode: this.#viewing.mode };
  }
}

function initOf({ ftyp, moov, videoCodec, audioCodec }: Init, stream: 'main' | 'sub', sound: boolean): LiveInit {
  const audio = sound ? audioCodec : undefined;
  const { width, height } = pictureSizeOf(moov) ?? { width: 0, height: 0 };
  return {
    kind: 'init', stream, ftyp, moov: audioCodec !== undefined && audio === undefined ? withoutSound(moov) : moov,
    video: videoCodec, audio, hasSound: audioCodec !== undefined, width, height,
  };
}
