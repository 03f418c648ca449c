/**
 * What the hour lists tell, as the rows stand now, and the hashes over it that checkpoints sign. Runs where the connection lives; each writing
 * call runs inside the transaction of its caller.
 */
import { createHash } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Connection } from './connection.ts';
import type { GapTable } from './gaptable.ts';
import type { HoldTable } from './holdtable.ts';
import type { HourList, SegmentRecord } from './hourlist.ts';
import { bareClasses, isBare, type PeriodTable } from './periodtable.ts';
import type { SegmentRow, SegmentTable } from './segmenttable.ts';

/** An hour list on the disk. */
export interface ListFile {
  readonly id: number;
  readonly camera: string;
  readonly startMs: UnixMs;
  readonly slot: number;
  /** Of its file, hex. */
  readonly sha256: string;
}

export interface ListedTables {
  readonly periods: PeriodTable;
  readonly segments: SegmentTable;
  readonly gaps: GapTable;
  readonly holds: HoldTable;
}

export class ListTable {
  readonly #db: Connection;
  readonly #of: ListedTables;

  constructor(db: Connection, tables: ListedTables) {
    this.#db = db;
    this.#of = tables;
  }

  hourList(periodId: number): HourList | undefined {
    const period = this.#of.periods.byId(periodId);
    if (period === undefined || isBare(period.class)) return undefined;
    const order = this.#of.holds.orderOf(periodId);
    const places = this.#placesOf(periodId);
    return {
      v: 1, camera: period.camera, class: period.class, start_ms: period.startMs, end_ms: period.endMs, deadline_ms: period.deadlineMs,
      slot: period.slot, generation: period.generation, segments: this.#recordsOf(periodId).map((record) => ({ ...record, ...places.get(record.path) })), gaps: this.#of.gaps.ofPeriod(periodId),
      ...(order === undefined ? {} : { order: order.order, maker: order.maker, label: order.label }),
    };
  }

  /** `listSha256`, hex: of the list's file, where there is one. */
  markListed(periodId: number, listSha256: string | undefined): void {
    this.#db.prepare('UPDATE periods SET listed = 1, rows_root = ?, list_sha256 = ? WHERE id = ?')
      .run(this.rowsRoot(periodId), listSha256 === undefined ? null : Buffer.from(listSha256, 'hex'), periodId);
  }

  /** The list on the disk knows more than the rows, and stays whatever happens to them. */
  keep(periodId: number, listSha256: string): void {
    this.markListed(periodId, listSha256);
    this.#db.prepare('UPDATE periods SET list_kept = 1 WHERE id = ?').run(periodId);
  }

  /** Its list is gone or rotten, so that it is written anew. */
  markUnlisted(periodId: number): void {
    this.#db.prepare('UPDATE periods SET listed = 0, list_kept = 0, rows_root = NULL, list_sha256 = NULL WHERE id = ?').run(periodId);
  }

  /** What its list tells, where it has one, is not all any more: it is written anew, unless it is a kept one. */
  outdate(periodId: number): void {
    const listed = this.#db.prepare<[number], { kept: number }>('SELECT list_kept AS kept FROM periods WHERE id = ? AND listed = 1').get(periodId);
    if (listed?.kept === 1) this.#db.prepare('UPDATE periods SET rows_root = ? WHERE id = ?').run(this.rowsRoot(periodId), periodId);
    else if (listed !== undefined) this.markUnlisted(periodId);
  }

  /** Live periods whose hour list's hash is known: at most `limit` after `afterId`. */
  after(afterId: number, limit: number): ListFile[] {
    return this.#db.prepare<[number, number], ListFile>(`
      SELECT id, camera, start_ms AS startMs, slot, lower(hex(list_sha256)) AS sha256 FROM periods
      WHERE id > ? AND state = 'live' AND class NOT IN ${bareClasses} AND listed = 1 AND list_sha256 IS NOT NULL ORDER BY id LIMIT ?`).all(afterId, limit);
  }

  rowsRoot(periodId: number): Buffer {
    const hash = createHash('sha256');
    for (const record of this.#recordsOf(periodId)) hash.update(recordHash(record));
    return hash.digest();
  }

  storedRowsRoot(periodId: number): Buffer | undefined {
    return this.#db.prepare<[number], { root: Buffer | null }>('SELECT rows_root AS root FROM periods WHERE id = ?').get(periodId)?.root ?? undefined;
  }

  /** Over the live periods in id order: the stored root of a listed one, the row hashes of one that still grows. */
  catalogueRoot(): Buffer {
    const hash = createHash('sha256');
    const periods = this.#db.prepare<[], { id: number; root: Buffer | null }>(`SELECT id, rows_root AS root FROM periods WHERE state = 'live' AND class NOT IN ${bareClasses} ORDER BY id`).all();
    for (const { id, root } of periods) {
      if (root !== null) hash.update(root);
      else for (const record of this.#recordsOf(id)) hash.update(recordHash(record));
    }
    return hash.digest();
  }

  /** Where those of them lie that lie elsewhere alone. */
  #placesOf(periodId: number): ReadonlyMap<string, { destination: string; object: string }> {
    const rows = this.#db.prepare<[number, number], { path: string; destination: string; object: string }>(`
      SELECT s.path, a.destination, a.object FROM (SELECT id FROM segments WHERE period_id = ? UNION SELECT segment_id FROM holds WHERE period_id = ?) AS of_it
      JOIN archived AS a ON a.segment_id = of_it.id JOIN segments AS s ON s.id = of_it.id`).all(periodId, periodId);
    return new Map(rows.map(({ path, destination, object }) => [path, { destination, object }]));
  }

  /** What the period's list tells: its own segments; of a hold's period what it holds, whoever's row that is now. */
  #recordsOf(periodId: number): SegmentRecord[] {
    if (this.#of.holds.orderOf(periodId) === undefined) return this.#of.segments.ofPeriod(periodId).map(recordOf);
    const hashes = new Map(this.#db.prepare<[number], { segmentId: number; sha256: string }>('SELECT segment_id AS segmentId, lower(hex(sha256)) AS sha256 FROM holds WHERE period_id = ?').all(periodId).map(({ segmentId, sha256 }) => [segmentId, sha256]));
    return this.#of.segments.heldBy(periodId).map(({ rowId, row }) => ({ ...recordOf(row), hold_sha256: hashes.get(rowId) ?? '' }));
  }
}

/** The row as the hour list tells it: facts that do not change after the close but for rot (that a file went missing is not among them). */
export function recordOf(row: SegmentRow): SegmentRecord {
  return {
    stream: row.stream, seq: row.seq, boot: row.boot, mono_ms: row.monoMs, start_ms: row.startMs, duration_ms: row.durationMs, size: row.sizeBytes,
    header_sha256: row.headerSha256, body_sha256: row.bodySha256, header_bytes: row.headerBytes, state: row.cutChunks === undefined ? 'complete' : 'cut',
    chunks: row.cutChunks ?? 0, path: row.path, key_frames: row.keyFrames, reason: row.reason,
    ...(row.damagedMs === undefined ? {} : { damaged_ms: row.damagedMs }),
    // Absent where there is none: the hashes of rows from before there were any stay as they are.
    ...(row.thumb === undefined ? {} : { thumb: row.thumb }),
  };
}

function recordHash(record: SegmentRecord): Buffer {
  return createHash('sha256').update(canonicalJson(record as unknown as CanonicalValue)).digest();
}
