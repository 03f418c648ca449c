/**
 * Reads the hub's own audit now and then, line by line, and tells the owner when it is not what was written. A hub that was altered as a whole
 * would say what it likes: what an owner's device has kept, and `sallyport verify --since`, find that out.
 */
import type { Clock } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

export interface AuditCheckOptions {
  readonly vault: Pick<Vault, 'checkAudit'>;
  readonly notices: Pick<Notices, 'raise' | 'settle'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** After a start there is more urgent work. */
const firstMs = 5 * minuteMs;

export class AuditCheck {
  readonly #o: AuditCheckOptions;
  readonly #loop: Loop;

  constructor(o: AuditCheckOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn(), firstMs);
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  async #turn(): Promise<number> {
    const { vault, notices, log } = this.#o;
    try {
      // Lines that expire while it is read leave a hole, which is none when it is read again.
      const fault = await vault.checkAudit(this.#loop.signal) === undefined ? undefined : await vault.checkAudit(this.#loop.signal);
      if (fault === undefined) notices.settle('audit broken');
      else notices.raise('audit broken', fault);
      return dayMs;
    } catch (error) {
      log.debug({ component: 'audit', code: asSallyportError(error).code }, 'the audit was not read');
      return hourMs;
    }
  }
}
