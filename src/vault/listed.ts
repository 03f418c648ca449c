/** What hour lists tell of a folder. The files that none of them covers are unlisted.ts's. */
import { SallyportError } from '../base/errors.ts';
import type { ArchiveFindings, ArchiveSegment, Folder, Range } from './archivefindings.ts';
import type { SlotFacts } from './archiveslots.ts';
import { holdName, parseSegmentPath, periodFolder } from './footagepaths.ts';
import type { HourList, SegmentRecord } from './hourlist.ts';

/** A list is believed only in its own place: anybody can seal something to a period's public key. */
export function checkList(list: HourList, folder: Folder, period: SlotFacts, path: string): void {
  const right = list.class === period.class && list.camera === folder.camera && list.camera === period.camera && list.slot === period.slot
    && list.start_ms === period.startMs && periodFolder(list.camera, list.start_ms) === folder.path
    && list.segments.every((record) => list.class === 'alarm' || parseSegmentPath(record.path)?.folder === folder.path);
  if (!right) throw new SallyportError('SP_HOUR_LIST', { file: path, reason: 'it is of another period' });
}

/** What a list tells of one folder; only that of alarms tells of others too. */
export function inFolder(list: HourList, folder: string): HourList {
  return list.class === 'alarm' ? { ...list, segments: list.segments.filter(({ path }) => parseSegmentPath(path)?.folder === folder) } : list;
}

/** Footage first; of holds those that last the longest. */
function byClass(a: HourList, b: HourList): number {
  return Number(a.class !== 'footage') - Number(b.class !== 'footage') || b.deadline_ms - a.deadline_ms || a.slot - b.slot;
}

/** Several lists of a folder may tell one segment: it is found once, with all that open it. */
export function takeLists(lists: readonly HourList[], { present, mayFetch }: { readonly present: ReadonlySet<string>; readonly mayFetch: boolean }, range: Range, findings: ArchiveFindings): void {
  const found = new Map<string, ArchiveSegment>();
  const missing = new Set<string>();
  for (const list of lists.toSorted(byClass)) {
    for (const record of list.segments) {
      if (record.start_ms > range.toMs || record.start_ms + record.duration_ms < range.fromMs) continue;
      const name = nameOf(record.path);
      const known = found.get(name);
      // A list may not say yet that its file went elsewhere: the hub knows.
      const away = present.has(name) ? undefined : record.destination ?? (mayFetch ? '' : undefined);
      const segment = { ...listedSegment(list, record), ...(away === undefined ? {} : { archivedAt: away }) };
      if (!present.has(name) && away === undefined) missing.add(record.path);
      else if (list.class === 'footage') found.set(name, segment);
      else if (present.has(holdName(name, list.slot))) found.set(name, { ...(known ?? segment), heldBy: [...(known?.heldBy ?? []), list.slot], deadlineMs: Math.max(known?.deadlineMs ?? 0, list.deadline_ms) });
      else if (known === undefined) findings.problems.push(new SallyportError('SP_HOLD_DAMAGED', { file: holdName(record.path, list.slot) }));
    }
    takeGaps(list, range, findings);
  }
  findings.segments.push(...found.values());
  for (const file of missing) findings.problems.push(new SallyportError('SP_SEGMENT_MISSING', { file }));
}

function takeGaps(list: HourList, range: Range, findings: ArchiveFindings): void {
  for (const gap of list.gaps) {
    if (gap.from_ms > range.toMs || gap.to_ms < range.fromMs) continue;
    findings.gaps.push({ camera: list.camera, stream: gap.stream, fromMs: gap.from_ms, toMs: gap.to_ms, reason: gap.reason, detail: gap.detail });
  }
}

function listedSegment(list: HourList, record: SegmentRecord): ArchiveSegment {
  return {
    camera: list.camera,
    stream: record.stream,
    seq: record.seq,
    startMs: record.start_ms,
    durationMs: record.duration_ms,
    path: record.path,
    sizeBytes: record.size,
    slot: list.slot,
    cutChunks: record.state === 'cut' ? record.chunks : undefined,
    keyFrames: record.key_frames,
    state: record.state,
    deadlineMs: list.deadline_ms,
    ...(record.damaged_ms === undefined ? {} : { damagedMs: record.damaged_ms }),
    ...(record.thumb === undefined ? {} : { thumb: record.thumb }),
  };
}

/** The names of the files that the lists tell. */
export function namesIn(lists: readonly HourList[]): Set<string> {
  return new Set(lists.flatMap(({ segments }) => segments.map(({ path }) => nameOf(path))));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
