/**
 * Two-way talk: sound goes to a camera's loudspeaker while somebody holds the way open, and not a second longer. It is passed on as it
 * comes, at the pace of speech; the hub keeps none of it. The audit says who talked through which camera, when and for how long.
 */
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import { Talk, packetSamples } from '../cameras/talk.ts';
import type { Vault } from '../vault/vault.ts';
import type { Site } from './site.ts';

/** Who holds the way open and says nothing for so long has gone. */
export const silenceMsMax = 30 * secondMs;
const packetMs = 20;
const samplesPerSecond = 8000;
/** What a talker may be ahead: a file comes faster than speech, and its reader is held back. */
const aheadMs = 200;

export interface TalkRooms {
  readonly site: Site;
  readonly vault: Pick<Vault, 'audit'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** For the audit. */
export interface Speaker {
  readonly who: 'cli' | 'page';
  readonly account?: string;
}

export class TalkDuty {
  readonly #rooms: TalkRooms;
  /** One talker a camera. */
  readonly #open = new Map<string, AbortController>();
  readonly #stop = new AbortController();

  constructor(rooms: TalkRooms) {
    this.#rooms = rooms;
  }

  /** Whoever talks is cut off. */
  async close(): Promise<void> {
    this.#stop.abort();
  }

  /** Whoever talks through that camera is cut off. */
  cut(camera: string): void {
    this.#open.get(camera)?.abort();
  }

  /**
   * Passes on mu-law (8,000 samples a second, one byte each; RFC 2046 audio/basic) until it ends, the signal ends it, or 30 s bring
   * nothing. Resolves to how much went out. SP_CAMERA_UNKNOWN, SP_CAMERA_FAULT without a loudspeaker or while another talks, and what
   * Talk rejects with.
   */
  async talk(camera: string, sound: AsyncIterable<Uint8Array>, gone: AbortSignal, speaker: Speaker = { who: 'cli' }): Promise<{ talkedMs: number }> {
    if (this.#open.has(camera)) throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'talk', reason: 'somebody else is talking' });
    const cut = new AbortController();
    this.#open.set(camera, cut);
    try {
      return await this.#hold(camera, sound, AbortSignal.any([gone, cut.signal, this.#stop.signal]), speaker);
    } finally {
      this.#open.delete(camera);
    }
  }

  async #hold(camera: string, sound: AsyncIterable<Uint8Array>, signal: AbortSignal, { who, account }: Speaker): Promise<{ talkedMs: number }> {
    const { site, vault, clock, log } = this.#rooms;
    const talk = await Talk.open({ ...(await site.streamAccessTo(camera)), clock, signal });
    const startedMs = clock.monotonicMs();
    try {
      log.info({ component: 'talk', camera }, 'somebody talks through the camera');
      const samples = await pass(talk, sound, clock, signal);
      return { talkedMs: Math.round((samples / samplesPerSecond) * secondMs) };
    } finally {
      await talk.close();
      const heldMs = Math.round(clock.monotonicMs() - startedMs);
      await vault.audit({ what: 'camera.talk', who, camera, ...(account === undefined ? {} : { account }), detail: { held_ms: heldMs } });
      log.info({ component: 'talk', camera, heldMs }, 'the way to the loudspeaker is closed');
    }
  }
}

/** Returns how many samples went out. */
async function pass(talk: Talk, sound: AsyncIterable<Uint8Array>, clock: Clock, signal: AbortSignal): Promise<number> {
  const reader = sound[Symbol.asyncIterator]();
  let samples = 0;
  let dueMs = clock.monotonicMs();
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for (let next = await orSilence(reader.next(), clock, signal); next?.done === false; next = await orSilence(reader.next(), clock, signal)) {
      rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
      // After a pause speech goes on now; what was not said is not made up for.
      dueMs = Math.max(dueMs, clock.monotonicMs());
      while (rest.length >= packetSamples) {
        talk.send(rest.subarray(0, packetSamples));
        rest = rest.subarray(packetSamples);
        samples += packetSamples;
        dueMs += packetMs;
        const waitMs = dueMs - aheadMs - clock.monotonicMs();
        if (waitMs > 0) await clock.sleep(waitMs, signal);
      }
    }
    if (rest.length > 0) talk.send(rest);
    samples += rest.length;
    // The camera plays what it has; TEARDOWN must not cut the last word off.
    await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    void reader.return?.();
  }
  return samples;
}

/** Undefined when 30 s brought nothing, or the signal came. */
async function orSilence<T>(next: Promise<IteratorResult<T>>, clock: Clock, signal: AbortSignal): Promise<IteratorResult<T> | undefined> {
  const heard = new AbortController();
  next.catch(() => {});
  try {
    return await Promise.race([next, clock.sleep(silenceMsMax, AbortSignal.any([heard.signal, signal])).then(() => undefined, () => new Promise<undefined>((resolve) => { if (signal.aborted) resolve(undefined); }))]);
  } finally {
    heard.abort();
  }
}
