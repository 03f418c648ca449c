/**
 * The SQL of periods: which keys there are, in whose slots, for how long. Runs where the connection lives; each writing call runs inside the
 * transaction of its caller. What purging does to rows of more than one table stands in catalogue.ts.
 */
import type { UnixMs } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { periodFolder } from './footagepaths.ts';
import { segmentMsMax } from './segmenttable.ts';

/**
 * Footage; a daily copy of the working database (copies.ts), whose camera is called `hub`; `hold`: the key of second headers that keep
 * segments of a camera's period beyond its deadline; `rest`: of those that keep until it what was not erased with the rest of its period;
 * `alarm`: a camera's UTC day of alarms with one deadline, of their pictures and of the second headers that keep their footage; `person`: what is
 * kept of one person (people.ts), whose id stands for the camera.
 */
export type PeriodClass = 'footage' | 'database' | 'hold' | 'rest' | 'alarm' | 'person';

/** Of these nothing lies below footage/. */
export const bareClasses = "('database', 'person')";
export function isBare(klass: PeriodClass): klass is 'database' | 'person' {
  return klass === 'database' || klass === 'person';
}

/** Whose segments are opened by their second headers. */
export function isHoldClass(klass: PeriodClass): klass is 'hold' | 'rest' | 'alarm' {
  return klass === 'hold' || klass === 'rest' || klass === 'alarm';
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
  readonly class: Exclude<PeriodClass, 'database' | 'person'>;
  /** Of what is here: footage that lies elsewhere alone takes none. */
  readonly bytes: number;
  /** With what lies elsewhere alone: what recording brought. */
  readonly broughtBytes: number;
  /** Something in it is kept beyond its deadline at somebody's wish. */
  readonly held: boolean;
  /** The row of its newest segment, 0 without one: rises with the order of sealing, whatever the clock did. */
  readonly order: number;
  /** From its first picture to its last. */
  readonly recordedMs: number;
}

const periodColumns = `id, camera, class, start_ms AS startMs, end_ms AS endMs, deadline_ms AS deadlineMs, slot, generation, recipient,
  state, listed, lower(hex(slot_sha256)) AS slotSha256, segments, bytes`;

type RawPeriod = Omit<PeriodFacts, 'listed'> & { readonly listed: number };

export class PeriodTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** The newest of them: an earlier one's slot was lost. */
  find(p: { camera: string; class: string; startMs: UnixMs; deadlineMs: UnixMs; sealedTo?: string }): { period: Period; slotSha256: string } | undefined {
    const row = this.#db.prepare<[string, string, number, number, Buffer | null], RawPeriod>(
      `SELECT ${periodColumns} FROM periods WHERE camera = ? AND class = ? AND start_ms = ? AND deadline_ms = ? AND state = 'live' AND recipient <> ''
         AND sealed_to IS coalesce(?, sealed_to) ORDER BY id DESC LIMIT 1`,
    ).get(p.camera, p.class, p.startMs, p.deadlineMs, hashOrNull(p.sealedTo));
    return row === undefined ? undefined : { period: bare(row), slotSha256: row.slotSha256 };
  }

  byId(id: number): PeriodFacts | undefined {
    const row = this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE id = ?`).get(id);
    return row === undefined ? undefined : factsOf(row);
  }

  ofSlot(slot: number): PeriodFacts | undefined {
    const row = this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE slot = ?`).get(slot);
    return row === undefined ? undefined : factsOf(row);
  }

  ofRecipient(recipient: string): PeriodFacts | undefined {
    const row = this.#db.prepare<[string], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE recipient = ?`).get(recipient);
    return row === undefined ? undefined : factsOf(row);
  }

  /** The live one that is recorded into at that time: a gap that begins then belongs to it. */
  recordingAt(camera: string, atMs: UnixMs): number | undefined {
    return this.#db.prepare<[{ camera: string; atMs: number }], { id: number }>(
      "SELECT id FROM periods WHERE camera = @camera AND class IN ('footage', 'rest') AND @atMs >= start_ms AND @atMs < end_ms AND state = 'live' ORDER BY deadline_ms DESC, class LIMIT 1",
    ).get({ camera, atMs })?.id;
  }

  /** Live periods of a camera, those of holds too, that touch the time asked for, the earliest first; days of alarms keep footage of up to an hour around them. */
  within(q: { camera: string; fromMs: UnixMs; toMs: UnixMs; limit: number }): PeriodFacts[] {
    return this.#db.prepare<[{ camera: string; fromMs: number; toMs: number; limit: number }], RawPeriod>(`
      SELECT ${periodColumns} FROM periods
      WHERE camera = @camera AND class NOT IN ${bareClasses} AND state = 'live' AND start_ms < @toMs + ${segmentMsMax} AND end_ms > @fromMs - ${segmentMsMax}
        AND (class = 'alarm' OR (start_ms < @toMs AND end_ms > @fromMs)) ORDER BY start_ms, id LIMIT @limit`,
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

  add(p: Omit<Period, 'id'> & { slotSha256: string; sealedTo?: string }): Period {
    const { lastInsertRowid } = this.#db.prepare(`
      INSERT INTO periods (camera, class, start_ms, end_ms, deadline_ms, slot, generation, recipient, slot_sha256, sealed_to, state)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'live')`,
    ).run(p.camera, p.class, p.startMs, p.endMs, p.deadlineMs, p.slot, p.generation, p.recipient, Buffer.from(p.slotSha256, 'hex'), hashOrNull(p.sealedTo));
    this.#db.prepare('INSERT INTO slot_generations (slot, generation) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET generation = excluded.generation').run(p.slot, p.generation);
    const { slotSha256: _, sealedTo: _to, ...period } = p;
    return { id: Number(lastInsertRowid), ...period };
  }

  /** What a purge at `nowMs` has to take: live periods past their deadline, and those that an earlier purge did not finish. */
  due(nowMs: UnixMs): Period[] {
    return this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE deadline_ms <= ? OR state = 'shredded' ORDER BY deadline_ms, id`).all(nowMs).map(bare);
  }

  nextDeadlineMs(): UnixMs | undefined {
    return this.#db.prepare<[], { next: number | null }>('SELECT min(deadline_ms) AS next FROM periods').get()?.next ?? undefined;
  }

  /** All whose segments and lists lie below footage/, oldest first. */
  live(): PeriodFacts[] {
    return this.#db.prepare<[], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE state = 'live' AND class NOT IN ${bareClasses} ORDER BY start_ms, id`).all().map(factsOf);
  }

  /** Copies of the database, oldest first. */
  copies(): PeriodFacts[] {
    return this.#db.prepare<[], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE state = 'live' AND class = 'database' ORDER BY start_ms, id`).all().map(factsOf);
  }

  /** Of persons, oldest first. */
  people(): PeriodFacts[] {
    return this.#db.prepare<[], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE state = 'live' AND class = 'person' ORDER BY start_ms, id`).all().map(factsOf);
  }

  /** Of persons: to whom each slot is sealed, as `sealedTo` of periodkeys.ts says it; empty where that is not known. */
  sealsOfPeople(): { period: PeriodFacts; sealedTo: string }[] {
    return this.people().map((period) => ({ period, sealedTo: this.#db.prepare<[number], { hash: string | null }>('SELECT lower(hex(sealed_to)) AS hash FROM periods WHERE id = ?').get(period.id)?.hash ?? '' }));
  }

  /** Of a person: consent was given anew, or lapses sooner. */
  moveDeadline(id: number, deadlineMs: UnixMs): void {
    this.#db.prepare("UPDATE periods SET deadline_ms = ? WHERE id = ? AND class = 'person' AND state = 'live'").run(Math.round(deadlineMs), id);
  }

  /** The copy is whole, and that large. */
  markCopied(periodId: number, bytes: number): void {
    this.#db.prepare("UPDATE periods SET listed = 1, bytes = ? WHERE id = ? AND class = 'database'").run(bytes, periodId);
  }

  /** What the live periods take, in the order in which they were sealed. */
  bytes(): PeriodBytes[] {
    return this.#db.prepare<[], Omit<PeriodBytes, 'held' | 'bytes'> & { held: number; awayBytes: number }>(`
      SELECT id, camera, class, bytes + coalesce((SELECT sum(picture_bytes) FROM alarms WHERE period_id = periods.id), 0) AS broughtBytes,
        coalesce(away.sum, 0) AS awayBytes,
        coalesce((SELECT max(id) FROM segments WHERE period_id = periods.id), (SELECT max(segment_id) FROM holds WHERE period_id = periods.id AND periods.class = 'alarm'), 0) AS "order", coalesce(last_end_ms - first_ms, 0) AS recordedMs,
        class = 'hold' OR id IN (SELECT s.period_id FROM holds AS h JOIN segments AS s ON s.id = h.segment_id JOIN periods AS p ON p.id = h.period_id WHERE p.class = 'hold' AND p.state = 'live') AS held
      FROM periods LEFT JOIN (SELECT s.period_id AS of_period, sum(s.size_bytes) AS sum FROM archived AS a JOIN segments AS s ON s.id = a.segment_id WHERE a.removed = 1 GROUP BY s.period_id) AS away ON away.of_period = periods.id
      WHERE state = 'live' AND class NOT IN ${bareClasses} ORDER BY "order", id`).all().map(({ awayBytes, held, ...row }) => ({ ...row, bytes: row.broughtBytes - awayBytes, held: held === 1 }));
  }

  footageFacts(): { camera: string; segments: number; bytes: number; oldestMs: UnixMs; newestEndMs: UnixMs }[] {
    return this.#db.prepare<[], { camera: string; segments: number; bytes: number; oldestMs: number; newestEndMs: number }>(`
      SELECT camera, sum(segments) AS segments, sum(bytes) AS bytes, min(first_ms) AS oldestMs, max(last_end_ms) AS newestEndMs
      FROM periods WHERE state = 'live' AND segments > 0 GROUP BY camera ORDER BY camera`).all();
  }

  /** Cameras of which live keys are left, those that were taken out too. */
  cameras(): string[] {
    return this.#db.prepare<[], { camera: string }>(`SELECT DISTINCT camera FROM periods WHERE state = 'live' AND class NOT IN ${bareClasses} ORDER BY camera`).all().map(({ camera }) => camera);
  }

  countSegments(): { segments: number; bytes: number } {
    return this.#db.prepare<[], { segments: number; bytes: number }>('SELECT coalesce(sum(segments), 0) AS segments, coalesce(sum(bytes), 0) AS bytes FROM periods').get() ?? { segments: 0, bytes: 0 };
  }

  /** Deadlines only come closer. What an erasing left of a period is footage like any other; a hold has a deadline of its own. */
  shortenDeadlines(camera: string, klass: string, keepMs: number): number {
    return this.#db.prepare("UPDATE periods SET deadline_ms = end_ms + @keepMs WHERE camera = @camera AND (class = @klass OR (@klass = 'footage' AND class = 'rest')) AND state = 'live' AND deadline_ms > end_ms + @keepMs")
      .run({ keepMs, camera, klass }).changes;
  }

  /** Of one period; answers whether it came closer. */
  shortenDeadline(id: number, keepMs: number): boolean {
    return this.#db.prepare("UPDATE periods SET deadline_ms = end_ms + @keepMs WHERE id = @id AND state = 'live' AND deadline_ms > end_ms + @keepMs").run({ id, keepMs: Math.round(keepMs) }).changes > 0;
  }

  /** Live periods of footage that ended and have no hour list yet, oldest first. */
  unlisted(nowMs: UnixMs): Period[] {
    return this.#db.prepare<[number], RawPeriod>(`SELECT ${periodColumns} FROM periods WHERE state = 'live' AND class NOT IN ${bareClasses} AND recipient <> '' AND listed = 0 AND end_ms <= ? ORDER BY end_ms, id`).all(nowMs).map(bare);
  }

  /** Live periods whose list is written: at most `limit` after `afterId`. */
  listed(afterId: number, limit: number): number[] {
    return this.#db.prepare<[number, number], { id: number }>(
      `SELECT id FROM periods WHERE id > ? AND state = 'live' AND class NOT IN ${bareClasses} AND listed = 1 ORDER BY id LIMIT ?`,
    ).all(afterId, limit).map(({ id }) => id);
  }

  /** The folders that periods with segments have. */
  foldersWithRows(): string[] {
    const starts = this.#db.prepare<[], { camera: string; startMs: number }>('SELECT camera, start_ms AS startMs FROM periods WHERE segments > 0').all();
    return [...new Set(starts.map(({ camera, startMs }) => periodFolder(camera, startMs)))];
  }

  /** Folders among these that other periods, not of this list, still use. */
  sharedFolders(periods: readonly Pick<Period, 'id' | 'camera' | 'startMs'>[]): string[] {
    const leaving = new Set(periods.map(({ id }) => id));
    const statement = this.#db.prepare<[string], { id: number; startMs: number }>(`SELECT id, start_ms AS startMs FROM periods WHERE camera = ? AND class NOT IN ${bareClasses}`);
    const staying = new Set<string>();
    for (const camera of new Set(periods.map((period) => period.camera))) {
      for (const { id, startMs } of statement.all(camera)) if (!leaving.has(id)) staying.add(periodFolder(camera, startMs));
    }
    return [...staying];
  }

  /** What its rows say, when some came or went by another way. */
  recount(periodId: number): void {
    this.#db.prepare(`
      UPDATE periods SET (segments, bytes, first_ms, last_end_ms) =
        (SELECT count(*), coalesce(sum(size_bytes), 0), min(start_ms), max(start_ms + duration_ms) FROM segments WHERE period_id = @id) WHERE id = @id`).run({ id: periodId });
  }

  /** The same key, sealed to others: the slot has another text. */
  /** `sealedTo`: where it is for others than before by the hub's own doing. */
  changeSlotText(periodId: number, slotSha256: string, sealedTo?: string): void {
    this.#db.prepare('UPDATE periods SET slot_sha256 = ?, sealed_to = coalesce(?, sealed_to) WHERE id = ?').run(Buffer.from(slotSha256, 'hex'), hashOrNull(sealedTo), periodId);
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

  /** A segment came to it. */
  count({ periodId, sizeBytes, startMs, durationMs }: { periodId: number; sizeBytes: number; startMs: UnixMs; durationMs: number }): void {
    this.#db.prepare(`
      UPDATE periods SET segments = segments + 1, bytes = bytes + @bytes,
        first_ms = min(coalesce(first_ms, @startMs), @startMs), last_end_ms = max(coalesce(last_end_ms, @endMs), @endMs) WHERE id = @id`,
    ).run({ id: periodId, bytes: sizeBytes, startMs, endMs: startMs + durationMs });
  }

  /** The rows go, and with them the claim on the slots. */
  delete(periodIds: readonly number[]): void {
    const statement = this.#db.prepare("DELETE FROM periods WHERE id = ? AND state = 'shredded'");
    for (const id of periodIds) statement.run(id);
  }
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
