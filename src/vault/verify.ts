/**
 * Proves, without the owner's keys and while a hub may be running, that the data folder is what the database and the hub's signatures
 * say: every file is a row's, garbage on its way out, or newer than the last row; sizes and hashes; both copies of each slot; the audit's
 * chain; checkpoints and receipts. Reads only. Reads page by page, so that a running hub is not kept from truncating its log.
 *
 * A hub goes on meanwhile: what looks wrong is looked at again at the end, against the rows of then, before it is told.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SallyportError, isSallyportError, reasonOf, type ErrorCode } from '../base/errors.ts';
import { fileExists, listFolder, readTextBounded } from '../base/files.ts';
import { silentLog } from '../base/log.ts';
import { chunkSealedBytes } from '../seal/opener.ts';
import { verifySignature } from '../seal/sshsig.ts';
import { AuditTable, faultsOf, firstHead, type ChainHead } from './audit.ts';
import { Catalogue } from './catalogue.ts';
import type { SegmentRow } from './segmenttable.ts';
import { CheckpointTable, checkpointNamespace, parseCheckpoint, type CheckpointFacts } from './checkpoints.ts';
import { databaseError, openConnection, type Connection } from './connection.ts';
import { checkTable, doubtOf, tablesOf } from './databaseroot.ts';
import { copyFile } from './copies.ts';
import { hashFile, walkFootage } from './filehash.ts';
import { parseHoldName, parseHourListName, parseSegmentPath, partSuffix, periodFolder } from './footagepaths.ts';
import { wrongWithHold } from './holds.ts';
import type { HoldTable } from './holdtable.ts';
import { Keyring } from './keyring.ts';
import { readVaultFacts, type VaultFacts } from './vaultfacts.ts';
import { checkpointFile, publicKeyFile, receiptFile } from './paperwork.ts';
import { openPictures, picturesName, PictureTables } from './picturesfile.ts';
import { ReceiptTable, receiptNamespace, type SignedText } from './receipts.ts';
import { loadWorkingKey } from './workingkey.ts';

export interface VerifyOptions {
  readonly folder: string;
  readonly workingKeyFile?: string;
  /** A checkpoint file that somebody kept (its `.sig` beside it): the folder must not be older than it. */
  readonly since?: string;
  /** Segments done, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface VerifyProblem {
  readonly code: ErrorCode;
  readonly what: string;
  readonly detail: string;
}

export interface VerifyReport {
  segments: number;
  bytes: number;
  /** Of the segments: those that lie elsewhere alone, which are compared when they are fetched and not now. */
  elsewhere: number;
  auditEntries: number;
  checkpoints: number;
  problems: VerifyProblem[];
}

const rowsAtOnce = 500;
const paperBytesMax = 16 * 2 ** 20;

/** SP_DATA_FOLDER, SP_NO_WORKING_KEY, SP_WRONG_WORKING_KEY, SP_DATABASE_NEWER, SP_DATABASE; SP_STOPPED when aborted. What is found wrong is in the report. */
export async function verifyFolder(o: VerifyOptions): Promise<VerifyReport> {
  const file = join(o.folder, 'working.db');
  if (!(await fileExists(file))) throw new SallyportError('SP_DATA_FOLDER', { folder: o.folder, reason: 'it holds no working.db' });
  const workingKey = await loadWorkingKey({ folder: o.folder, ...(o.workingKeyFile === undefined ? {} : { credential: o.workingKeyFile }), mayCreate: false });
  let db: Connection;
  let picturesKey: Buffer;
  try {
    db = openConnection(file, workingKey.databaseKey(), { readonly: true });
    picturesKey = workingKey.databaseKey();
  } finally {
    workingKey.close();
  }
  try {
    const facts = readVaultFacts(db);
    if (facts === undefined) throw new SallyportError('SP_DATA_FOLDER', { folder: o.folder, reason: 'its working.db was not set up' });
    return await new Verification(o, db, facts, picturesKey).run();
  } catch (error) {
    throw isSallyportError(error) ? error : databaseError(error, file);
  } finally {
    picturesKey.fill(0);
    db.close();
  }
}

class Verification {
  readonly #o: VerifyOptions;
  readonly #db: Connection;
  readonly #facts: VaultFacts;
  readonly #catalogue: Catalogue;
  readonly #holds: HoldTable;
  readonly #footage: string;
  /** Of the pictures' file; wiped when it was used. */
  readonly #key: Buffer;
  readonly #report: VerifyReport = { segments: 0, bytes: 0, elsewhere: 0, auditEntries: 0, checkpoints: 0, problems: [] };

  constructor(o: VerifyOptions, db: Connection, facts: VaultFacts, picturesKey: Buffer) {
    this.#o = o;
    this.#db = db;
    this.#facts = facts;
    this.#key = picturesKey;
    this.#catalogue = new Catalogue(db);
    this.#holds = this.#catalogue.holds;
    this.#footage = join(o.folder, 'footage');
  }

  async run(): Promise<VerifyReport> {
    await this.#checkPublicKey();
    this.#checkTables();
    await this.#checkSegments();
    await this.#checkHolds();
    await this.#checkCensus();
    await this.#checkSlots();
    await this.#checkCopies();
    this.#checkPictures();
    this.#checkRowsRoots();
    const head = this.#checkChain();
    await this.#checkCheckpoints();
    await this.#checkReceipts();
    if (this.#o.since !== undefined) await this.#checkSince(this.#o.since, head);
    return this.#report;
  }

  #problem(code: ErrorCode, what: string, detail: string): void {
    this.#report.problems.push({ code, what, detail });
  }

  #goOn(): void {
    if (this.#o.signal?.aborted === true) throw new SallyportError('SP_STOPPED', { what: 'verifying' });
  }

  async #checkPublicKey(): Promise<void> {
    const file = publicKeyFile(this.#o.folder);
    const text = await readTextBounded(file, 10_000).catch(() => '');
    const known = this.#facts.publicKey;
    if (text !== known && !text.startsWith(`${known} `) && !text.startsWith(`${known}\n`)) this.#problem('SP_BAD_SIGNATURE', 'hub.pub', 'it is not the key with which the database signs');
  }

  /** Every page is read; one that was put back from an older state no longer fits the others. */
  #checkTables(): void {
    for (const table of tablesOf(this.#db)) {
      this.#goOn();
      try {
        checkTable(this.#db, table);
      } catch (error) {
        const known = databaseError(error, 'working.db');
        this.#problem('SP_DATABASE_DAMAGED', `working.db, ${table}`, String(known.evidence['reason'] ?? known.message));
      }
    }
  }

  // segments

  async #checkSegments(): Promise<void> {
    const total = this.#catalogue.periods.countSegments().segments;
    let done = 0;
    for (let after = 0; ;) {
      const page = this.#catalogue.segments.after(after, rowsAtOnce);
      if (page.length === 0) return;
      for (const { rowId, row } of page) {
        this.#goOn();
        await this.#checkSegment(row);
        this.#o.onProgress?.(++done, Math.max(done, total));
        after = rowId;
      }
    }
  }

  async #checkSegment(row: SegmentRow): Promise<void> {
    if (row.state === 'garbage') return;
    this.#report.segments++;
    this.#report.bytes += row.sizeBytes;
    const wrong = await this.#wrongWith(row);
    if (wrong === undefined) return;
    // A purge may have been at work meanwhile: only a row that still stands tells.
    const now = this.#catalogue.segments.find(row.camera, row.stream, row.seq);
    if (now === undefined || now.state === 'garbage') return;
    this.#problem(wrong.code, row.path, wrong.detail);
  }

  async #wrongWith(row: SegmentRow): Promise<Omit<VerifyProblem, 'what'> | undefined> {
    const damaged = (detail: string): Omit<VerifyProblem, 'what'> => ({ code: 'SP_SEGMENT_DAMAGED', detail });
    try {
      const file = join(this.#footage, row.path);
      const { size } = await stat(file);
      if (size !== row.sizeBytes) return damaged(`it has ${size} bytes, its row says ${row.sizeBytes}`);
      if (row.cutChunks !== undefined && size !== row.headerBytes + row.cutChunks * chunkSealedBytes) return damaged(`it was cut to ${row.cutChunks} whole chunks, but has ${size} bytes`);
      const found = await hashFile(file, row.headerBytes);
      if (found.headerSha256 !== row.headerSha256) return damaged('its header is not what was written');
      if (found.bodySha256 !== row.bodySha256) return damaged('what follows its header is not what was written');
      return undefined;
    } catch (error) {
      // It lies elsewhere alone, and what is there is compared each time that it is fetched.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && row.archivedAt !== undefined) return void this.#report.elsewhere++;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { code: 'SP_SEGMENT_MISSING', detail: row.state === 'missing' ? 'known to be missing since a start of the hub' : 'there is no such file' };
      return { code: 'SP_READ', detail: reasonOf(error) };
    }
  }

  // holds

  async #checkHolds(): Promise<void> {
    for (const path of this.#holds.withoutHeader()) this.#problem('SP_HOLD_DAMAGED', path, 'its own key is gone, and no row tells of the second header that keeps it');
    for (let after = { periodId: 0, segmentId: 0 }; ;) {
      const page = this.#holds.after(after, rowsAtOnce);
      if (page.length === 0) return;
      for (const hold of page) {
        this.#goOn();
        after = hold;
        const wrong = await wrongWithHold(join(this.#footage, hold.path), hold.sha256);
        if (wrong !== undefined && this.#holds.has(hold.periodId, hold.segmentId) && !this.#isLeaving(hold.periodId)) this.#problem('SP_HOLD_DAMAGED', hold.path, wrong);
      }
    }
  }

  // census

  async #checkCensus(): Promise<void> {
    const suspects: string[] = [];
    for await (const { folder, files } of walkFootage(this.#footage)) {
      this.#goOn();
      for (const name of files) if (!this.#isKnown(join(folder, name))) suspects.push(join(folder, name));
    }
    for (const path of suspects) {
      if ((await fileExists(join(this.#footage, path))) && !this.#isKnown(path)) this.#problem('SP_FILE_UNKNOWN', path, 'it is no row\'s and not newer than the last row');
    }
  }

  #isKnown(path: string): boolean {
    // An hour list is written beside, then renamed.
    const slot = parseHourListName(basename(path).replace(/\.\d{1,10}\.part$/, ''));
    if (slot !== undefined) return this.#hasPeriod(dirname(path), slot);
    // So is a second header, which is newer than its row while that is on its way.
    const hold = parseHoldName(path.replace(/\.part$/, ''));
    if (hold !== undefined) return this.#holds.isKnown(hold.segment, hold.slot) || (path.endsWith(partSuffix) && this.#mayHold(dirname(path), hold.slot));
    const segment = parseSegmentPath(path);
    if (segment === undefined) return false;
    if (this.#catalogue.segments.hasPath(segment.part ? path.slice(0, -partSuffix.length) : path)) return true;
    const next = this.#catalogue.segments.nextSeqs().find(({ camera, stream }) => camera === segment.camera && stream === segment.stream);
    return segment.seq >= (next?.nextSeq ?? 0) || this.#catalogue.segments.begunOf(segment.camera, segment.stream, segment.seq) !== undefined;
  }

  #hasPeriod(folder: string, slot: number): boolean {
    const period = this.#catalogue.periods.ofSlot(slot);
    return period !== undefined && periodFolder(period.camera, period.startMs) === folder;
  }

  #mayHold(folder: string, slot: number): boolean {
    const period = this.#catalogue.periods.ofSlot(slot);
    return period?.class === 'alarm' ? folder.split('/')[0] === period.camera : this.#hasPeriod(folder, slot);
  }

  // alarms

  /** Each alarm's pictures are those that were put there. Without the owner's keys: by their hashes. */
  #checkPictures(): void {
    const file = join(this.#o.folder, picturesName);
    let db: Connection | undefined;
    try {
      if (!existsSync(file)) {
        if (this.#catalogue.alarms.picturesBetween('', undefined).some(({ pictures }) => pictures > 0)) this.#problem('SP_PICTURES', picturesName, 'the file is not there; the pictures of all alarms are lost');
        return;
      }
      db = openPictures(file, this.#key, { readonly: true });
      for (const name of tablesOf(db)) checkTable(db, name);
      const tables = new PictureTables(db);
      for (const { id, periodId, pictures, sha256 } of this.#catalogue.alarms.picturesBetween('', undefined)) {
        this.#goOn();
        if (pictures === 0 || tables.hashOf(id)?.sha256 === sha256 || this.#isLeaving(periodId)) continue;
        // Put anew, or taken away, while we looked.
        const now = this.#catalogue.alarms.find(id);
        if (now === undefined || now.pictures.length === 0 || tables.hashOf(id)?.sha256 === this.#catalogue.alarms.hashOf(id)) continue;
        this.#problem('SP_PICTURES', `alarm ${id}`, 'its pictures are not what was written, or not there');
      }
    } catch (error) {
      if (isSallyportError(error, 'SP_STOPPED')) throw error;
      const known = databaseError(error, file);
      this.#problem('SP_PICTURES', picturesName, known.code === 'SP_DATABASE_DAMAGED' || known.code === 'SP_WRONG_WORKING_KEY' ? 'the file is damaged' : known.message);
    } finally {
      this.#key.fill(0);
      db?.close();
    }
  }

  // keys and rows

  async #checkSlots(): Promise<void> {
    const keyring = await Keyring.open(join(this.#o.folder, 'keyring'), { log: silentLog, writable: false }).catch((error: unknown) => {
      this.#problem('SP_KEYRING', 'keyring', reasonOf(error));
    });
    if (keyring === undefined) return;
    try {
      for (const { id, slot, slotSha256, camera, startMs } of [...this.#catalogue.periods.live(), ...this.#catalogue.periods.copies(), ...this.#catalogue.periods.people()]) {
        this.#goOn();
        const lacking = await keyring.lacking(slot, slotSha256);
        if (lacking.length === 0 || this.#isLeaving(id)) continue;
        this.#problem('SP_SLOT_MISSING', `slot ${slot}`, `${camera} from ${new Date(startMs).toISOString()}: not as written in ${lacking.map((file) => basename(file)).join(' and ')}`);
      }
      for (const name of ['keyring.1', 'keyring.2']) {
        if (!(await fileExists(join(this.#o.folder, 'keyring', name)))) this.#problem('SP_KEYRING', name, 'the file is not there; the other one serves');
      }
    } finally {
      await keyring.close();
    }
  }

  /** Of the database: the size is known, what is in it shows when it is put back (each chunk is authenticated). */
  async #checkCopies(): Promise<void> {
    for (const { id, startMs, bytes, listed } of this.#catalogue.periods.copies()) {
      if (!listed) continue;
      const file = copyFile(this.#o.folder, startMs);
      const size = await stat(file).then((info) => info.size, () => undefined);
      if (size === bytes || this.#isLeaving(id)) continue;
      this.#problem('SP_NO_COPY', basename(file), size === undefined ? 'there is no such file' : `it has ${size} bytes, its row says ${bytes}`);
    }
  }

  /** Purged by now, or about to be: a purge is written down before its first slot is shredded. */
  #isLeaving(periodId: number): boolean {
    const pending = new ReceiptTable(this.#db).pending().some(({ periods }) => periods.some(({ id }) => id === periodId));
    return pending || this.#catalogue.periods.byId(periodId)?.state !== 'live';
  }

  #checkRowsRoots(): void {
    for (const { id, camera, startMs } of this.#catalogue.periods.live()) {
      this.#goOn();
      const agrees = this.#db.transaction(() => {
        const stored = this.#catalogue.lists.storedRowsRoot(id);
        return stored === undefined || stored.equals(this.#catalogue.lists.rowsRoot(id));
      })();
      if (!agrees) this.#problem('SP_AUDIT_BROKEN', `${camera} from ${new Date(startMs).toISOString()}`, 'its rows are not those that were there when its hour list was written');
    }
  }

  // audit

  /** Follows the chain from its beginning, or from the checkpoint up to which the audit has expired. Answers where it ends. */
  #checkChain(): ChainHead {
    const audit = new AuditTable(this.#db, this.#facts.id);
    const oldest = new CheckpointTable(this.#db).oldest();
    const first = audit.linesAfter(0, 1)[0];
    const expired = first !== undefined && first.n > 1 && oldest !== undefined ? parseCheckpoint(oldest.json, `checkpoint ${oldest.number}`) : undefined;
    let head: ChainHead = expired === undefined ? firstHead(this.#facts.id) : { n: expired.seq, chain: Buffer.from(expired.chain, 'hex') };
    let expiryNamed = expired === undefined;
    for (;;) {
      this.#goOn();
      const lines = audit.linesAfter(head.n, rowsAtOnce);
      if (lines.length === 0) break;
      for (const line of lines) {
        const where = `line ${line.n}`;
        const faults = faultsOf(head, line);
        for (const fault of faults) this.#problem('SP_AUDIT_BROKEN', where, fault);
        if (faults.length === 0 && expired !== undefined && line.entry !== null && isExpiry(line.entry, expired.seq)) expiryNamed = true;
        head = { n: line.n, chain: line.chain };
        this.#report.auditEntries++;
      }
    }
    if (!expiryNamed) this.#problem('SP_AUDIT_BROKEN', 'its beginning', `the lines up to ${expired?.seq ?? 0} are not there, and no later line says that they expired`);
    return head;
  }

  async #checkCheckpoints(): Promise<void> {
    const table = new CheckpointTable(this.#db);
    const audit = new AuditTable(this.#db, this.#facts.id);
    let last: CheckpointFacts | undefined;
    for (let after = -1; ;) {
      const page = table.after(after, rowsAtOnce);
      if (page.length === 0) break;
      for (const signed of page) {
        this.#goOn();
        after = signed.number;
        this.#report.checkpoints++;
        const what = `checkpoint ${signed.number}`;
        if (!this.#signed(signed, checkpointNamespace, what)) continue;
        const facts = parseCheckpoint(signed.json, what);
        const chain = audit.chainAt(facts.seq);
        if (facts.vault !== this.#facts.id || facts.number !== signed.number) this.#problem('SP_AUDIT_BROKEN', what, 'it is of another place');
        // Only the line of the oldest one may be gone: up to it the audit has expired, and it is where the chain begins anew.
        if (chain === undefined ? last !== undefined : chain.toString('hex') !== facts.chain) this.#problem('SP_AUDIT_BROKEN', what, `the audit at line ${facts.seq} is not what was signed`);
        if (last !== undefined && facts.number !== last.number + 1) this.#problem('SP_AUDIT_BROKEN', what, `checkpoint ${facts.number - 1} is not there`);
        if (last !== undefined && facts.generation <= last.generation) this.#problem('SP_ROLLBACK', what, 'the database was at an earlier state than the checkpoint before says');
        last = facts;
        await this.#checkPaper(checkpointFile(this.#o.folder, signed.number), signed, what, false);
      }
    }
    if (last !== undefined) await this.#checkNewest();
  }

  async #checkNewest(): Promise<void> {
    const doubt = this.#db.transaction(() => doubtOf(this.#db, this.#catalogue))();
    if (doubt !== undefined) this.#problem(doubt.code, `checkpoint ${doubt.number}`, doubt.detail);
    for (const name of await listFolder(join(this.#o.folder, 'checkpoints'))) {
      const number = Number(/^(\d{1,15})\.json$/.exec(name)?.[1] ?? Number.NaN);
      const known = new CheckpointTable(this.#db).lastNumber();
      if (number > known) this.#problem('SP_ROLLBACK', `checkpoints/${name}`, `the database knows checkpoints up to ${known} only`);
    }
  }

  async #checkReceipts(): Promise<void> {
    const table = new ReceiptTable(this.#db);
    const numbers = table.numbers();
    for (const number of numbers) {
      this.#goOn();
      const signed = table.receipt(number);
      if (signed === undefined) continue;
      const what = `receipt ${number}`;
      if (this.#signed(signed, receiptNamespace, what)) await this.#checkPaper(receiptFile(this.#o.folder, number), signed, what, number !== numbers.at(-1));
    }
  }

  #signed({ json, signature }: SignedText, namespace: string, what: string): boolean {
    try {
      verifySignature({ message: json, signature, namespace, publicKey: this.#facts.publicKey, what });
      return true;
    } catch (error) {
      this.#problem('SP_BAD_SIGNATURE', what, reasonOf(error));
      return false;
    }
  }

  /** The paper on disk says what the table says; one that must be there is. */
  async #checkPaper(file: string, signed: SignedText, what: string, required: boolean): Promise<void> {
    const name = `${basename(dirname(file))}/${basename(file)}`;
    if (!(await fileExists(file))) {
      if (required) this.#problem('SP_READ', name, 'it is not there; the database has it, the next start of the hub writes it');
      return;
    }
    const json = await readTextBounded(file, paperBytesMax).catch(reasonOf);
    const signature = await readTextBounded(`${file}.sig`, paperBytesMax).catch(reasonOf);
    if (json !== signed.json || signature !== signed.signature) this.#problem('SP_BAD_SIGNATURE', name, `it is not ${what} as it was signed`);
  }

  async #checkSince(file: string, head: ChainHead): Promise<void> {
    const json = await readTextBounded(file, paperBytesMax);
    const kept = parseCheckpoint(json, file);
    const rollback = (detail: string): void => this.#problem('SP_ROLLBACK', file, detail);
    if (kept.vault !== this.#facts.id) return rollback('it is a checkpoint of another data folder');
    const signature = await readTextBounded(`${file}.sig`, paperBytesMax).catch(() => undefined);
    if (signature === undefined) return rollback('its signature is not beside it, so it proves nothing');
    try {
      verifySignature({ message: json, signature, namespace: checkpointNamespace, publicKey: this.#facts.publicKey, what: file });
    } catch {
      return rollback('the hub of this folder did not sign it: its signing key was replaced, or the checkpoint is not genuine');
    }
    const generation = readVaultFacts(this.#db)?.generation ?? 0;
    if (generation < kept.generation) rollback(`the database stands at generation ${generation}, the checkpoint saw ${kept.generation}`);
    if (head.n < kept.seq) return rollback(`the audit ends at line ${head.n}, the checkpoint saw line ${kept.seq}`);
    const chain = new AuditTable(this.#db, this.#facts.id).chainAt(kept.seq);
    if (chain !== undefined && chain.toString('hex') !== kept.chain) rollback(`the audit at line ${kept.seq} is another one than the checkpoint saw`);
    if (chain === undefined && this.#expiredThrough() < kept.seq) rollback(`line ${kept.seq} of the audit is not there`);
  }

  #expiredThrough(): number {
    const oldest = new CheckpointTable(this.#db).oldest();
    return oldest === undefined ? 0 : parseCheckpoint(oldest.json, `checkpoint ${oldest.number}`).seq;
  }
}

function isExpiry(entry: string, through: number): boolean {
  const { what, detail } = JSON.parse(entry) as { what?: unknown; detail?: { through?: unknown } };
  return what === 'audit.expired' && detail?.through === through;
}
