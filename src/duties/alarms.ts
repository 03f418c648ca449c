/**
 * What the hub keeps because a rule says so: observations of cameras and of the hub itself come in with equal rank, `policy/alarmrules.ts`
 * decides, and what it keeps becomes a row with pictures and with the footage around it, both sealed for as long as the rule says.
 *
 * Everything here costs the alarm at most, never footage: what the disk does not take now is tried again as long as that may help, then
 * counted and said. The hub can hold a segment only while it has its file key, so an alarm that is decided too late keeps none, and says so.
 */
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { AlarmPictures } from '../capture/moments.ts';
import { alarmKeysMsMax, alarmMsMax, endObservation, endVisits, holdFor, judge, nextEndMs, noVisits, visit, zonesOf, type AlarmRule, type Best, type Box, type RuleFacts, type Seen, type Visit, type VisitEvent, type Visits } from '../policy/alarmrules.ts';
import { alarmTextOf } from '../policy/alarmtext.ts';
import { segmentMsMax } from '../policy/cutting.ts';
import type { Change } from '../policy/observations.ts';
import type { HubConfig } from '../policy/settings.ts';
import type { FileKeys } from '../seal/filekey.ts';
import type { Vault } from '../vault/vault.ts';
import type { SealedSegment } from './record.ts';
import type { CameraPlan } from './recordplan.ts';

export interface AlarmsOptions {
  readonly vault: Pick<Vault, 'openAlarm' | 'endAlarm' | 'putAlarmPictures' | 'putAlarmText' | 'holdForAlarm' | 'noteAlarmFootage' | 'alarm' | 'setting' | 'putSetting' | 'audit'>;
  readonly fileKeys: Pick<FileKeys, 'lend'>;
  readonly config: () => Pick<HubConfig, 'alarms' | 'zones' | 'place' | 'cameras'>;
  /** Undefined where there is no such camera (any more). */
  readonly plan: (camera: string) => CameraPlan | undefined;
  /** Whom its alarms are sealed for. */
  readonly recipients: (camera: string) => readonly string[];
  /** The pictures of a moment (monotonic), as far as its stream is still in memory; undefined when there are none. Never rejects. */
  readonly pictures: (camera: string, atMs: number, about: Box | undefined) => Promise<AlarmPictures | undefined>;
  /** What stands in an alarm's text for a person: empty when that person counts no more. */
  readonly markOf: (person: string, alarm: string) => string;
  /** A rule rings: for whoever tells it outside; must not throw. Without an `id`, it could not be kept. */
  readonly onRing?: (alarm: { readonly camera: string; readonly kind: Observed['kind']; readonly atMs: UnixMs; readonly id: string | undefined }) => void;
  /** Its first pictures are stored, or there will be none; must not throw. */
  readonly onPictured?: (alarm: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What somebody has observed, or goes on observing. */
export interface Observed extends Seen {
  /** Its own among all that the camera's observers have told and not ended. */
  readonly name: string;
  /** Until `ended`. */
  readonly lasts: boolean;
  /** How sure who saw it was, 0 to 1. */
  readonly score?: number;
  /** Where and when it is seen best until now. */
  readonly best?: Best;
  /** The id of who it is, once that is certain. */
  readonly person?: string | undefined;
  /** It may be somebody enrolled, and is not certain, until now. */
  readonly unsure?: boolean | undefined;
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

/** An alarm from its beginning until nothing more can be held for it. */
interface InHand {
  readonly camera: string;
  readonly rule: AlarmRule;
  readonly fromMs: UnixMs;
  /** Undefined while it is open. */
  toMs: UnixMs | undefined;
  /** Undefined until the vault has it. */
  id: string | undefined;
  /** Its end is in the vault. */
  ended: boolean;
  held: number;
  /** Why a segment of it could not be held. */
  why: string | undefined;
  /** That are to be held, and were not yet. */
  waiting: readonly Closed[];
  /** The observations that belong to it. */
  readonly names: Set<string>;
  /** The camera's zones that they were in. */
  readonly zones: Set<string>;
  /** The first of them who was recognised. */
  person: string | undefined;
  /** Those of them of whom it is open who they are. */
  readonly unsure: Set<string>;
  /** What its pictures show. */
  shown: Best | undefined;
  /** What is seen better since, and when pictures of it are made at the latest: before it leaves the memory. */
  better: { readonly best: Best; readonly byMs: UnixMs } | undefined;
  /** The words that the vault has of it. */
  said: string;
  /** What is being written of it, in its order. */
  writing: Promise<void>;
}

interface Closed extends SealedSegment {
  readonly camera: string;
  readonly closedMs: UnixMs;
}

const settingName = 'alarms open';
const retryMs = 5 * secondMs;
/** A better picture waits so long for one that is better still; the streams keep twice as much in memory. */
const betterMs = 5 * secondMs;
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
  readonly #inHand = new Set<InHand>();
  #closed: Closed[] = [];
  readonly #begun = new Map<string, number>();
  readonly #suppressed = new Map<string, number>();
  #failed = 0;
  #withoutPictures = 0;
  #notHeld = 0;
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
    for (const one of this.#inHand) if (one.toMs === undefined) await this.#endAlarm(one, nowMs);
    while (this.#working.size > 0) await Promise.all(this.#working);
    for (const one of this.#inHand) await this.#settle(one);
    this.#remember();
    await this.#remembering;
  }

  get state(): AlarmsState {
    return {
      open: [...this.#inHand].filter(({ toMs }) => toMs === undefined).length, begun: Object.fromEntries(this.#begun), suppressed: Object.fromEntries(this.#suppressed),
      failed: this.#failed, withoutPictures: this.#withoutPictures, notHeld: this.#notHeld, lastMs: this.#lastMs,
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
    for (const one of this.#inHand) if (one.camera === seen.camera && one.toMs === undefined && one.names.has(seen.name)) this.#learn(one, seen);
  }

  /** What was observed is over. */
  ended(camera: string, name: string, atMs: UnixMs): void {
    this.#guard(camera, () => {
      const before = this.#visits;
      this.#visits = endObservation(before, camera, name, atMs);
      for (const [key, one] of this.#visits.open) if (one !== before.open.get(key)) this.#plan(one);
      for (const one of this.#inHand) if (one.camera === camera && one.names.has(name)) this.#track(this.#improve(one));
      this.#loop.nudge();
    });
  }

  /** A segment is durable: whatever alarm it belongs to keeps it. */
  sealed(camera: string, segment: SealedSegment): void {
    this.#guard(camera, () => {
      const closed: Closed = { ...segment, camera, closedMs: this.#now };
      this.#closed = [...this.#closed.filter(({ closedMs }) => closed.closedMs - closedMs < rememberMs), closed].slice(-closedMax);
      for (const one of this.#inHand) if (one.camera === camera) this.#want(one, [closed]);
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

  #inHandOf({ camera, rule, fromMs }: Visit): InHand | undefined {
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
    const one: InHand = { camera: seen.camera, rule, fromMs, toMs: undefined, id: undefined, ended: false, held: 0, why: undefined, waiting: [],
      names: new Set([seen.name]), zones: new Set(), person: undefined, unsure: new Set(), shown: seen.best, better: undefined, said: '', writing: Promise.resolve() };
    this.#inHand.add(one);
    this.#begun.set(rule.name, (this.#begun.get(rule.name) ?? 0) + 1);
    this.#lastMs = fromMs;
    this.#o.log.info({ component: 'alarms', camera: one.camera, kind: seen.kind }, 'an alarm has begun');
    const best = seen.best ?? { atMs: seen.atMs, box: seen.box };
    // Before anything else: what is in memory now is gone in some seconds.
    const pictures = this.#o.pictures(one.camera, this.#o.clock.monotonicMs() - (this.#now - best.atMs), best.box);
    this.#track(this.#keep(one, seen, pictures));
  }

  async #keep(one: InHand, seen: Observed, pictures: Promise<AlarmPictures | undefined>): Promise<void> {
    const { vault, recipients, log } = this.#o;
    try {
      const { id } = await vault.openAlarm({
        camera: one.camera, rule: one.rule.name, kind: seen.kind, atMs: one.fromMs, keepMs: one.rule.keepMs, recipients: recipients(one.camera), scorePm: Math.round((seen.score ?? 1) * 1000),
      });
      one.id = id;
      this.#o.onRing?.({ camera: one.camera, kind: seen.kind, atMs: one.fromMs, id });
      this.#remember();
      this.#want(one, this.#closed.filter(({ camera }) => camera === one.camera));
      await this.#write(one, async () => this.#putPictures(one, id, await pictures));
      this.#o.onPictured?.(id);
      if (one.toMs !== undefined) await this.#endAlarm(one, one.toMs);
    } catch (error) {
      this.#failed++;
      this.#inHand.delete(one);
      // Somebody is there all the same.
      if (one.id === undefined) this.#o.onRing?.({ camera: one.camera, kind: seen.kind, atMs: one.fromMs, id: undefined });
      log.error({ component: 'alarms', camera: one.camera, code: asSallyportError(error).code }, `an alarm was not kept: ${asSallyportError(error).message}`);
      wipe(await pictures);
    }
  }

  async #putPictures(one: InHand, id: string, pictures: AlarmPictures | undefined): Promise<void> {
    const { vault, log } = this.#o;
    if (pictures === undefined) {
      this.#withoutPictures++;
      return;
    }
    const text = this.#textOf(one, id);
    try {
      const { full, crop, thumb } = pictures;
      await vault.putAlarmPictures(id, { full, thumb, text, ...(crop === undefined ? {} : { crop }) });
      one.said = canonicalJson(text);
    } catch (error) {
      const { code, message } = asSallyportError(error);
      if (one.said === '') this.#withoutPictures++;
      log.error({ component: 'alarms', camera: one.camera, code }, `${one.said === '' ? 'an alarm has no pictures' : 'an alarm keeps the pictures that it has'}: ${message}`);
    } finally {
      wipe(pictures);
    }
  }

  /** What one of its observations tells beside that it goes on. */
  #learn(one: InHand, { camera, name, atMs, box, best, person, unsure }: Observed): void {
    for (const zone of box === undefined ? [] : zonesOf(camera, box, this.#o.config().zones)) one.zones.add(zone);
    if (best !== undefined && best.worth > ((one.better?.best ?? one.shown)?.worth ?? -Infinity)) {
      one.better = { best, byMs: one.better?.byMs ?? atMs + betterMs };
      this.#loop.nudge();
    }
    if (unsure === true) one.unsure.add(name);
    else one.unsure.delete(name);
    if (person !== undefined && one.person === undefined) {
      one.person = person;
      this.#track(this.#say(one));
    }
  }

  /** Pictures of what is seen better since, in place of those that it has. Without any those stay. */
  async #improve(one: InHand): Promise<void> {
    const { better, id } = one;
    if (better === undefined || id === undefined) return;
    one.better = undefined;
    const { atMs, box } = better.best;
    const pictures = await this.#o.pictures(one.camera, this.#o.clock.monotonicMs() - (this.#now - atMs), box);
    if (pictures === undefined) return;
    one.shown = better.best;
    await this.#write(one, () => this.#putPictures(one, id, pictures));
  }

  /** Its words, where they are others now. Without pictures it has none: an alarm that is nothing but words would tell that there was something to say. */
  #say(one: InHand): Promise<void> {
    return this.#write(one, async () => {
      const { vault, log } = this.#o;
      if (one.id === undefined || one.said === '') return;
      const text = this.#textOf(one, one.id);
      if (canonicalJson(text) === one.said) return;
      try {
        await vault.putAlarmText(one.id, text);
        one.said = canonicalJson(text);
      } catch (error) {
        log.debug({ component: 'alarms', camera: one.camera, code: asSallyportError(error).code }, 'what an alarm says was not written');
      }
    });
  }

  #textOf({ zones, person, unsure }: InHand, id: string): CanonicalValue {
    const mark = person === undefined ? '' : this.#o.markOf(person, id);
    return alarmTextOf({ zones: [...zones], person: mark === '' ? undefined : mark, unsure: person === undefined && unsure.size > 0 });
  }

  /** One deed after the other, so that an older picture or word never takes the place of a newer one. */
  #write(one: InHand, deed: () => Promise<void>): Promise<void> {
    return one.writing = one.writing.then(deed, deed);
  }

  /** Holds those of the segments that belong to it. */
  #want(one: InHand, segments: readonly Closed[]): void {
    const { fromMs, toMs, rule: { beforeMs, afterMs } } = one;
    const wanted: Closed[] = [];
    for (const segment of segments) {
      const decision = holdFor({ segment, alarm: { fromMs, toMs, beforeMs, afterMs }, nowMs: this.#now });
      if (decision === 'hold') wanted.push(segment);
      else if (decision === 'too late') this.#miss(one, 'it was decided too late: the hub had no key of its footage any more');
    }
    const known = new Set(one.waiting.map(({ id }) => id));
    one.waiting = [...one.waiting, ...wanted.filter(({ id }) => !known.has(id))];
    if (one.waiting.length > 0 && one.id !== undefined) this.#track(this.#hold(one, one.id));
  }

  async #hold(one: InHand, id: string): Promise<void> {
    const { vault, fileKeys, log } = this.#o;
    const { waiting } = one;
    one.waiting = [];
    const again: Closed[] = [];
    for (const segment of waiting) {
      const key = fileKeys.lend(segment.id);
      if (key === undefined) {
        this.#miss(one, 'the hub had no key of its footage any more');
        continue;
      }
      try {
        if (await vault.holdForAlarm(id, segment.id, key)) one.held++;
        else this.#miss(one, 'its footage was gone already');
      } catch (error) {
        log.debug({ component: 'alarms', camera: one.camera, segment: segment.id, code: asSallyportError(error).code }, 'a segment is not held yet');
        again.push(segment);
      } finally {
        key.close();
      }
    }
    one.waiting = [...again, ...one.waiting];
  }

  #miss(one: InHand, why: string): void {
    this.#notHeld++;
    one.why = why;
  }

  async #turn(): Promise<number> {
    const nowMs = this.#now;
    if (!this.#settled) await this.#settleInterrupted();
    const { visits, events } = endVisits(this.#visits, nowMs);
    this.#visits = visits;
    for (const { what, visit: over } of events) {
      if (what === 'alarm over') {
        const one = this.#inHandOf(over);
        if (one !== undefined) await this.#endAlarm(one, over.lastMs);
      }
      if (what === 'over') this.#plan(over);
    }
    for (const one of this.#inHand) {
      if (one.better !== undefined && nowMs >= one.better.byMs) this.#track(this.#improve(one));
      if (one.toMs !== undefined && !one.ended) await this.#endAlarm(one, one.toMs);
      if (one.id !== undefined && one.waiting.length > 0) await this.#hold(one, one.id);
      const doneMs = one.toMs === undefined ? Infinity : one.toMs + one.rule.afterMs;
      const last = this.#closed.some(({ camera, endMs }) => camera === one.camera && endMs >= doneMs);
      if (one.ended && one.waiting.length === 0 && (nowMs > doneMs + settleMs || (last && nowMs > doneMs + minuteMs))) await this.#settle(one);
    }
    const betters = [...this.#inHand].flatMap(({ better }) => better?.byMs ?? []);
    const nextMs = Math.min(nextEndMs(this.#visits) ?? Infinity, this.#inHand.size > 0 ? nowMs + retryMs : Infinity, ...betters);
    return Math.min(minuteMs, Math.max(100, nextMs - this.#now));
  }

  async #endAlarm(one: InHand, toMs: UnixMs): Promise<void> {
    one.toMs = Math.min(toMs, one.fromMs + alarmMsMax);
    if (one.id === undefined || one.ended) return;
    this.#track(this.#say(one));
    try {
      await this.#o.vault.endAlarm(one.id, one.toMs);
      one.ended = true;
      this.#remember();
    } catch (error) {
      this.#o.log.debug({ component: 'alarms', camera: one.camera, code: asSallyportError(error).code }, 'an alarm is not ended yet');
    }
  }

  /** Nothing more is held for it. */
  async #settle(one: InHand): Promise<void> {
    const { vault, log } = this.#o;
    this.#inHand.delete(one);
    if (one.id === undefined || one.held > 0) return;
    await vault.noteAlarmFootage(one.id, one.why ?? 'nothing was recorded at its time')
      .catch((error: unknown) => log.debug({ component: 'alarms', camera: one.camera, code: asSallyportError(error).code }, 'why an alarm has no footage was not written'));
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

function wipe(pictures: AlarmPictures | undefined): void {
  for (const bytes of [pictures?.full, pictures?.crop, pictures?.thumb]) bytes?.fill(0);
}
