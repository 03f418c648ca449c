/**
 * Keeps daily copies of the working database, so that a card that loses a page does not cost the catalogue. Making one reads every page,
 * so a damaged database is noticed within a day, too.
 */
import { Cron } from 'croner';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError, type SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

/** Local time: when least is going on. */
const copyHours = new Cron('17 4 * * *', { paused: true });
const afterProblemMs = hourMs;
/** After the last of several changes of what only the database knows (a password, an accepted change) it is copied out of turn. */
const afterChangeMs = 5 * minuteMs;

export interface CopiesState {
  readonly newestMs: UnixMs | undefined;
  readonly copies: number;
  readonly problem: SallyportError | undefined;
}

export interface CopiesOptions {
  readonly vault: Pick<Vault, 'copies' | 'copiesOwed' | 'makeCopy' | 'renewCopies'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly notices: Notices;
}

export class CopiesDuty {
  readonly #o: CopiesOptions;
  readonly #loop: Loop;
  #state: CopiesState = { newestMs: undefined, copies: 0, problem: undefined };
  #notBeforeMs = -Infinity;
  #started = false;
  /** Monotonic. */
  #changedMs: number | undefined;

  constructor(o: CopiesOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#started = true;
    this.#loop.start(() => this.#turn());
  }

  /** Something was set that nothing but the database knows. What the start itself sets is no change. */
  changed(): void {
    if (this.#started) this.#changedMs = this.#o.clock.monotonicMs();
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  get state(): CopiesState {
    return this.#state;
  }

  /** After an erasure: a new copy, and both older ones destroyed, for they hold what was erased. Throws when that could not be done. */
  async renew(why: string): Promise<void> {
    await this.#o.vault.renewCopies(why);
    await this.#look();
  }

  async #turn(): Promise<number> {
    const { clock, log, notices } = this.#o;
    try {
      await this.#look();
      if (this.#due() || (this.#rested() && await this.#o.vault.copiesOwed())) {
        this.#changedMs = undefined;
        await this.#o.vault.makeCopy();
        await this.#look();
        this.#state = { ...this.#state, problem: undefined };
      }
    } catch (error) {
      const problem = asSallyportError(error);
      this.#state = { ...this.#state, problem };
      this.#notBeforeMs = clock.monotonicMs() + afterProblemMs;
      if (problem.code === 'SP_DATABASE_DAMAGED') notices.raise('database damaged', problem.message);
      log.error({ component: 'copies', code: problem.code }, problem.message);
    }
    return minuteMs;
  }

  async #look(): Promise<void> {
    const copies = await this.#o.vault.copies();
    this.#state = { ...this.#state, copies: copies.length, newestMs: copies.at(-1)?.startMs };
  }

  /** After a problem it is not tried at once. */
  #rested(): boolean {
    return this.#o.clock.monotonicMs() >= this.#notBeforeMs;
  }

  #due(): boolean {
    const { clock } = this.#o;
    if (!this.#rested()) return false;
    if (this.#changedMs !== undefined && clock.monotonicMs() - this.#changedMs >= afterChangeMs) return true;
    const { newestMs } = this.#state;
    const nowMs = clock.wallMs();
    // A clock that was ahead at the last one must not put the next one off for years.
    if (newestMs === undefined || newestMs > nowMs + dayMs) return true;
    return (copyHours.nextRun(new Date(newestMs))?.getTime() ?? 0) <= nowMs;
  }
}
