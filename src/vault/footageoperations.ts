/** What the database's thread can be asked to do about periods, what is sealed to them, and the gaps between. */
import type { UnixMs } from '../base/clock.ts';
import type { Catalogue } from './catalogue.ts';
import { withoutSync } from './connection.ts';
import type { StreamName } from './footagepaths.ts';
import type { GapRow, Hole, HoleQuery } from './gaptable.ts';
import type { HeldSegment, HoldOrder } from './holdtable.ts';
import { awayIn, type HourList } from './hourlist.ts';
import type { NamedTable } from './namedtable.ts';
import { isBare, type Period, type PeriodBytes, type PeriodFacts } from './periodtable.ts';
import type { Begun, NewSegment, SegmentRow, TimeQuery } from './segmenttable.ts';
import type { SegmentName, ServedRow } from './served.ts';
import type { Transactions } from './transactions.ts';

export interface FootageParts extends Transactions {
  readonly catalogue: Catalogue;
  readonly settings: NamedTable;
}

export function makeFootageOperations({ db, catalogue, settings, read, write, audit }: FootageParts) {
  const { periods, segments, gaps, holds, lists } = catalogue;
  return {
    // periods

    period: (a: { id: number }): PeriodFacts | undefined => periods.byId(a.id),
    findPeriod: (a: { camera: string; class: string; startMs: UnixMs; deadlineMs: UnixMs; sealedTo?: string }): { period: Period; slotSha256: string } | undefined => periods.find(a),
    freeSlot: (a: { except: readonly number[] }): { slot: number; generation: number } => read(() => periods.freeSlot(a.except)),
    addPeriod: (a: { period: Omit<Period, 'id'> & { slotSha256: string; sealedTo?: string }; hold?: HoldOrder | undefined; atMs: UnixMs }): Period => write(() => {
      const { camera, class: klass, startMs, endMs, deadlineMs, slot, generation } = a.period;
      const period = periods.add(a.period);
      if (a.hold !== undefined) holds.addPeriod(period.id, a.hold);
      audit(a.atMs, { what: 'key.made', who: 'hub', camera, detail: { class: klass, start_ms: startMs, end_ms: endMs, deadline_ms: deadlineMs, slot, generation, order: a.hold?.order } });
      return period;
    }),
    periodCameras: (): string[] => periods.cameras(),
    periodsIn: (a: { camera: string; fromMs: UnixMs; toMs: UnixMs; limit: number }): PeriodFacts[] => periods.within(a),
    /** Undefined when no live period of that camera has this slot in this generation. */
    livePeriodOf: (a: { camera: string; slot: number; generation: number }): PeriodFacts | undefined => {
      const period = periods.ofSlot(a.slot);
      return period?.camera === a.camera && !isBare(period.class) && period.generation === a.generation && period.state === 'live' ? period : undefined;
    },
    /** A segment that has a file, and its live period. */
    servedRow: (a: SegmentName): ServedRow | undefined => read(() => {
      const row = segments.find(a.camera, a.stream, a.seq);
      const period = row === undefined || (row.state !== 'complete' && row.state !== 'cut') ? undefined : periods.byId(row.periodId);
      if (row === undefined || period?.state !== 'live') return undefined;
      return { row, period, holds: holds.headersOf(a).flatMap(({ periodId, sha256 }) => {
        const holding = periods.byId(periodId);
        return holding === undefined ? [] : [{ period: holding, sha256 }];
      }) };
    }),
    heldIn: (a: { camera: string; stream: StreamName; fromMs: UnixMs; toMs: UnixMs }): HeldSegment[] => holds.heldIn(a),
    /** A slot's new text is on the disk: the old one counts as shredded, so that it is destroyed wherever it comes back. `setting` said that it was under way. */
    slotReplaced: (a: { periodId: number; from: string; to: string; sealedTo?: string; setting: string; atMs: UnixMs }): void => write(() => {
      const period = periods.byId(a.periodId);
      if (period?.state === 'live' && period.slotSha256 === a.from) {
        periods.changeSlotText(a.periodId, a.to, a.sealedTo);
        periods.rememberShredded([a.from], a.atMs);
        if (period.class === 'person') audit(a.atMs, { what: 'person.sealed-anew', who: 'hub', detail: { person: period.camera, slot: period.slot, generation: period.generation } });
        else audit(a.atMs, { what: 'slot.replaced', who: 'owner', camera: period.camera, detail: { slot: period.slot, generation: period.generation, start_ms: period.startMs } });
      }
      settings.remove(a.setting);
    }),
    duePeriods: (a: { nowMs: UnixMs }): Period[] => periods.due(a.nowMs),
    nextDeadlineMs: (): UnixMs | undefined => periods.nextDeadlineMs(),
    livePeriods: (): PeriodFacts[] => periods.live(),
    periodBytes: (): PeriodBytes[] => periods.bytes(),
    shortenDeadlines: (a: { camera: string; class: string; keepMs: number; atMs: UnixMs }): number => write(() => {
      const count = periods.shortenDeadlines(a.camera, a.class, a.keepMs);
      if (count > 0) audit(a.atMs, { what: 'deadlines.shortened', who: 'hub', camera: a.camera, detail: { class: a.class, keep_ms: a.keepMs, periods: count } });
      return count;
    }),
    unlistedPeriods: (a: { nowMs: UnixMs }): Period[] => periods.unlisted(a.nowMs),
    hourList: (a: { periodId: number }): HourList | undefined => read(() => lists.hourList(a.periodId)),
    /** Answers false when rows came since the list was made, or files went elsewhere, so that what is on disk is not whole. */
    markListed: (a: { periodId: number; segments: number; away: number; gaps: number; listSha256: string | undefined }): boolean => write(() => {
      const list = lists.hourList(a.periodId);
      if (list === undefined || list.segments.length !== a.segments || awayIn(list) !== a.away || list.gaps.length !== a.gaps) return false;
      lists.markListed(a.periodId, a.listSha256);
      return true;
    }),

    // segments and gaps

    nextSeqs: (): { camera: string; stream: StreamName; nextSeq: number }[] => segments.nextSeqs(),
    noteBegun: (a: Begun): void => withoutSync(db, () => segments.noteBegun(a)),
    addSegment: (a: { segment: NewSegment; atMs: UnixMs; what: 'segment.closed' | 'segment.cut' | 'segment.adopted' }): SegmentRow | undefined => write(() => {
      // Asked a second time, because the answer to the first was lost with the disk, the row that is there is the answer.
      const known = segments.find(a.segment.camera, a.segment.stream, a.segment.seq);
      if (known?.path === a.segment.path && known.bodySha256 === a.segment.bodySha256) return known.state === 'garbage' ? undefined : known;
      const row = catalogue.addSegment(a.segment);
      if (row !== undefined) audit(a.atMs, { what: a.what, who: 'hub', camera: row.camera, detail: segmentFacts(row) });
      return row;
    }),
    segment: (a: { camera: string; stream: StreamName; seq: number }): SegmentRow | undefined => segments.find(a.camera, a.stream, a.seq),
    segments: (a: TimeQuery): SegmentRow[] => segments.within(a),
    addGap: (a: GapRow): void => write(() => catalogue.addGap(a)),
    gaps: (a: TimeQuery): GapRow[] => gaps.list(a),
    holes: (a: HoleQuery): Hole[] => gaps.holes(a),
    accountedMs: (a: { camera: string; stream: StreamName }): UnixMs | undefined => gaps.accountedMs(a.camera, a.stream),
    footageFacts: (): { camera: string; segments: number; bytes: number; oldestMs: UnixMs; newestEndMs: UnixMs }[] => periods.footageFacts(),
  };
}

function segmentFacts(row: SegmentRow): { [key: string]: string | number | undefined } {
  return {
    stream: row.stream, seq: row.seq, start_ms: row.startMs, duration_ms: row.durationMs, size: row.sizeBytes, slot: row.slot, generation: row.generation,
    header_sha256: row.headerSha256, body_sha256: row.bodySha256, chunks: row.cutChunks,
  };
}
