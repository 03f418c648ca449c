/** What lies elsewhere, and the ledger of what went there: the tables of fartable.ts, farlisttable.ts and ledgertable.ts, for duties. */
import type { Clock, UnixMs } from '../base/clock.ts';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Name } from './database.ts';
import type { FarList, FarListed, FarListWish } from './farlisttable.ts';
import type { FarClass, FarFoundThere, FarGoing, FarNaming, FarObject, FarPicturesWish, FarRefusal, FarRule, FarSum, FarWish } from './fartable.ts';
import type { FarKnown, FarSizes } from './farsurvey.ts';
import type { PictureName } from './alarmtable.ts';
import type { LedgerAnswer, LedgerLine, LedgerQuery, LedgerRow, LedgerSum } from './ledgertable.ts';
import type { Operations } from './operations.ts';
import { abilitiesName, readAbilities, type Abilities } from './receipts.ts';

type Call = <K extends Name>(op: K, ...args: Parameters<Operations[K]>) => Promise<ReturnType<Operations[K]>>;

const droppedAtOnce = 5_000;

export class FarBook {
  readonly #call: Call;
  readonly #clock: Clock;

  constructor(call: Call, clock: Clock) {
    this.#call = call;
    this.#clock = clock;
  }

  /** Gives names to what a rule wants: at most `limit` segments whose rows come after `after`. SP_DATABASE, SP_DISK, as everything here. */
  want(rule: FarRule, after: number, limit: number): Promise<{ named: number; after: number; more: boolean }> {
    return this.#call('farWant', { rule, after, limit, atMs: this.#now });
  }

  /** Segments and second headers that are to be sent now. */
  wishes(destination: string, limit: number): Promise<FarWish[]> {
    return this.#call('farWishes', { destination, limit, atMs: this.#now });
  }

  /** Lists that are due. */
  listWishes(naming: FarNaming): Promise<FarListWish[]> {
    return this.#call('farLists', { naming, atMs: this.#now });
  }

  /** Alarms whose pictures are to be sent now. `changed`: those too that are others by now than lie there, which is asked of all of them. */
  picturesWishes(naming: FarNaming, limit: number, changed: boolean): Promise<FarPicturesWish[]> {
    return this.#call('farPicturesWishes', { naming, limit, changed, atMs: this.#now });
  }

  /** An alarm's pictures as they lie here, and the hash over them. SP_PICTURES. */
  sealedPictures(alarm: string): Promise<{ pictures: (readonly [PictureName, Uint8Array])[]; sha256: string | undefined }> {
    return this.#call('sealedPictures', { id: alarm });
  }

  /** What lies there of a period, in the words of its hour list; undefined when its key is gone. `covers`: for `asked`. */
  list(destination: string, periodId: number): Promise<{ list: FarList; covers: number } | undefined> {
    return this.#call('farList', { destination, periodId });
  }

  /** An order lies in the outbox. `far`: the object that it is about. */
  asked(line: LedgerLine, far?: { readonly id: number; readonly madeMs?: UnixMs; readonly covers?: number }): Promise<void> {
    return this.#call('ledgerAsked', { line, far: far === undefined ? undefined : { id: far.id, madeMs: Math.round(far.madeMs ?? 0), covers: far.covers ?? 0 } });
  }

  /** Durable when it resolves: then the order may be settled. `line`: of an order whose line may have been lost. */
  answered(answers: readonly (LedgerAnswer & { readonly line: LedgerLine })[]): Promise<void> {
    return this.#call('ledgerAnswered', { answers, atMs: this.#now });
  }

  /** Lines that have no answer. */
  open(): Promise<LedgerRow[]> {
    return this.#call('ledgerOpen');
  }

  line(name: string): Promise<LedgerRow | undefined> {
    return this.#call('ledgerLine', { name });
  }

  /** The newest first. */
  lines(q: LedgerQuery): Promise<LedgerRow[]> {
    return this.#call('ledger', q);
  }

  /** Lines of notices whose number begins so, the newest first. */
  notices(begins: string, limit: number): Promise<LedgerRow[]> {
    return this.#call('ledgerNotices', { begins, limit });
  }

  /** Answered orders of whole UTC days since then. */
  ledgerSums(sinceMs: UnixMs): Promise<LedgerSum[]> {
    return this.#call('ledgerSums', { sinceMs: Math.round(sinceMs) });
  }

  /** Lets lines of before then go; answers how many. */
  async dropLines(beforeMs: UnixMs): Promise<number> {
    let dropped = 0;
    for (let count = droppedAtOnce; count >= droppedAtOnce; dropped += count) count = await this.#call('dropLedger', { beforeMs: Math.round(beforeMs), limit: droppedAtOnce });
    return dropped;
  }

  object(destination: string, object: string): Promise<FarObject | undefined> {
    return this.#call('farObject', { destination, object });
  }

  /** It cannot be sent as it lies here; without `againMs` it is not tried again. */
  refuse(id: number, code: string, againMs?: UnixMs): Promise<void> {
    return this.#call('farRefuse', { id, code, againMs, atMs: this.#now });
  }

  /** What was named for a destination and never went is named anew by the rules of now. */
  unwant(destination: string): Promise<void> {
    return this.#call('farUnwant', { destination });
  }

  /** What nothing here keeps any more is to go from there. */
  leave(): Promise<void> {
    return this.#call('farLeave', { atMs: this.#now });
  }

  /** Objects to be deleted there now. */
  going(destination: string, limit: number): Promise<FarGoing[]> {
    return this.#call('farGoing', { destination, limit, atMs: this.#now });
  }

  /** Orders whose object is to go before it went. */
  withdrawn(): Promise<string[]> {
    return this.#call('farWithdrawn');
  }

  /** What could not be deleted is tried again. */
  release(destination: string): Promise<void> {
    return this.#call('farRelease', { destination });
  }

  /** What is to go there cannot: why. */
  keep(destination: string, code: string): Promise<void> {
    return this.#call('farKeep', { destination, code, atMs: this.#now });
  }

  /** Orders to send that have no answer. */
  out(destination: string): Promise<{ orders: number; bytes: number }> {
    return this.#call('farOut', { destination });
  }

  /** Lists at these destinations, of periods that live. */
  listed(destinations: readonly string[]): Promise<FarListed[]> {
    return this.#call('farListed', { destinations });
  }

  /** The slots object at a destination. */
  keyring(destination: string): Promise<FarObject | undefined> {
    return this.#call('farKeyring', { destination });
  }

  /** It has a name now: a new one, or that under which a restored hub has found it. */
  nameKeyring(destination: string, object?: string): Promise<FarObject | undefined> {
    return this.#call('farNameKeyring', { destination, object, atMs: this.#now });
  }

  leaveKeyring(id: number): Promise<void> {
    return this.#call('farLeaveKeyring', { id, atMs: this.#now });
  }

  /** Where the keys lie of what is at a destination: 'home', or another destination. */
  keysAt(destination: string, place: string): Promise<void> {
    return this.#call('farKeysAt', { destination, place });
  }

  /** What a restored hub has found there; answers how many were new to it. */
  adopt(found: readonly FarFoundThere[]): Promise<number> {
    return this.#call('farAdopt', { found, atMs: this.#now });
  }

  /** How long segments and their headers are that have no name at the destination. */
  sizes(destination: string): Promise<FarSizes[]> {
    return this.#call('farSizes', { destination });
  }

  /** What has one of these hashes: a segment by its header, a second header, a slot. */
  known(hashes: readonly string[]): Promise<FarKnown[]> {
    return this.#call('farKnown', { hashes });
  }

  /** What nobody here knows is to go from there; answers how much of it was new. */
  clear(destination: string, objects: readonly (readonly [object: string, bytes: number])[]): Promise<number> {
    return this.#call('farClear', { destination, objects, atMs: this.#now });
  }

  sums(): Promise<FarSum[]> {
    return this.#call('farSums');
  }

  refusals(destinations: readonly string[]): Promise<FarRefusal[]> {
    return this.#call('farRefusals', { destinations });
  }

  /** Those of which something is known, declared or not. */
  destinations(): Promise<string[]> {
    return this.#call('farDestinations');
  }

  /** In the order of their names. */
  after(destination: string, object: string, limit: number): Promise<FarObject[]> {
    return this.#call('farAfter', { destination, object, limit });
  }

  /** They are not there, though they were: they are sent again. */
  again(ids: readonly number[]): Promise<void> {
    return this.#call('farAgain', { ids, atMs: this.#now });
  }

  /** One that was missed there is there again, as it was sent. */
  found(destination: string, object: string): Promise<void> {
    return this.#call('farFound', { destination, object, atMs: this.#now });
  }

  /** What lies there of these classes. */
  there(destination: string, classes: readonly FarClass[]): Promise<FarObject[]> {
    return this.#call('farThere', { destination, classes });
  }

  /** What destinations said that they do when they were asked last. */
  async abilities(): Promise<Readonly<Record<string, Abilities>>> {
    return readAbilities(await this.#call('setting', { name: abilitiesName }));
  }

  async rememberAbilities(destination: string, abilities: Abilities): Promise<void> {
    const all = { ...await this.abilities(), [destination]: abilities };
    await this.#call('putSetting', { name: abilitiesName, json: canonicalJson(all as unknown as CanonicalValue) });
  }

  get #now(): UnixMs {
    return Math.round(this.#clock.wallMs());
  }
}
