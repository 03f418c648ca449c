/**
 * The SQL of segments: their rows, what recovery must know of those that were begun, and their numbers. Runs where the connection lives; each
 * writing call runs inside the transaction of its caller.
 */
import type { UnixMs } from '../base/clock.ts';
import { inRecordedOrder } from '../policy/order.ts';
import type { ThumbnailPlace } from '../seal/thumbnail.ts';
import type { Connection } from './connection.ts';
import type { StreamName } from './footagepaths.ts';
import { packKeyFrames, unpackKeyFrames, type KeyFrames } from './keyframes.ts';
import type { PeriodClass } from './periodtable.ts';

export interface SegmentRow {
  /** `<camera>/<stream>/<seq>` */
  readonly id: string;
  readonly periodId: number;
  readonly slot: number;
  readonly generation: number;
  /** Of its period: a segment of `hold` or `rest` opens with its second header for that period (`holdName`). */
  readonly periodClass: PeriodClass;
  readonly camera: string;
  readonly stream: StreamName;
  readonly seq: number;
  readonly boot: string;
  readonly monoMs: number;
  readonly startMs: UnixMs;
  readonly durationMs: number;
  /** Below `footage/`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly headerBytes: number;
  /** Hex. */
  readonly headerSha256: string;
  readonly bodySha256: string;
  readonly keyFrames: KeyFrames;
  readonly reason: 'continuous' | 'alarm' | 'manual';
  readonly state: 'complete' | 'cut' | 'missing' | 'garbage';
  /** Whole chunks of a segment that a crash cut. */
  readonly cutChunks: number | undefined;
  /** When it was found to be not what was written. */
  readonly damagedMs: UnixMs | undefined;
  /** Where its thumbnail's box lies in the opened bytes; absent when it has none, or none that this row knows of. */
  readonly thumb?: ThumbnailPlace;
  /** The destination that has it alone: its file here is gone, or is to go. */
  readonly archivedAt?: string;
}

export type NewSegment = Omit<SegmentRow, 'id' | 'slot' | 'generation' | 'periodClass' | 'state' | 'damagedMs' | 'archivedAt'>;

export interface Begun {
  readonly camera: string;
  readonly stream: StreamName;
  readonly seq: number;
  readonly periodId: number;
  readonly boot: string;
  readonly monoMs: number;
  readonly startMs: UnixMs;
}

/** A path below footage/ with what its row says. */
export interface ClaimedPath {
  readonly path: string;
  readonly state: SegmentRow['state'];
  readonly sizeBytes: number;
  /** 1: it lies at a destination alone. */
  readonly archived: 0 | 1;
}

export interface TimeQuery {
  readonly camera?: string | undefined;
  readonly stream?: StreamName | undefined;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly limit: number;
}

const segmentColumns = `s.id AS rowId, s.period_id AS periodId, p.slot, p.generation, p.class AS periodClass, s.camera, s.stream, s.seq, s.boot, s.mono_ms AS monoMs, s.start_ms AS startMs,
  s.duration_ms AS durationMs, s.path, s.size_bytes AS sizeBytes, s.header_bytes AS headerBytes, lower(hex(s.header_sha256)) AS headerSha256,
  lower(hex(s.body_sha256)) AS bodySha256, s.key_frames AS keyFrames, s.reason, s.state, s.cut_chunks AS cutChunks, s.damaged_ms AS damagedMs,
  s.thumb_offset AS thumbOffset, s.thumb_size AS thumbSize, (SELECT a.destination FROM archived AS a WHERE a.segment_id = s.id) AS archivedAt`;

/** A segment may reach over its period's end by the time to the next key frame; longer than this it never is. What an alarm keeps may lie so far before its day, or behind it, too. */
export const segmentMsMax = 3_600_000;

type RawSegment = Omit<SegmentRow, 'id' | 'keyFrames' | 'cutChunks' | 'damagedMs' | 'thumb' | 'archivedAt'> & {
  readonly rowId: number; readonly keyFrames: Buffer; readonly cutChunks: number | null; readonly damagedMs: number | null;
  readonly thumbOffset: number | null; readonly thumbSize: number | null; readonly archivedAt: string | null;
};

export class SegmentTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  noteBegun(b: Begun): void {
    this.#db.prepare('INSERT OR REPLACE INTO begun (camera, stream, seq, period_id, boot, mono_ms, start_ms) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(b.camera, b.stream, b.seq, b.periodId, b.boot, b.monoMs, b.startMs);
  }

  begunOf(camera: string, stream: StreamName, seq: number): Begun | undefined {
    return this.#db.prepare<[string, string, number], Begun>(
      'SELECT camera, stream, seq, period_id AS periodId, boot, mono_ms AS monoMs, start_ms AS startMs FROM begun WHERE camera = ? AND stream = ? AND seq = ?',
    ).get(camera, stream, seq);
  }

  forgetBegunOf(camera: string, stream: StreamName, seq: number): void {
    this.#db.prepare('DELETE FROM begun WHERE camera = ? AND stream = ? AND seq = ?').run(camera, stream, seq);
    this.raiseSeq(camera, stream, seq);
  }

  forgetBegun(): void {
    this.#db.prepare('DELETE FROM begun').run();
  }

  insert(s: NewSegment, state: 'complete' | 'cut'): void {
    this.#db.prepare(`
      INSERT INTO segments (period_id, camera, stream, seq, boot, mono_ms, start_ms, duration_ms, path, size_bytes, header_bytes, header_sha256, body_sha256, key_frames, reason, state, cut_chunks, thumb_offset, thumb_size)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(s.periodId, s.camera, s.stream, s.seq, s.boot, s.monoMs, s.startMs, s.durationMs, s.path, s.sizeBytes, s.headerBytes,
      Buffer.from(s.headerSha256, 'hex'), Buffer.from(s.bodySha256, 'hex'), packKeyFrames(s.keyFrames), s.reason, state, s.cutChunks ?? null, s.thumb?.[0] ?? null, s.thumb?.[1] ?? null);
  }

  find(camera: string, stream: StreamName, seq: number): SegmentRow | undefined {
    return this.#segments('WHERE s.camera = ? AND s.stream = ? AND s.seq = ?', camera, stream, seq)[0];
  }

  rowIdOf(camera: string, stream: StreamName, seq: number): number | undefined {
    return this.#db.prepare<[string, string, number], { id: number }>("SELECT id FROM segments WHERE camera = ? AND stream = ? AND seq = ? AND state <> 'garbage'").get(camera, stream, seq)?.id;
  }

  byRowId(rowId: number): SegmentRow | undefined {
    return this.#segments("WHERE s.id = ? AND s.state <> 'garbage'", rowId)[0];
  }

  /** Of live periods, overlapping [fromMs, toMs), in the order of recording; the limit cuts by time. */
  within(q: TimeQuery): SegmentRow[] {
    return inRecordedOrder(this.#segments(
      `WHERE p.state = 'live' AND p.start_ms < @toMs + ${segmentMsMax} AND p.end_ms > @fromMs - ${segmentMsMax} AND s.start_ms < @toMs AND s.start_ms + s.duration_ms > @fromMs
         AND (@camera IS NULL OR p.camera = @camera) AND (@stream IS NULL OR s.stream = @stream) ORDER BY s.start_ms, s.camera, s.stream, s.seq LIMIT @limit`,
      boundTo(q),
    ));
  }

  /** All rows in id order, for `verify`: at most `limit` after row `afterRowId`. */
  after(afterRowId: number, limit: number): { rowId: number; row: SegmentRow }[] {
    return this.#rawSegments('WHERE s.id > ? ORDER BY s.id LIMIT ?', afterRowId, limit).map((raw) => ({ rowId: raw.rowId, row: rowOf(raw) }));
  }

  ofPeriod(periodId: number): SegmentRow[] {
    return this.#segments('WHERE s.period_id = ? ORDER BY s.id', periodId);
  }

  nextSeqs(): { camera: string; stream: StreamName; nextSeq: number }[] {
    return this.#db.prepare<[], { camera: string; stream: StreamName; nextSeq: number }>('SELECT camera, stream, next_seq AS nextSeq FROM stream_seqs').all();
  }

  /** Makes sure that `seq` is never given out again. */
  raiseSeq(camera: string, stream: StreamName, seq: number): void {
    this.#db.prepare(`
      INSERT INTO stream_seqs (camera, stream, next_seq) VALUES (?, ?, ?)
      ON CONFLICT (camera, stream) DO UPDATE SET next_seq = max(next_seq, excluded.next_seq)`).run(camera, stream, seq + 1);
  }

  /** Whose second headers a period has, whoever's rows these are now. */
  heldBy(periodId: number): { rowId: number; row: SegmentRow }[] {
    return this.#rawSegments('WHERE s.id IN (SELECT segment_id FROM holds WHERE period_id = ?) ORDER BY s.id', periodId).map((raw) => ({ rowId: raw.rowId, row: rowOf(raw) }));
  }

  /** The files that rows claim in a folder `<camera>/<date>/<hour>`. */
  rowsIn(folder: string): ClaimedPath[] {
    // '0' follows '/' in ASCII: everything that begins with "<folder>/".
    return this.#db.prepare<[string, string], ClaimedPath>(
      'SELECT path, state, size_bytes AS sizeBytes, EXISTS (SELECT 1 FROM archived WHERE segment_id = segments.id) AS archived FROM segments WHERE path >= ? AND path < ?',
    ).all(`${folder}/`, `${folder}0`);
  }

  hasPath(path: string): boolean {
    return this.#db.prepare<[string], unknown>('SELECT 1 FROM segments WHERE path = ?').get(path) !== undefined;
  }

  /** What is archived is not missed here. */
  markMissing(path: string): void {
    this.#db.prepare("UPDATE segments SET state = 'missing' WHERE path = ? AND state IN ('complete', 'cut') AND id NOT IN (SELECT segment_id FROM archived)").run(path);
  }

  markFound(path: string): void {
    this.#db.prepare("UPDATE segments SET state = CASE WHEN cut_chunks IS NULL THEN 'complete' ELSE 'cut' END WHERE path = ? AND state = 'missing'").run(path);
  }

  /** Known rot and known losses by camera, the first of each named. */
  knownDamage(): { camera: string; damaged: number; missing: number; firstPath: string; firstMs: UnixMs }[] {
    return this.#db.prepare<[], { camera: string; damaged: number; missing: number; firstPath: string; firstMs: number }>(`
      SELECT s.camera, sum(s.damaged_ms IS NOT NULL AND s.state <> 'missing') AS damaged, sum(s.state = 'missing') AS missing, min(s.path) AS firstPath, min(s.start_ms) AS firstMs
      FROM segments AS s JOIN periods AS p ON p.id = s.period_id
      WHERE p.state = 'live' AND (s.damaged_ms IS NOT NULL OR s.state = 'missing') GROUP BY s.camera ORDER BY s.camera`).all();
  }

  garbageRowsOf(periodId: number): SegmentRow[] {
    return this.#segments("WHERE s.period_id = ? AND s.state = 'garbage' ORDER BY s.stream, s.seq", periodId);
  }

  garbageOf(periodId: number, afterRowId: number, limit: number): { rowId: number; path: string }[] {
    return this.#db.prepare<[number, number, number], { rowId: number; path: string }>(
      'SELECT id AS rowId, path FROM segments WHERE period_id = ? AND id > ? ORDER BY id LIMIT ?',
    ).all(periodId, afterRowId, limit);
  }

  /** Answers how many went. */
  deleteGarbage(periodId: number, limit: number): number {
    return this.#db.prepare("DELETE FROM segments WHERE id IN (SELECT id FROM segments WHERE period_id = ? AND state = 'garbage' LIMIT ?)").run(periodId, limit).changes;
  }

  #segments(where: string, ...values: readonly (string | number | Bound)[]): SegmentRow[] {
    return this.#rawSegments(where, ...values).map(rowOf);
  }

  #rawSegments(where: string, ...values: readonly (string | number | Bound)[]): RawSegment[] {
    return this.#db.prepare<(string | number | Bound)[], RawSegment>(`SELECT ${segmentColumns} FROM segments AS s JOIN periods AS p ON p.id = s.period_id ${where}`).all(...values);
  }
}

/** Values by name, for statements that use one more than once. */
export type Bound = Readonly<Record<string, string | number | null>>;

export function boundTo(q: TimeQuery): Bound {
  return { toMs: q.toMs, fromMs: q.fromMs, camera: q.camera ?? null, stream: q.stream ?? null, limit: q.limit };
}

export function segmentId(s: { camera: string; stream: StreamName; seq: number }): string {
  return `${s.camera}/${s.stream}/${s.seq}`;
}

function rowOf(row: RawSegment): SegmentRow {
  const { rowId: _, thumbOffset, thumbSize, archivedAt, ...raw } = row;
  return {
    ...raw, id: segmentId(raw), keyFrames: unpackKeyFrames(raw.keyFrames), cutChunks: raw.cutChunks ?? undefined, damagedMs: raw.damagedMs ?? undefined,
    ...(thumbOffset === null || thumbSize === null ? {} : { thumb: [thumbOffset, thumbSize] as const }),
    ...(archivedAt === null ? {} : { archivedAt }),
  };
}

