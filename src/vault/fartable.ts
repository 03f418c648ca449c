/**
 * The SQL of far objects: what of the catalogue is to lie at a destination, what lies there, and what must go from there (when a list is due and what it
 * tells is in farlisttable.ts). It is all found from the rows as they stand, so nothing of it is lost by a restart. Runs where the connection lives; each
 * writing call runs inside the transaction of its caller.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { writeReference } from '../policy/pieces.ts';
import { afterAnswer, deleteRefused, picturesAreDue, picturesVersion, type FarAnswer, type FarState } from '../policy/uploading.ts';
import type { Connection } from './connection.ts';
import type { StreamName } from './footagepaths.ts';

export type FarClass = 'segment' | 'hold' | 'hours' | 'keyring' | 'picture';

/** What a destination is to get. */
export interface FarRule {
  readonly destination: string;
  readonly send: 'alarms' | 'all';
  /** All when absent. */
  readonly cameras?: readonly string[] | undefined;
  /** 'home', or where the slots lie. */
  readonly keysAt: string;
  /** What is named lies there in pieces of this length. */
  readonly pieceBytes?: number | undefined;
  /** It is sent up to so much later, at a moment of chance. */
  readonly jitterMs?: number | undefined;
}

/** How new names are made. */
export type FarNaming = Pick<FarRule, 'destination' | 'keysAt' | 'pieceBytes' | 'jitterMs'>;

/** An alarm whose pictures have no name yet at a destination. */
export type FarFoundAlarm = Omit<FarFound, 'segmentId'> & { readonly alarmId: string };

/** What has no name yet at a destination. */
export interface FarFound {
  /** The row; undefined for a list. */
  readonly segmentId: number | undefined;
  /** Whose key opens it. */
  readonly periodId: number;
  readonly camera: string;
  readonly startMs: UnixMs;
  readonly slot: number;
  readonly generation: number;
}

/** One thing to send. */
export interface FarWish {
  readonly id: number;
  readonly destination: string;
  readonly object: string;
  readonly class: 'segment' | 'hold';
  readonly camera: string;
  readonly stream: StreamName;
  readonly seq: number;
  /** Of the period whose key opens it, and whom that is sealed to. */
  readonly slot: number;
  readonly recipient: string;
  /** Answers that said no, and times that it could not be read here, since it was last there. */
  readonly tries: number;
}

/** An alarm's pictures to send. */
export interface FarPicturesWish {
  readonly id: number;
  readonly destination: string;
  readonly object: string;
  readonly alarm: string;
  readonly camera: string;
  readonly recipient: string;
  /** Of the pictures, as the alarm's row has it. */
  readonly sha256: string;
  readonly version: number;
}

export interface FarObject {
  readonly id: number;
  readonly destination: string;
  readonly object: string;
  readonly class: FarClass;
  readonly camera: string;
  readonly periodId: number | null;
  readonly startMs: UnixMs;
  readonly slot: number | null;
  readonly keysAt: string;
  /** As it was asked for last. `sha256`: in hexadecimal digits, empty where it is not known. */
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly state: FarState;
  readonly sinceMs: UnixMs;
  readonly tries: number;
  readonly nextMs: UnixMs;
  readonly code: string;
  readonly maybeThere: boolean;
}

/** How much of a destination is in which state. */
export interface FarSum {
  readonly destination: string;
  readonly state: FarState;
  readonly objects: number;
  readonly bytes: number;
}

/** What a destination refused to delete when it was asked last: it lies there still. */
export interface FarRefusal {
  readonly destination: string;
  readonly objects: number;
  readonly bytes: number;
}

/** An object that a restored hub knows from a list. */
export interface FarFoundThere {
  readonly destination: string;
  readonly object: string;
  readonly class: 'segment' | 'hold' | 'hours' | 'picture';
  readonly camera: string;
  readonly slot: number;
  /** Of the segment; undefined for a list and for pictures. */
  readonly path: string | undefined;
  /** Of pictures: whose, and which. */
  readonly alarm?: { readonly id: string; readonly version: number };
  readonly keysAt: string;
  readonly sizeBytes: number;
}

/** To be deleted. */
export type FarGoing = Pick<FarObject, 'id' | 'object' | 'camera' | 'class' | 'sizeBytes' | 'sha256'>;

/** What a purge leaves at a destination, to be deleted. */
export interface FarLeft {
  readonly destination: string;
  readonly objects: number;
  readonly bytes: number;
  /** 'home', or where the keys were. */
  readonly keysAt: string;
}

const columns = `id, destination, object, class, camera, period_id AS periodId, start_ms AS startMs, slot, keys_at AS keysAt, size_bytes AS sizeBytes, lower(hex(sha256)) AS sha256, state, since_ms AS sinceMs, tries, next_ms AS nextMs, code, maybe_there AS maybeThere`;
type Raw = Omit<FarObject, 'maybeThere'> & { readonly maybeThere: number };

/** Nothing keeps it any more here. */
const gone = `CASE f.class
  WHEN 'segment' THEN NOT EXISTS (SELECT 1 FROM segments AS s WHERE s.id = f.segment_id AND s.state <> 'garbage')
  WHEN 'hold' THEN NOT EXISTS (SELECT 1 FROM holds AS h JOIN periods AS p ON p.id = h.period_id WHERE h.segment_id = f.segment_id AND h.period_id = f.period_id AND p.state = 'live')
  WHEN 'hours' THEN NOT EXISTS (SELECT 1 FROM periods AS p WHERE p.id = f.period_id AND p.state = 'live')
  WHEN 'picture' THEN NOT EXISTS (SELECT 1 FROM alarms AS a JOIN periods AS p ON p.id = a.period_id WHERE a.id = f.alarm_id AND p.id = f.period_id AND p.state = 'live')
  ELSE 0 END`;

/** When something new may go. It is durable: a restart draws no other moment. */
function drawn(jitterMs: number | undefined, nowMs: UnixMs): UnixMs {
  return jitterMs === undefined || jitterMs < 1 ? 0 : Math.round(nowMs) + randomInt(Math.round(jitterMs) + 1);
}

export class FarTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** What the rule wants and has no name yet: at most `limit` segments behind row `after`, and as many second headers of what has one. */
  lookFor({ destination, send, cameras }: FarRule, after: number, limit: number): { segments: readonly FarFound[]; holds: readonly FarFound[] } {
    const wanted = { destination, after, limit, cameras: cameras === undefined ? null : JSON.stringify(cameras) };
    const facts = 's.id AS segmentId, p.id AS periodId, s.camera, p.start_ms AS startMs, p.slot, p.generation';
    const segments = this.#db.prepare<typeof wanted, FarFound>(`
      SELECT ${facts} FROM segments AS s JOIN periods AS p ON p.id = s.period_id
      WHERE s.id > @after AND s.state IN ('complete', 'cut') AND s.damaged_ms IS NULL AND p.state = 'live' AND (@cameras IS NULL OR s.camera IN (SELECT value FROM json_each(@cameras)))
        ${send === 'all' ? '' : "AND s.id IN (SELECT h.segment_id FROM holds AS h JOIN periods AS a ON a.id = h.period_id WHERE a.class = 'alarm' AND a.state = 'live')"}
        AND NOT EXISTS (SELECT 1 FROM far_objects AS f WHERE f.class = 'segment' AND f.segment_id = s.id AND f.destination = @destination)
      ORDER BY s.id LIMIT @limit`).all(wanted);
    const holds = this.#db.prepare<{ destination: string; limit: number }, FarFound>(`
      SELECT ${facts} FROM far_objects AS f JOIN holds AS h ON h.segment_id = f.segment_id JOIN periods AS p ON p.id = h.period_id JOIN segments AS s ON s.id = f.segment_id
      WHERE f.destination = @destination AND f.class = 'segment' AND f.state IN ('wanted', 'asked', 'there') AND p.state = 'live' AND h.damaged_ms IS NULL AND p.recipient <> ''
        AND NOT EXISTS (SELECT 1 FROM far_objects AS o WHERE o.class = 'hold' AND o.segment_id = h.segment_id AND o.period_id = h.period_id AND o.destination = @destination)
      LIMIT @limit`).all({ destination, limit });
    return { segments, holds };
  }

  /** Alarms of which the rule wants the pictures, and which have no name yet. */
  lookForPictures({ destination, cameras }: FarRule, limit: number): FarFoundAlarm[] {
    return this.#db.prepare<{ destination: string; limit: number; cameras: string | null }, FarFoundAlarm>(`
      SELECT a.id AS alarmId, p.id AS periodId, a.camera, p.start_ms AS startMs, p.slot, p.generation FROM alarms AS a JOIN periods AS p ON p.id = a.period_id
      WHERE a.pictures > 0 AND p.state = 'live' AND p.recipient <> '' AND (@cameras IS NULL OR a.camera IN (SELECT value FROM json_each(@cameras)))
        AND NOT EXISTS (SELECT 1 FROM far_objects AS f WHERE f.class = 'picture' AND f.alarm_id = a.id AND f.destination = @destination)
      ORDER BY a.id LIMIT @limit`).all({ destination, limit, cameras: cameras === undefined ? null : JSON.stringify(cameras) });
  }

  /** Those whose pictures lie there, and are others here by now: they are sent again. */
  wantChanged({ destination, jitterMs }: FarNaming, nowMs: UnixMs): void {
    type There = { id: number; covers: number; madeMs: number; sha256: string; toMs: number | null };
    const there = this.#db.prepare<[string], There>(`
      SELECT f.id, f.covers, f.made_ms AS madeMs, lower(hex(a.pictures_sha256)) AS sha256, a.to_ms AS toMs FROM far_objects AS f INDEXED BY far_pictures CROSS JOIN alarms AS a ON a.id = f.alarm_id AND a.period_id = f.period_id
      WHERE f.class = 'picture' AND f.destination = ? AND f.state = 'there' AND a.pictures > 0`).all(destination);
    const again = this.#db.prepare("UPDATE far_objects SET state = 'wanted', since_ms = ?, tries = 0, next_ms = ? WHERE id = ?");
    for (const { id, covers, madeMs, sha256, toMs } of there) if (picturesAreDue({ sent: covers, version: picturesVersion(sha256, toMs ?? undefined), madeMs, over: toMs !== null }, nowMs)) again.run(Math.round(nowMs), drawn(jitterMs, nowMs), id);
  }

  /** Alarms' pictures that are to be sent now. */
  picturesWishes(destination: string, limit: number, nowMs: UnixMs): FarPicturesWish[] {
    type Row = Omit<FarPicturesWish, 'version'> & { toMs: number | null };
    return this.#db.prepare<[string, number, number], Row>(`
      SELECT f.id, f.destination, f.object, f.alarm_id AS alarm, f.camera, p.recipient, lower(hex(a.pictures_sha256)) AS sha256, a.to_ms AS toMs
      FROM far_objects AS f JOIN alarms AS a ON a.id = f.alarm_id AND a.period_id = f.period_id JOIN periods AS p ON p.id = a.period_id
      WHERE f.destination = ? AND f.state = 'wanted' AND f.next_ms <= ? AND f.class = 'picture' AND p.state = 'live' AND a.pictures > 0 ORDER BY f.id LIMIT ?`,
    ).all(destination, nowMs, limit).map(({ toMs, ...row }) => ({ ...row, version: picturesVersion(row.sha256, toMs ?? undefined) }));
  }

  /** What is to be sent to a destination now, the first to be named first. */
  wishes(destination: string, limit: number, nowMs: UnixMs): FarWish[] {
    return this.#db.prepare<[string, number, number], FarWish>(`
      SELECT f.id, f.destination, f.object, f.class, f.camera, s.stream, s.seq, p.slot, p.recipient, f.tries FROM far_objects AS f JOIN segments AS s ON s.id = f.segment_id
      JOIN periods AS p ON p.id = CASE f.class WHEN 'segment' THEN s.period_id ELSE f.period_id END
      WHERE f.destination = ? AND f.state = 'wanted' AND f.next_ms <= ? AND f.class IN ('segment', 'hold') AND p.state = 'live' AND s.state IN ('complete', 'cut') ORDER BY f.id LIMIT ?`).all(destination, nowMs, limit);
  }

  asked(id: number, { sizeBytes, sha256, madeMs, covers }: { sizeBytes: number; sha256: string; madeMs: UnixMs; covers: number }, nowMs: UnixMs): void {
    this.#db.prepare("UPDATE far_objects SET state = 'asked', since_ms = ?, size_bytes = ?, sha256 = ?, made_ms = ?, covers = ? WHERE id = ? AND state IN ('wanted', 'there', 'asked', 'failed')")
      .run(Math.round(nowMs), sizeBytes, sha256 === '' ? null : Buffer.from(sha256, 'hex'), Math.round(madeMs), covers, id);
  }

  askedToGo(id: number, nowMs: UnixMs): void {
    this.#db.prepare("UPDATE far_objects SET state = 'deleting', since_ms = ? WHERE id = ? AND state IN ('leaving', 'kept')").run(Math.round(nowMs), id);
  }

  find(destination: string, object: string): FarObject | undefined {
    return this.#rows('WHERE destination = ? AND object = ?', destination, object)[0];
  }

  /** What an answer makes of it. */
  answered(destination: string, object: string, answer: FarAnswer, nowMs: UnixMs, proof = ''): void {
    const before = this.find(destination, object);
    if (before === undefined) return;
    const { state, tries, nextMs, code, maybeThere } = before;
    const next = afterAnswer({ state, tries, nextMs, code, maybeThere }, answer, nowMs);
    if (next === undefined) this.#db.prepare('DELETE FROM far_objects WHERE id = ?').run(before.id);
    else this.#db.prepare('UPDATE far_objects SET state = ?, since_ms = ?, tries = ?, next_ms = ?, code = ?, maybe_there = ?, proof = ? WHERE id = ?').run(next.state, Math.round(nowMs), next.tries, Math.round(next.nextMs), next.code, next.maybeThere ? 1 : 0, next.state === 'there' ? proof : '', before.id);
  }

  /** It cannot be sent as it lies here: why. */
  refuse(id: number, code: string, againMs: UnixMs | undefined, nowMs: UnixMs): void {
    this.#db.prepare("UPDATE far_objects SET state = ?, since_ms = ?, tries = tries + 1, next_ms = ?, code = ? WHERE id = ? AND state = 'wanted'").run(againMs === undefined ? 'failed' : 'wanted', Math.round(nowMs), Math.round(againMs ?? 0), code, id);
  }

  /** Whether there may be something for `leave` to do. */
  get leaves(): boolean {
    return this.#db.prepare('SELECT 1 FROM far_loose LIMIT 1').get() !== undefined;
  }

  /**
   * What nothing here keeps any more goes from there; what never went is forgotten. Answers how much that is by period of its row (of a segment: the
   * one that it was in last). Call it where periods are marked, in the same transaction, and now and then.
   */
  leave(nowMs: UnixMs): (FarLeft & { periodId: number | undefined })[] {
    this.#db.prepare(`DELETE FROM far_objects AS f WHERE f.id IN (SELECT id FROM far_loose) AND f.state IN ('wanted', 'failed') AND f.maybe_there = 0 AND ${gone}`).run();
    type Left = { id: number; destination: string; bytes: number; keysAt: string; periodId: number | null };
    const left = this.#db.prepare<[], Left>(`
      SELECT f.id, f.destination, f.size_bytes AS bytes, f.keys_at AS keysAt, CASE f.class WHEN 'segment' THEN (SELECT s.period_id FROM segments AS s WHERE s.id = f.segment_id) ELSE f.period_id END AS periodId
      FROM far_loose AS c CROSS JOIN far_objects AS f ON f.id = c.id WHERE f.state NOT IN ('leaving', 'deleting', 'kept') AND ${gone}`).all();
    this.#db.prepare('DELETE FROM far_loose').run();
    const leave = this.#db.prepare("UPDATE far_objects SET state = 'leaving', since_ms = ?, next_ms = 0, tries = 0 WHERE id = ?");
    const sums = new Map<string, FarLeft & { periodId: number | undefined }>();
    for (const { id, destination, bytes, keysAt, periodId } of left) {
      leave.run(Math.round(nowMs), id);
      const key = `${periodId ?? ''} ${destination} ${keysAt}`;
      const before = sums.get(key) ?? { destination, keysAt, objects: 0, bytes: 0, periodId: periodId ?? undefined };
      sums.set(key, { ...before, objects: before.objects + 1, bytes: before.bytes + bytes });
    }
    return [...sums.values()];
  }

  /** What is not sent yet and is not wanted by the rules any more; it is named again where they want it. */
  unwant(destination: string): void {
    this.#db.prepare("DELETE FROM far_objects WHERE destination = ? AND state IN ('wanted', 'failed') AND maybe_there = 0 AND class IN ('segment', 'hold', 'hours', 'picture')").run(destination);
  }

  /** To be deleted there now: what it refused is asked for again when its day is over. */
  going(destination: string, limit: number, nowMs: UnixMs): FarGoing[] {
    return this.#db.prepare<[string, number, number], FarGoing>(`
      SELECT f.id, f.object, f.camera, f.class, f.size_bytes AS sizeBytes, lower(hex(f.sha256)) AS sha256 FROM far_objects AS f WHERE f.destination = ? AND f.state IN ('leaving', 'kept') AND f.next_ms <= ? AND (f.state = 'leaving' OR f.code = '${deleteRefused}')
        AND NOT EXISTS (SELECT 1 FROM ledger AS l WHERE l.outcome IS NULL AND l.kind = 'put' AND l.destination = f.destination AND l.object = f.object) ORDER BY f.id LIMIT ?`).all(destination, nowMs, limit);
  }

  /** Orders to send what is to go by now. */
  withdrawn(): string[] {
    return this.#db.prepare<[], { name: string }>(`
      SELECT l.name FROM ledger AS l JOIN far_objects AS f ON f.destination = l.destination AND f.object = l.object WHERE l.outcome IS NULL AND l.kind = 'put' AND f.state = 'leaving'`).all().map(({ name }) => name);
  }

  /** The far end deletes again, or it is worth another try. */
  release(destination: string): void {
    this.#db.prepare("UPDATE far_objects SET state = 'leaving', next_ms = 0 WHERE destination = ? AND state = 'kept'").run(destination);
  }

  /** Nobody can delete it: there is no such destination any more. */
  keep(destination: string, code: string, nowMs: UnixMs): void {
    this.#db.prepare("UPDATE far_objects SET state = 'kept', since_ms = ?, code = ? WHERE destination = ? AND state IN ('leaving', 'deleting')").run(Math.round(nowMs), code, destination);
  }

  /** Of orders that are out, how many and how much. */
  outOf(destination: string): { orders: number; bytes: number } {
    return this.#db.prepare<[string], { orders: number; bytes: number }>(`SELECT count(*) AS orders, coalesce(sum(size_bytes), 0) AS bytes FROM ledger WHERE outcome IS NULL AND kind = 'put' AND destination = ?`).get(destination) ?? { orders: 0, bytes: 0 };
  }

  sums(): FarSum[] {
    return this.#db.prepare<[], FarSum>('SELECT destination, state, count(*) AS objects, coalesce(sum(size_bytes), 0) AS bytes FROM far_objects GROUP BY destination, state ORDER BY destination, state').all();
  }

  /** Of these destinations, where there is any; also while it is asked for again. */
  refusals(destinations: readonly string[]): FarRefusal[] {
    return this.#db.prepare<[string], FarRefusal>(`
      SELECT destination, count(*) AS objects, coalesce(sum(size_bytes), 0) AS bytes FROM far_objects
      WHERE destination IN (SELECT value FROM json_each(?)) AND state IN ('leaving', 'deleting', 'kept') AND code = '${deleteRefused}' AND tries > 0 GROUP BY destination ORDER BY destination`).all(JSON.stringify(destinations));
  }

  destinations(): string[] {
    return this.#db.prepare<[], { destination: string }>('SELECT DISTINCT destination FROM far_objects').all().map(({ destination }) => destination);
  }

  /** It is not there, though it was: it is sent again. */
  again(ids: readonly number[], nowMs: UnixMs): void {
    const again = this.#db.prepare("UPDATE far_objects SET state = 'wanted', since_ms = ?, tries = 0, next_ms = 0, made_ms = CASE class WHEN 'hours' THEN 0 ELSE made_ms END WHERE id = ? AND state = 'there'");
    for (const id of ids) again.run(Math.round(nowMs), id);
  }

  /** It was not there, and is: what was read of it is what was sent. */
  found(destination: string, object: string, nowMs: UnixMs): void {
    this.#db.prepare("UPDATE far_objects SET state = 'there', since_ms = ?, tries = 0, next_ms = 0, code = '', proof = 'read back' WHERE destination = ? AND object = ? AND state IN ('wanted', 'failed')").run(Math.round(nowMs), destination, object);
  }

  /** In the order of their names, for a comparison with what the far end lists. */
  after(destination: string, object: string, limit: number): FarObject[] {
    return this.#rows('WHERE destination = ? AND object > ? ORDER BY object LIMIT ?', destination, object, limit);
  }

  /** What lies there of the classes asked for. */
  there(destination: string, classes: readonly FarClass[]): FarObject[] {
    return this.#rows("WHERE destination = ? AND state = 'there' AND class IN (SELECT value FROM json_each(?)) ORDER BY id", destination, JSON.stringify(classes));
  }

  /** From now on it is to be sent. */
  name({ destination, keysAt, pieceBytes, jitterMs }: FarNaming, klass: FarClass, row: FarFound, nowMs: UnixMs): { id: number; object: string } {
    const object = writeReference({ name: randomBytes(16).toString('hex'), pieceBytes });
    const { lastInsertRowid } = this.#db.prepare(`INSERT INTO far_objects (destination, object, class, camera, period_id, start_ms, slot, generation, segment_id, keys_at, state, since_ms, next_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'wanted', ?, ?)`)
      .run(destination, object, klass, row.camera, row.periodId, row.startMs, row.slot, row.generation, row.segmentId ?? null, keysAt, Math.round(nowMs), drawn(jitterMs, nowMs));
    return { id: Number(lastInsertRowid), object };
  }

  /** An alarm's pictures are to be sent from now on. */
  namePictures(naming: FarNaming, { alarmId, ...row }: FarFoundAlarm, nowMs: UnixMs): void {
    const { id } = this.name(naming, 'picture', { ...row, segmentId: undefined }, nowMs);
    this.#db.prepare('UPDATE far_objects SET alarm_id = ? WHERE id = ?').run(alarmId, id);
  }

  /** The slots object of a destination, by its newest row. */
  keyring(destination: string): FarObject | undefined {
    return this.#rows("WHERE destination = ? AND class = 'keyring' ORDER BY id DESC LIMIT 1", destination)[0];
  }

  /** One under a name of its own, or under that which a restored hub has found there. */
  nameKeyring(destination: string, object: string | undefined, nowMs: UnixMs): void {
    this.#db.prepare(`INSERT INTO far_objects (destination, object, class, camera, start_ms, keys_at, state, since_ms, maybe_there) VALUES (?, ?, 'keyring', '', 0, 'home', 'wanted', ?, ?)`)
      .run(destination, object ?? randomBytes(16).toString('hex'), Math.round(nowMs), object === undefined ? 0 : 1);
  }

  /** Its slots are not to lie there any more. */
  leaveKeyring(id: number, nowMs: UnixMs): void {
    this.#db.prepare("UPDATE far_objects SET state = 'leaving', since_ms = ?, next_ms = 0, tries = 0 WHERE id = ? AND class = 'keyring'").run(Math.round(nowMs), id);
  }

  /** Where the keys lie of what is at a destination. */
  keysAt(destination: string, place: string): void {
    this.#db.prepare('UPDATE far_objects SET keys_at = ? WHERE destination = ? AND class <> \'keyring\' AND keys_at <> ?').run(place, destination, place);
  }

  /** What a restored hub has found there; rows that are known stay. */
  adopt(found: readonly FarFoundThere[], nowMs: UnixMs): number {
    const insert = this.#db.prepare(`
      INSERT OR IGNORE INTO far_objects (destination, object, class, camera, period_id, start_ms, slot, generation, segment_id, alarm_id, covers, keys_at, size_bytes, state, since_ms, maybe_there)
      SELECT @destination, @object, @class, p.camera, p.id, p.start_ms, p.slot, p.generation, s.id, @alarmId, @version, @keysAt, @sizeBytes, 'there', @nowMs, 1 FROM periods AS p LEFT JOIN segments AS s ON s.path = @path
      WHERE p.camera = @camera AND p.slot = @slot AND p.state = 'live' AND (@path IS NULL OR s.id IS NOT NULL) AND (@alarmId IS NULL OR EXISTS (SELECT 1 FROM alarms AS a WHERE a.id = @alarmId AND a.period_id = p.id))`);
    return found.reduce((sum, one) => sum + insert.run({ ...one, alarm: undefined, alarmId: one.alarm?.id ?? null, version: one.alarm?.version ?? 0, path: one.path ?? null, nowMs: Math.round(nowMs) }).changes, 0);
  }

  #rows(where: string, ...values: readonly (string | number)[]): FarObject[] {
    return this.#db.prepare<(string | number)[], Raw>(`SELECT ${columns} FROM far_objects ${where}`).all(...values).map((raw) => ({ ...raw, maybeThere: raw.maybeThere === 1 }));
  }
}
