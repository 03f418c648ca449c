/**
 * The SQL of holds: which second headers there are, whose wish they are, and what an erasing has to touch. Runs where the connection
 * lives; each writing call runs inside the transaction of its caller. What a hold does to a purge stands in catalogue.ts.
 */
import type { UnixMs } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { holdName, type StreamName } from './footagepaths.ts';
import { segmentMsMax } from './segmenttable.ts';

/** Who made the second headers: the hub, which had the file keys, or a device of the owner's, whose the hub cannot check. */
export type HoldMaker = 'hub' | 'device';

/** One wish to hold; it has a period for each period that it keeps something of. */
export interface HoldOrder {
  readonly order: string;
  readonly maker: HoldMaker;
  readonly label: string;
}

export interface HoldFacts extends HoldOrder {
  readonly camera: string;
  readonly deadlineMs: UnixMs;
  /** Of the earliest period that it keeps something of. */
  readonly startMs: UnixMs;
  readonly endMs: UnixMs;
  readonly periods: readonly number[];
  readonly segments: number;
  /** Of the segments that it keeps. */
  readonly bytes: number;
  readonly fromMs: UnixMs | undefined;
  readonly toMs: UnixMs | undefined;
}

export interface SegmentKey {
  readonly stream: StreamName;
  readonly seq: number;
}

export interface NewHold extends SegmentKey {
  /** Hex. */
  readonly sha256: string;
}

/** A second header as its row knows it. */
export interface HoldRow {
  readonly periodId: number;
  readonly segmentId: number;
  readonly camera: string;
  /** Below `footage/`. */
  readonly path: string;
  readonly sha256: string;
  readonly damaged: boolean;
}

/** A segment with one of the periods whose key opens it. */
export interface SegmentOfPeriod extends SegmentKey {
  readonly periodId: number;
  readonly path: string;
}

/** A segment, and a period that has a second header of it. */
export interface HeldSegment {
  readonly seq: number;
  readonly periodId: number;
  readonly slot: number;
  readonly generation: number;
}

export interface ErasePlan {
  /** Every period whose key opens something of the time. */
  readonly periods: readonly number[];
  readonly erased: { readonly segments: number; readonly bytes: number; readonly fromMs: UnixMs; readonly toMs: UnixMs };
  /** What these periods open besides. */
  readonly staying: readonly SegmentOfPeriod[];
  /** Alarms of the time, whose pictures and rows go; and of the others in these periods, which stay without their pictures, how many and in which periods. */
  readonly alarms: { readonly going: number; readonly staying: number; readonly days: readonly number[] };
}

/** More second headers of one segment than this are refused, but for what an erasing needs. */
export const holdsOfSegmentMax = 16;

const live = "SELECT id FROM periods WHERE state = 'live'";
const rowColumns = 'h.period_id AS periodId, h.segment_id AS segmentId, s.camera, s.path AS segment, p.slot, lower(hex(h.sha256)) AS sha256, h.damaged_ms IS NOT NULL AS damaged';
const rowTables = 'holds AS h JOIN segments AS s ON s.id = h.segment_id JOIN periods AS p ON p.id = h.period_id';

type RawRow = Omit<HoldRow, 'path' | 'damaged'> & { readonly segment: string; readonly slot: number; readonly damaged: number };

export class HoldTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  addPeriod(periodId: number, { order, maker, label }: HoldOrder): void {
    this.#db.prepare('INSERT INTO hold_periods (period_id, order_id, maker, label) VALUES (?, ?, ?, ?)').run(periodId, order, maker, label);
  }

  orderOf(periodId: number): HoldOrder | undefined {
    return this.#db.prepare<[number], HoldOrder>('SELECT order_id AS "order", maker, label FROM hold_periods WHERE period_id = ?').get(periodId);
  }

  /** The live period of a wish that keeps something of the period that begins then, sealed to the people of this hash. */
  periodOf(order: string, startMs: UnixMs, sealedTo: string): number | undefined {
    return this.#db.prepare<[string, number, Buffer], { id: number }>(
      `SELECT p.id FROM periods AS p JOIN hold_periods AS o ON o.period_id = p.id
       WHERE o.order_id = ? AND p.start_ms = ? AND p.state = 'live' AND p.recipient <> '' AND p.sealed_to = ? ORDER BY p.id DESC LIMIT 1`,
    ).get(order, startMs, Buffer.from(sealedTo, 'hex'))?.id;
  }

  /** The hub's own wish for that deadline. */
  hubOrder(camera: string, startMs: UnixMs, deadlineMs: UnixMs): string | undefined {
    return this.#db.prepare<[string, number, number], { order: string }>(
      `SELECT o.order_id AS "order" FROM periods AS p JOIN hold_periods AS o ON o.period_id = p.id
       WHERE p.camera = ? AND p.class = 'hold' AND p.start_ms = ? AND p.deadline_ms = ? AND p.state = 'live' AND o.maker = 'hub' LIMIT 1`,
    ).get(camera, startMs, deadlineMs)?.order;
  }

  /** The segment that the period may keep: its row stands, is of the same camera and period (of alarms: around the same day; of what a day of alarms keeps: in the hour's folder), and has not too many already. */
  holdable(periodId: number, { stream, seq }: SegmentKey): { segmentId: number; path: string } | undefined {
    return this.#db.prepare<[string, number, number, number], { segmentId: number; path: string }>(`
      SELECT s.id AS segmentId, s.path FROM segments AS s JOIN periods AS own ON own.id = s.period_id JOIN periods AS p ON p.camera = s.camera
      WHERE s.stream = ? AND s.seq = ? AND p.id = ? AND p.state = 'live' AND s.state <> 'garbage'
        AND CASE p.class WHEN 'alarm' THEN s.start_ms < p.end_ms + ${segmentMsMax} AND s.start_ms + s.duration_ms > p.start_ms - ${segmentMsMax} WHEN 'hold' THEN (CASE own.class WHEN 'alarm' THEN s.path LIKE p.camera || strftime('/%Y%m%d/%H/%%', p.start_ms / 1000, 'unixepoch') ELSE p.start_ms = own.start_ms END) WHEN 'rest' THEN p.start_ms = own.start_ms ELSE 0 END
        AND (p.class = 'rest' OR (SELECT count(*) FROM holds WHERE segment_id = s.id) < ?)`,
    ).get(stream, seq, periodId, holdsOfSegmentMax);
  }

  add(periodId: number, segmentId: number, sha256: string): void {
    this.#db.prepare('INSERT INTO holds (period_id, segment_id, sha256) VALUES (?, ?, ?)').run(periodId, segmentId, Buffer.from(sha256, 'hex'));
  }

  /** Whether the period has one of that segment already. */
  has(periodId: number, segmentId: number): boolean {
    return this.#db.prepare<[number, number], unknown>('SELECT 1 FROM holds WHERE period_id = ? AND segment_id = ?').get(periodId, segmentId) !== undefined;
  }

  /** Those in a folder `<camera>/<date>/<hour>`, of living periods. */
  pathsIn(folder: string): string[] {
    return this.#rows(`WHERE s.path >= ? AND s.path < ? AND h.period_id IN (${live})`, `${folder}/`, `${folder}0`).map(({ path }) => path);
  }

  isKnown(segment: string, slot: number): boolean {
    return this.#db.prepare<[string, number], unknown>(`SELECT 1 FROM ${rowTables} WHERE s.path = ? AND p.slot = ?`).get(segment, slot) !== undefined;
  }

  /** Second headers of one segment, of living periods. */
  headersOf({ camera, stream, seq }: SegmentKey & { camera: string }): { periodId: number; sha256: string }[] {
    return this.#db.prepare<[string, string, number], { periodId: number; sha256: string }>(`
      SELECT h.period_id AS periodId, lower(hex(h.sha256)) AS sha256 FROM holds AS h JOIN segments AS s ON s.id = h.segment_id
      WHERE s.camera = ? AND s.stream = ? AND s.seq = ? AND h.period_id IN (${live}) ORDER BY h.period_id`).all(camera, stream, seq);
  }

  /** What is held of a time, by living periods. */
  heldIn({ camera, stream, fromMs, toMs }: { camera: string; stream: StreamName; fromMs: UnixMs; toMs: UnixMs }): HeldSegment[] {
    return this.#db.prepare<[string, string, number, number], HeldSegment>(`
      SELECT s.seq, h.period_id AS periodId, p.slot, p.generation FROM holds AS h JOIN periods AS p ON p.id = h.period_id JOIN segments AS s ON s.id = h.segment_id
      WHERE p.camera = ? AND p.state = 'live' AND s.stream = ? AND s.start_ms < ? AND s.start_ms + s.duration_ms > ? ORDER BY s.id, p.class = 'rest' DESC, p.deadline_ms DESC, p.id`,
    ).all(camera, stream, toMs, fromMs);
  }

  /** Of living periods, in the order of rows: at most `limit` behind that one. */
  after(after: { periodId: number; segmentId: number }, limit: number): HoldRow[] {
    return this.#rows(`WHERE (h.period_id, h.segment_id) > (?, ?) AND h.period_id IN (${live}) ORDER BY h.period_id, h.segment_id LIMIT ?`, after.periodId, after.segmentId, limit);
  }

  markDamaged(periodId: number, segmentId: number, damagedMs: UnixMs | null): boolean {
    return this.#db.prepare('UPDATE holds SET damaged_ms = ? WHERE period_id = ? AND segment_id = ? AND (damaged_ms IS NULL) <> (? IS NULL)').run(damagedMs, periodId, segmentId, damagedMs).changes > 0;
  }

  /** Files of second headers that go with a period that was shredded: its own, and those of the segments that go with it. */
  garbageOf(periodId: number): string[] {
    return this.#rows("WHERE h.period_id = ? OR h.segment_id IN (SELECT id FROM segments WHERE period_id = ? AND state = 'garbage')", periodId, periodId).map(({ path }) => path);
  }

  deleteGarbage(periodId: number, limit: number): number {
    return this.#db.prepare(`
      DELETE FROM holds WHERE (period_id, segment_id) IN (
        SELECT h.period_id, h.segment_id FROM holds AS h WHERE h.period_id = ? OR h.segment_id IN (SELECT id FROM segments WHERE period_id = ? AND state = 'garbage') LIMIT ?)`,
    ).run(periodId, periodId, limit).changes;
  }

  deletePeriods(periodIds: readonly number[]): void {
    const statement = this.#db.prepare('DELETE FROM hold_periods WHERE period_id = ?');
    for (const id of periodIds) statement.run(id);
  }

  /** Live wishes to hold, the first to end first. */
  orders(): HoldFacts[] {
    type Raw = HoldOrder & { camera: string; deadlineMs: number; startMs: number; endMs: number; periods: string; segments: number; bytes: number; fromMs: number | null; toMs: number | null };
    return this.#db.prepare<[], Raw>(`
      SELECT o.order_id AS "order", o.maker, o.label, p.camera, max(p.deadline_ms) AS deadlineMs, min(p.start_ms) AS startMs, min(p.end_ms) AS endMs, json_group_array(DISTINCT p.id) AS periods, count(s.id) AS segments,
        coalesce(sum(s.size_bytes), 0) AS bytes, min(s.start_ms) AS fromMs, max(s.start_ms + s.duration_ms) AS toMs
      FROM hold_periods AS o JOIN periods AS p ON p.id = o.period_id LEFT JOIN holds AS h ON h.period_id = p.id LEFT JOIN segments AS s ON s.id = h.segment_id
      WHERE p.state = 'live' AND p.class = 'hold' GROUP BY o.order_id, p.camera ORDER BY deadlineMs, fromMs`,
    ).all().map(({ periods, fromMs, toMs, ...raw }) => ({ ...raw, periods: JSON.parse(periods) as number[], fromMs: fromMs ?? undefined, toMs: toMs ?? undefined }));
  }

  /** Periods that an order began and did not come to use: without second headers, or made for an erasing that did not come about. */
  unfinished(): number[] {
    return this.#db.prepare<[], { id: number }>(`
      SELECT p.id FROM periods AS p WHERE p.state = 'live' AND p.class IN ('hold', 'rest')
        AND (NOT EXISTS (SELECT 1 FROM holds WHERE period_id = p.id) OR (p.class = 'rest' AND p.segments = 0)) ORDER BY p.id`).all().map(({ id }) => id);
  }

  /** What shredding every key that opens something of the time, and `more` periods, would touch. Segments go and stay as wholes. */
  erasePlan({ camera, fromMs, toMs }: { camera: string; fromMs: UnixMs; toMs: UnixMs }, more: readonly number[] = []): Omit<ErasePlan, 'alarms'> {
    const erased = this.#db.prepare<[string, number, number], { id: number; periodId: number; bytes: number; startMs: number; endMs: number }>(`
      SELECT s.id, s.period_id AS periodId, s.size_bytes AS bytes, s.start_ms AS startMs, s.start_ms + s.duration_ms AS endMs FROM segments AS s JOIN periods AS p ON p.id = s.period_id
      WHERE s.camera = ? AND p.state = 'live' AND s.state <> 'garbage' AND s.start_ms < ? AND s.start_ms + s.duration_ms > ?`).all(camera, toMs, fromMs);
    const going = new Set(erased.map(({ id }) => id));
    const holding = this.#db.prepare<[number], { periodId: number }>(`SELECT period_id AS periodId FROM holds WHERE segment_id = ? AND period_id IN (${live})`);
    const periods = new Set([...more, ...erased.flatMap(({ id, periodId }) => [periodId, ...holding.all(id).map((hold) => hold.periodId)])]);
    return {
      periods: [...periods],
      erased: {
        segments: erased.length, bytes: erased.reduce((sum, { bytes }) => sum + bytes, 0),
        fromMs: erased.reduce((first, { startMs }) => Math.min(first, startMs), fromMs), toMs: erased.reduce((last, { endMs }) => Math.max(last, endMs), toMs),
      },
      staying: [...periods].flatMap((id) => this.segmentsOf(id).filter(({ segmentId }) => !going.has(segmentId)).map(({ periodId, stream, seq, path }) => ({ periodId, stream, seq, path }))),
    };
  }

  /** Days of alarms that keep something of these periods. */
  alarmDaysOf(periodIds: readonly number[]): number[] {
    return this.#db.prepare<[string], { id: number }>(`
      SELECT DISTINCT h.period_id AS id FROM holds AS h JOIN segments AS s ON s.id = h.segment_id JOIN periods AS p ON p.id = h.period_id
      WHERE p.class = 'alarm' AND p.state = 'live' AND s.period_id IN (SELECT value FROM json_each(?))`).all(JSON.stringify(periodIds)).map(({ id }) => id);
  }

  /** Paths of segments of a hold's period that it has no second header of: they would open for nobody. */
  withoutHeader(): string[] {
    return this.#db.prepare<[], { path: string }>(`
      SELECT s.path FROM segments AS s JOIN periods AS p ON p.id = s.period_id WHERE p.state = 'live' AND p.class IN ('hold', 'rest', 'alarm') AND s.state <> 'garbage'
        AND NOT EXISTS (SELECT 1 FROM holds WHERE period_id = p.id AND segment_id = s.id)`).all().map(({ path }) => path);
  }

  unheldOf(periodId: number): string[] {
    return this.#db.prepare<[number], { path: string }>(
      `SELECT path FROM segments AS s WHERE period_id = ? AND NOT EXISTS (SELECT 1 FROM holds WHERE segment_id = s.id AND period_id IN (${live}))`,
    ).all(periodId).map(({ path }) => path);
  }

  /** What the key of a period opens: its own segments where it is a camera's hour, what it holds where it is a hold's. */
  segmentsOf(periodId: number): (SegmentOfPeriod & { segmentId: number })[] {
    return this.#db.prepare<{ id: number }, SegmentOfPeriod & { segmentId: number }>(`
      SELECT s.id AS segmentId, @id AS periodId, s.stream, s.seq, s.path FROM segments AS s WHERE s.state <> 'garbage' AND s.id IN (
        SELECT id FROM segments WHERE period_id = @id AND (SELECT class FROM periods WHERE id = @id) = 'footage' UNION SELECT segment_id FROM holds WHERE period_id = @id) ORDER BY s.id`,
    ).all({ id: periodId });
  }

  #rows(where: string, ...values: readonly (string | number)[]): HoldRow[] {
    return this.#db.prepare<(string | number)[], RawRow>(`SELECT ${rowColumns} FROM ${rowTables} ${where}`).all(...values)
      .map(({ segment, slot, damaged, ...raw }) => ({ ...raw, path: holdName(segment, slot), damaged: damaged === 1 }));
  }
}
