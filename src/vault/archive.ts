/**
 * The archive: a data folder, or a copy of its `footage` and `keyring`, read with identities alone. No hub, no database, no working key:
 * hour lists and slots say everything, and where no list covers a file (the open hour, a copy taken meanwhile) the file's own metadata does.
 * Reads only; works on read-only media and beside a running hub.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError, reasonOf, type ErrorCode } from '../base/errors.ts';
import { listFolder } from '../base/files.ts';
import { silentLog, type Log } from '../base/log.ts';
import { dayMs, hourMs } from '../base/units.ts';
import { inRecordedOrder } from '../policy/order.ts';
import type { Identity } from '../seal/identity.ts';
import { makeHold } from '../seal/hold.ts';
import { fileKeyIn, Opener, openWhole, type ByteSource } from '../seal/opener.ts';
import { findThumbnail, thumbnailIn, type ThumbnailPlace } from '../seal/thumbnail.ts';
import { ArchiveSlots, type SlotFacts } from './archiveslots.ts';
import { FileSource } from './filesource.ts';
import { holdName, isCameraId, parseDateFolder, parseHoldName, parseHourFolder, parseHourListName, parseSegmentPath, periodFolder, periodMsMax, type StreamName } from './footagepaths.ts';
import type { GapRow } from './gaptable.ts';
import { decodeHourList, hourListBytesMax, type HourList, type SegmentRecord } from './hourlist.ts';
import { readHold } from './holds.ts';
import { Keyring } from './keyring.ts';
import { describeFile, isUseless, segmentMsMax, sourceOf, unlistedIn, type UnlistedFile } from './unlisted.ts';

export interface ArchiveSegment {
  readonly camera: string;
  readonly stream: StreamName;
  readonly seq: number;
  readonly startMs: UnixMs;
  /** Undefined where no list says it. */
  readonly durationMs: number | undefined;
  /** Relative to `footage/`; ends in `.part` while it is being written. */
  readonly path: string;
  /** Sealed; of an unlisted file that ends within a chunk: up to that chunk. */
  readonly sizeBytes: number;
  readonly slot: number;
  /** The whole chunks of a segment without final chunk. */
  readonly cutChunks: number | undefined;
  readonly keyFrames: readonly (readonly [timeMs: number, plainOffset: number])[];
  readonly state: 'complete' | 'cut' | 'unlisted';
  /** The latest deadline of the periods whose lists name it; absent where none does. */
  readonly deadlineMs?: UnixMs;
  /** When the hub found it to be not what was written. */
  readonly damagedMs?: UnixMs;
  /** Slots of periods whose second headers open it too; alone, when `slot` is one of them. */
  readonly heldBy?: readonly number[];
  /** Where its thumbnail's box lies in the opened bytes: as the list says, or as it was found in a file that no list covers. */
  readonly thumb?: ThumbnailPlace;
  /** No file of it is here: the destination that has it alone, as its list says; '' where no list says where it is. */
  readonly archivedAt?: string;
}

/** Brings a segment that is not here: where its sealed file lies then, whole. SP_SEGMENT_MISSING, SP_ARCHIVE_…. */
export type FetchSegment = (name: Pick<ArchiveSegment, 'camera' | 'stream' | 'seq'>, destination: string) => Promise<string>;

export interface ArchiveFindings {
  readonly segments: ArchiveSegment[];
  readonly gaps: GapRow[];
  readonly problems: SallyportError[];
}

/** A header is within this. */
const beginningBytes = 1024;

interface Range {
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
}

export interface Folder {
  readonly camera: string;
  /** `<camera>/<date>/<hour>`. */
  readonly path: string;
  readonly startMs: UnixMs;
}

export class Archive {
  readonly #footage: string;
  readonly #keyring: Keyring;
  readonly #slots: ArchiveSlots;
  readonly #fetch: FetchSegment | undefined;
  #listedSlots: Promise<ReadonlySet<number>> | undefined;

  private constructor(footage: string, keyring: Keyring, slots: ArchiveSlots, fetch: FetchSegment | undefined) {
    this.#fetch = fetch;
    this.#footage = footage;
    this.#keyring = keyring;
    this.#slots = slots;
  }

  /** `identities` stay the caller's; without `fetch` what lies elsewhere alone does not open (SP_ARCHIVE_HUB). SP_DATA_FOLDER; SP_KEYRING; SP_WRONG_IDENTITY when there are slots and none of them opens. */
  static async open(folder: string, identities: readonly Identity[], options: { log?: Log; fetch?: FetchSegment | undefined } = {}): Promise<Archive> {
    await checkFolders(folder, ['footage', 'keyring']);
    const keyring = await Keyring.open(join(folder, 'keyring'), { log: options.log ?? silentLog, writable: false });
    const archive = new Archive(join(folder, 'footage'), keyring, new ArchiveSlots(keyring, identities), options.fetch);
    try {
      // Slots of database copies are the hub's alone: without footage they say nothing about whose folder this is.
      if (!await archive.#slots.openAny() && (await archive.cameras()).length > 0) throw new SallyportError('SP_WRONG_IDENTITY', { what: folder });
      return archive;
    } catch (error) {
      await archive.close();
      throw error;
    }
  }

  async cameras(): Promise<string[]> {
    return (await listFolder(this.#footage)).filter(isCameraId);
  }

  /** All that overlaps the time, in the order of recording, sub streams too. What does not open is among the problems; the rest is not affected. */
  async segments(camera: string, fromMs: UnixMs, toMs: UnixMs): Promise<ArchiveFindings> {
    const range = { fromMs, toMs };
    const findings: ArchiveFindings = { segments: [], gaps: [], problems: [] };
    for (const folder of isCameraId(camera) ? await this.#foldersOf(camera, range) : []) {
      await this.#readFolder(folder, range, findings).catch((error: unknown) => void findings.problems.push(asSallyportError(error)));
    }
    findings.gaps.sort((a, b) => a.fromMs - b.fromMs);
    return { ...findings, segments: inRecordedOrder(findings.segments) };
  }

  /** Every hour list of every camera, opened; one that does not open comes as its problem. */
  async *lists(): AsyncGenerator<{ readonly list?: HourList; readonly problem?: SallyportError }> {
    for (const camera of await this.cameras()) {
      for (const folder of await this.#foldersOf(camera, { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY })) {
        for (const name of (await listFolder(join(this.#footage, folder.path))).filter((one) => parseHourListName(one) !== undefined)) {
          try {
            const list = await this.#readList(folder, name);
            if (list !== undefined) yield { list };
          } catch (error) {
            yield { problem: asSallyportError(error) };
          }
        }
      }
    }
  }

  /**
   * By its own header, or by a second one that opens it. The caller closes it. SP_SLOT_MISSING, SP_SEGMENT_MISSING, SP_READ, and what
   * Opener.open throws; of what lies elsewhere alone SP_ARCHIVE_….
   */
  async openSegment(segment: Sealed & Pick<ArchiveSegment, 'state' | 'sizeBytes' | 'cutChunks'>): Promise<Opener> {
    checkPath(segment.path);
    const options = segment.cutChunks === undefined ? {} : { cutChunks: segment.cutChunks };
    const ways = waysInto(segment);
    let unproven: Opener | undefined;
    let failure: unknown;
    for (const way of ways) {
      try {
        const source = await this.#sourceBy(way, segment, segment.state === 'unlisted' ? segment.sizeBytes : undefined);
        const opener = await this.#slots.use(way.slot, segment.path, (identity) => Opener.open(source, [identity], segment.path, options));
        // A second header may hold a key of its own making: the first chunk tells.
        if (ways.length === 1 || await opens(opener)) {
          unproven?.close();
          return opener;
        }
        if (unproven === undefined) unproven = opener;
        else opener.close();
      } catch (error) {
        failure ??= error;
        if (!isUseless(error)) throw error;
      }
    }
    if (unproven !== undefined) return unproven;
    throw failure;
  }

  /**
   * A second header that opens the segment for the period that has that slot. The period is looked at first: its slot must be there, open for
   * these identities, and be of the same camera, so that a hub cannot have footage sealed to whom it likes. What openSegment throws, and SP_HOLD.
   */
  async secondHeader(segment: Sealed, to: { readonly slot: number; readonly recipient: string }): Promise<Buffer> {
    checkPath(segment.path);
    await this.#slots.use(to.slot, `slot ${to.slot}`, async (identity, facts) => {
      if (identity.recipient !== to.recipient || facts.camera !== parseSegmentPath(segment.path)?.camera || facts.class === 'footage') {
        throw new SallyportError('SP_HOLD', { reason: `slot ${to.slot} is not what the hub says it is` });
      }
    });
    let failure: unknown;
    for (const way of waysInto(segment)) {
      try {
        const source = await this.#sourceBy(way, segment);
        const start = await source.read(0, Math.min(source.size, beginningBytes));
        const fileKey = await this.#slots.use(way.slot, segment.path, async (identity) => fileKeyIn(start, [identity], segment.path));
        try {
          return makeHold(fileKey, to.recipient);
        } finally {
          fileKey.close();
        }
      } catch (error) {
        failure ??= error;
        if (!isUseless(error)) throw error;
      }
    }
    throw failure;
  }

  /** Begins to bring what lies elsewhere alone, for whoever opens it next; what goes wrong is told then. */
  ahead({ camera, stream, seq, archivedAt }: ArchiveSegment): void {
    if (archivedAt !== undefined) this.#fetch?.({ camera, stream, seq }, archivedAt).catch(() => {});
  }

  async #sourceBy({ slot, held }: Way, { path, archivedAt }: Sealed, sizeMax?: number): Promise<ByteSource> {
    const here = join(this.#footage, path);
    const hold = held ? await readHold(holdName(here, slot), holdName(path, slot)) : undefined;
    const sourceIn = (file: string): Promise<ByteSource> => sourceOf(hold === undefined ? { file } : { file, hold }, sizeMax);
    try {
      return await sourceIn(here);
    } catch (error) {
      if (!isGone(error)) throw error;
      return broughtSource(async () => sourceIn(await this.#bring(path, archivedAt, error)));
    }
  }

  async #bring(path: string, archivedAt: string | undefined, absent: unknown): Promise<string> {
    const name = parseSegmentPath(path);
    if (this.#fetch === undefined || name === undefined) throw archivedAt === undefined ? absent : new SallyportError('SP_ARCHIVE_HUB', { file: path, destination: archivedAt });
    try {
      return await this.#fetch(name, archivedAt ?? '');
    } catch (error) {
      // It was here when it was listed, so it was purged since.
      throw archivedAt === undefined && isSallyportError(error, 'SP_SEGMENT_MISSING') ? absent : error;
    }
  }

  /**
   * The JPEG of its first picture; undefined when it has none. Where its row says nothing (a hub found the file after a crash, and could
   * not look into it) it is looked for. Errors as `openSegment`, and SP_AGE_PAYLOAD where it lies in a damaged chunk.
   */
  async thumbnail(segment: ArchiveSegment): Promise<Buffer | undefined> {
    if (segment.cutChunks !== undefined) return undefined;
    const opener = await this.openSegment(segment);
    try {
      const place = segment.thumb ?? await findThumbnail(opener.plainSize, (offset, length) => opener.read(offset, length));
      const jpeg = place === undefined ? undefined : thumbnailIn(await opener.read(...place));
      return jpeg === undefined ? undefined : Buffer.from(jpeg);
    } finally {
      opener.close();
    }
  }

  async close(): Promise<void> {
    this.#slots.close();
    await this.#keyring.close();
  }

  /** Folders whose periods may overlap, and the last one before them: a gap begins in it and may last for days. */
  async #foldersOf(camera: string, range: Range): Promise<Folder[]> {
    const folders: Folder[] = [];
    for (const date of await listFolder(join(this.#footage, camera))) {
      const dayMs = parseDateFolder(date);
      if (dayMs === undefined || dayMs > range.toMs) continue;
      for (const hour of await listFolder(join(this.#footage, camera, date))) {
        const startMs = parseHourFolder(date, hour);
        if (startMs !== undefined && startMs <= range.toMs) folders.push({ camera, path: `${camera}/${date}/${hour}`, startMs });
      }
    }
    const first = folders.findIndex(({ startMs }) => startMs + hourMs + periodMsMax + segmentMsMax >= range.fromMs);
    return folders.slice(first === -1 ? -1 : Math.max(0, first - 1));
  }

  async #readFolder(folder: Folder, range: Range, findings: ArchiveFindings): Promise<void> {
    const names = await listFolder(join(this.#footage, folder.path));
    const present = new Set(names);
    const covered = new Set<string>();
    const problems: SallyportError[] = [];
    const lists: HourList[] = [];
    for (const name of names.filter((one) => parseHourListName(one) !== undefined)) {
      try {
        const list = await this.#readList(folder, name);
        if (list !== undefined) lists.push(inFolder(list, folder.path));
      } catch (error) {
        problems.push(asSallyportError(error));
      }
    }
    lists.push(...await this.#alarmLists(folder, names));
    for (const { segments } of lists) for (const { path } of segments) covered.add(nameOf(path));
    takeLists(lists.sort(byClass), { present, mayFetch: this.#fetch !== undefined }, range, findings);
    const unlisted = unlistedIn(folder, names, covered).filter((file) => file.startMs <= range.toMs && file.endMsMax > range.fromMs);
    const locked = problems.find(isLocked)?.code ?? 'SP_SLOT_MISSING';
    const lockedFiles = await this.#readUnlisted(folder, unlisted, problems, findings);
    if (lockedFiles.length > 0) addLocked(problems, locked, folder, lockedFiles);
    // A list that does not open may be of periods far from the range: it matters with its hour, or with a file.
    const matters = unlisted.length > 0 || (folder.startMs <= range.toMs && folder.startMs + hourMs > range.fromMs);
    if (matters) findings.problems.push(...problems);
  }

  /**
   * What days of alarms hold in an hour's folder: their lists lie in the first folder of their day, which may be the day before or after. Looked for only where
   * second headers say that something is held. One that does not open is told where its own folder is read.
   */
  async #alarmLists(folder: Folder, names: readonly string[]): Promise<HourList[]> {
    const held = new Set(names.flatMap((name) => parseHoldName(name) ?? []).map(({ slot }) => slot));
    if (held.size === 0) return [];
    const lists: HourList[] = [];
    const dayStartMs = Math.floor(folder.startMs / dayMs) * dayMs;
    for (const startMs of [dayStartMs - dayMs, dayStartMs, dayStartMs + dayMs]) {
      const place = { camera: folder.camera, startMs, path: periodFolder(folder.camera, startMs) };
      if (place.path === folder.path) continue; // its own lists are read already
      for (const name of await listFolder(join(this.#footage, place.path))) {
        if (!held.has(parseHourListName(name) ?? -1)) continue;
        const list = await this.#readList(place, name).catch(() => undefined);
        if (list?.class === 'alarm') lists.push({ ...inFolder(list, folder.path), gaps: [] });
      }
    }
    return lists;
  }

  /** undefined when it was purged in the meantime. */
  async #readList(folder: Folder, name: string): Promise<HourList | undefined> {
    const path = `${folder.path}/${name}`;
    const slot = parseHourListName(name) as number;
    const sealed = await this.#readSealed(path);
    if (sealed === undefined) return undefined;
    return this.#slots.use(slot, path, async (identity, period) => {
      const list = decodeHourList(openWhole(sealed, [identity], path), path);
      checkList(list, folder, period, path);
      return list;
    });
  }

  async #readSealed(path: string): Promise<Buffer | undefined> {
    try {
      const source = await FileSource.open(join(this.#footage, path));
      if (source.size > hourListBytesMax) throw new SallyportError('SP_HOUR_LIST', { file: path, reason: `it has ${source.size} bytes` });
      return await source.read(0, source.size);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** Adds what opens to the findings, other failures to `problems`; resolves with the paths of those for which there is no slot. */
  async #readUnlisted(folder: Folder, files: readonly UnlistedFile[], problems: SallyportError[], findings: ArchiveFindings): Promise<string[]> {
    const locked: string[] = [];
    for (const file of files) {
      try {
        const segment = await describeFile({ footage: this.#footage, slots: this.#slots, listed: await this.#slotsOfLists() }, folder, file);
        if (segment === 'locked') locked.push(file.path);
        else if (segment !== undefined) findings.segments.push(segment);
      } catch (error) {
        if (!isGone(error)) problems.push(asSallyportError(error));
      }
    }
    return locked;
  }

  /** The slots that lists name, by their file names alone: what is left is of periods that have none yet, which are few. */
  #slotsOfLists(): Promise<ReadonlySet<number>> {
    this.#listedSlots ??= this.#findSlotsOfLists();
    return this.#listedSlots;
  }

  async #findSlotsOfLists(): Promise<ReadonlySet<number>> {
    const slots = new Set<number>();
    for (const camera of await this.cameras()) {
      for (const folder of await this.#foldersOf(camera, { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY })) {
        for (const name of await listFolder(join(this.#footage, folder.path))) {
          const slot = parseHourListName(name);
          if (slot !== undefined) slots.add(slot);
        }
      }
    }
    return slots;
  }
}

async function checkFolders(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const info = await stat(join(folder, name)).catch((error: unknown) => {
      throw new SallyportError('SP_DATA_FOLDER', { folder, reason: `${name}: ${reasonOf(error)}` }, error);
    });
    if (!info.isDirectory()) throw new SallyportError('SP_DATA_FOLDER', { folder, reason: `${name}: not a folder` });
  }
}

/** A list is believed only in its own place: anybody can seal something to a period's public key. */
function checkList(list: HourList, folder: Folder, period: SlotFacts, path: string): void {
  const right = list.class === period.class && list.camera === folder.camera && list.camera === period.camera && list.slot === period.slot
    && list.start_ms === period.startMs && periodFolder(list.camera, list.start_ms) === folder.path
    && list.segments.every((record) => list.class === 'alarm' || parseSegmentPath(record.path)?.folder === folder.path);
  if (!right) throw new SallyportError('SP_HOUR_LIST', { file: path, reason: 'it is of another period' });
}

/** What a list tells of one folder; only that of alarms tells of others too. */
function inFolder(list: HourList, folder: string): HourList {
  return list.class === 'alarm' ? { ...list, segments: list.segments.filter(({ path }) => parseSegmentPath(path)?.folder === folder) } : list;
}

/** Footage first; of holds those that last the longest. */
function byClass(a: HourList, b: HourList): number {
  return Number(a.class !== 'footage') - Number(b.class !== 'footage') || b.deadline_ms - a.deadline_ms || a.slot - b.slot;
}

/** Several lists of a folder may tell one segment: it is found once, with all that open it. */
function takeLists(lists: readonly HourList[], { present, mayFetch }: { readonly present: ReadonlySet<string>; readonly mayFetch: boolean }, range: Range, findings: ArchiveFindings): void {
  const found = new Map<string, ArchiveSegment>();
  const missing = new Set<string>();
  for (const list of lists) {
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

type Sealed = Pick<ArchiveSegment, 'path' | 'slot' | 'heldBy' | 'archivedAt'>;

/** A period whose key opens a segment: by its own header, or by a second one. */
interface Way {
  readonly slot: number;
  readonly held: boolean;
}

function waysInto({ slot, heldBy = [] }: Sealed): Way[] {
  return [...(heldBy.includes(slot) ? [] : [{ slot, held: false }]), ...heldBy.map((one) => ({ slot: one, held: true }))];
}

function checkPath(path: string): void {
  if (parseSegmentPath(path) === undefined) throw new SallyportError('SP_INTERNAL', { reason: `"${path}" is no path of a segment` });
}

async function opens(opener: Opener): Promise<boolean> {
  try {
    await opener.read(0, 1);
    return true;
  } catch (error) {
    if (!isSallyportError(error, 'SP_AGE_PAYLOAD')) throw error;
    return false;
  }
}

function isLocked(error: SallyportError): boolean {
  return error.code === 'SP_SLOT_MISSING' || error.code === 'SP_WRONG_IDENTITY';
}

/** One sentence for all files of a shredded period, in place of those of their lists. */
function addLocked(problems: SallyportError[], code: ErrorCode, folder: Folder, files: readonly string[]): void {
  const lists = problems.filter((error) => error.code === code).length;
  for (const error of problems.filter((one) => one.code === code)) problems.splice(problems.indexOf(error), 1);
  const what = files.length + lists === 1 ? files[0] as string : `${files.length + lists} files in ${folder.path}`;
  problems.push(new SallyportError(code, { what }));
}

/** Of what was there and opened when it was listed: its key, or then its file, has been destroyed since, as its deadline has it. */
export function purgedMeanwhile(error: unknown): boolean {
  return isSallyportError(error, 'SP_SLOT_MISSING') || isGone(error);
}

function isGone(error: unknown): boolean {
  return isSallyportError(error, 'SP_READ') && isAbsent(error.cause);
}

/** What was brought may be let go while it is read, for room: then it is brought once more. */
async function broughtSource(bring: () => Promise<ByteSource>): Promise<ByteSource> {
  let source = await bring();
  return {
    size: source.size,
    read: async (offset, length) => {
      try {
        return await source.read(offset, length);
      } catch (error) {
        if (!isGone(error)) throw error;
        source = await bring();
        return source.read(offset, length);
      }
    },
  };
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
