/**
 * Checkpoints: the hub's signature over where the audit, the database and the catalogue stand. An owner's device that keeps one can
 * prove later that something was cut, put back or signed anew (`sallyport verify --since`).
 */
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson } from '../base/canonical.ts';
import { SallyportError } from '../base/errors.ts';
import type { Connection } from './connection.ts';
import type { SignedText } from './receipts.ts';

export const checkpointNamespace = 'sallyport-checkpoint';

/** So many stay on disk; the table keeps all that the audit needs. */
export const checkpointFilesMax = 48;

export interface CheckpointFacts {
  readonly number: number;
  /** 32 hex characters. */
  readonly vault: string;
  /** The last audit line that it covers, and the chain there (hex). */
  readonly seq: number;
  readonly chain: string;
  /** Counts the database's writing transactions. */
  readonly generation: number;
  /** Hex. */
  readonly catalogueRoot: string;
  /** Hex (databaseroot.ts); absent from checkpoints of older versions. */
  readonly databaseRoot?: string;
  readonly atMs: UnixMs;
}

export function checkpointJson(facts: CheckpointFacts): string {
  return canonicalJson({
    v: 1, number: facts.number, vault: facts.vault, seq: facts.seq, chain: facts.chain,
    database_generation: facts.generation, catalogue_root: facts.catalogueRoot, database_root: facts.databaseRoot, at_ms: Math.round(facts.atMs),
  });
}

/** The inverse; SP_ROLLBACK when `text` is no checkpoint. */
export function parseCheckpoint(text: string, file: string): CheckpointFacts {
  const refuse = (cause?: unknown): SallyportError => new SallyportError('SP_ROLLBACK', { file, reason: 'that file is not a checkpoint' }, cause);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(error);
  }
  if (typeof value !== 'object' || value === null) throw refuse();
  const fields = new Map<string, unknown>(Object.entries(value));
  const int = (name: string): number => {
    const field = fields.get(name);
    if (typeof field !== 'number' || !Number.isSafeInteger(field) || field < 0) throw refuse();
    return field;
  };
  const hex = (name: string): string => {
    const field = fields.get(name);
    if (typeof field !== 'string' || !/^([0-9a-f]{2})+$/.test(field)) throw refuse();
    return field;
  };
  if (int('v') !== 1) throw refuse();
  return {
    number: int('number'), vault: hex('vault'), seq: int('seq'), chain: hex('chain'), generation: int('database_generation'),
    catalogueRoot: hex('catalogue_root'), ...(fields.has('database_root') ? { databaseRoot: hex('database_root') } : {}), atMs: int('at_ms'),
  };
}

/** The SQL of checkpoints; each writing call runs inside the transaction of its caller. */
export class CheckpointTable {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  add(facts: CheckpointFacts, signed: SignedText): void {
    this.#db.prepare('INSERT INTO checkpoints (number, seq, chain, at_ms, json, signature) VALUES (?, ?, ?, ?, ?, ?)')
      .run(facts.number, facts.seq, Buffer.from(facts.chain, 'hex'), Math.round(facts.atMs), signed.json, signed.signature);
  }

  lastNumber(): number {
    return this.#db.prepare<[], { number: number | null }>('SELECT max(number) AS number FROM checkpoints').get()?.number ?? 0;
  }

  /** Newest first. */
  newest(limit: number): SignedText[] {
    return this.#db.prepare<[number], SignedText>('SELECT number, json, signature FROM checkpoints ORDER BY number DESC LIMIT ?').all(limit);
  }

  oldest(): SignedText | undefined {
    return this.#db.prepare<[], SignedText>('SELECT number, json, signature FROM checkpoints ORDER BY number LIMIT 1').get();
  }

  after(number: number, limit: number): SignedText[] {
    return this.#db.prepare<[number, number], SignedText>('SELECT number, json, signature FROM checkpoints WHERE number > ? ORDER BY number LIMIT ?').all(number, limit);
  }

  /** The newest checkpoint from before `beforeMs`: the audit up to it may go, it stays as the chain's new beginning. */
  lastBefore(beforeMs: UnixMs): { number: number; seq: number } | undefined {
    return this.#db.prepare<[number], { number: number; seq: number }>('SELECT number, seq FROM checkpoints WHERE at_ms < ? ORDER BY number DESC LIMIT 1').get(beforeMs);
  }

  dropBefore(number: number): void {
    this.#db.prepare('DELETE FROM checkpoints WHERE number < ?').run(number);
  }
}
