/**
 * Splits ffmpeg's output into init and fragments while it comes. Each box has a bound, each byte is copied once at most (not at all
 * where a fragment lies in one chunk), and nothing in the bytes makes it throw anything but SP_FMP4.
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
  onFragment(fragment: Fragment): void;
}

/** Top-level boxes and their largest whole size. What is not here has no place in our stream. */
const boundBytes: ReadonlyMap<string, number> = new Map([
  ['ftyp', 2 ** 10], ['moov', 2 ** 20], ['moof', 2 ** 20], ['mdat', 2 ** 24], ['styp', 2 ** 16], ['sidx', 2 ** 16], ['free', 2 ** 16], ['emsg', 2 ** 16],
]);
const headerBytes = 8;

export class Fmp4Reader {
  readonly #camera: string;
  readonly #sink: Fmp4Sink;
  /** A unit (a box, or a moof with its mdat) that began in an earlier chunk; `#held` bytes of it are there. */
  #unit: Buffer | undefined;
  #held = 0;
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
   * Takes over `chunk` (fragments point into it). It arrived at the times given, or, when it is one of a batch, after `afterMs` of the
   * monotonic clock; fragments then get times between. SP_FMP4; after it each call throws the same.
   */
  push(chunk: Buffer, wallMs: UnixMs, monotonicMs: number, afterMs = monotonicMs): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#arrived = { wallMs, afterMs, byMs: monotonicMs };
    try {
      let at = this.#unit === undefined ? 0 : this.#fill(chunk);
      while (at < chunk.length) {
        const size = unitBytes(chunk, at, chunk.length);
        if (size > chunk.length - at) {
          this.#hold(chunk, at, size);
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

  #hold(chunk: Buffer, at: number, size: number): void {
    this.#unit = Buffer.allocUnsafe(size);
    this.#held = chunk.copy(this.#unit, 0, at);
  }

  /** Completes the held unit from the chunk's beginning; returns how many bytes that took. */
  #fill(chunk: Buffer): number {
    let at = 0;
    while (this.#unit !== undefined) {
      const copied = chunk.copy(this.#unit, this.#held, at);
      at += copied;
      this.#held += copied;
      if (this.#held < this.#unit.length) break;
      // The unit's size was a guess as long as a header was missing; now more is known.
      const size = unitBytes(this.#unit, 0, this.#held);
      if (size === this.#held) {
        const unit = this.#unit;
        this.#unit = undefined;
        this.#take(unit);
      } else {
        const larger = Buffer.allocUnsafe(size);
        this.#unit.copy(larger, 0, 0, this.#held);
        this.#unit = larger;
      }
    }
    return at;
  }

  #take(unit: Buffer): void {
    const type = typeAt(unit, 0);
    if (type === 'moof') this.#fragment(unit);
    else if (type === 'ftyp') this.#ftyp = unit;
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
    this.#sink.onInit({ ftyp: Buffer.from(this.#ftyp), moov: Buffer.from(moov), videoCodec: movie.videoCodec, audioCodec: movie.audioCodec });
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
