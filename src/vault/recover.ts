/**
 * What each start settles, so that every file below footage/ is a row's again: purges that were written down are ended; a `.part` that a
 * crash left in a living period is cut to whole chunks and becomes a row; a closed file whose row did not come is adopted; a row
 * without file is remembered as missing; a second header whose row did not come gets it; everything else is garbage and goes. Each step may be repeated: a kill during recovery is
 * one more kill.
 */
import { rename, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { UnixMs } from '../base/clock.ts';
import { expecting, isSallyportError, reasonOf, SallyportError } from '../base/errors.ts';
import { removeFile, syncFolder } from '../base/files.ts';
import { chunkSealedBytes } from '../seal/opener.ts';
import { isHoldClass, type PeriodFacts } from './periodtable.ts';
import type { Begun, ClaimedPath, NewSegment } from './segmenttable.ts';
import { hashFile, readHeaderSize, truncateDurably, walkFootage } from './filehash.ts';
import { parseHoldName, parseHourListName, parseSegmentPath, partSuffix, periodFolder, type SegmentPath, type StreamName } from './footagepaths.ts';
import { readHold, sha256 } from './holds.ts';
import { finishPurges, removedFolder, type PurgeParts } from './purge.ts';

export interface Recovery {
  /** Segments that a crash cut, kept up to their last whole chunk. */
  readonly cut: number;
  /** Closed files whose row had not come. */
  readonly adopted: number;
  /** Files that belonged to nothing. */
  readonly removed: number;
  /** Files and folders that the disk did not let it settle; left as they are for the next time. */
  readonly unsettled: number;
  /** Paths, below footage/, of rows whose file is gone: newly found ones and those known before. */
  readonly missing: readonly string[];
  readonly purgesFinished: number;
  readonly tookMs: number;
}

/** A file time can be off by a stopped clock; no segment is taken to be longer than the longest that is recorded. */
const durationMsMax = 90_000;

const removedAtOnce = 64;

/** `inHand` names paths, without `.part`, that are left alone: somebody who knows more of them sees to them. */
export async function recover(parts: PurgeParts, inHand: (path: string) => boolean = () => false, kept: Kept = nothingKept): Promise<Recovery> {
  const beganMs = parts.clock.monotonicMs();
  const purgesFinished = (await finishPurges(parts)).length;
  const census = await Census.begin(parts, inHand, kept);
  try {
    for await (const { folder, files } of walkFootage(parts.footage, '', (path, error) => census.leave(path, error))) await census.settleFolder(folder, files);
    await census.finish();
  } catch (error) {
    throw isSallyportError(error) ? error : new SallyportError('SP_READ', { file: parts.footage, reason: reasonOf(error) }, error);
  }
  const { cut, adopted, removed, unsettled, missing } = census;
  const recovery = { cut, adopted, removed, unsettled, missing, purgesFinished, tookMs: Math.round(parts.clock.monotonicMs() - beganMs) };
  parts.log.info({ component: 'vault', ...recovery, missing: missing.length }, 'data folder settled');
  return recovery;
}

/** What may be footage of a period that the database does not know is left where it is. */
export interface Kept {
  /** In these folders. */
  readonly folders: Set<string>;
  /** The database was put back, and keys are there whose period it does not know: each such file's folder joins `folders`. */
  readonly unknownKeys: boolean;
  /** Numbers below a stream's last one may be of files that the database has never known. */
  readonly putBack: boolean;
}

export const nothingKept: Kept = { folders: new Set(), unknownKeys: false, putBack: false };

class Census {
  readonly #kept: Kept;
  readonly #parts: PurgeParts;
  readonly #livePeriods: ReadonlyMap<string, readonly PeriodFacts[]>;
  readonly #bySlot: ReadonlyMap<number, PeriodFacts>;
  readonly #nextSeqs: Map<string, number>;
  /** Folders in which rows have files; those that were not met at all lack them all. */
  readonly #foldersToMeet: Set<string>;
  readonly #found: string[] = [];
  readonly #newlyMissing: string[] = [];
  readonly #garbage: string[] = [];
  readonly #listsSeen = new Set<number>();
  readonly missing: string[] = [];
  cut = 0;
  adopted = 0;
  unsettled = 0;
  readonly #inHand: (path: string) => boolean;

  private constructor(parts: PurgeParts, inHand: (path: string) => boolean, kept: Kept, live: readonly PeriodFacts[], nextSeqs: Map<string, number>, folders: readonly string[]) {
    this.#parts = parts;
    this.#inHand = inHand;
    this.#kept = kept;
    this.#livePeriods = Map.groupBy(live, (period) => periodFolder(period.camera, period.startMs));
    this.#bySlot = new Map(live.map((period) => [period.slot, period]));
    this.#nextSeqs = nextSeqs;
    this.#foldersToMeet = new Set(folders);
  }

  static async begin(parts: PurgeParts, inHand: (path: string) => boolean, kept: Kept): Promise<Census> {
    const { database } = parts;
    const seqs = (await database.call('nextSeqs')).map(({ camera, stream, nextSeq }) => [`${camera}/${stream}`, nextSeq] as const);
    return new Census(parts, inHand, kept, await database.call('livePeriods'), new Map(seqs), await database.call('foldersWithRows'));
  }

  get removed(): number {
    return this.#garbage.length;
  }

  /** One sector that cannot be read must not keep a hub from starting: what the disk does not let us settle stays as it is. */
  leave(path: string, error: unknown): true {
    if (isSallyportError(error, 'SP_DATABASE') || isSallyportError(error, 'SP_DATABASE_DAMAGED')) throw error;
    this.#parts.log.warn({ component: 'vault', file: path, reason: reasonOf(error) }, 'could not be settled; left as it is');
    for (const folder of this.#foldersToMeet) if (folder === path || folder.startsWith(`${path}/`)) this.#foldersToMeet.delete(folder);
    this.unsettled++;
    return true;
  }

  async settleFolder(folder: string, files: readonly string[]): Promise<void> {
    this.#foldersToMeet.delete(folder);
    const claimed = isHourFolder(folder) ? await this.#claimedIn(folder) : new Map<string, ClaimedPath>();
    const claimedHolds = isHourFolder(folder) ? new Set(await this.#parts.database.call('holdsIn', { folder })) : new Set<string>();
    const present = new Set(files.map((name) => join(folder, name)));
    const garbage: string[] = [];
    // In the order of numbers, so that what is adopted raises the stream's last number step by step.
    for (const path of [...present].filter((one) => parseHoldName(one) === undefined).sort(bySeq)) {
      if (!(await this.#settleFile(path, claimed, present).catch((error: unknown) => this.leave(path, error))) && !this.#keeps(folder, path)) garbage.push(path);
    }
    // Once its segment is a row's again.
    for (const path of [...present].filter((one) => parseHoldName(one) !== undefined)) {
      if (!(await this.#settleHold(path, claimedHolds).catch((error: unknown) => this.leave(path, error))) && !this.#keeps(folder, path)) garbage.push(path);
    }
    this.#compare(claimed, present);
    await this.#removeGarbage(folder, garbage).catch((error: unknown) => this.leave(folder, error));
  }

  async finish(): Promise<void> {
    const { database, clock } = this.#parts;
    for (const folder of this.#foldersToMeet) this.#compare(await this.#claimedIn(folder), new Set());
    const atMs = Math.round(clock.wallMs());
    if (this.#newlyMissing.length > 0) await database.call('missing', { paths: this.#newlyMissing, atMs });
    if (this.#found.length > 0) await database.call('found', { paths: this.#found, atMs });
    if (this.#garbage.length > 0) await database.call('removed', { paths: this.#garbage, atMs });
    const listsLost = [...this.#livePeriods.values()].flat().filter((period) => period.listed && (period.segments > 0 || isHoldClass(period.class)) && !this.#listsSeen.has(period.id));
    if (listsLost.length > 0) await database.call('unlist', { periodIds: listsLost.map(({ id }) => id) });
    // What is left over is settled later, and needs to be known by then.
    if (this.unsettled === 0) await database.call('forgetBegun');
  }

  #keeps(folder: string, path: string): boolean {
    if (parseSegmentPath(path) === undefined && parseHoldName(path) === undefined && parseHourListName(path.split('/').at(-1) ?? '') === undefined) return false;
    if (this.#kept.unknownKeys) this.#kept.folders.add(folder);
    return this.#kept.folders.has(folder);
  }

  async #claimedIn(folder: string): Promise<Map<string, ClaimedPath>> {
    return new Map((await this.#parts.database.call('rowsIn', { folder })).map((row) => [row.path, row]));
  }

  /** False when the file belongs to nothing. */
  async #settleFile(path: string, claimed: ReadonlyMap<string, ClaimedPath>, present: Set<string>): Promise<boolean> {
    const listed = this.#periodOfList(path);
    if (listed !== undefined) this.#listsSeen.add(listed.id);
    if (listed !== undefined || claimed.has(path)) return true;
    const segment = parseSegmentPath(path);
    if (segment === undefined) return false;
    if (this.#inHand(segment.part ? path.slice(0, -partSuffix.length) : path)) return true;
    if (!segment.part) return this.#adopt(path, segment, present);
    const finalPath = path.slice(0, -partSuffix.length);
    const row = claimed.get(finalPath);
    if (row === undefined) return present.has(finalPath) ? false : this.#cutPart(path, finalPath, segment);
    // The row of a cut segment comes before its rename: end what a kill left between the two.
    if (present.has(finalPath) || (await stat(join(this.#parts.footage, path))).size !== row.sizeBytes) return false;
    await this.#rename(path, finalPath);
    present.add(finalPath);
    return true;
  }

  /** A second header: its row's, or one that waits for its row. False when its period or its segment is gone. */
  async #settleHold(path: string, claimed: ReadonlySet<string>): Promise<boolean> {
    if (claimed.has(path)) return true;
    const { segment = '', slot = -1 } = parseHoldName(path) ?? {};
    const [period, name] = [this.#holding(slot, dirname(path)), parseSegmentPath(segment)];
    if (period === undefined || name === undefined) return false;
    const hold = await readHold(join(this.#parts.footage, path), path).catch(expecting('SP_AGE_HEADER'));
    if (hold === undefined) return false;
    const { database, clock } = this.#parts;
    return (await database.call('addHolds', { periodId: period.id, what: 'hold.adopted', atMs: clock.wallMs(), holds: [{ stream: name.stream, seq: name.seq, sha256: sha256(hold) }] })).length > 0;
  }

  /** The living period that has that slot, if it may hold what lies in that folder: a hold keeps of its own hour, a day of alarms of the camera's. */
  #holding(slot: number, folder: string): PeriodFacts | undefined {
    const period = this.#bySlot.get(slot);
    if (period === undefined || !isHoldClass(period.class)) return undefined;
    return (period.class === 'alarm' ? folder.split('/')[0] === period.camera : folder === periodFolder(period.camera, period.startMs)) ? period : undefined;
  }

  /** The living period whose second header lies beside a file: what is left of its own, else the hold that dies last. */
  #holderOf(path: string, folder: string, present: ReadonlySet<string>): PeriodFacts | undefined {
    const slots = [...present].flatMap((name) => parseHoldName(name) ?? []).filter(({ segment }) => segment === path).map(({ slot }) => slot);
    return slots.flatMap((slot) => this.#holding(slot, folder) ?? []).sort((a, b) => Number(a.class !== 'rest') - Number(b.class !== 'rest') || b.deadlineMs - a.deadlineMs)[0];
  }

  /** A closed file: the crash came between its rename and its row. */
  async #adopt(path: string, segment: SegmentPath, present: ReadonlySet<string>): Promise<boolean> {
    const origin = await this.#originOf(segment, this.#holderOf(path, segment.folder, present));
    if (origin === undefined) return false;
    const file = join(this.#parts.footage, path);
    const headerBytes = await readHeaderSize(file, path).catch(expecting('SP_AGE_HEADER'));
    if (headerBytes === undefined) return false;
    const { mtimeMs } = await stat(file);
    const durationMs = clampDuration(mtimeMs - origin.startMs);
    const taken = await this.#addRow('segment.adopted', path, segment, origin, { ...(await hashFile(file, headerBytes)), durationMs, cutChunks: undefined });
    if (taken) this.adopted++;
    return taken;
  }

  /** A file that was being written: its whole chunks are kept, and its row says how many. */
  async #cutPart(path: string, finalPath: string, segment: SegmentPath): Promise<boolean> {
    const origin = await this.#originOf(segment);
    if (origin === undefined) return false;
    const file = join(this.#parts.footage, path);
    const { size, atime, mtime } = await stat(file);
    const lastWriteMs = Math.min(mtime.getTime(), origin.startMs + durationMsMax);
    const headerBytes = await readHeaderSize(file, path).catch(expecting('SP_AGE_HEADER')) ?? size;
    const chunks = Math.floor(Math.max(0, size - headerBytes) / chunkSealedBytes);
    if (chunks === 0) {
      await this.#noteGap(segment, origin.startMs, lastWriteMs, 'the hub stopped before the first piece of a segment was on disk');
      return false;
    }
    const kept = headerBytes + chunks * chunkSealedBytes;
    // The time of the last write stands for the segment's end; it must outlive the truncation, in case recovery is killed too.
    await truncateDurably(file, kept, async () => utimes(file, atime, mtime));
    const durationMs = clampDuration(((lastWriteMs - origin.startMs) * (kept - headerBytes)) / (size - headerBytes));
    const taken = await this.#addRow('segment.cut', finalPath, segment, origin, { ...(await hashFile(file, headerBytes)), durationMs, cutChunks: chunks });
    if (!taken) return false;
    await this.#rename(path, finalPath);
    await this.#noteGap(segment, origin.startMs + durationMs, lastWriteMs, `the hub stopped while recording; ${size - kept} bytes of an unfinished piece were dropped`);
    this.cut++;
    return true;
  }

  async #addRow(what: 'segment.cut' | 'segment.adopted', path: string, segment: SegmentPath, origin: Omit<Begun, 'camera' | 'stream' | 'seq'>, facts: Pick<NewSegment, 'sizeBytes' | 'headerBytes' | 'headerSha256' | 'bodySha256' | 'durationMs' | 'cutChunks'>): Promise<boolean> {
    const { camera, stream, seq } = segment;
    const row = await this.#parts.database.call('addSegment', {
      what,
      atMs: Math.round(this.#parts.clock.wallMs()),
      segment: { ...facts, periodId: origin.periodId, camera, stream, seq, path, boot: origin.boot, monoMs: origin.monoMs, startMs: origin.startMs, keyFrames: [], reason: 'continuous' },
    });
    this.#nextSeqs.set(`${camera}/${stream}`, Math.max(seq + 1, this.#nextSeqs.get(`${camera}/${stream}`) ?? 0));
    return row !== undefined;
  }

  /**
   * Of a file without a row: what was noted when it was begun, else what its name says, if it is newer than the stream's last row and
   * a living period has room for it, or holds it.
   */
  async #originOf({ camera, stream, seq, startMs, folder }: SegmentPath, holder?: PeriodFacts): Promise<Omit<Begun, 'camera' | 'stream' | 'seq'> | undefined> {
    const periods = (this.#livePeriods.get(folder) ?? []).filter((period) => !isHoldClass(period.class));
    const begun = await this.#parts.database.call('begunOf', { camera, stream, seq });
    if (begun !== undefined && Math.floor(begun.startMs / 1000) * 1000 === startMs) return periods.some(({ id }) => id === begun.periodId) ? begun : undefined;
    if (!this.#kept.putBack && seq < (this.#nextSeqs.get(`${camera}/${stream}`) ?? 0)) return undefined;
    // Its period may have been purged, and only what holds it be left.
    if (holder !== undefined) return { periodId: holder.id, boot: '', monoMs: 0, startMs };
    // The name tells whole seconds, a period may begin within one. Of several, the one that dies first: never keep for longer than was promised.
    const fitting = periods.filter((period) => startMs + 999 >= period.startMs && startMs < period.endMs).sort((a, b) => a.deadlineMs - b.deadlineMs)[0];
    return fitting === undefined ? undefined : { periodId: fitting.id, boot: '', monoMs: 0, startMs: Math.max(startMs, fitting.startMs) };
  }

  #periodOfList(path: string): PeriodFacts | undefined {
    const slot = parseHourListName(path.split('/').at(-1) ?? '');
    return slot === undefined ? undefined : this.#livePeriods.get(dirname(path))?.find((period) => period.slot === slot);
  }

  #compare(claimed: ReadonlyMap<string, ClaimedPath>, present: ReadonlySet<string>): void {
    for (const { path, state, archived } of claimed.values()) {
      if (present.has(path)) {
        if (state === 'missing') this.#found.push(path);
      } else if (archived === 1) continue;
      else if (state === 'missing') this.missing.push(path);
      else if (state !== 'garbage') {
        this.missing.push(path);
        this.#newlyMissing.push(path);
      }
    }
  }

  async #removeGarbage(folder: string, garbage: readonly string[]): Promise<void> {
    const { footage, database } = this.#parts;
    // A number that a file had is not used again, even when the file was garbage.
    const seqs = garbage.flatMap((path) => parseSegmentPath(path) ?? []).map(({ camera, stream, seq }) => ({ camera, stream, seq }));
    if (seqs.length > 0) await database.call('raiseSeqs', { seqs });
    for (let from = 0; from < garbage.length; from += removedAtOnce) {
      await Promise.all(garbage.slice(from, from + removedAtOnce).map((path) => removeFile(join(footage, path))));
    }
    if (garbage.length > 0) await syncFolder(join(footage, folder));
    this.#garbage.push(...garbage);
    const inUse = [...this.#livePeriods.keys()].some((live) => live === folder || live.startsWith(`${folder}/`));
    if (folder !== '' && folder !== 'lost+found' && !inUse) await removedFolder(join(footage, folder));
  }

  async #noteGap({ camera, stream }: { camera: string; stream: StreamName }, fromMs: UnixMs, toMs: UnixMs, detail: string): Promise<void> {
    if (toMs > fromMs) await this.#parts.database.call('addGap', { camera, stream, fromMs: Math.round(fromMs), toMs: Math.round(toMs), reason: 'hub stopped', detail });
  }

  async #rename(path: string, finalPath: string): Promise<void> {
    const { footage } = this.#parts;
    await rename(join(footage, path), join(footage, finalPath));
    await syncFolder(join(footage, dirname(finalPath)));
  }
}

function isHourFolder(folder: string): boolean {
  return folder.split('/').length === 3;
}

function bySeq(a: string, b: string): number {
  return (parseSegmentPath(a)?.seq ?? 0) - (parseSegmentPath(b)?.seq ?? 0);
}

function clampDuration(ms: number): number {
  return Math.round(Math.min(durationMsMax, Math.max(0, ms)));
}
