/**
 * The vault: everything that lies on the hub's disk, and the one owner of what must agree there: sealed segment files and their rows,
 * slots and their periods, the audit, receipts and checkpoints.
 *
 * It may touch the data folder and the working database (in a thread of its own: a commit may take seconds on a card, and the main
 * thread never waits for it). It must never hold a period's private key beyond making it, write plaintext of footage, reach a network,
 * or decide when something is deleted: the duties ask, the vault does it and says so.
 *
 * Order is everything here: a slot is on disk in both keyring files before the first byte is sealed to it; a file is durable under its
 * final name before its row; a slot is shredded before anything else of its period goes, and is free only when the period's row is gone.
 * So each file is exactly one of: a row's, garbage, or newer than the last row (recover.ts settles it at each start). A segment that a
 * second header keeps stays when its period goes; its row moves to the hold's period, in the transaction that marks the purge.
 *
 * The disk may refuse, fill up, slow down or be pulled at any call. Nothing is acknowledged then that is not durable; `mend`, which a duty
 * calls every few seconds, settles what was left half done, lets go of a disk that is gone, and opens it anew when it is back.
 * docs/ARCHITECTURE.md shows the way of the data, docs/FORMAT.md each byte, docs/THREAT_MODEL.md what a thief finds.
 */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { removeFile } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import type { FileKey } from '../seal/filekey.ts';
import { makeHold } from '../seal/hold.ts';
import { randomBytes } from '../seal/secure.ts';
import { secondMs } from '../base/units.ts';
import type { AccountsBook, AccountsChange } from './accounts.ts';
import type { AuditEntry } from './audit.ts';
import type { GapRow, Hole, HoleQuery } from './gaptable.ts';
import type { Period, PeriodBytes, PeriodFacts } from './periodtable.ts';
import { segmentId, type SegmentRow, type TimeQuery } from './segmenttable.ts';
import { checkTables, copyPeriod, writeCopy } from './copies.ts';
import type { Name } from './database.ts';
import { lookAtDisk, within, type DiskState } from './diskcare.ts';
import { holdName, parseSegmentId, partSuffix, segmentPath, type StreamName } from './footagepaths.ts';
import { readHold, sha256, writeHolds, type SecondHeader } from './holds.ts';
import type { ErasePlan, HeldSegment, HoldFacts, HoldOrder, SegmentKey } from './holdtable.ts';
import { makePeriodFolder, writeHourList } from './hourlists.ts';
import type { ObservationQuery, ObservationRow, ObservedBefore } from './observations.ts';
import type { Operations } from './operations.ts';
import { completePapers, issueCheckpoint, receiptFile, removeSigned } from './paperwork.ts';
import { openParts, placeOf, type Parts } from './parts.ts';
import { PeriodKeys, type NewPeriod } from './periodkeys.ts';
import { finishPurges, purgePeriods, type PurgeParts, type PurgeStep } from './purge.ts';
import type { PurgeReason, Receipt } from './receipts.ts';
import { endReconcile, keptFoldersSetting, reconcile, reconcileSetting, type ReconcileOrder, type Reconciliation } from './reconcile.ts';
import { recover, type Kept, type Recovery } from './recover.ts';
import { replaceSlot, settleReplacement, type ReplaceStep, type SlotReplacement } from './replaceslot.ts';
import { Salvage, type Leftover, type SalvageParts } from './salvage.ts';
import { Scrub } from './scrub.ts';
import { SegmentFile } from './segmentfile.ts';
import { SealedFile, type SegmentName as ServedName } from './served.ts';
import { Turns } from './turns.ts';
import { loadWorkingKey } from './workingkey.ts';
import { OpenSegment, type SegmentWriter } from './writer.ts';

export type { AccountRow, AccountsBook, AccountsChange, DeviceRow, InvitationRow, SessionRow, TokenRow } from './accounts.ts';
export type { GapRow } from './gaptable.ts';
export type { Period, PeriodBytes, PeriodClass, PeriodFacts } from './periodtable.ts';
export type { SegmentRow, TimeQuery } from './segmenttable.ts';
export type { ErasePlan, HoldFacts, HoldOrder } from './holdtable.ts';
export type { SecondHeader } from './holds.ts';
export type { DiskState } from './diskcare.ts';
export type { ObservationRow } from './observations.ts';
export type { NewPeriod } from './periodkeys.ts';
export type { PurgeReason, Receipt } from './receipts.ts';
export type { Recovery } from './recover.ts';
export type { SealedFile } from './served.ts';
export type { Pacer, Scrub } from './scrub.ts';
export type { SegmentWriter } from './writer.ts';

export interface VaultOptions {
  readonly folder: string;
  /** A file that holds the working key; else `working.key` in the folder. */
  readonly workingKeyFile?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly hubName: string;
  /** For tests that kill between steps. */
  readonly hooks?: { readonly afterStep?: (step: PurgeStep | ReplaceStep) => Promise<void> | void };
}

export interface SegmentBeginning {
  readonly period: Period;
  readonly stream: StreamName;
  readonly ftyp: Uint8Array;
  readonly moov: Uint8Array;
  /** Wall and monotonic time of the first frame. */
  readonly wallMs: UnixMs;
  readonly monoMs: number;
  readonly boot: string;
  readonly clockState: 'synchronised' | 'unsynchronised';
}

export interface FootageFacts {
  readonly camera: string;
  readonly segments: number;
  readonly bytes: number;
  readonly oldestMs: UnixMs;
  readonly newestEndMs: UnixMs;
}

export interface DiskFacts {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

const gapTextMax = 500;
/** Of a hold, in the owner's words. */
export const labelMax = 100;
const garbageMax = 1_000;
const gapsMax = 1_000;
const observationsAtOnce = 1_000;

/** Periods that were purged since the start; a recorder's stale period is known by them. */
const purgedKept = 10_000;

/** How long a disk that failed is left alone before it is opened anew; doubled while it goes on failing. */
const reopenAfterMs = secondMs;
const reopenAfterMsMax = 30 * secondMs;
/** Closing handles of a disk that hangs is not waited for longer. */
const letGoMsMax = 3 * secondMs;
/** Nobody who asks for the state of things waits longer for the disk than this. */
const answerMsMax = 2 * secondMs;

export class Vault {
  readonly #o: VaultOptions;
  /** Undefined while the disk is away. */
  #parts: Parts | undefined;
  readonly #vaultId: string;
  readonly #publicKey: string;
  #disk: DiskState;
  /** Something was refused since the disk was last seen to take what is written. */
  #suspected = false;
  /** Receipts, checkpoints or a log with old pages may have been left behind by something that failed. */
  #paperwork = false;
  #mending: Promise<void> | undefined;
  #reopenAtMs = -Infinity;
  #reopenWaitMs = reopenAfterMs;
  readonly #salvage = new Salvage();
  /** Files that could not be removed when they should have been; absolute paths. */
  readonly #garbage = new Set<string>();
  /** Paths of segments whose file is being made. */
  readonly #beginning = new Set<string>();
  /** That the disk did not take yet. */
  readonly #gaps: GapRow[] = [];
  #footageFacts: readonly FootageFacts[] = [];
  #diskFacts: DiskFacts = { freeBytes: 0, totalBytes: 0 };
  /** Making keys: no two periods may see the same slot as free. */
  readonly #slotTurns = new Turns();
  /** Hour lists, purges and checkpoints: a list must not come back into a purged folder, numbers must not meet. */
  readonly #turns = new Turns();
  readonly #copyTurns = new Turns();
  /** The hub's own holds: no two may begin the same wish. */
  readonly #holdTurns = new Turns();
  readonly #open = new Map<string, OpenSegment>();
  readonly #nextSeqs = new Map<string, number>();
  readonly #purged = new Set<number>();
  /** Periods that take no new segments, because they are about to be purged before their end. */
  readonly #full = new Set<number>();
  readonly #keys: PeriodKeys;
  /** Looks whether what lies on the disk is still what was written. */
  readonly scrub: Scrub;
  /** Why the database is not to be trusted; stays when its thread has gone. */
  #databaseDoubt: string | undefined;
  #reconciliation: Reconciliation | undefined;
  #recovery: Recovery = { cut: 0, adopted: 0, removed: 0, unsettled: 0, missing: [], purgesFinished: 0, tookMs: 0 };

  private constructor(options: VaultOptions, parts: Parts) {
    this.#o = options;
    this.#parts = parts;
    this.#vaultId = parts.facts.id;
    this.#publicKey = parts.signer.publicKey;
    this.#keys = new PeriodKeys(options.log, () => this.#now());
    this.scrub = new Scrub({ footage: parts.footage, call: (op, ...args) => this.#call(op, ...args), clock: options.clock });
    this.#disk = { state: 'well', reason: '', sinceMs: this.#now() };
  }

  /**
   * Locks the folder, opens the database and the keyring, ends what a kill left undone. SP_DATA_FOLDER, SP_DATA_LOCKED,
   * SP_WRONG_WORKING_KEY, SP_NO_WORKING_KEY, SP_DATABASE_NEWER, SP_DATABASE, SP_KEYRING.
   */
  static async open(options: VaultOptions): Promise<Vault> {
    const parts = await openParts(options);
    try {
      const vault = new Vault(options, parts);
      await vault.#settleFolder(parts);
      return vault;
    } catch (error) {
      await parts.lifetime.close().catch(() => {});
      throw error;
    }
  }

  /** What the start, or the last return of the disk, had to repair. */
  get recovery(): Recovery {
    return this.#recovery;
  }

  /** Why the working database is not to be trusted, in words: a damaged page that was met, or an older state that was put back. */
  get databaseDoubt(): string | undefined {
    this.#databaseDoubt ??= this.#parts?.doubt ?? this.#parts?.database.damage?.message;
    return this.#databaseDoubt;
  }

  /** Sealed bytes that wait for the disk, of all open segments: whoever else uses the disk waits while they are many. */
  get backlogBytes(): number {
    return [...this.#open.values()].reduce((sum, writer) => sum + writer.backlogBytes, 0);
  }

  /** What had to be brought back, when the database had been put back from a copy or made anew. */
  get reconciliation(): Reconciliation | undefined {
    return this.#reconciliation;
  }

  /** "ssh-ed25519 …", also in `hub.pub`. */
  get publicKey(): string {
    return this.#publicKey;
  }

  /** Abandons what is still open, signs a last checkpoint, closes the database (which truncates its log) and unlocks the folder. */
  async close(): Promise<void> {
    await this.#mending;
    await Promise.all([...this.#open.values()].map(async (writer) => {
      await writer.settled;
      if (this.#open.has(writer.id)) await writer.abandon();
    }));
    const parts = this.#parts;
    if (parts === undefined) return;
    await this.#salvage.settle(this.#salvageParts(parts), true);
    try {
      if (parts.database.failure === undefined) await this.checkpoint();
    } finally {
      this.#parts = undefined;
      await parts.lifetime.close();
    }
  }

  // the disk

  /** As `mend` saw it last. */
  get disk(): DiskState {
    return this.#disk;
  }

  /**
   * Looks at the disk and brings the vault in line with it: what a fault left half done is settled; a disk that is gone or refuses is let
   * go of, so that it can be unmounted; one that is back is opened anew, if it is ours, and settled as at a start. Call it every few
   * seconds, and at once after something failed. Never rejects, never overlaps.
   */
  mend(): Promise<void> {
    this.#mending ??= this.#mend().catch((error: unknown) => this.#suspect(error)).finally(() => {
      this.#mending = undefined;
    });
    return this.#mending;
  }

  async #mend(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return this.#reopen();
    const trouble = await lookAtDisk(parts, this.#o.clock, this.#suspected || this.#disk.state !== 'well');
    if (trouble !== undefined) this.#tellDisk(trouble);
    if (trouble?.state === 'gone' || trouble?.state === 'failing') return this.#letGo(parts);
    if (trouble === undefined) {
      this.#suspected = false;
      this.#tellDisk({ state: 'well', reason: '' });
    }
    await this.#settle(parts);
  }

  /** What was left half done. What fails keeps nothing else from being settled, and is tried again. */
  async #settle(parts: Parts): Promise<void> {
    this.#suspect(await this.#salvage.settle(this.#salvageParts(parts)));
    for (const step of [() => this.#removeGarbage(), () => this.#noteGaps(parts), () => this.#completeFiling(parts)]) {
      await step().catch((error: unknown) => this.#suspect(error));
    }
  }

  async #removeGarbage(): Promise<void> {
    for (const file of this.#garbage) {
      await removeFile(file);
      this.#garbage.delete(file);
    }
  }

  async #noteGaps(parts: Parts): Promise<void> {
    for (let gap = this.#gaps[0]; gap !== undefined; gap = this.#gaps[0]) {
      await parts.database.call('addGap', gap);
      if (this.#gaps[0] === gap) this.#gaps.shift();
    }
  }

  async #completeFiling(parts: Parts): Promise<void> {
    if (!this.#paperwork) return;
    await this.#turns.take(async () => {
      await finishPurges(this.#purgeParts(parts));
      await completePapers(this.#purgeParts(parts));
      await parts.database.call('truncateWal');
    });
    this.#paperwork = false;
  }

  /** Ends all use of the disk's handles, without waiting for a disk that hangs: they would keep it from being unmounted. */
  async #letGo(parts: Parts): Promise<void> {
    this.#parts = undefined;
    for (const writer of this.#open.values()) writer.fail(this.#diskError());
    this.#reopenWaitMs = reopenAfterMs;
    this.#reopenAtMs = this.#o.clock.monotonicMs() + reopenAfterMs;
    this.#o.log.error({ component: 'vault', state: this.#disk.state }, this.#diskError().message);
    await this.#release(parts);
  }

  async #release(parts: Parts): Promise<void> {
    const closed = parts.database.abort().then(() => parts.lifetime.close());
    await within(this.#o.clock, letGoMsMax, closed, () => this.#diskError()).catch(() => {});
  }

  async #reopen(): Promise<void> {
    if (this.#o.clock.monotonicMs() < this.#reopenAtMs) return;
    let parts: Parts | undefined;
    try {
      parts = await openParts(this.#o, { vaultId: this.#vaultId });
      await this.#settleFolder(parts);
      this.#parts = parts;
    } catch (error) {
      if (parts !== undefined) await this.#release(parts);
      this.#reopenAtMs = this.#o.clock.monotonicMs() + this.#reopenWaitMs;
      this.#reopenWaitMs = Math.min(reopenAfterMsMax, 2 * this.#reopenWaitMs);
      const gone = asSallyportError(error).code === 'SP_DISK';
      return this.#tellDisk({ state: gone ? 'gone' : 'failing', reason: gone ? String(asSallyportError(error).evidence['reason']) : asSallyportError(error).message });
    }
    this.#suspected = false;
    this.#tellDisk({ state: 'well', reason: '' });
    this.#o.log.info({ component: 'vault' }, 'the disk is back; recording goes on');
    await this.#settle(parts);
  }

  /**
   * Puts another text into a living period's slot: the same key, which the owner's device has sealed to other people. SP_SLOT_CHANGED when the slot holds
   * something else by now; what is wrong with the text as `checkSlotText` says it; SP_WRITE.
   */
  replaceSlot(r: SlotReplacement): Promise<void> {
    return this.#slotTurns.take(() => this.#turns.take(() => this.#with((parts) => replaceSlot(parts, r, this.#o.clock.wallMs(), (step) => this.#o.hooks?.afterStep?.(step)))));
  }

  /** As a start does it: every file is a row's again, purges are ended, papers are written. What the salvage waits for is left to it: it knows more. */
  async #settleFolder(parts: Parts): Promise<void> {
    const purgeParts = this.#purgeParts(parts);
    await settleReplacement(parts, this.#o.clock.wallMs());
    const kept = await this.#reconcile(parts, purgeParts);
    this.#recovery = await recover(purgeParts, (path) => this.#isInHand(path), kept);
    if (kept.folders.size > 0) await parts.database.call('putSetting', { name: keptFoldersSetting, json: canonicalJson([...kept.folders].sort()) });
    if (kept.putBack) await endReconcile(purgeParts);
    await completePapers(purgeParts);
    for (const { camera, stream, nextSeq } of await parts.database.call('nextSeqs')) {
      const key = `${camera}/${stream}`;
      this.#nextSeqs.set(key, Math.max(nextSeq, this.#nextSeqs.get(key) ?? 0));
    }
  }

  /** When the database was put back, what happened since comes first. */
  async #reconcile(parts: Parts, purgeParts: PurgeParts): Promise<Kept> {
    const setting = async (name: string): Promise<unknown> => JSON.parse(await parts.database.call('setting', { name }) ?? 'null');
    const folders = new Set(((await setting(keptFoldersSetting)) ?? []) as string[]);
    const order = (await setting(reconcileSetting)) as ReconcileOrder | null;
    if (order === null) return { folders, unknownKeys: false, putBack: false };
    const workingKey = await loadWorkingKey({ folder: parts.folder, ...(this.#o.workingKeyFile === undefined ? {} : { credential: this.#o.workingKeyFile }), mayCreate: false });
    const hub = workingKey.hubIdentity();
    workingKey.close();
    try {
      this.#reconciliation = await reconcile(purgeParts, hub, order);
      return { folders, unknownKeys: this.#reconciliation.unknownSlots > 0, putBack: true };
    } finally {
      hub.close();
    }
  }

  #tellDisk(now: Omit<DiskState, 'sinceMs'>): void {
    this.#disk = { ...now, sinceMs: now.state === this.#disk.state ? this.#disk.sinceMs : this.#now() };
  }

  /** A failure that a look at the disk should follow. */
  #suspect(error: unknown): void {
    if (error !== undefined) this.#suspected = true;
  }

  #diskError(): SallyportError {
    return new SallyportError('SP_DISK', { folder: this.#o.folder, reason: this.#disk.reason === '' ? 'it is being opened' : this.#disk.reason });
  }

  #ready(): Parts {
    if (this.#parts === undefined) throw this.#diskError();
    return this.#parts;
  }

  async #call<K extends Name>(op: K, ...args: Parameters<Operations[K]>): Promise<ReturnType<Operations[K]>> {
    try {
      return await this.#ready().database.call(op, ...args);
    } catch (error) {
      this.#suspect(error);
      throw error;
    }
  }

  /** `deed` with parts that are open now; what fails is looked into. */
  async #with<T>(deed: (parts: Parts) => Promise<T>): Promise<T> {
    try {
      return await deed(this.#ready());
    } catch (error) {
      this.#suspect(error);
      throw error;
    }
  }

  // periods and segments

  /**
   * The period of this camera, class, start, deadline and recipients, made if it is not there: its slot is in both keyring files, read back, before
   * its row is written. SP_NO_SLOT.
   */
  preparePeriod(p: NewPeriod): Promise<Period> {
    return this.#slotTurns.take(() => this.#with(async (parts) => {
      const found = await this.#keys.find(parts, p);
      return found === undefined || this.#full.has(found.id) ? this.#makePeriod(parts, p) : found;
    }));
  }

  async #makePeriod(parts: Parts, p: NewPeriod): Promise<Period> {
    const period = await this.#keys.make(parts, p);
    // Ahead of time, as the slot: on a slow card each new name's sync takes seconds. When it fails, the first segment makes it.
    if (p.class !== 'database') await makePeriodFolder(parts.footage, period).catch((error: unknown) => this.#suspect(error));
    return period;
  }

  // copies of the database

  /** Whole ones, oldest first. */
  async copies(): Promise<PeriodFacts[]> {
    return (await this.#call('copies')).filter(({ listed }) => listed);
  }

  /** Makes one and destroys all but the newest two. SP_DATABASE_DAMAGED when the database is not whole: then the older ones stay. */
  makeCopy(): Promise<void> {
    return this.#copyTurns.take(async () => {
      await this.#writeCopy();
      await this.#dropCopies(2, 'a newer copy of the database replaced it');
    });
  }

  /** A new copy, and the keys of all older ones shredded: for after an erasure, whose traces they hold. */
  renewCopies(why: string): Promise<void> {
    return this.#copyTurns.take(async () => {
      await this.#writeCopy();
      await this.#dropCopies(1, why);
    });
  }

  async #writeCopy(): Promise<void> {
    await this.#with((parts) => checkTables(parts));
    const period = await this.preparePeriod(copyPeriod(await this.#freeCopyTime(), this.#ready().hubRecipient));
    await this.#with((parts) => writeCopy(parts, period, this.#o.clock));
  }

  /** Copies are named by the second. */
  async #freeCopyTime(): Promise<UnixMs> {
    const taken = new Set((await this.#call('copies')).map(({ startMs }) => startMs));
    let atMs = Math.floor(this.#now() / secondMs) * secondMs;
    while (taken.has(atMs)) atMs += secondMs;
    return atMs;
  }

  /** Also what a kill left half made. */
  async #dropCopies(keep: number, why: string): Promise<void> {
    const all = await this.#call('copies');
    const kept = all.filter(({ listed }) => listed).sort((a, b) => a.id - b.id).slice(-keep);
    const leaving = all.filter((copy) => !kept.includes(copy));
    if (leaving.length > 0) await this.purge(leaving, { early: why });
  }

  /** Opens the next segment of a stream. SP_WRITE; SP_DISK; SP_SLOT_MISSING when the period was purged. */
  beginSegment(s: SegmentBeginning): Promise<SegmentWriter> {
    return this.#with((parts) => this.#begin(parts, s));
  }

  async #begin(parts: Parts, s: SegmentBeginning): Promise<SegmentWriter> {
    const { period, stream, boot } = s;
    const seq = this.#takeSeq(period.camera, stream);
    const startMs = Math.round(s.wallMs);
    const monoMs = Math.round(s.monoMs);
    const path = segmentPath(period.camera, period.startMs, { startMs, seq, stream });
    if (this.#purged.has(period.id)) throw new SallyportError('SP_SLOT_MISSING', { what: path });
    await this.#checkPlace(parts);
    // A hint for recovery; that it failed is no reason to lose the segment.
    parts.database.call('noteBegun', { camera: period.camera, stream, seq, periodId: period.id, boot, monoMs, startMs }).catch((error: unknown) => this.#suspect(error));
    const file = await this.#beginFile(path, {
      footage: parts.footage, path, recipient: period.recipient, ftyp: s.ftyp, moov: s.moov, clock: this.#o.clock,
      metadata: { v: 1, camera: period.camera, stream, seq, boot, mono_ms: monoMs, wall_ms: startMs, clock: s.clockState },
    });
    const id = segmentId({ camera: period.camera, stream, seq });
    const writer = new OpenSegment({ period, stream, seq, path, boot, monoMs, startMs }, file, {
      footage: parts.footage, clock: this.#o.clock, database: parts.database,
      previous: () => this.#earlierCloses(period.camera, stream, seq),
      earlierBacklogBytes: () => this.#earlier(period.camera, stream, seq).reduce((sum, { ownBacklogBytes }) => sum + ownBacklogBytes, 0),
      ended: (leftover) => this.#ended(id, leftover),
    });
    this.#open.set(id, writer);
    if (this.#parts !== parts) {
      await writer.abandon({ durationMs: 0, gap: 'disk' });
      throw this.#diskError();
    }
    if (this.#full.has(period.id)) writer.end();
    if (this.#purged.has(period.id)) {
      writer.purge();
      await writer.abandon();
      throw new SallyportError('SP_SLOT_MISSING', { what: path });
    }
    return writer;
  }

  async #beginFile(path: string, options: Parameters<typeof SegmentFile.begin>[0]): Promise<SegmentFile> {
    this.#beginning.add(path);
    try {
      return await SegmentFile.begin(options);
    } catch (error) {
      if (this.#garbage.size < garbageMax) this.#garbage.add(join(options.footage, path) + partSuffix);
      throw error;
    } finally {
      this.#beginning.delete(path);
    }
  }

  #ended(id: string, leftover: Leftover | undefined): void {
    this.#open.delete(id);
    if (leftover === undefined) return;
    this.#salvage.add(leftover);
    this.#suspect(leftover);
  }

  /** By path, another disk may be in the place of the one whose handles we hold; nothing may be begun there. */
  async #checkPlace(parts: Parts): Promise<void> {
    const { device, inode } = await placeOf(parts.folder);
    if (device !== parts.place.device || inode !== parts.place.inode) throw new SallyportError('SP_DISK', { folder: parts.folder, reason: 'its disk is not mounted there any more' });
  }

  /** Writes the hour lists of ended periods that have no open segment; answers how many. One that cannot be written now keeps no other from it, and is tried again. */
  finishPeriods(nowMs: UnixMs): Promise<number> {
    return this.#turns.take(() => this.#with(async (parts) => {
      let finished = 0;
      for (const period of await parts.database.call('unlistedPeriods', { nowMs })) {
        if (this.#hasOpen(period.id)) continue;
        if (await this.#tryHourList(parts, period)) finished++;
      }
      return finished;
    }));
  }

  async #tryHourList(parts: Parts, period: Period): Promise<boolean> {
    try {
      return await writeHourList(parts, period);
    } catch (error) {
      this.#suspect(error);
      this.#o.log.warn({ component: 'vault', camera: period.camera, code: asSallyportError(error).code }, `an hour list is not written yet: ${asSallyportError(error).message}`);
      return false;
    }
  }

  /** Noted once, however often it is told. What the disk does not take now is kept until it does, so that no missing second goes unexplained. */
  async addGap(g: GapRow): Promise<void> {
    const fromMs = Math.round(g.fromMs);
    const gap = { ...g, fromMs, toMs: Math.max(fromMs, Math.round(g.toMs)), detail: g.detail.slice(0, gapTextMax) };
    await this.#call('addGap', gap).catch(() => {
      this.#gaps.push(gap);
      if (this.#gaps.length > gapsMax) this.#gaps.shift();
    });
  }

  segments(q: TimeQuery): Promise<SegmentRow[]> {
    return this.#call('segments', q);
  }

  gaps(q: TimeQuery): Promise<GapRow[]> {
    return this.#call('gaps', q);
  }

  /** Times of which neither a segment nor a gap says anything, between a stream's first and its last. */
  holes(q: HoleQuery): Promise<Hole[]> {
    return this.#call('holes', q);
  }

  /** Where the stream's last segment or gap ends; undefined when there is none. */
  accountedMs(camera: string, stream: StreamName): Promise<UnixMs | undefined> {
    return this.#call('accountedMs', { camera, stream });
  }

  /** Per camera, of what is not purged. Of a disk that is away or does not answer: what it said last. */
  async footageFacts(): Promise<readonly FootageFacts[]> {
    this.#footageFacts = await this.#inTime(this.#call('footageFacts')) ?? this.#footageFacts;
    return this.#footageFacts;
  }

  /** As it is now: what is destroyed early depends on it. SP_READ, SP_DISK. */
  async diskFacts(): Promise<DiskFacts> {
    this.#diskFacts = await this.#with(({ footage }) => spaceOf(footage));
    return this.#diskFacts;
  }

  /** Only to be shown: of a disk that is away or does not answer, what it said last. */
  async shownDiskFacts(): Promise<DiskFacts> {
    return await this.#inTime(this.diskFacts()) ?? this.#diskFacts;
  }

  async #inTime<T>(work: Promise<T>): Promise<T | undefined> {
    return within(this.#o.clock, answerMsMax, work, () => this.#diskError()).catch(() => undefined);
  }

  /**
   * Reads the keyring whole and mends what one file lacks; what was shredded and is back in an older file is shredded again. Answers what
   * is to be told, and undefined when both files are as they should be. SP_WRITE, SP_KEYRING, SP_DATABASE, SP_DISK.
   */
  checkKeyring(): Promise<string | undefined> {
    return this.#slotTurns.take(() => this.#turns.take(() => this.#with((parts) => this.#keys.check(parts))));
  }

  // holds

  /**
   * The hub's own hold, while it has the segment's file key: keeps it until `deadlineMs`, for these recipients. False when its row is gone
   * already. The key stays the caller's. SP_NO_SLOT, SP_WRITE, SP_DATABASE, SP_DISK.
   */
  hold(segment: string, fileKey: FileKey, o: { deadlineMs: UnixMs; recipients: readonly string[]; label?: string }): Promise<boolean> {
    return this.#holdTurns.take(async () => {
      const key = parseSegmentId(segment);
      const row = key === undefined ? undefined : await this.#call('segment', key);
      const own = row === undefined || row.state === 'garbage' ? undefined : await this.#call('period', { id: row.periodId });
      if (row === undefined || own === undefined) return false;
      const { camera, startMs, endMs } = own;
      const deadlineMs = Math.round(o.deadlineMs);
      const order = await this.#call('hubOrder', { camera, startMs, deadlineMs }) ?? newOrderId();
      const hold: HoldOrder = { order, maker: 'hub', label: (o.label ?? '').slice(0, labelMax) };
      const period = await this.preparePeriod({ camera, class: 'hold', startMs, endMs, deadlineMs, recipients: o.recipients, hold });
      await this.addHolds(period, [{ stream: row.stream, seq: row.seq, header: makeHold(fileKey, period.recipient) }]);
      return true;
    });
  }

  /**
   * Second headers for a period of class `hold` or `rest`, made by whoever had the file keys; answers how many were taken, each durable. What
   * a device made the hub cannot check beyond its shape: one that is wrong opens nothing, and replaces none. SP_AGE_HEADER, SP_WRITE, SP_DATABASE.
   */
  addHolds(period: Pick<Period, 'id' | 'slot'>, headers: readonly SecondHeader[]): Promise<number> {
    return this.#turns.take(() => this.#with((parts) => writeHolds({ footage: parts.footage, database: parts.database, clock: this.#o.clock }, period, headers)));
  }

  /** The segments of which a period of class `hold` or `rest` has a second header, durable. */
  heldSegments(periodId: number): Promise<SegmentKey[]> {
    return this.#call('heldSegments', { periodId });
  }

  /** What is held, and until when; the first to end first. */
  holdOrders(): Promise<HoldFacts[]> {
    return this.#call('holdOrders');
  }

  /** The wish that a period of class `hold` or `rest` belongs to. */
  orderOf(periodId: number): Promise<HoldOrder | undefined> {
    return this.#call('orderOf', { periodId });
  }

  /** Periods of holds that came to no use; purging them destroys no footage. */
  unfinishedHolds(): Promise<number[]> {
    return this.#call('unfinishedHolds');
  }

  /** What erasing a time of a camera takes: whole segments, and every key that opens one of them. */
  erasePlan(q: { camera: string; fromMs: UnixMs; toMs: UnixMs }): Promise<ErasePlan> {
    return this.#call('erasePlan', q);
  }

  /** Nothing more is sealed to these periods: their open segments end at the next key frame, what comes goes to a new period. Answers how many are open still, or wait for a failing disk. */
  endPeriods(ids: readonly number[]): number {
    for (const id of ids) this.#full.add(id);
    const open = [...this.#open.values()].filter(({ facts }) => ids.includes(facts.period.id));
    for (const writer of open) writer.end();
    return open.length + ids.reduce((sum, id) => sum + this.#salvage.pathsOf(id).length, 0);
  }

  /** They go on, as far as no newer period has taken their place. */
  resumePeriods(ids: readonly number[]): void {
    for (const id of ids) this.#full.delete(id);
  }

  // sealed footage, given out as it lies there

  /** Live periods of a camera, those of holds too, that touch the time asked for, the earliest first. */
  periodsIn(q: { camera: string; fromMs: UnixMs; toMs: UnixMs; limit: number }): Promise<PeriodFacts[]> {
    return this.#call('periodsIn', q);
  }

  /** The live period of that camera whose slot this is, in this generation. SP_SLOT_MISSING when there is none (any more). */
  async periodOfSlot(q: { camera: string; slot: number; generation: number }): Promise<PeriodFacts> {
    const period = await this.#call('livePeriodOf', q);
    if (period === undefined || this.#purged.has(period.id)) throw slotGone(q.slot);
    return period;
  }

  /** The sealed key of a live period, 1,024 bytes. SP_SLOT_MISSING, SP_KEYRING, SP_DISK. */
  async slotText({ id, slot, slotSha256 }: PeriodFacts): Promise<Buffer> {
    const text = await this.#with(({ keyring }) => keyring.read(slot, slotSha256));
    if (this.#purged.has(id)) throw slotGone(slot);
    return text;
  }

  /** A closed segment's file, sealed as it is; reading it fails cleanly when it is purged meanwhile. SP_SEGMENT_MISSING, SP_SEGMENT_DAMAGED, SP_READ, SP_DISK. */
  async sealedFile(name: ServedName): Promise<SealedFile> {
    const served = await this.#call('servedRow', name);
    if (served === undefined) throw new SallyportError('SP_SEGMENT_MISSING', { file: segmentId(name) });
    return SealedFile.open({ ...served, footage: () => this.#ready().footage, isLeaving: (id) => this.#purged.has(id) });
  }

  /** The second header of a segment for the live period that has that slot, 168 bytes. SP_SEGMENT_MISSING when there is none (any more), SP_HOLD_DAMAGED, SP_DISK. */
  async secondHeader(name: ServedName & { slot: number }): Promise<{ header: Buffer; period: PeriodFacts }> {
    const served = await this.#call('servedRow', name);
    const hold = served?.holds.find(({ period }) => period.slot === name.slot && !this.#purged.has(period.id));
    if (served === undefined || hold === undefined) throw new SallyportError('SP_SEGMENT_MISSING', { file: holdName(segmentId(name), name.slot) });
    const path = holdName(served.row.path, name.slot);
    const header = await readHold(join(this.#ready().footage, path), path).catch((error: unknown) => {
      throw isSallyportError(error, 'SP_AGE_HEADER') || isSallyportError(error, 'SP_READ') ? new SallyportError('SP_HOLD_DAMAGED', { file: path }, error) : error;
    });
    if (sha256(header) !== hold.sha256) throw new SallyportError('SP_HOLD_DAMAGED', { file: path });
    if (this.#purged.has(hold.period.id)) throw new SallyportError('SP_SEGMENT_MISSING', { file: path });
    return { header, period: hold.period };
  }

  /** What is held of a time of a stream, by living periods. */
  heldIn(q: { camera: string; stream: 'main' | 'sub'; fromMs: UnixMs; toMs: UnixMs }): Promise<HeldSegment[]> {
    return this.#call('heldIn', q);
  }

  // observations

  /** Those that touch the time go; answers how many. */
  async eraseObservations(q: { camera: string; fromMs: UnixMs; toMs: UnixMs }): Promise<number> {
    const erased = await this.#call('eraseObservations', q);
    if (erased > 0) await this.#call('truncateWal');
    return erased;
  }

  /** In one transaction. A row that is noted again has the end that was told last. */
  noteObservations(rows: readonly ObservationRow[]): Promise<void> {
    return this.#call('noteObservations', { rows });
  }

  /** Ends what a hub that was killed left open, at the last time that is known; answers what there is of this camera. */
  beginObserving(camera: string, sinceMs: UnixMs): Promise<ObservedBefore> {
    return this.#call('beginObserving', { camera, sinceMs });
  }

  /** Those that touch the time asked for; the earliest first. */
  observations(q: ObservationQuery): Promise<ObservationRow[]> {
    return this.#call('observations', q);
  }

  /**
   * Drops what was over before the time that `beforeMs` answers for its camera, batch by batch, also of cameras that are configured no more.
   * Answers how many.
   */
  async dropObservations(beforeMs: (camera: string) => UnixMs): Promise<number> {
    let dropped = 0;
    for (const camera of await this.#call('observedCameras')) {
      const order = { camera, beforeMs: Math.round(beforeMs(camera)), limit: observationsAtOnce };
      for (let count = observationsAtOnce; count === observationsAtOnce; dropped += count) count = await this.#call('dropObservations', order);
    }
    // Old pages of the log hold what was deleted.
    if (dropped > 0) await this.#call('truncateWal');
    return dropped;
  }

  // deadlines and purging

  /** Past their deadline, or left half purged; the earliest deadline first. */
  duePeriods(nowMs: UnixMs): Promise<Period[]> {
    return this.#call('duePeriods', { nowMs });
  }

  nextDeadlineMs(): Promise<UnixMs | undefined> {
    return this.#call('nextDeadlineMs');
  }

  /** Oldest first. */
  livePeriods(): Promise<PeriodFacts[]> {
    return this.#call('livePeriods');
  }

  /** What the live periods take, in the order of sealing; with the segments that are being written to them, and whether there are any. */
  async periodBytes(): Promise<(PeriodBytes & { open: boolean })[]> {
    const periods = await this.#call('periodBytes');
    return periods.map((period) => {
      const writers = [...this.#open.values()].filter(({ facts }) => facts.period.id === period.id);
      return { ...period, bytes: writers.reduce((sum, writer) => sum + writer.plainBytes, period.bytes), open: writers.length > 0 };
    });
  }

  /** No deadline of the camera's periods of this class is later than their end + keepMs then; answers how many came closer. */
  shortenDeadlines(camera: string, klass: string, keepMs: number): Promise<number> {
    return this.#call('shortenDeadlines', { camera, class: klass, keepMs: Math.round(keepMs), atMs: this.#now() });
  }

  /** Shreds, then deletes (purge.ts tells the steps). What failed is retried by purging again. SP_WRITE, SP_KEYRING, SP_DATABASE. */
  purge(periods: readonly Pick<Period, 'id'>[], why: PurgeReason): Promise<Receipt> {
    return this.#turns.take(() => this.#filing((parts) => purgePeriods(this.#purgeParts(parts), periods.map(({ id }) => id), why)));
  }

  /** Drops the audit's lines, the checkpoints and the receipts from before `beforeMs`, up to a checkpoint from which the rest still proves itself. Answers the number of lines. */
  purgeAudit(beforeMs: UnixMs): Promise<number> {
    return this.#turns.take(() => this.#filing(async (parts) => {
      const { database, folder } = parts;
      const expired = await database.call('expireAudit', { beforeMs, atMs: this.#now() });
      if (expired === undefined) return 0;
      let dropped = 0;
      for (let count = -1; count !== 0; dropped += count) count = await database.call('dropAudit', { through: expired.through });
      for (const number of expired.receipts) await removeSigned(receiptFile(folder, number));
      await completePapers(this.#purgeParts(parts));
      return dropped;
    }));
  }

  // audit, secrets, settings

  async audit(entry: AuditEntry): Promise<void> {
    await this.#call('audit', { entry, atMs: this.#now() });
  }

  /** Signs where audit, database and catalogue stand. */
  checkpoint(): Promise<{ number: number; file: string }> {
    return this.#turns.take(() => this.#filing((parts) => issueCheckpoint(this.#purgeParts(parts))));
  }

  async putSecret(name: string, value: Secret): Promise<void> {
    await this.#call('putSecret', { name, value: value.reveal() });
  }

  async secret(name: string): Promise<Secret | undefined> {
    const value = await this.#call('secret', { name });
    return value === undefined ? undefined : new Secret(value);
  }

  async removeSecret(name: string): Promise<void> {
    await this.#call('removeSecret', { name });
  }

  async putSetting(name: string, value: CanonicalValue): Promise<void> {
    await this.#call('putSetting', { name, json: canonicalJson(value) });
  }

  async setting(name: string): Promise<CanonicalValue | undefined> {
    const json = await this.#call('setting', { name });
    return json === undefined ? undefined : (JSON.parse(json) as CanonicalValue);
  }

  // accounts

  accountsBook(): Promise<AccountsBook> {
    return this.#call('accountsBook');
  }

  /** In one transaction with what is remembered beside and with the lines of the audit. */
  changeAccounts(change: AccountsChange, entries: readonly AuditEntry[], settings: readonly { readonly name: string; readonly value: CanonicalValue }[] = []): Promise<void> {
    return this.#call('changeAccounts', { change, entries, settings: settings.map(({ name, value }) => ({ name, json: canonicalJson(value) })), atMs: this.#now() });
  }

  sessionUsed(id: string, usedMs: UnixMs): Promise<void> {
    return this.#call('sessionUsed', { id, usedMs });
  }

  /** The newest first, those before line `before`. */
  auditBefore(before: number | undefined, limit: number): Promise<{ lines: { n: number; entry: string | null }[]; total: number }> {
    return this.#call('auditBefore', { before, limit });
  }

  /** Old pages of the database's log hold what was deleted until it is truncated. SP_DATABASE while a reader keeps it from that. */
  async forgetDeleted(): Promise<void> {
    if (!(await this.#call('truncateWal'))) throw new SallyportError('SP_DATABASE', { reason: 'a reader keeps its log from being emptied; it is tried again' });
  }

  // helpers

  /** A deed that puts papers on disk: when it fails, `mend` completes them from what the database has. */
  #filing<T>(deed: (parts: Parts) => Promise<T>): Promise<T> {
    return this.#with(deed).catch((error: unknown) => {
      this.#paperwork = true;
      throw error;
    });
  }

  #purgeParts({ folder, footage, database, keyring, signer, facts }: Parts): PurgeParts {
    return {
      folder, footage, database, keyring, signer, clock: this.#o.clock, log: this.#o.log, vault: facts,
      leaving: (ids) => this.#leave(ids),
      openPaths: (id) => [...[...this.#open.values()].filter(({ facts: open }) => open.period.id === id).map(({ path }) => path), ...this.#salvage.pathsOf(id)],
      afterStep: this.#o.hooks?.afterStep ?? (() => {}),
    };
  }

  #salvageParts({ footage, database }: Parts): SalvageParts {
    return { footage, database, clock: this.#o.clock, log: this.#o.log };
  }

  #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }

  #takeSeq(camera: string, stream: StreamName): number {
    const key = `${camera}/${stream}`;
    const seq = this.#nextSeqs.get(key) ?? 1;
    this.#nextSeqs.set(key, seq + 1);
    return seq;
  }

  /** Below footage/, without `.part`: an open segment, or one that the salvage waits for. */
  #isInHand(path: string): boolean {
    return this.#salvage.has(path) || this.#beginning.has(path) || [...this.#open.values()].some((writer) => writer.path === path);
  }

  #hasOpen(periodId: number): boolean {
    return [...this.#open.values()].some(({ facts }) => facts.period.id === periodId);
  }

  #earlier(camera: string, stream: StreamName, seq: number): OpenSegment[] {
    return [...this.#open.values()].filter(({ facts }) => facts.period.camera === camera && facts.stream === stream && facts.seq < seq);
  }

  async #earlierCloses(camera: string, stream: StreamName, seq: number): Promise<void> {
    await Promise.all(this.#earlier(camera, stream, seq).map(({ settled }) => settled));
  }

  #leave(periodIds: readonly number[]): void {
    for (const id of periodIds) this.#purged.add(id);
    this.resumePeriods(periodIds);
    for (const id of this.#purged) {
      if (this.#purged.size <= purgedKept) break;
      this.#purged.delete(id);
    }
    for (const writer of this.#open.values()) if (this.#purged.has(writer.facts.period.id)) writer.purge();
  }
}

/** 8 hex characters: short enough to type. */
export function newOrderId(): string {
  return randomBytes(4).toString('hex');
}

function slotGone(slot: number): SallyportError {
  return new SallyportError('SP_SLOT_MISSING', { what: `slot ${slot}` });
}

async function spaceOf(footage: string): Promise<DiskFacts> {
  try {
    const facts = await statfs(footage);
    return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize };
  } catch (error) {
    throw new SallyportError('SP_READ', { file: footage, reason: reasonOf(error) }, error);
  }
}
