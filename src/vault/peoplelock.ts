/**
 * Who lends the hub the keys of persons. With `faces.lock = "hub"` each person's slot is sealed to the hub identity. With "owner" it is sealed to the kit and to a
 * *lender*: an X25519 key that was in secure memory when it was made, and lies in the database sealed to the kit and to the owners' devices, as many as
 * there are. Who opens it seals it to the hub's *door*, a key of this process alone, so that it never is plain on the way; the hub keeps it
 * in secure memory until it ends or it is taken back. To seal anew (another lock, another list of devices, another kit) needs the keys: what does not open waits
 * until it is lent. A lender is dropped when no slot is sealed to it. docs/FORMAT.md, "Persons", describes the bytes.
 */
import { canonicalJson } from '../base/canonical.ts';
import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import type { By } from '../policy/access.ts';
import type { FacesLock } from '../policy/people.ts';
import { Identity } from '../seal/identity.ts';
import { openLent, sealLender } from '../seal/lender.ts';
import { openSlot, sealPeriodKey } from '../seal/slot.ts';
import type { Parts } from './parts.ts';
import { sealedTo } from './periodkeys.ts';
import type { PeriodFacts } from './periodtable.ts';
import { putText, settleReplacement, type ReplaceStep } from './replaceslot.ts';
import { loadWorkingKey } from './workingkey.ts';

/** What is set, and whom it would be sealed to. */
export interface LockWish {
  readonly lock: FacesLock;
  /** The kit, then the owners' devices; nobody while there is no owner: then all stays as it is. */
  readonly owners: readonly string[];
}

export interface LockState {
  /** As new persons are sealed now. */
  readonly lock: FacesLock;
  /** Persons whose key the owner has and has not lent. */
  readonly locked: number;
}

/** What an owner's device, or the kit, needs to lend. */
export interface LockQuestion {
  /** "age1…": the hub's door. */
  readonly to: string;
  /** Armored age files, each a lender. */
  readonly sealed: readonly string[];
}

export interface PeopleLockOptions {
  readonly clock: Clock;
  readonly workingKeyFile: string | undefined;
  /** Not beside a purge, nor while a slot is looked for. */
  readonly withSlots: <T>(deed: (parts: Parts) => Promise<T>) => Promise<T>;
  readonly afterStep: (step: ReplaceStep) => Promise<void> | void;
}

interface Lender {
  readonly recipient: string;
  /** The kit, then the devices. */
  readonly to: readonly string[];
  readonly sealed: string;
}

/** As the database has it. The last lender is the one in force. */
interface Book {
  readonly v: 1;
  readonly lock: FacesLock;
  readonly lenders: readonly Lender[];
}

const settingName = 'faces lock';
const nothing: Book = { v: 1, lock: 'hub', lenders: [] };
/** Far more keys than there ever are lenders. */
const lentBytesMax = 16 * 1024;

export class PeopleLock {
  readonly #o: PeopleLockOptions;
  #lent: Identity[] = [];
  #door: Identity | undefined;

  constructor(o: PeopleLockOptions) {
    this.#o = o;
  }

  /** Brings all slots in line with what is wished, as far as the keys are there. SP_WRITE, SP_KEYRING, SP_DATABASE. */
  keep(wish: LockWish): Promise<void> {
    return this.#o.withSlots(async (parts) => {
      // What a failure left under way of an earlier one.
      await settleReplacement(parts, Math.round(this.#o.clock.wallMs()));
      const people = await this.#seals(parts);
      const before = await readBook(parts);
      const book = this.#wished(before, wish, people.length > 0);
      if (book !== before) await writeBook(parts, book);
      const target = targetOf(book, parts.hubRecipient);
      const unlike = people.filter((one) => one.sealedTo !== sealedTo(target));
      if (unlike.length > 0) await this.#withHub(parts, async (hub) => {
        for (const { period } of unlike) await this.#reseal(parts, hub, period, target);
      });
      await this.#dropUnused(parts, book);
    });
  }

  /** Whom the key of a new person is sealed to. */
  async recipients(parts: Parts): Promise<readonly string[]> {
    return targetOf(await readBook(parts), parts.hubRecipient);
  }

  async state(parts: Parts): Promise<LockState> {
    const { lock, lenders } = await readBook(parts);
    const open = new Set([sealedTo([parts.hubRecipient]), ...lenders.filter((lender) => this.#has(lender)).map((lender) => sealedTo(slotOf(lender)))]);
    return { lock, locked: (await parts.database.call('personSeals')).filter((one) => !open.has(one.sealedTo)).length };
  }

  async question(parts: Parts): Promise<LockQuestion> {
    this.#door ??= Identity.generate();
    return { to: this.#door.recipient, sealed: (await readBook(parts)).lenders.map(({ sealed }) => sealed) };
  }

  /**
   * Takes what was sealed to the door: lenders as text, one a line. Answers how many are new here. SP_FACES_LEND where it is sealed to another door (the hub was
   * restarted since), or holds what is no lender of this hub.
   */
  async lend(parts: Parts, sealed: Uint8Array, by: By): Promise<number> {
    if (this.#door === undefined || sealed.length > lentBytesMax) throw new SallyportError('SP_FACES_LEND', { reason: 'it is not sealed to this run of the hub' });
    const known = (await readBook(parts)).lenders;
    const brought = openLent(sealed, this.#door);
    const fresh = brought.filter(({ recipient }) => known.some((lender) => lender.recipient === recipient && !this.#has(lender)));
    for (const identity of brought) if (!fresh.includes(identity)) identity.close();
    if (!brought.some(({ recipient }) => known.some((lender) => lender.recipient === recipient))) throw new SallyportError('SP_FACES_LEND', { reason: 'it holds no key of these people' });
    // Before the audit's line it counts for nothing: who lent is never unsaid.
    try {
      await parts.database.call('audit', { entry: { what: 'people.lent', who: by.who, ...(by.account === undefined ? {} : { account: by.account }), detail: {} }, atMs: Math.round(this.#o.clock.wallMs()) });
    } catch (error) {
      for (const identity of fresh) identity.close();
      throw error;
    }
    this.#lent.push(...fresh);
    return fresh.length;
  }

  /** What was lent is wiped at once, whatever the disk does. */
  async takeBack(parts: () => Parts, by: By): Promise<void> {
    this.close();
    await parts().database.call('audit', { entry: { what: 'people.locked', who: by.who, ...(by.account === undefined ? {} : { account: by.account }), detail: {} }, atMs: Math.round(this.#o.clock.wallMs()) });
  }

  /** The person's key, which the caller closes. SP_FACES_LOCKED while it is the owner's to lend; SP_SLOT_MISSING. */
  open(parts: Parts, text: Uint8Array, person: string): Promise<Identity> {
    return this.#withHub(parts, async (hub) => this.#opened(hub, text, person).identity);
  }

  /** Wipes what was lent. */
  close(): void {
    for (const identity of this.#lent) identity.close();
    this.#lent = [];
    this.#door?.close();
    this.#door = undefined;
  }

  #has({ recipient }: Lender): boolean {
    return this.#lent.some((identity) => identity.recipient === recipient);
  }

  #opened(hub: Identity, text: Uint8Array, person: string): ReturnType<typeof openSlot> {
    try {
      return openSlot(text, [hub, ...this.#lent], `the slot of ${person}`);
    } catch (error) {
      throw isSallyportError(error, 'SP_WRONG_IDENTITY') ? new SallyportError('SP_FACES_LOCKED', {}, error) : error;
    }
  }

  /**
   * The book as it is to be. A new lender is made where there is none, where it is for others than the owners of now, or where nobody is enrolled and nobody would have
   * to lend it; but never while slots are sealed to one that is not lent: they could not follow, and a device that is new could not lend.
   */
  #wished(book: Book, { lock, owners }: LockWish, somebody: boolean): Book {
    const [kit] = owners;
    if (lock === 'hub') return book.lock === 'hub' ? book : { ...book, lock };
    if (kit === undefined) return book;
    const last = book.lenders.at(-1);
    const serves = last !== undefined && last.to.join(' ') === owners.join(' ') && (somebody || this.#has(last));
    const waits = last !== undefined && somebody && book.lock === 'owner' && !this.#has(last);
    if (serves || waits) return book.lock === lock ? book : { ...book, lock };
    return { v: 1, lock, lenders: [...book.lenders, this.#newLender(owners)] };
  }

  /** It is lent from the first: the hub had the keys until now, or there are none yet. */
  #newLender(owners: readonly string[]): Lender {
    const identity = Identity.generate();
    const lender = { recipient: identity.recipient, to: owners, sealed: sealLender(identity, owners) };
    this.#lent.push(identity);
    return lender;
  }

  async #seals(parts: Parts): Promise<{ period: PeriodFacts; sealedTo: string }[]> {
    const leaving = new Set((await parts.database.call('pendingPurges')).flatMap(({ periods }) => periods.map(({ id }) => id)));
    return (await parts.database.call('personSeals')).filter(({ period }) => !leaving.has(period.id));
  }

  /** One whose key is not there, or is lost, stays as it is. */
  async #reseal(parts: Parts, hub: Identity, period: PeriodFacts, target: readonly string[]): Promise<void> {
    const text = await parts.keyring.read(period.slot, period.slotSha256).catch((error: unknown) => passed(error, 'SP_SLOT_MISSING'));
    if (text === undefined) return;
    let opened: ReturnType<typeof openSlot>;
    try {
      opened = this.#opened(hub, text, period.camera);
    } catch (error) {
      return passed(error, 'SP_FACES_LOCKED');
    }
    const { identity, ...named } = opened;
    try {
      await putText(parts, period, { text: sealPeriodKey(named, identity, target), sealedTo: sealedTo(target) }, Math.round(this.#o.clock.wallMs()), this.#o.afterStep);
    } finally {
      identity.close();
    }
  }

  async #dropUnused(parts: Parts, book: Book): Promise<void> {
    const used = new Set((await parts.database.call('personSeals')).map((one) => one.sealedTo));
    const lenders = book.lenders.filter((lender, index) => used.has(sealedTo(slotOf(lender))) || (book.lock === 'owner' && index === book.lenders.length - 1));
    if (lenders.length === book.lenders.length) return;
    await writeBook(parts, { ...book, lenders });
    const gone = this.#lent.filter(({ recipient }) => !lenders.some((lender) => lender.recipient === recipient));
    this.#lent = this.#lent.filter((identity) => !gone.includes(identity));
    for (const identity of gone) identity.close();
  }

  async #withHub<T>({ folder }: Parts, deed: (hub: Identity) => Promise<T>): Promise<T> {
    const workingKey = await loadWorkingKey({ folder, ...(this.#o.workingKeyFile === undefined ? {} : { credential: this.#o.workingKeyFile }), mayCreate: false });
    const hub = workingKey.hubIdentity();
    workingKey.close();
    try {
      return await deed(hub);
    } finally {
      hub.close();
    }
  }
}

/** The kit opens a slot by itself, so that `age` alone does. */
function slotOf({ recipient, to }: Lender): readonly string[] {
  return [...to.slice(0, 1), recipient];
}

function targetOf({ lock, lenders }: Book, hubRecipient: string): readonly string[] {
  const last = lenders.at(-1);
  return lock === 'owner' && last !== undefined ? slotOf(last) : [hubRecipient];
}

async function readBook({ database }: Pick<Parts, 'database'>): Promise<Book> {
  const json = await database.call('setting', { name: settingName });
  return json === undefined ? nothing : (JSON.parse(json) as Book);
}

async function writeBook({ database }: Pick<Parts, 'database'>, { v, lock, lenders }: Book): Promise<void> {
  await database.call('putSetting', { name: settingName, json: canonicalJson({ v, lock, lenders: lenders.map(({ recipient, to, sealed }) => ({ recipient, to: [...to], sealed })) }) });
}

function passed(error: unknown, code: 'SP_SLOT_MISSING' | 'SP_FACES_LOCKED'): undefined {
  if (!isSallyportError(error, code)) throw error;
  return undefined;
}
