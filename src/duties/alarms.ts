/**
 * What the hub keeps because a rule says so: observations of cameras and of the hub itself come in with equal rank, `policy/alarmrules.ts`
 * decides, and what it keeps becomes a row with pictures and with the footage around it, both sealed for as long as the rule says.
 *
 * Everything here costs the alarm at most, never footage: what the disk does not take now is tried again as long as that may help, then
 * counted and said. The hub can hold a segment only while it has its file key, so an alarm that is decided too late keeps none, and says so.
 */
import type { CanonicalValue } from '../base/canonical.ts';
import type { UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import { alarmKeysMsMax, endObservation, endVisits, judge, nextEndMs, noVisits, visit, type AlarmRule, type RuleFacts, type Visit, type VisitEvent, type Visits } from '../policy/alarmrules.ts';
import { segmentMsMax } from '../policy/cutting.ts';
import type { Change } from '../policy/observations.ts';
import type { HubConfig } from '../policy/settings.ts';
import type { Vault } from '../vault/vault.ts';
import { AlarmInHand, type Closed, type InHandOptions, type Observed } from './alarminhand.ts';
import type { SealedSegment } from './record.ts';
import type { CameraPlan } from './recordplan.ts';

export type { Observed } from './alarminhand.ts';

export interface AlarmsOptions extends Omit<InHandOptions, 'config' | 'vault'> {
  readonly vault: InHandOptions['vault'] & Pick<Vault, 'alarm' | 'setting' | 'putSetting'>;
  readonly config: () => Pick<HubConfig, 'alarms' | 'zones' | 'place' | 'cameras'>;
  /** Undefined where there is no such camera (any more). */
  readonly plan: (camera: string) => CameraPlan | undefined;
}

export interface AlarmsState {
  readonly open: number;
  /** Since the start, by rule. */
  readonly begun: Readonly<Record<string, number>>;
  /** Visits beyond the limits: recorded, and no alarm. */
  readonly suppressed: Readonly<Record<string, number>>;
  /** That could not be kept, or had no pictures, or of which a segment was not held. */
  readonly failed: number;
  readonly withoutPictures: number;
  readonly notHeld: number;
  readonly lastMs: UnixMs | undefined;
}

const settingName = 'alarms open';
const retryMs = 5 * secondMs;
/** No alarm asks for segments that were closed earlier. */
const rememberMs = alarmKeysMsMax + minuteMs;
/** Segments that are remembered, of all cameras. */
const closedMax = 4_000;
/** When no segment that an alarm wants can come any more. */
const settleMs = segmentMsMax + 30 * secondMs;

export class AlarmsDuty {
  readonly #o: AlarmsOptions;
  readonly #loop: Loop;
  #visits: Visits = noVisits;
  readonly #inHand = new Set<AlarmInHand>();
  #closed: Closed[] = [];
  readonly #begun = new Map<string, number>();
  readonly #suppressed = new Map<string, number>();
  #failed = 0;
  readonly #counts = { withoutPictures: 0, notHeld: 0 };
  #lastMs: UnixMs | undefined;
  readonly #working = new Set<Promise<void>>();
  #remembering: Promise<void> = Promise.resolve();
  #settled = false;
  /** The setting names some, or may. */
  #namesOpen = false;

  constructor(o: AlarmsOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  /** Ends what is open, and waits for what is under way: the last segments are held by then. */
  async close(): Promise<void> {
    await this.#loop.close();
    const nowMs = this.#now;
    for (const one of this.#inHand) if (one.toMs === undefined) await one.end(nowMs);
    while (this.#working.size > 0) await Promise.all(this.#working);
    for (const one of this.#inHand) await this.#settle(one);
    this.#remember();
    await this.#remembering;
  }

  get state(): AlarmsState {
    return {
      open: [...this.#inHand].filter(({ toMs }) => toMs === undefined).length, begun: Object.fromEntries(this.#begun), suppressed: Object.fromEntries(this.#suppressed),
      failed: this.#failed, ...this.#counts, lastMs: this.#lastMs,
    };
  }

  /** A camera's own events. */
  changed(camera: string, changes: readonly Change[]): void {
    for (const { kind, source, fromMs, toMs } of changes) {
      const name = `camera ${kind} ${source} ${fromMs}`;
      const began = toMs === undefined || toMs === fromMs;
      if (began) this.observe({ camera, kind, by: 'camera', atMs: fromMs, name, lasts: toMs === undefined });
      if (toMs !== undefined) this.ended(camera, name, toMs);
    }
  }

  /** Somebody was observed, or is still: the same name may come again, with another place. */
  observe(seen: Observed): void {
    this.#guard(seen.camera, () => this.#observe(seen));
  }

  #observe(seen: Observed): void {
    const { alarms } = this.#o.config();
    const facts = this.#factsOf(seen.camera);
    if (facts === undefined) return;
    for (const rule of alarms) {
      if (judge(rule, seen, facts) !== 'rings') continue;
      const { visits, events } = visit(this.#visits, rule, seen, { name: seen.name, lasts: seen.lasts });
      this.#visits = visits;
      for (const event of events) this.#take(event, rule, seen);
    }
    for (const one of this.#inHand) if (one.camera === seen.camera && one.toMs === undefined && one.names.has(seen.name)) one.learn(seen);
  }

  /** What was observed is over. */
  ended(camera: string, name: string, atMs: UnixMs): void {
    this.#guard(camera, () => {
      const before = this.#visits;
      this.#visits = endObservation(before, camera, name, atMs);
      for (const [key, one] of this.#visits.open) if (one !== before.open.get(key)) this.#plan(one);
      for (const one of this.#inHand) if (one.camera === camera && one.names.has(name)) this.#track(one.improve());
      this.#loop.nudge();
    });
  }

  /** A segment is durable: whatever alarm it belongs to keeps it. */
  sealed(camera: string, segment: SealedSegment): void {
    this.#guard(camera, () => {
      const closed: Closed = { ...segment, camera, closedMs: this.#now };
      this.#closed = [...this.#closed.filter(({ closedMs }) => closed.closedMs - closedMs < rememberMs), closed].slice(-closedMax);
      for (const one of this.#inHand) if (one.camera === camera) one.want([closed]);
    });
  }

  /** Recorders and observers call in the midst of their work: what goes wrong here is never theirs. */
  #guard(camera: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed++;
      this.#o.log.error({ component: 'alarms', camera, code: asSallyportError(error).code }, asSallyportError(error).message);
    }
  }

  #take(event: VisitEvent, rule: AlarmRule, seen: Observed): void {
    this.#plan(event.visit);
    this.#loop.nudge();
    if (event.what === 'suppressed') {
      this.#suppressed.set(rule.name, (this.#suppressed.get(rule.name) ?? 0) + 1);
      this.#o.log.debug({ component: 'alarms', camera: seen.camera }, 'a visit beyond the limits is no alarm');
    }
    if (event.what === 'begun') this.#begin(rule, seen, event.visit);
    if (event.what === 'goes on') this.#inHandOf(event.visit)?.names.add(seen.name);
  }

  #inHandOf({ camera, rule, fromMs }: Visit): AlarmInHand | undefined {
    return [...this.#inHand].find((one) => one.camera === camera && one.rule.name === rule && one.fromMs === fromMs);
  }

  /** What its visit wants recorded, however the camera is recorded else. */
  #plan({ rule: name, camera, fromMs, lastMs, lasting, afterMs }: Visit): void {
    const plan = this.#o.plan(camera);
    const rule = this.#o.config().alarms.find((one) => one.name === name);
    if (plan === undefined) return;
    const span = `${name} ${fromMs}`;
    plan.want(span, fromMs - (rule?.beforeMs ?? 0));
    if (lasting.size === 0) plan.leave(span, lastMs + afterMs);
  }

  #begin(rule: AlarmRule, seen: Observed, { fromMs }: Visit): void {
    const { camera } = seen;
    const one: AlarmInHand = new AlarmInHand(this.#o, {
      counts: this.#counts,
      closed: () => this.#closed.filter((segment) => segment.camera === camera),
      noted: () => this.#remember(),
      lost: () => {
        this.#failed++;
        this.#inHand.delete(one);
      },
      nudge: () => this.#loop.nudge(),
      track: (work) => this.#track(work),
    }, { camera, rule, fromMs });
    this.#inHand.add(one);
    this.#begun.set(rule.name, (this.#begun.get(rule.name) ?? 0) + 1);
    this.#lastMs = fromMs;
    this.#o.log.info({ component: 'alarms', camera, kind: seen.kind }, 'an alarm has begun');
    this.#track(one.keep(seen));
  }

  async #turn(): Promise<number> {
    const nowMs = this.#now;
    if (!this.#settled) await this.#settleInterrupted();
    const { visits, events } = endVisits(this.#visits, nowMs);
    this.#visits = visits;
    for (const { what, visit: over } of events) {
      if (what === 'alarm over') {
        const one = this.#inHandOf(over);
        await one?.end(over.lastMs);
      }
      if (what === 'over') this.#plan(over);
    }
    for (const one of this.#inHand) {
      if (one.betterMs !== undefined && nowMs >= one.betterMs) this.#track(one.improve());
      if (one.toMs !== undefined && !one.ended) await one.end(one.toMs);
      if (one.waits) await one.hold();
      const doneMs = one.toMs === undefined ? Infinity : one.toMs + one.rule.afterMs;
      const last = this.#closed.some(({ camera, endMs }) => camera === one.camera && endMs >= doneMs);
      if (one.ended && !one.waits && (nowMs > doneMs + settleMs || (last && nowMs > doneMs + minuteMs))) await this.#settle(one);
    }
    const betters = [...this.#inHand].flatMap(({ betterMs }) => betterMs ?? []);
    const nextMs = Math.min(nextEndMs(this.#visits) ?? Infinity, this.#inHand.size > 0 ? nowMs + retryMs : Infinity, ...betters);
    return Math.min(minuteMs, Math.max(100, nextMs - this.#now));
  }

  /** Nothing more is held for it. */
  async #settle(one: AlarmInHand): Promise<void> {
    this.#inHand.delete(one);
    await one.settle();
  }

  /** Alarms that were open when the hub ended have an end, and say what became of their footage. */
  async #settleInterrupted(): Promise<void> {
    const { vault, log } = this.#o;
    try {
      const before = ((await vault.setting(settingName)) ?? []) as unknown as readonly { readonly id: string; readonly lastMs: UnixMs }[];
      for (const { id, lastMs } of before) {
        const row = await vault.alarm(id);
        if (row === undefined) continue;
        await vault.endAlarm(id, Math.max(row.fromMs, lastMs));
        if (row.segments === 0) await vault.noteAlarmFootage(id, 'the hub ended while it was open, and had no key of its footage after that');
        log.info({ component: 'alarms', camera: row.camera }, 'an alarm that was open when the hub ended has an end now');
      }
      this.#settled = true;
      this.#namesOpen = before.length > 0;
      this.#remember();
    } catch (error) {
      log.debug({ component: 'alarms', code: asSallyportError(error).code }, 'alarms of before are not settled yet');
    }
  }

  /** Which are open, for the next start. None, where none stood there before, is not written again: no start and no end of a hub waits for that. */
  #remember(): void {
    if (!this.#settled) return;
    const open = [...this.#inHand].filter(({ id, ended }) => id !== undefined && !ended).map(({ id, fromMs, toMs }) => ({ id, lastMs: toMs ?? Math.max(fromMs, this.#now) }));
    if (open.length === 0 && !this.#namesOpen) return;
    this.#namesOpen = open.length > 0;
    this.#remembering = this.#remembering.then(() => this.#o.vault.putSetting(settingName, open as unknown as CanonicalValue))
      .catch((error: unknown) => {
        this.#namesOpen = true;
        this.#o.log.debug({ component: 'alarms', code: asSallyportError(error).code }, 'which alarms are open was not written');
      });
  }

  #factsOf(camera: string): RuleFacts | undefined {
    const { cameras, zones, place } = this.#o.config();
    const known = cameras.find(({ id }) => id === camera);
    return known === undefined ? undefined : { space: known.space, detect: known.detect, zones, place };
  }

  #track(work: Promise<void>): void {
    this.#working.add(work);
    void work.finally(() => this.#working.delete(work));
  }

  get #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}
