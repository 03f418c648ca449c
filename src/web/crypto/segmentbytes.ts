/** One segment's sealed bytes by ranges, asked for ahead of their use. */
import { SallyportError } from '../../base/errors.ts';
import { chunkSealedBytes } from '../../seal/format/stream.ts';
import { concatBytes } from './bytes.ts';

/** Header and payload nonce of a file with one recipient; where a header is longer, what was fetched by this guess is fetched anew. */
export const usualPayloadStart = 184;

interface Held { readonly from: number; readonly to: number; readonly bytes: Promise<Uint8Array> }

/** What was asked for ahead is not asked for again. */
export class SegmentBytes {
  readonly #get: (from: number, to: number, signal: AbortSignal) => Promise<Uint8Array>;
  readonly #size: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #held: Held[] = [];

  constructor(get: (from: number, to: number, signal: AbortSignal) => Promise<Uint8Array>, size: number, signal: AbortSignal | undefined) {
    this.#get = get;
    this.#size = size;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Begins to fetch chunks that will be read soon. */
  ahead(payloadStart: number, chunk: number, count: number): void {
    const from = payloadStart + chunk * chunkSealedBytes;
    const to = Math.min(this.#size, from + count * chunkSealedBytes);
    if (from < to && this.#holding(from, to) === undefined) this.#hold(from, to);
  }

  checkGoing(): void {
    if (this.#signal.aborted) throw new SallyportError('SP_STOPPED', { what: 'playing' });
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    this.checkGoing();
    const parts: Uint8Array[] = [];
    for (let at = from; at < to;) {
      const held = this.#held.find((one) => one.from <= at && one.to > at);
      // What is not held is asked for up to where something is.
      const next = held ?? this.#hold(at, Math.min(to, ...this.#held.filter((one) => one.from > at).map((one) => one.from)));
      const end = Math.min(to, next.to);
      const bytes = await next.bytes;
      parts.push(bytes.subarray(at - next.from, end - next.from));
      at = end;
    }
    this.#held = this.#held.filter((one) => one.to > to || one.from < usualPayloadStart);
    return parts.length === 1 ? parts[0] as Uint8Array : concatBytes(...parts);
  }

  close(): void {
    this.#held = [];
    this.#stop.abort();
  }

  #holding(from: number, to: number): unknown {
    return this.#held.find((one) => one.from <= from && one.to >= to);
  }

  #hold(from: number, to: number): Held {
    const bytes = this.#get(from, to, this.#signal);
    // Told to whoever reads it; nobody may.
    bytes.catch(() => {});
    const held = { from, to, bytes };
    this.#held.push(held);
    return held;
  }
}
