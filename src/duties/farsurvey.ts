/**
 * Gets to know again what lies at destinations when the catalogue was made anew or put back. The courier lists a destination; what has the hash of a segment's
 * header, of a second header or of a slot here is that thing, gets its row back, and is neither sent a second time nor left there for ever. The rest is nobody's as
 * far as this hub can tell: it is counted and shown, and erased only when an owner signs for exactly that, docs/decisions/008-what-nobody-knows.md.
 */
import { createHash } from 'node:crypto';
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { Turns } from '../base/turns.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';
import type { DestinationConfig } from '../policy/declared.ts';
import { slotsPlaces } from '../policy/farslots.ts';
import { erasableMs, unknownAfter, unknownText, type FarUnknown } from '../policy/farunknown.ts';
import { isoTime } from '../policy/times.ts';
import { holdBytes } from '../seal/format/hold.ts';
import { decodeSlotsObject, maySlotsObjectBe, readSlotsHead, slotsHeadBytesMax } from '../seal/format/slotsobject.ts';
import type { OwnerList } from '../seal/owner.ts';
import { farLookSetting } from '../vault/reconcile.ts';
import type { FarFoundThere, FarKnown, Vault } from '../vault/vault.ts';
import { listAll, rowsOf, unknownIn } from './farlisting.ts';
import type { Ledger } from './ledger.ts';
import { takeWish, type Signed } from './wishes.ts';

export interface FarSurveyOptions {
  readonly vault: Vault;
  readonly ledger: Pick<Ledger, 'list' | 'get'>;
  /** In force. */
  readonly destinations: () => readonly DestinationConfig[];
  readonly owner: () => OwnerList | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Something may be sent, or is to go. */
  readonly onChange: () => void;
}

/** What a look found, for an owner. */
export interface FarLook extends FarUnknown {
  readonly destination: string;
  /** That were unknown before, and are not now. */
  readonly known: number;
  readonly erasableMs: number;
  /** The first of them. */
  readonly some: readonly { readonly object: string; readonly bytes: number }[];
}

type Unknown = readonly (readonly [object: string, bytes: number])[];
type Looks = Readonly<Record<string, FarUnknown>>;

const unknownName = 'far unknown';
/** Beginnings that are asked for at once, and things that are looked up at once. */
const readsAtOnce = 16;
const batch = 512;
/** After so long nothing waits for a look any more. */
const holdsMs = hourMs;
const againMs = 5 * minuteMs;
/** Of those that begin as one, so many are read whole: a hub has one, and several hubs may use the place. */
const slotsObjectsMax = 16;
const shownMax = 100;
const clearedAtOnce = 1_000;

export class FarSurveyDuty {
  readonly #o: FarSurveyOptions;
  readonly #loop: Loop;
  /** Since when a destination waits for its look, by the monotonic clock. */
  readonly #waits = new Map<string, number>();
  /** They have answered, and do not tell what they have. */
  readonly #mute = new Set<string>();
  /** Since when looks are due; 0: none is. Undefined until it was read. */
  #dueMs: number | undefined;
  #looks: Looks = {};
  readonly #turns = new Turns();

  constructor(o: FarSurveyOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#lookAgain());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Destinations have changed. */
  nudge(): void {
    this.#loop.nudge();
  }

  /** What was found when it was looked for last, where there is any. */
  get unknown(): readonly (FarUnknown & { readonly destination: string })[] {
    return Object.entries(this.#looks).flatMap(([destination, look]) => (look.objects === 0 ? [] : [{ destination, ...look }]));
  }

  /** Nothing new gets a name at this destination yet: it may lie there. */
  async holds(destination: string): Promise<boolean> {
    await this.#read();
    // Where the keys are is looked at too: lists are known by them.
    const places = slotsPlaces(this.#o.destinations()).filter(({ of }) => of.includes(destination)).map(({ name }) => name);
    return [destination, ...places].some((name) => {
      if (!this.#isDue(name)) return false;
      const nowMs = this.#o.clock.monotonicMs();
      const sinceMs = this.#waits.get(name) ?? nowMs;
      this.#waits.set(name, sinceMs);
      return nowMs - sinceMs < holdsMs;
    });
  }

  async #lookAgain(): Promise<number> {
    await this.#read();
    let failed = false;
    for (const { name, store } of this.#o.destinations()) {
      if (store === undefined || !this.#isDue(name)) continue;
      try {
        await this.look(name);
      } catch (error) {
        const problem = asSallyportError(error);
        this.#o.log.warn({ component: 'far survey', destination: name, code: problem.code }, `what lies there is not known yet: ${problem.message}`);
        if (problem.code === 'SP_FAR_NO') this.#mute.add(name);
        failed = true;
      }
      this.#o.onChange();
    }
    return failed ? againMs : dayMs;
  }

  /** An owner may say yes to a destination long after the database was made anew. */
  #isDue(destination: string): boolean {
    return !this.#mute.has(destination) && (this.#looks[destination]?.lookedMs ?? 0) < (this.#dueMs ?? 0);
  }

  async #read(): Promise<void> {
    if (this.#dueMs !== undefined) return;
    const { vault } = this.#o;
    const due = (await vault.setting(farLookSetting)) as { sinceMs: number } | null | undefined;
    this.#looks = ((await vault.setting(unknownName)) ?? {}) as unknown as Looks;
    this.#dueMs = due?.sinceMs ?? 0;
  }

  /** Lists a destination and takes back what is known of it. Not twice at once. SP_FAR_UNDECLARED, SP_FAR_NO, SP_OUTBOX_FULL. */
  look(destination: string): Promise<FarLook> {
    return this.#turns.take(async () => (await this.#lookNow(destination)).look);
  }

  /** The owner's signed wish. Answers how many objects are to go. SP_ERASE when they are not exactly those, or have not been there unchanged for long enough. */
  erase(signed: Signed): Promise<number> {
    return this.#turns.take(async () => {
      const { vault, clock, owner, log, onChange } = this.#o;
      const wish = await takeWish(vault, owner(), signed, 'clear');
      const { look, unknown } = await this.#lookNow(wish.destination);
      const refuse = (reason: string): never => { throw new SallyportError('SP_ERASE', { reason }); };
      if (look.set !== wish.set || look.objects !== wish.objects) refuse(`what nobody knows at ${wish.destination} is not what was signed for any more: somebody else may use that place`);
      if (look.objects === 0) refuse(`at ${wish.destination} there is nothing that this hub does not know`);
      if (clock.wallMs() < look.erasableMs) refuse(`it has to stay the same for a day first, until ${isoTime(look.erasableMs)}, so that another hub that uses the place is noticed`);
      let count = 0;
      for (let at = 0; at < unknown.length; at += clearedAtOnce) count += await vault.far.clear(wish.destination, unknown.slice(at, at + clearedAtOnce));
      await vault.audit({ what: 'far.cleared', who: 'owner', detail: { destination: wish.destination, objects: look.objects, bytes: look.bytes, set: look.set, document: signed.document, signature: signed.signature } });
      await this.#remember(wish.destination, []);
      log.info({ component: 'far survey', destination: wish.destination, objects: count }, 'what nobody knows there is to go');
      onChange();
      return count;
    });
  }

  async #lookNow(destination: string): Promise<{ look: FarLook; unknown: Unknown }> {
    const { vault, ledger, destinations, log } = this.#o;
    if (!destinations().some(({ name, store }) => name === destination && store !== undefined)) throw new SallyportError('SP_FAR_UNDECLARED', { destination });
    await this.#read();
    // Before it lists and after: what comes or goes meanwhile is known.
    const before = await rowsOf(vault.far, destination);
    const listing = await listAll(ledger, destination);
    const found = unknownIn(listing, [...before, ...await rowsOf(vault.far, destination)]);
    const known = await this.#takeBack(destination, found);
    const unknown = known === 0 ? found : unknownIn({ ...listing, listed: new Map(found) }, await rowsOf(vault.far, destination));
    const look = await this.#remember(destination, unknown);
    this.#waits.delete(destination);
    if (found.length > 0) {
      await vault.audit({ what: 'far.looked', who: 'hub', detail: { destination, known, unknown: look.objects, bytes: look.bytes } });
      log.info({ component: 'far survey', destination, known, unknown: look.objects }, 'what lies there was compared with what is known here');
    }
    return { look: { ...look, destination, known, erasableMs: erasableMs(look), some: unknown.slice(0, shownMax).map(([object, bytes]) => ({ object, bytes })) }, unknown };
  }

  async #remember(destination: string, unknown: Unknown): Promise<FarUnknown> {
    const set = createHash('sha256').update(unknownText(unknown)).digest('hex');
    const look = unknownAfter(this.#looks[destination], { objects: unknown.length, bytes: unknown.reduce((sum, [, bytes]) => sum + bytes, 0), set }, Math.round(this.#o.clock.wallMs()));
    this.#looks = { ...this.#looks, [destination]: look };
    await this.#o.vault.putSetting(unknownName, this.#looks as unknown as CanonicalValue);
    return look;
  }

  /** Answers how many were known by what they are. */
  async #takeBack(destination: string, found: Unknown): Promise<number> {
    const { far } = this.#o.vault;
    const sizes = new Map<number, number[]>();
    for (const { sizeBytes, headerBytes } of await far.sizes(destination)) sizes.set(sizeBytes, [...(sizes.get(sizeBytes) ?? []), headerBytes]);
    let taken = 0;
    const slots: { object: string; bytes: number; madeMs: number }[] = [];
    for (let at = 0; at < found.length; at += batch) {
      const hashes = new Map<string, readonly [object: string, bytes: number]>();
      await eachOf(found.slice(at, at + batch), readsAtOnce, async ([object, bytes]) => {
        const lengths = [...(sizes.get(bytes) ?? []), ...(bytes === holdBytes ? [holdBytes] : [])].filter((length) => length <= bytes);
        const maySlots = maySlotsObjectBe(bytes);
        if (lengths.length === 0 && !maySlots) return;
        const start = await this.#bytesOf(destination, object, Math.min(bytes, Math.max(...lengths, maySlots ? slotsHeadBytesMax : 0)));
        if (start === undefined) return;
        for (const length of lengths) hashes.set(hashOf(start.subarray(0, length)), [object, bytes]);
        const head = maySlots ? readSlotsHead(start) : undefined;
        if (head !== undefined) slots.push({ object, bytes, madeMs: head.madeMs });
      });
      const knowns = hashes.size === 0 ? [] : await far.known([...hashes.keys()]);
      taken += await far.adopt(knowns.flatMap((known) => this.#foundAs(destination, known, hashes.get(known.sha256))));
    }
    for (const { object, bytes } of slots.toSorted((a, b) => b.madeMs - a.madeMs).slice(0, slotsObjectsMax)) taken += await this.#takeSlots(destination, object, bytes);
    return taken;
  }

  #foundAs(destination: string, { class: klass, camera, slot, path }: FarKnown, found: readonly [object: string, bytes: number] | undefined): FarFoundThere[] {
    // A second header is as long as it is; a header that a stranger has put before something else has another size than the segment.
    if (found === undefined || klass === 'hours' || (klass === 'hold') !== (found[1] === holdBytes)) return [];
    return [{ destination, object: found[0], class: klass, camera, slot, path, keysAt: 'home', sizeBytes: found[1] }];
  }

  /** A slots object is this hub's when it has a slot that lies here; then it says where lists lie, and it is replaced or goes, for what is shredded here is to open nowhere. */
  async #takeSlots(destination: string, object: string, bytes: number): Promise<number> {
    const { vault: { far }, destinations, log } = this.#o;
    const whole = await this.#bytesOf(destination, object, bytes);
    if (whole === undefined) return 0;
    let entries;
    try {
      ({ entries } = decodeSlotsObject(whole, object));
    } catch (error) {
      log.debug({ component: 'far survey', destination, code: asSallyportError(error).code }, 'what begins as a slots object is none');
      return 0;
    }
    const byHash = new Map<string, { destination: string; list: string }[]>();
    for (const { slotText, ...place } of entries) byHash.set(hashOf(slotText), [...(byHash.get(hashOf(slotText)) ?? []), place]);
    const knowns = (await far.known([...byHash.keys()])).filter(({ class: klass }) => klass === 'hours');
    if (knowns.length === 0) return 0;
    let taken = await far.adopt(knowns.flatMap(({ sha256, camera, slot }) => (byHash.get(sha256) ?? []).map((place): FarFoundThere => ({ destination: place.destination, object: place.list, class: 'hours', camera, slot, path: undefined, keysAt: destination, sizeBytes: 0 }))));
    const row = await far.keyring(destination) ?? await far.nameKeyring(destination, object);
    // An older one, of a time between: it is this hub's, and nothing replaces it any more.
    if (row?.object !== object) return taken + await far.clear(destination, [[object, bytes]]);
    if (!slotsPlaces(destinations()).some(({ name }) => name === destination)) await far.leaveKeyring(row.id);
    taken++;
    return taken;
  }

  /** The first bytes of it; undefined when it is gone, or shorter than it was listed. */
  async #bytesOf(destination: string, object: string, length: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    for (let at = 0; at < length; at += readMax) {
      try {
        const { body } = await this.#o.ledger.get(destination, object, at, Math.min(readMax, length - at), '', this.#loop.signal);
        pieces.push(body ?? Buffer.alloc(0));
      } catch (error) {
        const code = isSallyportError(error, 'SP_FAR_NO') ? error.evidence['code'] : undefined;
        if (code === 'SP_FAR_MISSING' || code === 'SP_FAR_ANSWER') return undefined;
        throw error;
      }
    }
    return Buffer.concat(pieces);
  }
}

const readMax = 8 * 2 ** 20;

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A few at once; the first that fails ends it. */
async function eachOf<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const queue = all.values();
  await Promise.all(Array.from({ length: atOnce }, async () => { for (const one of queue) await work(one); }));
}
