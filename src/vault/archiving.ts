/** Removes the files of what lies elsewhere alone. Each step may be the last one before a kill: the row is there before, and the note that the file is gone after. */
import { dirname, join } from 'node:path';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { fileExists, removeFile, syncFolder } from '../base/files.ts';
import type { Parts } from './parts.ts';

/** For tests that kill between steps. */
export type ArchiveStep = 'archived' | 'archive unlinked' | 'archive noted';

/** Answers how many rows there were. SP_WRITE, SP_DATABASE. */
export async function removeArchived({ database, footage }: { readonly database: Pick<Parts['database'], 'call'>; readonly footage: string }, limit: number, afterStep: (step: ArchiveStep) => Promise<void> | void): Promise<number> {
  const rows = await database.call('archivedToRemove', { limit });
  for (const { path } of rows) {
    await removeFile(join(footage, path));
    await afterStep('archive unlinked');
  }
  // A file that came back after a power cut would lie here for as long as its hour.
  for (const folder of new Set(rows.map(({ path }) => dirname(join(footage, path))))) if (await fileExists(folder)) await syncRemoved(folder);
  if (rows.length > 0) await database.call('archivedRemoved', { rowIds: rows.map(({ rowId }) => rowId) });
  await afterStep('archive noted');
  return rows.length;
}

async function syncRemoved(folder: string): Promise<void> {
  await syncFolder(folder).catch((error: unknown) => { throw new SallyportError('SP_WRITE', { file: folder, reason: reasonOf(error) }, error); });
}
