/**
 * The SQL of the ledger: each order to the courier, and what came of it. Runs where the connection lives; each writing call runs inside the
 * transaction of its caller.
 */
import type { UnixMs } from '../base/clock.ts';
import { dayMs } from '../base/units.ts';
import type { Connection } from './connection.ts';

export type LedgerKind = 'put' | 'delete' | 'get' | 'list' | 'probe' | 'notice' | 'state' | 'heard' | 'withdraw' | 'dropped';
export type LedgerOutcome = 'done' | 'failed' | 'withdrawn' | 'lost';

/** As it is asked. */
export interface LedgerLine {
  /** Of the order's file. */
  readonly name: string;
  readonly atMs: UnixMs;
  readonly destination: string;
  readonly purpose: string;
  readonly kind: LedgerKind;
  /** Of an object; of a notice its kind; empty else. */
  readonly class: string;
  readonly camera: string;
  readonly object: string;
  readonly sizeBytes: number;
  /** Hex; empty where there are no bytes. */
  readonly sha256: string;
  readonly recipients: readonly string[];
}

export interface LedgerAnswer {
  readonly name: string;
  readonly outcome: LedgerOutcome;
  readonly answeredMs: UnixMs;
  readonly attempts: number;
  readonly sentBytes: number;
  readonly proof: string;
  readonly code: string;
  readonly reason: string;
}

/** Without an answer, the last ones are absent. */
export type LedgerRow = LedgerLine & { readonly n: number } & Partial<Omit<LedgerAnswer, 'name'>>;

export interface LedgerQuery {
  readonly destination?: string | undefined;
  readonly sinceMs?: UnixMs | undefined;
  /** Lines before this one. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface LedgerSum {
  readonly destination: string;
  readonly kind: string;
  readonly class: string;
  readonly outcome: LedgerOutcome;
  readonly orders: number;
  readonly sentBytes: number;
}

/** More lines than this are not kept; the oldest answered ones go first. Their sums stay. */
export const ledgerLinesMax = 400_000;

const columns = `n, name, at_ms AS atMs, destination, purpose, kind, class, camera, object, size_bytes AS sizeBytes, coalesce(lower(hex(sha256)), '') AS sha256, recipients,
  outcome, answered_ms AS answeredMs, attempts, sent_bytes AS sentBytes, proof, code, reason`;

type Raw = Omit<LedgerRow, 'recipients' | 'outcome' | 'answeredMs'> & { readonly recipients: string; readonly outcome: LedgerOutcome | null; readonly answeredMs: number | null };

export class LedgerTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** A line that is there stays; answers whether it was not. */
  add(line: LedgerLine): boolean {
    return this.#db.prepare(`INSERT OR IGNORE INTO ledger (name, at_ms, destination, purpose, kind, class, camera, object, size_bytes, sha256, recipients) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
      line.name, Math.round(line.atMs), line.destination, line.purpose, line.kind, line.class, line.camera, line.object, line.sizeBytes, line.sha256 === '' ? null : Buffer.from(line.sha256, 'hex'), JSON.stringify(line.recipients)).changes > 0;
  }

  find(name: string): LedgerRow | undefined {
    return this.#rows('WHERE name = ?', name)[0];
  }

  /** False when it had its answer, or there is no such line. */
  answer({ name, outcome, answeredMs, attempts, sentBytes, proof, code, reason }: LedgerAnswer): boolean {
    const line = this.#db.prepare<(string | number)[], { destination: string; kind: string; class: string }>(`
      UPDATE ledger SET outcome = ?, answered_ms = ?, attempts = ?, sent_bytes = ?, proof = ?, code = ?, reason = ? WHERE name = ? AND outcome IS NULL RETURNING destination, kind, class`,
    ).get(outcome, Math.round(answeredMs), attempts, sentBytes, proof, code, reason, name);
    if (line === undefined) return false;
    this.count(line, { outcome, answeredMs, sentBytes });
    return true;
  }

  /** In its day's sum alone: there are many states, and each takes the place of the one before. */
  count(line: Pick<LedgerLine, 'destination' | 'class'> & { readonly kind: string }, { outcome, answeredMs, sentBytes }: Pick<LedgerAnswer, 'outcome' | 'answeredMs' | 'sentBytes'>): void {
    this.#db.prepare(`INSERT INTO ledger_days (day_ms, destination, kind, class, outcome, orders, sent_bytes) VALUES (?, ?, ?, ?, ?, 1, ?)
      ON CONFLICT (day_ms, destination, kind, class, outcome) DO UPDATE SET orders = orders + 1, sent_bytes = sent_bytes + excluded.sent_bytes`)
      .run(Math.floor(answeredMs / dayMs) * dayMs, line.destination, line.kind, line.class, outcome, sentBytes);
  }

  /** Names without an answer. */
  open(): string[] {
    return this.#db.prepare<[], { name: string }>('SELECT name FROM ledger WHERE outcome IS NULL ORDER BY name').all().map(({ name }) => name);
  }

  /** The newest first. */
  list({ destination, sinceMs, before, limit }: LedgerQuery): LedgerRow[] {
    return this.#rows(`WHERE n < ? AND at_ms >= ?${destination === undefined ? '' : ' AND destination = ?'} ORDER BY n DESC LIMIT ?`,
      before ?? Number.MAX_SAFE_INTEGER, sinceMs ?? 0, ...(destination === undefined ? [] : [destination]), limit);
  }

  /** Notices whose number begins so, the newest first. It reads all lines: somebody asks for it, now and then. */
  notices(begins: string, limit: number): LedgerRow[] {
    return this.#rows("WHERE kind = 'notice' AND substr(object, 1, length(?)) = ? ORDER BY n DESC LIMIT ?", begins, begins, limit);
  }

  /** Of whole UTC days. */
  sums(sinceMs: UnixMs): LedgerSum[] {
    return this.#db.prepare<[number], LedgerSum>(`SELECT destination, kind, class, outcome, sum(orders) AS orders, sum(sent_bytes) AS sentBytes FROM ledger_days WHERE day_ms > ?
      GROUP BY destination, kind, class, outcome ORDER BY destination, kind, class, outcome`).all(sinceMs - dayMs);
  }

  /** Answered lines from before then, and the oldest ones beyond `linesMax`; at most `limit`. Answers how many. */
  drop(beforeMs: UnixMs, linesMax: number, limit: number): number {
    this.#db.prepare('DELETE FROM ledger_days WHERE day_ms < ?').run(beforeMs - dayMs);
    const surplus = Math.max(0, (this.#db.prepare<[], { count: number }>('SELECT count(*) AS count FROM ledger').get()?.count ?? 0) - linesMax);
    const old = this.#db.prepare('DELETE FROM ledger WHERE n IN (SELECT n FROM ledger WHERE at_ms < ? AND outcome IS NOT NULL LIMIT ?)').run(beforeMs, limit).changes;
    const many = surplus - old <= 0 ? 0 : this.#db.prepare('DELETE FROM ledger WHERE n IN (SELECT n FROM ledger WHERE outcome IS NOT NULL ORDER BY n LIMIT ?)').run(Math.min(limit, surplus - old)).changes;
    return old + many;
  }

  #rows(where: string, ...values: readonly (string | number)[]): LedgerRow[] {
    return this.#db.prepare<(string | number)[], Raw>(`SELECT ${columns} FROM ledger ${where}`).all(...values).map(({ recipients, outcome, answeredMs, attempts, sentBytes, proof, code, reason, ...line }) => ({
      ...line, recipients: JSON.parse(recipients) as string[],
      ...(outcome === null || answeredMs === null ? {} : { outcome, answeredMs, attempts: attempts ?? 0, sentBytes: sentBytes ?? 0, proof: proof ?? '', code: code ?? '', reason: reason ?? '' }),
    }));
  }
}
