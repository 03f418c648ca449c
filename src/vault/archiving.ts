/**
 * What lies far alone: which segments may, which do, and how their files here go. Each step may be the last one before a kill: the row is there before a
 * file is removed, and the note that it is gone after.
 */
import { dirname, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { fileExists, removeFile, syncFolder } from '../base/files.ts';
import type { Archivable, ArchivedSum, ArchiveQuery } from './archivetable.ts';
import type { DiskKeeper } from './diskkeeper.ts';

/** For tests that kill between steps. */
export type ArchiveStep = 'archived' | 'archive unlinked' | 'archive noted';

export interface ArchivingOptions {
  readonly disk: DiskKeeper;
  readonly clock: Clock;
  readonly afterStep: (step: ArchiveStep) => Promise<void> | void;
}

export class Archiving {
  readonly #o: ArchivingOptions;

  constructor(o: ArchivingOptions) {
    this.#o = o;
  }

  /** At most `limit` rows are looked at. SP_DATABASE, SP_DISK, as everything here. */
  archivable(q: ArchiveQuery): Promise<{ rows: Archivable[]; next: number | undefined }> {
    return this.#o.disk.call('archivable', q);
  }

  /** They lie there alone from now on, as far as the rows of now allow it; answers how many. Durable when it resolves: `removeFiles` may follow, now or after a kill. */
  async archive(destination: string, rowIds: readonly number[]): Promise<number> {
    const { disk, clock, afterStep } = this.#o;
    const count = await disk.call('archive', { destination, rowIds, atMs: Math.round(clock.wallMs()) });
    await afterStep('archived');
    return count;
  }

  /** Removes the files here of what lies elsewhere alone; answers how many there were. SP_WRITE. */
  async removeFiles(limit: number): Promise<number> {
    const { disk, afterStep } = this.#o;
    const { footage } = disk.ready;
    const rows = await disk.call('archivedToRemove', { limit });
    for (const { path } of rows) {
      await removeFile(join(footage, path));
      await afterStep('archive unlinked');
    }
    // A file that came back after a power cut would lie here for as long as its hour.
    for (const folder of new Set(rows.map(({ path }) => dirname(join(footage, path))))) if (await fileExists(folder)) await syncRemoved(folder);
    if (rows.length > 0) await disk.call('archivedRemoved', { rowIds: rows.map(({ rowId }) => rowId) });
    await afterStep('archive noted');
    return rows.length;
  }

  /** How much of it each destination has, and what is lost there. */
  sums(): Promise<ArchivedSum[]> {
    return this.#o.disk.call('archivedSums');
  }
}

async function syncRemoved(folder: string): Promise<void> {
  await syncFolder(folder).catch((error: unknown) => { throw new SallyportError('SP_WRITE', { file: folder, reason: reasonOf(error) }, error); });
}
