/**
 * Persons who agreed that their face is recognised. Each has a key of their own, a period of class `person`, whose slot in the keyring is sealed to the
 * hub identity, or for the owner (peoplelock.ts); name, consent, mark, templates and the small picture of the face are sealed to it. To forget a person is to purge that period:
 * the slot is shredded in both files and read back, the rows go in the transaction that marks it, and older copies of the database, which
 * still have them, are destroyed with a new one. Whatever kills the hub in between, the next start ends it (purge.ts; `copies owed`).
 *
 * Nothing here is decided: whose consent counts, and when it lapses, is the duties' business. Plain bytes are in memory only while they
 * are used, and wiped by whoever got them. docs/FORMAT.md, "Persons", describes the bytes.
 */
import { canonicalJson } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { secondMs } from '../base/units.ts';
import type { By } from '../policy/access.ts';
import { consentWays, peopleMax, templatesMax, type ConsentWay } from '../policy/people.ts';
import { Identity } from '../seal/identity.ts';
import { openWhole } from '../seal/opener.ts';
import { sealWhole } from '../seal/sealer.ts';
import { randomBytes, securePages, wipe } from '../seal/secure.ts';
import type { AuditEntry } from './audit.ts';
import type { DiskKeeper } from './diskkeeper.ts';
import type { Filing } from './filing.ts';
import type { Parts } from './parts.ts';
import type { NewPeriod } from './periodkeys.ts';
import type { PersonBlobs, PersonRow } from './peopletable.ts';
import type { Period, PeriodFacts } from './periodtable.ts';
import { purgePeriods, type PurgeParts } from './purge.ts';
import type { Receipt } from './receipts.ts';
import { PeopleLock, type LockQuestion, type LockState, type LockWish, type PeopleLockOptions } from './peoplelock.ts';
import { Turns } from '../base/turns.ts';

/** Who agreed, to what, and who wrote it down. */
export interface ConsentRecord {
  /** Whose word it was. */
  readonly givenBy: string;
  /** The account that recorded it. */
  readonly recordedBy: string;
  readonly how: ConsentWay;
  readonly atMs: UnixMs;
  /** Of the text. */
  readonly version: number;
  readonly sha256: string;
}

export interface NewPerson {
  readonly name: string;
  readonly consent: ConsentRecord;
  readonly lapsesMs: UnixMs;
  /** When the person is forgotten, unless consent is given anew. */
  readonly forgottenMs: UnixMs;
  /** By which the vectors were made. */
  readonly model: string;
  /** 128 numbers each; the caller's to wipe. */
  readonly vectors: readonly Float32Array[];
  /** A small JPEG of the face; the caller's to wipe. */
  readonly crop: Uint8Array;
}

export interface OpenPerson extends PersonRow {
  readonly name: string;
  readonly consent: ConsentRecord;
  /** 32 bytes; the caller's to wipe. */
  readonly mark: Buffer;
}

export interface PeopleOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly disk: DiskKeeper;
  readonly filing: Filing;
  readonly preparePeriod: (p: NewPeriod) => Promise<Period>;
  readonly renewCopies: (why: string) => Promise<void>;
  readonly workingKeyFile: string | undefined;
  readonly withSlots: PeopleLockOptions['withSlots'];
  readonly afterStep: PeopleLockOptions['afterStep'];
}

/** The record is padded to so many bytes, so that its size does not tell the name's length. */
export const recordBytes = 1_024;
export const vectorBytes = 512;
const markBytes = 32;
const nobodys = { early: 'no person belongs to it' };
const forgotten = 'a person was forgotten';

export class People {
  readonly #o: PeopleOptions;
  readonly #lock: PeopleLock;
  readonly #turns = new Turns();
  /** Keys whose person is being enrolled. */
  readonly #enrolling = new Set<number>();
  /** Something that failed may have left a key that is nobody's. */
  #unfinished = false;

  constructor(options: PeopleOptions) {
    this.#o = options;
    this.#lock = new PeopleLock(options);
  }

  // whose keys they are (peoplelock.ts)

  /** To be called after each change of the setting or of the owners, and after lending. */
  keepLock(wish: LockWish): Promise<void> {
    return this.#turns.take(() => this.#lock.keep(wish));
  }

  lockState(): Promise<LockState> {
    return this.#o.disk.with((parts) => this.#lock.state(parts));
  }

  lockQuestion(): Promise<LockQuestion> {
    return this.#o.disk.with((parts) => this.#lock.question(parts));
  }

  /** Keys that the owner lends until the hub ends. SP_FACES_LEND. */
  lend(sealed: Uint8Array, by: By): Promise<number> {
    return this.#turns.take(() => this.#o.disk.with((parts) => this.#lock.lend(parts, sealed, by)));
  }

  takeBack(by: By): Promise<void> {
    return this.#lock.takeBack(() => this.#o.disk.ready, by);
  }

  /** Wipes what was lent. */
  close(): void {
    this.#lock.close();
  }

  /**
   * The only way in: key, consent, templates and crop together, or nothing. A key that was made for an enrolment that failed is shredded. Answers the id.
   * SP_CONSENT without a consent, SP_PAGE_FULL, SP_NO_SLOT, SP_DATABASE, SP_DISK.
   */
  enrol(p: NewPerson): Promise<string> {
    checkConsent(p.consent);
    checkVectors(p.vectors);
    return this.#turns.take(async () => {
      if ((await this.list()).length >= peopleMax) throw new SallyportError('SP_PAGE_FULL', { what: 'person', max: peopleMax });
      const id = randomBytes(16).toString('hex');
      const atMs = Math.round(this.#o.clock.wallMs());
      const startMs = Math.floor(atMs / secondMs) * secondMs;
      const recipients = await this.#o.disk.with((parts) => this.#lock.recipients(parts));
      const period = await this.#o.preparePeriod({ camera: id, class: 'person', startMs, endMs: startMs + secondMs, deadlineMs: Math.round(p.forgottenMs), recipients })
        .catch((error: unknown) => this.#leave(error));
      this.#enrolling.add(period.id);
      try {
        const person = { id, periodId: period.id, enrolledMs: atMs, consentMs: p.consent.atMs, consentSha256: p.consent.sha256, lapsesMs: Math.round(p.lapsesMs), model: p.model, vectors: p.vectors.length, ...seal(p, period.recipient) };
        const entry: AuditEntry = { what: 'person.enrolled', who: 'page', account: p.consent.recordedBy, detail: { person: id, templates: p.vectors.length, model: p.model, ...consentFacts(p.consent), lapses_ms: person.lapsesMs } };
        if (!(await this.#o.disk.call('enrol', { person, peopleMax, entry, atMs }))) throw new SallyportError('SP_NO_SLOT', { camera: id, reason: 'the key was destroyed meanwhile' });
        return id;
      } catch (error) {
        this.#unfinished = true;
        await this.#o.filing.purge([period], { early: 'an enrolment failed' }).catch(() => {}); // settled later
        throw error;
      } finally {
        this.#enrolling.delete(period.id);
      }
    });
  }

  /** Without opening anything; the first to be enrolled first. */
  list(): Promise<PersonRow[]> {
    return this.#o.disk.call('people');
  }

  /** With names, consents and marks. One whose key is lost is left out; a start drops it. One whose key the owner has not lent is left out, too. */
  async open(): Promise<OpenPerson[]> {
    const opened: OpenPerson[] = [];
    for (const { id } of await this.list()) {
      const person = await this.#with(id, (row, blobs, key) => openRecord(row, blobs.record, key)).catch((error: unknown) => {
        if (!isSallyportError(error, 'SP_SLOT_MISSING') && !isSallyportError(error, 'SP_PERSON_UNKNOWN') && !isSallyportError(error, 'SP_FACES_LOCKED')) throw error;
        return undefined;
      });
      if (person !== undefined) opened.push(person);
    }
    return opened;
  }

  /** SP_PERSON_UNKNOWN, SP_SLOT_MISSING, SP_FACES_LOCKED. The caller wipes it all. */
  templates(id: string): Promise<{ vectors: Float32Array[]; mark: Buffer }> {
    return this.#with(id, (row, blobs, key) => ({ vectors: openVectors(row, blobs.templates, key), mark: openRecord(row, blobs.record, key).mark }));
  }

  /** A JPEG. SP_PERSON_UNKNOWN, SP_SLOT_MISSING, SP_FACES_LOCKED. */
  crop(id: string): Promise<Buffer> {
    return this.#with(id, (_, { crop }, key) => openWhole(crop, [key], `the picture of ${id}`));
  }

  /** Consent given anew: the same key, templates and mark. SP_CONSENT, SP_PERSON_UNKNOWN, SP_FACES_LOCKED. */
  renew(id: string, consent: ConsentRecord, o: { readonly lapsesMs: UnixMs; readonly forgottenMs: UnixMs }): Promise<void> {
    checkConsent(consent);
    return this.#turns.take(async () => {
      const { period, record } = await this.#with(id, (row, blobs, key, facts) => {
        const { name, mark } = openRecord(row, blobs.record, key);
        try {
          return { period: facts, record: sealRecord(name, consent, mark, facts.recipient) };
        } finally {
          wipe(mark);
        }
      });
      const lapsesMs = Math.round(o.lapsesMs);
      const entry: AuditEntry = { what: 'person.renewed', who: 'page', account: consent.recordedBy, detail: { person: period.camera, ...consentFacts(consent), lapses_ms: lapsesMs } };
      const done = await this.#o.disk.call('renewConsent', {
        id, record, consentMs: consent.atMs, consentSha256: consent.sha256, lapsesMs, deadlineMs: Math.round(o.forgottenMs), entry, atMs: Math.round(this.#o.clock.wallMs()),
      });
      if (!done) throw unknown(id);
    });
  }

  /** Answers whether it lapsed by this. */
  lapse(id: string, o: { readonly lapsesMs: UnixMs; readonly forgottenMs: UnixMs }): Promise<boolean> {
    const lapsesMs = Math.round(o.lapsesMs);
    return this.#o.disk.call('lapse', { id, lapsesMs, deadlineMs: Math.round(o.forgottenMs), entry: { what: 'person.lapsed', who: 'hub', detail: { person: id, lapses_ms: lapsesMs } }, atMs: Math.round(this.#o.clock.wallMs()) });
  }

  /**
   * The key is shredded, the rows are erased, a new copy of the database takes the place of all older ones. What a failure, or a kill, leaves undone is ended by
   * itself. SP_PERSON_UNKNOWN, SP_WRITE, SP_KEYRING, SP_DATABASE.
   */
  forget(id: string, by: By): Promise<Receipt> {
    return this.#turns.take(async () => {
      const row = (await this.list()).find((person) => person.id === id);
      if (row === undefined) throw unknown(id);
      const asked: AuditEntry = { what: 'person.forget', who: by.who, ...(by.account === undefined ? {} : { account: by.account }), detail: { person: id } };
      const receipt = await this.#o.filing.purge([{ id: row.periodId }], { erased: forgotten, asked });
      await this.#o.renewCopies(forgotten);
      return receipt;
    });
  }

  /** What a failed enrolment left. */
  async settle(parts: Parts): Promise<void> {
    if (!this.#unfinished) return;
    const left = await this.#nobodys(parts);
    if (left.length > 0) await this.#o.filing.purge(left, nobodys);
    this.#unfinished = false;
  }

  /** As a start does it: a key without a person is shredded, a person without a key is dropped, and it is said. */
  async settleFolder(parts: Parts, purgeParts: PurgeParts): Promise<void> {
    for (const { id, periodId } of await parts.database.call('people')) {
      const period = (await parts.database.call('period', { id: periodId })) as PeriodFacts | undefined;
      const lost = period === undefined || await parts.keyring.read(period.slot, period.slotSha256).then(() => false, (error: unknown) => isSallyportError(error, 'SP_SLOT_MISSING'));
      if (!lost) continue;
      this.#o.log.error({ component: 'vault', person: id }, 'the key of a person is lost in both keyring files; what was sealed to it opens for nobody, and the person is dropped');
      await parts.database.call('personLost', { id, atMs: Math.round(this.#o.clock.wallMs()) });
    }
    const left = await this.#nobodys(parts);
    if (left.length > 0) await purgePeriods(purgeParts, left.map(({ id }) => id), nobodys);
  }

  async #nobodys({ database }: Pick<Parts, 'database'>): Promise<PeriodFacts[]> {
    const known = new Set((await database.call('people')).map(({ periodId }) => periodId));
    return (await database.call('personPeriods')).filter(({ id }) => !known.has(id) && !this.#enrolling.has(id));
  }

  #leave(error: unknown): never {
    this.#unfinished = true;
    throw error;
  }

  async #with<T>(id: string, deed: (row: PersonRow, blobs: PersonBlobs, key: Identity, period: PeriodFacts) => T): Promise<T> {
    return this.#o.disk.with(async (parts) => {
      const { database, keyring } = parts;
      const found = await database.call('person', { id });
      if (found === undefined) throw unknown(id);
      const text = await keyring.read(found.period.slot, found.period.slotSha256);
      const key = await this.#lock.open(parts, text, id);
      try {
        return deed(found.row, found.blobs, key, found.period);
      } finally {
        key.close();
      }
    });
  }
}

function secureBytes(bytes: number): Buffer {
  return securePages(bytes).subarray(0, bytes);
}

function unknown(person: string): SallyportError {
  return new SallyportError('SP_PERSON_UNKNOWN', { person });
}

/** Nothing is sealed of anybody without a whole record of the consent. */
function checkConsent(consent: Partial<ConsentRecord> | undefined): void {
  const { givenBy = '', recordedBy = '', how, atMs = Number.NaN, version = 0, sha256 = '' } = consent ?? {};
  const lacking = givenBy.trim() === '' ? 'who gave it is missing'
    : recordedBy === '' ? 'who recorded it is missing'
      : how === undefined || !consentWays.includes(how) ? 'how it was given is missing'
        : !Number.isSafeInteger(atMs) ? 'when it was given is missing'
          : !(version >= 1) || !/^[0-9a-f]{64}$/.test(sha256) ? 'which text was agreed to is missing' : undefined;
  if (lacking !== undefined) throw new SallyportError('SP_CONSENT', { reason: lacking });
}

function checkVectors(vectors: readonly Float32Array[]): void {
  const sound = vectors.length >= 1 && vectors.length <= templatesMax && vectors.every((vector) => vector.byteLength === vectorBytes && vector.every(Number.isFinite));
  if (!sound) throw new SallyportError('SP_INTERNAL', { reason: 'these are no templates' });
}

/** For the audit: no name. */
function consentFacts({ how, atMs, version, sha256 }: ConsentRecord): { how: string; consent_ms: number; consent_version: number; consent_sha256: string } {
  return { how, consent_ms: atMs, consent_version: version, consent_sha256: sha256 };
}

function seal(p: NewPerson, recipient: string): PersonBlobs {
  const mark = randomBytes(markBytes);
  try {
    return { record: sealRecord(p.name, p.consent, mark, recipient), templates: sealVectors(p.model, p.vectors, recipient), crop: sealWhole(p.crop, [recipient]) };
  } finally {
    wipe(mark);
  }
}

function sealRecord(name: string, { givenBy, recordedBy, how, atMs, version, sha256 }: ConsentRecord, mark: Buffer, recipient: string): Buffer {
  const json = canonicalJson({ v: 1, name, mark: mark.toString('base64url'), consent: { given_by: givenBy, recorded_by: recordedBy, how, at_ms: atMs, version, sha256 } });
  const bytes = Buffer.byteLength(json);
  if (bytes > recordBytes) throw new SallyportError('SP_INTERNAL', { reason: `a record of ${bytes} bytes` });
  const plain = secureBytes(recordBytes);
  try {
    plain.fill(' ');
    plain.write(json);
    return sealWhole(plain, [recipient]);
  } finally {
    wipe(plain);
  }
}

function openRecord(row: PersonRow, sealed: Uint8Array, key: Identity): OpenPerson {
  const plain = openWhole(sealed, [key], `the record of ${row.id}`, secureBytes);
  try {
    const { v, name, mark, consent } = JSON.parse(plain.toString('utf8')) as { v: number; name: string; mark: string; consent: { given_by: string; recorded_by: string; how: ConsentWay; at_ms: number; version: number; sha256: string } };
    if (v !== 1) throw new SallyportError('SP_DATABASE', { reason: `the record of ${row.id} is of another version` });
    return { ...row, name, mark: Buffer.from(mark, 'base64url'), consent: { givenBy: consent.given_by, recordedBy: consent.recorded_by, how: consent.how, atMs: consent.at_ms, version: consent.version, sha256: consent.sha256 } };
  } finally {
    wipe(plain);
  }
}

/** A line of canonical JSON, then the numbers, 4 bytes each, little-endian. */
function sealVectors(model: string, vectors: readonly Float32Array[], recipient: string): Buffer {
  const head = Buffer.from(`${canonicalJson({ v: 1, model, vectors: vectors.length })}\n`);
  const plain = secureBytes(head.length + vectors.length * vectorBytes);
  try {
    plain.set(head);
    for (const [index, vector] of vectors.entries()) vector.forEach((value, at) => plain.writeFloatLE(value, head.length + index * vectorBytes + at * 4));
    return sealWhole(plain, [recipient]);
  } finally {
    wipe(plain);
  }
}

/** Those that the row says were made by its model: a row that was altered has none. */
function openVectors(row: PersonRow, sealed: Uint8Array, key: Identity): Float32Array[] {
  const plain = openWhole(sealed, [key], `the templates of ${row.id}`, secureBytes);
  try {
    const headBytes = plain.indexOf(0x0a) + 1;
    const head = JSON.parse(plain.toString('utf8', 0, headBytes)) as { v: number; model: string; vectors: number };
    if (head.v !== 1 || head.model !== row.model || head.vectors !== row.vectors || plain.length !== headBytes + head.vectors * vectorBytes) throw new SallyportError('SP_DATABASE', { reason: `the templates of ${row.id} are not what their row says` });
    return Array.from({ length: head.vectors }, (_, index) => Float32Array.from({ length: vectorBytes / 4 }, (_value, at) => plain.readFloatLE(headBytes + index * vectorBytes + at * 4)));
  } finally {
    wipe(plain);
  }
}
