/**
 * How ffmpeg's output is read. While somebody watches: each picture at once. Else in batches, all streams in the same moment: a process
 * that is woken for every picture of every camera pays more for waking up than for sealing what it reads (docs/decisions/002-where-the-cpu-goes.md).
 */
import type { Clock } from '../base/clock.ts';
import { readBytesMax } from '../base/oneplace.ts';
import type { Child } from '../base/spawn.ts';
import { nextReading, readEveryMsMax, type Reading } from '../policy/reading.ts';

/** Whether somebody waits for each picture. */
export class Attention {
  #watched = false;
  #onChange: (() => void) | undefined;

  get watched(): boolean {
    return this.#watched;
  }

  set watched(watched: boolean) {
    if (watched === this.#watched) return;
    this.#watched = watched;
    this.#onChange?.();
  }

  /** One listener, or none: a stream has one session at a time. */
  listen(onChange: (() => void) | undefined): void {
    this.#onChange = onChange;
  }
}

export interface OutletOptions {
  readonly child: Child;
  readonly clock: Clock;
  readonly attention: Attention;
  /** What comes may wait so long at most (250 ms). */
  readonly everyMsMax?: number;
  /** The chunk arrived after `afterMs` and by `byMs`, in monotonic time; it is wiped after the return. */
  readonly onChunk: (chunk: Buffer, afterMs: number, byMs: number) => void;
}

export class Outlet {
  readonly #o: OutletOptions;
  readonly #everyMsMax: number;
  #reading: Reading;
  #batchBytes = 0;
  /** When the pipe was last seen empty. */
  #emptyMs: number;
  #held = false;
  #ended = false;
  #nudge = new AbortController();

  constructor(options: OutletOptions) {
    this.#o = options;
    this.#everyMsMax = Math.min(readEveryMsMax, options.everyMsMax ?? readEveryMsMax);
    this.#reading = { everyMs: this.#everyMsMax, calm: 0 };
    this.#emptyMs = options.clock.monotonicMs();
  }

  /** Reads until `signal` says that the program has gone. */
  async run(signal: AbortSignal): Promise<void> {
    const { attention, child } = this.#o;
    const onGone = (): void => this.end();
    signal.addEventListener('abort', onGone, { once: true });
    attention.listen(() => this.#nudge.abort());
    child.readOutput((chunk) => this.#onChunk(chunk));
    while (!this.#ended) {
      await this.#pause();
      this.#release();
    }
    attention.listen(undefined);
    signal.removeEventListener('abort', onGone);
  }

  /** From now on at once: the program is to end, and what it still says is the end. */
  end(): void {
    this.#ended = true;
    this.#release();
    this.#nudge.abort();
  }

  /** Until the next reading is due, the audience changes, or the end. */
  async #pause(): Promise<void> {
    if (this.#nudge.signal.aborted) this.#nudge = new AbortController();
    if (this.#ended) return;
    await this.#o.clock.sleep(this.#prompt ? Infinity : this.#untilNextMs(), this.#nudge.signal).catch(() => {});
  }

  /** Readings of all streams fall on multiples of their distance, so that one wake-up serves them all. */
  #untilNextMs(): number {
    const { everyMs } = this.#reading;
    return Math.ceil(everyMs - (this.#o.clock.monotonicMs() % everyMs));
  }

  #onChunk(chunk: Buffer): void {
    const byMs = this.#o.clock.monotonicMs();
    this.#batchBytes += chunk.length;
    const afterMs = this.#prompt ? byMs : this.#emptyMs;
    if (chunk.length < readBytesMax) this.#onEmpty(byMs);
    this.#o.onChunk(chunk, afterMs, byMs);
  }

  #onEmpty(nowMs: number): void {
    this.#emptyMs = nowMs;
    if (this.#prompt) return;
    this.#reading = nextReading(this.#reading, this.#batchBytes, this.#everyMsMax);
    this.#batchBytes = 0;
    this.#held = true;
    this.#o.child.holdOutput();
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#o.child.releaseOutput();
  }

  get #prompt(): boolean {
    return this.#ended || this.#o.attention.watched;
  }
}
