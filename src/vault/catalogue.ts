/**
 * The catalogue: periods, segments, gaps, holds and the lists of them, and what changes rows of more than one of these tables: a segment that
 * comes, one that is found rotten, a period that is shredded. Runs where the connection lives (the database's thread, or `verify`); each
 * writing call runs inside the transaction of its caller. Nothing here knows files or keys.
 */
import type { UnixMs } from '../base/clock.ts';
import { gapMsMin } from '../policy/gaps.ts';
import { AlarmTable } from './alarmtable.ts';
import type { Connection } from './connection.ts';
import { GapTable, type GapRow } from './gaptable.ts';
import { HoldTable, type ErasePlan } from './holdtable.ts';
import { ListTable } from './listtable.ts';
import { PeriodTable } from './periodtable.ts';
import { segmentId, SegmentTable, type NewSegment, type SegmentRow } from './segmenttable.ts';

export class Catalogue {
  readonly periods: PeriodTable;
  readonly segments: SegmentTable;
  readonly gaps: GapTable;
  readonly holds: HoldTable;
  readonly lists: ListTable;
  readonly alarms: AlarmTable;
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
    this.periods = new PeriodTable(db);
    this.segments = new SegmentTable(db);
    this.gaps = new GapTable(db);
    this.holds = new HoldTable(db);
    this.lists = new ListTable(db, this);
    this.alarms = new AlarmTable(db);
  }

  /** Undefined when the period is not live any more: the file is garbage then. A late segment makes a listed period unlisted again. */
  addSegment(s: NewSegment): SegmentRow | undefined {
    const period = this.periods.byId(s.periodId);
    this.segments.forgetBegunOf(s.camera, s.stream, s.seq);
    if (period?.state !== 'live') return undefined;
    const state = s.cutChunks === undefined ? 'complete' : 'cut';
    this.segments.insert(s, state);
    this.periods.count(s);
    if (period.listed) this.lists.outdate(s.periodId);
    return { ...s, id: segmentId(s), slot: period.slot, generation: period.generation, periodClass: period.class, state, damagedMs: undefined };
  }

  /** Rot is a fact that the hour list tells, too: where it changes, the list is written anew. */
  markDamaged(rowId: number, damagedMs: UnixMs | null): void {
    const period = this.#db.prepare<[number | null, number, number | null], { id: number }>(
      'UPDATE segments SET damaged_ms = ? WHERE id = ? AND (damaged_ms IS NULL) <> (? IS NULL) RETURNING period_id AS id',
    ).get(damagedMs, rowId, damagedMs);
    if (period === undefined) return;
    const holding = this.#db.prepare<[number], { id: number }>('SELECT period_id AS id FROM holds WHERE segment_id = ?').all(rowId);
    for (const id of new Set([period.id, ...holding.map((hold) => hold.id)])) this.lists.outdate(id);
  }

  markDamagedPath(path: string, damagedMs: UnixMs): void {
    const row = this.#db.prepare<[string], { id: number }>('SELECT id FROM segments WHERE path = ?').get(path);
    if (row !== undefined) this.markDamaged(row.id, damagedMs);
  }

  /** A second header is there: the list of its period is not all any more. */
  addHold(periodId: number, segmentId: number, sha256: string): void {
    this.holds.add(periodId, segmentId, sha256);
    this.lists.outdate(periodId);
  }

  /** Rows alone, so that their files are taken for what they are when they are found again; answers how many. */
  forgetRows(paths: readonly string[]): number {
    const row = this.#db.prepare<[string], { id: number; periodId: number }>('SELECT id, period_id AS periodId FROM segments WHERE path = ?');
    const rows = paths.flatMap((path) => row.get(path) ?? []);
    const statements = [this.#db.prepare('DELETE FROM holds WHERE segment_id = ?'), this.#db.prepare('DELETE FROM segments WHERE id = ?')];
    for (const { id } of rows) for (const statement of statements) statement.run(id);
    for (const id of new Set(rows.map(({ periodId }) => periodId))) this.periods.recount(id);
    return rows.length;
  }

  /** The gap belongs to the live period in which it begins, if there is one; a listed period is listed anew. The same gap is noted once. */
  addGap(g: GapRow): void {
    if (this.gaps.has(g)) return;
    const period = this.periods.recordingAt(g.camera, g.fromMs);
    this.gaps.insert(g, period);
    if (period !== undefined) this.lists.outdate(period);
  }

  // erasing

  /** A minute that is erased must not survive as a picture: with the keys of its footage go those of the days that have alarms of it. */
  erasePlan(q: { camera: string; fromMs: UnixMs; toMs: UnixMs }): ErasePlan {
    const bare = this.holds.erasePlan(q);
    const days = this.alarms.periodsIn(q.camera, bare.erased.fromMs, bare.erased.toMs);
    const plan = days.every((id) => bare.periods.includes(id)) ? bare : this.holds.erasePlan(q, days);
    return { ...plan, alarms: this.alarms.erased(plan.periods, plan.erased.fromMs, plan.erased.toMs) };
  }

  /** The same for whole periods: days that have alarms of the time, or keep something of these periods, go as wholes as well. */
  alarmDays(q: { camera: string; fromMs: UnixMs; toMs: UnixMs; periodIds: readonly number[] }): { periods: number[]; alarms: ErasePlan['alarms'] } {
    const periods = [...new Set([...this.alarms.periodsIn(q.camera, q.fromMs, q.toMs), ...this.holds.alarmDaysOf(q.periodIds)])];
    return { periods, alarms: this.alarms.erased(periods, q.fromMs, q.toMs) };
  }

  // purging

  /**
   * Periods to 'shredded', their segments to 'garbage', their gaps gone; of a gap that reaches past its period, the rest stays. Segments that
   * a living hold names stay: their rows move to its period, as if they had been sealed to it. Where another period keeps what is not erased
   * of one of these, its gaps stay with that; `erased`: each segment that goes becomes a gap; `time`: what was erased, so that alarms outside of it stay
   * where another period of theirs is there. Answers what stayed, and what went of holds and alarms.
   */
  markShredded(periodIds: readonly number[], erased = false, time?: readonly [UnixMs, UnixMs]): Map<number, { held: number; holds: number; alarms: number }> {
    const shred = this.#db.prepare("UPDATE periods SET state = 'shredded' WHERE id = ?");
    for (const id of periodIds) shred.run(id);
    for (const id of periodIds) if (time !== undefined) this.#moveAlarms(id, time);
    const counts = new Map(periodIds.map((id) => [id, { held: this.#moveHeld(id), holds: this.#countHolds(id), alarms: this.alarms.countOf(id) }]));
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
    if (moved > 0) for (const id of [periodId, ...targets]) this.periods.recount(id);
    return moved;
  }

  /** Alarms outside the erased time go on in the period that was made for what stays, without their pictures: those were sealed to the key that goes. */
  #moveAlarms(periodId: number, time: readonly [UnixMs, UnixMs]): void {
    const heir = this.#db.prepare<[number], { id: number }>(`
      SELECT heir.id FROM periods AS p JOIN periods AS heir ON heir.camera = p.camera AND heir.start_ms = p.start_ms AND heir.deadline_ms = p.deadline_ms AND heir.id > p.id
      WHERE p.id = ? AND p.class = 'alarm' AND heir.class = 'alarm' AND heir.state = 'live' ORDER BY heir.id DESC LIMIT 1`).get(periodId);
    if (heir !== undefined) this.alarms.move(periodId, heir.id, time, 'others of its day were erased');
  }

  #countHolds(periodId: number): number {
    return this.#db.prepare<[number], { count: number }>('SELECT count(*) AS count FROM holds WHERE period_id = ?').get(periodId)?.count ?? 0;
  }

  #keepGaps(periodId: number): void {
    const heir = this.#db.prepare<[number], { id: number }>(`
      SELECT rest.id FROM periods AS p JOIN periods AS rest ON rest.camera = p.camera AND rest.start_ms = p.start_ms AND rest.deadline_ms = p.deadline_ms
      WHERE p.id = ? AND p.class IN ('footage', 'rest') AND rest.class = 'rest' AND rest.state = 'live' ORDER BY rest.id DESC LIMIT 1`).get(periodId);
    if (heir !== undefined) {
      if (this.#db.prepare('UPDATE gaps SET period_id = ? WHERE period_id = ?').run(heir.id, periodId).changes > 0) this.lists.outdate(heir.id);
      return;
    }
    this.#db.prepare(`
      INSERT INTO gaps (period_id, camera, stream, from_ms, to_ms, reason, detail)
      SELECT NULL, g.camera, g.stream, p.end_ms, g.to_ms, g.reason, g.detail FROM gaps AS g JOIN periods AS p ON p.id = g.period_id WHERE p.id = ? AND g.to_ms > p.end_ms`).run(periodId);
  }

  #noteErased(periodIds: readonly number[]): void {
    const gone = periodIds.flatMap((id) => this.segments.garbageRowsOf(id)).sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.seq - b.seq));
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

  deleteGarbage(periodIds: readonly number[], limit: number): number {
    // Second headers before the segments that they refer to.
    for (const table of [this.holds, this.alarms, this.segments]) {
      let deleted = 0;
      for (const id of periodIds) if (deleted < limit) deleted += table.deleteGarbage(id, limit - deleted);
      if (deleted > 0) return deleted;
    }
    return 0;
  }

  /** The rows go, and with them the claim on the slots. */
  deletePeriods(periodIds: readonly number[]): void {
    this.holds.deletePeriods(periodIds);
    this.periods.delete(periodIds);
  }
}
