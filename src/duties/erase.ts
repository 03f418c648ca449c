/**
 * Erasing a time before its deadline. A key opens a whole period, so erasing shreds it; what is to stay of that period gets second headers
 * first, from the owner's device, with the old deadline. Segments go and stay as wholes. So do the pictures of a day's alarms, where one of them is of that time. What is still being recorded is closed first and goes
 * on under another key. Without the owner's kit only whole periods can go, and what is held stays held.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { formatBytes, plural } from '../base/units.ts';
import { isHoldClass } from '../vault/periodtable.ts';
import { newOrderId, type ErasePlan, type Period, type PeriodFacts, type Vault } from '../vault/vault.ts';
import type { HeaderOrders, HeaderPlan, HeaderWanted } from './headers.ts';
import { recipientsOf } from './owner.ts';
import type { HoldOptions } from './hold.ts';
import { takeWish, type EraseWish, type Signed } from './wishes.ts';

export interface EraseOptions {
  readonly vault: Vault;
  readonly site: HoldOptions['site'];
  readonly orders: HeaderOrders;
  readonly clock: Clock;
  readonly onChange: () => void;
}

/** Whole periods, at the wish of whoever runs the hub. */
export type WholeWish = Omit<EraseWish, 'what'>;

interface Order {
  readonly wish: WholeWish;
  /** Whole periods only: nothing of them stays, and what is held goes on. */
  readonly whole: boolean;
  /** Periods that take no more segments because of it. */
  readonly ended: Set<number>;
  plan: ErasePlan | undefined;
}

const stayingMax = 20_000;
const whyMax = 200;

export class EraseDuty {
  readonly #o: EraseOptions;
  readonly #orders = new Map<string, Order>();

  constructor(o: EraseOptions) {
    this.#o = o;
  }

  /** What would go and what would stay, in words; nothing is done. SP_ERASE when there is nothing. */
  async look(wish: WholeWish, whole: boolean): Promise<string[]> {
    const checked = this.#checked(wish);
    return this.#inWords(checked, await this.#planOf(checked, whole), whole);
  }

  /** The owner's signed wish. Answers how many segments are being recorded still, which have to be closed first: ask for the plan until it is there. */
  async begin(signed: Signed): Promise<{ order: string; open: number }> {
    const wish = await takeWish(this.#o.vault, this.#o.site.owner.list, signed, 'erase');
    return this.#begin(wish, 'owner', { document: signed.document, signature: signed.signature });
  }

  /** @param by Where it was asked. */
  async beginWhole(wish: WholeWish, by: 'cli' | 'page' = 'cli'): Promise<{ order: string; open: number }> {
    return this.#begin(wish, by, undefined);
  }

  /** While segments are open, only their number. */
  async plan(id: string): Promise<HeaderPlan & { open: number; sentences: string[] }> {
    const { orders } = this.#o;
    const order = this.#of(id);
    const { wish, whole } = order;
    const plan = await this.#planOf(wish, whole);
    const open = this.#endPeriods(order, plan.periods);
    if (open > 0) return { ...orders.want(id, [], []), open, sentences: [] };
    if (plan.staying.length > stayingMax) throw new SallyportError('SP_ERASE', { reason: `${plan.staying.length} segments of the same periods would have to be sealed anew; erase whole periods instead` });
    order.plan = plan;
    const targets = await this.#targets(plan);
    const wanted = plan.staying.map(({ periodId, stream, seq, path }): HeaderWanted => {
      const target = targets.findIndex(({ from }) => from.id === periodId);
      const from = targets[target]?.from as PeriodFacts;
      return { stream, seq, path, slot: from.slot, generation: from.generation, held: isHoldClass(from.class), target };
    });
    return { ...orders.want(id, targets.map(({ to }) => to), wanted), open, sentences: this.#inWords(wish, plan, whole) };
  }

  /**
   * Shreds. `force`: although segments that were to stay got no second header, because they open for nobody. SP_ERASE when it is not done; then
   * nothing was destroyed.
   */
  async finish(id: string, force: boolean): Promise<string[]> {
    const { vault, orders, clock, onChange } = this.#o;
    const { wish, whole, plan } = this.#of(id);
    if (plan === undefined) throw new SallyportError('SP_ERASE', { reason: 'what is being recorded is not closed yet' });
    const lacking = await orders.lacking(id);
    if (lacking.length > 0 && !force) throw new SallyportError('SP_ERASE', { reason: `${plural(lacking.length, 'segment')} that should stay did not open, the first: ${lacking[0]?.path ?? ''}` });
    const now = await this.#planOf(wish, whole);
    if (now.periods.some((period) => !plan.periods.includes(period))) throw new SallyportError('SP_ERASE', { reason: 'something was recorded or held meanwhile; try again' });
    const receipt = await vault.purge(plan.periods.map((period) => ({ id: period })), { erased: wish.why, time: [plan.erased.fromMs, plan.erased.toMs] });
    this.#end(id);
    const observations = await vault.eraseObservations({ camera: wish.camera, fromMs: plan.erased.fromMs, toMs: plan.erased.toMs });
    await vault.finishPeriods(clock.wallMs());
    await vault.renewCopies('a time was erased');
    onChange();
    return [
      `erased: ${plural(receipt.segments, 'segment')} (${formatBytes(receipt.bytes)}) of ${wish.camera}, ${plural(observations, 'observation')}${plan.alarms.going === 0 ? '' : `, ${plural(plan.alarms.going, 'alarm')}`}; receipt ${receipt.number}${receipt.readBack ? ', the shredded keys were read back' : ''}`,
      ...(lacking.length === 0 ? [] : [`${plural(lacking.length, 'segment')} that opened for nobody went too`]),
    ];
  }

  async #begin(wish: WholeWish, who: 'owner' | 'cli' | 'page', signed: { document: string; signature: string } | undefined): Promise<{ order: string; open: number }> {
    const { vault, orders } = this.#o;
    const whole = who !== 'owner';
    const checked = this.#checked(wish);
    const plan = await this.#planOf(checked, whole);
    const id = newOrderId();
    orders.begin(id);
    for (const known of this.#orders.keys()) if (!orders.has(known)) this.#end(known);
    // Those of now: what takes their place meanwhile holds nothing of that time.
    const order: Order = { wish: checked, whole, ended: new Set(await this.#touched(checked)), plan: undefined };
    this.#orders.set(id, order);
    await vault.audit({
      what: 'erase.asked', who, camera: wish.camera,
      detail: { order: id, from_ms: Math.round(checked.fromMs), to_ms: Math.round(checked.toMs), why: checked.why, whole, ...signed },
    });
    return { order: id, open: this.#endPeriods(order, plan.periods) };
  }

  /** Answers how many segments are open in them. */
  #endPeriods({ ended }: Order, periods: readonly number[]): number {
    for (const id of periods) ended.add(id);
    return this.#o.vault.endPeriods([...ended]);
  }

  /** Not of what is still to come. */
  #checked({ camera, fromMs, toMs, why }: WholeWish): WholeWish {
    const checked = { camera, fromMs, toMs: Math.min(toMs, this.#o.clock.wallMs()), why: why.slice(0, whyMax) };
    if (!(checked.fromMs < checked.toMs)) throw new SallyportError('SP_ERASE', { reason: 'the time ends before it begins' });
    return checked;
  }

  async #planOf(wish: WholeWish, whole: boolean): Promise<ErasePlan> {
    const { vault } = this.#o;
    const plan = whole ? await this.#wholePlan(wish) : await vault.erasePlan(wish);
    if (plan.periods.length === 0 && (await this.#touched(wish)).length === 0) throw new SallyportError('SP_ERASE', { reason: `nothing is recorded of ${wish.camera} from ${iso(wish.fromMs)} to ${iso(wish.toMs)}` });
    return plan;
  }

  async #wholePlan({ camera, fromMs, toMs }: WholeWish): Promise<ErasePlan> {
    const periods = (await this.#o.vault.livePeriods()).filter((period) => (period.class === 'footage' || period.class === 'rest') && period.camera === camera && period.startMs < toMs && period.endMs > fromMs && period.segments > 0);
    const erased = {
      segments: periods.reduce((sum, { segments }) => sum + segments, 0), bytes: periods.reduce((sum, { bytes }) => sum + bytes, 0),
      fromMs: periods.reduce((first, { startMs }) => Math.min(first, startMs), fromMs), toMs: periods.reduce((last, { endMs }) => Math.max(last, endMs), toMs),
    };
    const days = await this.#o.vault.alarmDays({ camera, fromMs: erased.fromMs, toMs: erased.toMs, periodIds: periods.map(({ id }) => id) });
    return { periods: [...periods.map(({ id }) => id), ...days.periods], staying: [], erased, alarms: days.alarms };
  }

  /** Periods of the time itself: one of them may be recorded to. */
  async #touched({ camera, fromMs, toMs }: WholeWish): Promise<number[]> {
    const live = await this.#o.vault.livePeriods();
    return live.filter((period) => period.class === 'footage' && period.camera === camera && period.startMs < toMs && period.endMs > fromMs).map(({ id }) => id);
  }

  /** For each period of which something stays another one, with its deadline: of an hour its rest, of a hold the same hold under another key, of a day of alarms the same day. */
  async #targets(plan: ErasePlan): Promise<{ from: PeriodFacts; to: Period }[]> {
    const { vault, site } = this.#o;
    const staying = new Set([...plan.staying.map(({ periodId }) => periodId), ...plan.alarms.days]);
    const targets: { from: PeriodFacts; to: Period }[] = [];
    for (const from of (await vault.livePeriods()).filter(({ id }) => staying.has(id))) {
      const { camera, startMs, endMs, deadlineMs } = from;
      const space = site.config.cameras.find(({ id }) => id === camera)?.space ?? site.owner.list?.spaces[0]?.name ?? '';
      const known = from.class === 'hold' ? await vault.orderOf(from.id) : undefined;
      const hold = { order: known?.order ?? newOrderId(), maker: from.class === 'alarm' ? 'hub' : 'device', label: known?.label ?? '' } as const;
      targets.push({ from, to: await vault.preparePeriod({ camera, class: from.class === 'hold' || from.class === 'alarm' ? from.class : 'rest', startMs, endMs, deadlineMs, recipients: recipientsOf(site.owner, space), hold }) });
    }
    return targets;
  }

  #inWords({ camera, fromMs, toMs }: WholeWish, { erased, staying, periods, alarms }: ErasePlan, whole: boolean): string[] {
    const more = erased.fromMs < fromMs || erased.toMs > toMs;
    const stay = new Set(staying.map(({ path }) => path)).size;
    return [
      `${camera}: ${plural(erased.segments, 'segment')} (${formatBytes(erased.bytes)}) from ${iso(erased.fromMs)} to ${iso(erased.toMs)} go${more ? `, more than was asked for: ${whole ? 'whole periods' : 'segments'} go as wholes` : ''}`,
      `${plural(periods.length, 'key')} are shredded${whole ? '; what is held stays until its hold ends' : stay === 0 ? '; nothing else is sealed to them' : `; ${plural(stay, 'segment')} sealed to them stay, as long as before`}`,
      ...(alarms.going + alarms.staying === 0 ? [] : [`${plural(alarms.going, 'alarm')} of that time go${alarms.staying === 0 ? '' : `; ${plural(alarms.staying, 'other')} of the same days stay, but lose their pictures${whole ? ' and what is kept for them' : ''}`}`]),
    ];
  }

  #of(id: string): Order {
    const order = this.#o.orders.has(id) ? this.#orders.get(id) : undefined;
    if (order === undefined) throw new SallyportError('SP_ERASE', { reason: `nothing is under way under ${id}: it took too long, or the hub was restarted` });
    return order;
  }

  /** What was to be shredded and was not is recorded to further, where nothing newer is. */
  #end(id: string): void {
    const ended = this.#orders.get(id)?.ended ?? new Set<number>();
    this.#orders.delete(id);
    this.#o.orders.end(id);
    this.#o.vault.resumePeriods([...ended]);
  }
}

function iso(ms: UnixMs): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
