/**
 * All that goes to one store: orders in their turn, a few at once, at the hours and the pace that were set, again and again with growing pauses while
 * it cannot be reached, until each has its answer in `back/`. Small things (erasures, visitors' questions) go before footage.
 */
import type { Clock } from '../base/clock.ts';
import { asSallyportError, SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs } from '../base/units.ts';
import type { BackWriter } from '../outbox/back.ts';
import { plainly, type DestinationState } from '../outbox/courierstatus.ts';
import type { Answer, Order, OrderOf } from '../outbox/orders.ts';
import type { Found, OutReader } from '../outbox/out.ts';
import { mayUpload, nextTry, type DayHours } from '../policy/sending.ts';
import type { Feature, Source, Store } from './destination.ts';
import type { Entry, Journal } from './journal.ts';
import { hashOfAll } from './readback.ts';

export interface SenderParts {
  readonly out: Pick<OutReader, 'open'>;
  readonly back: BackWriter;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Minutes since midnight where the hub is. */
  readonly localMinute: () => number;
}

export interface SenderOptions extends SenderParts {
  readonly store: Store;
  readonly hours: readonly DayHours[];
  /** Orders at once. */
  readonly lanes: number;
}

/** What every answer to an order has. */
export type Outcome = Pick<Answer, 'outcome'> & Partial<Answer>;

/** Where orders for one destination go. */
export interface Destined {
  /** All that is there for it now and has no answer, in its order. */
  take(found: readonly Found[]): void;
  start(): void;
  close(): Promise<void>;
  /** For the status. */
  state(): Omit<DestinationState, 'name'>;
}

/** What came of it last. */
export class Last {
  #okMs: number | undefined;
  #error: DestinationState['last_error'];

  ok(nowMs: number): void {
    this.#okMs = Math.round(nowMs);
    this.#error = undefined;
  }

  failed(error: SallyportError, nowMs: number): void {
    this.#error = { code: error.code, text: plainly(error.message), at_ms: Math.round(nowMs) };
  }

  get state(): Pick<DestinationState, 'last_ok_ms' | 'last_error'> {
    return { ...(this.#okMs === undefined ? {} : { last_ok_ms: this.#okMs }), ...(this.#error === undefined ? {} : { last_error: this.#error }) };
  }
}

export function retryIn(untilMs: number, nowMs: number): Pick<DestinationState, 'retry_ms'> {
  return untilMs > nowMs ? { retry_ms: Math.ceil(untilMs - nowMs) } : {};
}

/** With nothing to do, or out of hours, it is looked again; a new order wakes it at once. */
const idleMs = minuteMs;

export class Sender implements Destined {
  readonly #o: SenderOptions;
  readonly #lanes: readonly Loop[];
  #waiting = new Map<string, Found>();
  readonly #inWork = new Set<string>();
  /** Orders that wait for their next try, by the monotonic clock. */
  readonly #notBeforeMs = new Map<string, number>();
  /** The far end as a whole: when it is asked again, and how often it failed in a row. */
  #downUntilMs = 0;
  #failures = 0;
  readonly #last = new Last();

  constructor(o: SenderOptions) {
    this.#o = o;
    this.#lanes = Array.from({ length: o.lanes }, () => new Loop(o.clock));
  }

  take(found: readonly Found[]): void {
    this.#waiting = new Map(found.map((one) => [one.name, one]));
    for (const name of this.#notBeforeMs.keys()) if (!this.#waiting.has(name)) this.#notBeforeMs.delete(name);
    for (const lane of this.#lanes) lane.nudge();
  }

  start(): void {
    for (const lane of this.#lanes) lane.start(() => this.#turn(lane));
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await this.#o.store.close();
  }

  state(): Omit<DestinationState, 'name'> {
    const { store, clock } = this.#o;
    const off = (['put', 'get', 'delete'] as const).filter((feature) => store.off[feature] !== undefined);
    return { waiting: this.#waiting.size, active: this.#inWork.size, off, notices: false, ...retryIn(this.#downUntilMs, clock.monotonicMs()), ...this.#last.state };
  }

  async #turn(lane: Loop): Promise<number> {
    const nowMs = this.#o.clock.monotonicMs();
    const next = this.#next(nowMs);
    if (typeof next === 'number') return next;
    this.#inWork.add(next.name);
    try {
      await this.#work(next, lane.signal);
    } finally {
      this.#inWork.delete(next.name);
    }
    return 0;
  }

  /** The next order, or for how long there is none. */
  #next(nowMs: number): Found | number {
    const free = [...this.#waiting.values()].filter(({ name }) => !this.#inWork.has(name) && !this.#o.back.has(name));
    const withdrawn = free.find(({ order }) => order?.order === 'withdraw');
    if (withdrawn !== undefined) return withdrawn;
    if (this.#downUntilMs > nowMs) return this.#downUntilMs - nowMs;
    const open = mayUpload(this.#o.hours, this.#o.localMinute());
    const wanted = free.filter(({ order }) => open || order?.order !== 'put');
    const ready = wanted.filter(({ name }) => (this.#notBeforeMs.get(name) ?? 0) <= nowMs);
    const soonest = wanted.map(({ name }) => (this.#notBeforeMs.get(name) ?? 0) - nowMs).filter((ms) => ms > 0);
    return ready.find(({ order }) => order?.order !== 'put') ?? ready[0] ?? Math.min(idleMs, ...soonest);
  }

  async #work({ name, order }: Found, signal: AbortSignal): Promise<void> {
    if (order === undefined) return;
    const { journal, clock, log, store } = this.#o;
    const before = journal.of(name);
    if (order.order === 'withdraw') return this.#answer(name, order, { outcome: 'withdrawn' }, undefined, before);
    const entry: { now: Entry } = { now: { ...before, attempts: before.attempts + 1 } };
    try {
      await journal.write(name, entry.now);
      const [outcome, body] = await this.#do(name, order, entry, signal);
      this.#failures = 0;
      this.#last.ok(clock.wallMs());
      await this.#answer(name, order, outcome, body, entry.now);
      log.info({ component: 'courier', destination: store.name, order: order.order, attempts: entry.now.attempts, sent: entry.now.sent_bytes, proof: outcome.proof }, 'done');
    } catch (thrown) {
      if (signal.aborted) return this.#stopped(name, entry.now);
      const error = asSallyportError(thrown);
      this.#last.failed(error, clock.wallMs());
      entry.now = { ...entry.now, faults: entry.now.faults + (error.kind === 'fault' ? 1 : 0) };
      const waitMs = error.evidence['waitMs'];
      // A broken order, or a disk of our own that fails, is not the far end's doing.
      const ours = error.code === 'SP_OUTBOX_FILE';
      const next = ours ? 'give up' : nextTry(error.kind, Math.max(this.#failures + 1, 1), entry.now.faults, typeof waitMs === 'number' ? waitMs : undefined, this.#o.random);
      log.warn({ component: 'courier', destination: store.name, order: order.order, code: error.code, attempts: entry.now.attempts, againMs: next === 'give up' ? undefined : next.afterMs }, error.message);
      try {
        await journal.write(name, entry.now);
        if (next === 'give up') return await this.#answer(name, order, failed(error), undefined, entry.now);
      } catch {
        // Our own disk: nothing was answered, so it is tried again.
      }
      const untilMs = clock.monotonicMs() + (next === 'give up' ? idleMs : next.afterMs);
      this.#notBeforeMs.set(name, untilMs);
      if (error.code === 'SP_FAR_UNREACHABLE' || error.code === 'SP_FAR_BUSY' || error.code === 'SP_FAR_FULL') {
        this.#failures++;
        this.#downUntilMs = Math.max(this.#downUntilMs, untilMs);
      }
    }
  }

  /** What goes on at the next start is written down, if that is possible. */
  async #stopped(name: string, entry: Entry): Promise<void> {
    await this.#o.journal.write(name, entry).catch(() => {});
  }

  async #do(name: string, order: Exclude<Order, OrderOf<'withdraw'>>, entry: { now: Entry }, signal: AbortSignal): Promise<[Outcome, Buffer | undefined]> {
    const { store } = this.#o;
    switch (order.order) {
      case 'put': return [await this.#put(name, order, entry, signal), undefined];
      case 'delete':
        this.#mayDo('delete');
        await store.delete(order.object, signal, order.size === undefined ? undefined : { bytes: order.size, sha256: order.sha256 });
        return [{ outcome: 'done' }, undefined];
      case 'get':
        this.#mayDo('get');
        return [{ outcome: 'done' }, await store.get(order.object, order.from, order.length, signal, order.or_less)];
      case 'list': {
        this.#mayDo('get');
        const { objects, more, foreign } = await store.list(order.after, signal);
        return [{ outcome: 'done', more, foreign }, Buffer.from(objects.map(([object, bytes]) => `${object} ${bytes}\n`).join(''))];
      }
      case 'probe': {
        const may = (['put', 'get', 'delete'] as const).filter((feature) => store.off[feature] === undefined);
        const { keepsVersions, overwrites } = may.includes('put') ? await store.probe(signal) : { keepsVersions: 'unknown' as const, overwrites: 'unknown' as const };
        return [{ outcome: 'done', may, keeps_versions: keepsVersions, overwrites }, undefined];
      }
      case 'notice':
      case 'state':
      case 'heard': throw new SallyportError('SP_FAR_FEATURE', { destination: store.name, feature: 'notify', reason: 'it is a store' });
    }
  }

  async #put(name: string, order: OrderOf<'put'>, entry: { now: Entry }, signal: AbortSignal): Promise<Outcome> {
    this.#mayDo('put');
    const box = await this.#o.out.open(name);
    try {
      // Withdrawn since it was found: the next look sees it.
      if (box.head.order !== 'put') throw new SallyportError('SP_FAR_BUSY', { destination: this.#o.store.name, reason: 'the order has changed' });
      const source: Source = { bytes: order.size, sha256: order.sha256, read: (from, length, into) => box.read(from, length, into) };
      if (await hashOfAll(source, 'sha256') !== order.sha256) throw new SallyportError('SP_OUTBOX_FILE', { file: name, reason: 'its body is not what its head says' });
      const { resume } = entry.now;
      let versioned = false;
      const proof = await this.#o.store.put({
        object: order.object, source, replace: order.replace, again: entry.now.attempts > 1, resume,
        sent: (bytes) => { entry.now = { ...entry.now, sent_bytes: entry.now.sent_bytes + bytes }; },
        versioned: () => { versioned = true; },
        note: async (text) => {
          entry.now = { ...entry.now, resume: text };
          await this.#o.journal.write(name, entry.now);
        },
      }, signal);
      return { outcome: 'done', proof, ...(versioned ? { keeps_versions: 'yes' as const } : {}) };
    } finally {
      await box.close();
    }
  }

  #mayDo(feature: Feature): void {
    const reason = this.#o.store.off[feature];
    if (reason !== undefined) throw new SallyportError('SP_FAR_FEATURE', { destination: this.#o.store.name, feature, reason });
  }

  async #answer(name: string, order: Order, outcome: Outcome, body: Buffer | undefined, entry: Entry): Promise<void> {
    await this.#o.back.answer(answerTo(name, order, outcome, entry, this.#o.clock), body);
    this.#waiting.delete(name);
    this.#notBeforeMs.delete(name);
  }
}

export function answerTo(name: string, order: Pick<Order, 'to' | 'order'>, outcome: Outcome, entry: Entry, clock: Clock): Omit<Answer, 'v' | 'size' | 'sha256'> {
  return { name, to: order.to, order: order.order, at_ms: Math.round(clock.wallMs()), attempts: entry.attempts, sent_bytes: entry.sent_bytes, ...outcome };
}

/** The reason is a stranger's word in part, so it is cut to plain letters. */
export function failed(error: SallyportError): Outcome {
  return { outcome: 'failed', code: error.code, reason: plainly(error.message) };
}

