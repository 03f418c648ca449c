/**
 * `pictures.db`, the second encrypted file: pictures of alarms, each sealed to its alarm's period before it comes here, and beside them what the
 * working database says of the alarm, so that an older working database can learn it again. Lives in the database's thread.
 *
 * `secure_delete` is off for the sealed bytes: shredding has destroyed them already, and a purge must not write gigabytes of zeros to a card. It is on
 * while the plain facts beside them go. The file may be locked, full, damaged or gone at any time: that is said, and recording never hears of it.
 */
import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { UnixMs } from '../base/clock.ts';
import { isSallyportError, SallyportError } from '../base/errors.ts';
import { maskOf, namesIn, pictureNames, type NewAlarm, type PictureFacts, type PictureName } from './alarmtable.ts';
import type { Catalogue } from './catalogue.ts';
import { databaseError, unlock, type Connection } from './connection.ts';

/** What stands beside an alarm's pictures. */
export interface PicturedAlarm extends Omit<NewAlarm, 'periodId'>, PictureFacts {
  /** "age1…" of its period. */
  readonly recipient: string;
}

export type SealedPictures = Readonly<Partial<Record<PictureName, Uint8Array>>>;

export interface PicturesState {
  readonly open: boolean;
  /** Why it is not. */
  readonly reason: string;
  /** A damaged file was put aside since the start. */
  readonly setAside: boolean;
}

/** The only schema there is yet. */
const schema = `
-- An alarm that has pictures, in the words of the working database.
CREATE TABLE alarms (
  id          TEXT PRIMARY KEY,
  recipient   TEXT NOT NULL,                -- "age1...", the public key of its period: slots change hands, a key never does
  camera      TEXT NOT NULL,
  rule        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  from_ms     INTEGER NOT NULL,
  to_ms       INTEGER,
  score_pm    INTEGER NOT NULL,
  pictures    INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  sha256      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alarms_of_recipient ON alarms (recipient, id);

CREATE TABLE pictures (
  n         INTEGER PRIMARY KEY,
  alarm_id  TEXT NOT NULL,
  which     TEXT NOT NULL CHECK (which IN ('full', 'crop', 'thumb', 'text')),
  sealed    BLOB NOT NULL,                  -- an age file
  UNIQUE (alarm_id, which)
) STRICT;
`;
const version = 1;
/** Another program that holds it is not waited for longer: this thread has footage to catalogue. */
const busyMsMax = 100;

export const picturesName = 'pictures.db';

export class PicturesFile {
  readonly #file: string;
  readonly #key: Uint8Array;
  #db: Connection | undefined;
  #reason = '';
  #setAside = false;

  /** `key` as `openConnection` takes it; kept until `close`. */
  constructor(file: string, key: Uint8Array) {
    this.#file = file;
    this.#key = Uint8Array.from(key);
    this.#reopen();
  }

  get state(): PicturesState {
    return { open: this.#db !== undefined, reason: this.#reason, setAside: this.#setAside };
  }

  /** Opens it if it is not open. SP_PICTURES. */
  use<T>(deed: (db: Connection) => T): T {
    const db = this.#db ?? this.#reopen();
    if (db === undefined) throw new SallyportError('SP_PICTURES', { reason: this.#reason });
    try {
      return deed(db);
    } catch (error) {
      throw picturesError(error, this.#file);
    }
  }

  /** What is damaged is put aside at once, so that the alarms of today have a place; the newest damaged one is kept for a while, for its keys still live. */
  #reopen(): Connection | undefined {
    for (const again of [false, true]) {
      try {
        this.#db = openPictures(this.#file, Uint8Array.from(this.#key), { readonly: false });
        this.#reason = '';
        return this.#db;
      } catch (error) {
        const known = databaseError(error, this.#file);
        this.#reason = reasonIn(known);
        if (again || (known.code !== 'SP_WRONG_WORKING_KEY' && known.code !== 'SP_DATABASE_DAMAGED')) return undefined;
        if (!this.#putAside()) return undefined;
      }
    }
    return undefined;
  }

  #putAside(): boolean {
    try {
      for (const suffix of ['-wal', '-shm']) rmSync(this.#file + suffix, { force: true });
      renameSync(this.#file, `${this.#file}.damaged`);
      this.#setAside = true;
      return true;
    } catch {
      return false;
    }
  }

  /** A damaged file that was put aside goes with the first day of alarms that is purged: it holds the plain facts of all of them. */
  forgetSetAside(): void {
    try {
      rmSync(`${this.#file}.damaged`, { force: true });
    } catch (error) {
      throw picturesError(error, this.#file);
    }
  }

  close(): void {
    this.#key.fill(0);
    this.#db?.close();
    this.#db = undefined;
  }
}

/** `key` is wiped. What SQLite throws. */
export function openPictures(file: string, key: Uint8Array, { readonly }: { readonly: boolean }): Connection {
  let db: Connection | undefined;
  try {
    const isNew = !readonly && !existsSync(file);
    db = new Database(file, { readonly, fileMustExist: readonly, timeout: busyMsMax });
    unlock(db, key);
    // Before the first page is written, so that an early purge can give room back to the disk.
    if (isNew) db.pragma('auto_vacuum = INCREMENTAL');
    if (readonly) return db;
    db.pragma('secure_delete = OFF');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    const known = Number(db.pragma('user_version', { simple: true }));
    if (known > version) throw new SallyportError('SP_DATABASE_NEWER', { found: known, known: version });
    const opened = db;
    if (known === 0) {
      opened.transaction(() => {
        opened.exec(schema);
        opened.pragma(`user_version = ${version}`);
      }).immediate();
    }
    return db;
  } catch (error) {
    db?.close();
    throw error;
  } finally {
    key.fill(0);
  }
}

/** The SQL of pictures.db; each writing call is one transaction. */
export class PictureTables {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** In place of those that the alarm had. Answers what the working database is to remember. */
  put(a: Omit<PicturedAlarm, keyof PictureFacts>, sealed: SealedPictures): PictureFacts {
    return this.#db.transaction(() => {
      this.#db.prepare('DELETE FROM pictures WHERE alarm_id = ?').run(a.id);
      return this.putBeside(a, sealed);
    }).immediate();
  }

  /** As `put`, but what the alarm has of other names stays. */
  putBeside(a: Omit<PicturedAlarm, keyof PictureFacts>, sealed: SealedPictures): PictureFacts {
    return this.#db.transaction(() => {
      const add = this.#db.prepare('INSERT OR REPLACE INTO pictures (alarm_id, which, sealed) VALUES (?, ?, ?)');
      for (const which of pictureNames) if (sealed[which] !== undefined) add.run(a.id, which, Buffer.from(sealed[which]));
      const facts = this.hashOf(a.id) ?? factsOf({});
      this.#db.prepare('INSERT OR REPLACE INTO alarms (id, recipient, camera, rule, kind, from_ms, to_ms, score_pm, pictures, bytes, sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(a.id, a.recipient, a.camera, a.rule, a.kind, a.fromMs, a.toMs ?? null, a.scorePm, maskOf(facts.pictures), facts.bytes, Buffer.from(facts.sha256, 'hex'));
      return facts;
    }).immediate();
  }

  end(id: string, toMs: UnixMs): void {
    this.#db.prepare('UPDATE alarms SET to_ms = max(from_ms, ?) WHERE id = ?').run(toMs, id);
  }

  sealed(id: string, which: PictureName): Buffer | undefined {
    return this.#db.prepare<[string, string], { sealed: Buffer }>('SELECT sealed FROM pictures WHERE alarm_id = ? AND which = ?').get(id, which)?.sealed;
  }

  /** In the order of ids: at most `limit` behind `after`. */
  after(after: string, limit: number): PicturedAlarm[] {
    type Raw = Omit<PicturedAlarm, 'toMs' | 'pictures'> & { readonly toMs: number | null; readonly pictures: number };
    return this.#db.prepare<[string, number], Raw>(`
      SELECT id, recipient, camera, rule, kind, from_ms AS fromMs, to_ms AS toMs, score_pm AS scorePm, pictures, bytes, lower(hex(sha256)) AS sha256 FROM alarms WHERE id > ? ORDER BY id LIMIT ?`,
    ).all(after, limit).map((raw) => ({ ...raw, toMs: raw.toMs ?? undefined, pictures: namesIn(raw.pictures) }));
  }

  /** Over what is there now; undefined when nothing is. */
  hashOf(id: string): PictureFacts | undefined {
    const sealed = Object.fromEntries(pictureNames.flatMap((which) => {
      const bytes = this.sealed(id, which);
      return bytes === undefined ? [] : [[which, bytes]];
    })) as SealedPictures;
    const facts = factsOf(sealed);
    return facts.pictures.length === 0 ? undefined : facts;
  }

  idsOf(recipient: string, limit: number): string[] {
    return this.#db.prepare<[string, number], { id: string }>('SELECT id FROM alarms WHERE recipient = ? ORDER BY id LIMIT ?').all(recipient, limit).map(({ id }) => id);
  }

  /** The plain facts are overwritten, the sealed bytes only let go of: nobody has their key. */
  delete(ids: readonly string[]): void {
    this.#db.transaction(() => {
      const pictures = this.#db.prepare('DELETE FROM pictures WHERE alarm_id = ?');
      for (const id of ids) pictures.run(id);
    }).immediate();
    this.#db.pragma('secure_delete = ON');
    try {
      this.#db.transaction(() => {
        const alarm = this.#db.prepare('DELETE FROM alarms WHERE id = ?');
        for (const id of ids) alarm.run(id);
      }).immediate();
    } finally {
      this.#db.pragma('secure_delete = OFF');
    }
  }

  /** Old pages of the log hold plain facts until it is truncated. */
  truncate(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
  }

  /** Gives up to so many free pages at the file's end back to the disk; answers how many bytes are free in it still. */
  shrink(pages: number): number {
    this.#db.pragma(`incremental_vacuum(${Math.trunc(pages)})`);
    this.truncate();
    return Number(this.#db.pragma('freelist_count', { simple: true })) * Number(this.#db.pragma('page_size', { simple: true }));
  }
}

/** In what rows and file differ. */
export interface Astray {
  /** Alarms whose pictures are gone. */
  readonly lost: string[];
  /** Alarms that have other pictures than their rows say. */
  readonly altered: PicturedAlarm[];
  /** Alarms of living days that no row knows. */
  readonly found: (PicturedAlarm & NewAlarm)[];
  /** What the file has of a day that is gone, or of another day than its row's. */
  readonly dead: string[];
}

/** What the file has behind `after` up to `through` (without it: to the end) against the rows. Only reads: at most starts there is nothing to write. */
export function compareAlarms({ alarms, periods }: Pick<Catalogue, 'alarms' | 'periods'>, inFile: readonly PicturedAlarm[], { after, through }: { after: string; through: string | undefined }): Astray {
  const there = new Map(inFile.map((alarm) => [alarm.id, alarm]));
  const astray: Astray = { lost: [], altered: [], found: [], dead: [] };
  for (const row of alarms.picturesBetween(after, through)) {
    const pictured = there.get(row.id);
    there.delete(row.id);
    if (pictured === undefined) {
      if (row.pictures > 0) astray.lost.push(row.id);
    } else if (row.recipient !== pictured.recipient) astray.dead.push(row.id);
    else if (pictured.sha256 !== row.sha256) astray.altered.push(pictured);
  }
  for (const pictured of there.values()) {
    const period = periods.ofRecipient(pictured.recipient);
    if (period?.state === 'live' && period.class === 'alarm' && period.camera === pictured.camera) astray.found.push({ ...pictured, periodId: period.id });
    else astray.dead.push(pictured.id);
  }
  return astray;
}

export function factsOf(sealed: SealedPictures): PictureFacts {
  const hash = createHash('sha256');
  const pictures = pictureNames.filter((which) => sealed[which] !== undefined);
  let bytes = 0;
  for (const which of pictures) {
    const blob = sealed[which] ?? new Uint8Array(0);
    hash.update(createHash('sha256').update(blob).digest());
    bytes += blob.length;
  }
  return { pictures, bytes, sha256: hash.digest('hex') };
}

function picturesError(error: unknown, file: string): SallyportError {
  return isSallyportError(error, 'SP_PICTURES') ? error : new SallyportError('SP_PICTURES', { reason: reasonIn(databaseError(error, file)) }, error);
}

function reasonIn(error: SallyportError): string {
  if (error.code === 'SP_WRONG_WORKING_KEY' || error.code === 'SP_DATABASE_DAMAGED') return 'its file is damaged';
  return typeof error.evidence['reason'] === 'string' ? error.evidence['reason'] : error.message;
}
