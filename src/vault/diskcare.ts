/**
 * Is the vault's disk there, is it ours, can it be written? `lookAtDisk` answers for parts that are open; what follows from the answer
 * (letting go, opening anew) is the vault's business.
 */
import { join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, isDiskFull, isSallyportError } from '../base/errors.ts';
import { removeFile, writeFileAtomic } from '../base/files.ts';
import { secondMs } from '../base/units.ts';
import { placeOf, type Parts } from './parts.ts';

export interface DiskState {
  /** `full`: it can be read and shortened; `failing`: it refuses; `gone`: the data folder is not there, or another one is in its place. */
  readonly state: 'well' | 'full' | 'failing' | 'gone';
  readonly reason: string;
  readonly sinceMs: UnixMs;
}

/** A disk that has not taken four kilobytes after this long counts as failing; cards take up to five seconds on a bad day. */
const probeMsMax = 30 * secondMs;

/** Undefined when all is well. `write` also writes something, because something that was written before was refused. */
export async function lookAtDisk(parts: Parts, clock: Clock, write: boolean): Promise<Omit<DiskState, 'sinceMs'> | undefined> {
  const moved = await whereabouts(parts);
  if (moved !== undefined) return moved;
  if (parts.database.failure !== undefined) return { state: 'failing', reason: parts.database.failure.message };
  if (!write) return undefined;
  try {
    await within(clock, probeMsMax, probe(parts), () => new SallyportError('SP_DISK', { folder: parts.folder, reason: `it has not answered for ${probeMsMax / secondMs} s` }));
    return undefined;
  } catch (error) {
    // A damaged page is the database's trouble: what can still be sealed is sealed, and catalogued when it has been restored.
    if (isSallyportError(error, 'SP_DATABASE_DAMAGED')) return undefined;
    return { state: isDiskFull(error) ? 'full' : 'failing', reason: asSallyportError(error).message };
  }
}

/** A file system that was pulled, or unmounted under open handles, shows in what stands at the folder's path. */
async function whereabouts(parts: Parts): Promise<Omit<DiskState, 'sinceMs'> | undefined> {
  try {
    const now = await placeOf(parts.folder);
    if (now.device === parts.place.device && now.inode === parts.place.inode) return undefined;
    return { state: 'gone', reason: 'its disk is not mounted there any more' };
  } catch (error) {
    const code = (asSallyportError(error).cause as NodeJS.ErrnoException | undefined)?.code;
    return { state: code === 'ENOENT' ? 'gone' : 'failing', reason: asSallyportError(error).message };
  }
}

/** The database is in the folder, and a file beside it takes the way of all files: both must be durable. */
async function probe(parts: Parts): Promise<void> {
  await parts.database.call('touch');
  const file = join(parts.folder, 'probe');
  await writeFileAtomic(file, 'written to learn whether the disk can be written\n');
  await removeFile(file);
}

/** What `work` brings, or the error when it takes longer; `work` is not stopped then, and nobody waits for it. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>, late: () => SallyportError): Promise<T> {
  const enough = new AbortController();
  work.catch(() => {}); // told here, or too late to matter
  try {
    const first = await Promise.race([work.then((value) => ({ value })), passed(clock, ms, enough.signal)]);
    if (typeof first === 'object') return first.value;
    throw late();
  } finally {
    enough.abort();
  }
}

async function passed(clock: Clock, ms: number, signal: AbortSignal): Promise<'late'> {
  const endMs = clock.monotonicMs() + ms;
  while (!signal.aborted && clock.monotonicMs() < endMs) await clock.sleep(endMs - clock.monotonicMs(), signal).catch(() => {});
  return 'late';
}
