/**
 * Makes the catalogue anew when the working database is gone, with the owner's kit and what lies on the disk: slots say whose periods they
 * are, notes and hour lists until when they are kept, lists hold the rows and gaps; files that no list covers describe themselves. The hub
 * is stopped (the folder's lock is taken). The audit's chain, cameras' passwords and accepted changes were in the database and are lost; the
 * first line of the new audit says so. What the kit does not open is kept (reconcile.ts).
 */
import { join } from 'node:path';
import { stat } from 'node:fs/promises';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import { fileExists, listFolder, removeFile } from '../base/files.ts';
import { silentLog, type Log } from '../base/log.ts';
import { dayMs, hourMs } from '../base/units.ts';
import type { Identity } from '../seal/identity.ts';
import { openSlot } from '../seal/slot.ts';
import { Signer } from '../seal/sshsig.ts';
import { Archive, type ArchiveSegment } from './archive.ts';
import { ArchiveTable } from './archivetable.ts';
import { Catalogue } from './catalogue.ts';
import { isHoldClass, type Period } from './periodtable.ts';
import type { NewSegment } from './segmenttable.ts';
import { openConnection, type Connection } from './connection.ts';
import { checkTable, tablesOf } from './databaseroot.ts';
import { FarTable } from './fartable.ts';
import { hashFile, readHeaderSize } from './filehash.ts';
import { lockFolder } from './folderlock.ts';
import { holdName, parseHoldName, parseSegmentPath, periodFolder } from './footagepaths.ts';
import { readHold, sha256 } from './holds.ts';
import type { HoldOrder } from './holdtable.ts';
import type { HourList, SegmentRecord } from './hourlist.ts';
import { Keyring } from './keyring.ts';
import { textHash } from './keyringfile.ts';
import { makeOperations } from './operations.ts';
import { openNote, type NotedPeriod } from './periodnote.ts';
import { farLookSetting, reconcileSetting, type Reconciliation } from './reconcile.ts';
import type { Recovery } from './recover.ts';
import { replaceDatabase, settle } from './restore.ts';
import type { VaultFacts } from './vaultfacts.ts';
import { loadWorkingKey, type WorkingKey } from './workingkey.ts';

export interface RebuildOptions {
  readonly folder: string;
  readonly identities: readonly Identity[];
  readonly workingKeyFile?: string;
  /** Although the database is whole. */
  readonly force?: boolean;
  readonly periodMs: number;
  /** How long a camera's footage is kept, where neither a note nor a list tells the deadline. */
  readonly keepMs: (camera: string) => number;
  /** Shorter pauses between segments are no gap. */
  readonly gapMsMin: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly hubName: string;
  /** Periods done, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Rebuilt {
  readonly periods: number;
  readonly segments: number;
  readonly gaps: number;
  /** Of the segments: those that lie elsewhere alone, by destination. */
  readonly archived: Readonly<Record<string, number>>;
  /** Times without footage whose reason was in the lost database alone. */
  readonly gapsUnexplained: number;
  /** Periods whose deadline nothing tells: kept as the configuration says. */
  readonly deadlinesGuessed: number;
  readonly setAside: string;
  readonly problems: readonly SallyportError[];
  readonly recovery: Recovery;
  readonly reconciliation: Reconciliation | undefined;
}

interface FoundPeriod {
  readonly facts: Omit<Period, 'id'> & { readonly slotSha256: string };
  /** Of a hold's. */
  readonly hold: HoldOrder | undefined;
  readonly guessed: boolean;
  readonly list: HourList | undefined;
}

const newName = 'working.db.rebuilding';
const durationMsMax = 90_000;
const noHash = '0'.repeat(64);
/** Above every generation that a block may have had. */
const generationsSkipped = 1_000;

/** SP_USAGE when the database is whole; SP_WRONG_IDENTITY, SP_DATA_LOCKED, SP_WRITE. */
export async function rebuildDatabase(o: RebuildOptions): Promise<Rebuilt> {
  const lock = await lockFolder(o.folder);
  let built: Omit<Rebuilt, 'recovery' | 'reconciliation' | 'setAside'>;
  let setAside: string;
  try {
    await refuseWhole(o);
    ({ built, setAside } = await build(o));
  } finally {
    await lock.close();
  }
  const settled = await settle({ ...o, keepMs: o.keepMs('') });
  return { ...built, setAside, ...settled };
}

async function refuseWhole(o: RebuildOptions): Promise<void> {
  if (o.force === true || !(await fileExists(join(o.folder, 'working.db')))) return;
  const whole = await (async () => {
    const workingKey = await loadWorkingKey({ folder: o.folder, ...credentialOf(o), mayCreate: false });
    try {
      const db = openConnection(join(o.folder, 'working.db'), workingKey.databaseKey(), { readonly: true });
      try {
        for (const name of tablesOf(db)) checkTable(db, name);
      } finally {
        db.close();
      }
      return true;
    } finally {
      workingKey.close();
    }
  })().catch(() => false);
  if (whole) throw new SallyportError('SP_USAGE', { command: 'rebuild', reason: 'the working database is whole, and a new one would lose its audit and passwords (--force makes one all the same)' });
}

function credentialOf(o: RebuildOptions): { credential?: string } {
  return o.workingKeyFile === undefined ? {} : { credential: o.workingKeyFile };
}

async function build(o: RebuildOptions): Promise<{ built: Omit<Rebuilt, 'recovery' | 'reconciliation' | 'setAside'>; setAside: string }> {
  const archive = await Archive.open(o.folder, o.identities, { log: o.log });
  try {
    const workingKey = await workingKeyOf(o);
    try {
      for (const suffix of ['', '-wal', '-shm']) await removeFile(join(o.folder, newName + suffix));
      const db = openConnection(join(o.folder, newName), workingKey.databaseKey(), { readonly: false });
      try {
        const built = await fill(o, db, archive, workingKey);
        db.close();
        return { built, setAside: await replaceDatabase(o.folder, newName, o.clock.wallMs(), 0) };
      } finally {
        db.close();
      }
    } finally {
      workingKey.close();
    }
  } finally {
    await archive.close();
  }
}

/** The one that is there; a lost one is made anew, for nothing but the database hangs on it. */
async function workingKeyOf(o: RebuildOptions): Promise<WorkingKey> {
  return loadWorkingKey({ folder: o.folder, ...credentialOf(o), mayCreate: true, evenBesideDatabase: true });
}

async function fill(o: RebuildOptions, db: Connection, archive: Archive, workingKey: WorkingKey): Promise<Omit<Rebuilt, 'recovery' | 'reconciliation' | 'setAside'>> {
  const operations = makeOperations(db);
  const problems: SallyportError[] = [];
  setUp(o, operations);
  const lists = new Map<number, HourList>();
  for await (const { list, problem } of archive.lists()) {
    if (list !== undefined) lists.set(list.slot, list);
    if (problem !== undefined) problems.push(problem);
  }
  const periods = await findPeriods(o, lists, workingKey);
  const archived: Record<string, number> = {};
  const counts = { periods: 0, segments: 0, archived, gaps: 0, gapsUnexplained: 0, deadlinesGuessed: periods.filter(({ guessed }) => guessed).length };
  for (const found of periods) {
    const unlisted = await unlistedOf(archive, found);
    const rows = await rowsOf(o, archive, found, unlisted, problems);
    const holds = found.hold === undefined ? [] : await holdsOf(o, found, rows, problems);
    const written = write(o, db, found, found.hold === undefined ? rows : rows.filter(({ segment }) => holds.some(({ path }) => path === segment.path)), holds);
    counts.segments += written.length;
    for (const { place } of written) if (place !== undefined) archived[place.destination] = (archived[place.destination] ?? 0) + 1;
    counts.periods++;
    counts.gaps += found.list?.gaps.length ?? 0;
    o.onProgress?.(counts.periods, periods.length);
  }
  counts.gapsUnexplained = noteHoles(db, o.gapMsMin);
  operations.putSetting({ name: reconcileSetting, json: JSON.stringify({ keepMs: o.keepMs('') }) });
  operations.putSetting({ name: farLookSetting, json: JSON.stringify({ sinceMs: Math.round(o.clock.wallMs()) }) });
  return { ...counts, problems };
}

function setUp(o: RebuildOptions, operations: ReturnType<typeof makeOperations>): VaultFacts {
  const signer = Signer.generate();
  const seed = signer.seed();
  try {
    return operations.setUp({
      hubName: o.hubName, publicKey: signer.publicKey, signingSeed: Uint8Array.from(seed), atMs: o.clock.wallMs(),
      rebuilt: 'the database before this one was lost, and with it the audit, its signing key and the cameras\' passwords; this one was made from what lies on the disk, with the owner\'s kit',
    });
  } finally {
    seed.fill(0);
    signer.close();
  }
}

async function findPeriods(o: RebuildOptions, lists: ReadonlyMap<number, HourList>, workingKey: WorkingKey): Promise<FoundPeriod[]> {
  const hub = workingKey.hubIdentity();
  const keyring = await Keyring.open(join(o.folder, 'keyring'), { log: silentLog, writable: false });
  const found: FoundPeriod[] = [];
  try {
    for await (const { slot, texts } of keyring.scan()) {
      for (const text of texts) {
        const opened = openedBy(text, o.identities, slot);
        if (opened === undefined) continue;
        opened.identity.close();
        if (opened.class !== 'footage' && opened.class !== 'hold' && opened.class !== 'rest' && opened.class !== 'alarm') break;
        const slotSha256 = textHash(text);
        const note = (await keyring.notes(slot)).map((one) => openNote(one, hub, { slot, slotSha256 })).find((one) => one !== undefined);
        found.push(periodOf(o, { slot, slotSha256, class: opened.class, camera: opened.camera, startMs: opened.startMs, recipient: opened.identity.recipient }, note, lists.get(slot)));
        break;
      }
    }
    // Footage first, then what is left of it: what they list is their own, and only held as well.
    return found.sort((a, b) => rankOf(a) - rankOf(b) || a.facts.startMs - b.facts.startMs || b.facts.deadlineMs - a.facts.deadlineMs);
  } finally {
    hub.close();
    await keyring.close();
  }
}

function rankOf({ facts }: FoundPeriod): number {
  return facts.class === 'footage' ? 0 : facts.class === 'rest' ? 1 : 2;
}

function openedBy(text: Buffer, identities: readonly Identity[], slot: number): ReturnType<typeof openSlot> | undefined {
  try {
    return openSlot(text, identities, `slot ${slot}`);
  } catch {
    return undefined; // Not for this kit, or rotten: reconcile.ts keeps it.
  }
}

/** The note and the list tell the end and the deadline; without either the configuration does, from the end of the longest period there may be. */
function periodOf(o: RebuildOptions, known: { slot: number; slotSha256: string; class: HourList['class']; camera: string; startMs: UnixMs; recipient: string }, note: NotedPeriod | undefined, list: HourList | undefined): FoundPeriod {
  const fits = list?.camera === known.camera && list.class === known.class && list.start_ms === known.startMs ? list : undefined;
  const endMs = note?.endMs ?? fits?.end_ms ?? known.startMs + o.periodMs;
  const told = note?.deadlineMs ?? fits?.deadline_ms;
  return {
    facts: { ...known, endMs, deadlineMs: told ?? endMs + o.keepMs(known.camera), generation: note?.generation ?? fits?.generation ?? generationsSkipped },
    guessed: told === undefined, list: fits,
    hold: isHoldClass(known.class) ? { order: fits?.order ?? note?.order ?? known.slotSha256.slice(0, 8), maker: fits?.maker ?? note?.maker ?? 'device', label: fits?.label ?? '' } : undefined,
  };
}

async function unlistedOf(archive: Archive, { facts }: FoundPeriod): Promise<ArchiveSegment[]> {
  const { segments } = await archive.segments(facts.camera, facts.startMs, facts.endMs);
  return segments.filter(({ state, slot, path }) => state === 'unlisted' && slot === facts.slot && !path.endsWith('.part'));
}

async function rowsOf(o: RebuildOptions, archive: Archive, { list, facts, hold }: FoundPeriod, unlisted: readonly ArchiveSegment[], problems: SallyportError[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const record of list?.segments ?? []) rows.push(await listedRow(o, archive, { slot: facts.slot, ...(hold === undefined ? {} : { heldBy: [facts.slot] }) }, record));
  for (const [index, segment] of unlisted.entries()) {
    try {
      rows.push(await unlistedRow(o, archive, segment, unlisted[index + 1]));
    } catch (error) {
      problems.push(asSallyportError(error));
    }
  }
  return rows.sort((a, b) => a.segment.startMs - b.segment.startMs || a.segment.seq - b.segment.seq);
}

interface Row {
  readonly segment: Omit<NewSegment, 'periodId' | 'camera'>;
  readonly found: 'whole' | 'damaged' | 'missing';
  /** Its file is not missing here: it lies there alone. */
  readonly place?: { readonly destination: string; readonly object: string };
}

/**
 * The list's hashes stay: a file that does not have them any more rotted. Without key frames a row is one that a hub made of a file that
 * it found and could not open: its hash says what was found.
 */
async function listedRow(o: RebuildOptions, archive: Archive, by: { slot: number; heldBy?: readonly number[] }, record: SegmentRecord): Promise<Row> {
  const { header_sha256: headerSha256, body_sha256: bodySha256, header_bytes: headerBytes } = record;
  const segment = {
    stream: record.stream, seq: record.seq, boot: record.boot, monoMs: record.mono_ms, startMs: record.start_ms, durationMs: record.duration_ms, path: record.path, sizeBytes: record.size,
    headerBytes, headerSha256, bodySha256, keyFrames: record.key_frames, reason: reasonOf(record.reason), cutChunks: record.state === 'cut' ? record.chunks : undefined,
    ...(record.thumb === undefined ? {} : { thumb: record.thumb }),
  };
  const file = join(o.folder, 'footage', record.path);
  const { destination, object } = record;
  if (!(await fileExists(file))) return destination === undefined || object === undefined ? { segment, found: 'missing' } : { segment, found: 'whole', place: { destination, object } };
  const now = await hashFile(file, headerBytes).catch(() => undefined);
  if (now?.sizeBytes !== record.size || now.headerSha256 !== headerSha256 || now.bodySha256 !== bodySha256) return { segment, found: 'damaged' };
  if (record.key_frames.length > 0 || await isWhole(archive, { path: record.path, ...by, state: 'complete', sizeBytes: record.size, cutChunks: segment.cutChunks })) return { segment, found: 'whole' };
  return { segment: { ...segment, bodySha256: noHash }, found: 'damaged' };
}

function reasonOf(text: string): 'continuous' | 'alarm' | 'manual' {
  return text === 'alarm' || text === 'manual' ? text : 'continuous';
}

/** It ended when it was written last, and not after the next one began. What was written where it rotted nobody knows: no file has that hash. */
async function unlistedRow(o: RebuildOptions, archive: Archive, segment: ArchiveSegment, next: ArchiveSegment | undefined): Promise<Row> {
  const file = join(o.folder, 'footage', segment.path);
  const { mtimeMs } = await stat(file);
  const untilMs = Math.min(mtimeMs, segment.startMs + durationMsMax, next !== undefined && next.stream === segment.stream ? next.startMs : Infinity);
  const hashes = await hashFile(file, await readHeaderSize(file, segment.path));
  const whole = await isWhole(archive, segment);
  return {
    segment: {
      ...hashes, ...(whole ? {} : { bodySha256: noHash }), stream: segment.stream, seq: segment.seq, boot: '', monoMs: 0, startMs: segment.startMs, durationMs: Math.round(Math.max(0, untilMs - segment.startMs)), path: segment.path,
      keyFrames: [], reason: 'continuous', cutChunks: segment.cutChunks, ...(segment.thumb === undefined ? {} : { thumb: segment.thumb }),
    },
    found: whole ? 'whole' : 'damaged',
  };
}

/** No hash tells what was written, but each chunk proves itself. */
async function isWhole(archive: Archive, segment: Parameters<Archive['openSegment']>[0]): Promise<boolean> {
  const opener = await archive.openSegment(segment);
  try {
    for await (const chunk of opener.chunks()) chunk.fill(0);
    return true;
  } catch (error) {
    if (!isSallyportError(error, 'SP_AGE_PAYLOAD') && !isSallyportError(error, 'SP_SEGMENT_CUT')) throw error;
    return false;
  } finally {
    opener.close();
  }
}

interface FoundHold {
  /** Of its segment, below footage/. */
  readonly path: string;
  readonly sha256: string;
}

/** Where its second headers may lie: beside its own hour's footage, or anywhere around its day. */
function foldersOf({ camera, class: klass, startMs, endMs }: FoundPeriod['facts'], rows: readonly Row[]): Set<string> {
  if (klass !== 'alarm') return new Set([periodFolder(camera, startMs)]);
  const folders = new Set(rows.flatMap(({ segment }) => parseSegmentPath(segment.path)?.folder ?? []));
  for (let atMs = startMs - dayMs; atMs < endMs + hourMs; atMs += hourMs) folders.add(periodFolder(camera, atMs));
  return folders;
}

/** Second headers of the period that lie on the disk, with the hashes that its list has of them. */
async function holdsOf(o: RebuildOptions, { facts, list }: FoundPeriod, rows: readonly Row[], problems: SallyportError[]): Promise<FoundHold[]> {
  const listed = new Map((list?.segments ?? []).map((record) => [record.path, record.hold_sha256]));
  const lying: string[] = [];
  for (const folder of foldersOf(facts, rows)) {
    lying.push(...(await listFolder(join(o.folder, 'footage', folder))).flatMap((name) => parseHoldName(name) ?? []).filter(({ slot }) => slot === facts.slot).map(({ segment }) => `${folder}/${segment}`));
  }
  for (const { segment } of rows) if (!lying.includes(segment.path)) problems.push(new SallyportError('SP_HOLD_DAMAGED', { file: holdName(segment.path, facts.slot) }));
  const found: FoundHold[] = [];
  for (const path of lying) {
    const file = holdName(path, facts.slot);
    try {
      const hold = sha256(await readHold(join(o.folder, 'footage', file), file));
      found.push({ path, sha256: listed.get(path) ?? hold });
      if ((listed.get(path) ?? hold) !== hold) problems.push(new SallyportError('SP_HOLD_DAMAGED', { file }));
    } catch (error) {
      problems.push(asSallyportError(error));
    }
  }
  return found;
}

/** Answers the segments that are new: those that footage lists name are theirs, and held besides. */
function write(o: RebuildOptions, db: Connection, { facts, list, hold }: FoundPeriod, rows: readonly Row[], holds: readonly FoundHold[]): readonly Row[] {
  const catalogue = new Catalogue(db);
  const operations = makeOperations(db);
  const atMs = Math.round(o.clock.wallMs());
  const ours = rows.filter(({ segment }) => !catalogue.segments.hasPath(segment.path));
  db.transaction(() => {
    const period = catalogue.periods.add({ ...facts, generation: facts.generation + generationsSkipped });
    if (hold !== undefined) catalogue.holds.addPeriod(period.id, hold);
    const [archive, far] = [new ArchiveTable(db), new FarTable(db)];
    for (const { segment, found, place } of ours) {
      catalogue.addSegment({ ...segment, periodId: period.id, camera: facts.camera });
      if (found === 'missing') catalogue.segments.markMissing(segment.path);
      if (found === 'damaged') catalogue.markDamagedPath(segment.path, atMs);
      if (place === undefined) continue;
      far.adopt([{ ...place, class: 'segment', camera: facts.camera, slot: facts.slot, path: segment.path, keysAt: 'home', sizeBytes: segment.sizeBytes }], atMs);
      archive.restore(segment.path, place, atMs);
    }
    for (const { path, sha256 } of holds) {
      const name = parseSegmentPath(path);
      const segment = name === undefined ? undefined : catalogue.holds.holdable(period.id, name);
      if (segment !== undefined) catalogue.addHold(period.id, segment.segmentId, sha256);
    }
    for (const gap of list?.gaps ?? []) catalogue.addGap({ camera: facts.camera, stream: gap.stream, fromMs: gap.from_ms, toMs: gap.to_ms, reason: gap.reason, detail: gap.detail });
  }).immediate();
  operations.audit({ entry: { what: 'rebuild.period', who: 'cli', camera: facts.camera, detail: { slot: facts.slot, start_ms: facts.startMs, deadline_ms: facts.deadlineMs, class: facts.class, segments: ours.length, holds: holds.length } }, atMs });
  return ours;
}

/** The reason of a gap stands in its period's list, which is written at the period's end: what was open has lost its reasons, not its holes. */
function noteHoles(db: Connection, gapMsMin: number): number {
  const catalogue = new Catalogue(db);
  const holes = catalogue.gaps.holes({ msMin: gapMsMin });
  db.transaction(() => {
    for (const hole of holes) catalogue.addGap({ ...hole, reason: 'account lost', detail: 'why nothing was recorded stood in the database that was lost' });
  }).immediate();
  return holes.length;
}
