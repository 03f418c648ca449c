/** The rows of what was observed. Runs where the connection lives; each writing call runs inside the transaction of its caller. */
import type { UnixMs } from '../base/clock.ts';
import type { Connection } from './connection.ts';

export interface ObservationRow {
  readonly camera: string;
  /** See policy/observations.ts. */
  readonly kind: string;
  /** The camera's word for the picture or input that it is about; may be empty. */
  readonly source: string;
  readonly fromMs: UnixMs;
  /** Undefined while it lasts. */
  readonly toMs: UnixMs | undefined;
}

export interface ObservationQuery {
  readonly camera?: string | undefined;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly limit: number;
}

export interface ObservedBefore {
  /** How many began since the time asked for. */
  readonly count: number;
  /** When the last one began. */
  readonly lastMs: UnixMs | undefined;
}

interface RawRow extends Omit<ObservationRow, 'toMs'> {
  readonly toMs: number | null;
}

export class ObservationTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** A row is named by camera, kind, source and beginning: noted again, it has the end that was told last. */
  note(rows: readonly ObservationRow[]): void {
    const statement = this.#db.prepare(`
      INSERT INTO observations (camera, kind, source, from_ms, to_ms) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (camera, kind, source, from_ms) DO UPDATE SET to_ms = excluded.to_ms`);
    for (const { camera, kind, source, fromMs, toMs } of rows) statement.run(camera, kind, source, fromMs, toMs ?? null);
  }

  /** What a hub that was killed left open lasted at least until the last thing that was noted of its camera. Answers how many. */
  closeOpen(camera: string): number {
    return this.#db.prepare(`
      UPDATE observations SET to_ms = max(from_ms, (SELECT max(coalesce(to_ms, from_ms)) FROM observations WHERE camera = @camera)) WHERE camera = @camera AND to_ms IS NULL`,
    ).run({ camera }).changes;
  }

  /** Those that touch the time asked for; the earliest first. */
  list(q: ObservationQuery): ObservationRow[] {
    return this.#db.prepare<[Record<string, string | number | null>], RawRow>(`
      SELECT camera, kind, source, from_ms AS fromMs, to_ms AS toMs FROM observations
      WHERE from_ms < @toMs AND coalesce(to_ms, @toMs) >= @fromMs AND (@camera IS NULL OR camera = @camera) ORDER BY from_ms, id LIMIT @limit`,
    ).all({ camera: q.camera ?? null, fromMs: q.fromMs, toMs: q.toMs, limit: q.limit }).map((row) => ({ ...row, toMs: row.toMs ?? undefined }));
  }

  before(camera: string, sinceMs: UnixMs): ObservedBefore {
    const row = this.#db.prepare<[number, string], { count: number; lastMs: number | null }>(
      'SELECT count(*) FILTER (WHERE from_ms >= ?) AS count, max(from_ms) AS lastMs FROM observations WHERE camera = ?',
    ).get(sinceMs, camera);
    return { count: row?.count ?? 0, lastMs: row?.lastMs ?? undefined };
  }

  cameras(): string[] {
    return this.#db.prepare<[], { camera: string }>('SELECT DISTINCT camera FROM observations ORDER BY camera').all().map(({ camera }) => camera);
  }

  /** What is over and touches the time. Answers how many. */
  erase(camera: string, fromMs: UnixMs, toMs: UnixMs): number {
    return this.#db.prepare('DELETE FROM observations WHERE camera = ? AND from_ms < ? AND to_ms > ?').run(camera, toMs, fromMs).changes;
  }

  /** What was over before then; what lasts stays. Answers how many. */
  dropBefore(camera: string, beforeMs: UnixMs, limit: number): number {
    return this.#db.prepare('DELETE FROM observations WHERE id IN (SELECT id FROM observations WHERE camera = ? AND from_ms < ? AND to_ms < ? ORDER BY from_ms LIMIT ?)')
      .run(camera, beforeMs, beforeMs, limit).changes;
  }
}
