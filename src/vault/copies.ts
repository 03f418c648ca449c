/**
 * Daily copies of the working database: at most two, each sealed to a period key of its own in the keyring (class `database`), which only
 * the hub's identity opens. The copy is the encrypted file as it stands, so no plain page is ever on a disk; shredding its slot destroys it.
 * A copy is made only of a database whose tables were all read and found whole: a damaged one must not push a good one out.
 */
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { ensureFolder, listFolder, removeFile, syncFolder } from '../base/files.ts';
import { dayMs, parseUtcStamp, secondMs, utcStamp } from '../base/units.ts';
import { StreamSealer } from '../seal/sealer.ts';
import type { Period } from './periodtable.ts';
import type { Parts } from './parts.ts';

/** What database copies are called where a camera stands. */
export const copyCamera = 'hub';
/** Where no newer copy replaces it, a copy dies at this age. */
const keptMsMax = 14 * dayMs;
const pieceBytes = 262_144;

export function copiesFolder(folder: string): string {
  return join(folder, 'copies');
}

export function copyFile(folder: string, startMs: UnixMs): string {
  return join(copiesFolder(folder), `working-${utcStamp(startMs)}.db.age`);
}

/** Newest first. */
export async function copiesIn(folder: string): Promise<{ file: string; startMs: UnixMs }[]> {
  const found = (await listFolder(copiesFolder(folder))).flatMap((name) => {
    const startMs = parseUtcStamp(/^working-(\d{8}T\d{6}Z)\.db\.age$/.exec(name)?.[1] ?? '');
    return startMs === undefined ? [] : [{ file: join(copiesFolder(folder), name), startMs }];
  });
  return found.sort((a, b) => b.startMs - a.startMs);
}

export function copyPeriod(nowMs: UnixMs, hubRecipient: string): { camera: string; class: 'database'; startMs: UnixMs; endMs: UnixMs; deadlineMs: UnixMs; recipients: string[] } {
  const startMs = Math.floor(nowMs / secondMs) * secondMs;
  return { camera: copyCamera, class: 'database', startMs, endMs: startMs + secondMs, deadlineMs: startMs + keptMsMax, recipients: [hubRecipient] };
}

/** All tables, one at a time, so that others are answered in between. SP_DATABASE_DAMAGED. */
export async function checkTables({ database }: Pick<Parts, 'database'>): Promise<void> {
  for (const name of await database.call('tables')) await database.call('checkTable', { name });
}

/** Seals the database as it stands to the copy's period. Answers its size. SP_WRITE, SP_DATABASE; nothing half-written stays. */
export async function writeCopy(parts: Pick<Parts, 'database' | 'folder'>, period: Period, clock: Clock): Promise<number> {
  const { database, folder } = parts;
  const file = copyFile(folder, period.startMs);
  await ensureFolder(copiesFolder(folder));
  if (!(await database.call('beginCopy'))) throw new SallyportError('SP_DATABASE', { reason: 'a reader keeps it from being copied; it is tried again' });
  try {
    const bytes = await sealFile(join(folder, 'working.db'), `${file}.part`, period.recipient);
    await rename(`${file}.part`, file);
    await syncFolder(copiesFolder(folder));
    await database.call('copied', { periodId: period.id, bytes, atMs: clock.wallMs() });
    return bytes;
  } catch (error) {
    await removeFile(`${file}.part`).catch(() => {});
    throw isSallyportError(error) ? error : new SallyportError('SP_WRITE', { file, reason: reasonOf(error) }, error);
  } finally {
    if (database.failure === undefined) await database.call('endCopy');
  }
}

async function sealFile(from: string, to: string, recipient: string): Promise<number> {
  const source = await open(from, 'r');
  const target = await open(to, 'w', 0o600).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const sealer = new StreamSealer([recipient]);
  try {
    const before = await stat(from, { bigint: true });
    await target.writeFile(sealer.header);
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    let bytes = sealer.header.length;
    for (let at = 0; ;) {
      const { bytesRead } = await source.read(piece, 0, piece.length, at);
      const sealed = bytesRead === 0 ? [sealer.finish()] : sealer.push(piece.subarray(0, bytesRead));
      for (const chunk of sealed) {
        await target.writeFile(chunk);
        bytes += chunk.length;
      }
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    await target.datasync();
    const after = await stat(from, { bigint: true });
    if (before.mtimeNs !== after.mtimeNs || before.size !== after.size) throw new Error('the database changed while it was copied');
    return bytes;
  } finally {
    sealer.fileKey.close();
    sealer.close();
    await source.close();
    await target.close();
  }
}
