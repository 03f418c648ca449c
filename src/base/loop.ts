/** What is done again and again: turn after turn, with a pause between that can be cut short. */
import type { Clock } from './clock.ts';

export class Loop {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * `turn` answers how many milliseconds to wait before the next one; the first comes after `afterMs`. It must not throw: what fails is
   * its to tell.
   */
  start(turn: () => number | Promise<number>, afterMs = 0): void {
    this.#running = this.#run(turn, afterMs);
  }

  /** The next turn begins at once, or follows the one that is under way. */
  nudge(): void {
    this.#wake.abort();
  }

  /** Aborted by `close`; for what a turn waits for. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** No further turn; resolves when the one under way has ended. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(turn: () => number | Promise<number>, afterMs: number): Promise<void> {
    if (afterMs > 0) await this.#pause(afterMs);
    while (!this.#stop.signal.aborted) await this.#pause(await turn());
  }

  async #pause(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.#wake.signal).catch(() => {});
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }
}
