/**
 * Second headers by the owner's device: the hub says which segments need one and for which periods, the device, which has the kit, opens
 * what it may and makes them, and hands them over in parts. What a device is at work on lives in memory here: after a restart, or when it
 * is not heard of for a while, it begins anew.
 */
import type { Clock } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { minuteMs } from '../base/units.ts';
import type { Archive } from '../vault/archive.ts';
import { isHoldClass } from '../vault/periodtable.ts';
import type { Period, SecondHeader, Vault } from '../vault/vault.ts';

/** A period that second headers are sealed to. */
export interface HeaderTarget {
  readonly slot: number;
  readonly generation: number;
  readonly recipient: string;
}

/** A segment that needs one. */
export interface HeaderWanted {
  readonly stream: 'main' | 'sub';
  readonly seq: number;
  readonly path: string;
  /** Of a period whose key opens it now; `held`: by the second header of that slot. */
  readonly slot: number;
  readonly generation: number;
  readonly held: boolean;
  /** Which of the targets. */
  readonly target: number;
}

export interface HeaderPlan {
  readonly targets: readonly HeaderTarget[];
  readonly wanted: readonly HeaderWanted[];
}

export interface MadeHeader {
  readonly target: number;
  readonly stream: 'main' | 'sub';
  readonly seq: number;
  readonly header: Buffer;
}

/** A device that was not heard of for so long has gone. */
const silentMsMax = 10 * minuteMs;
const ordersMax = 8;

/** On the device. What does not open comes as its problem. */
export async function* makeHeaders(archive: Archive, plan: HeaderPlan): AsyncGenerator<MadeHeader | { readonly problem: SallyportError }> {
  for (const { stream, seq, path, slot, held, target } of plan.wanted) {
    const to = plan.targets[target];
    if (to === undefined) continue;
    try {
      yield { target, stream, seq, header: await archive.secondHeader({ path, slot, ...(held ? { heldBy: [slot] } : {}) }, to) };
    } catch (error) {
      yield { problem: asSallyportError(error) };
    }
  }
}

interface Order {
  readonly targets: Period[];
  readonly wanted: Map<string, HeaderWanted>;
  heardMs: number;
}

/** What devices are at work on, by the number of the order. */
export class HeaderOrders {
  readonly #vault: Pick<Vault, 'addHolds' | 'heldSegments'>;
  readonly #clock: Clock;
  readonly #orders = new Map<string, Order>();

  constructor(vault: Pick<Vault, 'addHolds' | 'heldSegments'>, clock: Clock) {
    this.#vault = vault;
    this.#clock = clock;
  }

  /** SP_CONTROL when too many are under way. */
  begin(id: string): void {
    this.#forget();
    if (this.#orders.size >= ordersMax) throw new SallyportError('SP_CONTROL', { route: 'this', reason: `${ordersMax} others are at it just now` });
    this.#orders.set(id, { targets: [], wanted: new Map(), heardMs: this.#clock.monotonicMs() });
  }

  has(id: string): boolean {
    this.#forget();
    return this.#orders.has(id);
  }

  /** Adds to the plan of an order. */
  want(id: string, targets: readonly Period[], wanted: readonly HeaderWanted[]): HeaderPlan {
    const order = this.#of(id);
    order.targets.splice(0, order.targets.length, ...targets);
    order.wanted.clear();
    for (const one of wanted) order.wanted.set(keyOf(one), one);
    return { targets: targets.map(({ slot, generation, recipient }) => ({ slot, generation, recipient })), wanted };
  }

  /** Answers how many were taken. Only what was asked for is. SP_AGE_HEADER, SP_WRITE, SP_DATABASE, SP_USAGE. */
  async take(id: string, headers: readonly MadeHeader[]): Promise<number> {
    const order = this.#of(id);
    let taken = 0;
    for (const [target, made] of Map.groupBy(headers.filter((one) => order.wanted.has(keyOf(one))), (one) => one.target)) {
      const period = order.targets[target];
      if (period === undefined) continue;
      taken += await this.#vault.addHolds(period, made.map(({ stream, seq, header }): SecondHeader => ({ stream, seq, header })));
    }
    return taken;
  }

  /** What was asked for and is not there: by what the vault has, not by what was said. */
  async lacking(id: string): Promise<HeaderWanted[]> {
    const { targets, wanted } = this.#of(id);
    const there = new Set<string>();
    for (const [target, period] of targets.entries()) {
      for (const { stream, seq } of await this.#vault.heldSegments(period.id)) there.add(keyOf({ target, stream, seq }));
    }
    return [...wanted].filter(([key]) => !there.has(key)).map(([, one]) => one);
  }

  /** Periods that an order of these uses. */
  get periodsInUse(): ReadonlySet<number> {
    return new Set([...this.#orders.values()].flatMap(({ targets }) => targets.map(({ id }) => id)));
  }

  end(id: string): void {
    this.#orders.delete(id);
  }

  #of(id: string): Order {
    this.#forget();
    const order = this.#orders.get(id);
    if (order === undefined) throw new SallyportError('SP_USAGE', { command: 'hold', reason: `nothing is under way under ${id}: it took too long, or the hub was restarted` });
    order.heardMs = this.#clock.monotonicMs();
    return order;
  }

  #forget(): void {
    for (const [id, { heardMs }] of this.#orders) if (this.#clock.monotonicMs() - heardMs > silentMsMax) this.#orders.delete(id);
  }
}

/** The way into a segment that its row's period has. */
export function wayOf({ slot, generation, periodClass }: { slot: number; generation: number; periodClass: Period['class'] }): Pick<HeaderWanted, 'slot' | 'generation' | 'held'> {
  return { slot, generation, held: isHoldClass(periodClass) };
}

function keyOf({ target, stream, seq }: { target: number; stream: string; seq: number }): string {
  return `${target} ${stream} ${seq}`;
}
