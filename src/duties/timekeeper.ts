/** Watches the clock and says whether a deadline may be believed; the rule itself is in `policy/timetrust.ts`. */
import type { Clock } from '../base/clock.ts';
import { Loop } from '../base/loop.ts';
import { secondMs } from '../base/units.ts';
import type { Log } from '../base/log.ts';
import type { CanonicalValue } from '../base/canonical.ts';
import type { PendingChange } from '../policy/consent.ts';
import { confirmTime, judgeTime, timeQuestion, type TimeMemory, type TimeVerdict } from '../policy/timetrust.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

const lookEveryMs = 10 * secondMs;
const rememberEveryMs = 60 * secondMs;

export interface TimekeeperOptions {
  readonly vault: Pick<Vault, 'setting' | 'putSetting'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly notices: Notices;
  readonly bootId: string;
  readonly source: 'ntp' | 'system';
  readonly settleMs: number;
  readonly synchronised: () => Promise<boolean>;
}

export class Timekeeper {
  readonly #o: TimekeeperOptions;
  readonly #loop: Loop;
  #memory: TimeMemory | undefined;
  #verdict: TimeVerdict | undefined;
  #synchronised = false;
  #rememberedAtMs = -Infinity;

  constructor(o: TimekeeperOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  async start(): Promise<void> {
    this.#memory = (await this.#o.vault.setting('time')) as TimeMemory | undefined;
    await this.look();
    this.#loop.start(() => this.#turn(), this.#everyMs);
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#remember();
  }

  /** Reads both clocks now; before a purge this is what counts. */
  async look(): Promise<TimeVerdict> {
    const { clock, bootId, source, settleMs } = this.#o;
    this.#synchronised = source === 'system' || (await this.#o.synchronised());
    const before = this.#verdict;
    const reading = { wallMs: Math.round(clock.wallMs()), monotonicMs: Math.round(clock.monotonicMs()), bootId, synchronised: this.#synchronised, source };
    const verdict = judgeTime(this.#memory, reading, { settleMs });
    this.#memory = verdict.memory;
    this.#verdict = verdict;
    if (verdict.ask === undefined) this.#o.notices.settle('clock doubtful');
    else this.#o.notices.raise('clock doubtful', verdict.why);
    if (before?.mayPurge !== verdict.mayPurge) this.#o.log.info({ component: 'time', mayPurge: verdict.mayPurge }, verdict.why);
    if (reading.monotonicMs - this.#rememberedAtMs >= rememberEveryMs) await this.#remember();
    return verdict;
  }

  /** What the owner is asked about the clock; accepted like a change that lowers privacy. */
  get question(): PendingChange | undefined {
    const ask = this.#verdict?.ask;
    return ask === undefined ? undefined : timeQuestion(ask);
  }

  /** The owner has said that the time is right. */
  async confirm(): Promise<void> {
    if (this.#memory !== undefined) this.#memory = confirmTime(this.#memory);
    await this.look();
    await this.#remember();
  }

  get clockState(): 'synchronised' | 'unsynchronised' {
    return this.#synchronised ? 'synchronised' : 'unsynchronised';
  }

  get verdict(): TimeVerdict | undefined {
    return this.#verdict;
  }

  async #remember(): Promise<void> {
    if (this.#memory === undefined) return;
    this.#rememberedAtMs = this.#o.clock.monotonicMs();
    await this.#o.vault.putSetting('time', this.#memory as unknown as CanonicalValue);
  }

  async #turn(): Promise<number> {
    try {
      await this.look();
    } catch (error) {
      this.#o.log.error({ component: 'time', error }, 'the clock could not be judged');
    }
    return this.#everyMs;
  }

  get #everyMs(): number {
    return Math.min(lookEveryMs, Math.max(500, this.#o.settleMs / 4));
  }
}
