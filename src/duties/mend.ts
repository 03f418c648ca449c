/**
 * Keeps the vault able to write: has it look at its disk every few seconds, settle what a fault left half done, and take the disk up
 * again when it is back; and tells the owner while the disk is failing or gone, and when the keyring is not what it should be.
 */
import type { Clock } from '../base/clock.ts';
import { secondMs } from '../base/units.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

/** Well below the 5 s within which a restarted hub records again; a look is one `stat`. */
const lookEveryMs = 2 * secondMs;

export interface MendOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly notices: Notices;
  /** The disk can be written again after it could not. */
  readonly onReturn: () => void;
}

export class MendDuty {
  readonly #o: MendOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(o: MendOptions) {
    this.#o = o;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const before = this.#o.vault.disk.state;
      await this.#o.vault.mend();
      this.#tell();
      if (before !== 'well' && this.#o.vault.disk.state === 'well') this.#o.onReturn();
      await this.#o.clock.sleep(lookEveryMs, this.#stop.signal).catch(() => {});
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
