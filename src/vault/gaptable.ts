/**
 * The SQL of gaps, and of holes: times of which nobody told anything. Runs where the connection lives; each writing call runs inside the
 * transaction of its caller.
 */
import type { UnixMs } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import type { StreamName } from './footagepaths.ts';
import type { GapRecord } from './hourlist.ts';
import { boundTo, segmentMsMax, type Bound, type TimeQuery } from './segmenttable.ts';

export interface GapRow {
  readonly camera: string;
  readonly stream: StreamName;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly reason: string;
  readonly detail: string;
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

export class GapTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** Whether the very same was noted already. */
  has(g: GapRow): boolean {
    const known = this.#db.prepare<(string | number)[], unknown>('SELECT 1 FROM gaps WHERE from_ms = ? AND to_ms = ? AND camera = ? AND stream = ? AND reason = ?');
    return known.get(g.fromMs, g.toMs, g.camera, g.stream, g.reason) !== undefined;
  }

  insert(g: GapRow, periodId: number | undefined): void {
    this.#db.prepare('INSERT INTO gaps (period_id, camera, stream, from_ms, to_ms, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(periodId ?? null, g.camera, g.stream, g.fromMs, g.toMs, g.reason, g.detail);
  }

  list(q: TimeQuery): GapRow[] {
    return this.#db.prepare<[Bound], GapRow>(`
      SELECT camera, stream, from_ms AS fromMs, to_ms AS toMs, reason, detail FROM gaps
      WHERE from_ms < @toMs AND to_ms > @fromMs AND (@camera IS NULL OR camera = @camera) AND (@stream IS NULL OR stream = @stream) ORDER BY from_ms, id LIMIT @limit`,
    ).all(boundTo(q));
  }

  /** Where neither a segment nor a gap says anything, from a stream's first segment to its last; what a hold or an alarm alone keeps of a purged period stands for itself. */
  holes({ msMin, sinceMs, camera, stream }: HoleQuery): Hole[] {
    const told = this.#db.prepare<[Bound], Hole>(`
      SELECT * FROM (
        SELECT s.camera, s.stream, s.start_ms AS fromMs, s.start_ms + s.duration_ms AS toMs FROM periods AS p CROSS JOIN segments AS s ON s.period_id = p.id
        WHERE s.state IN ('complete', 'cut') AND p.class NOT IN ('hold', 'alarm') AND p.end_ms > @sinceMs - ${segmentMsMax} AND (@camera IS NULL OR p.camera = @camera)
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

  /** Where the stream's last segment or gap ends: what comes after it is not accounted for. */
  accountedMs(camera: string, stream: StreamName): UnixMs | undefined {
    const row = this.#db.prepare<[Bound], { ms: number | null }>(`
      SELECT max(ms) AS ms FROM (
        SELECT * FROM (SELECT start_ms + duration_ms AS ms FROM segments WHERE camera = @camera AND stream = @stream ORDER BY seq DESC LIMIT 1)
        UNION ALL SELECT max(to_ms) FROM gaps WHERE camera = @camera AND stream = @stream)`).get({ camera, stream });
    return row?.ms ?? undefined;
  }

  ofPeriod(periodId: number): GapRecord[] {
    return this.#db.prepare<[number], GapRecord>('SELECT stream, from_ms, to_ms, reason, detail FROM gaps WHERE period_id = ? ORDER BY from_ms, id').all(periodId);
  }

  /** Gaps that belong to no period die with the audit. */
  dropOld(beforeMs: UnixMs): void {
    this.#db.prepare('DELETE FROM gaps WHERE period_id IS NULL AND to_ms < ?').run(beforeMs);
  }
}
