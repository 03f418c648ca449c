/**
 * Puts what is to leave the house into the outbox: closed segments by each destination's rule, their second headers, and lists by which they are found
 * there; and takes back from there what is no longer kept here. All of it is found from the catalogue, so a restart, a full outbox or a far end that
 * is down for days costs nothing but time. Recording never waits for any of it: this reads what is closed, a file at a time, and rests while the disk is behind.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError, isSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { Turns } from '../base/turns.ts';
import { dayMs, minuteMs, secondMs } from '../base/units.ts';
import { rulesInWords, type DestinationConfig, type StoreRules } from '../policy/declared.ts';
import { isReplaced, readReference } from '../policy/pieces.ts';
import { againAfterMs, atOnce } from '../policy/uploading.ts';
import { encodePicturesObject } from '../seal/format/picturesobject.ts';
import { Sealed } from '../seal/sealed.ts';
import type { FarNaming, FarPicturesWish, FarRule, FarWish, SealedFile, Vault } from '../vault/vault.ts';
import type { CourierDuty } from './doors.ts';
import type { Ledger } from './ledger.ts';

export interface UploadOptions {
  readonly vault: Pick<Vault, 'far' | 'sealedFile' | 'secondHeader' | 'backlogBytes' | 'setting' | 'putSetting'>;
  readonly ledger: Pick<Ledger, 'put' | 'delete' | 'probe' | 'withdraw' | 'orders' | 'list' | 'onAnswer'>;
  readonly courier: Pick<CourierDuty, 'word'>;
  /** Nothing new gets a name there yet; never where this is absent. */
  readonly holds?: (destination: string) => Promise<boolean>;
  /** In force: what an owner has said yes to. */
  readonly destinations: () => readonly DestinationConfig[];
  readonly clock: Clock;
  readonly log: Log;
}

type StoreDestination = DestinationConfig & { readonly store: StoreRules };

/** While something is under way or may have come; a segment that is closed, or an answer, wakes it at once. */
const lookMs = 10 * secondMs;
const namedAtOnce = 500;
const deletedAtOnce = 64;
const probeEveryMs = dayMs;
/** After the first time that a destination did not answer; twice as long each time. */
const probeAgainMs = 10 * secondMs;
const probeAgainMaxMs = 10 * minuteMs;
/** More sealed bytes than this that wait for the disk: recording comes first. */
const backlogMax = 2 * 2 ** 20;
const rulesName = 'far rules';

interface Probed {
  readonly atMs: number;
  /** See `#off`: what it was when it was asked. */
  readonly off: string | undefined;
  /** In a row. */
  readonly failures: number;
}

export class UploadDuty {
  readonly #o: UploadOptions;
  readonly #loop: Loop;
  /** Behind which row the next look begins, by destination: what lies before has its name, or is not wanted by these rules. */
  readonly #after = new Map<string, { readonly rules: string; readonly row: number }>();
  readonly #probing = new Set<string>();
  readonly #probed = new Map<string, Probed>();
  /** What the courier has no credential for, by its own word, by destination. */
  #off: ReadonlyMap<string, string> = new Map();
  /** Abilities are written one after the other: each writes what is known of all. */
  readonly #remembering = new Turns();
  #problem: SallyportError | undefined;
  #sweptMs = -Infinity;

  constructor(o: UploadOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
    o.ledger.onAnswer(({ to, order, keeps_versions: keepsVersions }) => {
      if (order === 'put' && keepsVersions === 'yes') void this.#noteVersions(to);
      if (order !== 'get' && order !== 'list') this.#loop.nudge();
    });
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#remembering.idle();
  }

  /** A segment was closed, a period was purged, destinations have changed. */
  nudge(): void {
    this.#loop.nudge();
  }

  get problem(): SallyportError | undefined {
    return this.#problem;
  }

  /** A destination was asked what it does, or is about to be, and its answer is not remembered yet; for tests. */
  get probes(): boolean {
    return this.#probing.size > 0;
  }

  async #turn(): Promise<number> {
    const nowMs = this.#o.clock.monotonicMs();
    const sweeps = nowMs - this.#sweptMs >= lookMs;
    try {
      await this.look(sweeps);
      if (sweeps) this.#sweptMs = nowMs;
      this.#problem = undefined;
      return lookMs;
    } catch (error) {
      this.#problem = asSallyportError(error);
      this.#o.log.warn({ component: 'upload', code: this.#problem.code }, `what is to leave waits: ${this.#problem.message}`);
      return minuteMs;
    }
  }

  /**
   * One look; for the loop, and for tests. `sweeps`: what nothing keeps any more, and which lists are due, is asked of all rows of what is far: half a second for
   * two weeks of eight cameras, which is too much for each segment and each answer.
   */
  async look(sweeps = true): Promise<void> {
    const stores = this.#o.destinations().filter((destination): destination is StoreDestination => destination.store !== undefined);
    if (sweeps) this.#off = new Map((await this.#o.courier.word())?.destinations.map(({ name, off }) => [name, off.join()]));
    await this.#settleRules(stores);
    await this.#takeBack(stores, sweeps);
    for (const destination of stores) {
      if (this.#loop.signal.aborted) return;
      await this.#send(destination, sweeps).catch((error: unknown) => {
        // Full: what waits is in the vault, and comes again.
        if (!isSallyportError(error, 'SP_OUTBOX_FULL')) throw error;
        this.#o.log.debug({ component: 'upload', destination: destination.name }, 'the outbox is full');
      });
    }
  }

  /** What was named by other rules and never went is not wanted any more; orders for a destination that is none any more are withdrawn. */
  async #settleRules(stores: readonly StoreDestination[]): Promise<void> {
    const { vault, ledger } = this.#o;
    const known = ((await vault.setting(rulesName)) ?? {}) as Readonly<Record<string, string>>;
    const now = Object.fromEntries(stores.map((destination) => [destination.name, rulesInWords(destination)]));
    const declared = new Set(this.#o.destinations().map(({ name }) => name));
    if (canonicalJson(known) !== canonicalJson(now)) {
      for (const name of Object.keys(known)) if (known[name] !== now[name]) await vault.far.unwant(name);
      await vault.putSetting(rulesName, now);
    }
    for (const [name, order] of ledger.orders) if (!declared.has(order.to) && order.order !== 'withdraw') await ledger.withdraw(name);
  }

  /** What nothing keeps here any more goes from there. */
  async #takeBack(stores: readonly StoreDestination[], sweeps: boolean): Promise<void> {
    const { vault: { far }, ledger } = this.#o;
    if (sweeps) await far.leave();
    for (const name of await far.withdrawn()) await ledger.withdraw(name);
    for (const { name } of stores) {
      for (const { id, object, camera, class: klass, sizeBytes, sha256 } of await far.going(name, deletedAtOnce)) {
        if (isOut(ledger, name, object)) continue;
        await ledger.delete(name, object, { camera, far: { id }, ...(readReference(object).pieceBytes === undefined || sizeBytes === 0 ? {} : { known: { bytes: sizeBytes, sha256: isReplaced(klass) ? sha256 : undefined } }) });
      }
    }
    const known = new Set(stores.map(({ name }) => name));
    for (const name of await far.destinations()) if (!known.has(name)) await far.keep(name, 'SP_FAR_UNDECLARED');
  }

  async #send(destination: StoreDestination, sweeps: boolean): Promise<void> {
    const { far } = this.#o.vault;
    await this.#probe(destination.name);
    // What a catalogue that was made anew does not know may lie there.
    if (await this.#o.holds?.(destination.name) === true) return;
    await this.#nameNew(destination);
    const out = await far.out(destination.name);
    let { orders, bytes } = out;
    for (const { id, object, periodId, camera, recipient } of sweeps ? await far.listWishes(namingOf(destination)) : []) {
      const made = await far.list(destination.name, periodId);
      if (made === undefined) continue;
      const sealed = Sealed.text(Buffer.from(canonicalJson(made.list as unknown as CanonicalValue)), [recipient]);
      await this.#o.ledger.put(sealed, { to: destination.name, class: 'hours', object, replace: true, camera, recipients: [recipient], far: { id, madeMs: this.#now, covers: made.covers } });
    }
    for (const wish of destination.store.pictures === true ? await far.picturesWishes(namingOf(destination), atOnce.orders, sweeps) : []) {
      if (this.#loop.signal.aborted || orders >= atOnce.orders) return;
      const sent = await this.#putPictures(wish);
      orders += sent > 0 ? 1 : 0;
      bytes += sent;
    }
    for (const wish of await far.wishes(destination.name, atOnce.orders)) {
      if (this.#loop.signal.aborted || orders >= atOnce.orders || (bytes >= atOnce.bytes && orders > 0)) return;
      // Recording has the disk first.
      if (this.#o.vault.backlogBytes > backlogMax) return;
      const sent = await this.#put(wish);
      orders += sent > 0 ? 1 : 0;
      bytes += sent;
    }
  }

  /** Answers how many bytes are in the outbox now. */
  async #put(wish: FarWish): Promise<number> {
    const { vault, ledger, log } = this.#o;
    let sealed: Sealed;
    try {
      sealed = wish.class === 'segment' ? await this.#segment(await vault.sealedFile(wish)) : Sealed.recogniseHold((await vault.secondHeader(wish)).header, `the second header of ${wish.stream} ${wish.seq}`);
    } catch (error) {
      const { code, kind, message } = asSallyportError(error);
      // The disk is away, or it was purged meanwhile: the next look knows.
      if (code === 'SP_DISK' || code === 'SP_DATABASE' || code === 'SP_STOPPED') throw error;
      log.warn({ component: 'upload', camera: wish.camera, code }, `it is not sent: ${message}`);
      await vault.far.refuse(wish.id, code, kind === 'retry' || code === 'SP_SEGMENT_MISSING' || code === 'SP_READ' ? this.#now + againAfterMs(wish.tries + 1) : undefined);
      return 0;
    }
    await ledger.put(sealed, { to: wish.destination, class: wish.class, object: wish.object, camera: wish.camera, recipients: wish.recipient === '' ? [] : [wish.recipient], far: { id: wish.id, madeMs: this.#now } });
    return sealed.bytes.length;
  }

  /** All that an alarm has, as one object, in place of what lies there of it. */
  async #putPictures(wish: FarPicturesWish): Promise<number> {
    const { vault: { far }, ledger, log } = this.#o;
    const { id, destination, object, alarm, camera, recipient, version } = wish;
    try {
      const { pictures, sha256 } = await far.sealedPictures(alarm);
      if (sha256 !== wish.sha256) throw new SallyportError('SP_PICTURES', { reason: 'they are not those that were put there' });
      const sealed = Sealed.text(encodePicturesObject({ alarm, pictures }), [recipient]);
      await ledger.put(sealed, { to: destination, class: 'picture', object, replace: true, camera, recipients: [recipient], far: { id, madeMs: this.#now, covers: version } });
      return sealed.bytes.length;
    } catch (error) {
      const { code, message } = asSallyportError(error);
      // Their file is locked, or away, or they are being replaced: they come again.
      if (code !== 'SP_PICTURES') throw error;
      log.debug({ component: 'upload', camera, code }, `an alarm's pictures are not sent yet: ${message}`);
      await far.refuse(id, code, this.#now + minuteMs);
      return 0;
    }
  }

  /** Only what is as it was written leaves the house. SP_SEGMENT_DAMAGED. */
  async #segment(file: SealedFile): Promise<Sealed> {
    const { row } = file;
    const bytes = Buffer.allocUnsafeSlow(file.size);
    let at = 0;
    for await (const piece of file.read()) at += piece.copy(bytes, at);
    const [header, body] = [bytes.subarray(0, row.headerBytes), bytes.subarray(row.headerBytes)].map((part) => createHash('sha256').update(part).digest('hex'));
    if (header !== row.headerSha256 || body !== row.bodySha256) throw new SallyportError('SP_SEGMENT_DAMAGED', { file: row.path, reason: 'its bytes are not those that were written' });
    return Sealed.recognise(bytes, row.path);
  }

  async #nameNew(destination: StoreDestination): Promise<void> {
    const { name, store } = destination;
    const rules = rulesInWords(destination);
    // What alarms keep is not known when a segment is closed, so for them all is looked at each time.
    const known = this.#after.get(name);
    let row = store.send === 'all' && known?.rules === rules ? known.row : 0;
    const rule: FarRule = { ...namingOf(destination), send: store.send, cameras: store.cameras };
    for (let more = true; more && !this.#loop.signal.aborted;) {
      const found = await this.#o.vault.far.want(rule, row, namedAtOnce);
      more = found.more;
      row = found.after;
    }
    this.#after.set(name, { rules, row });
  }

  /** Once a day, at the start, and when the courier got or lost a credential: what the store does, for the receipts; and whether it deletes what it would not before. */
  async #probe(name: string): Promise<void> {
    const { clock, vault, ledger, log } = this.#o;
    const last = this.#probed.get(name), off = this.#off.get(name);
    if (this.#probing.has(name) || (last !== undefined && last.off === off && clock.monotonicMs() - last.atMs < restMs(last))) return;
    this.#probing.add(name);
    const probed = (failures: number): void => void this.#probed.set(name, { atMs: clock.monotonicMs(), off, failures });
    ledger.probe(name).then(async ({ answer }) => {
      probed(0);
      await this.#remembering.take(async () => vault.far.rememberAbilities(name, { may: answer.may ?? [], keepsVersions: answer.keeps_versions ?? 'unknown', overwrites: answer.overwrites ?? 'unknown', atMs: this.#now }));
      if (answer.may?.includes('delete') === true) await vault.far.release(name);
    }).catch((error: unknown) => {
      log.debug({ component: 'upload', destination: name, code: asSallyportError(error).code }, 'a destination was not probed');
      probed((last?.failures ?? 0) + 1);
    }).finally(() => this.#probing.delete(name));
  }

  /** Somebody has let the store keep older versions since it was asked: from now on it counts as if it had said so then. */
  async #noteVersions(name: string): Promise<void> {
    const { vault: { far }, log } = this.#o;
    await this.#remembering.take(async () => {
      const known = (await far.abilities())[name];
      // Where it was never asked, that comes first.
      if (known === undefined || known.keepsVersions === 'yes') return;
      await far.rememberAbilities(name, { ...known, keepsVersions: 'yes', atMs: this.#now });
      log.warn({ component: 'upload', destination: name }, 'it has begun to keep older versions of what is replaced or deleted there');
    }).catch((error: unknown) => log.debug({ component: 'upload', destination: name, code: asSallyportError(error).code }, 'that it keeps versions was not written; its next answer says it again'));
  }

  get #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}

function restMs({ failures }: Probed): number {
  return failures === 0 ? probeEveryMs : Math.min(probeAgainMaxMs, probeAgainMs * 2 ** (failures - 1));
}

function namingOf(destination: StoreDestination): FarNaming {
  const { name, store: { pieceBytes, jitterMs } } = destination;
  return { destination: name, keysAt: keysAtOf(destination), pieceBytes, jitterMs };
}

export function keysAtOf({ store }: StoreDestination): string {
  return store.slots === 'far' ? store.slotsAt ?? 'home' : 'home';
}

function isOut(ledger: Pick<Ledger, 'orders'>, destination: string, object: string): boolean {
  for (const order of ledger.orders.values()) if (order.to === destination && 'object' in order && order.object === object) return true;
  return false;
}
