/** One subscription: what it has not fetched yet, until when it lives, and who waits for it to have something. */
import type { Clock, UnixMs } from '../base/clock.ts';
import type { Topic } from './topics.ts';

/** One message about one topic. */
export interface Notice {
  readonly topic: Topic;
  readonly on: boolean;
  /** Of the camera's own clock. */
  readonly atMs: UnixMs;
  readonly operation: 'Initialized' | 'Changed';
}

/** So many wait to be fetched; then the oldest goes. */
const queueMax = 100;

export class PullPoint {
  readonly id: string;
  readonly #clock: Clock;
  readonly #wants: (topic: Topic, on: boolean) => boolean;
  readonly #waiting = new Set<() => void>();
  #queue: Notice[] = [];
  #untilMs: number;
  #ended = false;
  /** What each pull puts the end off to; undefined where only Renew does. */
  readonly #keptAliveMs: number | undefined;

  constructor(o: { id: string; clock: Clock; lifeMs: number; keptAliveMs: number | undefined; wants: (topic: Topic, on: boolean) => boolean }) {
    this.id = o.id;
    this.#clock = o.clock;
    this.#wants = o.wants;
    this.#untilMs = o.clock.monotonicMs() + o.lifeMs;
    this.#keptAliveMs = o.keptAliveMs;
  }

  get ended(): boolean {
    return this.#ended || this.leftMs <= 0;
  }

  get leftMs(): number {
    return this.#untilMs - this.#clock.monotonicMs();
  }

  offer(notices: readonly Notice[]): void {
    this.#queue = [...this.#queue, ...notices.filter(({ topic, on }) => this.#wants(topic, on))].slice(-queueMax);
    if (this.#queue.length > 0) this.#wake();
  }

  /** As soon as there is something, else nothing after `timeoutMs`; undefined when the subscription ended meanwhile. */
  async pull(o: { timeoutMs: number; limit: number; signal: AbortSignal }): Promise<readonly Notice[] | undefined> {
    const endMs = this.#clock.monotonicMs() + o.timeoutMs;
    const keepAlive = (): void => { if (this.#keptAliveMs !== undefined && !this.ended) this.renew(Math.max(this.leftMs, this.#keptAliveMs)); };
    keepAlive();
    while (this.#queue.length === 0 && !this.ended && !o.signal.aborted) {
      const leftMs = Math.min(endMs - this.#clock.monotonicMs(), this.leftMs);
      if (leftMs <= 0) break;
      await this.#changeWithin(leftMs, o.signal);
    }
    // Who hung up takes nothing with it.
    if (o.signal.aborted) return [];
    if (this.ended) return undefined;
    keepAlive();
    return this.#queue.splice(0, o.limit);
  }

  renew(lifeMs: number): void {
    this.#untilMs = this.#clock.monotonicMs() + lifeMs;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async #changeWithin(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const { promise: woken, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const slept = this.#clock.sleep(ms, AbortSignal.any([signal, over.signal])).catch(() => {});
    await Promise.race([woken, slept]);
    this.#waiting.delete(resolve);
    over.abort();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
