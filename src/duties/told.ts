/** Keeps what the owner was told once and what does not last, for the status and the page: a line in the audit alone would be seen by nobody. */
import type { Clock } from '../base/clock.ts';
import type { CanonicalValue } from '../base/canonical.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, secondMs } from '../base/units.ts';
import { readTold, toldLately, withTold, type ToldOnce } from '../policy/told.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notice } from './notices.ts';

export interface ToldOptions {
  readonly vault: Pick<Vault, 'setting' | 'putSetting'>;
  readonly clock: Clock;
  readonly log: Log;
}

const settingName = 'told once';
const retryMs = 5 * secondMs;

export class Told {
  readonly #o: ToldOptions;
  readonly #loop: Loop;
  /** Of before this start; undefined until it was read. */
  #before: readonly ToldOnce[] | undefined;
  #fresh: readonly ToldOnce[] = [];
  #stored = true;

  constructor(o: ToldOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#turn();
  }

  /** Never waits, and never throws. */
  note({ kind, camera, detail, sinceMs }: Notice): void {
    this.#fresh = withTold(this.#fresh, { kind, ...(camera === undefined ? {} : { camera }), detail, at_ms: sinceMs });
    this.#stored = false;
    this.#loop.nudge();
  }

  /** Of the last week, the newest first. */
  get list(): readonly Notice[] {
    return toldLately(this.#all, this.#o.clock.wallMs()).map(({ kind, camera, detail, at_ms: sinceMs }) => ({ kind, camera, detail, sinceMs }));
  }

  get #all(): readonly ToldOnce[] {
    return this.#fresh.reduce(withTold, this.#before ?? []);
  }

  async #turn(): Promise<number> {
    const { vault, log } = this.#o;
    try {
      this.#before ??= readTold(await vault.setting(settingName));
      if (this.#stored) return hourMs;
      this.#stored = true;
      await vault.putSetting(settingName, { v: 1, told: this.#all } as unknown as CanonicalValue);
    } catch (error) {
      this.#stored = this.#fresh.length === 0;
      log.warn({ component: 'told', code: asSallyportError(error).code }, 'what was told once is not remembered over a restart yet');
      return retryMs;
    }
    return hourMs;
  }
}
