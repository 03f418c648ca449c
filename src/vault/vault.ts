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
 * So each file is exactly one of: a row's, garbage, or newer than the last row (recover.ts settles it at each start).
 * docs/ARCHITECTURE.md shows the way of the data, docs/FORMAT.md each byte, docs/THREAT_MODEL.md what a thief finds.
 */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { ensureFolder, fileExists, listFolder, syncFolder, writeFileAtomic } from '../base/files.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import { sealWhole } from '../seal/sealer.ts';
import { makePeriodKey } from '../seal/slot.ts';
import { Signer } from '../seal/sshsig.ts';
import type { AuditEntry } from './audit.ts';
import { segmentId, type GapRow, type Period, type PeriodBytes, type PeriodFacts, type SegmentRow, type TimeQuery } from './catalogue.ts';
import { WorkingDatabase } from './database.ts';
import { lockFolder } from './folderlock.ts';
import { hourListPath, periodFolder, segmentPath, type StreamName } from './footagepaths.ts';
import { encodeHourList } from './hourlist.ts';
import { Keyring } from './keyring.ts';
import type { VaultFacts } from './operations.ts';
import { completePapers, issueCheckpoint, receiptFile, removeSigned } from './paperwork.ts';
import { purgePeriods, type PurgeParts, type PurgeStep } from './purge.ts';
import type { Receipt } from './receipts.ts';
import { recover, type Recovery } from './recover.ts';
import { SegmentFile } from './segmentfile.ts';
import { Turns } from './turns.ts';
import { loadWorkingKey } from './workingkey.ts';
import { OpenSegment, type SegmentWriter } from './writer.ts';

export type { GapRow, Period, PeriodBytes, PeriodFacts, SegmentRow, TimeQuery } from './catalogue.ts';
export type { Receipt } from './receipts.ts';
export type { Recovery } from './recover.ts';
export type { SegmentWriter } from './writer.ts';

export interface VaultOptions {
  readonly folder: string;
  /** A file that holds the working key; else `working.key` in the folder. */
  readonly workingKeyFile?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly hubName: string;
  /** For tests that kill between steps. */
  readonly hooks?: { readonly afterStep?: (step: PurgeStep) => Promise<void> | void };
}

export interface NewPeriod {
  readonly camera: string;
  readonly class: 'footage';
  readonly startMs: UnixMs;
  readonly endMs: UnixMs;
  readonly deadlineMs: UnixMs;
  /** age1… of those who may open it: the kit and the space. */
  readonly recipients: readonly string[];
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

interface Parts {
  readonly options: VaultOptions;
  readonly footage: string;
  readonly database: WorkingDatabase;
  readonly keyring: Keyring;
  readonly signer: Signer;
  readonly facts: VaultFacts;
  readonly lifetime: Lifetime;
}

const gapTextMax = 500;

/** Periods that were purged since the start; a recorder's stale period is known by them. */
const purgedKept = 10_000;

export class Vault {
  readonly #o: VaultOptions;
  readonly #parts: Parts;
  readonly #purgeParts: PurgeParts;
  /** Making keys: no two periods may see the same slot as free. */
  readonly #slotTurns = new Turns();
  /** Hour lists, purges and checkpoints: a list must not come back into a purged folder, numbers must not meet. */
  readonly #turns = new Turns();
  readonly #open = new Map<string, OpenSegment>();
  readonly #nextSeqs = new Map<string, number>();
  readonly #purged = new Set<number>();
  #recovery: Recovery = { cut: 0, adopted: 0, removed: 0, missing: [], purgesFinished: 0, tookMs: 0 };

  private constructor(parts: Parts) {
    this.#o = parts.options;
    this.#parts = parts;
    this.#purgeParts = {
      folder: parts.options.folder, footage: parts.footage, clock: parts.options.clock, log: parts.options.log, database: parts.database,
      keyring: parts.keyring, signer: parts.signer, vault: parts.facts,
      leaving: (ids) => this.#leave(ids),
      openPaths: (id) => [...this.#open.values()].filter(({ facts }) => facts.period.id === id).map(({ path }) => path),
      afterStep: parts.options.hooks?.afterStep ?? (() => {}),
    };
  }

  /**
   * Locks the folder, opens the database and the keyring, ends what a kill left undone. SP_DATA_FOLDER, SP_DATA_LOCKED,
   * SP_WRONG_WORKING_KEY, SP_NO_WORKING_KEY, SP_DATABASE_NEWER, SP_DATABASE, SP_KEYRING.
   */
  static async open(options: VaultOptions): Promise<Vault> {
    const lifetime = new Lifetime();
    try {
      const parts = await openParts(options, lifetime);
      const vault = new Vault(parts);
      vault.#recovery = await recover(vault.#purgeParts);
      await completePapers(vault.#purgeParts);
      for (const { camera, stream, nextSeq } of await parts.database.call('nextSeqs')) vault.#nextSeqs.set(`${camera}/${stream}`, nextSeq);
      return vault;
    } catch (error) {
      await lifetime.close();
      throw error;
    }
  }

  /** What the start had to repair. */
  get recovery(): Recovery {
    return this.#recovery;
  }

  /** "ssh-ed25519 …", also in `hub.pub`. */
  get publicKey(): string {
    return this.#parts.signer.publicKey;
  }

  /** Abandons what is still open, signs a last checkpoint, closes the database (which truncates its log) and unlocks the folder. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(async (writer) => {
      await writer.settled;
      if (this.#open.has(writer.id)) await writer.abandon();
    }));
    try {
      if (this.#parts.database.failure === undefined) await this.checkpoint();
    } finally {
      await this.#parts.lifetime.close();
    }
  }

  // periods and segments

  /**
   * The period of this camera, class, start and deadline, made if it is not there: its slot is in both keyring files, read back, before
   * its row is written. SP_NO_SLOT.
   */
  preparePeriod(p: NewPeriod): Promise<Period> {
    return this.#slotTurns.take(async () => await this.#parts.database.call('findPeriod', p) ?? await this.#makePeriod(p));
  }

  async #makePeriod(p: NewPeriod): Promise<Period> {
    try {
      const { slot, generation } = await this.#parts.database.call('freeSlot');
      const { recipient, slotText } = makePeriodKey(p, p.recipients);
      const slotSha256 = await this.#parts.keyring.write(slot, slotText);
      await this.#parts.keyring.read(slot, slotSha256);
      const { camera, class: klass, startMs, endMs, deadlineMs } = p;
      return await this.#parts.database.call('addPeriod', {
        period: { camera, class: klass, startMs, endMs, deadlineMs, slot, generation, recipient, slotSha256 }, atMs: this.#now(),
      });
    } catch (error) {
      throw new SallyportError('SP_NO_SLOT', { camera: p.camera, reason: reasonOf(error) }, error);
    }
  }

  /** Opens the next segment of a stream. SP_WRITE; SP_SLOT_MISSING when the period was purged. */
  async beginSegment(s: SegmentBeginning): Promise<SegmentWriter> {
    const { period, stream, boot } = s;
    const seq = this.#takeSeq(period.camera, stream);
    const startMs = Math.round(s.wallMs);
    const monoMs = Math.round(s.monoMs);
    const path = segmentPath(period.camera, period.startMs, { startMs, seq, stream });
    if (this.#purged.has(period.id)) throw new SallyportError('SP_SLOT_MISSING', { what: path });
    const noted = this.#parts.database.call('noteBegun', { camera: period.camera, stream, seq, periodId: period.id, boot, monoMs, startMs });
    noted.catch(() => {}); // told at close
    const file = await SegmentFile.begin({
      footage: this.#parts.footage, path, recipient: period.recipient, ftyp: s.ftyp, moov: s.moov, clock: this.#o.clock,
      metadata: { v: 1, camera: period.camera, stream, seq, boot, mono_ms: monoMs, wall_ms: startMs, clock: s.clockState },
    });
    const id = segmentId({ camera: period.camera, stream, seq });
    const writer = new OpenSegment({ period, stream, seq, path, boot, monoMs, startMs }, file, {
      footage: this.#parts.footage, clock: this.#o.clock, database: this.#parts.database, noted,
      previous: () => this.#earlierCloses(period.camera, stream, seq),
      ended: () => void this.#open.delete(id),
    });
    this.#open.set(id, writer);
    if (this.#purged.has(period.id)) {
      writer.purge();
      await writer.abandon();
      throw new SallyportError('SP_SLOT_MISSING', { what: path });
    }
    return writer;
  }

  /** Writes the hour lists of ended periods that have no open segment; answers how many. SP_WRITE. */
  finishPeriods(nowMs: UnixMs): Promise<number> {
    return this.#turns.take(async () => {
      let finished = 0;
      for (const period of await this.#parts.database.call('unlistedPeriods', { nowMs })) {
        if (this.#hasOpen(period.id)) continue;
        if (await this.#writeHourList(period)) finished++;
      }
      return finished;
    });
  }

  async #writeHourList(period: Period): Promise<boolean> {
    const list = await this.#parts.database.call('hourList', { periodId: period.id });
    if (list === undefined) return false;
    if (list.segments.length > 0 || list.gaps.length > 0) {
      const folder = join(this.#parts.footage, periodFolder(period.camera, period.startMs));
      if (!(await fileExists(folder))) await this.#makeDurableFolder(period);
      await writeFileAtomic(join(this.#parts.footage, hourListPath(period.camera, period.startMs, period.slot)), sealWhole(Buffer.from(encodeHourList(list)), [period.recipient]));
    }
    return this.#parts.database.call('markListed', { periodId: period.id, segments: list.segments.length, gaps: list.gaps.length });
  }

  /** For a period without a single segment: its list of gaps needs the folder, and the folder's name must last. */
  async #makeDurableFolder(period: Period): Promise<void> {
    const [camera = '', date = ''] = periodFolder(period.camera, period.startMs).split('/');
    await ensureFolder(join(this.#parts.footage, periodFolder(period.camera, period.startMs)));
    for (const folder of ['', camera, join(camera, date)]) await syncFolder(join(this.#parts.footage, folder));
  }

  /** Noted once, however often it is told. */
  async addGap(g: GapRow): Promise<void> {
    const fromMs = Math.round(g.fromMs);
    await this.#parts.database.call('addGap', { ...g, fromMs, toMs: Math.max(fromMs, Math.round(g.toMs)), detail: g.detail.slice(0, gapTextMax) });
  }

  segments(q: TimeQuery): Promise<SegmentRow[]> {
    return this.#parts.database.call('segments', q);
  }

  gaps(q: TimeQuery): Promise<GapRow[]> {
    return this.#parts.database.call('gaps', q);
  }

  /** Per camera, of what is not purged. */
  footageFacts(): Promise<{ camera: string; segments: number; bytes: number; oldestMs: UnixMs; newestEndMs: UnixMs }[]> {
    return this.#parts.database.call('footageFacts');
  }

  async diskFacts(): Promise<{ freeBytes: number; totalBytes: number }> {
    try {
      const facts = await statfs(this.#parts.footage);
      return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize };
    } catch (error) {
      throw new SallyportError('SP_READ', { file: this.#parts.footage, reason: reasonOf(error) }, error);
    }
  }

  // deadlines and purging

  /** Past their deadline, or left half purged; the earliest deadline first. */
  duePeriods(nowMs: UnixMs): Promise<Period[]> {
    return this.#parts.database.call('duePeriods', { nowMs });
  }

  nextDeadlineMs(): Promise<UnixMs | undefined> {
    return this.#parts.database.call('nextDeadlineMs');
  }

  /** Oldest first. */
  livePeriods(): Promise<PeriodFacts[]> {
    return this.#parts.database.call('livePeriods');
  }

  /** What the live periods take, in the order of sealing; with the segments that are being written to them, and whether there are any. */
  async periodBytes(): Promise<(PeriodBytes & { open: boolean })[]> {
    const periods = await this.#parts.database.call('periodBytes');
    return periods.map((period) => {
      const writers = [...this.#open.values()].filter(({ facts }) => facts.period.id === period.id);
      return { ...period, bytes: writers.reduce((sum, writer) => sum + writer.plainBytes, period.bytes), open: writers.length > 0 };
    });
  }

  /** No deadline of the camera's periods of this class is later than their end + keepMs then; answers how many came closer. */
  shortenDeadlines(camera: string, klass: string, keepMs: number): Promise<number> {
    return this.#parts.database.call('shortenDeadlines', { camera, class: klass, keepMs: Math.round(keepMs), atMs: this.#now() });
  }

  /** Shreds, then deletes (purge.ts tells the steps). What failed is retried by purging again. SP_WRITE, SP_KEYRING, SP_DATABASE. */
  purge(periods: readonly Pick<Period, 'id'>[], why: { early?: string }): Promise<Receipt> {
    return this.#turns.take(() => purgePeriods(this.#purgeParts, periods.map(({ id }) => id), why.early));
  }

  /** Drops the audit's lines, the checkpoints and the receipts from before `beforeMs`, up to a checkpoint from which the rest still proves itself. Answers the number of lines. */
  purgeAudit(beforeMs: UnixMs): Promise<number> {
    return this.#turns.take(async () => {
      const expired = await this.#parts.database.call('expireAudit', { beforeMs, atMs: this.#now() });
      if (expired === undefined) return 0;
      let dropped = 0;
      for (let count = -1; count !== 0; dropped += count) count = await this.#parts.database.call('dropAudit', { through: expired.through });
      for (const number of expired.receipts) await removeSigned(receiptFile(this.#o.folder, number));
      await completePapers(this.#purgeParts);
      return dropped;
    });
  }

  // audit, secrets, settings

  async audit(entry: AuditEntry): Promise<void> {
    await this.#parts.database.call('audit', { entry, atMs: this.#now() });
  }

  /** Signs where audit, database and catalogue stand. */
  checkpoint(): Promise<{ number: number; file: string }> {
    return this.#turns.take(() => issueCheckpoint(this.#purgeParts));
  }

  async putSecret(name: string, value: Secret): Promise<void> {
    await this.#parts.database.call('putSecret', { name, value: value.reveal() });
  }

  async secret(name: string): Promise<Secret | undefined> {
    const value = await this.#parts.database.call('secret', { name });
    return value === undefined ? undefined : new Secret(value);
  }

  async removeSecret(name: string): Promise<void> {
    await this.#parts.database.call('removeSecret', { name });
  }

  async putSetting(name: string, value: CanonicalValue): Promise<void> {
    await this.#parts.database.call('putSetting', { name, json: canonicalJson(value) });
  }

  async setting(name: string): Promise<CanonicalValue | undefined> {
    const json = await this.#parts.database.call('setting', { name });
    return json === undefined ? undefined : (JSON.parse(json) as CanonicalValue);
  }

  // helpers

  #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }

  #takeSeq(camera: string, stream: StreamName): number {
    const key = `${camera}/${stream}`;
    const seq = this.#nextSeqs.get(key) ?? 1;
    this.#nextSeqs.set(key, seq + 1);
    return seq;
  }

  #hasOpen(periodId: number): boolean {
    return [...this.#open.values()].some(({ facts }) => facts.period.id === periodId);
  }

  async #earlierCloses(camera: string, stream: StreamName, seq: number): Promise<void> {
    const earlier = [...this.#open.values()].filter(({ facts }) => facts.period.camera === camera && facts.stream === stream && facts.seq < seq);
    await Promise.all(earlier.map(({ settled }) => settled));
  }

  #leave(periodIds: readonly number[]): void {
    for (const id of periodIds) this.#purged.add(id);
    for (const id of this.#purged) {
      if (this.#purged.size <= purgedKept) break;
      this.#purged.delete(id);
    }
    for (const writer of this.#open.values()) if (this.#purged.has(writer.facts.period.id)) writer.purge();
  }
}

async function openParts(options: VaultOptions, lifetime: Lifetime): Promise<Parts> {
  const { folder, log } = options;
  const footage = join(folder, 'footage');
  await makeFolders(folder);
  await lifetime.own('the lock', lockFolder(folder));
  const database = await openDatabase(options, footage, lifetime);
  const { facts, signer } = await knowYourself(database, options);
  lifetime.defer('the signing key', () => signer.close());
  const keyring = await lifetime.own('the keyring', Keyring.open(join(folder, 'keyring'), { log }));
  return { options, footage, database, keyring, signer, facts, lifetime };
}

async function makeFolders(folder: string): Promise<void> {
  try {
    for (const name of ['', 'footage', 'receipts', 'checkpoints', 'log']) await ensureFolder(join(folder, name));
  } catch (error) {
    throw new SallyportError('SP_DATA_FOLDER', { folder, reason: reasonOf(isSallyportError(error) ? error.cause : error) }, error);
  }
}

async function openDatabase(options: VaultOptions, footage: string, lifetime: Lifetime): Promise<WorkingDatabase> {
  const file = join(options.folder, 'working.db');
  const there = await fileExists(file);
  // A new database beside old footage would take its slots for free and its files for garbage.
  if (!there && (await listFolder(footage)).length > 0) {
    throw new SallyportError('SP_DATA_FOLDER', { folder: options.folder, reason: 'it holds sealed footage but no working.db; put that back, or move the folders footage and keyring elsewhere (both open with the recovery kit)' });
  }
  const credential = options.workingKeyFile === undefined ? {} : { credential: options.workingKeyFile };
  const workingKey = await loadWorkingKey({ folder: options.folder, ...credential, mayCreate: !there });
  try {
    return await lifetime.own('the working database', WorkingDatabase.open(file, workingKey.databaseKey()));
  } finally {
    workingKey.close();
  }
}

/** The vault's id and the hub's signing key, made at the first start. */
async function knowYourself(database: WorkingDatabase, options: VaultOptions): Promise<{ facts: VaultFacts; signer: Signer }> {
  const known = await database.call('vaultFacts');
  if (known === undefined) {
    const signer = Signer.generate();
    const seed = signer.seed();
    const facts = await database.call('setUp', { hubName: options.hubName, publicKey: signer.publicKey, signingSeed: Uint8Array.from(seed), atMs: options.clock.wallMs() });
    seed.fill(0);
    return { facts, signer };
  }
  const { signingSeed, ...facts } = known;
  const signer = Signer.fromSeed(signingSeed);
  signingSeed.fill(0);
  if (facts.hubName !== options.hubName) await database.call('rename', { hubName: options.hubName });
  return { facts: { ...facts, hubName: options.hubName }, signer };
}
