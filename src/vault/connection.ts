/**
 * How the working database is opened: SQLite3MC, chacha20 with a tag on each page, the raw key handed over as bytes and wiped.
 * Also the one place that translates SQLite's errors.
 */
import Database from 'better-sqlite3';
import { SallyportError, diskFull, isSallyportError, reasonOf } from '../base/errors.ts';
import { checkSchema, upgradeSchema } from './schema.ts';

export type Connection = Database.Database;

/** Opens and upgrades. `key` is 'raw:' and 64 hex characters as bytes; it is wiped. SP_WRONG_WORKING_KEY, SP_DATABASE_NEWER, SP_DATABASE. */
export function openConnection(file: string, key: Uint8Array, options: { readonly: boolean }): Connection {
  let db: Connection | undefined;
  try {
    db = new Database(file, { readonly: options.readonly, fileMustExist: options.readonly, timeout: 10_000 });
    unlock(db, key);
    if (options.readonly) checkSchema(db);
    else prepareForWriting(db);
    keepStatements(db);
    return db;
  } catch (error) {
    db?.close();
    throw databaseError(error, file);
  } finally {
    key.fill(0);
  }
}

export function unlock(db: Connection, key: Uint8Array): void {
  // The cipher must be chosen before the key is set; a page that was made without the key is SQLITE_NOTADB afterwards.
  db.pragma("cipher = 'chacha20'");
  db.key(Buffer.from(key.buffer, key.byteOffset, key.byteLength));
  // The default, a file under /var/tmp, would hold rows in clear.
  db.pragma('temp_store = MEMORY');
  db.pragma('trusted_schema = OFF');
  db.pragma('cell_size_check = ON');
  db.pragma('mmap_size = 0');
  // The first read proves the key.
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
}

/**
 * Each text is compiled once. A statement is memory outside of V8's heap, 19 KiB with the triggers of far objects, that goes when V8's collector comes, which sees nothing
 * of it and is in no hurry: 15,000 of them, compiled for one row each, took 280 MiB. Texts are constants of the code; the bound keeps a mistake small.
 */
function keepStatements(db: Connection): void {
  const prepare = db.prepare.bind(db) as (sql: string) => Database.Statement;
  const kept = new Map<string, Database.Statement>();
  db.prepare = ((sql: string) => {
    const known = kept.get(sql);
    // One whose rows are still being read cannot be asked something else.
    if (known !== undefined && !known.busy) return known;
    const statement = prepare(sql);
    if (known === undefined && kept.size < statementsMax) kept.set(sql, statement);
    return statement;
  }) as typeof db.prepare;
}

const statementsMax = 1_000;

function prepareForWriting(db: Connection): void {
  db.pragma('secure_delete = ON');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  upgradeSchema(db);
}

/** SQLite's errors in our words. */
export function databaseError(error: unknown, file: string): SallyportError {
  if (isSallyportError(error)) return error;
  if (error instanceof Database.SqliteError) {
    if (error.code === 'SQLITE_NOTADB') return new SallyportError('SP_WRONG_WORKING_KEY', { file }, error);
    if (error.code.startsWith('SQLITE_CORRUPT')) return new SallyportError('SP_DATABASE_DAMAGED', { file, reason: 'a page is not what was written' }, error);
    return new SallyportError('SP_DATABASE', { reason: sentenceOf(error.code) ?? `${error.message} (${error.code})` }, error);
  }
  return new SallyportError('SP_DATABASE', { reason: reasonOf(error) }, error);
}

/** By the beginning of the code: SQLITE_IOERR_FSYNC is an SQLITE_IOERR. */
const sentences = [
  ['SQLITE_FULL', diskFull],
  ['SQLITE_IOERR', 'the disk reports an input/output error'],
  ['SQLITE_READONLY', 'it may not be written'],
  ['SQLITE_CANTOPEN', 'its file cannot be opened'],
  ['SQLITE_BUSY', 'another program holds it'],
] as const;

function sentenceOf(code: string): string | undefined {
  const row = sentences.find(([beginning]) => code.startsWith(beginning));
  // The code tells a developer which of SQLite's calls it was.
  return row === undefined || row[0] === code ? row?.[1] : `${row[1]} (${code})`;
}

/** A hint that a power cut may take back is not worth an fsync on a card. */
export function withoutSync<T>(db: Connection, deed: () => T): T {
  db.pragma('synchronous = NORMAL');
  try {
    return db.transaction(deed).immediate();
  } finally {
    db.pragma('synchronous = FULL');
  }
}
