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
import { hourMs } from '../base/units.ts';
import { inRecordedOrder } from '../policy/order.ts';
import type { Identity } from '../seal/identity.ts';
import { Opener, openWhole } from '../seal/opener.ts';
import { findThumbnail, thumbnailIn, type ThumbnailPlace } from '../seal/thumbnail.ts';
import { ArchiveSlots, type SlotFacts } from './archiveslots.ts';
import { FileSource } from './filesource.ts';
import { isCameraId, parseDateFolder, parseHourFolder, parseHourListName, parseSegmentPath, periodFolder, periodMsMax, type StreamName } from './footagepaths.ts';
import { decodeHourList, hourListBytesMax, type HourList, type SegmentRecord } from './hourlist.ts';
import { Keyring } from './keyring.ts';
import { describeFile, segmentMsMax, unlistedIn, type UnlistedFile } from './unlisted.ts';

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
  /** When the hub found it to be not what was written. */
  readonly damagedMs?: UnixMs;
  /** Where its thumbnail's box lies in the opened bytes: as the list says, or as it was found in a file that no list covers. */
  readonly thumb?: ThumbnailPlace;
}

export interface ArchiveGap {
  readonly camera: string;
  readonly stream: StreamName;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly reason: string;
  readonly detail: string;
}

export interface ArchiveFindings {
  readonly segments: ArchiveSegment[];
  readonly gaps: ArchiveGap[];
  readonly problems: SallyportError[];
}

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
  #listedSlots: Promise<ReadonlySet<number>> | undefined;

  private constructor(footage: string, keyring: Keyring, slots: ArchiveSlots) {
    this.#footage = footage;
    this.#keyring = keyring;
    this.#slots = slots;
  }

  /** `identities` stay the caller's. SP_DATA_FOLDER; SP_KEYRING; SP_WRONG_IDENTITY when there are slots and none of them opens. */
  static async open(folder: string, identities: readonly Identity[], options: { log?: Log } = {}): Promise<Archive> {
    await checkFolders(folder, ['footage', 'keyring']);
    const keyring = await Keyring.open(join(folder, 'keyring'), { log: options.log ?? silentLog, writable: false });
    const archive = new Archive(join(folder, 'footage'), keyring, new ArchiveSlots(keyring, identities));
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

  /** The caller closes it. SP_SLOT_MISSING, SP_SEGMENT_MISSING, SP_READ, and what Opener.open throws. */
  async openSegment(segment: Pick<ArchiveSegment, 'path' | 'slot' | 'state' | 'sizeBytes' | 'cutChunks'>): Promise<Opener> {
    if (parseSegmentPath(segment.path) === undefined) throw new SallyportError('SP_INTERNAL', { reason: `"${segment.path}" is no path of a segment` });
    const source = await FileSource.open(join(this.#footage, segment.path), segment.state === 'unlisted' ? segment.sizeBytes : undefined);
    const options = segment.cutChunks === undefined ? {} : { cutChunks: segment.cutChunks };
    return this.#slots.use(segment.slot, segment.path, (identity) => Opener.open(source, [identity], segment.path, options));
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
    for (const name of names.filter((one) => parseHourListName(one) !== undefined)) {
      try {
        const list = await this.#readList(folder, name);
        for (const record of list?.segments ?? []) covered.add(nameOf(record.path));
        if (list !== undefined) takeList(list, present, range, findings);
      } catch (error) {
        problems.push(asSallyportError(error));
      }
    }
    const unlisted = unlistedIn(folder, names, covered).filter((file) => file.startMs <= range.toMs && file.endMsMax > range.fromMs);
    const locked = problems.find(isLocked)?.code ?? 'SP_SLOT_MISSING';
    const lockedFiles = await this.#readUnlisted(folder, unlisted, problems, findings);
    if (lockedFiles.length > 0) addLocked(problems, locked, folder, lockedFiles);
    // A list that does not open may be of periods far from the range: it matters with its hour, or with a file.
    const matters = unlisted.length > 0 || (folder.startMs <= range.toMs && folder.startMs + hourMs > range.fromMs);
    if (matters) findings.problems.push(...problems);
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
      if (isSallyportError(error, 'SP_READ') && isAbsent(error.cause)) return undefined;
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
        if (!(isSallyportError(error, 'SP_READ') && isAbsent(error.cause))) problems.push(asSallyportError(error));
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
  const right = list.camera === folder.camera && list.camera === period.camera && list.slot === period.slot
    && list.start_ms === period.startMs && periodFolder(list.camera, list.start_ms) === folder.path
    && list.segments.every((record) => parseSegmentPath(record.path)?.folder === folder.path);
  if (!right) throw new SallyportError('SP_HOUR_LIST', { file: path, reason: 'it is of another period' });
}

function takeList(list: HourList, present: ReadonlySet<string>, range: Range, findings: ArchiveFindings): void {
  for (const record of list.segments) {
    if (record.start_ms > range.toMs || record.start_ms + record.duration_ms < range.fromMs) continue;
    if (present.has(nameOf(record.path))) findings.segments.push(listedSegment(list, record));
    else findings.problems.push(new SallyportError('SP_SEGMENT_MISSING', { file: record.path }));
  }
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
    ...(record.damaged_ms === undefined ? {} : { damagedMs: record.damaged_ms }),
    ...(record.thumb === undefined ? {} : { thumb: record.thumb }),
  };
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
  return isSallyportError(error, 'SP_SLOT_MISSING') || (isSallyportError(error, 'SP_READ') && isAbsent(error.cause));
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
