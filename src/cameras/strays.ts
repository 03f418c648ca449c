/**
 * Bounds what a camera sends unasked on a connection that is held open: reports and even pictures that nobody wants are passed over, and
 * a question of the camera's now and then. Each of them is read, so a camera that sends them without end would keep the hub busy.
 */
import { secondMs } from '../base/units.ts';

/** A camera asks whether we live each half minute; an answer that nobody waits for is rarer still. */
const textsPerSecondMax = 20;
/** 32 Mbit/s: a camera that sends its pictures unasked is odd and no enemy. */
const packetBytesPerSecondMax = 4 * 2 ** 20;
/** An empty packet costs as much as a small one. */
const packetBytesMin = 1024;

export class Strays {
  readonly #monotonicMs: () => number;
  #sinceMs = -Infinity;
  #texts = 0;
  #packetBytes = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Why the camera is not listened to any longer; undefined while it keeps within bounds. */
  take(kind: 'packet' | 'text', bytes: number): string | undefined {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#sinceMs >= secondMs) {
      this.#sinceMs = nowMs;
      this.#texts = this.#packetBytes = 0;
    }
    if (kind === 'text') return ++this.#texts > textsPerSecondMax ? `more than ${textsPerSecondMax} answers and questions a second that nobody asked for` : undefined;
    this.#packetBytes += Math.max(bytes, packetBytesMin);
    return this.#packetBytes > packetBytesPerSecondMax ? 'more packets than anybody asked for' : undefined;
  }
}
