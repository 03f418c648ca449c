/**
 * The archive: a data folder, or a copy of its `footage` and `keyring`, read with identities alone. No hub, no database, no working key:
 * hour lists and slots say everything, and where no list covers a file (the open hour, a copy taken meanwhile) the file's own metadata does.
 * Reads only; works on read-only media and beside a running hub.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, reasonOf, type ErrorCode } from '../base/errors.ts';
import { listFolder } from '../base/files.ts';
import { silentLog, type Log } from '../base/log.ts';
import { dayMs, hourMs } from '../base/units.ts';
import { inRecordedOrder } from '../policy/order.ts';
import type { Identity } from '../seal/identity.ts';
import { openWhole, type Opener } from '../seal/opener.ts';
import type { ArchiveFindings, ArchiveSegment, Folder, Range } from './archivefindings.ts';
import { ArchiveSlots } from './archiveslots.ts';
import { FileSource, isGone } from './filesource.ts';
import { isCameraId, parseDateFolder, parseHoldName, parseHourFolder, parseHourListName, periodFolder, periodMsMax } from './footagepaths.ts';
import { decodeHourList, hourListBytesMax, type HourList } from './hourlist.ts';
import { Keyring } from './keyring.ts';
import { checkList, inFolder, namesIn, takeLists } from './listed.ts';
import { SegmentOpening, type FetchSegment, type Sealed } from './segmentopening.ts';
import { describeFile, segmentMsMax, unlistedIn, type UnlistedFile } from './unlisted.ts';

export type { ArchiveSegment } from './archivefindings.ts';
export { purgedMeanwhile, type FetchSegment } from './segmentopening.ts';

export class Archive {
  readonly #footage: string;
  readonly #keyring: Keyring;
  readonly #slots: ArchiveSlots;
  readonly #opening: SegmentOpening;
  #listedSlots: Promise<ReadonlySet<number>> | undefined;

  private constructor(footage: string, keyring: Keyring, slots: ArchiveSlots, fetch: FetchSegment | undefined) {
    this.#footage = footage;
    this.#keyring = keyring;
    this.#slots = slots;
    this.#opening = new SegmentOpening(footage, slots, fetch);
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
    for await (const { folder, name } of this.#listFiles()) {
      try {
        const list = await this.#readList(folder, name);
        if (list !== undefined) yield { list };
      } catch (error) {
        yield { problem: asSallyportError(error) };
      }
    }
  }

  /**
   * By its own header, or by a second one that opens it. The caller closes it. SP_SLOT_MISSING, SP_SEGMENT_MISSING, SP_READ, and what
   * Opener.open throws; of what lies elsewhere alone SP_ARCHIVE_….
   */
  openSegment(segment: Sealed & Pick<ArchiveSegment, 'state' | 'sizeBytes' | 'cutChunks'>): Promise<Opener> {
    return this.#opening.open(segment);
  }

  /**
   * A second header that opens the segment for the period that has that slot. The period is looked at first: its slot must be there, open for
   * these identities, and be of the same camera, so that a hub cannot have footage sealed to whom it likes. What openSegment throws, and SP_HOLD.
   */
  secondHeader(segment: Sealed, to: { readonly slot: number; readonly recipient: string }): Promise<Buffer> {
    return this.#opening.secondHeader(segment, to);
  }

  /**
   * The JPEG of its first picture; undefined when it has none. Where its row says nothing (a hub found the file after a crash, and could
   * not look into it) it is looked for. Errors as `openSegment`, and SP_AGE_PAYLOAD where it lies in a damaged chunk.
   */
  thumbnail(segment: ArchiveSegment): Promise<Buffer | undefined> {
    return this.#opening.thumbnail(segment);
  }

  /** Begins to bring what lies elsewhere alone, for whoever opens it next; what goes wrong is told then. */
  ahead(segment: ArchiveSegment): void {
    this.#opening.ahead(segment);
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
    takeLists(lists, { present, mayFetch: this.#opening.mayFetch }, range, findings);
    const unlisted = unlistedIn(folder, names, namesIn(lists)).filter((file) => file.startMs <= range.toMs && file.endMsMax > range.fromMs);
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
    for await (const { slot } of this.#listFiles()) slots.add(slot);
    return slots;
  }

  async *#listFiles(): AsyncGenerator<{ readonly folder: Folder; readonly name: string; readonly slot: number }> {
    for (const camera of await this.cameras()) {
      for (const folder of await this.#foldersOf(camera, { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY })) {
        for (const name of await listFolder(join(this.#footage, folder.path))) {
          const slot = parseHourListName(name);
          if (slot !== undefined) yield { folder, name, slot };
        }
      }
    }
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
