/**
 * A still picture of a camera, for somebody who looks: asked of the camera at that moment, handed on, and kept nowhere. Those who look at
 * the same time see the same picture, so that many who look cost a camera no more than one. The control socket cannot ask for it.
 */
import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import { minuteMs } from '../base/units.ts';
import { CameraClient } from '../cameras/client.ts';
import type { Site } from './site.ts';

export interface StillRooms {
  readonly site: Pick<Site, 'stillAccessTo'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Many cameras lock a user out after some wrong passwords, and a page asks again and again. */
const refusedWaitMs = 5 * minuteMs;

export class StillDuty {
  readonly #rooms: StillRooms;
  readonly #stop = new AbortController();
  /** On their way, by camera. */
  readonly #asked = new Map<string, Promise<Buffer>>();
  /** Passwords that a camera refused, and until when it is not asked with them again, monotonic. */
  readonly #refused = new Map<string, { readonly password: Secret; readonly untilMs: number }>();

  constructor(rooms: StillRooms) {
    this.#rooms = rooms;
  }

  /** What is on its way ends with SP_STOPPED. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#asked.values());
  }

  /**
   * A JPEG of at most 8 MiB, within 30 s; whatever else is in it is the camera's, so nothing but a picture may be made of it. SP_CAMERA_UNKNOWN,
   * SP_NO_PASSWORD, SP_CAMERA_FAULT where the camera offers none, and what CameraClient rejects with.
   */
  still(camera: string): Promise<Buffer> {
    const under = this.#asked.get(camera);
    if (under !== undefined) return under;
    const asked = this.#ask(camera).finally(() => this.#asked.delete(camera));
    this.#asked.set(camera, asked);
    return asked;
  }

  async #ask(camera: string): Promise<Buffer> {
    const { site, clock, log } = this.#rooms;
    const { uri, ...access } = await site.stillAccessTo(camera);
    const refused = this.#refused.get(camera);
    if (refused !== undefined && clock.monotonicMs() < refused.untilMs && refused.password.reveal() === access.password.reveal()) throw new SallyportError('SP_CAMERA_REFUSED', { camera });
    this.#refused.delete(camera);
    try {
      return await new CameraClient({ ...access, clock, log, signal: this.#stop.signal }).snapshot(uri);
    } catch (error) {
      if (isSallyportError(error, 'SP_CAMERA_REFUSED')) this.#refused.set(camera, { password: access.password, untilMs: clock.monotonicMs() + refusedWaitMs });
      throw error;
    }
  }
}
