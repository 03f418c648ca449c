/**
 * Keeps the vault able to write: has it look at its disk every few seconds, settle what a fault left half done, and take the disk up
 * again when it is back; and tells the owner while the disk is failing or gone, and when the keyring is not what it should be.
 */
import type { Clock } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { dayMs, secondMs } from '../base/units.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

/** Well below the 5 s within which a restarted hub records again; a look is one `stat`. */
const lookEveryMs = 2 * secondMs;
/** The keyring is read whole so often: a year of sixteen cameras is a gigabyte, a fortnight 45 MB. */
const keyringEveryMs = dayMs;
/** A look at it that failed is tried again after this. */
const keyringRetryMs = 60 * secondMs;

export interface MendOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Log;
  readonly notices: Notices;
  /** The disk can be written again after it could not. */
  readonly onReturn: () => void;
}

export class MendDuty {
  readonly #o: MendOptions;
  readonly #loop: Loop;
  #keyringAtMs = -Infinity;

  constructor(o: MendOptions) {
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
    const { vault, onReturn } = this.#o;
    const before = vault.disk.state;
    await vault.mend();
    this.#tell();
    if (before !== 'well' && vault.disk.state === 'well') {
      this.#keyringAtMs = -Infinity;
      onReturn();
    }
    await this.#lookAtKeyring();
    return lookEveryMs;
  }

  /** At the start, when a disk came back, and each day. What was mended stays told until the next look finds all well. */
  async #lookAtKeyring(): Promise<void> {
    const { vault, clock, notices, log } = this.#o;
    if (vault.disk.state !== 'well' || clock.monotonicMs() < this.#keyringAtMs) return;
    this.#keyringAtMs = clock.monotonicMs() + keyringEveryMs;
    try {
      const told = await vault.checkKeyring();
      if (told === undefined) notices.settle('keyring damaged');
      else notices.raise('keyring damaged', told);
    } catch (error) {
      this.#keyringAtMs = clock.monotonicMs() + keyringRetryMs;
      const problem = asSallyportError(error);
      if (problem.code === 'SP_KEYRING') notices.raise('keyring damaged', problem.message);
      log.error({ component: 'mend', code: problem.code }, `the keyring could not be looked at: ${problem.message}`);
    }
  }

  #tell(): void {
    const { notices, vault: { disk } } = this.#o;
    for (const [state, kind] of [['failing', 'disk failing'], ['gone', 'disk gone']] as const) {
      if (disk.state === state) notices.raise(kind, disk.reason);
      else notices.settle(kind);
    }
  }
}
