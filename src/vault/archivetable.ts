/**
 * The SQL of what lies at a destination alone. A segment may go there for good when its object is there with the far end's own proof, nothing
 * holds it, and it is old enough. Runs where the connection lives; each writing call runs inside the transaction of its caller.
 */
import type { UnixMs } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import type { SegmentName } from './served.ts';

export interface ArchiveQuery {
  readonly destination: string;
  /** Ended before then. */
  readonly beforeMs: UnixMs;
  readonly after: number;
  /** Rows that are looked at. */
  readonly limit: number;
}

export interface Archivable extends SegmentName {
  readonly rowId: number;
  readonly path: string;
  /** Its row among what is far, and its name there. */
  readonly farId: number;
  readonly object: string;
  readonly sizeBytes: number;
}

export interface ArchivedPlace {
  readonly destination: string;
  readonly object: string;
  /** False: it was not there when it was looked for last. */
  readonly known: boolean;
}

export interface ArchivedSum {
  readonly destination: string;
  readonly segments: number;
  readonly bytes: number;
  /** Of the segments: those that were not there when they were looked for last, and are nowhere else. */
  readonly lost: number;
}

/** A size alone is no proof: such a segment stays here. */
const proven = "f.state = 'there' AND f.proof IN ('checksum', 'read back')";
const may = `s.state IN ('complete', 'cut') AND s.damaged_ms IS NULL AND p.state = 'live' AND p.class = 'footage' AND ${proven}
  AND f.size_bytes = s.size_bytes AND NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.segment_id = s.id) AND NOT EXISTS (SELECT 1 FROM archived AS a WHERE a.segment_id = s.id)`;

export class ArchiveTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  lookFor({ destination, beforeMs, after, limit }: ArchiveQuery): { rows: Archivable[]; next: number | undefined } {
    const seen = this.#db.prepare<[number, number], { id: number; startMs: number }>('SELECT id, start_ms AS startMs FROM segments WHERE id > ? ORDER BY id LIMIT ?').all(after, limit);
    const last = seen.at(-1);
    if (last === undefined) return { rows: [], next: undefined };
    const rows = this.#db.prepare<[string, number, number, number], Archivable>(`
      SELECT s.id AS rowId, s.camera, s.stream, s.seq, s.path, s.size_bytes AS sizeBytes, f.id AS farId, f.object FROM segments AS s JOIN periods AS p ON p.id = s.period_id JOIN far_objects AS f ON f.class = 'segment' AND f.segment_id = s.id AND f.destination = ?
      WHERE s.id > ? AND s.id <= ? AND s.start_ms + s.duration_ms < ? AND ${may} ORDER BY s.id`).all(destination, after, last.id, beforeMs);
    const tooYoung = seen.every(({ startMs }) => startMs >= beforeMs);
    return { rows, next: seen.length < limit || tooYoung ? undefined : last.id };
  }

  /** The periods whose lists tell of these rows. */
  periodsOf(rowIds: readonly number[]): number[] {
    return this.#db.prepare<[string], { id: number }>('SELECT DISTINCT period_id AS id FROM segments WHERE id IN (SELECT value FROM json_each(?))').all(JSON.stringify(rowIds)).map(({ id }) => id);
  }

  /** What a rebuilt catalogue knows from an hour list; its object is in the book already. Answers how many. */
  restore(path: string, { destination, object }: { readonly destination: string; readonly object: string }, nowMs: UnixMs): number {
    return this.#db.prepare('INSERT INTO archived (segment_id, destination, object, at_ms, removed) SELECT id, ?, ?, ?, 1 FROM segments WHERE path = ?').run(destination, object, Math.round(nowMs), path).changes;
  }

  /** Answers how many. */
  add(rowIds: readonly number[], destination: string, nowMs: UnixMs): number {
    const add = this.#db.prepare(`
      INSERT INTO archived (segment_id, destination, object, at_ms) SELECT s.id, f.destination, f.object, ? FROM segments AS s JOIN periods AS p ON p.id = s.period_id
      JOIN far_objects AS f ON f.class = 'segment' AND f.segment_id = s.id AND f.destination = ? WHERE s.id = ? AND ${may}`);
    return rowIds.reduce((sum, id) => sum + add.run(Math.round(nowMs), destination, id).changes, 0);
  }

  /** Whose object is not known to be there any more, since the row was written, stays here. */
  doubt(): void {
    this.#db.prepare(`DELETE FROM archived WHERE removed = 0 AND NOT EXISTS (
      SELECT 1 FROM far_objects AS f WHERE f.class = 'segment' AND f.segment_id = archived.segment_id AND f.destination = archived.destination AND f.object = archived.object AND ${proven})`).run();
  }

  toRemove(limit: number): { rowId: number; path: string }[] {
    return this.#db.prepare<[number], { rowId: number; path: string }>('SELECT s.id AS rowId, s.path FROM archived AS a JOIN segments AS s ON s.id = a.segment_id WHERE a.removed = 0 ORDER BY a.segment_id LIMIT ?').all(limit);
  }

  removed(rowIds: readonly number[]): void {
    const mark = this.#db.prepare('UPDATE archived SET removed = 1 WHERE segment_id = ?');
    for (const id of rowIds) mark.run(id);
  }

  find({ camera, stream, seq }: SegmentName): ArchivedPlace | undefined {
    const row = this.#db.prepare<[string, string, number], Omit<ArchivedPlace, 'known'> & { known: 0 | 1 }>(`
      SELECT a.destination, a.object, EXISTS (SELECT 1 FROM far_objects AS f WHERE f.destination = a.destination AND f.object = a.object AND f.state = 'there') AS known
      FROM archived AS a JOIN segments AS s ON s.id = a.segment_id WHERE s.camera = ? AND s.stream = ? AND s.seq = ?`).get(camera, stream, seq);
    return row === undefined ? undefined : { ...row, known: row.known === 1 };
  }

  sums(): ArchivedSum[] {
    return this.#db.prepare<[], ArchivedSum>(`
      SELECT a.destination, count(*) AS segments, sum(s.size_bytes) AS bytes, sum(a.removed = 1 AND EXISTS (
        SELECT 1 FROM far_objects AS f WHERE f.class = 'segment' AND f.segment_id = a.segment_id AND f.destination = a.destination AND f.state IN ('wanted', 'asked', 'failed'))) AS lost
      FROM archived AS a JOIN segments AS s ON s.id = a.segment_id WHERE s.state <> 'garbage' GROUP BY a.destination ORDER BY a.destination`).all();
  }
}
