/** The SQL of persons and their templates. Runs where the connection lives; each writing call runs inside the transaction of its caller. */
import type { UnixMs } from '../base/clock.ts';
import type { ConsentState } from '../policy/people.ts';
import type { Connection } from './connection.ts';

/** What the hub may read of a person without the person's key. */
export interface PersonRow {
  /** 32 hex digits. */
  readonly id: string;
  readonly periodId: number;
  readonly enrolledMs: UnixMs;
  readonly consentMs: UnixMs;
  /** SHA-256 of the text that was agreed to, hex. */
  readonly consentSha256: string;
  readonly lapsesMs: UnixMs;
  readonly state: ConsentState;
  /** The model and its weights, by which the templates were made. */
  readonly model: string;
  readonly vectors: number;
}

/** Sealed to the person's key. */
export interface PersonBlobs {
  readonly record: Uint8Array;
  readonly templates: Uint8Array;
  readonly crop: Uint8Array;
}

export type NewPersonRow = Omit<PersonRow, 'state'> & PersonBlobs;

const columns = `id, period_id AS periodId, enrolled_ms AS enrolledMs, consent_ms AS consentMs, lower(hex(consent_sha256)) AS consentSha256, lapses_ms AS lapsesMs, state,
  coalesce(model, '') AS model, coalesce(vectors, 0) AS vectors`;
const from = 'FROM people LEFT JOIN templates ON person_id = id';

export class PeopleTables {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  add(p: NewPersonRow): void {
    this.#db.prepare("INSERT INTO people (id, period_id, enrolled_ms, consent_ms, consent_sha256, lapses_ms, state, record, crop) VALUES (?, ?, ?, ?, ?, ?, 'given', ?, ?)")
      .run(p.id, p.periodId, Math.round(p.enrolledMs), Math.round(p.consentMs), Buffer.from(p.consentSha256, 'hex'), Math.round(p.lapsesMs), Buffer.from(p.record), Buffer.from(p.crop));
    this.#db.prepare('INSERT INTO templates (person_id, model, vectors, sealed) VALUES (?, ?, ?, ?)').run(p.id, p.model, p.vectors, Buffer.from(p.templates));
  }

  count(): number {
    return this.#db.prepare<[], { count: number }>('SELECT count(*) AS count FROM people').get()?.count ?? 0;
  }

  list(): PersonRow[] {
    return this.#db.prepare<[], PersonRow>(`SELECT ${columns} ${from} ORDER BY enrolled_ms, period_id`).all();
  }

  find(id: string): PersonRow | undefined {
    return this.#db.prepare<[string], PersonRow>(`SELECT ${columns} ${from} WHERE id = ?`).get(id);
  }

  blobs(id: string): PersonBlobs | undefined {
    return this.#db.prepare<[string], PersonBlobs>(`SELECT record, crop, coalesce(sealed, x'') AS templates ${from} WHERE id = ?`).get(id);
  }

  renew({ id, record, consentMs, consentSha256, lapsesMs }: { id: string; record: Uint8Array; consentMs: UnixMs; consentSha256: string; lapsesMs: UnixMs }): void {
    this.#db.prepare("UPDATE people SET record = ?, consent_ms = ?, consent_sha256 = ?, lapses_ms = ?, state = 'given' WHERE id = ?")
      .run(Buffer.from(record), Math.round(consentMs), Buffer.from(consentSha256, 'hex'), Math.round(lapsesMs), id);
  }

  lapse(id: string, lapsesMs: UnixMs): void {
    this.#db.prepare("UPDATE people SET state = 'lapsed', lapses_ms = min(lapses_ms, max(consent_ms + 1, ?)) WHERE id = ?").run(Math.round(lapsesMs), id);
  }

  delete(id: string): void {
    this.#db.prepare('DELETE FROM people WHERE id = ?').run(id);
  }

  /** Answers whether there was one. */
  deleteOf(periodId: number): boolean {
    return this.#db.prepare('DELETE FROM people WHERE period_id = ?').run(periodId).changes > 0;
  }
}
