/** In the place of a camera's watch while its space is private: the camera is not spoken to at all, and the time is accounted for. */
import type { UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import { Loop } from '../base/loop.ts';
import { secondMs } from '../base/units.ts';
import type { GapReason } from '../policy/gaps.ts';
import { recallCamera, type CameraFacts } from './adopt.ts';
import { GapBook } from './gapbook.ts';
import type { Beating } from './heartbeat.ts';
import { privacyInWords, type SpacePrivacy } from './privacy.ts';
import type { CameraStatus, Watched, WatchOptions } from './watch.ts';

const retryMs = 5 * secondMs;

export class PrivateWatch implements Watched {
  readonly #o: Pick<WatchOptions, 'camera' | 'vault' | 'clock' | 'log'>;
  readonly #privacy: SpacePrivacy;
  readonly #loop: Loop;
  readonly #sinceMs: UnixMs;
  #books: readonly GapBook[] = [];
  #facts: CameraFacts | undefined;

  constructor(o: Pick<WatchOptions, 'camera' | 'vault' | 'clock' | 'log'>, privacy: SpacePrivacy) {
    this.#o = o;
    this.#privacy = privacy;
    this.#loop = new Loop(o.clock);
    this.#sinceMs = o.clock.wallMs();
  }

  start(): void {
    this.#loop.start(() => this.#account());
  }

  async close(why: GapReason = 'hub stopped'): Promise<void> {
    await this.#loop.close();
    await Promise.all(this.#books.map((book) => book.close(why)));
  }

  get beating(): Beating {
    return { camera: this.#o.camera.id, wanted: false, online: false, segmentsSealed: 0, excuse: 'its space is private' };
  }

  get status(): CameraStatus {
    const { camera } = this.#o;
    return {
      camera: camera.id, name: camera.name, online: false, sinceMs: this.#privacy.sinceMs ?? this.#sinceMs, recording: false, wanted: false,
      state: privacyInWords(this.#privacy), privacy: true,
      device: this.#facts?.device, adoptedMs: this.#facts?.adoptedMs, restarts: 0, bytes: 0, lastSealedMs: undefined, segmentsSealed: 0, streams: [], events: undefined,
    };
  }

  async lend(): Promise<undefined> {
    return undefined;
  }

  /** Tried until the disk takes it. */
  async #account(): Promise<number> {
    const { camera, vault, clock, log } = this.#o;
    try {
      this.#facts ??= await recallCamera(vault, camera.id);
      for (const stream of (camera.sub ? ['main', 'sub'] as const : ['main'] as const).slice(this.#books.length)) {
        const book = await GapBook.open({ camera: camera.id, stream, vault, clock, log });
        book.standStill(camera.record ? 'privacy' : 'not recorded', '');
        this.#books = [...this.#books, book];
      }
      return Number.MAX_SAFE_INTEGER;
    } catch (error) {
      log.warn({ component: 'privacy', camera: camera.id, code: asSallyportError(error).code }, asSallyportError(error).message);
      return retryMs;
    }
  }
}
