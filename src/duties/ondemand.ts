/** A session that nobody needs but those who look: it begins for the first of them, and ends a while after the last. Never are there two. */
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import { Turns } from '../base/turns.ts';

/** Whoever turns a page comes back; a camera takes a second or two to begin. */
export const lingerMs = 30 * secondMs;

export class OnDemand<S extends { start(): void; close(): Promise<void> }> {
  readonly #make: () => Promise<S>;
  readonly #clock: Clock;
  readonly #turns = new Turns();
  #session: S | undefined;
  #lookers = 0;
  #linger = new AbortController();
  #closed = false;

  constructor(clock: Clock, make: () => Promise<S>) {
    this.#clock = clock;
    this.#make = make;
  }

  get session(): S | undefined {
    return this.#session;
  }

  /** To be given back by `release`. SP_STOPPED once closed; what `make` rejects with. */
  async take(): Promise<S> {
    this.#lookers++;
    this.#linger.abort();
    try {
      return await this.#turns.take(() => this.#open());
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    if (--this.#lookers > 0 || this.#closed) return;
    this.#linger = new AbortController();
    void this.#clock.sleep(lingerMs, this.#linger.signal).then(() => this.#turns.take(() => this.#end()), () => {});
  }

  /** Whoever still looks sees its end. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#linger.abort();
    await this.#turns.take(() => this.#end(true));
  }

  async #open(): Promise<S> {
    if (this.#closed) throw new SallyportError('SP_STOPPED', { what: 'watching' });
    if (this.#session === undefined) {
      this.#session = await this.#make();
      this.#session.start();
    }
    return this.#session;
  }

  async #end(evenIfLookedAt = false): Promise<void> {
    if (this.#lookers > 0 && !evenIfLookedAt) return;
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}
