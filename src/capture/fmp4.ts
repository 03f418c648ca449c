/**
 * Splits ffmpeg's output into init and fragments while it comes. Each box has a bound, each byte is copied once at most (not at all
 * where a fragment lies in one chunk), nothing of it stays here, and nothing in the bytes makes it throw anything but SP_FMP4.
 */
import type { UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { BoxError } from '../base/mp4.ts';
import { Arrivals } from './arrivals.ts';
import type { Fragment, Init } from './media.ts';
import { readMoof, readMoov, type Movie } from './movie.ts';

export interface Fmp4Sink {
  /** At the beginning, and again when the stream's setup changes. */
  onInit(init: Init): void;
  /** Its bytes are there until the return. */
  onFragment(fragment: Fragment): void;
}

/** Top-level boxes and their largest whole size. What is not here has no place in our stream. */
const boundBytes: ReadonlyMap<string, number> = new Map([
  ['ftyp', 2 ** 10], ['moov', 2 ** 20], ['moof', 2 ** 20], ['mdat', 2 ** 24], ['styp', 2 ** 16], ['sidx', 2 ** 16], ['free', 2 ** 16], ['emsg', 2 ** 16],
]);
const headerBytes = 8;
/** Memory for a unit that spans chunks: at least so much, and kept for the next one up to so much. */
const carriedBytesMin = 2 ** 16;
const carriedBytesMax = 2 ** 20;

export class Fmp4Reader {
  readonly #camera: string;
  readonly #sink: Fmp4Sink;
  /** For the beginning of a unit (a box, or a moof with its mdat) that ends in a later chunk: `#held` of its `#unitBytes` are there. */
  #carried: Buffer = Buffer.alloc(0);
  #held = 0;
  /** 0 while there is none. */
  #unitBytes = 0;
  /** Where in the whole stream the current unit began. */
  #offset = 0;
  #ftyp: Buffer | undefined;
  #movie: Movie | undefined;
  #firstMs: number | undefined;
  /** Of the chunk at hand. */
  #arrived = { wallMs: 0, afterMs: 0, byMs: 0 };
  #arrivals = new Arrivals();
  #failure: SallyportError | undefined;

  constructor(camera: string, sink: Fmp4Sink) {
    this.#camera = camera;
    this.#sink = sink;
  }

  /**
   * `chunk` is the caller's again at the return. It arrived at the times given, or, when it is one of a batch, after `afterMs` of the
   * monotonic clock; fragments then get times between. SP_FMP4; after it each call throws the same.
   */
  push(chunk: Buffer, wallMs: UnixMs, monotonicMs: number, afterMs = monotonicMs): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#arrived = { wallMs, afterMs, byMs: monotonicMs };
    try {
      let at = this.#fill(chunk);
      while (at < chunk.length) {
        const size = unitBytes(chunk, at, chunk.length);
        if (size > chunk.length - at) {
          this.#carry(size);
          this.#held = chunk.copy(this.#carried, 0, at);
          return;
        }
        this.#take(chunk.subarray(at, at + size));
        at += size;
      }
    } catch (error) {
      if (!(error instanceof BoxError)) throw error;
      this.#failure = new SallyportError('SP_FMP4', { camera: this.#camera, offset: this.#offset + error.offset, reason: error.message });
      throw this.#failure;
    }
  }

  /** Wipes what is there of a unit that will not be completed. */
  close(): void {
    this.#carried.fill(0);
  }

  /** Completes the unit that an earlier chunk began; returns how many bytes of this one that took. */
  #fill(chunk: Buffer): number {
    let at = 0;
    while (this.#unitBytes > 0) {
      const copied = chunk.copy(this.#carried, this.#held, at, at + this.#unitBytes - this.#held);
      at += copied;
      this.#held += copied;
      if (this.#held < this.#unitBytes) break;
      // The unit's size was a guess as long as a header was missing; now more is known.
      const size = unitBytes(this.#carried, 0, this.#held);
      if (size === this.#held) this.#takeCarried(size);
      else this.#carry(size);
    }
    return at;
  }

  /** Makes room for a unit of so many bytes; what is there of it stays. */
  #carry(bytes: number): void {
    this.#unitBytes = bytes;
    if (this.#carried.length >= bytes) return;
    const smaller = this.#carried;
    this.#carried = Buffer.alloc(Math.max(carriedBytesMin, 2 ** Math.ceil(Math.log2(bytes))));
    smaller.copy(this.#carried);
    smaller.fill(0);
  }

  #takeCarried(bytes: number): void {
    const unit = this.#carried.subarray(0, bytes);
    this.#unitBytes = this.#held = 0;
    try {
      this.#take(unit);
    } finally {
      unit.fill(0);
      if (this.#carried.length > carriedBytesMax) this.#carried = Buffer.alloc(0);
    }
  }

  #take(unit: Buffer): void {
    const type = typeAt(unit, 0);
    if (type === 'moof') this.#fragment(unit);
    else if (type === 'ftyp') this.#ftyp = Buffer.from(unit);
    else if (type === 'moov') this.#init(unit);
    else if (type === 'mdat') throw new BoxError(0, 'media data without a fragment');
    this.#offset += unit.length;
  }

  #init(moov: Buffer): void {
    if (this.#ftyp === undefined) throw new BoxError(0, 'moov before ftyp');
    const movie = readMoov(moov);
    this.#movie = movie;
    this.#firstMs = undefined;
    this.#arrivals = new Arrivals();
    // Copies: an init outlives the chunk it came in.
    this.#sink.onInit({ ftyp: this.#ftyp, moov: Buffer.from(moov), videoCodec: movie.videoCodec, audioCodec: movie.audioCodec });
  }

  #fragment(unit: Buffer): void {
    if (this.#movie === undefined) throw new BoxError(0, 'a fragment before moov');
    const { track, keyFrame, decodeMs, durationMs } = readMoof(unit, unit.readUInt32BE(0), this.#movie);
    this.#firstMs ??= decodeMs;
    const timeMs = decodeMs - this.#firstMs;
    const { wallMs, afterMs, byMs } = this.#arrived;
    const monotonicMs = track === 'video' ? this.#arrivals.of(timeMs, afterMs, byMs) : this.#arrivals.besides(afterMs, byMs);
    this.#sink.onFragment({ bytes: unit, track, keyFrame, timeMs, durationMs, wallMs: Math.round(wallMs - (byMs - monotonicMs)), monotonicMs });
  }
}

/**
 * How many bytes from `at` on belong together: a box, or a moof with the mdat after it. While a header is not there yet, how many
 * bytes are needed to know more (always more than there are).
 */
function unitBytes(bytes: Buffer, at: number, end: number): number {
  if (end - at < headerBytes) return headerBytes;
  const first = boundedSize(bytes, at, at);
  if (typeAt(bytes, at) !== 'moof') return first;
  const mdat = at + first;
  if (end - mdat < headerBytes) return first + headerBytes;
  if (typeAt(bytes, mdat) !== 'mdat') throw new BoxError(first, 'a fragment without media data');
  return first + boundedSize(bytes, mdat, at);
}

function boundedSize(bytes: Buffer, at: number, unitStart: number): number {
  const type = typeAt(bytes, at);
  const most = boundBytes.get(type);
  const size = bytes.readUInt32BE(at);
  if (most === undefined) throw new BoxError(at - unitStart, 'a box of unknown type');
  // Size 0 (to the end) and 1 (64 bits follow) fall out here too.
  if (size < headerBytes || size > most) throw new BoxError(at - unitStart, `box ${type} claims ${size} bytes`);
  return size;
}

function typeAt(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at + 4, at + 8);
}
