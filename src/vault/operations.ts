/**
 * What the database's thread can be asked to do. Each operation is one transaction; a writing one raises the database's generation and
 * carries its audit line with it. Arguments and answers are plain data that cross threads by copy; times come from the asker's clock.
 * Here is what is small; each larger subject has a file of its own, *operations.ts, with the tables that it needs and no others.
 */
import { randomBytes } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { AccountTables, type AccountsBook, type AccountsChange } from './accounts.ts';
import { makeAlarmOperations } from './alarmoperations.ts';
import { ArchiveTable } from './archivetable.ts';
import type { AuditEntry } from './audit.ts';
import { makeAuditOperations } from './auditoperations.ts';
import { Catalogue } from './catalogue.ts';
import { CheckpointTable } from './checkpoints.ts';
import { withoutSync, type Connection } from './connection.ts';
import { makeCopyOperations } from './copyoperations.ts';
import { makeDiskOperations } from './diskoperations.ts';
import { makeFarOperations } from './faroperations.ts';
import { FarListTable } from './farlisttable.ts';
import { FarSurvey } from './farsurvey.ts';
import { FarTable } from './fartable.ts';
import { makeFootageOperations } from './footageoperations.ts';
import { makeHoldOperations } from './holdoperations.ts';
import { LedgerTable } from './ledgertable.ts';
import { NamedTable } from './namedtable.ts';
import { ObservationTable, type ObservationQuery, type ObservationRow, type ObservedBefore } from './observations.ts';
import { makePeopleOperations } from './peopleoperations.ts';
import { PeopleTables } from './peopletable.ts';
import type { PicturesFile } from './picturesfile.ts';
import { makePurgeOperations } from './purgeoperations.ts';
import { ReceiptTable } from './receipts.ts';
import { transactionsOn } from './transactions.ts';
import { readVaultFacts, type VaultFacts } from './vaultfacts.ts';

export type SeedAndFacts = VaultFacts & { readonly signingSeed: Uint8Array };

export type Operations = ReturnType<typeof makeOperations>;

/** Without `pictures` what is asked of them fails with SP_PICTURES. */
export function makeOperations(db: Connection, pictures?: PicturesFile) {
  const transactions = transactionsOn(db);
  const { read, write, audit, known } = transactions;
  const catalogue = new Catalogue(db);
  const settings = new NamedTable(db, 'settings');
  const secrets = new NamedTable(db, 'secrets');
  const accounts = new AccountTables(db);
  const observations = new ObservationTable(db);
  const people = new PeopleTables(db);
  const receipts = new ReceiptTable(db);
  const far = new FarTable(db);

  return {
    // the data folder itself

    vaultFacts: (): SeedAndFacts | undefined => read(() => {
      const found = readVaultFacts(db);
      const seed = db.prepare<[], { seed: Buffer }>('SELECT signing_seed AS seed FROM vault').get();
      return found === undefined || seed === undefined ? undefined : { ...found, signingSeed: Uint8Array.from(seed.seed) };
    }),
    setUp: (a: { hubName: string; publicKey: string; signingSeed: Uint8Array; atMs: UnixMs; rebuilt?: string }): VaultFacts => write(() => {
      db.prepare('INSERT INTO vault (id, vault_id, hub_name, made_ms, generation, signing_seed, public_key) VALUES (1, ?, ?, ?, 1, ?, ?)')
        .run(randomBytes(16).toString('hex'), a.hubName, Math.round(a.atMs), Buffer.from(a.signingSeed), a.publicKey);
      a.signingSeed.fill(0);
      audit(a.atMs, { what: 'vault.made', who: 'hub', detail: { hub: a.hubName, public_key: a.publicKey, rebuilt: a.rebuilt } });
      return known();
    }),
    /** A transaction that changes nothing but the generation: answered when the disk has it. */
    touch: (): void => write(() => {}),
    rename: (a: { hubName: string }): void => write(() => void db.prepare('UPDATE vault SET hub_name = ?').run(a.hubName)),

    // small state

    putSetting: (a: { name: string; json: string }): void => write(() => settings.put(a.name, a.json)),
    setting: (a: { name: string }): string | undefined => settings.find(a.name),
    removeSetting: (a: { name: string }): void => write(() => settings.remove(a.name)),
    putSecret: (a: { name: string; value: string }): void => write(() => secrets.put(a.name, a.value)),
    secret: (a: { name: string }): string | undefined => secrets.find(a.name),
    removeSecret: (a: { name: string }): void => write(() => secrets.remove(a.name)),
    audit: (a: { entry: AuditEntry; atMs: UnixMs }): void => write(() => audit(a.atMs, a.entry)),

    // accounts

    accountsBook: (): AccountsBook => read(() => accounts.book()),
    /** All together or not at all, with what is remembered beside and the lines of the audit. */
    changeAccounts: (a: { change: AccountsChange; settings?: readonly { name: string; json: string }[]; entries: readonly AuditEntry[]; atMs: UnixMs }): void => write(() => {
      accounts.change(a.change);
      for (const { name, json } of a.settings ?? []) settings.put(name, json);
      for (const entry of a.entries) audit(a.atMs, entry);
    }),
    sessionUsed: (a: { id: string; usedMs: UnixMs }): void => withoutSync(db, () => accounts.used(a.id, a.usedMs)),

    // observations

    noteObservations: (a: { rows: readonly ObservationRow[] }): void => withoutSync(db, () => observations.note(a.rows)),
    beginObserving: (a: { camera: string; sinceMs: UnixMs }): ObservedBefore => withoutSync(db, () => {
      observations.closeOpen(a.camera);
      return observations.before(a.camera, a.sinceMs);
    }),
    observations: (a: ObservationQuery): ObservationRow[] => observations.list(a),
    observedCameras: (): string[] => observations.cameras(),
    eraseObservations: (a: { camera: string; fromMs: UnixMs; toMs: UnixMs }): number => write(() => observations.erase(a.camera, a.fromMs, a.toMs)),
    dropObservations: (a: { camera: string; beforeMs: UnixMs; limit: number }): number => write(() => observations.dropBefore(a.camera, a.beforeMs, a.limit)),

    ...makeFootageOperations({ ...transactions, catalogue, settings }),
    ...makeHoldOperations({ ...transactions, catalogue, receipts }),
    ...makeAlarmOperations({ ...transactions, catalogue, pictures }),
    ...makePeopleOperations({ ...transactions, catalogue, people, receipts }),
    ...makeFarOperations({ ...transactions, catalogue, far, survey: new FarSurvey(db), farLists: new FarListTable(db), ledger: new LedgerTable(db), archive: new ArchiveTable(db) }),
    ...makePurgeOperations({ ...transactions, catalogue, receipts, far, people, settings }),
    ...makeAuditOperations({ ...transactions, catalogue, checkpoints: new CheckpointTable(db), receipts }),
    ...makeCopyOperations({ ...transactions, catalogue, settings }),
    ...makeDiskOperations({ ...transactions, catalogue, receipts, settings }),
  };
}
