/**
 * The SQL of alarms in the working database: what the hub may read of them, and which footage is held for them. Their pictures lie elsewhere
 * (picturesfile.ts). Runs where the connection lives; each writing call runs inside the transaction of its caller.
 */
import type { UnixMs } from '../base/clock.ts';
import { dayMs } from '../base/units.ts';
import { pictureNames, type PictureName } from '../seal/format/picturesobject.ts';
import type { Connection } from './connection.ts';
import type { StreamName } from './footagepaths.ts';

/** In the order of their bits in a row, and of the hash over them. `text`: who was recognised, and whatever else words say. */
export { pictureNames, type PictureName };

export interface AlarmRow {
  /** 16 hex characters: a number that rises, then eight random ones. */
  readonly id: string;
  readonly camera: string;
  readonly rule: string;
  readonly kind: string;
  readonly fromMs: UnixMs;
  /** Undefined while it lasts. */
  readonly toMs: UnixMs | undefined;
  /** How sure who saw it was, in thousandths. */
  readonly scorePm: number;
  readonly pictures: readonly PictureName[];
  /** Why there are none, or not any more; empty where there are, or none were given. */
  readonly picturesWhy: string;
  /** How many are held for it. */
  readonly segments: number;
  /** Why there are none; empty where there are, or nothing was said. */
  readonly footageWhy: string;
  readonly seen: boolean;
  readonly falseAlarm: boolean;
  /** Of its period. */
  readonly slot: number;
  readonly generation: number;
  readonly deadlineMs: UnixMs;
}

export interface NewAlarm extends Pick<AlarmRow, 'id' | 'camera' | 'rule' | 'kind' | 'fromMs' | 'toMs' | 'scorePm'> {
  readonly periodId: number;
}

/** The newest first; `before` is the last of the page before. */
export interface AlarmQuery {
  readonly cameras?: readonly string[] | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly before?: Pick<AlarmRow, 'fromMs' | 'id'> | undefined;
  readonly limit: number;
}

/** What somebody says of an alarm. */
export interface AlarmMarks {
  readonly seen?: boolean | undefined;
  readonly falseAlarm?: boolean | undefined;
}

/** What was written to pictures.db of one alarm. */
export interface PictureFacts {
  readonly pictures: readonly PictureName[];
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** None lasts longer than its day would: what is asked for of a time is found without looking at all that was before. */
const alarmMsMax = dayMs;

const columns = `a.id, a.camera, a.rule, a.kind, a.from_ms AS fromMs, a.to_ms AS toMs, a.score_pm AS scorePm, a.pictures, a.pictures_why AS picturesWhy,
  (SELECT count(*) FROM alarm_footage AS f JOIN segments AS s ON s.id = f.segment_id WHERE f.alarm_id = a.id AND s.state IN ('complete', 'cut')) AS segments,
  a.footage_why AS footageWhy, a.seen, a.false_alarm AS falseAlarm, p.slot, p.generation, p.deadline_ms AS deadlineMs`;
/** CROSS: alarms first, by the order of their index, however few periods there are; a page must not sort a day. */
const tables = "alarms AS a CROSS JOIN periods AS p ON p.id = a.period_id AND p.state = 'live'";

/** Whether an alarm touches the time from @fromMs to @toMs; one that still lasts touches all that comes. What goes with an erased time and what stays are told by this alone. */
const touching = '(from_ms < @toMs AND coalesce(to_ms, @toMs) >= @fromMs)';

type Raw = Omit<AlarmRow, 'toMs' | 'pictures' | 'seen' | 'falseAlarm'> & { readonly toMs: number | null; readonly pictures: number; readonly seen: number; readonly falseAlarm: number };

export class AlarmTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /**
   * Rising, so that alarms of a day lie side by side in both files, where they come and where they go. A number and not a time: what a purge leaves of ids in
   * free pages says nothing. `random`: 8 hex characters, so that none is ever met twice.
   */
  nextId(random: string): string {
    const last = this.#db.prepare<[], { id: string | null }>('SELECT max(id) AS id FROM alarms').get()?.id ?? '';
    return ((Number.parseInt(last.slice(0, 8), 16) || 0) + 1).toString(16).padStart(8, '0') + random;
  }

  add(a: NewAlarm): void {
    this.#db.prepare('INSERT INTO alarms (id, period_id, camera, rule, kind, from_ms, to_ms, score_pm) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(a.id, a.periodId, a.camera, a.rule, a.kind, a.fromMs, a.toMs ?? null, a.scorePm);
  }

  /** Of a live period. */
  find(id: string): AlarmRow | undefined {
    const raw = this.#db.prepare<[string], Raw>(`SELECT ${columns} FROM ${tables} WHERE a.id = ?`).get(id);
    return raw === undefined ? undefined : rowOf(raw);
  }

  periodOf(id: string): number | undefined {
    return this.#db.prepare<[string], { periodId: number }>('SELECT period_id AS periodId FROM alarms WHERE id = ?').get(id)?.periodId;
  }

  /** One that still lasts touches all that comes. */
  list({ cameras, kinds, fromMs, toMs, before, limit }: AlarmQuery): AlarmRow[] {
    const camera = cameras?.length === 1 ? cameras[0] : undefined;
    return this.#db.prepare<[Record<string, string | number | null>], Raw>(`
      SELECT ${columns} FROM ${tables}
      WHERE a.from_ms < @toMs AND a.from_ms >= @fromMs - ${alarmMsMax} AND (a.to_ms IS NULL OR a.to_ms >= @fromMs) ${before === undefined ? '' : 'AND (a.from_ms, a.id) < (@beforeMs, @beforeId)'}
        ${camera === undefined ? "AND (@cameras IS NULL OR a.camera IN (SELECT value FROM json_each(@cameras)))" : 'AND a.camera = @camera'}
        AND (@kinds IS NULL OR a.kind IN (SELECT value FROM json_each(@kinds)))
      ORDER BY a.from_ms DESC, a.id DESC LIMIT @limit`,
    ).all({
      // Where the page begins is where the index is entered.
      fromMs, toMs: before === undefined ? toMs : Math.min(toMs, before.fromMs + 1), limit, kinds: kinds === undefined ? null : JSON.stringify(kinds),
      ...(camera === undefined ? { cameras: cameras === undefined ? null : JSON.stringify(cameras) } : { camera }),
      ...(before === undefined ? {} : { beforeMs: before.fromMs, beforeId: before.id }),
    }).map(rowOf);
  }

  end(id: string, toMs: UnixMs): boolean {
    return this.#db.prepare('UPDATE alarms SET to_ms = min(from_ms + ?, max(from_ms, ?)) WHERE id = ?').run(alarmMsMax, toMs, id).changes > 0;
  }

  /** What a hub that was killed left open has lasted a moment; answers how many. */
  closeOpen(): number {
    return this.#db.prepare('UPDATE alarms SET to_ms = from_ms WHERE to_ms IS NULL').run().changes;
  }

  mark(id: string, { seen, falseAlarm }: AlarmMarks): void {
    this.#db.prepare('UPDATE alarms SET seen = coalesce(?, seen), false_alarm = coalesce(?, false_alarm) WHERE id = ?').run(bit(seen), bit(falseAlarm), id);
  }

  setPictures(id: string, { pictures, bytes, sha256 }: PictureFacts): void {
    this.#db.prepare("UPDATE alarms SET pictures = ?, picture_bytes = ?, pictures_sha256 = ?, pictures_why = '' WHERE id = ?").run(maskOf(pictures), bytes, Buffer.from(sha256, 'hex'), id);
  }

  /** There are none, or none any more. */
  withoutPictures(id: string, why: string): void {
    this.#db.prepare('UPDATE alarms SET pictures = 0, picture_bytes = 0, pictures_sha256 = NULL, pictures_why = ? WHERE id = ?').run(why, id);
  }

  /** In the order of ids, behind `after` up to `through`; without it all of them. `recipient`: of the period. */
  picturesBetween(after: string, through: string | undefined): { id: string; periodId: number; recipient: string; pictures: number; sha256: string | undefined }[] {
    return this.#db.prepare<[Record<string, string | null>], { id: string; periodId: number; recipient: string; pictures: number; sha256: string }>(`
      SELECT a.id, a.period_id AS periodId, p.recipient, a.pictures, coalesce(lower(hex(a.pictures_sha256)), '') AS sha256
      FROM alarms AS a CROSS JOIN periods AS p ON p.id = a.period_id WHERE a.id > @after AND (@through IS NULL OR a.id <= @through) ORDER BY a.id`,
    ).all({ after, through: through ?? null }).map((row) => ({ ...row, sha256: row.sha256 === '' ? undefined : row.sha256 }));
  }

  /** Of a live period, in the order of ids, with the segments that are held for each. */
  ofPeriod(periodId: number): (Pick<AlarmRow, 'id' | 'rule' | 'kind' | 'fromMs' | 'toMs' | 'scorePm'> & { readonly sha256: string | undefined; readonly footage: readonly string[] })[] {
    type Row = Pick<AlarmRow, 'id' | 'rule' | 'kind' | 'fromMs' | 'scorePm'> & { readonly toMs: number | null; readonly sha256: string | null };
    const footage = new Map<string, string[]>();
    const held = this.#db.prepare<[number], { id: string; segment: string }>(`
      SELECT a.id, s.stream || ' ' || s.seq AS segment FROM alarms AS a JOIN alarm_footage AS f ON f.alarm_id = a.id JOIN segments AS s ON s.id = f.segment_id
      WHERE a.period_id = ? AND s.state IN ('complete', 'cut') ORDER BY a.id, s.stream, s.seq`).all(periodId);
    for (const { id, segment } of held) footage.set(id, [...(footage.get(id) ?? []), segment]);
    return this.#db.prepare<[number], Row>(`
      SELECT a.id, a.rule, a.kind, a.from_ms AS fromMs, a.to_ms AS toMs, a.score_pm AS scorePm, CASE WHEN a.pictures > 0 THEN lower(hex(a.pictures_sha256)) END AS sha256
      FROM alarms AS a WHERE a.period_id = ? ORDER BY a.id`).all(periodId).map(({ toMs, sha256, ...row }) => ({ ...row, toMs: toMs ?? undefined, sha256: sha256 ?? undefined, footage: footage.get(row.id) ?? [] }));
  }

  /** Hex; undefined without pictures. */
  hashOf(id: string): string | undefined {
    return this.#db.prepare<[string], { sha256: string | null }>('SELECT lower(hex(pictures_sha256)) AS sha256 FROM alarms WHERE id = ? AND pictures_sha256 IS NOT NULL').get(id)?.sha256 ?? undefined;
  }

  // footage

  addFootage(id: string, segmentId: number): void {
    this.#db.prepare('INSERT OR IGNORE INTO alarm_footage (alarm_id, segment_id) VALUES (?, ?)').run(id, segmentId);
    this.#db.prepare("UPDATE alarms SET footage_why = '' WHERE id = ?").run(id);
  }

  withoutFootage(id: string, why: string): void {
    this.#db.prepare('UPDATE alarms SET footage_why = ? WHERE id = ?').run(why, id);
  }

  footageOf(id: string): { camera: string; stream: StreamName; seq: number }[] {
    return this.#db.prepare<[string], { camera: string; stream: StreamName; seq: number }>(
      'SELECT s.camera, s.stream, s.seq FROM alarm_footage AS f JOIN segments AS s ON s.id = f.segment_id WHERE f.alarm_id = ? ORDER BY s.stream, s.seq',
    ).all(id);
  }

  // deadlines, erasing and purging

  /** The rules that a camera's live periods have alarms of. */
  rulesOf(camera: string): { periodId: number; rule: string }[] {
    return this.#db.prepare<[string], { periodId: number; rule: string }>(
      `SELECT DISTINCT a.period_id AS periodId, a.rule FROM ${tables} WHERE a.camera = ?`).all(camera);
  }

  /** Live periods that have an alarm which touches the time. */
  periodsIn(camera: string, fromMs: UnixMs, toMs: UnixMs): number[] {
    return this.#db.prepare<[Record<string, string | number>], { id: number }>(
      `SELECT DISTINCT a.period_id AS id FROM ${tables} WHERE a.camera = @camera AND ${touching}`).all({ camera, fromMs, toMs }).map(({ id }) => id);
  }

  /** Of these periods: those that touch the time, those that do not, and the periods that the latter are of. */
  erased(periodIds: readonly number[], fromMs: UnixMs, toMs: UnixMs): { going: number; staying: number; days: number[] } {
    const counts = this.#db.prepare<[Record<string, string | number>], { id: number; going: number; staying: number }>(`
      SELECT period_id AS id, sum(${touching}) AS going, sum(NOT ${touching}) AS staying
      FROM alarms WHERE period_id IN (SELECT value FROM json_each(@ids)) GROUP BY period_id`).all({ ids: JSON.stringify(periodIds), fromMs, toMs });
    return {
      going: counts.reduce((sum, { going }) => sum + going, 0), staying: counts.reduce((sum, { staying }) => sum + staying, 0),
      days: counts.filter(({ staying }) => staying > 0).map(({ id }) => id),
    };
  }

  countOf(periodId: number): number {
    return this.#db.prepare<[number], { count: number }>('SELECT count(*) AS count FROM alarms WHERE period_id = ?').get(periodId)?.count ?? 0;
  }

  /** Those outside of an erased time belong to another period from now on; their pictures were sealed to the one that goes. Answers how many. */
  move(periodId: number, to: number, [fromMs, toMs]: readonly [UnixMs, UnixMs], why: string): number {
    return this.#db.prepare(`
      UPDATE alarms SET period_id = @to, pictures = 0, picture_bytes = 0, pictures_sha256 = NULL, pictures_why = CASE WHEN pictures = 0 THEN pictures_why ELSE @why END
      WHERE period_id = @periodId AND NOT ${touching}`).run({ to, periodId, fromMs, toMs, why }).changes;
  }

  /** Those of a shredded period; answers how many went. */
  deleteGarbage(periodId: number, limit: number): number {
    return this.#db.prepare('DELETE FROM alarms WHERE id IN (SELECT id FROM alarms WHERE period_id = ? LIMIT ?)').run(periodId, limit).changes;
  }
}

export function maskOf(names: readonly PictureName[]): number {
  return names.reduce((mask, name) => mask | (1 << pictureNames.indexOf(name)), 0);
}

export function namesIn(mask: number): PictureName[] {
  return pictureNames.filter((_, index) => (mask & (1 << index)) !== 0);
}

function rowOf({ toMs, pictures, seen, falseAlarm, ...raw }: Raw): AlarmRow {
  return { ...raw, toMs: toMs ?? undefined, pictures: namesIn(pictures), seen: seen === 1, falseAlarm: falseAlarm === 1 };
}

function bit(value: boolean | undefined): number | null {
  return value === undefined ? null : Number(value);
}
