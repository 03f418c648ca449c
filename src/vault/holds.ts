/**
 * Second headers on the disk: written beside their segments like everything that must last (part, fdatasync, rename, fsync of the folder),
 * then their rows, in one transaction with the audit line. One that a kill left without its row is taken for what its name says at the
 * next start (recover.ts). None is ever written over another: each has the slot of its own period in its name.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSallyportError, reasonOf, SallyportError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { fileExists, readFileBounded, removeFile, syncFolder } from '../base/files.ts';
import { checkHold, holdBytes } from '../seal/hold.ts';
import type { Period } from './periodtable.ts';
import type { WorkingDatabase } from './database.ts';
import { holdName, partSuffix } from './footagepaths.ts';
import type { SegmentKey } from './holdtable.ts';

export interface SecondHeader extends SegmentKey {
  readonly header: Buffer;
}

export interface HoldParts {
  readonly footage: string;
  readonly database: WorkingDatabase;
  readonly clock: Clock;
}

/**
 * Answers how many were taken: not those whose segment is gone, has one of this period, or has too many. SP_AGE_HEADER when one has not the
 * shape of a header, and then none is taken; SP_WRITE, SP_DATABASE.
 */
export async function writeHolds({ footage, database, clock }: HoldParts, period: Pick<Period, 'id' | 'slot'>, headers: readonly SecondHeader[]): Promise<number> {
  for (const { stream, seq, header } of headers) checkHold(header, `the second header of ${stream} ${seq}`);
  const paths = await database.call('holdable', { periodId: period.id, segments: headers.map(({ stream, seq }) => ({ stream, seq })) });
  const wanted = new Map(headers.flatMap((header, index) => {
    const path = paths[index];
    return path === undefined ? [] : [[holdName(path, period.slot), header] as const];
  }));
  let asked = false;
  try {
    for (const [path, { header }] of wanted) await writeDurably(join(footage, path), header);
    for (const folder of new Set([...wanted.keys()].map((path) => dirname(path)))) await syncFolder(join(footage, folder));
    const holds = [...wanted.values()].map(({ stream, seq, header }) => ({ stream, seq, sha256: sha256(header) }));
    asked = true;
    const taken = await database.call('addHolds', { periodId: period.id, what: 'hold.made', atMs: clock.wallMs(), holds });
    const kept = new Set(taken.map(({ stream, seq }) => `${stream} ${seq}`));
    for (const [path, { stream, seq }] of wanted) if (!kept.has(`${stream} ${seq}`)) await removeFile(join(footage, path));
    return taken.length;
  } catch (error) {
    // They have no rows, unless the answer to that was lost with the disk. What cannot be removed either is written over by the next try, or settled at the next start.
    if (!asked) for (const path of wanted.keys()) for (const name of [path, path + partSuffix]) await removeFile(join(footage, name)).catch(() => {});
    throw isSallyportError(error) ? error : new SallyportError('SP_WRITE', { file: footage, reason: reasonOf(error) }, error);
  }
}

/** SP_READ, SP_AGE_HEADER. */
export async function readHold(file: string, what: string): Promise<Buffer> {
  const hold = await readFileBounded(file, holdBytes, { noFollow: true });
  checkHold(hold, what);
  return hold;
}

/** In words, when a second header is not what was written; SP_READ's reason when the disk does not give it. */
export async function wrongWithHold(file: string, expected: string): Promise<string | undefined> {
  try {
    return sha256(await readFileBounded(file, holdBytes, { noFollow: true })) === expected ? undefined : 'the second header is not what was written';
  } catch (error) {
    if (!(await fileExists(file))) return 'the second header is not there';
    return isSallyportError(error) ? String(error.evidence['reason']) : reasonOf(error);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Its name is synced with its folder, by the caller. */
async function writeDurably(file: string, bytes: Buffer): Promise<void> {
  const part = file + partSuffix;
  await removeFile(part);
  try {
    const handle = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    throw isSallyportError(error) ? error : new SallyportError('SP_WRITE', { file: part, reason: reasonOf(error) }, error);
  }
}
