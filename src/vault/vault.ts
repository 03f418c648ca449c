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
import { join } from 'node:path';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import type { FileKey } from '../seal/filekey.ts';
import type { AccountsBook, AccountsChange } from './accounts.ts';
import { Alarms, type AlarmBeginning, type AlarmFromAfar, type AlarmPictures } from './alarms.ts';
import type { AlarmMarks, AlarmQuery, AlarmRow, PictureName } from './alarmtable.ts';
import { Archiving, type ArchiveStep } from './archiving.ts';
import type { AuditEntry } from './audit.ts';
import { DailyCopies } from './dailycopies.ts';
import type { Name } from './database.ts';
import type { DiskState } from './diskcare.ts';
import { DiskKeeper } from './diskkeeper.ts';
import { FarBook } from './farbook.ts';
import { FetchedFiles } from './fetched.ts';
import { Filing } from './filing.ts';
import type { StreamName } from './footagepaths.ts';
import { GapNotes } from './gapnotes.ts';
import type { GapRow, Hole, HoleQuery } from './gaptable.ts';
import { Holding } from './holding.ts';
import type { SecondHeader } from './holds.ts';
import type { ErasePlan, HeldSegment, HoldFacts, HoldOrder, SegmentKey } from './holdtable.ts';
import { makePeriodFolder } from './hourlists.ts';
import type { ObservationQuery, ObservationRow, ObservedBefore } from './observations.ts';
import { OpenSegments, type SegmentBeginning } from './opensegments.ts';
import type { Operations } from './operations.ts';
import { openParts, type Parts } from './parts.ts';
import { People } from './people.ts';
import { PeriodKeys, type NewPeriod } from './periodkeys.ts';
import { isBare, type Period, type PeriodBytes, type PeriodFacts } from './periodtable.ts';
import { PicturesCare, type PicturesSettled } from './picturescare.ts';
import type { PicturesState } from './picturesfile.ts';
import type { PurgeStep } from './purge.ts';
import type { FarSlotsNote, PurgeReason, Receipt } from './receipts.ts';
import type { Reconciliation } from './reconcile.ts';
import type { Recovery } from './recover.ts';
import { replaceSlot, type ReplaceStep, type SlotReplacement } from './replaceslot.ts';
import { Scrub } from './scrub.ts';
import type { SegmentRow, TimeQuery } from './segmenttable.ts';
import type { SealedFile, SegmentName } from './served.ts';
import { Serving } from './serving.ts';
import { settleFolder } from './settlefolder.ts';
import { ShownFacts, type DiskFacts, type FootageFacts } from './shownfacts.ts';
import { Turns } from '../base/turns.ts';
import type { SegmentWriter } from './writer.ts';

export type { AccountRow, AccountsBook, AccountsChange, DeviceRow, InvitationRow, SessionRow, TokenRow } from './accounts.ts';
export type { AlarmBeginning, AlarmFromAfar, AlarmPictures } from './alarms.ts';
export type { AlarmMarks, AlarmQuery, AlarmRow, PictureName } from './alarmtable.ts';
export type { Archivable, ArchivedSum, ArchiveQuery } from './archivetable.ts';
export type { FarBook } from './farbook.ts';
export type { FarKnown, FarSizes } from './farsurvey.ts';
export type { FarList, FarListed, FarListWish } from './farlisttable.ts';
export type { FarClass, FarFoundThere, FarGoing, FarNaming, FarObject, FarPicturesWish, FarRefusal, FarRule, FarSum, FarWish } from './fartable.ts';
export type { GapRow } from './gaptable.ts';
export type { ConsentRecord, NewPerson, OpenPerson } from './people.ts';
export type { LockQuestion, LockState } from './peoplelock.ts';
export type { PersonRow } from './peopletable.ts';
export type { Period, PeriodBytes, PeriodClass, PeriodFacts } from './periodtable.ts';
export type { LedgerAnswer, LedgerLine, LedgerQuery, LedgerRow, LedgerSum } from './ledgertable.ts';
export type { SegmentRow, TimeQuery } from './segmenttable.ts';
export type { ErasePlan, HoldFacts, HoldOrder } from './holdtable.ts';
export type { SecondHeader } from './holds.ts';
export type { DiskState } from './diskcare.ts';
export type { ObservationRow } from './observations.ts';
export type { NewPeriod } from './periodkeys.ts';
export type { Abilities, FarSlotsNote, PurgeReason, Receipt } from './receipts.ts';
export type { Recovery } from './recover.ts';
export type { SealedFile, SegmentName } from './served.ts';
export type { Pacer, Scrub } from './scrub.ts';
export type { DiskFacts, FootageFacts } from './shownfacts.ts';
export type { SegmentBeginning } from './opensegments.ts';
export type { SegmentWriter } from './writer.ts';
export { labelMax, newOrderId } from './holding.ts';

export interface VaultOptions {
  readonly folder: string;
  /** A file that holds the working key; else `working.key` in the folder. */
  readonly workingKeyFile?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly hubName: string;
  /** Slots were shredded that lie at these destinations too: answers what became of the objects there. Within a minute; it never rejects. */
  readonly farSlots?: (destinations: readonly string[]) => Promise<readonly FarSlotsNote[]>;
  /** For tests that kill between steps. */
  readonly hooks?: { readonly afterStep?: (step: PurgeStep | ReplaceStep | ArchiveStep) => Promise<void> | void };
}

const observationsAtOnce = 1_000;
const auditLinesAtOnce = 2_000;

async function notRenewed(destinations: readonly string[]): Promise<FarSlotsNote[]> {
  return destinations.map((destination) => ({ destination, renewed: false, reason: 'nobody here speaks to it' }));
}

export class Vault {
  readonly #o: VaultOptions;
  readonly #publicKey: string;
  /** Random; in receipts, and in the slots object. */
  readonly id: string;
  readonly #disk: DiskKeeper;
  readonly #open: OpenSegments;
  readonly #filing: Filing;
  readonly #keys: PeriodKeys;
  readonly #holding: Holding;
  readonly #alarms: Alarms;
  readonly #pictures: PicturesCare;
  readonly #copies: DailyCopies;
  readonly #serving: Serving;
  readonly #shown: ShownFacts;
  readonly #gaps: GapNotes;
  /** Making keys: no two periods may see the same slot as free. */
  readonly #slotTurns = new Turns();
  /** Persons who agreed that their face is recognised. */
  readonly people: People;
  /** Looks whether what lies on the disk is still what was written. */
  readonly scrub: Scrub;
  /** What lies at destinations, and the ledger. */
  readonly far: FarBook;
  /** What lies at a destination alone. */
  readonly archiving: Archiving;
  #reconciliation: Reconciliation | undefined;
  #recovery: Recovery = { cut: 0, adopted: 0, removed: 0, unsettled: 0, missing: [], purgesFinished: 0, tookMs: 0 };

  private constructor(options: VaultOptions, parts: Parts) {
    const { clock, log } = options;
    this.#o = options;
    this.#publicKey = parts.signer.publicKey;
    this.id = parts.facts.id;
    this.#disk = new DiskKeeper(options, parts, {
      settleFolder: (opened) => this.#settleFolder(opened), settle: (opened) => this.#settle(opened), lost: (error) => this.#open.fail(error),
    });
    const disk = this.#disk;
    this.#open = new OpenSegments({ clock, log, disk });
    this.#pictures = new PicturesCare({ clock, log });
    this.#filing = new Filing({ clock, log, disk, open: this.#open, pictures: this.#pictures, farSlots: options.farSlots ?? notRenewed, afterStep: options.hooks?.afterStep ?? (() => {}) });
    const more = { clock, disk, filing: this.#filing, preparePeriod: (p: NewPeriod) => this.preparePeriod(p) };
    this.#keys = new PeriodKeys(log, () => this.#now());
    this.#holding = new Holding(more);
    this.#alarms = new Alarms({ ...more, open: this.#open, holding: this.#holding });
    this.#copies = new DailyCopies(more);
    this.people = new People({ ...more, log, renewCopies: (why) => this.renewCopies(why), workingKeyFile: options.workingKeyFile, withSlots: (deed) => this.#slotTurns.take(() => this.#filing.take(deed)), afterStep: (step) => this.#o.hooks?.afterStep?.(step) });
    this.#serving = new Serving(disk, this.#open, new FetchedFiles(join(options.folder, 'fetched')), clock);
    this.#shown = new ShownFacts(disk);
    this.#gaps = new GapNotes(disk);
    this.far = new FarBook((op, ...args) => this.#call(op, ...args), clock);
    this.archiving = new Archiving({ disk, clock, afterStep: options.hooks?.afterStep ?? (() => {}) });
    this.scrub = new Scrub({ footage: parts.footage, call: (op, ...args) => this.#call(op, ...args), clock });
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
      await parts.database.call('closeAlarms');
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
    return this.#disk.databaseDoubt;
  }

  /** Sealed bytes that wait for the disk, of all open segments: whoever else uses the disk waits while they are many. */
  get backlogBytes(): number {
    return this.#open.backlogBytes;
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
    await this.#disk.settled();
    this.people.close();
    await this.#open.abandonAll();
    await this.#disk.close(async (parts) => {
      await this.#open.settle(parts, true);
      if (parts.database.failure === undefined) await this.checkpoint();
    });
  }

  // the disk

  /** As `mend` saw it last. */
  get disk(): DiskState {
    return this.#disk.state;
  }

  /**
   * Looks at the disk and brings the vault in line with it: what a fault left half done is settled; a disk that is gone or refuses is let
   * go of, so that it can be unmounted; one that is back is opened anew, if it is ours, and settled as at a start. Call it every few
   * seconds, and at once after something failed. Never rejects, never overlaps.
   */
  mend(): Promise<void> {
    return this.#disk.mend();
  }

  /** What was left half done. What fails keeps nothing else from being settled, and is tried again. */
  async #settle(parts: Parts): Promise<void> {
    this.#disk.suspect(await this.#open.settle(parts));
    for (const step of [() => this.#open.removeGarbage(), () => this.#gaps.settle(parts), () => this.#filing.settle(parts), () => this.#pictures.settle(parts), () => this.people.settle(parts)]) {
      await step().catch((error: unknown) => this.#disk.suspect(error));
    }
  }

  async #settleFolder(parts: Parts): Promise<void> {
    const { recovery, reconciliation } = await settleFolder(parts, this.#filing.partsFor(parts), (path) => this.#open.isInHand(path), this.#o.workingKeyFile);
    this.#recovery = recovery;
    this.#reconciliation = reconciliation ?? this.#reconciliation;
    this.#open.raiseSeqs(await parts.database.call('nextSeqs'));
    await this.#pictures.settle(parts, true);
    await this.people.settleFolder(parts, this.#filing.partsFor(parts));
  }

  #call<K extends Name>(op: K, ...args: Parameters<Operations[K]>): Promise<ReturnType<Operations[K]>> {
    return this.#disk.call(op, ...args);
  }

  // periods and segments

  /**
   * The period of this camera, class, start, deadline and recipients, made if it is not there: its slot is in both keyring files, read back, before
   * its row is written. SP_NO_SLOT.
   */
  preparePeriod(p: NewPeriod): Promise<Period> {
    return this.#slotTurns.take(() => this.#disk.with(async (parts) => {
      const found = await this.#keys.find(parts, p);
      return found === undefined || this.#open.isFull(found.id) ? this.#makePeriod(parts, p) : found;
    }));
  }

  async #makePeriod(parts: Parts, p: NewPeriod): Promise<Period> {
    const period = await this.#keys.make(parts, p);
    // Ahead of time, as the slot: on a slow card each new name's sync takes seconds. When it fails, the first segment makes it.
    if (!isBare(p.class) && p.class !== 'alarm') await makePeriodFolder(parts.footage, period).catch((error: unknown) => this.#disk.suspect(error));
    return period;
  }

  /**
   * Puts another text into a living period's slot: the same key, which the owner's device has sealed to other people. SP_SLOT_CHANGED when the slot holds
   * something else by now; what is wrong with the text as `checkSlotText` says it; SP_WRITE.
   */
  replaceSlot(r: SlotReplacement): Promise<void> {
    return this.#slotTurns.take(() => this.#filing.take((parts) => replaceSlot(parts, r, this.#o.clock.wallMs(), (step) => this.#o.hooks?.afterStep?.(step))));
  }

  /**
   * Reads the keyring whole and mends what one file lacks; what was shredded and is back in an older file is shredded again. Answers what
   * is to be told, and undefined when both files are as they should be. SP_WRITE, SP_KEYRING, SP_DATABASE, SP_DISK.
   */
  checkKeyring(): Promise<string | undefined> {
    return this.#slotTurns.take(() => this.#filing.take((parts) => this.#keys.check(parts)));
  }

  /** Opens the next segment of a stream. SP_WRITE; SP_DISK; SP_SLOT_MISSING when the period was purged. */
  beginSegment(s: SegmentBeginning): Promise<SegmentWriter> {
    return this.#disk.with((parts) => this.#open.begin(parts, s));
  }

  /** Nothing more is sealed to these periods: their open segments end at the next key frame, what comes goes to a new period. Answers how many are open still, or wait for a failing disk. */
  endPeriods(ids: readonly number[]): number {
    return this.#open.endPeriods(ids);
  }

  /** They go on, as far as no newer period has taken their place. */
  resumePeriods(ids: readonly number[]): void {
    this.#open.resumePeriods(ids);
  }

  /** Writes the hour lists of ended periods that have no open segment; answers how many. One that cannot be written now keeps no other from it, and is tried again. */
  finishPeriods(nowMs: UnixMs): Promise<number> {
    return this.#filing.finishPeriods(nowMs);
  }

  /** Noted once, however often it is told. What the disk does not take now is kept until it does, so that no missing second goes unexplained. */
  addGap(gap: GapRow): Promise<void> {
    return this.#gaps.add(gap);
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
  footageFacts(): Promise<readonly FootageFacts[]> {
    return this.#shown.footage();
  }

  /** As it is now: what is destroyed early depends on it. SP_READ, SP_DISK. */
  diskFacts(): Promise<DiskFacts> {
    return this.#shown.roomNow();
  }

  /** Only to be shown: of a disk that is away or does not answer, what it said last. */
  shownDiskFacts(): Promise<DiskFacts> {
    return this.#shown.room();
  }

  // copies of the database

  /** Whole ones, oldest first. */
  copies(): Promise<PeriodFacts[]> {
    return this.#copies.list();
  }

  /** Older ones have rows of somebody who was forgotten: the next one is due, and they go with it. */
  copiesOwed(): Promise<boolean> {
    return this.#copies.owed();
  }

  /** Makes one and destroys all but the newest two. SP_DATABASE_DAMAGED when the database is not whole: then the older ones stay. */
  makeCopy(): Promise<void> {
    return this.#copies.make(2, 'a newer copy of the database replaced it');
  }

  /** A new copy, and the keys of all older ones shredded: for after an erasure, whose traces they hold. */
  renewCopies(why: string): Promise<void> {
    return this.#copies.make(1, why);
  }

  // holds

  /**
   * The hub's own hold, while it has the segment's file key: keeps it until `deadlineMs`, for these recipients. False when its row is gone
   * already. The key stays the caller's. SP_NO_SLOT, SP_WRITE, SP_DATABASE, SP_DISK.
   */
  hold(segment: string, fileKey: FileKey, o: { deadlineMs: UnixMs; recipients: readonly string[]; label?: string }): Promise<boolean> {
    return this.#holding.hold(segment, fileKey, o);
  }

  /**
   * Second headers for a period of class `hold` or `rest`, made by whoever had the file keys; answers how many were taken, each durable. What
   * a device made the hub cannot check beyond its shape: one that is wrong opens nothing, and replaces none. SP_AGE_HEADER, SP_WRITE, SP_DATABASE.
   */
  addHolds(period: Pick<Period, 'id' | 'slot'>, headers: readonly SecondHeader[]): Promise<number> {
    return this.#holding.add(period, headers);
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

  /** What erasing whole periods takes besides: the days of alarms that show something of the time, or keep something of these periods. */
  alarmDays(q: { camera: string; fromMs: UnixMs; toMs: UnixMs; periodIds: readonly number[] }): Promise<{ periods: number[]; alarms: ErasePlan['alarms'] }> {
    return this.#call('alarmDays', q);
  }

  /** What erasing a time of a camera takes: whole segments, the alarms of it, and every key that opens one of them. */
  erasePlan(q: { camera: string; fromMs: UnixMs; toMs: UnixMs }): Promise<ErasePlan> {
    return this.#call('erasePlan', q);
  }

  // sealed footage, given out as it lies there

  /** Cameras of which live keys are left, those that were taken out too. */
  periodCameras(): Promise<string[]> {
    return this.#call('periodCameras');
  }

  /** Live periods of a camera, those of holds too, that touch the time asked for, the earliest first. */
  periodsIn(q: { camera: string; fromMs: UnixMs; toMs: UnixMs; limit: number }): Promise<PeriodFacts[]> {
    return this.#call('periodsIn', q);
  }

  /** The live period of that camera whose slot this is, in this generation. SP_SLOT_MISSING when there is none (any more). */
  periodOfSlot(q: { camera: string; slot: number; generation: number }): Promise<PeriodFacts> {
    return this.#serving.periodOfSlot(q);
  }

  /** The sealed key of a live period, 1,024 bytes. SP_SLOT_MISSING, SP_KEYRING, SP_DISK. */
  slotText(period: Pick<PeriodFacts, 'id' | 'slot' | 'slotSha256'>): Promise<Buffer> {
    return this.#serving.slotText(period);
  }

  /** A closed segment's file, sealed as it is; reading it fails cleanly when it is purged meanwhile. SP_SEGMENT_MISSING, SP_SEGMENT_DAMAGED, SP_READ, SP_DISK. */
  sealedFile(name: SegmentName): Promise<SealedFile> {
    return this.#serving.sealedFile(name);
  }

  /** As `sealedFile`, of a segment that lies elsewhere alone: it is fetched, compared and kept for a while. Undefined when it does not. SP_ARCHIVE_LIED, and what `fetch` throws. */
  fetchedFile(name: SegmentName, fetch: (destination: string, object: string, from: number, length: number) => Promise<Uint8Array>): Promise<SealedFile | undefined> {
    return this.#serving.fetchedFile(name, fetch);
  }

  /** The second header of a segment for the live period that has that slot, 168 bytes. SP_SEGMENT_MISSING when there is none (any more), SP_HOLD_DAMAGED, SP_DISK. */
  secondHeader(name: SegmentName & { slot: number }): Promise<{ header: Buffer; period: PeriodFacts }> {
    return this.#serving.secondHeader(name);
  }

  /** What is held of a time of a stream, by living periods. */
  heldIn(q: { camera: string; stream: 'main' | 'sub'; fromMs: UnixMs; toMs: UnixMs }): Promise<HeldSegment[]> {
    return this.#call('heldIn', q);
  }

  // alarms

  /** Something that a rule keeps has begun. Its day has a key before this answers. SP_NO_SLOT, SP_DATABASE, SP_DISK; SP_ALARM when its day was purged meanwhile. */
  openAlarm(a: AlarmBeginning): Promise<AlarmRow> {
    return this.#alarms.begin(a);
  }

  /** SP_ALARM when it is gone. */
  endAlarm(id: string, toMs: UnixMs): Promise<void> {
    return this.#alarms.end(id, toMs);
  }

  /**
   * Seals them to the alarm's day; in place of those that it had. The caller's bytes are not kept. SP_ALARM when it is gone, or one is too large;
   * SP_PICTURES when their file is locked, full or damaged: the alarm stands, and its row says why it has none.
   */
  putAlarmPictures(id: string, pictures: AlarmPictures): Promise<void> {
    return this.#alarms.putPictures(id, pictures);
  }

  /** One that lay elsewhere is here again, with its pictures as they were sealed. False where its day is not here. SP_PICTURES, SP_DATABASE, SP_DISK. */
  adoptAlarm(a: AlarmFromAfar): Promise<boolean> {
    return this.#alarms.adopt(a);
  }

  /** Seals other words to the alarm's day, in place of those that it had; its pictures stay. Errors as `putAlarmPictures`. */
  putAlarmText(id: string, text: CanonicalValue): Promise<void> {
    return this.#alarms.putText(id, text);
  }

  /** As it lies there: an age file for the key of the alarm's day. SP_ALARM when there is none (any more), SP_PICTURES. */
  alarmPicture(id: string, which: PictureName): Promise<{ sealed: Buffer; period: PeriodFacts }> {
    return this.#alarms.picture(id, which);
  }

  /** Keeps a segment for as long as the alarm, while the hub has its file key. The key stays the caller's. False when one of both is gone. SP_WRITE, SP_DATABASE, SP_DISK. */
  holdForAlarm(id: string, segment: string, fileKey: FileKey): Promise<boolean> {
    return this.#alarms.hold(id, segment, fileKey);
  }

  /** Why no footage is kept for it: it was too late for the file keys, the hub was restarted, nothing was recorded. */
  noteAlarmFootage(id: string, why: string): Promise<void> {
    return this.#alarms.withoutFootage(id, why);
  }

  /** What is kept for it. */
  alarmFootage(id: string): Promise<SegmentRow[]> {
    return this.#alarms.footage(id);
  }

  /** Those that touch the time asked for, the newest first. */
  alarms(q: AlarmQuery): Promise<AlarmRow[]> {
    return this.#alarms.list(q);
  }

  alarm(id: string): Promise<AlarmRow | undefined> {
    return this.#alarms.find(id);
  }

  /** In one transaction with the audit's line of who said so. SP_ALARM when it is gone. */
  markAlarm(id: string, marks: AlarmMarks, by: Pick<AuditEntry, 'who' | 'account'>): Promise<void> {
    return this.#alarms.mark(id, marks, by);
  }

  /** Which rules a camera's days of alarms are of, a row for each. */
  alarmRules(camera: string): Promise<{ periodId: number; rule: string }[]> {
    return this.#alarms.rulesOf(camera);
  }

  /** No alarm of a camera by these rules is kept longer than so after its day; answers how many days came closer. Rules that are not named keep theirs. */
  shortenAlarms(camera: string, keepMsOf: Readonly<Record<string, number>>): Promise<number> {
    return this.#alarms.shorten(camera, keepMsOf);
  }

  /** Whether their pictures can be reached, and what of them was lost and found since the start. SP_DISK. */
  async pictures(): Promise<PicturesState & PicturesSettled> {
    return { ...await this.#disk.with((parts) => this.#pictures.state(parts)), ...this.#pictures.settled };
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
      const writers = this.#open.of(period.id);
      const openBytes = writers.reduce((sum, writer) => sum + writer.plainBytes, 0);
      return { ...period, bytes: period.bytes + openBytes, broughtBytes: period.broughtBytes + openBytes, open: writers.length > 0 };
    });
  }

  /** No deadline of the camera's periods of this class is later than their end + keepMs then; answers how many came closer. */
  shortenDeadlines(camera: string, klass: string, keepMs: number): Promise<number> {
    return this.#call('shortenDeadlines', { camera, class: klass, keepMs: Math.round(keepMs), atMs: this.#now() });
  }

  /** Shreds, then deletes (purge.ts tells the steps). What failed is retried by purging again. SP_WRITE, SP_KEYRING, SP_DATABASE. */
  purge(periods: readonly Pick<Period, 'id'>[], why: PurgeReason): Promise<Receipt> {
    return this.#filing.purge(periods, why);
  }

  /** Drops the audit's lines, the checkpoints and the receipts from before `beforeMs`, up to a checkpoint from which the rest still proves itself. Answers the number of lines. */
  purgeAudit(beforeMs: UnixMs): Promise<number> {
    return this.#filing.purgeAudit(beforeMs);
  }

  // audit, secrets, settings

  async audit(entry: AuditEntry): Promise<void> {
    await this.#call('audit', { entry, atMs: this.#now() });
  }

  /** Signs where audit, database and catalogue stand. */
  checkpoint(): Promise<{ number: number; file: string }> {
    return this.#filing.checkpoint();
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

  /** Whether each line of the audit follows from the one before: in words what does not; undefined when all do. */
  async checkAudit(signal?: AbortSignal): Promise<string | undefined> {
    let after: { n: number; chain: string } | undefined;
    for (;;) {
      if (signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'reading the audit' });
      const { n, chain, fault, done } = await this.#call('checkAudit', { after, limit: auditLinesAtOnce });
      if (fault !== undefined || done) return fault;
      after = { n, chain };
    }
  }

  /** Old pages of the database's log hold what was deleted until it is truncated. SP_DATABASE while a reader keeps it from that. */
  async forgetDeleted(): Promise<void> {
    if (!(await this.#call('truncateWal'))) throw new SallyportError('SP_DATABASE', { reason: 'a reader keeps its log from being emptied; it is tried again' });
  }

  #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}
