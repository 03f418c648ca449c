/**
 * The catalogue's SQL: periods, segments and gaps. Runs where the connection lives (the database's thread, or `verify`); each writing
 * call runs inside the transaction of its caller. Nothing here knows files or keys.
 */
import { createHash } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import { gapMsMin } from '../policy/gaps.ts';
import { inRecordedOrder } from '../policy/order.ts';
import type { ThumbnailPlace } from '../seal/thumbnail.ts';
import type { Connection } from './connection.ts';
import { periodFolder, type StreamName } from './footagepaths.ts';
import { packKeyFrames, unpackKeyFrames, type KeyFrames } from './keyframes.ts';
import { HoldTable } from './holdtable.ts';
import type { GapRecord, HourList, SegmentRecord } from './hourlist.ts';

/**
 * Footage; a daily copy of the working database (copies.ts), whose camera is called `hub`; `hold`: the key of second headers that keep
 * segments of a camera's period beyond its deadline; `rest`: of those that keep until it what was not erased with the rest of its period.
 */
export type PeriodClass = 'footage' | 'database' | 'hold' | 'rest';

/** Whose segments are opened by their second headers. */
export function isHoldClass(klass: PeriodClass): klass is 'hold' | 'rest' {
  return klass === 'hold' || klass === 'rest';
}

/** A camera's hour (or what the setting says), with the slot that holds its key. */
export interface Period {
  readonly id: number;
  readonly camera: string;
  readonly class: PeriodClass;
  readonly startMs: UnixMs;
  readonly endMs: UnixMs;
  readonly deadlineMs: UnixMs;
  readonly slot: number;
  readonly generation: number;
  /** "age1…"; empty where a restored database could not know it: nothing more is sealed to that period. */
  readonly recipient: string;
}

export interface PeriodFacts extends Period {
  /** `shredded`: its slot is destroyed, files and rows are on their way out. */
  readonly state: 'live' | 'shredded';
  readonly listed: boolean;
  readonly slotSha256: string;
  readonly segments: number;
  readonly bytes: number;
}

/** What of the disk a live period takes. */
export interface PeriodBytes {
  readonly id: number;
  readonly camera: string;
  readonly class: Exclude<PeriodClass, 'database'>;
  readonly bytes: number;
  /** Something in it is kept beyond its deadline at somebody's wish. */
  readonly held: boolean;
  /** The row of its newest segment, 0 without one: rises with the order of sealing, whatever the clock did. */
  readonly order: number;
  /** From its first picture to its last. */
  readonly recordedMs: number;
}

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
}

export type NewSegment = Omit<SegmentRow, 'id' | 'slot' | 'generation' | 'periodClass' | 'state' | 'damagedMs'>;

export interface GapRow {
  readonly camera: string;
  readonly stream: StreamName;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly reason: string;
  readonly detail: string;
}

export interface Begun {
  readonly camera: string;
  readonly stream: StreamName;
  readonly seq: number;
  readonly periodId: number;
  readonly boot: string;
  readonly monoMs: number;
  readonly startMs: UnixMs;
}

/** A time of which nothing is told. */
export interface Hole {
  readonly camera: string;
  readonly stream: StreamName;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
}

export interface HoleQuery {
  /** Shorter ones are none. */
  readonly msMin: number;
  readonly sinceMs?: UnixMs;
  readonly camera?: string;
  readonly stream?: StreamName;
}

export interface TimeQuery {
  readonly camera?: string | undefined;
  readonly stream?: StreamName | undefined;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly limit: number;
}

const periodColumns = `id, camera, class, start_ms AS startMs, end_ms AS endMs, deadline_ms AS deadlineMs, slot, generation, recipient,
  state, listed, lower(hex(slot_sha256)) AS slotSha256, segments, bytes`;

const segmentColumns = `s.id AS rowId, s.period_id AS periodId, p.slot, p.generation, p.class AS periodClass, s.camera, s.stream, s.seq, s.boot, s.mono_ms AS monoMs, s.start_ms AS startMs,
  s.duration_ms AS durationMs, s.path, s.size_bytes AS sizeBytes, s.header_bytes AS headerBytes, lower(hex(s.header_sha256)) AS headerSha256,
  lower(hex(s.body_sha256)) AS bodySha256, s.key_frames AS keyFrames, s.reason, s.state, s.cut_chunks AS cutChunks, s.damaged_ms AS damagedMs,
  s.thumb_offset AS thumbOffset, s.thumb_size AS thumbSize`;

/** A segment may reach over its period's end by the time to the next key frame; longer than this it never is. */
const segmentMsMax = 3_600_000;

type RawPeriod = Omit<PeriodFacts, 'listed'> & { readonly listed: number };
type RawSegment = Omit<SegmentRow, 'id' | 'keyFrames' | 'cutChunks' | 'damagedMs' | 'thumb'> & {
  readonly rowId: number; readonly keyFrames: Buffer; readonly cutChunks: number | null; readonly damagedMs: number | null;
  readonly thumbOffset: number | null; readonly thumbSize: number | null;
};

export class Catalogue {
  readonly #db: Connection;
  readonly #holds: HoldTable;

  constructor(db: Connection) {
    this.#db = db;
    this.#holds = new HoldTable(db);
  }

  // periods

  /** The newest of them: an earlier one's slot was lost. */
  findPeriod(p: { camera: string; class: string; startMs: UnixMs; deadlineMs: UnixMs; sealedTo?: string }): { period: Period; slotSha256: string } | undefined {
    const row = this.#db.prepare<[string, string, number, number, Buffer | null], RawPeriod>(
      `SELECT ${periodColumns} FROM periods WHERE camera = ? AND class = ? AND start_ms = ? AND deadline_ms = ? AND state = 'live' AND recipient <> ''
         AND sealed_to IS coalesce(?, sealed_to) ORDER BY id DESC LIMIT 1`,
    ).get(p.camera, p.class, p.startMs, p.deadlineMs, hashOrNull(p.sealedTo));
    return row === undefined ? undefined : { period: bare(row), slotSha256: row.slotSha256 };
  }

  period(id: number): PeriodFacts | undefined {
    const row = this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE id = ?`).get(id);
    return row === undefined ? undefined : factsOf(row);
  }

  periodOfSlot(slot: number): PeriodFacts | undefined {
    const row = this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE slot = ?`).get(slot);
    return row === undefined ? undefined : factsOf(row);
  }

  /** Live periods of a camera, those of holds too, that touch the time asked for, the earliest first. */
  periodsIn(q: { camera: string; fromMs: UnixMs; toMs: UnixMs; limit: number }): PeriodFacts[] {
    return this.#db.prepare<[Bound], RawPeriod>(`
      SELECT ${periodColumns} FROM periods
      WHERE camera = @camera AND class <> 'database' AND state = 'live' AND start_ms < @toMs AND end_ms > @fromMs ORDER BY start_ms, id LIMIT @limit`,
    ).all({ ...q }).map(factsOf);
  }

  /** The lowest slot that no row names and that is none of `except`, and the generation that its next use has. */
  freeSlot(except: readonly number[]): { slot: number; generation: number } {
    const slot = this.#db.prepare<[{ except: string }], { slot: number }>(`
      WITH used (slot) AS (SELECT slot FROM periods UNION SELECT value FROM json_each(@except) UNION SELECT -1)
      SELECT min(slot) + 1 AS slot FROM used WHERE NOT EXISTS (SELECT 1 FROM used AS other WHERE other.slot = used.slot + 1)`,
    ).get({ except: JSON.stringify(except) })?.slot ?? 0;
    const last = this.#db.prepare<[number], { generation: number }>('SELECT generation FROM slot_generations WHERE slot = ?').get(slot);
    return { slot, generation: (last?.generation ?? 0) + 1 };
  }

  addPeriod(p: Omit<Period, 'id'> & { slotSha256: string; sealedTo?: string }): Period {
    const { lastInsertRowid } = this.#db.prepare(`
      INSERT INTO periods (camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, sealed_to, state)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'live')`,
    ).run(p.camera, p.class, p.startMs, p.endMs, p.deadlineMs, p.slot, p.generation, p.recipient, Buffer.from(p.slotSha256, 'hex'), hashOrNull(p.sealedTo));
    this.#db.prepare('INSERT INTO slot_generations (slot, generation) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET generation = excluded.generation').run(p.slot, p.generation);
    const { slotSha256: _, sealedTo: _to, ...period } = p;
    return { id: Number(lastInsertRowid), ...period };
  }

  /** What a purge at `nowMs` has to take: live periods past their deadline, and those that an earlier purge did not finish. */
  duePeriods(nowMs: UnixMs): Period[] {
    return this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE deadline_ms <= ? OR state = 'shredded' ORDER BY deadline_ms, id`).all(nowMs).map(bare);
  }

  nextDeadlineMs(): UnixMs | undefined {
    return this.#db.prepare<[], { next: number | null }>('SELECT min(deadline_ms) AS next FROM periods').get()?.next ?? undefined;
  }

  /** All whose segments and lists lie below footage/, oldest first. */
  livePeriods(): PeriodFacts[] {
    return this.#db.prepare<[], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE state = 'live' AND class <> 'database' ORDER BY start_ms, id`).all().map(factsOf);
  }

  /** Copies of the database, oldest first. */
  copies(): PeriodFacts[] {
    return this.#db.prepare<[], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE state = 'live' AND class = 'database' ORDER BY start_ms, id`).all().map(factsOf);
  }

  /** What the live periods take, in the order in which they were sealed. */
  periodBytes(): PeriodBytes[] {
    return this.#db.prepare<[], Omit<PeriodBytes, 'held'> & { held: number }>(`
      SELECT id, camera, class, bytes, coalesce((SELECT max(id) FROM segments WHERE period_id = periods.id), 0) AS "order", coalesce(last_end_ms - first_ms, 0) AS recordedMs,
        class = 'hold' OR id IN (SELECT s.period_id FROM holds AS h JOIN segments AS s ON s.id = h.segment_id JOIN periods AS p ON p.id = h.period_id WHERE p.class = 'hold' AND p.state = 'live') AS held
      FROM periods WHERE state = 'live' AND class <> 'database' ORDER BY "order", id`).all().map((row) => ({ ...row, held: row.held === 1 }));
  }

  /** Deadlines only come closer. What an erasing left of a period is footage like any other; a hold has a deadline of its own. */
  shortenDeadlines(camera: string, klass: string, keepMs: number): number {
    return this.#db.prepare("UPDATE periods SET deadline_ms = end_ms + @keepMs WHERE camera = @camera AND (class = @klass OR (@klass = 'footage' AND class = 'rest')) AND state = 'live' AND deadline_ms > end_ms + @keepMs")
      .run({ keepMs, camera, klass }).changes;
  }

  /** Live periods of footage that ended and have no hour list yet, oldest first. */
  unlistedPeriods(nowMs: UnixMs): Period[] {
    return this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE state = 'live' AND class <> 'database' AND recipient <> '' AND listed = 0 AND end_ms <= ? ORDER BY end_ms, id`).all(nowMs).map(bare);
  }

  hourList(periodId: number): HourList | undefined {
    const period = this.period(periodId);
    if (period === undefined || period.class === 'database') return undefined;
    const order = this.#holds.orderOf(periodId);
    return {
      v: 1, camera: period.camera, class: period.class, start_ms: period.startMs, end_ms: period.endMs, deadline_ms: period.deadlineMs,
      slot: period.slot, generation: period.generation, segments: this.#recordsOf(periodId), gaps: this.#gapsOf(periodId),
      ...(order === undefined ? {} : { order: order.order, maker: order.maker, label: order.label }),
    };
  }

  /** What the period's list tells: its own segments; of a hold's period what it holds, whoever's row that is now. */
  #recordsOf(periodId: number): SegmentRecord[] {
    if (this.#holds.orderOf(periodId) === undefined) return this.#segmentsOf(periodId).map(recordOf);
    const hashes = new Map(this.#db.prepare<[number], { segmentId: number; sha256: string }>('SELECT segment_id AS segmentId, lower(hex(sha256)) AS sha256 FROM holds WHERE period_id = ?').all(periodId).map(({ segmentId, sha256 }) => [segmentId, sha256]));
    return this.#rawSegments('WHERE s.id IN (SELECT segment_id FROM holds WHERE period_id = ?) ORDER BY s.id', periodId).map((raw) => ({ ...recordOf(rowOf(raw)), hold_sha256: hashes.get(raw.rowId) ?? '' }));
  }

  /** `listSha256`, hex: of the list's file, where there is one. */
  markListed(periodId: number, listSha256: string | undefined): void {
    this.#db.prepare('UPDATE periods SET listed = 1, rows_root = ?, list_sha256 = ? WHERE id = ?')
      .run(this.rowsRoot(periodId), listSha256 === undefined ? null : Buffer.from(listSha256, 'hex'), periodId);
  }

  /** The list on the disk knows more than the rows, and stays whatever happens to them. */
  keepList(periodId: number, listSha256: string): void {
    this.markListed(periodId, listSha256);
    this.#db.prepare('UPDATE periods SET list_kept = 1 WHERE id = ?').run(periodId);
  }

  /** Its list is gone or rotten, so that it is written anew. */
  markUnlisted(periodId: number): void {
    this.#db.prepare('UPDATE periods SET listed = 0, list_kept = 0, rows_root = NULL, list_sha256 = NULL WHERE id = ?').run(periodId);
  }

  /** What its list tells, where it has one, is not all any more: it is written anew, unless it is a kept one. */
  #outdateList(periodId: number): void {
    const listed = this.#db.prepare<[number], { kept: number }>('SELECT list_kept AS kept FROM periods WHERE id = ? AND listed = 1').get(periodId);
    if (listed?.kept === 1) this.#db.prepare('UPDATE periods SET rows_root = ? WHERE id = ?').run(this.rowsRoot(periodId), periodId);
    else if (listed !== undefined) this.markUnlisted(periodId);
  }

  /** Live periods whose hour list's hash is known: at most `limit` after `afterId`. */
  listsAfter(afterId: number, limit: number): { id: number; camera: string; startMs: UnixMs; slot: number; sha256: string }[] {
    return this.#db.prepare<[number, number], { id: number; camera: string; startMs: number; slot: number; sha256: string }>(`
      SELECT id, camera, start_ms AS startMs, slot, lower(hex(list_sha256)) AS sha256 FROM periods
      WHERE id > ? AND state = 'live' AND class <> 'database' AND listed = 1 AND list_sha256 IS NOT NULL ORDER BY id LIMIT ?`).all(afterId, limit);
  }

  // copies of the database

  /** The copy is whole, and that large. */
  markCopied(periodId: number, bytes: number): void {
    this.#db.prepare("UPDATE periods SET listed = 1, bytes = ? WHERE id = ? AND class = 'database'").run(bytes, periodId);
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
    const periods = this.#db.prepare<[], { id: number; root: Buffer | null }>("SELECT id, rows_root AS root FROM periods WHERE state = 'live' AND class <> 'database' ORDER BY id").all();
    for (const { id, root } of periods) {
      if (root !== null) hash.update(root);
      else for (const record of this.#recordsOf(id)) hash.update(recordHash(record));
    }
    return hash.digest();
  }

  // segments

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

  /** Undefined when the period is not live any more: the file is garbage then. A late segment makes a listed period unlisted again. */
  addSegment(s: NewSegment): SegmentRow | undefined {
    const period = this.period(s.periodId);
    this.#db.prepare('DELETE FROM begun WHERE camera = ? AND stream = ? AND seq = ?').run(s.camera, s.stream, s.seq);
    this.raiseSeq(s.camera, s.stream, s.seq);
    if (period?.state !== 'live') return undefined;
    const state = s.cutChunks === undefined ? 'complete' : 'cut';
    this.#db.prepare(`
      INSERT INTO segments (period_id, camera, stream, seq, boot, mono_ms, start_ms, duration_ms, path, size_bytes, header_bytes, header_sha256, body_sha256, key_frames, reason, state, cut_chunks, thumb_offset, thumb_size)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(s.periodId, s.camera, s.stream, s.seq, s.boot, s.monoMs, s.startMs, s.durationMs, s.path, s.sizeBytes, s.headerBytes,
      Buffer.from(s.headerSha256, 'hex'), Buffer.from(s.bodySha256, 'hex'), packKeyFrames(s.keyFrames), s.reason, state, s.cutChunks ?? null, s.thumb?.[0] ?? null, s.thumb?.[1] ?? null);
    this.#db.prepare(`
      UPDATE periods SET segments = segments + 1, bytes = bytes + @bytes,
        first_ms = min(coalesce(first_ms, @startMs), @startMs), last_end_ms = max(coalesce(last_end_ms, @endMs), @endMs) WHERE id = @id`,
    ).run({ id: s.periodId, bytes: s.sizeBytes, startMs: s.startMs, endMs: s.startMs + s.durationMs });
    if (period.listed) this.#outdateList(s.periodId);
    return { ...s, id: segmentId(s), slot: period.slot, generation: period.generation, periodClass: period.class, state, damagedMs: undefined };
  }

  segment(camera: string, stream: StreamName, seq: number): SegmentRow | undefined {
    return this.#segments('WHERE s.camera = ? AND s.stream = ? AND s.seq = ?', camera, stream, seq)[0];
  }

  /** Of live periods, overlapping [fromMs, toMs), in the order of recording; the limit cuts by time. */
  segments(q: TimeQuery): SegmentRow[] {
    return inRecordedOrder(this.#segments(
      `WHERE p.state = 'live' AND p.start_ms < @toMs AND p.end_ms > @fromMs - ${segmentMsMax} AND s.start_ms < @toMs AND s.start_ms + s.duration_ms > @fromMs
         AND (@camera IS NULL OR p.camera = @camera) AND (@stream IS NULL OR s.stream = @stream) ORDER BY s.start_ms, s.camera, s.stream, s.seq LIMIT @limit`,
      boundTo(q),
    ));
  }

  /** All rows in id order, for `verify`: at most `limit` after row `afterRowId`. */
  segmentsAfter(afterRowId: number, limit: number): { rowId: number; row: SegmentRow }[] {
    return this.#rawSegments('WHERE s.id > ? ORDER BY s.id LIMIT ?', afterRowId, limit).map((raw) => ({ rowId: raw.rowId, row: rowOf(raw) }));
  }

  countSegments(): { segments: number; bytes: number } {
    return this.#db.prepare<[], { segments: number; bytes: number }>('SELECT coalesce(sum(segments), 0) AS segments, coalesce(sum(bytes), 0) AS bytes FROM periods').get() ?? { segments: 0, bytes: 0 };
  }

  footageFacts(): { camera: string; segments: number; bytes: number; oldestMs: UnixMs; newestEndMs: UnixMs }[] {
    return this.#db.prepare<[], { camera: string; segments: number; bytes: number; oldestMs: number; newestEndMs: number }>(`
      SELECT camera, sum(segments) AS segments, sum(bytes) AS bytes, min(first_ms) AS oldestMs, max(last_end_ms) AS newestEndMs
      FROM periods WHERE state = 'live' AND segments > 0 GROUP BY camera ORDER BY camera`).all();
  }

  /** Where the stream's last segment or gap ends: what comes after it is not accounted for. */
  accountedMs(camera: string, stream: StreamName): UnixMs | undefined {
    const row = this.#db.prepare<[Bound], { ms: number | null }>(`
      SELECT max(ms) AS ms FROM (
        SELECT * FROM (SELECT start_ms + duration_ms AS ms FROM segments WHERE camera = @camera AND stream = @stream ORDER BY seq DESC LIMIT 1)
        UNION ALL SELECT max(to_ms) FROM gaps WHERE camera = @camera AND stream = @stream)`).get({ camera, stream });
    return row?.ms ?? undefined;
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

  /** The files that rows claim in a folder `<camera>/<date>/<hour>`. */
  rowsIn(folder: string): { path: string; state: SegmentRow['state']; sizeBytes: number }[] {
    // '0' follows '/' in ASCII: everything that begins with "<folder>/".
    return this.#db.prepare<[string, string], { path: string; state: SegmentRow['state']; sizeBytes: number }>(
      'SELECT path, state, size_bytes AS sizeBytes FROM segments WHERE path >= ? AND path < ?',
    ).all(`${folder}/`, `${folder}0`);
  }

  hasPath(path: string): boolean {
    return this.#db.prepare<[string], unknown>('SELECT 1 FROM segments WHERE path = ?').get(path) !== undefined;
  }

  /** The folders that periods with segments have. */
  foldersWithRows(): string[] {
    const starts = this.#db.prepare<[], { camera: string; startMs: number }>('SELECT camera, start_ms AS startMs FROM periods WHERE segments > 0').all();
    return [...new Set(starts.map(({ camera, startMs }) => periodFolder(camera, startMs)))];
  }

  markMissing(path: string): void {
    this.#db.prepare("UPDATE segments SET state = 'missing' WHERE path = ? AND state IN ('complete', 'cut')").run(path);
  }

  markFound(path: string): void {
    this.#db.prepare("UPDATE segments SET state = CASE WHEN cut_chunks IS NULL THEN 'complete' ELSE 'cut' END WHERE path = ? AND state = 'missing'").run(path);
  }

  /** Rot is a fact that the hour list tells, too: where it changes, the list is written anew. */
  markDamaged(rowId: number, damagedMs: UnixMs | null): void {
    const period = this.#db.prepare<[number | null, number, number | null], { id: number }>(
      'UPDATE segments SET damaged_ms = ? WHERE id = ? AND (damaged_ms IS NULL) <> (? IS NULL) RETURNING period_id AS id',
    ).get(damagedMs, rowId, damagedMs);
    if (period === undefined) return;
    const holding = this.#db.prepare<[number], { id: number }>('SELECT period_id AS id FROM holds WHERE segment_id = ?').all(rowId);
    for (const id of new Set([period.id, ...holding.map((hold) => hold.id)])) this.#outdateList(id);
  }

  markDamagedPath(path: string, damagedMs: UnixMs): void {
    const row = this.#db.prepare<[string], { id: number }>('SELECT id FROM segments WHERE path = ?').get(path);
    if (row !== undefined) this.markDamaged(row.id, damagedMs);
  }

  /** Known rot and known losses by camera, the first of each named. */
  knownDamage(): { camera: string; damaged: number; missing: number; firstPath: string; firstMs: UnixMs }[] {
    return this.#db.prepare<[], { camera: string; damaged: number; missing: number; firstPath: string; firstMs: number }>(`
      SELECT s.camera, sum(s.damaged_ms IS NOT NULL AND s.state <> 'missing') AS damaged, sum(s.state = 'missing') AS missing, min(s.path) AS firstPath, min(s.start_ms) AS firstMs
      FROM segments AS s JOIN periods AS p ON p.id = s.period_id
      WHERE p.state = 'live' AND (s.damaged_ms IS NOT NULL OR s.state = 'missing') GROUP BY s.camera ORDER BY s.camera`).all();
  }

  rowById(rowId: number): SegmentRow | undefined {
    return this.#segments("WHERE s.id = ? AND s.state <> 'garbage'", rowId)[0];
  }

  /** Live periods whose list is written: at most `limit` after `afterId`. */
  listedPeriods(afterId: number, limit: number): number[] {
    return this.#db.prepare<[number, number], { id: number }>(
      "SELECT id FROM periods WHERE id > ? AND state = 'live' AND class <> 'database' AND listed = 1 ORDER BY id LIMIT ?",
    ).all(afterId, limit).map(({ id }) => id);
  }

  /** A second header is there: the list of its period is not all any more. */
  addHold(periodId: number, segmentId: number, sha256: string): void {
    this.#holds.add(periodId, segmentId, sha256);
    this.#outdateList(periodId);
  }

  /** Rows alone, so that their files are taken for what they are when they are found again; answers how many. */
  forgetRows(paths: readonly string[]): number {
    const row = this.#db.prepare<[string], { id: number; periodId: number }>('SELECT id, period_id AS periodId FROM segments WHERE path = ?');
    const rows = paths.flatMap((path) => row.get(path) ?? []);
    const statements = [this.#db.prepare('DELETE FROM holds WHERE segment_id = ?'), this.#db.prepare('DELETE FROM segments WHERE id = ?')];
    for (const { id } of rows) for (const statement of statements) statement.run(id);
    for (const id of new Set(rows.map(({ periodId }) => periodId))) this.#recount(id);
    return rows.length;
  }

  // gaps

  /** The gap belongs to the live period in which it begins, if there is one; a listed period is listed anew. The same gap is noted once. */
  addGap(g: GapRow): void {
    const known = this.#db.prepare<(string | number)[], unknown>('SELECT 1 FROM gaps WHERE from_ms = ? AND to_ms = ? AND camera = ? AND stream = ? AND reason = ?');
    if (known.get(g.fromMs, g.toMs, g.camera, g.stream, g.reason) !== undefined) return;
    const period = this.#db.prepare<[Bound], { id: number }>(
      "SELECT id FROM periods WHERE camera = @camera AND class IN ('footage', 'rest') AND @fromMs >= start_ms AND @fromMs < end_ms AND state = 'live' ORDER BY deadline_ms DESC, class LIMIT 1",
    ).get({ camera: g.camera, fromMs: g.fromMs });
    this.#db.prepare('INSERT INTO gaps (period_id, camera, stream, from_ms, to_ms, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(period?.id ?? null, g.camera, g.stream, g.fromMs, g.toMs, g.reason, g.detail);
    if (period !== undefined) this.#outdateList(period.id);
  }

  gaps(q: TimeQuery): GapRow[] {
    return this.#db.prepare<[Bound], GapRow>(`
      SELECT camera, stream, from_ms AS fromMs, to_ms AS toMs, reason, detail FROM gaps
      WHERE from_ms < @toMs AND to_ms > @fromMs AND (@camera IS NULL OR camera = @camera) AND (@stream IS NULL OR stream = @stream) ORDER BY from_ms, id LIMIT @limit`,
    ).all(boundTo(q));
  }

  /** Where neither a segment nor a gap says anything, from a stream's first segment to its last; what a hold alone keeps of a purged period stands for itself. */
  holes({ msMin, sinceMs, camera, stream }: HoleQuery): Hole[] {
    const told = this.#db.prepare<[Bound], Hole>(`
      SELECT * FROM (
        SELECT s.camera, s.stream, s.start_ms AS fromMs, s.start_ms + s.duration_ms AS toMs FROM periods AS p CROSS JOIN segments AS s ON s.period_id = p.id
        WHERE s.state IN ('complete', 'cut') AND p.class <> 'hold' AND p.end_ms > @sinceMs - ${segmentMsMax} AND (@camera IS NULL OR p.camera = @camera)
        UNION ALL SELECT camera, stream, from_ms, to_ms FROM gaps)
      WHERE toMs >= @sinceMs AND (@camera IS NULL OR camera = @camera) AND (@stream IS NULL OR stream = @stream) ORDER BY 1, 2, 3`,
    ).iterate({ sinceMs: sinceMs ?? 0, camera: camera ?? null, stream: stream ?? null });
    const holes: Hole[] = [];
    let [key, reachedMs] = ['', 0];
    for (const { camera, stream, fromMs, toMs } of told) {
      const same = key === `${camera}/${stream}`;
      if (same && fromMs - reachedMs >= msMin) holes.push({ camera, stream, fromMs: reachedMs, toMs: fromMs });
      key = `${camera}/${stream}`;
      reachedMs = same ? Math.max(reachedMs, toMs) : toMs;
    }
    return holes;
  }

  /** Gaps that belong to no period die with the audit. */
  dropOldGaps(beforeMs: UnixMs): void {
    this.#db.prepare('DELETE FROM gaps WHERE period_id IS NULL AND to_ms < ?').run(beforeMs);
  }

  // purging

  /**
   * Periods to 'shredded', their segments to 'garbage', their gaps gone; of a gap that reaches past its period, the rest stays. Segments that
   * a living hold names stay: their rows move to its period, as if they had been sealed to it. Where another period keeps what is not erased
   * of one of these, its gaps stay with that; `erased`: each segment that goes becomes a gap. Answers what stayed and what went of holds.
   */
  markShredded(periodIds: readonly number[], erased = false): Map<number, { held: number; holds: number }> {
    const shred = this.#db.prepare("UPDATE periods SET state = 'shredded' WHERE id = ?");
    for (const id of periodIds) shred.run(id);
    const counts = new Map(periodIds.map((id) => [id, { held: this.#moveHeld(id), holds: this.#countHolds(id) }]));
    for (const id of periodIds) this.#keepGaps(id);
    const goes = this.#db.prepare("UPDATE segments SET state = 'garbage' WHERE period_id = ?");
    const statements = [goes, this.#db.prepare('DELETE FROM gaps WHERE period_id = ?'), this.#db.prepare('DELETE FROM begun WHERE period_id = ?')];
    for (const id of periodIds) for (const statement of statements) statement.run(id);
    if (erased) this.#noteErased(periodIds);
    return counts;
  }

  /** First to what is kept as long as the period was, then to what is kept the longest. */
  #moveHeld(periodId: number): number {
    const held = this.#db.prepare<[number], { id: number; target: number | null }>(`
      SELECT s.id, (SELECT h.period_id FROM holds AS h JOIN periods AS p ON p.id = h.period_id WHERE h.segment_id = s.id AND p.state = 'live'
        ORDER BY p.class = 'rest' DESC, p.deadline_ms DESC, p.id LIMIT 1) AS target
      FROM segments AS s WHERE s.period_id = ? AND s.state <> 'garbage' AND EXISTS (SELECT 1 FROM holds WHERE segment_id = s.id)`).all(periodId);
    const move = this.#db.prepare('UPDATE segments SET period_id = ? WHERE id = ?');
    const targets = new Set<number>();
    let moved = 0;
    for (const { id, target } of held) {
      if (target === null) continue;
      move.run(target, id);
      targets.add(target);
      moved++;
    }
    if (moved > 0) for (const id of [periodId, ...targets]) this.#recount(id);
    return moved;
  }

  #recount(periodId: number): void {
    this.#db.prepare(`
      UPDATE periods SET (segments, bytes, first_ms, last_end_ms) =
        (SELECT count(*), coalesce(sum(size_bytes), 0), min(start_ms), max(start_ms + duration_ms) FROM segments WHERE period_id = @id) WHERE id = @id`).run({ id: periodId });
  }

  #countHolds(periodId: number): number {
    return this.#db.prepare<[number], { count: number }>('SELECT count(*) AS count FROM holds WHERE period_id = ?').get(periodId)?.count ?? 0;
  }

  #keepGaps(periodId: number): void {
    const heir = this.#db.prepare<[number], { id: number }>(`
      SELECT rest.id FROM periods AS p JOIN periods AS rest ON rest.camera = p.camera AND rest.start_ms = p.start_ms AND rest.deadline_ms = p.deadline_ms
      WHERE p.id = ? AND p.class IN ('footage', 'rest') AND rest.class = 'rest' AND rest.state = 'live' ORDER BY rest.id DESC LIMIT 1`).get(periodId);
    if (heir !== undefined) {
      if (this.#db.prepare('UPDATE gaps SET period_id = ? WHERE period_id = ?').run(heir.id, periodId).changes > 0) this.#outdateList(heir.id);
      return;
    }
    this.#db.prepare(`
      INSERT INTO gaps (period_id, camera, stream, from_ms, to_ms, reason, detail)
      SELECT NULL, g.camera, g.stream, p.end_ms, g.to_ms, g.reason, g.detail FROM gaps AS g JOIN periods AS p ON p.id = g.period_id WHERE p.id = ? AND g.to_ms > p.end_ms`).run(periodId);
  }

  #noteErased(periodIds: readonly number[]): void {
    const gone = periodIds.flatMap((id) => this.#segments("WHERE s.period_id = ? AND s.state = 'garbage' ORDER BY s.stream, s.seq", id)).sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.seq - b.seq));
    let run: GapRow | undefined;
    for (const { camera, stream, startMs, durationMs } of gone) {
      const toMs = startMs + durationMs;
      if (run !== undefined && run.camera === camera && run.stream === stream && startMs >= run.fromMs && startMs - run.toMs < gapMsMin) {
        run = { ...run, toMs: Math.max(run.toMs, toMs) };
        continue;
      }
      if (run !== undefined) this.addGap(run);
      run = { camera, stream, fromMs: startMs, toMs, reason: 'erased', detail: '' };
    }
    if (run !== undefined) this.addGap(run);
  }

  /** The same key, sealed to others: the slot has another text. */
  changeSlotText(periodId: number, slotSha256: string): void {
    this.#db.prepare('UPDATE periods SET slot_sha256 = ? WHERE id = ?').run(Buffer.from(slotSha256, 'hex'), periodId);
  }

  rememberShredded(slotSha256: readonly string[], atMs: UnixMs): void {
    const statement = this.#db.prepare('INSERT OR IGNORE INTO shredded (sha256, at_ms) VALUES (?, ?)');
    for (const sha256 of slotSha256) statement.run(Buffer.from(sha256, 'hex'), Math.round(atMs));
  }

  wasShredded(slotSha256: string): boolean {
    return this.#db.prepare<[Buffer], unknown>('SELECT 1 FROM shredded WHERE sha256 = ?').get(Buffer.from(slotSha256, 'hex')) !== undefined;
  }

  forgetShredded(beforeMs: UnixMs): void {
    this.#db.prepare('DELETE FROM shredded WHERE at_ms < ?').run(beforeMs);
  }

  garbageOf(periodId: number, afterRowId: number, limit: number): { rowId: number; path: string }[] {
    return this.#db.prepare<[number, number, number], { rowId: number; path: string }>(
      'SELECT id AS rowId, path FROM segments WHERE period_id = ? AND id > ? ORDER BY id LIMIT ?',
    ).all(periodId, afterRowId, limit);
  }

  deleteGarbage(periodIds: readonly number[], limit: number): number {
    let holds = 0;
    for (const id of periodIds) if (holds < limit) holds += this.#holds.deleteGarbage(id, limit - holds);
    if (holds > 0) return holds;
    const statement = this.#db.prepare("DELETE FROM segments WHERE id IN (SELECT id FROM segments WHERE period_id = ? AND state = 'garbage' LIMIT ?)");
    let deleted = 0;
    for (const id of periodIds) {
      if (deleted >= limit) break;
      deleted += statement.run(id, limit - deleted).changes;
    }
    return deleted;
  }

  /** The rows go, and with them the claim on the slots. */
  deletePeriods(periodIds: readonly number[]): void {
    this.#holds.deletePeriods(periodIds);
    const statement = this.#db.prepare("DELETE FROM periods WHERE id = ? AND state = 'shredded'");
    for (const id of periodIds) statement.run(id);
  }

  /** Folders among these that other periods, not of this list, still use. */
  sharedFolders(periods: readonly Pick<Period, 'id' | 'camera' | 'startMs'>[]): string[] {
    const leaving = new Set(periods.map(({ id }) => id));
    const statement = this.#db.prepare<[string], { id: number; startMs: number }>("SELECT id, start_ms AS startMs FROM periods WHERE camera = ? AND class <> 'database'");
    const staying = new Set<string>();
    for (const camera of new Set(periods.map((period) => period.camera))) {
      for (const { id, startMs } of statement.all(camera)) if (!leaving.has(id)) staying.add(periodFolder(camera, startMs));
    }
    return [...staying];
  }

  // helpers

  #segmentsOf(periodId: number): SegmentRow[] {
    return this.#segments('WHERE s.period_id = ? ORDER BY s.id', periodId);
  }

  #gapsOf(periodId: number): GapRecord[] {
    return this.#db.prepare<[number], GapRecord>('SELECT stream, from_ms, to_ms, reason, detail FROM gaps WHERE period_id = ? ORDER BY from_ms, id').all(periodId);
  }

  #segments(where: string, ...values: readonly (string | number | Bound)[]): SegmentRow[] {
    return this.#rawSegments(where, ...values).map(rowOf);
  }

  #rawSegments(where: string, ...values: readonly (string | number | Bound)[]): RawSegment[] {
    return this.#db.prepare<(string | number | Bound)[], RawSegment>(`SELECT ${segmentColumns} FROM segments AS s JOIN periods AS p ON p.id = s.period_id ${where}`).all(...values);
  }
}

/** Values by name, for statements that use one more than once. */
type Bound = Readonly<Record<string, string | number | null>>;

function boundTo(q: TimeQuery): Bound {
  return { toMs: q.toMs, fromMs: q.fromMs, camera: q.camera ?? null, stream: q.stream ?? null, limit: q.limit };
}

export function segmentId(s: { camera: string; stream: StreamName; seq: number }): string {
  return `${s.camera}/${s.stream}/${s.seq}`;
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

function rowOf(row: RawSegment): SegmentRow {
  const { rowId: _, thumbOffset, thumbSize, ...raw } = row;
  return {
    ...raw, id: segmentId(raw), keyFrames: unpackKeyFrames(raw.keyFrames), cutChunks: raw.cutChunks ?? undefined, damagedMs: raw.damagedMs ?? undefined,
    ...(thumbOffset === null || thumbSize === null ? {} : { thumb: [thumbOffset, thumbSize] as const }),
  };
}

function factsOf(raw: RawPeriod): PeriodFacts {
  return { ...raw, listed: raw.listed === 1 };
}

function hashOrNull(hex: string | undefined): Buffer | null {
  return hex === undefined ? null : Buffer.from(hex, 'hex');
}

function bare(raw: RawPeriod): Period {
  const { id, camera, class: klass, startMs, endMs, deadlineMs, slot, generation, recipient } = raw;
  return { id, camera, class: klass, startMs, endMs, deadlineMs, slot, generation, recipient };
}
