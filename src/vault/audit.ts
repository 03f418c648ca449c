/**
 * The owner's audit: lines chained by hash, each line's text beside it with a salt, so that a text can be erased and the chain still
 * proves that nothing was cut out or put in. Written in the same transaction as the deed. (The log is another thing: base/log.ts.)
 */
import { createHash, randomBytes } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Connection } from './connection.ts';

export interface AuditEntry {
  readonly what: string;
  readonly who: 'hub' | 'owner' | 'cli' | 'page';
  /** Whose page: an id, never a name, so that erasing the account leaves nothing of whom it was. */
  readonly account?: string;
  readonly camera?: string;
  readonly detail?: CanonicalValue;
}

export interface AuditLine {
  readonly n: number;
  readonly leaf: Buffer;
  readonly chain: Buffer;
  readonly salt: Buffer | null;
  readonly entry: string | null;
}

/** A state of the chain: everything up to and including line `n`. */
export interface ChainHead {
  readonly n: number;
  readonly chain: Buffer;
}

export function firstHead(vaultId: string): ChainHead {
  return { n: 0, chain: sha256('sallyport audit v1', Buffer.from(vaultId, 'hex')) };
}

export function leafOf(salt: Uint8Array, entry: string): Buffer {
  return sha256(salt, entry);
}

export function nextChain(chain: Uint8Array, leaf: Uint8Array): Buffer {
  return sha256(chain, leaf);
}

/** What is wrong with a line that should come next; empty when nothing is. */
export function faultsOf(head: ChainHead, line: AuditLine): string[] {
  const order = line.n !== head.n + 1 ? `lines ${head.n + 1} to ${line.n - 1} are not there` : nextChain(head.chain, line.leaf).equals(line.chain) ? undefined : 'it does not follow from the line before';
  const text = line.entry === null || line.salt === null ? 'its text is not there' : leafOf(line.salt, line.entry).equals(line.leaf) ? undefined : 'its text was altered';
  return [order, text].filter((one) => one !== undefined);
}

/** The SQL of the audit table. Belongs to whoever owns the connection; each writing call runs inside that owner's transaction. */
export class AuditTable {
  readonly #db: Connection;
  readonly #vaultId: string;

  constructor(db: Connection, vaultId: string) {
    this.#db = db;
    this.#vaultId = vaultId;
  }

  append(atMs: UnixMs, { what, who, account, camera, detail }: AuditEntry): ChainHead {
    const head = this.head();
    const entry = canonicalJson({ at_ms: Math.round(atMs), what, who, account, camera, detail });
    const salt = randomBytes(16);
    const leaf = leafOf(salt, entry);
    const next = { n: head.n + 1, chain: nextChain(head.chain, leaf) };
    this.#db.prepare('INSERT INTO audit (n, leaf, chain, salt, entry) VALUES (?, ?, ?, ?, ?)').run(next.n, leaf, next.chain, salt, entry);
    return next;
  }

  head(): ChainHead {
    return this.#db.prepare<[], ChainHead>('SELECT n, chain FROM audit ORDER BY n DESC LIMIT 1').get() ?? firstHead(this.#vaultId);
  }

  /** Lines after `n` in order, at most `limit`. */
  linesAfter(n: number, limit: number): AuditLine[] {
    return this.#db.prepare<[number, number], AuditLine>('SELECT n, leaf, chain, salt, entry FROM audit WHERE n > ? ORDER BY n LIMIT ?').all(n, limit);
  }

  /** Lines before `n`, the newest first, at most `limit`. */
  linesBefore(n: number, limit: number): AuditLine[] {
    return this.#db.prepare<[number, number], AuditLine>('SELECT n, leaf, chain, salt, entry FROM audit WHERE n < ? ORDER BY n DESC LIMIT ?').all(n, limit);
  }

  chainAt(n: number): Buffer | undefined {
    if (n === 0) return firstHead(this.#vaultId).chain;
    return this.#db.prepare<[number], { chain: Buffer }>('SELECT chain FROM audit WHERE n = ?').get(n)?.chain;
  }

  /** Drops at most `limit` lines up to and including `n`, oldest first; answers how many went. */
  dropThrough(n: number, limit: number): number {
    return this.#db.prepare('DELETE FROM audit WHERE n IN (SELECT n FROM audit WHERE n <= ? ORDER BY n LIMIT ?)').run(n, limit).changes;
  }
}

function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
