/** The hub as a source of sealed bytes, until whoever plays them closes it; and the count of what came and was opened. */
import { SallyportError } from '../../base/errors.ts';
import type { OpenedChunk, SealedFile } from './age.ts';
import type { ByteRange, Fetcher } from './fetcher.ts';

export interface FootageRate {
  /** Sealed bytes that came. */
  readonly fetchedBytes: number;
  readonly openedBytes: number;
  /** Spent in opening alone. */
  readonly openingMs: number;
}

export class FootageSource {
  /** What is not sealed itself, and so not counted. */
  readonly ask: Fetcher;
  readonly #rate = { fetchedBytes: 0, openedBytes: 0, openingMs: 0 };
  #closed = false;

  constructor(fetch: Fetcher) {
    this.ask = fetch;
  }

  get rate(): FootageRate {
    return { ...this.#rate };
  }

  get closed(): boolean {
    return this.#closed;
  }

  async fetch(path: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = await this.ask(path, range, signal);
    this.#rate.fetchedBytes += bytes.length;
    return bytes;
  }

  /** SP_AGE_PAYLOAD. */
  openChunk(file: SealedFile, sealed: Uint8Array, index: number): OpenedChunk {
    const begun = performance.now();
    const opened = file.openChunk(sealed, index);
    this.#rate.openingMs += performance.now() - begun;
    this.#rate.openedBytes += opened.plain.length;
    return opened;
  }

  /** SP_STOPPED once it was closed, or the signal aborted. */
  checkGoing(signal?: AbortSignal): void {
    if (this.#closed || signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'playing' });
  }

  close(): void {
    this.#closed = true;
  }
}
