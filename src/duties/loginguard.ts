/** Who tries to come in: each try makes the next one wait (policy/logintries.ts); failed ones are counted in the audit, and many of them are told to the owner. */
import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { hourMs, plural, secondMs } from '../base/units.ts';
import { LoginTries, type Try } from '../policy/logintries.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';
import type { Visitor } from './sessions.ts';

/** So many within an hour are told to the owner. */
const failedTold = 10;

export interface LoginGuardOptions {
  readonly vault: Pick<Vault, 'audit'>;
  readonly notices: Notices;
  readonly clock: Clock;
}

export class LoginGuard {
  readonly #o: LoginGuardOptions;
  readonly #tries = new LoginTries();
  /** When tries failed, within the last hour; and how many the audit has not heard of. */
  #failedMs: number[] = [];
  #untold = 0;

  constructor(o: LoginGuardOptions) {
    this.#o = o;
  }

  /** Counts it as failed until it has passed. SP_PAGE_TRIES. */
  begin(nameKey: string | undefined, { address }: Visitor, device: string | undefined): Try {
    const trying = { nameKey, address, device };
    const nowMs = this.#o.clock.monotonicMs();
    const waitMs = this.#tries.waitMs(trying, nowMs);
    if (waitMs > 0) throw new SallyportError('SP_PAGE_TRIES', { seconds: Math.ceil(waitMs / secondMs) });
    this.#tries.begin(trying, nowMs);
    return trying;
  }

  passed(trying: Try): void {
    this.#tries.passed(trying);
  }

  /** One did not pass: what it is answered with. */
  failed(): SallyportError {
    const nowMs = this.#o.clock.monotonicMs();
    this.#untold++;
    this.#failedMs.push(nowMs);
    this.#failedMs = this.#failedMs.filter((ms) => nowMs - ms < hourMs).slice(-1000);
    if (this.#failedMs.length >= failedTold) this.#o.notices.raise('failed logins', `${plural(this.#failedMs.length, 'try').replace('trys', 'tries')} within an hour`);
    return new SallyportError('SP_PAGE_LOGIN');
  }

  /** What the audit and the owner have not heard of. */
  async tell(): Promise<void> {
    const { vault, notices } = this.#o;
    const nowMs = this.#o.clock.monotonicMs();
    this.#failedMs = this.#failedMs.filter((ms) => nowMs - ms < hourMs);
    if (this.#failedMs.length === 0) notices.settle('failed logins');
    if (this.#untold > 0) {
      const count = this.#untold;
      await vault.audit({ what: 'page.logins-failed', who: 'page', detail: { count } });
      this.#untold -= count;
    }
  }
}
