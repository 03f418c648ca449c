/** What the database's thread can be asked to do about persons who agreed that their face is recognised. */
import type { UnixMs } from '../base/clock.ts';
import type { AuditEntry } from './audit.ts';
import type { Catalogue } from './catalogue.ts';
import type { NewPersonRow, PeopleTables, PersonBlobs, PersonRow } from './peopletable.ts';
import type { PeriodFacts } from './periodtable.ts';
import type { ReceiptTable } from './receipts.ts';
import type { Transactions } from './transactions.ts';

export interface PeopleParts extends Transactions {
  readonly catalogue: Pick<Catalogue, 'periods'>;
  readonly people: PeopleTables;
  readonly receipts: Pick<ReceiptTable, 'pending'>;
}

export function makePeopleOperations({ catalogue: { periods }, people, receipts, read, write, audit }: PeopleParts) {
  return {
    /** The only writer of templates: with the consent, or not at all. Answers false when the key that it is sealed to is gone, or there is no room. */
    enrol: (a: { person: NewPersonRow; peopleMax: number; entry: AuditEntry; atMs: UnixMs }): boolean => write(() => {
      const period = periods.byId(a.person.periodId);
      if (period?.state !== 'live' || period.class !== 'person' || period.camera !== a.person.id || people.count() >= a.peopleMax) return false;
      people.add(a.person);
      audit(a.atMs, a.entry);
      return true;
    }),
    people: (): PersonRow[] => people.list(),
    person: (a: { id: string }): { row: PersonRow; blobs: PersonBlobs; period: PeriodFacts } | undefined => read(() => {
      const [row, blobs] = [people.find(a.id), people.blobs(a.id)];
      const period = row === undefined ? undefined : periods.byId(row.periodId);
      return row === undefined || blobs === undefined || period?.state !== 'live' ? undefined : { row, blobs, period };
    }),
    personPeriods: (): PeriodFacts[] => periods.people(),
    personSeals: (): { period: PeriodFacts; sealedTo: string }[] => periods.sealsOfPeople(),
    /** Answers false when the person is gone, or is being forgotten. */
    renewConsent: (a: { id: string; record: Uint8Array; consentMs: UnixMs; consentSha256: string; lapsesMs: UnixMs; deadlineMs: UnixMs; entry: AuditEntry; atMs: UnixMs }): boolean => write(() => {
      const row = people.find(a.id);
      if (row === undefined || periods.byId(row.periodId)?.state !== 'live' || receipts.pending().some((purge) => purge.periods.some(({ id }) => id === row.periodId))) return false;
      people.renew(a);
      periods.moveDeadline(row.periodId, a.deadlineMs);
      audit(a.atMs, a.entry);
      return true;
    }),
    /** Answers false when it has lapsed before, or the person is gone. */
    lapse: (a: { id: string; lapsesMs: UnixMs; deadlineMs: UnixMs; entry: AuditEntry; atMs: UnixMs }): boolean => write(() => {
      const row = people.find(a.id);
      if (row?.state !== 'given') return false;
      people.lapse(a.id, a.lapsesMs);
      periods.moveDeadline(row.periodId, a.deadlineMs);
      audit(a.atMs, a.entry);
      return true;
    }),
    /** The key of a person is lost in both keyring files: what was sealed to it opens for nobody. The period goes after it. */
    personLost: (a: { id: string; atMs: UnixMs }): void => write(() => {
      people.delete(a.id);
      audit(a.atMs, { what: 'person.lost', who: 'hub', detail: { person: a.id } });
    }),
  };
}
