/** How fast bytes go out to one destination: its bandwidth limit, shared by all that is sent there at once. */
import type { Clock } from '../base/clock.ts';
import { secondMs } from '../base/units.ts';

export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number | undefined;
  /** By the monotonic clock: when the line is free for the next bytes. */
  #freeMs = 0;

  /** Without a limit nothing waits. */
  constructor(clock: Clock, bytesPerSecond: number | undefined) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Bytes that may go in one piece: a tenth of a second's. */
  get pieceBytes(): number {
    return this.#bytesPerSecond === undefined ? 2 ** 20 : Math.max(1024, Math.min(2 ** 18, Math.floor(this.#bytesPerSecond / 10)));
  }

  /** Resolves when so many bytes may go. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeMs);
    this.#freeMs = startMs + (bytes * secondMs) / this.#bytesPerSecond;
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs, signal);
  }
}
