/**
 * A small JPEG of a segment's first picture, made by a decoder in the jail: nothing but its three pipes, no file, no port, one picture, and
 * gone. It gets a camera's bytes, so whatever comes out, or does not, costs that picture and nothing else: recording never waits for it.
 *
 * One decoder runs at a time for all cameras, for the pictures of a minute are all wanted at once. Each picture has a decoder of its own,
 * so that one that a camera has taken over never sees another camera's.
 */
import type { Clock } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isThumbnail, thumbnailBytesMax } from '../seal/thumbnail.ts';
import { codecOf, decodeOnce, jpegOutput, pictureInput, thumbnailFilter } from './decoder.ts';
import type { Jail } from './jail.ts';
import type { Init } from './media.ts';

export interface StillOrder {
  readonly camera: string;
  readonly stream: 'main' | 'sub';
  readonly init: Init;
  /** The fragment (moof and mdat) of a key frame; copied before the return. */
  readonly keyFrame: Uint8Array;
  readonly ffmpeg: string;
  /** Without one it runs as the hub does: for tests of the picture itself. */
  readonly jail?: Jail | undefined;
}

export interface Still {
  /** Undefined as long as it is not ready, and for ever when there is none. Not to be used after `close`. */
  readonly jpeg: Buffer | undefined;
  /** Wipes it; what is not ready is given up. */
  close(): void;
}

export interface StillsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Until a decoder is killed (10 s). */
  readonly timeoutMs?: number;
}

/** Orders beyond these get no picture. */
const waitingMax = 32;
const waitingBytesMax = 16 * 2 ** 20;
const timeoutMsDefault = 10_000;
/** Of one picture; the slowest board takes a second for 4K. */
const cpuSeconds = 8;
/** What ffmpeg may print: a picture that is larger is made anew, coarser. */
const outputBytesMax = 256 * 1024;
/** ffmpeg's `-q:v`. A picture of a street has 6 to 12 KB with the first, of leaves in the wind may exceed the bound. */
const qualities = [7, 20] as const;

export class Stills {
  readonly #o: StillsOptions;
  readonly #waiting: Order[] = [];
  #working: Promise<void> | undefined;
  #current: Order | undefined;
  /** Streams whose last picture failed: it is news once. */
  readonly #failing = new Set<string>();
  #closed = false;

  constructor(o: StillsOptions) {
    this.#o = o;
  }

  /** Never fails and never waits. */
  order(o: StillOrder): Still {
    const wanted = this.#waiting.filter(({ closed }) => !closed);
    this.#waiting.splice(0, Infinity, ...wanted);
    const bytes = wanted.reduce((sum, order) => sum + order.bytes, o.init.ftyp.length + o.init.moov.length + o.keyFrame.length);
    if (this.#closed || wanted.length >= waitingMax || bytes > waitingBytesMax) return { jpeg: undefined, close: () => {} };
    const order = new Order(o);
    this.#waiting.push(order);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    return order;
  }

  /** Resolves when no decoder runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const order of this.#waiting) order.close();
    this.#current?.close();
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let order = this.#waiting.shift(); order !== undefined; order = this.#waiting.shift()) {
      this.#current = order;
      const failure = await order.make(this.#o.clock, this.#o.timeoutMs ?? timeoutMsDefault);
      if (!order.closed) this.#tell(order, failure);
    }
    this.#current = undefined;
  }

  #tell({ camera, stream }: Order, failure: string | undefined): void {
    const key = `${camera}/${stream}`;
    if (failure === undefined) this.#failing.delete(key);
    else {
      this.#o.log[this.#failing.has(key) ? 'debug' : 'info']({ component: 'capture', camera, stream, reason: failure }, 'no thumbnail of a segment');
      this.#failing.add(key);
    }
  }
}

class Order implements Still {
  readonly camera: string;
  readonly stream: 'main' | 'sub';
  readonly #ffmpeg: string;
  readonly #jail: Jail | undefined;
  readonly #codec: 'h264' | 'hevc';
  readonly #stop = new AbortController();
  /** Init and key frame: an MP4 file of one picture. Wiped when it is used up. */
  readonly #input: Buffer;
  #inUse = false;
  jpeg: Buffer | undefined;

  constructor({ camera, stream, init, keyFrame, ffmpeg, jail }: StillOrder) {
    this.camera = camera;
    this.stream = stream;
    this.#ffmpeg = ffmpeg;
    this.#jail = jail;
    this.#codec = codecOf(init);
    this.#input = Buffer.concat([init.ftyp, init.moov, keyFrame]);
  }

  get bytes(): number {
    return this.#input.length;
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  close(): void {
    this.#stop.abort();
    this.jpeg?.fill(0);
    this.jpeg = undefined;
    if (!this.#inUse) this.#input.fill(0);
  }

  /** Answers why there is none; undefined when there is one. Never rejects. */
  async make(clock: Clock, timeoutMs: number): Promise<string | undefined> {
    if (this.closed) return 'it is wanted no more';
    this.#inUse = true;
    try {
      for (const quality of qualities) {
        const made = await this.#decode(quality, clock, timeoutMs);
        if (made.jpeg === undefined) return made.failure;
        if (this.closed) made.jpeg.fill(0);
        else if (isThumbnail(made.jpeg)) this.jpeg = made.jpeg;
        if (this.closed || this.jpeg !== undefined) return undefined;
        const tooLarge = made.jpeg.length > thumbnailBytesMax;
        made.jpeg.fill(0);
        if (!tooLarge) return 'what came out is no JPEG of the size that was asked for';
      }
      return `it is larger than ${thumbnailBytesMax} bytes`;
    } catch (error) {
      return asSallyportError(error).message;
    } finally {
      this.#inUse = false;
      this.#input.fill(0);
    }
  }

  async #decode(quality: number, clock: Clock, timeoutMs: number): Promise<{ jpeg: Buffer | undefined; failure: string }> {
    const { output, failure } = await decodeOnce({
      ffmpeg: this.#ffmpeg, args: stillArguments(this.#codec, quality), input: this.#input, jail: this.#jail, outputBytesMax, cpuSeconds, timeoutMs, clock, signal: this.#stop.signal,
    });
    return { jpeg: output, failure };
  }
}

/**
 * One key frame in, one JPEG out. What the loop filter would smooth is averaged away at this size.
 */
export function stillArguments(codec: 'h264' | 'hevc', quality: number): string[] {
  return [...pictureInput(codec, ['-skip_loop_filter', 'all']), ...jpegOutput(thumbnailFilter, quality)];
}
