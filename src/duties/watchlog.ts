/**
 * Who watched what, for the audit, in lines that a person can read: one for what somebody watches live, one an hour for a day of alarms, and one for a viewing of recordings,
 * which says of which camera, from when to when. A film strip opens a day of hours at once; so a viewing under way is a row beside the
 * audit, which is written before the key of each hour is given out, and becomes one line when it is over: after a pause, at the end of the
 * hub, at its next start where it was killed. Where the disk takes none, live pictures go on, and recordings, which are the same disk's, do not.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { hourMs, minuteMs } from '../base/units.ts';
import type { AuditEntry } from '../vault/audit.ts';
import { Turns } from '../base/turns.ts';
import type { Vault } from '../vault/vault.ts';

const sameLiveMs = 10 * minuteMs;
const sameAlarmsMs = hourMs;
const rememberedMax = 10_000;
/** A viewing is over when nothing more was fetched for so long, or after so long in any case. */
const pauseMs = 10 * minuteMs;
const viewingMsMax = hourMs;
/** What is more makes another viewing. */
const hoursMax = 2_000;
const viewingsMax = 500;
/** Whoever reads the audit is told of what is under way, and no more often: lines are not made by reading. */
const tellEveryMs = minuteMs;
const viewingsName = 'page viewings';

/** As it is kept until it is over. */
interface Viewed {
  readonly account: string;
  readonly camera: string;
  /** Of the footage whose keys were given out, from the first hour's beginning to the last one's end; hours between them may be none of it. */
  readonly fromMs?: UnixMs;
  readonly toMs?: UnixMs;
  /** How many keys. */
  readonly hours: number;
  /** When it was looked at. */
  readonly beganMs: UnixMs;
  readonly seenMs: UnixMs;
}

interface Viewing {
  viewed: Viewed;
  readonly beganAtMs: number;
  lastMs: number;
  /** Slots that the disk knows of. */
  readonly kept: Set<string>;
  readonly wanted: Set<string>;
}

export interface WatchedPeriod {
  readonly slot: number;
  readonly generation: number;
  readonly fromMs?: UnixMs | undefined;
  readonly toMs?: UnixMs | undefined;
}

export class WatchLog {
  readonly #vault: Pick<Vault, 'audit' | 'changeAccounts' | 'setting'>;
  readonly #clock: Clock;
  /** Key of a line → monotonic time until which it stands for more of the same. */
  readonly #said = new Map<string, number>();
  readonly #writing = new Map<string, Promise<void>>();
  /** By account and camera. */
  readonly #viewings = new Map<string, Viewing>();
  /** Over, and not in the audit yet. */
  #over: Viewed[] = [];
  readonly #writes = new Turns();
  /** The write that has not begun. */
  #next: Promise<void> | undefined;
  #toldMs = -Infinity;

  constructor(vault: Pick<Vault, 'audit' | 'changeAccounts' | 'setting'>, clock: Clock) {
    this.#vault = vault;
    this.#clock = clock;
  }

  /** What a hub that was killed had under way becomes lines. SP_DATABASE, SP_DISK. */
  async open(): Promise<void> {
    this.#over.push(...(((await this.#vault.setting(viewingsName)) ?? []) as unknown as Viewed[]));
    if (this.#over.length > 0) await this.#save();
  }

  /** All that is under way is over. */
  async close(): Promise<void> {
    await this.#end(() => true);
  }

  /** To be called now and then: ends what is over. */
  async settle(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    await this.#end((viewing) => isOver(viewing, nowMs));
  }

  /** For who reads the audit: what is under way is in it now. */
  async tell(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    await this.#end(() => true);
  }

  /** `what`: watched, or with sound from now on. */
  async live(account: string, camera: string, stream: string, what: 'live.watched' | 'live.listened' = 'live.watched'): Promise<void> {
    await this.#say([what, account, camera, stream].join('\n'), sameLiveMs, { what, who: 'page', account, camera, detail: { stream } }).catch(() => {});
  }

  /** A period of a camera: with its key what was recorded in it opens for who has the right one. Resolves when it is on the disk; what rejects must not be given out. */
  async playback(account: string, camera: string, period: WatchedPeriod): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const slot = `${period.slot}.${period.generation}`;
    const viewing = this.#viewingOf(account, camera, nowMs);
    viewing.lastMs = nowMs;
    viewing.viewed = { ...viewing.viewed, seenMs: this.#wallMs() };
    if (viewing.kept.has(slot)) return;
    viewing.viewed = withPeriod(viewing.viewed, period, viewing.wanted.has(slot));
    viewing.wanted.add(slot);
    await this.#save();
  }

  #viewingOf(account: string, camera: string, nowMs: number): Viewing {
    const key = `${account}\n${camera}`;
    const known = this.#viewings.get(key);
    if (known !== undefined && !isOver(known, nowMs)) return known;
    if (known !== undefined) this.#finish(key);
    for (const oldest of this.#viewings.keys()) {
      if (this.#viewings.size < viewingsMax) break;
      this.#finish(oldest);
    }
    const wallMs = this.#wallMs();
    const begun: Viewing = { viewed: { account, camera, hours: 0, beganMs: wallMs, seenMs: wallMs }, beganAtMs: nowMs, lastMs: nowMs, kept: new Set(), wanted: new Set() };
    this.#viewings.set(key, begun);
    return begun;
  }

  #finish(key: string): void {
    const viewing = this.#viewings.get(key);
    this.#viewings.delete(key);
    if (viewing !== undefined) this.#over.push(viewing.viewed);
  }

  async #end(which: (viewing: Viewing) => boolean): Promise<void> {
    for (const [key, viewing] of this.#viewings) if (which(viewing)) this.#finish(key);
    if (this.#over.length > 0) await this.#save();
  }

  /** One write at a time; what comes while one is under way goes with the next, all together. */
  #save(): Promise<void> {
    this.#next ??= this.#writes.take(() => {
      this.#next = undefined;
      return this.#write();
    });
    return this.#next;
  }

  async #write(): Promise<void> {
    const over = this.#over.slice();
    const viewings = [...this.#viewings.values()].map((viewing) => ({ viewing, wanted: [...viewing.wanted] }));
    await this.#vault.changeAccounts({}, over.map(lineOf), [{ name: viewingsName, value: viewings.map(({ viewing }) => ({ ...viewing.viewed })) }]);
    this.#over = this.#over.filter((one) => !over.includes(one));
    for (const { viewing, wanted } of viewings) for (const slot of wanted) viewing.kept.add(slot);
  }

  /** The alarms of a camera's day: with its key all their pictures open. */
  async alarms(account: string, camera: string, period: WatchedPeriod): Promise<void> {
    const { slot, generation, fromMs, toMs } = period;
    await this.#say(['alarms', account, camera, slot, generation].join('\n'), sameAlarmsMs, { what: 'alarm.shown', who: 'page', account, camera, detail: { slot, generation, from_ms: fromMs, to_ms: toMs } });
  }

  async #say(key: string, sameMs: number, entry: AuditEntry): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if ((this.#said.get(key) ?? -Infinity) > nowMs) return;
    const writing = this.#writing.get(key) ?? this.#vault.audit(entry).finally(() => this.#writing.delete(key));
    this.#writing.set(key, writing);
    await writing;
    this.#said.delete(key);
    this.#said.set(key, nowMs + sameMs);
    for (const [known, untilMs] of this.#said) {
      if (this.#said.size <= rememberedMax && untilMs > nowMs) break;
      this.#said.delete(known);
    }
  }

  #wallMs(): UnixMs {
    return Math.round(this.#clock.wallMs());
  }
}

function isOver({ beganAtMs, lastMs, wanted }: Viewing, nowMs: number): boolean {
  return nowMs - lastMs >= pauseMs || nowMs - beganAtMs >= viewingMsMax || wanted.size >= hoursMax;
}

function withPeriod(viewed: Viewed, { fromMs, toMs }: WatchedPeriod, counted: boolean): Viewed {
  return {
    ...viewed, hours: viewed.hours + (counted ? 0 : 1),
    ...(fromMs === undefined ? {} : { fromMs: Math.min(fromMs, viewed.fromMs ?? fromMs) }), ...(toMs === undefined ? {} : { toMs: Math.max(toMs, viewed.toMs ?? toMs) }),
  };
}

function lineOf({ account, camera, fromMs, toMs, hours, beganMs, seenMs }: Viewed): AuditEntry {
  return {
    what: 'footage.playback', who: 'page', account, camera,
    detail: { ...(fromMs === undefined ? {} : { from_ms: fromMs }), ...(toMs === undefined ? {} : { to_ms: toMs }), hours, began_ms: beganMs, seen_ms: seenMs },
  };
}
