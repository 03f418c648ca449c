/**
 * Knows how long ago each stream had a segment sealed, by the monotonic clock, and tells the owner when that is too long: a recorder
 * that has stopped, for whatever reason, must not be found out when its footage is needed.
 */
import type { Clock } from '../base/clock.ts';
import { Loop } from '../base/loop.ts';
import { secondMs } from '../base/units.ts';
import { sealingComplaint, type SealingFacts } from '../policy/sealing.ts';
import type { Notices } from './notices.ts';
import type { CameraStatus } from './watch.ts';

export interface SealingOptions {
  readonly cameras: () => readonly CameraStatus[];
  readonly cutAfterMs: () => number;
  readonly notices: Pick<Notices, 'open' | 'raise' | 'settle'>;
  readonly clock: Clock;
}

export interface SealedAge extends SealingFacts {
  readonly camera: string;
}

const lookEveryMs = 5 * secondMs;

export class SealingDuty {
  readonly #o: SealingOptions;
  readonly #loop: Loop;
  /** By camera and stream: how many segments were sealed, and since when there are so many. */
  readonly #seen = new Map<string, { segments: number; sinceMs: number }>();

  constructor(o: SealingOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => {
      this.look();
      return lookEveryMs;
    });
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Of every stream that is watched; of a camera that is still being asked what it is, its main stream. */
  ages(): SealedAge[] {
    const ages = this.#o.cameras().flatMap((camera) => streamsOf(camera).map((stream) => ({
      camera: camera.camera, stream: stream.stream, wanted: stream.wanted, state: stream.state, ageMs: this.#ageOf(`${camera.camera}/${stream.stream}`, stream),
    })));
    const known = new Set(ages.map(({ camera, stream }) => `${camera}/${stream}`));
    for (const key of this.#seen.keys()) if (!known.has(key)) this.#seen.delete(key);
    return ages;
  }

  /** Raises and settles the notice of each camera. */
  look(): void {
    const { notices, cutAfterMs } = this.#o;
    const byCamera = Map.groupBy(this.ages(), ({ camera }) => camera);
    for (const [camera, streams] of byCamera) {
      const complaint = sealingComplaint(streams, cutAfterMs());
      if (complaint === undefined) notices.settle('recording stopped', camera);
      else notices.raise('recording stopped', complaint, camera);
    }
    for (const { kind, camera } of notices.open) if (kind === 'recording stopped' && camera !== undefined && !byCamera.has(camera)) notices.settle(kind, camera);
  }

  /** A watch that begins anew counts from nothing, and that is no segment; what was not to be sealed is not late. */
  #ageOf(key: string, { segmentsSealed: segments, wanted }: { readonly segmentsSealed: number; readonly wanted: boolean }): number {
    const nowMs = this.#o.clock.monotonicMs();
    const seen = this.#seen.get(key);
    const sinceMs = seen === undefined || segments > seen.segments || !wanted ? nowMs : seen.sinceMs;
    this.#seen.set(key, { segments, sinceMs });
    return nowMs - sinceMs;
  }
}

function streamsOf(camera: CameraStatus): readonly { stream: 'main' | 'sub'; wanted: boolean; state: string; segmentsSealed: number }[] {
  return camera.streams.length > 0 ? camera.streams : [{ stream: 'main', wanted: camera.wanted, state: camera.state, segmentsSealed: 0 }];
}
