/** How operations read and change the working database: in one transaction each; one that writes raises the generation, and its line of the audit goes with it. */
import type { UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { AuditTable, type AuditEntry } from './audit.ts';
import type { Connection } from './connection.ts';
import { readVaultFacts, type VaultFacts } from './vaultfacts.ts';

export interface Transactions {
  readonly db: Connection;
  readonly read: <T>(deed: () => T) => T;
  readonly write: <T>(deed: () => T) => T;
  /** Appends a line; within `write`. */
  readonly audit: (atMs: UnixMs, entry: AuditEntry) => void;
  /** SP_DATABASE before `setUp`. */
  readonly known: () => VaultFacts;
  /** SP_DATABASE before `setUp`. */
  readonly auditTable: () => AuditTable;
}

export function transactionsOn(db: Connection): Transactions {
  const known = (): VaultFacts => {
    const found = readVaultFacts(db);
    if (found === undefined) throw new SallyportError('SP_DATABASE', { reason: 'it was not set up' });
    return found;
  };
  const auditTable = (): AuditTable => new AuditTable(db, known().id);
  return {
    db, known, auditTable,
    audit: (atMs, entry) => void auditTable().append(atMs, entry),
    write: (deed) => db.transaction(() => {
      db.prepare('UPDATE vault SET generation = generation + 1').run();
      return deed();
    }).immediate(),
    read: (deed) => db.transaction(deed).deferred(),
  };
}
