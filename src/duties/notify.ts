/**
 * Tells the phones: what `notices.ts` raises and settles, and what rules of alarms ring, becomes an order for each destination that is to hear of
 * it. An order says a kind, what the camera is called outside, a time and a random number; where an owner wants it, an alarm's small picture goes along, sealed. When it rings is the courier's (`policy/noticing.ts`).
 *
 * Whoever raises something never waits: it is noted in memory, and given to the outbox by a turn of this duty. What the outbox does not take
 * is remembered in the working database until it does. So each is told once, but for a kill in the very moment between; the ledger says so.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import type { Answer, Order } from '../outbox/orders.ts';
import { begin, dropOld, finish, placed, raisedAgainMs, readNoteState, ring, toldMax, nothingTold, type NoteState, type WaitingNotice } from '../policy/notestate.ts';
import type { NoticeKind } from '../policy/notices.ts';
import { noticePictureBytesMax, type NoticeMessageKind } from '../policy/noticing.ts';
import { aliasOf, isToldOf, numberCameras, type CameraNumbers, type NoticeDestination } from '../policy/telling.ts';
import { Sealed } from '../seal/sealed.ts';
import type { Vault } from '../vault/vault.ts';
import type { Ledger, NoticePicture } from './ledger.ts';
import type { Notices } from './notices.ts';

export interface NotifyOptions {
  readonly vault: Pick<Vault, 'setting' | 'putSetting' | 'alarmPicture'>;
  readonly outbox: Pick<Ledger, 'notice' | 'orders'>;
  /** That an owner said yes to. */
  readonly destinations: () => readonly NoticeDestination[];
  /** All that there are, stores too. */
  readonly everyDestination: () => readonly string[];
  readonly cameras: () => readonly { readonly id: string; readonly alias?: string }[];
  readonly notices: Pick<Notices, 'raise' | 'settle' | 'tell'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** An alarm that a rule rang for. */
export interface Rung {
  readonly camera: string | undefined;
  readonly kind: NoticeMessageKind;
  readonly atMs: UnixMs;
  /** The alarm's, from which the number that is told is made; undefined when it could not be kept. */
  readonly id: string | undefined;
}

export interface NotifyState {
  /** Told to nobody yet, for the outbox does not take it. */
  readonly waiting: number;
  /** More than could be remembered. */
  readonly dropped: number;
  readonly failing: Readonly<Record<string, string>>;
}

type Event = { readonly what: 'raised' | 'settled'; readonly kind: NoticeKind; readonly camera: string | undefined; readonly atMs: UnixMs } | { readonly what: 'rang'; readonly rung: Rung };

const settingName = 'notify';
const numbersName = 'camera numbers';
const destinationsName = 'destinations known';
const retryMs = 5 * secondMs;
/** So long a notice that is to have a picture waits for it, from when its alarm rang: its moment may be seconds before that, where whoever saw it was slow. */
const pictureWaitMs = 10 * secondMs;
/** Alarms that are remembered for it; older ones are not waited for anyway. */
const picturedMax = 100;
/** An order that has waited so long, but for quiet hours and what goes at night, shows that its destination does not take it. */
const lateMs = 2 * hourMs;

export class NotifyDuty {
  readonly #o: NotifyOptions;
  readonly #loop: Loop;
  #events: Event[] = [];
  #state: NoteState = nothingTold;
  #stored = '';
  #numbers: CameraNumbers = {};
  /** Whether there were numbers before: a hub that counts for the first time has no new cameras. */
  #counted = false;
  /** Undefined before the first look. */
  #known: readonly string[] | undefined;
  #loaded = false;
  /** By kind and camera: raised since the start. */
  readonly #raised = new Set<string>();
  #settleByMs = Infinity;
  readonly #failing = new Map<string, string>();
  /** Alarms whose pictures are there, or will not be. */
  readonly #pictured = new Set<string>();
  /** When alarms rang, monotonic. Of those of before the start only their moment is known. */
  readonly #rangMs = new Map<string, number>();
  #dropped = 0;

  constructor(o: NotifyOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#settleByMs = this.#o.clock.monotonicMs() + raisedAgainMs;
    this.#loop.start(() => this.#turn());
  }

  /** What was raised last is placed before. */
  async close(): Promise<void> {
    await this.#loop.close();
    await this.#turn();
  }

  get state(): NotifyState {
    return { waiting: this.#state.waiting.length + this.#events.length, dropped: this.#dropped, failing: Object.fromEntries(this.#failing) };
  }

  /** What cameras are called where their owner gave no word for it. */
  get numbers(): CameraNumbers {
    return this.#numbers;
  }

  raised(kind: NoticeKind, camera: string | undefined): void {
    this.#raised.add(`${kind}\n${camera ?? ''}`);
    this.#note({ what: 'raised', kind, camera, atMs: this.#now });
  }

  settled(kind: NoticeKind, camera: string | undefined): void {
    this.#note({ what: 'settled', kind, camera, atMs: this.#now });
  }

  /** It happened, and does not last. */
  told(kind: NoticeKind, camera: string | undefined): void {
    this.#note({ what: 'rang', rung: { kind, camera, atMs: this.#now, id: undefined } });
  }

  rang(rung: Rung): void {
    if (rung.id !== undefined) this.#rangMs.set(rung.id, this.#o.clock.monotonicMs());
    dropOldest(this.#rangMs);
    this.#note({ what: 'rang', rung });
  }

  /** An alarm's first pictures are stored, or there will be none. */
  pictured(alarm: string): void {
    this.#pictured.add(alarm);
    dropOldest(this.#pictured);
    this.#loop.nudge();
  }

  /** What became of an order, of any kind. */
  answered(order: Pick<Order, 'order' | 'to'>, { outcome, code }: Pick<Answer, 'outcome' | 'code'>): void {
    if (outcome === 'done') this.#failing.delete(order.to);
    else if (outcome === 'failed' && code !== undefined && isFailing(order.order, code)) this.#failing.set(order.to, code);
    this.#loop.nudge();
  }

  /** Destinations or cameras are other ones now. */
  nudge(): void {
    this.#loop.nudge();
  }

  #note(event: Event): void {
    this.#events.push(event);
    if (this.#events.length > toldMax) {
      this.#events.shift();
      this.#drop(1);
    }
    this.#loop.nudge();
  }

  async #turn(): Promise<number> {
    try {
      if (!this.#loaded) await this.#load();
      this.#take();
      await this.#numberCameras();
      await this.#lookForNew();
      this.#settleOld();
      this.#tellFailing();
      const againMs = await this.#place();
      await this.#store();
      return Math.min(againMs, this.#events.length > 0 ? retryMs : minuteMs);
    } catch (error) {
      this.#o.log.error({ component: 'notify', code: asSallyportError(error).code }, `notices wait: ${asSallyportError(error).message}`);
      return retryMs;
    }
  }

  /** A database that cannot be read keeps nothing from being told: that is when there is most to tell. */
  async #load(): Promise<void> {
    const { vault, log } = this.#o;
    try {
      const value = await vault.setting(settingName);
      this.#state = readNoteState(value);
      const numbers = (await vault.setting(numbersName)) as CameraNumbers | undefined;
      this.#numbers = numbers ?? {};
      this.#counted = numbers !== undefined;
      this.#known = (await vault.setting(destinationsName)) as readonly string[] | undefined;
      this.#stored = JSON.stringify(this.#state);
      this.#loaded = true;
      // Placed by the one before, which was ended before it could note that.
      for (const order of this.#o.outbox.orders.values()) {
        if (order.order !== 'notice') continue;
        const waiting = this.#state.waiting.find((one) => one.id === order.id && (one.over ?? false) === (order.over ?? false) && one.to.includes(order.to));
        if (waiting !== undefined) this.#state = placed(this.#state, waiting, order.to);
      }
    } catch (error) {
      log.warn({ component: 'notify', code: asSallyportError(error).code }, 'what was told before is not known, so something may be told twice');
    }
  }

  #take(): void {
    const events = this.#events;
    this.#events = [];
    for (const event of events) {
      const before = this.#state;
      if (event.what === 'rang') this.#state = this.#ring(event.rung);
      else if (event.what === 'settled') this.#state = finish(before, event.kind, event.camera, event.atMs, this.#toldOf(event.kind));
      else this.#state = begin(before, { ...event, id: randomBytes(16).toString('hex') }, this.#toldOf(event.kind));
      if (this.#state !== before && before.waiting.length === toldMax) this.#drop(1);
    }
    this.#state = dropOld(this.#state, this.#o.destinations().map(({ name }) => name), this.#now);
  }

  #ring({ kind, camera, atMs, id }: Rung): NoteState {
    const to = this.#toldOf(kind);
    return ring(this.#state, { kind, camera, atMs, id: id === undefined ? randomBytes(16).toString('hex') : noticeNumberOf(id), alarm: to.some((name) => this.#getsPictures(name)) ? id : undefined }, to);
  }

  #toldOf(kind: NoticeMessageKind): string[] {
    return this.#o.destinations().filter((destination) => isToldOf(destination, kind)).map(({ name }) => name);
  }

  /** A camera that had no number before is a new one. */
  async #numberCameras(): Promise<void> {
    const { cameras, vault, notices } = this.#o;
    if (!this.#loaded) return;
    const next = numberCameras(this.#numbers, cameras().map(({ id }) => id));
    const fresh = Object.keys(next).filter((id) => !Object.hasOwn(this.#numbers, id));
    if (fresh.length === 0 && this.#counted) return;
    await vault.putSetting(numbersName, next);
    this.#numbers = next;
    if (this.#counted) for (const id of fresh) notices.tell('new camera', '', id);
    this.#counted = true;
  }

  /** Also where an owner said yes to it: whoever else is an owner hears of it. Those of the first start are none. */
  async #lookForNew(): Promise<void> {
    const { everyDestination, notices, vault } = this.#o;
    if (!this.#loaded) return;
    const names = everyDestination();
    const known = this.#known;
    if (known?.length === names.length && names.every((name) => known.includes(name))) return;
    await vault.putSetting(destinationsName, names);
    this.#known = names;
    for (const name of names) if (known !== undefined && !known.includes(name)) notices.tell('new destination', name);
  }

  /** What stood before the start, and has not been raised again. */
  #settleOld(): void {
    if (!this.#loaded || this.#o.clock.monotonicMs() < this.#settleByMs) return;
    this.#settleByMs = Infinity;
    for (const { kind, camera } of this.#state.open) if (!this.#raised.has(`${kind}\n${camera ?? ''}`)) this.#state = finish(this.#state, kind, camera, this.#now, this.#toldOf(kind));
  }

  #tellFailing(): void {
    const { outbox, notices, everyDestination } = this.#o;
    const names = everyDestination();
    for (const name of this.#failing.keys()) if (!names.includes(name)) this.#failing.delete(name);
    const late = [...outbox.orders.values()].filter((order) => (order.order === 'delete' || order.order === 'state' || order.order === 'heard') && this.#now - order.made_ms > lateMs).map(({ to }) => to);
    const failing = [...new Set([...this.#failing.keys(), ...late])].toSorted();
    if (failing.length > 0) notices.raise('destination failing', failing.map((name) => `${name}: ${this.#failing.get(name) ?? 'nothing is taken for hours'}`).join('; '));
    else notices.settle('destination failing');
  }

  /** Answers when to come again for what waits still. */
  async #place(): Promise<number> {
    let againMs = minuteMs;
    for (const notice of this.#state.waiting) {
      for (const to of notice.to) {
        try {
          const waitMs = this.#pictureWaitMs(notice, to);
          if (waitMs > 0) {
            againMs = Math.min(againMs, waitMs);
            continue;
          }
          await this.#o.outbox.notice(to, { kind: notice.kind, camera: this.#aliasOf(notice), atMs: notice.at_ms, id: notice.id, ...(notice.over === undefined ? {} : { over: notice.over }) }, await this.#pictureFor(notice, to));
          this.#state = placed(this.#state, notice, to);
        } catch (error) {
          this.#o.log.warn({ component: 'notify', destination: to, code: asSallyportError(error).code }, asSallyportError(error).message);
          return retryMs;
        }
      }
    }
    return againMs;
  }

  /** For how long its picture is waited for still; whoever is told without one is told at once. */
  #pictureWaitMs({ alarm, at_ms: atMs }: WaitingNotice, to: string): number {
    if (alarm === undefined || this.#pictured.has(alarm) || !this.#getsPictures(to)) return 0;
    const rangMs = this.#rangMs.get(alarm);
    const waitedMs = rangMs === undefined ? this.#now - atMs : this.#o.clock.monotonicMs() - rangMs;
    return waitedMs < 0 ? 0 : Math.max(0, pictureWaitMs - waitedMs);
  }

  /** The small one as it lies at home; undefined where there is none that may leave, for the notice matters more. */
  async #pictureFor({ alarm }: WaitingNotice, to: string): Promise<NoticePicture | undefined> {
    if (alarm === undefined || !this.#getsPictures(to)) return undefined;
    try {
      const { sealed: bytes, period } = await this.#o.vault.alarmPicture(alarm, 'thumb');
      const sealed = Sealed.recognise(bytes, 'a picture');
      return sealed.sizeHidden && bytes.length <= noticePictureBytesMax ? { sealed, recipients: [period.recipient] } : undefined;
    } catch (error) {
      this.#o.log.debug({ component: 'notify', code: asSallyportError(error).code }, 'a notice goes without a picture');
      return undefined;
    }
  }

  #getsPictures(to: string): boolean {
    return this.#o.destinations().some(({ name, picture }) => name === to && picture === true);
  }

  #aliasOf({ camera }: WaitingNotice): string | undefined {
    return camera === undefined ? undefined : aliasOf(this.#o.cameras().find(({ id }) => id === camera) ?? { id: camera }, this.#numbers);
  }

  async #store(): Promise<void> {
    const text = JSON.stringify(this.#state);
    if (text === this.#stored) return;
    await this.#o.vault.putSetting(settingName, this.#state as unknown as CanonicalValue);
    this.#stored = text;
  }

  #drop(count: number): void {
    this.#dropped += count;
    if (this.#dropped === 1) this.#o.log.error({ component: 'notify' }, 'more notices wait than can be remembered; the oldest are dropped, and counted');
  }

  get #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}

function dropOldest(of: Set<string> | Map<string, number>): void {
  if (of.size > picturedMax) for (const oldest of of.keys()) { of.delete(oldest); break; }
}

/** Says nothing outside; whoever has the alarm can make it again. */
export function noticeNumberOf(alarm: string): string {
  return createHash('sha256').update(`sallyport notice of ${alarm}`).digest('hex').slice(0, 32);
}

/** Of a store, that something is not there says nothing about it. */
function isFailing(order: Order['order'], code: ErrorCode): boolean {
  return code.startsWith('SP_FAR_') && code !== 'SP_FAR_FEATURE' && !(code === 'SP_FAR_MISSING' && (order === 'get' || order === 'delete'));
}
