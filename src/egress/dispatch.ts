/** Looks into `out/`, hands each order to its destination, answers what can go nowhere, and forgets what the hub has settled. */
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { secondMs } from '../base/units.ts';
import type { BackWriter } from '../outbox/back.ts';
import type { Found, OutReader } from '../outbox/out.ts';
import type { Journal } from './journal.ts';
import { answerTo, failed, type Destined } from './sender.ts';

export interface DispatchOptions {
  readonly out: OutReader;
  readonly back: BackWriter;
  readonly journal: Journal;
  readonly destinations: ReadonlyMap<string, Destined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The hub places orders as soon as an owner has said yes, and tells this process where things may go in the same moment: it looks for that every other second, and begins anew. */
const undeclaredMs = 3 * secondMs;
/** The folder is watched; this is for what a watch may miss, and for machines that have no watch left. */
const lookMs = secondMs;

export class Dispatch {
  readonly #o: DispatchOptions;
  readonly #loop: Loop;
  #watch: { close(): void } | undefined;
  #odd = 0;
  /** Orders for what is no destination here, and since when they are known, by the monotonic clock. */
  #undeclared = new Map<string, number>();

  constructor(o: DispatchOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  /** Names in `out/` that are no orders. */
  get odd(): number {
    return this.#odd;
  }

  start(): void {
    this.#watch = this.#o.out.watch(() => this.#loop.nudge());
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#loop.close();
  }

  async #turn(): Promise<number> {
    const { log } = this.#o;
    try {
      await this.#look();
    } catch (error) {
      log.error({ component: 'courier', error: asSallyportError(error).message }, 'the outbox cannot be read');
    }
    return lookMs;
  }

  async #look(): Promise<void> {
    const { out, back, journal, destinations, clock, log } = this.#o;
    const found = await out.scan();
    const names = new Set(found.map(({ name }) => name));
    for (const name of [...back.answered, ...journal.names]) {
      if (names.has(name)) continue;
      await back.forget(name);
      await journal.forget(name);
    }
    if (out.odd !== this.#odd) log.warn({ component: 'courier', odd: out.odd }, 'there are files in the outbox that are no orders; they are left alone');
    this.#odd = out.odd;
    const open = found.filter(({ name, refused }) => !back.has(name) && refused?.code !== 'SP_READ');
    const nowMs = clock.monotonicMs();
    const before = this.#undeclared;
    this.#undeclared = new Map();
    for (const one of open) {
      const known = one.order !== undefined && one.refused === undefined;
      if (known && destinations.has(one.order.to)) continue;
      const sinceMs = before.get(one.name) ?? nowMs;
      if (known && one.order.order !== 'withdraw' && nowMs - sinceMs < undeclaredMs) this.#undeclared.set(one.name, sinceMs);
      else await this.#refuse(one);
    }
    for (const [name, destined] of destinations) destined.take(open.filter(({ order, refused }) => refused === undefined && order?.to === name));
  }

  async #refuse({ name, order, refused }: Found): Promise<void> {
    const { back, journal, clock, log } = this.#o;
    const error = refused ?? new SallyportError('SP_FAR_UNDECLARED', { destination: order?.to ?? 'unknown' });
    log.warn({ component: 'courier', code: error.code }, error.message);
    const withdrawn = refused === undefined && order?.order === 'withdraw';
    await back.answer({ ...answerTo(name, { to: order?.to ?? 'unknown', order: order?.order ?? 'probe' }, withdrawn ? { outcome: 'withdrawn' } : failed(error), journal.of(name), clock), ...(order === undefined ? { order: 'unknown' as const } : {}) });
  }
}
