/**
 * One hub per data folder. The lock is the kernel's (SQLite's POSIX lock on the empty file `lock`), so it ends with its process,
 * however that ends, holds across containers that share the folder, and is never stale. `lock.pid` only says whose it is.
 *
 * POSIX locks go when *any* handle of the process on the file closes: nothing else may open `lock`.
 */
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { readTextBounded, removeFile, writeFileAtomic } from '../base/files.ts';

export interface FolderLock {
  close(): Promise<void>;
}

/** What this process holds: the kernel lets a process lock twice. */
const held = new Set<string>();

/** SP_DATA_LOCKED names the process that holds it, SP_DATA_FOLDER why it cannot be locked at all. Never waits. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const real = await realpath(folder).catch((error: unknown) => refuse(folder, error));
  if (held.has(real)) throw new SallyportError('SP_DATA_LOCKED', { pid: process.pid, folder });
  held.add(real);
  let lock: Database.Database | undefined;
  try {
    lock = await takeLock(join(real, 'lock'));
    if (lock === undefined) throw new SallyportError('SP_DATA_LOCKED', { pid: await holderOf(real), folder });
    await writeFileAtomic(join(real, 'lock.pid'), `${process.pid}\n`);
  } catch (error) {
    lock?.close();
    held.delete(real);
    return refuse(folder, error);
  }
  return new HeldLock(real, lock);
}

class HeldLock implements FolderLock {
  readonly #folder: string;
  readonly #lock: Database.Database;

  constructor(folder: string, lock: Database.Database) {
    this.#folder = folder;
    this.#lock = lock;
  }

  async close(): Promise<void> {
    if (!this.#lock.open) return;
    try {
      await removeFile(join(this.#folder, 'lock.pid'));
    } finally {
      this.#lock.close();
      held.delete(this.#folder);
    }
  }
}

/** The exclusive lock, held until the connection closes; undefined when another process has it. Nothing is ever written to the file. */
async function takeLock(file: string): Promise<Database.Database | undefined> {
  await (await open(file, 'a', 0o600)).close();
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
}

async function holderOf(folder: string): Promise<number | string> {
  const text = await readTextBounded(join(folder, 'lock.pid'), 20).catch(() => '');
  return /^\d+\n$/.test(text) ? Number(text) : 'unknown';
}

function refuse(folder: string, error: unknown): never {
  if (error instanceof SallyportError && error.code === 'SP_DATA_LOCKED') throw error;
  throw new SallyportError('SP_DATA_FOLDER', { folder, reason: reasonOf(error) }, error);
}
