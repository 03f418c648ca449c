/** The SQL of lists at a destination: by which what lies there is found. Runs where the connection lives; each writing call runs inside the transaction of its caller. */
import type { UnixMs } from '../base/clock.ts';
import { listIsDue, type FarState } from '../policy/uploading.ts';
import type { Connection } from './connection.ts';
import type { FarFound } from './fartable.ts';
import type { HourList, SegmentRecord } from './hourlist.ts';

/** A list to send. */
export interface FarListWish {
  readonly id: number;
  readonly destination: string;
  readonly object: string;
  readonly periodId: number;
  readonly camera: string;
  readonly recipient: string;
}

/** An hour list's segment, with the names that it has at a destination. */
export type FarSegment = SegmentRecord & { readonly object: string; readonly hold_object?: string };
/** An alarm of the list's day; `footage`: the segments that are held for it; `object`: its pictures, where they lie there. */
export interface FarAlarm {
  readonly id: string;
  readonly rule: string;
  readonly kind: string;
  readonly from_ms: UnixMs;
  readonly to_ms?: UnixMs;
  readonly score_pm: number;
  readonly footage: readonly string[];
  readonly sha256?: string;
  readonly object?: string;
}
export type FarList = Omit<HourList, 'segments'> & { readonly segments: readonly FarSegment[]; readonly alarms?: readonly FarAlarm[] };

export interface FarListed {
  readonly destination: string;
  /** The object's name there. */
  readonly list: string;
  readonly periodId: number;
  readonly slot: number;
  readonly slotSha256: string;
}

export class FarListTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** Lists that are due; a new one has no name yet. Only periods of which something has changed there are looked at, until their list is as it should be: `open` are those that go on to be looked at (`settle`). */
  due(destination: string, nowMs: UnixMs): { due: (FarFound & { recipient: string; named: { id: number; object: string } | undefined })[]; open: number[] } {
    type Part = { periodId: number; camera: string; startMs: number; endMs: number; slot: number; generation: number; recipient: string; covers: number; waiting: number; listId: number | null; object: string | null; listed: number | null; madeMs: number | null; listState: FarState | null; nextMs: number | null };
    const parts = this.#db.prepare<{ destination: string }, Part>(`
      WITH parts AS (
        SELECT p.id AS pid, f.id AS fid, f.state FROM far_stirred AS c CROSS JOIN periods AS p ON p.id = c.period_id CROSS JOIN segments AS s ON s.period_id = p.id
        CROSS JOIN far_objects AS f ON f.class = 'segment' AND f.segment_id = s.id AND f.destination = c.destination
        WHERE c.destination = @destination AND p.class = 'footage' AND p.state = 'live'
        UNION ALL
        SELECT p.id, h.id, CASE WHEN f.state = 'there' THEN h.state ELSE 'wanted' END FROM far_stirred AS c CROSS JOIN periods AS p ON p.id = c.period_id
        CROSS JOIN far_objects AS h ON h.period_id = p.id AND h.destination = c.destination AND h.class = 'hold'
        LEFT JOIN far_objects AS f ON f.class = 'segment' AND f.segment_id = h.segment_id AND f.destination = h.destination
        WHERE c.destination = @destination AND p.state = 'live'
        UNION ALL
        SELECT p.id, f.id + f.covers, f.state FROM far_stirred AS c CROSS JOIN periods AS p ON p.id = c.period_id
        CROSS JOIN far_objects AS f ON f.period_id = p.id AND f.destination = c.destination AND f.class = 'picture'
        WHERE c.destination = @destination AND p.state = 'live')
      SELECT p.id AS periodId, p.camera, p.start_ms AS startMs, p.end_ms AS endMs, p.slot, p.generation, p.recipient, sum(CASE parts.state WHEN 'there' THEN fid ELSE 0 END) AS covers, sum(parts.state IN ('wanted', 'asked')) AS waiting,
        l.id AS listId, l.object, CASE WHEN l.made_ms = 0 THEN NULL ELSE l.covers END AS listed, l.made_ms AS madeMs, l.state AS listState, l.next_ms AS nextMs
      FROM parts JOIN periods AS p ON p.id = pid LEFT JOIN far_objects AS l ON l.class = 'hours' AND l.period_id = p.id AND l.destination = @destination
      GROUP BY p.id`).all({ destination });
    const open = parts.filter(({ covers, listed, listState }) => listState === 'wanted' || (covers > 0 && covers !== listed));
    const due = open.flatMap((part) => {
      const { periodId, camera, startMs, slot, generation, recipient, listState } = part;
      const due = listState === 'wanted' ? (part.nextMs ?? 0) <= nowMs : listState !== 'asked' && listIsDue({ ...part, listed: part.listed ?? undefined, madeMs: part.madeMs ?? 0 }, nowMs);
      if (!due || recipient === '' || listState === 'leaving' || part.covers === 0) return [];
      return [{ segmentId: undefined, periodId, camera, startMs, slot, generation, recipient, named: part.listId === null || part.object === null ? undefined : { id: part.listId, object: part.object } }];
    });
    return { due, open: open.map(({ periodId }) => periodId) };
  }

  /** How many periods `due` looks at. */
  stirred(destination: string): number {
    return this.#db.prepare<[string], { periods: number }>('SELECT count(*) AS periods FROM far_stirred WHERE destination = ?').get(destination)?.periods ?? 0;
  }

  /** The lists of all but these periods are as they should be. */
  settle(destination: string, open: readonly number[]): void {
    this.#db.prepare('DELETE FROM far_stirred WHERE destination = ? AND period_id NOT IN (SELECT value FROM json_each(?))').run(destination, JSON.stringify(open));
  }

  /** The names that the segments of a period, and its alarms' pictures, have there, and its sum. */
  namesOf(destination: string, periodId: number): { objects: ReadonlyMap<string, { object: string; hold?: string }>; pictures: ReadonlyMap<string, string>; covers: number } {
    type Row = { stream: string; seq: number; object: string; hold: string | null; id: number };
    const rows = this.#db.prepare<{ destination: string; periodId: number }, Row>(`
      SELECT s.stream, s.seq, f.object, NULL AS hold, f.id FROM far_objects AS f JOIN segments AS s ON s.id = f.segment_id JOIN periods AS p ON p.id = s.period_id
      WHERE f.destination = @destination AND f.class = 'segment' AND f.state = 'there' AND s.period_id = @periodId AND p.class = 'footage'
      UNION ALL
      SELECT s.stream, s.seq, f.object, h.object, h.id FROM far_objects AS h JOIN far_objects AS f ON f.class = 'segment' AND f.segment_id = h.segment_id AND f.destination = h.destination JOIN segments AS s ON s.id = h.segment_id
      WHERE h.destination = @destination AND h.class = 'hold' AND h.state = 'there' AND f.state = 'there' AND h.period_id = @periodId`).all({ destination, periodId });
    const pictures = this.#db.prepare<[number, string], { alarm: string; object: string; sum: number }>(
      "SELECT alarm_id AS alarm, object, id + covers AS sum FROM far_objects WHERE class = 'picture' AND state = 'there' AND period_id = ? AND destination = ?").all(periodId, destination);
    return {
      objects: new Map(rows.map(({ stream, seq, object, hold }) => [`${stream} ${seq}`, { object, ...(hold === null ? {} : { hold }) }])), pictures: new Map(pictures.map(({ alarm, object }) => [alarm, object])),
      covers: rows.reduce((sum, { id }) => sum + id, 0) + pictures.reduce((all, { sum }) => all + sum, 0),
    };
  }

  /** What is listed at these destinations, of periods that live: what the slots object tells of. */
  listed(destinations: readonly string[]): FarListed[] {
    return this.#db.prepare<[string], FarListed>(`
      SELECT f.destination, f.object AS list, p.id AS periodId, p.slot, lower(hex(p.slot_sha256)) AS slotSha256 FROM far_objects AS f JOIN periods AS p ON p.id = f.period_id
      WHERE f.class = 'hours' AND p.state = 'live' AND f.state NOT IN ('leaving', 'deleting', 'kept') AND f.destination IN (SELECT value FROM json_each(?)) ORDER BY f.id`).all(JSON.stringify(destinations));
  }
}

/** The list of what lies there of a period. */
export function farListOf(list: HourList, objects: ReadonlyMap<string, { object: string; hold?: string }>, alarms?: readonly FarAlarm[]): FarList {
  return {
    ...list, ...(alarms === undefined ? {} : { alarms }),
    segments: list.segments.flatMap((record) => {
      // That it lies there alone is told at home alone.
      const { destination: _, ...segment } = record;
      const named = objects.get(`${segment.stream} ${segment.seq}`);
      return named === undefined ? [] : [{ ...segment, object: named.object, ...(named.hold === undefined ? {} : { hold_object: named.hold }) }];
    }),
  };
}
