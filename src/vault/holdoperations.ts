/** What the database's thread can be asked to do about holds: what is kept beyond its hour, and what erasing a time takes. */
import type { UnixMs } from '../base/clock.ts';
import type { Catalogue } from './catalogue.ts';
import type { ErasePlan, HoldFacts, HoldOrder, NewHold, SegmentKey } from './holdtable.ts';
import type { Period } from './periodtable.ts';
import type { ReceiptTable } from './receipts.ts';
import type { Transactions } from './transactions.ts';

export interface HoldParts extends Transactions {
  readonly catalogue: Catalogue;
  readonly receipts: Pick<ReceiptTable, 'pending'>;
}

export function makeHoldOperations({ catalogue, receipts, read, write, audit }: HoldParts) {
  const { periods, holds } = catalogue;
  return {
    findHoldPeriod: (a: { order: string; startMs: UnixMs; sealedTo: string }): { period: Period; slotSha256: string } | undefined => {
      const id = holds.periodOf(a.order, a.startMs, a.sealedTo);
      const period = id === undefined ? undefined : periods.byId(id);
      return period === undefined ? undefined : { period, slotSha256: period.slotSha256 };
    },
    hubOrder: (a: { camera: string; startMs: UnixMs; deadlineMs: UnixMs }): string | undefined => holds.hubOrder(a.camera, a.startMs, a.deadlineMs),
    orderOf: (a: { periodId: number }): HoldOrder | undefined => holds.orderOf(a.periodId),
    /** The paths of those segments that the period may get a second header for; undefined in the place of others, and of those that have one. */
    holdable: (a: { periodId: number; segments: readonly SegmentKey[] }): (string | undefined)[] => read(() => a.segments.map((segment) => {
      const found = holds.holdable(a.periodId, segment);
      return found === undefined || holds.has(a.periodId, found.segmentId) ? undefined : found.path;
    })),
    /** Answers those that were taken; a segment that was purged meanwhile takes none. */
    addHolds: (a: { periodId: number; holds: readonly NewHold[]; atMs: UnixMs; what: 'hold.made' | 'hold.adopted' }): NewHold[] => write(() => {
      const period = periods.byId(a.periodId);
      const taken = a.holds.filter((hold) => {
        const found = holds.holdable(a.periodId, hold);
        if (found === undefined || holds.has(a.periodId, found.segmentId)) return false;
        catalogue.addHold(a.periodId, found.segmentId, hold.sha256);
        return true;
      });
      const order = holds.orderOf(a.periodId);
      if (taken.length > 0 && period !== undefined && order !== undefined) {
        const [first, last] = [taken[0] as NewHold, taken.at(-1) as NewHold];
        audit(a.atMs, { what: a.what, who: 'hub', camera: period.camera, detail: { order: order.order, maker: order.maker, class: period.class, slot: period.slot, deadline_ms: period.deadlineMs, segments: taken.length, first: `${first.stream} ${first.seq}`, last: `${last.stream} ${last.seq}` } });
      }
      return taken;
    }),
    heldSegments: (a: { periodId: number }): SegmentKey[] => holds.segmentsOf(a.periodId).map(({ stream, seq }) => ({ stream, seq })),
    holdOrders: (): HoldFacts[] => holds.orders(),
    /** None while a purge is under way: it may be about to move to them what they keep. */
    unfinishedHolds: (): number[] => read(() => (receipts.pending().length > 0 ? [] : holds.unfinished())),
    erasePlan: (a: { camera: string; fromMs: UnixMs; toMs: UnixMs }): ErasePlan => read(() => catalogue.erasePlan(a)),
    alarmDays: (a: { camera: string; fromMs: UnixMs; toMs: UnixMs; periodIds: readonly number[] }): { periods: number[]; alarms: ErasePlan['alarms'] } => read(() => catalogue.alarmDays(a)),
    /** Paths of the periods' segments that no living hold keeps. */
    unheldRows: (a: { periodIds: readonly number[] }): string[] => read(() => a.periodIds.flatMap((id) => holds.unheldOf(id))),
  };
}
