/** When a copy of the working database is made, and which older ones die then. What one is stands in copies.ts. */
import type { Clock, UnixMs } from '../base/clock.ts';
import { secondMs } from '../base/units.ts';
import { checkTables, copyPeriod, writeCopy } from './copies.ts';
import type { DiskKeeper } from './diskkeeper.ts';
import type { Filing } from './filing.ts';
import { copiesOwedSetting } from './copyoperations.ts';
import type { NewPeriod } from './periodkeys.ts';
import type { Period, PeriodFacts } from './periodtable.ts';
import { Turns } from '../base/turns.ts';

export interface DailyCopiesOptions {
  readonly clock: Clock;
  readonly disk: DiskKeeper;
  readonly filing: Filing;
  readonly preparePeriod: (p: NewPeriod) => Promise<Period>;
}

export class DailyCopies {
  readonly #o: DailyCopiesOptions;
  readonly #turns = new Turns();

  constructor(options: DailyCopiesOptions) {
    this.#o = options;
  }

  /** Whole ones, oldest first. */
  async list(): Promise<PeriodFacts[]> {
    return (await this.#o.disk.call('copies')).filter(({ listed }) => listed);
  }

  /** A new one; of all whole ones the newest `keep` stay. */
  make(keep: number, why: string): Promise<void> {
    return this.#turns.take(async () => {
      const owed = await this.#o.disk.call('setting', { name: copiesOwedSetting });
      await this.#write();
      await this.#drop(owed === undefined ? keep : 1, why);
      if (owed !== undefined) await this.#o.disk.call('settleDebt', { name: copiesOwedSetting, json: owed });
    });
  }

  /** A person was forgotten, and older copies still have the rows: they go with the next one, which is due. */
  async owed(): Promise<boolean> {
    return (await this.#o.disk.call('setting', { name: copiesOwedSetting })) !== undefined;
  }

  async #write(): Promise<void> {
    const { disk, clock, preparePeriod } = this.#o;
    await disk.with((parts) => checkTables(parts));
    const period = await preparePeriod(copyPeriod(await this.#freeTime(), disk.ready.hubRecipient));
    await disk.with((parts) => writeCopy(parts, period, clock));
  }

  /** Copies are named by the second. */
  async #freeTime(): Promise<UnixMs> {
    const taken = new Set((await this.#o.disk.call('copies')).map(({ startMs }) => startMs));
    let atMs = Math.floor(Math.round(this.#o.clock.wallMs()) / secondMs) * secondMs;
    while (taken.has(atMs)) atMs += secondMs;
    return atMs;
  }

  /** Also what a kill left half made. */
  async #drop(keep: number, why: string): Promise<void> {
    const all = await this.#o.disk.call('copies');
    const kept = all.filter(({ listed }) => listed).sort((a, b) => a.id - b.id).slice(-keep);
    const leaving = all.filter((copy) => !kept.includes(copy));
    if (leaving.length > 0) await this.#o.filing.purge(leaving, { early: why });
  }
}
