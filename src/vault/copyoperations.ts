/** What the database's thread can be asked to do about copies of the database, and about its log, which holds what was deleted. */
import type { UnixMs } from '../base/clock.ts';
import type { Catalogue } from './catalogue.ts';
import type { Connection } from './connection.ts';
import { checkTable, tablesOf } from './databaseroot.ts';
import type { NamedTable } from './namedtable.ts';
import type { PeriodFacts } from './periodtable.ts';
import type { Transactions } from './transactions.ts';

/** The number of the purge after which the database's older copies must go; absent once they have. */
export const copiesOwedSetting = 'copies owed';

export interface CopyParts extends Transactions {
  readonly catalogue: Pick<Catalogue, 'periods'>;
  readonly settings: NamedTable;
}

export function makeCopyOperations({ db, catalogue: { periods }, settings, write, audit }: CopyParts) {
  let copying = false;
  return {
    /** Old pages of the WAL hold what was deleted until it is truncated. Answers false while a reader keeps it from that. */
    truncateWal: (): boolean => !copying && truncateWal(db),
    tables: (): string[] => tablesOf(db),
    checkTable: (a: { name: string }): void => checkTable(db, a.name),
    /** From now until `endCopy` the main file does not change: what is written goes to the log beside it. Answers false while a reader keeps the log from being taken over. */
    beginCopy: (): boolean => {
      copying = truncateWal(db);
      if (copying) db.pragma('wal_autocheckpoint = 0');
      return copying;
    },
    endCopy: (): void => {
      db.pragma('wal_autocheckpoint = 1000');
      copying = false;
      truncateWal(db);
    },
    copied: (a: { periodId: number; bytes: number; atMs: UnixMs }): void => write(() => {
      periods.markCopied(a.periodId, a.bytes);
      audit(a.atMs, { what: 'database.copied', who: 'hub', detail: { period: a.periodId, bytes: a.bytes } });
    }),
    copies: (): PeriodFacts[] => periods.copies(),
    /** Forgets that something was owed, unless it is owed anew. */
    settleDebt: (a: { name: string; json: string }): void => write(() => settings.removeIf(a.name, a.json)),
  };
}

function truncateWal(db: Connection): boolean {
  return (db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[])[0]?.busy === 0;
}
