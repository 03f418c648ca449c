/**
 * Single pictures of a moment, in colour: for the detector, and as the JPEGs that an alarm keeps. Each is decoded from a copy of the ring's
 * pictures up to that moment, by decoders that live for it (`decoder.ts`).
 *
 * One decoder runs at a time for all cameras, so that looking closely never takes the CPU time that recording needs; what waits has a
 * bound, and what is beyond it is dropped, the oldest look first, and counted. The pictures of an alarm go before looks.
 */
import type { Clock } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import type { Box } from '../policy/alarmrules.ts';
import { isThumbnail, paddedThumbnail, thumbnailBytesMax } from '../seal/thumbnail.ts';
import { codecOf, decodeOnce, decoderOptions, jpegOutput, pictureInput, thumbnailFilter } from './decoder.ts';
import type { Jail } from './jail.ts';
import { pictureSizeOf } from './movie.ts';
import type { Excerpt } from './ring.ts';

export interface MomentOrder {
  readonly camera: string;
  /** Wiped by what it is given to. */
  readonly excerpt: Excerpt;
  readonly ffmpeg: string;
  readonly jail: Jail | undefined;
}

/** Red, green, blue; row by row. */
export interface ColourPicture {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface AlarmPictures {
  readonly full: Buffer;
  /** What the alarm is about; absent where that is not known. */
  readonly crop: Buffer | undefined;
  /** Of a Padmé size, for it may leave the house alone. */
  readonly thumb: Buffer;
}

export interface MomentsState {
  /** Looks that were dropped, for there were too many, and those whose decoder failed. */
  readonly dropped: number;
  readonly failed: number;
}

export interface MomentsOptions {
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks that may wait. */
const looksMax = 4;
/** Alarms whose pictures may wait. */
const alarmsMax = 32;
const timeoutMs = 10 * secondMs;
const cpuSeconds = 8;
const colourWidth = 640;
const colourHeightMax = 640;
/** The picture from which the others are made. */
const wholeWidthMax = 1920;
const wholeBytesMax = 4 * 2 ** 20;
export const fullBytesMax = 40 * 1024;
export const cropBytesMax = 24 * 1024;
const fullWidthMax = 1280;
const cropWidthMax = 480;
/** ffmpeg's `-q:v`, from fine to coarse. */
const qualities = [5, 10, 18, 28] as const;
/** Round what the alarm is about, of its own size on each side. */
const margin = 0.25;
/** Round somebody whose face is looked for: a moment later the head is elsewhere. */
const partMargin = 0.15;
/** Of a part, in pixels. */
const partSideMax = 960;

interface Waiting {
  readonly work: () => Promise<void>;
  readonly drop: () => void;
}

export class Moments {
  readonly #o: MomentsOptions;
  readonly #stop = new AbortController();
  #looks: Waiting[] = [];
  #alarms: Waiting[] = [];
  #working: Promise<void> | undefined;
  #state: MomentsState = { dropped: 0, failed: 0 };

  constructor(o: MomentsOptions) {
    this.#o = o;
  }

  get state(): MomentsState {
    return this.#state;
  }

  /** For the detector; the caller wipes it. Undefined when it was dropped or nothing came out. Never rejects. */
  colour(order: MomentOrder): Promise<ColourPicture | undefined> {
    return this.#queue(order, this.#looks, looksMax, () => this.#decodeColour(order));
  }

  /** What of the picture is in the box and a little round it, at its own size as far as that is within bounds; the caller wipes it. As `colour` else. */
  part(order: MomentOrder, box: Box): Promise<ColourPicture | undefined> {
    return this.#queue(order, this.#looks, looksMax, () => this.#decodeColour(order, partSize(order.excerpt, box), `${cropOf(box, partMargin)},`));
  }

  /** The pictures of an alarm; sizes have bounds. Undefined when there are none. Never rejects. */
  pictures(order: MomentOrder, about: Box | undefined): Promise<AlarmPictures | undefined> {
    return this.#queue(order, this.#alarms, alarmsMax, () => this.#decodeAll(order, about));
  }

  /** Resolves when no decoder runs any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const { drop } of [...this.#looks, ...this.#alarms]) drop();
    this.#looks = this.#alarms = [];
    await this.#working;
  }

  #queue<T>(order: MomentOrder, into: Waiting[], most: number, work: () => Promise<T | undefined>): Promise<T | undefined> {
    if (into.length >= most) {
      into.shift()?.drop();
      this.#count({ dropped: 1 });
    }
    return new Promise((resolve) => {
      const drop = (): void => {
        order.excerpt.bytes.fill(0);
        resolve(undefined);
      };
      if (this.#stop.signal.aborted) return drop();
      into.push({ drop, work: async () => resolve(await this.#guard(order, work)) });
      this.#working ??= this.#work().finally(() => { this.#working = undefined; });
    });
  }

  async #work(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) await next.work();
  }

  #next(): Waiting | undefined {
    return this.#alarms.shift() ?? this.#looks.shift();
  }

  async #guard<T>(order: MomentOrder, work: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      const made = await work();
      if (made === undefined) this.#count({ failed: 1 });
      return made;
    } catch (error) {
      this.#count({ failed: 1 });
      this.#o.log.debug({ component: 'capture', camera: order.camera, code: asSallyportError(error).code }, asSallyportError(error).message);
      return undefined;
    } finally {
      order.excerpt.bytes.fill(0);
    }
  }

  async #decodeColour(order: MomentOrder, [width, height] = colourSize(order.excerpt), first = ''): Promise<ColourPicture | undefined> {
    const output = await this.#decode(order, movieOf(order.excerpt), colourArguments(order.excerpt, width, height, first), width * height * 3);
    if (output?.length === width * height * 3) return { rgb: output, width, height };
    output?.fill(0);
    return undefined;
  }

  async #decodeAll(order: MomentOrder, about: Box | undefined): Promise<AlarmPictures | undefined> {
    const whole = await this.#decode(order, movieOf(order.excerpt), wholeArguments(order.excerpt), wholeBytesMax);
    if (whole === undefined) return undefined;
    const make = (filter: string, bytesMax: number): Promise<Buffer | undefined> => this.#encode(order, whole, filter, bytesMax);
    try {
      const full = await make(`scale=w=min(${fullWidthMax}\\,iw):h=-2`, fullBytesMax);
      const crop = about === undefined ? undefined : await make(`${cropOf(about)},scale=w=min(${cropWidthMax}\\,iw):h=-2`, cropBytesMax);
      // With room for the comment that pads it.
      const thumb = await make(thumbnailFilter, thumbnailBytesMax - 1_024);
      const padded = thumb === undefined || !isThumbnail(thumb) ? undefined : Buffer.from(paddedThumbnail(thumb).buffer);
      thumb?.fill(0);
      if (full !== undefined && padded !== undefined && isThumbnail(padded)) return { full, crop, thumb: padded };
      for (const made of [full, crop, padded]) made?.fill(0);
      return undefined;
    } finally {
      whole.fill(0);
    }
  }

  /** From fine to coarse, until it is small enough. */
  async #encode(order: MomentOrder, whole: Buffer, filter: string, bytesMax: number): Promise<Buffer | undefined> {
    for (const quality of qualities) {
      const made = await this.#decode(order, whole, jpegArguments(filter, quality), wholeBytesMax, false);
      if (made === undefined || made.length <= bytesMax) return made;
      made.fill(0);
    }
    return undefined;
  }

  async #decode({ camera, ffmpeg, jail }: MomentOrder, input: Buffer, args: string[], outputBytesMax: number, wipe = true): Promise<Buffer | undefined> {
    const { clock, log } = this.#o;
    try {
      const { output, failure } = await decodeOnce({ ffmpeg, args, input, jail, outputBytesMax, cpuSeconds, timeoutMs, clock, signal: this.#stop.signal });
      if (output === undefined && !this.#stop.signal.aborted) log.debug({ component: 'capture', camera, reason: failure }, 'no picture of a moment');
      return output;
    } finally {
      if (wipe) input.fill(0);
    }
  }

  #count({ dropped = 0, failed = 0 }: Partial<MomentsState>): void {
    this.#state = { dropped: this.#state.dropped + dropped, failed: this.#state.failed + failed };
  }
}

function movieOf({ init, bytes }: Excerpt): Buffer {
  return Buffer.concat([init.ftyp, init.moov, bytes]);
}

/** In the proportions of the stream. */
function colourSize({ init }: Excerpt): [width: number, height: number] {
  const size = pictureSizeOf(init.moov) ?? { width: 16, height: 9 };
  return [colourWidth, Math.min(colourHeightMax, Math.max(16, 2 * Math.round((colourWidth * size.height) / Math.max(1, size.width) / 2)))];
}

/** The last picture of the excerpt. */
function lastOf({ pictures }: Excerpt): string {
  return `select=gte(n\\,${pictures - 1})`;
}

/** `first`: a filter and a comma. */
export function colourArguments(excerpt: Excerpt, width: number, height: number, first = ''): string[] {
  return [...pictureInput(codecOf(excerpt.init)), '-frames:v', '1', '-filter_threads', '1', '-vf', `${lastOf(excerpt)},${first}scale=${width}:${height}:flags=area,format=rgb24`, '-fps_mode', 'passthrough', '-c:v', 'rawvideo', '-f', 'rawvideo', 'pipe:1'];
}

function wholeArguments(excerpt: Excerpt): string[] {
  return [...pictureInput(codecOf(excerpt.init)), ...jpegOutput(`${lastOf(excerpt)},scale=w=min(${wholeWidthMax}\\,iw):h=-2`, 2, ['-fps_mode', 'passthrough'])];
}

function jpegArguments(filter: string, quality: number): string[] {
  return [...decoderOptions, '-c:v', 'mjpeg', '-f', 'mjpeg', '-i', 'pipe:0', ...jpegOutput(filter, quality)];
}

/** So many pixels high is the stream's picture; undefined where that cannot be told. */
export function pictureHeightOf({ init }: Excerpt): number | undefined {
  return pictureSizeOf(init.moov)?.height;
}

/** What `cropOf` leaves, within bounds. */
function partSize({ init }: Excerpt, box: Box): [width: number, height: number] {
  const size = pictureSizeOf(init.moov) ?? { width: colourWidth, height: colourHeightMax };
  const { w, h } = placeOf(box, partMargin);
  const scale = Math.min(1, partSideMax / Math.max(w * size.width, h * size.height));
  const even = (length: number): number => Math.max(16, 2 * Math.round((length * scale) / 2));
  return [even(w * size.width), even(h * size.height)];
}

/** With something round it, within the picture. */
function cropOf(box: Box, around = margin): string {
  const { x, y, w, h } = placeOf(box, around);
  const of = (value: number): string => value.toFixed(4);
  return `crop=w=iw*${of(w)}:h=ih*${of(h)}:x=iw*${of(x)}:y=ih*${of(y)}`;
}

function placeOf({ x, y, width, height }: Box, around: number): { x: number; y: number; w: number; h: number } {
  const within = (value: number): number => Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0));
  const [left, top] = [within(x - width * around), within(y - height * around)];
  const [right, bottom] = [within(x + width * (1 + around)), within(y + height * (1 + around))];
  // A crop of nothing, or of a few pixels, shows nothing.
  const [w, h] = [Math.max(0.05, right - left), Math.max(0.05, bottom - top)];
  return { x: Math.min(left, 1 - w), y: Math.min(top, 1 - h), w, h };
}
