/** What the database's thread can be asked to do about what is found on the disk: at a start, after the database was put back, and by a scrub. */
import type { UnixMs } from '../base/clock.ts';
import type { Catalogue } from './catalogue.ts';
import type { StreamName } from './footagepaths.ts';
import type { HoldRow } from './holdtable.ts';
import type { ListFile } from './listtable.ts';
import type { NamedTable } from './namedtable.ts';
import type { ReceiptTable, SignedText } from './receipts.ts';
import type { Begun, ClaimedPath, SegmentRow } from './segmenttable.ts';
import type { Transactions } from './transactions.ts';

/** What a scrub needs of a row. */
export type ScrubRow = Pick<SegmentRow, 'camera' | 'startMs' | 'path' | 'sizeBytes' | 'headerBytes' | 'headerSha256' | 'bodySha256' | 'state' | 'damagedMs' | 'archivedAt'> & { readonly rowId: number };

/** An audit line names so many files at most, and the count of all. */
const namesInAudit = 100;

export interface DiskParts extends Transactions {
  readonly catalogue: Catalogue;
  readonly receipts: Pick<ReceiptTable, 'reserve' | 'finish'>;
  readonly settings: NamedTable;
}

export function makeDiskOperations({ db, catalogue, receipts, settings, read, write, audit }: DiskParts) {
  const { periods, segments, holds, lists } = catalogue;
  return {
    // recovery

    foldersWithRows: (): string[] => periods.foldersWithRows(),
    rowsIn: (a: { folder: string }): ClaimedPath[] => segments.rowsIn(a.folder),
    holdsIn: (a: { folder: string }): string[] => holds.pathsIn(a.folder),
    begunOf: (a: { camera: string; stream: StreamName; seq: number }): Begun | undefined => segments.begunOf(a.camera, a.stream, a.seq),
    forgetBegunOf: (a: { camera: string; stream: StreamName; seq: number }): void => write(() => segments.forgetBegunOf(a.camera, a.stream, a.seq)),
    forgetBegun: (): void => write(() => segments.forgetBegun()),
    raiseSeqs: (a: { seqs: readonly { camera: string; stream: StreamName; seq: number }[] }): void => write(() => {
      for (const { camera, stream, seq } of a.seqs) segments.raiseSeq(camera, stream, seq);
    }),
    keepList: (a: { periodId: number; listSha256: string }): void => write(() => lists.keep(a.periodId, a.listSha256)),
    /** A number that a receipt on the disk has is not used again; the receipt itself is taken in where it is genuine. */
    takeReceipt: (a: { number: number; receipt: (SignedText & { atMs: UnixMs }) | undefined }): void => write(() => {
      receipts.reserve(a.number);
      if (a.receipt !== undefined) receipts.finish(a.receipt);
    }),
    endReconcile: (a: { skip: number; setting: string }): void => write(() => {
      db.prepare('UPDATE stream_seqs SET next_seq = next_seq + ?').run(a.skip);
      settings.remove(a.setting);
      // What was ended since must not come back: everybody logs in anew.
      for (const table of ['sessions', 'invitations', 'tokens']) db.prepare(`DELETE FROM ${table}`).run();
    }),
    /** Their hour lists are not on disk: `finishPeriods` writes them anew. */
    unlist: (a: { periodIds: readonly number[] }): void => write(() => {
      for (const id of a.periodIds) lists.markUnlisted(id);
    }),
    missing: (a: { paths: readonly string[]; atMs: UnixMs }): void => write(() => {
      for (const path of a.paths) segments.markMissing(path);
      audit(a.atMs, { what: 'recovery.missing', who: 'hub', detail: { files: a.paths.length, first: [...a.paths].sort().slice(0, namesInAudit) } });
    }),
    found: (a: { paths: readonly string[]; atMs: UnixMs }): void => write(() => {
      for (const path of a.paths) segments.markFound(path);
      audit(a.atMs, { what: 'recovery.found', who: 'hub', detail: { files: a.paths.length, first: [...a.paths].sort().slice(0, namesInAudit) } });
    }),
    removed: (a: { paths: readonly string[]; atMs: UnixMs }): void => write(() =>
      audit(a.atMs, { what: 'recovery.removed', who: 'hub', detail: { files: a.paths.length, first: [...a.paths].sort().slice(0, namesInAudit) } })),
    /** Before a restored database purges what was purged since: the segments that second headers on the disk keep are found again as files. */
    forgetRows: (a: { paths: readonly string[]; atMs: UnixMs }): number => write(() => {
      const rows = catalogue.forgetRows(a.paths);
      if (rows > 0) audit(a.atMs, { what: 'reconcile.held', who: 'hub', detail: { files: rows, first: [...a.paths].sort().slice(0, namesInAudit) } });
      return rows;
    }),

    // scrubbing

    countSegments: (): number => periods.countSegments().segments,
    knownDamage: (): { camera: string; damaged: number; missing: number; firstPath: string; firstMs: UnixMs }[] => segments.knownDamage(),
    scrubRows: (a: { afterRowId: number; limit: number }): ScrubRow[] => segments.after(a.afterRowId, a.limit)
      .map(({ rowId, row: { camera, startMs, path, sizeBytes, headerBytes, headerSha256, bodySha256, state, damagedMs, archivedAt } }) => ({ rowId, camera, startMs, path, sizeBytes, headerBytes, headerSha256, bodySha256, state, damagedMs, ...(archivedAt === undefined ? {} : { archivedAt }) })),
    /** Answers false when the row has gone, or is on its way out: then there is nothing to say. */
    scrubbed: (a: { rowId: number; found: 'whole' | 'damaged' | 'missing'; reason: string; atMs: UnixMs }): boolean => write(() => {
      const row = segments.byRowId(a.rowId);
      if (row === undefined || periods.byId(row.periodId)?.state !== 'live') return false;
      if (a.found === 'missing') segments.markMissing(row.path);
      else {
        segments.markFound(row.path);
        catalogue.markDamaged(a.rowId, a.found === 'damaged' ? Math.round(a.atMs) : null);
      }
      audit(a.atMs, { what: `scrub.${a.found}`, who: 'hub', camera: row.camera, detail: { file: row.path, start_ms: row.startMs, reason: a.reason } });
      return true;
    }),
    holdsAfter: (a: { periodId: number; segmentId: number; limit: number }): HoldRow[] => holds.after(a, a.limit),
    holdScrubbed: (a: { periodId: number; segmentId: number; path: string; camera: string; damaged: string | undefined; atMs: UnixMs }): void => write(() => {
      if (!holds.markDamaged(a.periodId, a.segmentId, a.damaged === undefined ? null : Math.round(a.atMs))) return;
      audit(a.atMs, { what: a.damaged === undefined ? 'scrub.whole' : 'scrub.damaged', who: 'hub', camera: a.camera, detail: { file: a.path, reason: a.damaged ?? '' } });
    }),
    scrubLists: (a: { afterId: number; limit: number }): ListFile[] => lists.after(a.afterId, a.limit),
    /** Answers false when the list was written anew meanwhile, or its period has gone. */
    listRotten: (a: { periodId: number; sha256: string; path: string; reason: string; atMs: UnixMs }): boolean => write(() => {
      if (!lists.after(a.periodId - 1, 1).some(({ id, sha256 }) => id === a.periodId && sha256 === a.sha256)) return false;
      lists.markUnlisted(a.periodId);
      audit(a.atMs, { what: 'scrub.list', who: 'hub', detail: { file: a.path, reason: a.reason } });
      return true;
    }),
    listedPeriods: (a: { afterId: number; limit: number }): number[] => periods.listed(a.afterId, a.limit),
    rowsHold: (a: { periodId: number }): boolean => read(() => {
      const stored = lists.storedRowsRoot(a.periodId);
      return stored === undefined || stored.equals(lists.rowsRoot(a.periodId));
    }),
  };
}
