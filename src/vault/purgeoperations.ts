/** What the database's thread can be asked to do about purges: they are written down before anything is destroyed, and are done when their receipt is there. */
import type { UnixMs } from '../base/clock.ts';
import type { Catalogue } from './catalogue.ts';
import { copiesOwedSetting } from './copyoperations.ts';
import type { FarLeft, FarTable } from './fartable.ts';
import type { NamedTable } from './namedtable.ts';
import type { PeopleTables } from './peopletable.ts';
import type { Period, PeriodFacts } from './periodtable.ts';
import { slotFacts, type PendingPurge, type PurgedPeriod, type PurgeReason, type ReceiptTable, type SignedText } from './receipts.ts';
import type { Transactions } from './transactions.ts';

export interface PurgeParts extends Transactions {
  readonly catalogue: Catalogue;
  readonly receipts: ReceiptTable;
  readonly far: Pick<FarTable, 'leave'>;
  readonly people: Pick<PeopleTables, 'deleteOf'>;
  readonly settings: NamedTable;
}

export function makePurgeOperations({ catalogue, receipts, far, people, settings, read, write, audit }: PurgeParts) {
  const { periods, segments, holds } = catalogue;
  return {
    /** Writes the purge down before anything is destroyed; undefined when none of the periods is live any more. */
    intendPurge: (a: { periodIds: readonly number[]; why: PurgeReason; atMs: UnixMs }): PendingPurge | undefined => write(() => {
      const taken = new Set(receipts.pending().flatMap((purge) => purge.periods.map(({ id }) => id)));
      const going = [...new Set(a.periodIds)].filter((id) => !taken.has(id)).flatMap((id) => periods.byId(id) ?? []).filter(({ state }) => state === 'live').map(purgedFacts);
      if (going.length === 0) return undefined;
      if (a.why.asked !== undefined) audit(a.atMs, a.why.asked);
      return receipts.intend(going, a.why);
    }),
    markShredded: (a: { purge: PendingPurge; readBack: boolean; atMs: UnixMs }): PendingPurge => write(() => {
      const counts = catalogue.markShredded(a.purge.periods.map(({ id }) => id), a.purge.erased !== undefined, a.purge.time);
      const left = far.leave(a.atMs);
      const shredded = a.purge.periods.map((period) => {
        const now = periods.byId(period.id);
        return now === undefined ? period : { ...purgedFacts(now), ...counts.get(period.id) };
      }).map((period) => withFar(period, left));
      periods.rememberShredded(shredded.map(({ slotSha256 }) => slotSha256), a.atMs);
      const forgotten = a.purge.periods.filter((period) => period.class === 'person');
      for (const { id, camera } of forgotten) if (people.deleteOf(id)) audit(a.atMs, { what: 'person.forgotten', who: 'hub', detail: { person: camera, purge: a.purge.number } });
      // Older copies of this database still have the rows; until they are gone it is owed, whatever kills the hub.
      if (forgotten.length > 0) settings.put(copiesOwedSetting, JSON.stringify(a.purge.number));
      audit(a.atMs, { what: 'purge.shredded', who: 'hub', detail: slotFacts({ ...a.purge, periods: shredded }, a.readBack) });
      return receipts.shredded(a.purge, shredded, a.readBack);
    }),
    /** Those among these hashes whose slots were shredded. */
    wereShredded: (a: { sha256: readonly string[] }): string[] => read(() => a.sha256.filter((sha256) => periods.wasShredded(sha256))),
    pendingPurges: (): PendingPurge[] => receipts.pending(),
    garbageOf: (a: { periodId: number; afterRowId: number; limit: number }): { rowId: number; path: string }[] => segments.garbageOf(a.periodId, a.afterRowId, a.limit),
    garbageHoldsOf: (a: { periodId: number }): string[] => holds.garbageOf(a.periodId),
    sharedFolders: (a: { periods: readonly Pick<Period, 'id' | 'camera' | 'startMs'>[] }): string[] => periods.sharedFolders(a.periods),
    deleteGarbage: (a: { periodIds: readonly number[]; limit: number }): number => write(() => catalogue.deleteGarbage(a.periodIds, a.limit)),
    finishPurge: (a: { purge: PendingPurge; receipt: SignedText & { atMs: UnixMs }; receiptSha256: string }): void => write(() => {
      catalogue.deletePeriods(a.purge.periods.map(({ id }) => id));
      receipts.finish(a.receipt);
      audit(a.receipt.atMs, { what: 'purge.done', who: 'hub', detail: { purge: a.purge.number, receipt_sha256: a.receiptSha256, early: a.purge.early, erased: a.purge.erased } });
    }),
    receiptNumbers: (): number[] => receipts.numbers(),
    receipt: (a: { number: number }): SignedText | undefined => receipts.receipt(a.number),
  };
}

function purgedFacts(period: PeriodFacts): PurgedPeriod {
  const { id, camera, class: klass, startMs, endMs, deadlineMs, slot, generation, slotSha256, segments, bytes } = period;
  return { id, camera, class: klass, startMs, endMs, deadlineMs, slot, generation, slotSha256, segments, bytes };
}

/** What of a purged period lies elsewhere still. */
function withFar(period: PurgedPeriod, left: readonly (FarLeft & { periodId: number | undefined })[]): PurgedPeriod {
  const far = left.filter(({ periodId }) => periodId === period.id).map(({ destination, objects, bytes, keysAt }) => ({ destination, objects, bytes, keysAt }));
  return far.length === 0 ? period : { ...period, far };
}
