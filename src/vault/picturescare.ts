/**
 * Keeps the file of alarms' pictures in line with the working database and its purges. Whatever is wrong with that file stops nothing else: what could
 * not be done is done when it can be reached again.
 */
import type { Clock } from '../base/clock.ts';
import { isSallyportError, type SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { WorkingDatabase } from './database.ts';
import type { Parts } from './parts.ts';
import type { PicturesState } from './picturesfile.ts';
import type { PendingPurge } from './receipts.ts';

export interface PicturesSettled {
  /** Alarms whose pictures are not there any more. */
  readonly lost: number;
  /** Alarms that the working database learnt again, because their pictures were there. */
  readonly found: number;
}

/** A batch of a purge, or of comparing: others are answered in between. */
const alarmsAtOnce = 512;
/** A slice of giving room back: a megabyte of pages, so that the thread answers others in between. */
const pagesAtOnce = 256;

export class PicturesCare {
  readonly #clock: Clock;
  readonly #log: Log;
  /** Something of it is still to be done. */
  #pending = true;
  #settled: PicturesSettled = { lost: 0, found: 0 };

  constructor(o: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = o.clock;
    this.#log = o.log;
  }

  /** What was lost and found since the start. */
  get settled(): PicturesSettled {
    return this.#settled;
  }

  state({ database }: Pick<Parts, 'database'>): Promise<PicturesState> {
    return database.call('picturesState');
  }

  /** As a start does it, and later whenever something was left. */
  async settle({ database }: Pick<Parts, 'database'>, always = false): Promise<void> {
    if (!this.#pending && !always) return;
    this.#pending = !(await this.#reaching(() => this.#compare(database)));
  }

  /** The rows of what was shredded go; where the disk is short, so do the pages that they leave. */
  async forget({ database }: Pick<Parts, 'database'>, { periods, early }: PendingPurge): Promise<void> {
    const periodIds = periods.filter((period) => period.class === 'alarm').map(({ id }) => id);
    if (periodIds.length === 0) return;
    const reached = await this.#reaching(async () => {
      await database.call('forgetSetAside');
      let deleted = 0;
      for (let count = -1; count !== 0; deleted += count) count = await database.call('deletePictures', { periodIds, limit: alarmsAtOnce });
      if (deleted === 0) return;
      await database.call('truncatePictures');
      if (early !== undefined) await this.#giveBack(database);
    });
    if (!reached) this.#pending = true;
  }

  async #giveBack(database: WorkingDatabase): Promise<void> {
    for (let before = Infinity, free = before; ;) {
      free = await database.call('shrinkPictures', { pages: pagesAtOnce });
      if (free === 0 || free >= before) return;
      before = free;
    }
  }

  async #compare(database: WorkingDatabase): Promise<void> {
    let [lost, found, gone] = [0, 0, 0];
    for (let after = ''; ;) {
      const batch = await database.call('settlePictures', { after, limit: alarmsAtOnce, atMs: Math.round(this.#clock.wallMs()) });
      [lost, found, gone] = [lost + batch.lost, found + batch.found, gone + batch.gone];
      if (batch.next === undefined) break;
      after = batch.next;
    }
    if (gone > 0) await database.call('truncatePictures');
    this.#settled = { lost: this.#settled.lost + lost, found: this.#settled.found + found };
    if (lost + found + gone > 0) this.#log.warn({ component: 'vault', lost, found, gone }, 'the pictures of alarms were not those that the working database knew');
  }

  async #reaching(deed: () => Promise<void>): Promise<boolean> {
    try {
      await deed();
      return true;
    } catch (error) {
      if (!isSallyportError(error, 'SP_PICTURES')) throw error;
      this.#log.warn({ component: 'vault', code: (error as SallyportError).code }, (error as SallyportError).message);
      return false;
    }
  }
}
