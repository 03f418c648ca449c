/** Says in `back/status.json` how the courier is: at each change, once a second at most, and now and then all the same, so that its age tells whether it lives. */
import { canonicalJson } from '../base/canonical.ts';
import type { Clock } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { secondMs } from '../base/units.ts';
import { writeCourierStatus, type CourierStatus } from '../outbox/courierstatus.ts';

const lookMs = secondMs;
const aliveMs = 30 * secondMs;

export interface ReportOptions {
  /** The folder of answers. */
  readonly back: string;
  readonly clock: Clock;
  readonly log: Log;
  /** All but the time. */
  readonly state: () => Omit<CourierStatus, 'v' | 'at_ms'>;
}

export class Report {
  readonly #o: ReportOptions;
  readonly #loop: Loop;
  #said = '';
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(o: ReportOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  async #turn(): Promise<number> {
    const { back, clock, log, state } = this.#o;
    const now = state();
    // How long until the next try changes with each look, and is no news.
    const said = canonicalJson({ ...now, destinations: now.destinations.map(({ retry_ms: retryMs, ...rest }) => ({ ...rest, down: retryMs !== undefined })) });
    if (said === this.#said && clock.monotonicMs() - this.#saidMs < aliveMs) return lookMs;
    try {
      await writeCourierStatus(back, { v: 1, at_ms: Math.round(clock.wallMs()), ...now });
      this.#said = said;
      this.#saidMs = clock.monotonicMs();
    } catch (error) {
      log.warn({ component: 'courier', error: asSallyportError(error).message }, 'the status cannot be written');
    }
    return lookMs;
  }
}
