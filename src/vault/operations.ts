/**
 * What the database's thread can be asked to do. Each operation is one transaction; a writing one raises the database's generation and
 * carries its audit line with it. Arguments and answers are plain data that cross threads by copy; times come from the asker's clock.
 */
import { randomBytes } from 'node:crypto';
import type { UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { AccountTables, type AccountsBook, type AccountsChange } from './accounts.ts';
import { pictureNames, type AlarmMarks, type AlarmQuery, type AlarmRow, type NewAlarm, type PictureFacts, type PictureName } from './alarmtable.ts';
import { ArchiveTable } from './archivetable.ts';
import { AuditTable, faultsOf, firstHead, type AuditEntry, type ChainHead } from './audit.ts';
import { Catalogue } from './catalogue.ts';
import type { GapRow, Hole, HoleQuery } from './gaptable.ts';
import { PeopleTables, type NewPersonRow, type PersonBlobs, type PersonRow } from './peopletable.ts';
import { isBare, type Period, type PeriodBytes, type PeriodFacts } from './periodtable.ts';
import type { Begun, NewSegment, SegmentRow, TimeQuery } from './segmenttable.ts';
import { CheckpointTable, parseCheckpoint, type CheckpointFacts } from './checkpoints.ts';
import { withoutSync, type Connection } from './connection.ts';
import { checkTable, databaseRoot, doubtOf, tablesOf } from './databaseroot.ts';
import { makeFarOperations } from './faroperations.ts';
import { FarTable, type FarLeft } from './fartable.ts';
import type { StreamName } from './footagepaths.ts';
import { awayIn, type HourList } from './hourlist.ts';
import type { ErasePlan, HeldSegment, HoldFacts, HoldOrder, HoldRow, NewHold, SegmentKey } from './holdtable.ts';
import { LedgerTable } from './ledgertable.ts';
import { ObservationTable, type ObservationQuery, type ObservationRow, type ObservedBefore } from './observations.ts';
import { compareAlarms, PictureTables, type PicturedAlarm, type PicturesFile, type PicturesState, type SealedPictures } from './picturesfile.ts';
import { ReceiptTable, slotFacts, type PendingPurge, type PurgedPeriod, type PurgeReason, type SignedText } from './receipts.ts';
import type { SegmentName, ServedRow } from './served.ts';

export interface VaultFacts {
  readonly id: string;
  readonly hubName: string;
  readonly publicKey: string;
  readonly generation: number;
}

export type SeedAndFacts = VaultFacts & { readonly signingSeed: Uint8Array };

/** A path below footage/ with what its row says. */
export interface ClaimedPath {
  readonly path: string;
  readonly state: SegmentRow['state'];
  readonly sizeBytes: number;
  /** 1: it lies at a destination alone. */
  readonly archived: 0 | 1;
}

/** What a scrub needs of a row. */
export type ScrubRow = Pick<SegmentRow, 'camera' | 'startMs' | 'path' | 'sizeBytes' | 'headerBytes' | 'headerSha256' | 'bodySha256' | 'state' | 'damagedMs' | 'archivedAt'> & { readonly rowId: number };

export interface ScrubList {
  readonly id: number;
  readonly camera: string;
  readonly startMs: UnixMs;
  readonly slot: number;
  /** Of its file, hex. */
  readonly sha256: string;
}

export type Operations = ReturnType<typeof makeOperations>;

const auditDropAtOnce = 5_000;
const checkpointsCompared = 3;

/** The number of the purge after which the database's older copies must go; absent once they have. */
export const copiesOwedSetting = 'copies owed';

/** Without `pictures` what is asked of them fails with SP_PICTURES. */
export function makeOperations(db: Connection, pictures?: PicturesFile) {
  const catalogue = new Catalogue(db);
  const { periods, segments, gaps, holds, lists, alarms } = catalogue;
  const receipts = new ReceiptTable(db);
  const checkpoints = new CheckpointTable(db);
  const observations = new ObservationTable(db);
  const accounts = new AccountTables(db);
  const people = new PeopleTables(db);
  const far = new FarTable(db);
  const archive = new ArchiveTable(db);
  const ledger = new LedgerTable(db);

  const facts = (): VaultFacts | undefined => readVaultFacts(db);
  const known = (): VaultFacts => {
    const found = facts();
    if (found === undefined) throw new SallyportError('SP_DATABASE', { reason: 'it was not set up' });
    return found;
  };
  const audit = (atMs: UnixMs, entry: AuditEntry): void => void new AuditTable(db, known().id).append(atMs, entry);
  const write = <T>(deed: () => T): T => db.transaction(() => {
    db.prepare('UPDATE vault SET generation = generation + 1').run();
    return deed();
  }).immediate();
  const read = <T>(deed: () => T): T => db.transaction(deed).deferred();
  const inPictures = <T>(deed: (tables: PictureTables) => T): T => {
    if (pictures === undefined) throw new SallyportError('SP_PICTURES', { reason: 'they are not opened here' });
    return pictures.use((connection) => deed(new PictureTables(connection)));
  };
  let copying = false;

  return {
    // the data folder itself

    vaultFacts: (): SeedAndFacts | undefined => read(() => {
      const found = facts();
      const seed = db.prepare<[], { seed: Buffer }>('SELECT signing_seed AS seed FROM vault').get();
      return found === undefined || seed === undefined ? undefined : { ...found, signingSeed: Uint8Array.from(seed.seed) };
    }),
    setUp: (a: { hubName: string; publicKey: string; signingSeed: Uint8Array; atMs: UnixMs; rebuilt?: string }): VaultFacts => write(() => {
      db.prepare('INSERT INTO vault (id, vault_id, hub_name, made_ms, generation, signing_seed, public_key) VALUES (1, ?, ?, ?, 1, ?, ?)')
        .run(randomBytes(16).toString('hex'), a.hubName, Math.round(a.atMs), Buffer.from(a.signingSeed), a.publicKey);
      a.signingSeed.fill(0);
      audit(a.atMs, { what: 'vault.made', who: 'hub', detail: { hub: a.hubName, public_key: a.publicKey, rebuilt: a.rebuilt } });
      return known();
    }),
    /** A transaction that changes nothing but the generation: answered when the disk has it. */
    touch: (): void => write(() => {}),
    rename: (a: { hubName: string }): void => write(() => void db.prepare('UPDATE vault SET hub_name = ?').run(a.hubName)),

    // small state

    putSetting: (a: { name: string; json: string }): void => write(() => void db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)').run(a.name, a.json)),
    setting: (a: { name: string }): string | undefined => db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE name = ?').get(a.name)?.value,
    removeSetting: (a: { name: string }): void => write(() => void db.prepare('DELETE FROM settings WHERE name = ?').run(a.name)),
    putSecret: (a: { name: string; value: string }): void => write(() => void db.prepare('INSERT OR REPLACE INTO secrets (name, value) VALUES (?, ?)').run(a.name, a.value)),
    secret: (a: { name: string }): string | undefined => db.prepare<[string], { value: string }>('SELECT value FROM secrets WHERE name = ?').get(a.name)?.value,
    removeSecret: (a: { name: string }): void => write(() => void db.prepare('DELETE FROM secrets WHERE name = ?').run(a.name)),
    audit: (a: { entry: AuditEntry; atMs: UnixMs }): void => write(() => audit(a.atMs, a.entry)),

    // accounts

    accountsBook: (): AccountsBook => read(() => accounts.book()),
    /** All together or not at all, with what is remembered beside and the lines of the audit. */
    changeAccounts: (a: { change: AccountsChange; settings?: readonly { name: string; json: string }[]; entries: readonly AuditEntry[]; atMs: UnixMs }): void => write(() => {
      accounts.change(a.change);
      for (const { name, json } of a.settings ?? []) db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)').run(name, json);
      for (const entry of a.entries) audit(a.atMs, entry);
    }),
    sessionUsed: (a: { id: string; usedMs: UnixMs }): void => withoutSync(db, () => accounts.used(a.id, a.usedMs)),
    auditBefore: (a: { before: number | undefined; limit: number }): { lines: { n: number; entry: string | null }[]; total: number } => read(() => {
      const table = new AuditTable(db, known().id);
      return {
        lines: table.linesBefore(a.before ?? Number.MAX_SAFE_INTEGER, a.limit).map(({ n, entry }) => ({ n, entry })),
        total: db.prepare<[], { count: number }>('SELECT count(*) AS count FROM audit').get()?.count ?? 0,
      };
    }),

    /**
     * One page of the audit, from `after` on, or from its beginning: whether each line follows from the one before, and at its end whether the newest
     * checkpoints say the same. The thread is free between pages.
     */
    checkAudit: (a: { after: { n: number; chain: string } | undefined; limit: number }): { n: number; chain: string; fault: string | undefined; done: boolean } => read(() => {
      const table = new AuditTable(db, known().id);
      const checkpoints = new CheckpointTable(db);
      const oldest = checkpoints.oldest();
      const begun = (table.linesAfter(0, 1)[0]?.n ?? 1) > 1 && oldest !== undefined ? parseCheckpoint(oldest.json, `checkpoint ${oldest.number}`) : undefined;
      let head: ChainHead = a.after !== undefined ? { n: a.after.n, chain: Buffer.from(a.after.chain, 'hex') } : begun === undefined ? firstHead(known().id) : { n: begun.seq, chain: Buffer.from(begun.chain, 'hex') };
      const lines = table.linesAfter(head.n, a.limit);
      let fault: string | undefined;
      for (const line of lines) {
        const [first] = faultsOf(head, line);
        fault ??= first === undefined ? undefined : `line ${line.n}: ${first}`;
        head = { n: line.n, chain: line.chain };
      }
      const done = lines.length < a.limit;
      if (done) {
        for (const { number, json } of checkpoints.newest(checkpointsCompared)) {
          const { seq, chain } = parseCheckpoint(json, `checkpoint ${number}`);
          const said = table.chainAt(seq);
          if (said?.toString('hex') !== chain) fault ??= `checkpoint ${number}: the audit is not what it signed${said === undefined ? '; it has fewer lines' : ''}`;
        }
      }
      return { n: head.n, chain: head.chain.toString('hex'), fault, done };
    }),

    // periods

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
      db.prepare('DELETE FROM settings WHERE name = ?').run(a.setting);
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
    segments: (a: TimeQuery): SegmentRow[] => segments.within(a),
    addGap: (a: GapRow): void => write(() => catalogue.addGap(a)),
    gaps: (a: TimeQuery): GapRow[] => gaps.list(a),
    holes: (a: HoleQuery): Hole[] => gaps.holes(a),
    accountedMs: (a: { camera: string; stream: StreamName }): UnixMs | undefined => gaps.accountedMs(a.camera, a.stream),
    footageFacts: (): { camera: string; segments: number; bytes: number; oldestMs: UnixMs; newestEndMs: UnixMs }[] => periods.footageFacts(),

    // holds

    findHoldPeriod: (a: { order: string; startMs: UnixMs; sealedTo: string }): { period: Period; slotSha256: string } | undefined => {
      const id = holds.periodOf(a.order, a.startMs, a.sealedTo);
      const period = id === undefined ? undefined : periods.byId(id);
      return period === undefined ? undefined : { period, slotSha256: period.slotSha256 };
    },
    hubOrder: (a: { camera: string; startMs: UnixMs; deadlineMs: UnixMs }): string | undefined => holds.hubOrder(a.camera, a.startMs, a.deadlineMs),
    segment: (a: { camera: string; stream: StreamName; seq: number }): SegmentRow | undefined => segments.find(a.camera, a.stream, a.seq),
    period: (a: { id: number }): PeriodFacts | undefined => periods.byId(a.id),
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
    holdsIn: (a: { folder: string }): string[] => holds.pathsIn(a.folder),
    holdsAfter: (a: { periodId: number; segmentId: number; limit: number }): HoldRow[] => holds.after(a, a.limit),
    holdScrubbed: (a: { periodId: number; segmentId: number; path: string; camera: string; damaged: string | undefined; atMs: UnixMs }): void => write(() => {
      if (!holds.markDamaged(a.periodId, a.segmentId, a.damaged === undefined ? null : Math.round(a.atMs))) return;
      audit(a.atMs, { what: a.damaged === undefined ? 'scrub.whole' : 'scrub.damaged', who: 'hub', camera: a.camera, detail: { file: a.path, reason: a.damaged ?? '' } });
    }),
    /** Paths of the periods' segments that no living hold keeps. */
    unheldRows: (a: { periodIds: readonly number[] }): string[] => read(() => a.periodIds.flatMap((id) => holds.unheldOf(id))),
    /** Before a restored database purges what was purged since: the segments that second headers on the disk keep are found again as files. */
    forgetRows: (a: { paths: readonly string[]; atMs: UnixMs }): number => write(() => {
      const rows = catalogue.forgetRows(a.paths);
      if (rows > 0) audit(a.atMs, { what: 'reconcile.held', who: 'hub', detail: { files: rows, first: [...a.paths].sort().slice(0, namesInAudit) } });
      return rows;
    }),

    // observations

    noteObservations: (a: { rows: readonly ObservationRow[] }): void => withoutSync(db, () => observations.note(a.rows)),
    beginObserving: (a: { camera: string; sinceMs: UnixMs }): ObservedBefore => withoutSync(db, () => {
      observations.closeOpen(a.camera);
      return observations.before(a.camera, a.sinceMs);
    }),
    observations: (a: ObservationQuery): ObservationRow[] => observations.list(a),
    observedCameras: (): string[] => observations.cameras(),
    eraseObservations: (a: { camera: string; fromMs: UnixMs; toMs: UnixMs }): number => write(() => observations.erase(a.camera, a.fromMs, a.toMs)),
    dropObservations: (a: { camera: string; beforeMs: UnixMs; limit: number }): number => write(() => observations.dropBefore(a.camera, a.beforeMs, a.limit)),

    // alarms

    openAlarm: (a: Omit<NewAlarm, 'id'> & { random: string }): AlarmRow | undefined => write(() => {
      const id = alarms.nextId(a.random);
      alarms.add({ ...a, id });
      return alarms.find(id);
    }),
    alarm: (a: { id: string }): AlarmRow | undefined => alarms.find(a.id),
    /** One that came back from afar, of the period in that slot, with what of its footage is there; undefined where that period does not live, or the id is taken. */
    adoptAlarm: (a: { alarm: Omit<NewAlarm, 'periodId'>; slot: number; footage: readonly SegmentKey[] }): { recipient: string } | undefined => write(() => {
      const period = periods.ofSlot(a.slot);
      if (period?.state !== 'live' || period.class !== 'alarm' || period.camera !== a.alarm.camera) return undefined;
      const before = alarms.periodOf(a.alarm.id);
      if (before !== undefined && before !== period.id) return undefined;
      if (before === undefined) alarms.add({ ...a.alarm, periodId: period.id });
      for (const { stream, seq } of a.footage) {
        const segmentId = segments.rowIdOf(a.alarm.camera, stream, seq);
        if (segmentId !== undefined && holds.has(period.id, segmentId)) alarms.addFootage(a.alarm.id, segmentId);
      }
      return { recipient: period.recipient };
    }),
    /** With its live period, to which its pictures are sealed. */
    alarmPeriod: (a: { id: string }): { alarm: AlarmRow; period: PeriodFacts } | undefined => read(() => {
      const [alarm, periodId] = [alarms.find(a.id), alarms.periodOf(a.id)];
      const period = periodId === undefined ? undefined : periods.byId(periodId);
      return alarm === undefined || period?.state !== 'live' ? undefined : { alarm, period };
    }),
    alarms: (a: AlarmQuery): AlarmRow[] => alarms.list(a),
    endAlarm: (a: { id: string; toMs: UnixMs }): boolean => write(() => alarms.end(a.id, a.toMs)),
    /** What a hub that was killed left open. */
    closeAlarms: (): number => withoutSync(db, () => alarms.closeOpen()),
    /** What changes nothing leaves no line. */
    markAlarm: (a: { id: string; marks: AlarmMarks; by: Pick<AuditEntry, 'who' | 'account'>; atMs: UnixMs }): boolean => write(() => {
      const before = alarms.find(a.id);
      if (before === undefined) return false;
      const [seen, falseAlarm] = [a.marks.seen ?? before.seen, a.marks.falseAlarm ?? before.falseAlarm];
      if (seen === before.seen && falseAlarm === before.falseAlarm) return true;
      alarms.mark(a.id, a.marks);
      const what = falseAlarm !== before.falseAlarm ? (falseAlarm ? 'alarm.false' : 'alarm.not-false') : (seen ? 'alarm.seen' : 'alarm.unseen');
      audit(a.atMs, { what, ...a.by, camera: before.camera, detail: { alarm: a.id, from_ms: before.fromMs, to_ms: before.toMs } });
      return true;
    }),
    /** False when the alarm, or the segment, is gone, or its period has no second header of it. */
    alarmFootage: (a: { id: string; segment: SegmentKey & { camera: string } }): boolean => write(() => {
      const [periodId, segmentId] = [alarms.periodOf(a.id), segments.rowIdOf(a.segment.camera, a.segment.stream, a.segment.seq)];
      if (periodId === undefined || segmentId === undefined || !holds.has(periodId, segmentId)) return false;
      alarms.addFootage(a.id, segmentId);
      return true;
    }),
    noAlarmFootage: (a: { id: string; why: string }): void => write(() => alarms.withoutFootage(a.id, a.why)),
    footageOfAlarm: (a: { id: string }): SegmentRow[] => read(() => alarms.footageOf(a.id).flatMap(({ camera, stream, seq }) => segments.find(camera, stream, seq) ?? []).filter(({ state }) => state !== 'garbage')),
    shortenAlarms: (a: { camera: string; keepMs: Readonly<Record<string, number>>; atMs: UnixMs }): number => write(() => {
      const longest = new Map<number, number>();
      for (const { periodId, rule } of alarms.rulesOf(a.camera)) longest.set(periodId, Math.max(longest.get(periodId) ?? 0, a.keepMs[rule] ?? Infinity));
      const count = [...longest].filter(([id, keepMs]) => Number.isFinite(keepMs) && periods.shortenDeadline(id, keepMs)).length;
      if (count > 0) audit(a.atMs, { what: 'deadlines.shortened', who: 'hub', camera: a.camera, detail: { class: 'alarm', periods: count } });
      return count;
    }),
    alarmRules: (a: { camera: string }): { periodId: number; rule: string }[] => alarms.rulesOf(a.camera),
    /** After the sealed bytes lie in pictures.db. */
    picturesPut: (a: { id: string; facts: PictureFacts }): void => write(() => alarms.setPictures(a.id, a.facts)),
    noPictures: (a: { id: string; why: string }): void => write(() => alarms.withoutPictures(a.id, a.why)),

    ...makeFarOperations({ db, catalogue, far, ledger, archive, write, read, audit }),

    // the file of their pictures

    picturesState: (): PicturesState => pictures?.state ?? { open: false, reason: 'they are not opened here', setAside: false },
    putText: (a: { alarm: Omit<PicturedAlarm, keyof PictureFacts>; sealed: SealedPictures }): PictureFacts => inPictures((tables) => tables.putBeside(a.alarm, a.sealed)),
    putPictures: (a: { alarm: Omit<PicturedAlarm, keyof PictureFacts>; sealed: SealedPictures }): PictureFacts => inPictures((tables) => tables.put(a.alarm, a.sealed)),
    sealedPicture: (a: { id: string; which: PictureName }): Uint8Array | undefined => inPictures((tables) => tables.sealed(a.id, a.which)),
    /** All that an alarm has, in the order of their bits. */
    sealedPictures: (a: { id: string }): { pictures: (readonly [PictureName, Uint8Array])[]; sha256: string | undefined } => inPictures((tables) => ({
      pictures: pictureNames.flatMap((which) => { const sealed = tables.sealed(a.id, which); return sealed === undefined ? [] : [[which, sealed] as const]; }), sha256: tables.hashOf(a.id)?.sha256,
    })),
    endPictured: (a: { id: string; toMs: UnixMs }): void => inPictures((tables) => tables.end(a.id, a.toMs)),
    /** Of purged periods, a batch at a time; answers how many went. */
    deletePictures: (a: { periodIds: readonly number[]; limit: number }): number => inPictures((tables) => {
      const ids = a.periodIds.flatMap((id) => periods.byId(id) ?? []).flatMap(({ recipient }) => tables.idsOf(recipient, a.limit)).slice(0, a.limit);
      if (ids.length > 0) tables.delete(ids);
      return ids.length;
    }),
    forgetSetAside: (): void => pictures?.forgetSetAside(),
    truncatePictures: (): void => inPictures((tables) => tables.truncate()),
    shrinkPictures: (a: { pages: number }): number => inPictures((tables) => tables.shrink(a.pages)),
    /**
     * Brings rows and file in line with each other, a batch of the file's alarms behind `after` at a time; those that nobody has a key for any more go. Answers how
     * many were lost and found and went, and where the next batch begins. In one turn of this thread, so that nothing is put in between.
     */
    settlePictures: (a: { after: string; limit: number; atMs: UnixMs }): { lost: number; found: number; gone: number; next: string | undefined } => inPictures((tables) => {
      const batch = tables.after(a.after, a.limit);
      const next = batch.length < a.limit ? undefined : batch.at(-1)?.id;
      const { lost, altered, found, dead } = read(() => compareAlarms(catalogue, batch, { after: a.after, through: next }));
      if (lost.length + altered.length + found.length > 0) {
        write(() => {
          for (const id of lost) alarms.withoutPictures(id, 'lost');
          for (const alarm of found) alarms.add(alarm);
          for (const alarm of [...altered, ...found]) alarms.setPictures(alarm.id, alarm);
          if (lost.length + found.length > 0) audit(a.atMs, { what: 'pictures.settled', who: 'hub', detail: { lost: lost.length, found: found.length } });
        });
      }
      if (dead.length > 0) tables.delete(dead);
      return { lost: lost.length, found: found.length, gone: dead.length, next };
    }),

    // persons

    /** The only writer of templates: with the consent, or not at all. Answers false when the key that it is sealed to is gone, or there is no room. */
    enrol: (a: { person: NewPersonRow; peopleMax: number; entry: AuditEntry; atMs: UnixMs }): boolean => write(() => {
      const period = periods.byId(a.person.periodId);
      if (period?.state !== 'live' || period.class !== 'person' || period.camera !== a.person.id || people.count() >= a.peopleMax) return false;
      people.add(a.person);
      audit(a.atMs, a.entry);
      return true;
    }),
    people: (): PersonRow[] => people.list(),
    person: (a: { id: string }): { row: PersonRow; blobs: PersonBlobs; period: PeriodFacts } | undefined => read(() => {
      const [row, blobs] = [people.find(a.id), people.blobs(a.id)];
      const period = row === undefined ? undefined : periods.byId(row.periodId);
      return row === undefined || blobs === undefined || period?.state !== 'live' ? undefined : { row, blobs, period };
    }),
    personPeriods: (): PeriodFacts[] => periods.people(),
    personSeals: (): { period: PeriodFacts; sealedTo: string }[] => periods.sealsOfPeople(),
    /** Answers false when the person is gone, or is being forgotten. */
    renewConsent: (a: { id: string; record: Uint8Array; consentMs: UnixMs; consentSha256: string; lapsesMs: UnixMs; deadlineMs: UnixMs; entry: AuditEntry; atMs: UnixMs }): boolean => write(() => {
      const row = people.find(a.id);
      if (row === undefined || periods.byId(row.periodId)?.state !== 'live' || receipts.pending().some((purge) => purge.periods.some(({ id }) => id === row.periodId))) return false;
      people.renew(a);
      periods.moveDeadline(row.periodId, a.deadlineMs);
      audit(a.atMs, a.entry);
      return true;
    }),
    /** Answers false when it has lapsed before, or the person is gone. */
    lapse: (a: { id: string; lapsesMs: UnixMs; deadlineMs: UnixMs; entry: AuditEntry; atMs: UnixMs }): boolean => write(() => {
      const row = people.find(a.id);
      if (row?.state !== 'given') return false;
      people.lapse(a.id, a.lapsesMs);
      periods.moveDeadline(row.periodId, a.deadlineMs);
      audit(a.atMs, a.entry);
      return true;
    }),
    /** The key of a person is lost in both keyring files: what was sealed to it opens for nobody. The period goes after it. */
    personLost: (a: { id: string; atMs: UnixMs }): void => write(() => {
      people.delete(a.id);
      audit(a.atMs, { what: 'person.lost', who: 'hub', detail: { person: a.id } });
    }),
    /** Forgets that something was owed, unless it is owed anew. */
    settleDebt: (a: { name: string; json: string }): void => write(() => void db.prepare('DELETE FROM settings WHERE name = ? AND value = ?').run(a.name, a.json)),

    // purging

    /** Writes the purge down before anything is destroyed; undefined when none of the periods is live any more. */
    intendPurge: (a: { periodIds: readonly number[]; why: PurgeReason; atMs: UnixMs }): PendingPurge | undefined => write(() => {
      const taken = new Set(receipts.pending().flatMap((purge) => purge.periods.map(({ id }) => id)));
      const going = [...new Set(a.periodIds)].filter((id) => !taken.has(id)).flatMap((id) => periods.byId(id) ?? []).filter(({ state }) => state === 'live').map(purgedFacts);
      if (going.length === 0) return undefined;
      if (a.why.asked !== undefined) audit(a.atMs, a.why.asked);
      return receipts.intend(going, a.why);
    }),
    markShredded: (a: { purge: PendingPurge; readBack: boolean; atMs: UnixMs }): PendingPurge => write(() => {
      const counts = catalogue.markShredded(a.purge.periods.map(({ id }) => id), a.purge.erased !== undefined, a.purge.time);
      const left = far.leave(a.atMs);
      const shredded = a.purge.periods.map((period) => {
        const now = periods.byId(period.id);
        return now === undefined ? period : { ...purgedFacts(now), ...counts.get(period.id) };
      }).map((period) => withFar(period, left));
      periods.rememberShredded(shredded.map(({ slotSha256 }) => slotSha256), a.atMs);
      const forgotten = a.purge.periods.filter((period) => period.class === 'person');
      for (const { id, camera } of forgotten) if (people.deleteOf(id)) audit(a.atMs, { what: 'person.forgotten', who: 'hub', detail: { person: camera, purge: a.purge.number } });
      // Older copies of this database still have the rows; until they are gone it is owed, whatever kills the hub.
      if (forgotten.length > 0) db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)').run(copiesOwedSetting, JSON.stringify(a.purge.number));
      audit(a.atMs, { what: 'purge.shredded', who: 'hub', detail: slotFacts({ ...a.purge, periods: shredded }, a.readBack) });
      return receipts.shredded(a.purge, shredded, a.readBack);
    }),
    /** Those among these hashes whose slots were shredded. */
    wereShredded: (a: { sha256: readonly string[] }): string[] => read(() => a.sha256.filter((sha256) => periods.wasShredded(sha256))),
    pendingPurges: (): PendingPurge[] => receipts.pending(),
    garbageOf: (a: { periodId: number; afterRowId: number; limit: number }): { rowId: number; path: string }[] => segments.garbageOf(a.periodId, a.afterRowId, a.limit),
    garbageHoldsOf: (a: { periodId: number }): string[] => holds.garbageOf(a.periodId),
    sharedFolders: (a: { periods: readonly Pick<Period, 'id' | 'camera' | 'startMs'>[] }): string[] => periods.sharedFolders(a.periods),
    deleteGarbage: (a: { periodIds: readonly number[]; limit: number }): number => write(() => catalogue.deleteGarbage(a.periodIds, a.limit)),
    finishPurge: (a: { purge: PendingPurge; receipt: SignedText & { atMs: UnixMs }; receiptSha256: string }): void => write(() => {
      catalogue.deletePeriods(a.purge.periods.map(({ id }) => id));
      receipts.finish(a.receipt);
      audit(a.receipt.atMs, { what: 'purge.done', who: 'hub', detail: { purge: a.purge.number, receipt_sha256: a.receiptSha256, early: a.purge.early, erased: a.purge.erased } });
    }),
    receiptNumbers: (): number[] => receipts.numbers(),
    receipt: (a: { number: number }): SignedText | undefined => receipts.receipt(a.number),
    /** Old pages of the WAL hold what was deleted until it is truncated. Answers false while a reader keeps it from that. */
    truncateWal: (): boolean => !copying && truncateWal(db),

    // trust in the database itself, and copies of it

    /** What is wrong with it by its newest checkpoint, in words. Ask before anything is written. */
    doubt: (): string | undefined => read(() => doubtOf(db, catalogue)?.detail),
    newestCheckpointNumber: (): number => checkpoints.lastNumber(),
    tables: (): string[] => tablesOf(db),
    checkTable: (a: { name: string }): void => checkTable(db, a.name),
    /** From now until `endCopy` the main file does not change: what is written goes to the log beside it. Answers false while a reader keeps the log from being taken over. */
    beginCopy: (): boolean => {
      copying = truncateWal(db);
      if (copying) db.pragma('wal_autocheckpoint = 0');
      return copying;
    },
    endCopy: (): void => {
      db.pragma('wal_autocheckpoint = 1000');
      copying = false;
      truncateWal(db);
    },
    copied: (a: { periodId: number; bytes: number; atMs: UnixMs }): void => write(() => {
      periods.markCopied(a.periodId, a.bytes);
      audit(a.atMs, { what: 'database.copied', who: 'hub', detail: { period: a.periodId, bytes: a.bytes } });
    }),
    copies: (): PeriodFacts[] => periods.copies(),

    // checkpoints and the audit's end of life

    checkpointFacts: (a: { atMs: UnixMs }): CheckpointFacts => read(() => {
      const { id, generation } = known();
      const head = new AuditTable(db, id).head();
      return {
        number: checkpoints.lastNumber() + 1, vault: id, seq: head.n, chain: head.chain.toString('hex'), generation,
        catalogueRoot: lists.catalogueRoot().toString('hex'), databaseRoot: databaseRoot(db), atMs: a.atMs,
      };
    }),
    addCheckpoint: (a: { facts: CheckpointFacts; signed: SignedText }): void => write(() => checkpoints.add(a.facts, a.signed)),
    newestCheckpoints: (a: { limit: number }): SignedText[] => checkpoints.newest(a.limit),
    /** Names what goes in the chain itself, then drops old checkpoints, receipts and gaps; the lines follow by `dropAudit`. */
    expireAudit: (a: { beforeMs: UnixMs; atMs: UnixMs }): { through: number; receipts: number[] } | undefined => write(() => {
      const last = checkpoints.lastBefore(a.beforeMs);
      const first = new AuditTable(db, known().id).linesAfter(0, 1)[0];
      if (last === undefined || first === undefined || first.n > last.seq) return undefined;
      const numbers = receipts.dropBefore(a.beforeMs);
      checkpoints.dropBefore(last.number);
      gaps.dropOld(a.beforeMs);
      periods.forgetShredded(a.beforeMs);
      audit(a.atMs, { what: 'audit.expired', who: 'hub', detail: { from: first.n, through: last.seq, checkpoint: last.number, before_ms: Math.round(a.beforeMs), receipts: numbers.length } });
      return { through: last.seq, receipts: numbers };
    }),
    dropAudit: (a: { through: number }): number => write(() => new AuditTable(db, known().id).dropThrough(a.through, auditDropAtOnce)),

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
    scrubLists: (a: { afterId: number; limit: number }): ScrubList[] => lists.after(a.afterId, a.limit),
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

    // recovery

    foldersWithRows: (): string[] => periods.foldersWithRows(),
    rowsIn: (a: { folder: string }): ClaimedPath[] => segments.rowsIn(a.folder),
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
      db.prepare('DELETE FROM settings WHERE name = ?').run(a.setting);
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
  };
}

/** An audit line names so many files at most, and the count of all. */
const namesInAudit = 100;

export function readVaultFacts(db: Connection): VaultFacts | undefined {
  return db.prepare<[], VaultFacts>('SELECT vault_id AS id, hub_name AS hubName, public_key AS publicKey, generation FROM vault').get();
}

function truncateWal(db: Connection): boolean {
  return (db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[])[0]?.busy === 0;
}

function purgedFacts(period: PeriodFacts): PurgedPeriod {
  const { id, camera, class: klass, startMs, endMs, deadlineMs, slot, generation, slotSha256, segments, bytes } = period;
  return { id, camera, class: klass, startMs, endMs, deadlineMs, slot, generation, slotSha256, segments, bytes };
}

/** What of a purged period lies elsewhere still. */
function withFar(period: PurgedPeriod, left: readonly (FarLeft & { periodId: number | undefined })[]): PurgedPeriod {
  const far = left.filter(({ periodId }) => periodId === period.id).map(({ destination, objects, bytes, keysAt }) => ({ destination, objects, bytes, keysAt }));
  return far.length === 0 ? period : { ...period, far };
}

function segmentFacts(row: SegmentRow): { [key: string]: string | number | undefined } {
  return {
    stream: row.stream, seq: row.seq, start_ms: row.startMs, duration_ms: row.durationMs, size: row.sizeBytes, slot: row.slot, generation: row.generation,
    header_sha256: row.headerSha256, body_sha256: row.bodySha256, chunks: row.cutChunks,
  };
}
