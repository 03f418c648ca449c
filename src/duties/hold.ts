/**
 * Holds at the owner's wish: footage of a time is kept longer than its hour. Keeping longer lowers privacy, so the owner signs it; the
 * second headers are made by the owner's device, for the hub has no file key of old footage. (While it has one, the hub makes a hold by
 * itself: `Vault.hold`.)
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { dayMs, formatBytes, minuteMs, plural } from '../base/units.ts';
import { dueMs, holdDeadlineMs } from '../policy/retention.ts';
import { hourOf } from '../vault/footagepaths.ts';
import { newOrderId, labelMax, type HoldFacts, type Period, type SegmentRow, type Vault } from '../vault/vault.ts';
import { HeaderOrders, wayOf, type HeaderPlan, type HeaderWanted } from './headers.ts';
import { recipientsOf, type Owner } from './owner.ts';
import type { Timekeeper } from './timekeeper.ts';
import { takeWish, type HoldWish, type Signed } from './wishes.ts';

export interface HoldOptions {
  readonly vault: Vault;
  readonly site: { readonly owner: Owner; readonly config: { readonly cameras: readonly { readonly id: string; readonly space: string }[] } };
  readonly orders: HeaderOrders;
  readonly timekeeper: Pick<Timekeeper, 'verdict'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Deadlines changed. */
  readonly onChange: () => void;
}

/** So much at a time; more is asked for by the day. */
const segmentsMax = 10_000;
const untilMsMax = 10 * 366 * dayMs;

export type HeldOrder = HoldFacts & { readonly untilMs: UnixMs };

export class HoldDuty {
  readonly #o: HoldOptions;
  readonly #loop: Loop;
  /** Of the last look: what came to no use and still has not is given up. */
  #unfinished: ReadonlySet<number> = new Set();
  readonly #asked = new Map<string, HoldWish>();

  constructor(o: HoldOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Makes the periods, and says which second headers they want. SP_NO_OWNER, SP_BAD_SIGNATURE, SP_HOLD, SP_NO_SLOT. */
  async begin(signed: Signed): Promise<HeaderPlan & { order: string; sentences: string[] }> {
    const { vault, site, orders } = this.#o;
    const wish = await takeWish(vault, site.owner.list, signed, 'hold');
    const rows = await this.#rowsFor(wish);
    const order = newOrderId();
    orders.begin(order);
    await vault.audit({ what: 'hold.asked', who: 'owner', camera: wish.camera, detail: { order, document: signed.document, signature: signed.signature } });
    const targets = await this.#periodsFor(order, wish, rows);
    const wanted = rows.map((row): HeaderWanted => ({ stream: row.stream, seq: row.seq, path: row.path, ...wayOf(row), target: targets.findIndex(({ period: { startMs }, sources }) => sources.has(row.periodId) && (row.periodClass !== 'alarm' || startMs === hourOf(row.path).startMs)) }));
    const plan = orders.want(order, targets.map(({ period }) => period), wanted.filter(({ target }) => target >= 0));
    this.#asked.set(order, wish);
    return { ...plan, order, sentences: [`${wish.camera}: ${plural(rows.length, 'segment')} (${formatBytes(sumOf(rows))}) to be kept until ${iso(wish.untilMs)}`] };
  }

  /** All that came is kept; its lists are written. Says what did not come. */
  async finish(order: string): Promise<string[]> {
    const { vault, orders, clock, onChange } = this.#o;
    const lacking = (await orders.lacking(order)).length;
    const wish = this.#asked.get(order);
    orders.end(order);
    this.#asked.delete(order);
    await vault.finishPeriods(clock.wallMs());
    onChange();
    const held = (await this.list()).find((one) => one.order === order);
    return [
      held === undefined || held.segments === 0 ? 'nothing is held' : `hold ${order}: ${plural(held.segments, 'segment')} (${formatBytes(held.bytes)}) are kept until ${iso(wish?.untilMs ?? held.untilMs)}`,
      ...(lacking === 0 ? [] : [`${plural(lacking, 'segment')} did not open, or were purged meanwhile, and are not held`]),
    ];
  }

  /** What is held, the first to end first. */
  async list(): Promise<HeldOrder[]> {
    const { vault, clock, timekeeper } = this.#o;
    const view = timekeeper.verdict ?? { stepsBack: [] };
    return (await vault.holdOrders()).map((order) => ({ ...order, untilMs: Math.round(dueMs(order, clock.wallMs(), view)) }));
  }

  /** Ends a hold before its time: what only it kept is gone. SP_NO_OWNER, SP_BAD_SIGNATURE, SP_HOLD when there is none. */
  async release(signed: Signed): Promise<string[]> {
    const { vault, site, onChange } = this.#o;
    const { order } = await takeWish(vault, site.owner.list, signed, 'release');
    const held = (await vault.holdOrders()).filter((one) => one.order === order);
    if (held.length === 0) throw new SallyportError('SP_HOLD', { reason: `there is no hold ${order}` });
    await vault.audit({ what: 'hold.released', who: 'owner', detail: { order, document: signed.document, signature: signed.signature } });
    const receipt = await vault.purge(held.flatMap(({ periods }) => periods.map((id) => ({ id }))), { early: `the owner released the hold ${order}` });
    onChange();
    const count = held.reduce((sum, { segments }) => sum + segments, 0);
    return [`hold ${order} is released: ${plural(receipt.segments, 'segment')} (${formatBytes(receipt.bytes)}) destroyed, ${count - receipt.segments} are kept by their own hour or by another hold; receipt ${receipt.number}`];
  }

  async #rowsFor({ camera, fromMs, toMs, untilMs }: HoldWish): Promise<SegmentRow[]> {
    const { vault, clock } = this.#o;
    const refuse = (reason: string): never => {
      throw new SallyportError('SP_HOLD', { reason });
    };
    const nowMs = clock.wallMs();
    if (untilMs <= nowMs) refuse('it would end before now');
    if (untilMs > nowMs + untilMsMax) refuse('it would last longer than ten years');
    const rows = (await vault.segments({ camera, fromMs, toMs, limit: segmentsMax + 1 })).filter(({ state }) => state !== 'missing');
    if (rows.length === 0) refuse(`nothing is recorded of ${camera} from ${iso(fromMs)} to ${iso(toMs)}`);
    if (rows.length > segmentsMax) refuse(`these are more than ${segmentsMax} segments; ask for a shorter time`);
    return rows;
  }

  /** One for each period that rows are of, whoever keeps them now. */
  async #periodsFor(order: string, wish: HoldWish, rows: readonly SegmentRow[]): Promise<Target[]> {
    const { vault, site, clock, timekeeper } = this.#o;
    const list = site.owner.list;
    const space = site.config.cameras.find(({ id }) => id === wish.camera)?.space ?? list?.spaces[0]?.name ?? '';
    const recipients = recipientsOf(site.owner, space);
    const own = new Map((await vault.livePeriods()).map((period) => [period.id, period]));
    const targets = new Map<UnixMs, Target>();
    for (const { periodId, path } of rows) {
      const period = own.get(periodId);
      if (period === undefined) continue;
      const of = period.class === 'alarm' ? hourOf(path) : period;
      const known = targets.get(of.startMs);
      if (known !== undefined) {
        known.sources.add(periodId);
        continue;
      }
      const deadlineMs = Math.round(holdDeadlineMs(wish.untilMs, of, clock.wallMs(), timekeeper.verdict ?? { stepsBack: [] }));
      const target = await vault.preparePeriod({ camera: wish.camera, class: 'hold', startMs: of.startMs, endMs: of.endMs, deadlineMs, recipients, hold: { order, maker: 'device', label: wish.label.slice(0, labelMax) } });
      targets.set(of.startMs, { period: target, sources: new Set([periodId]) });
    }
    return [...targets.values()];
  }

  /** Periods that were begun and came to no use: of a device that went away, or that a kill interrupted. */
  async #turn(): Promise<number> {
    const { vault, orders, log } = this.#o;
    try {
      // Second headers that the disk did not let the start settle have no rows yet.
      if (vault.recovery.unsettled > 0) return minuteMs;
      const unfinished = new Set((await vault.unfinishedHolds()).filter((id) => !orders.periodsInUse.has(id)));
      const given = [...unfinished].filter((id) => this.#unfinished.has(id));
      this.#unfinished = unfinished;
      if (given.length > 0) await vault.purge(given.map((id) => ({ id })), { early: 'second headers that were to be made did not come' });
    } catch (error) {
      log.error({ component: 'hold', code: asSallyportError(error).code }, asSallyportError(error).message);
    }
    return minuteMs;
  }
}

interface Target {
  readonly period: Period;
  /** Periods that its segments are of now. */
  readonly sources: Set<number>;
}

function sumOf(rows: readonly SegmentRow[]): number {
  return rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function iso(ms: UnixMs): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
