/**
 * What must happen one after the other, for lists must not come back into a purged folder and numbers must not meet: hour lists, purges, and
 * the papers that are signed about them.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { DiskKeeper } from './diskkeeper.ts';
import { writeHourList } from './hourlists.ts';
import type { OpenSegments } from './opensegments.ts';
import { completePapers, issueCheckpoint, receiptFile, removeSigned } from './paperwork.ts';
import type { Parts } from './parts.ts';
import type { Period } from './periodtable.ts';
import type { PicturesCare } from './picturescare.ts';
import { finishPurges, purgePeriods, type PurgeParts, type PurgeStep } from './purge.ts';
import type { FarSlotsNote, PurgeReason, Receipt } from './receipts.ts';
import { Turns } from '../base/turns.ts';

export interface FilingOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly disk: DiskKeeper;
  readonly open: OpenSegments;
  readonly pictures: PicturesCare;
  readonly farSlots: (destinations: readonly string[]) => Promise<readonly FarSlotsNote[]>;
  readonly afterStep: (step: PurgeStep) => Promise<void> | void;
}

export class Filing {
  readonly #o: FilingOptions;
  readonly #turns = new Turns();
  /** Receipts, checkpoints or a log with old pages may have been left behind by something that failed. */
  #unfinished = false;

  constructor(options: FilingOptions) {
    this.#o = options;
  }

  /** Something else that must not meet any of these. */
  take<T>(deed: (parts: Parts) => Promise<T>): Promise<T> {
    return this.#turns.take(() => this.#o.disk.with(deed));
  }

  purge(periods: readonly Pick<Period, 'id'>[], why: PurgeReason): Promise<Receipt> {
    return this.#file((parts) => purgePeriods(this.partsFor(parts), periods.map(({ id }) => id), why));
  }

  /** Answers the number of lines. */
  purgeAudit(beforeMs: UnixMs): Promise<number> {
    return this.#file(async (parts) => {
      const { database, folder } = parts;
      const expired = await database.call('expireAudit', { beforeMs, atMs: Math.round(this.#o.clock.wallMs()) });
      if (expired === undefined) return 0;
      let dropped = 0;
      for (let count = -1; count !== 0; dropped += count) count = await database.call('dropAudit', { through: expired.through });
      for (const number of expired.receipts) await removeSigned(receiptFile(folder, number));
      await completePapers(this.partsFor(parts));
      return dropped;
    });
  }

  checkpoint(): Promise<{ number: number; file: string }> {
    return this.#file((parts) => issueCheckpoint(this.partsFor(parts)));
  }

  /** The hour lists of ended periods that have no open segment; answers how many. One that cannot be written now keeps no other from it. */
  finishPeriods(nowMs: UnixMs): Promise<number> {
    return this.take(async (parts) => {
      let finished = 0;
      for (const period of await parts.database.call('unlistedPeriods', { nowMs })) {
        if (this.#o.open.of(period.id).length > 0) continue;
        if (await this.#tryHourList(parts, period)) finished++;
      }
      return finished;
    });
  }

  /** What a failed deed left undone. */
  async settle(parts: Parts): Promise<void> {
    if (!this.#unfinished) return;
    await this.#turns.take(async () => {
      await finishPurges(this.partsFor(parts));
      await completePapers(this.partsFor(parts));
      await parts.database.call('truncateWal');
    });
    this.#unfinished = false;
  }

  partsFor({ folder, footage, database, keyring, signer, facts }: Parts): PurgeParts {
    const { clock, log, open, pictures, farSlots, afterStep } = this.#o;
    return { folder, footage, database, keyring, signer, clock, log, vault: facts, leaving: (ids) => open.leave(ids), openPaths: (id) => open.pathsOf(id), pictures, farSlots, afterStep };
  }

  /** A deed that puts papers on disk: when it fails, `settle` completes them from what the database has. */
  #file<T>(deed: (parts: Parts) => Promise<T>): Promise<T> {
    return this.take(deed).catch((error: unknown) => {
      this.#unfinished = true;
      throw error;
    });
  }

  async #tryHourList(parts: Parts, period: Period): Promise<boolean> {
    try {
      return await writeHourList(parts, period);
    } catch (error) {
      this.#o.disk.suspect(error);
      this.#o.log.warn({ component: 'vault', camera: period.camera, code: asSallyportError(error).code }, `an hour list is not written yet: ${asSallyportError(error).message}`);
      return false;
    }
  }
}
