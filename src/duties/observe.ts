/**
 * Observes one camera: what its events say is noted as observations, apart from its streams, so that no failing of the one touches the
 * other. What the disk does not take now waits for it; a camera that observes without end is bounded by the day.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import { dayMs, minuteMs } from '../base/units.ts';
import type { CameraAddress } from '../cameras/addresses.ts';
import type { Certificates } from '../cameras/certificates.ts';
import { CameraEvents, type EventsStatus } from '../cameras/events.ts';
import type { GapReason } from '../policy/gaps.ts';
import { endAll, endBySilence, nothingLasts, takeSignals, type Change, type ObservationKind, type Ongoing, type Signal } from '../policy/observations.ts';
import type { EventsState } from '../policy/subscriptions.ts';
import type { ObservationRow, Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

export interface ObserverOptions {
  readonly camera: string;
  readonly address: CameraAddress;
  readonly user: string;
  readonly password: Secret;
  readonly certificates?: Certificates;
  readonly vault: Pick<Vault, 'beginObserving' | 'noteObservations'>;
  readonly notices: Pick<Notices, 'raise' | 'settle'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** What begins and ends, as it is told; also beyond what is kept. */
  readonly onObserved?: (changes: readonly Change[]) => void;
  /** Whether its pictures come: events of a camera that is away are not missed by anybody. */
  readonly online: () => boolean;
}

export interface ObserverStatus extends EventsStatus {
  /** When the last observation began. */
  readonly lastMs: UnixMs | undefined;
  /** Since the start, by kind. */
  readonly observed: Readonly<Partial<Record<ObservationKind, number>>>;
  /** That no bound or disk had room for. */
  readonly lost: number;
}

/** Of one camera; an event every four seconds, day and night. */
export const observationsPerDayMax = 20_000;
/** Rows that wait for a disk; beyond it the oldest are dropped. */
const waitingMax = 1_000;
/** A camera whose events do not come for so long, while its pictures do, is worth a notice. */
const stuckMsMax = 5 * minuteMs;

export class Observer {
  readonly #o: ObserverOptions;
  readonly #events: CameraEvents;
  #ongoing: Ongoing = nothingLasts;
  /** Whether the vault has said what there was before. */
  #begun = false;
  #today: { readonly day: number; readonly count: number } = { day: 0, count: 0 };
  #waiting: readonly ObservationRow[] = [];
  /** Of which the beginning was beyond the bound, so that the end is, too. */
  readonly #unkept = new Set<string>();
  readonly #observed = new Map<ObservationKind, number>();
  #lastMs: UnixMs | undefined;
  #lost = 0;

  constructor(o: ObserverOptions) {
    this.#o = o;
    const { camera, address, user, password, certificates, clock, log, random } = o;
    this.#events = new CameraEvents({
      camera, address, user, password, ...(certificates === undefined ? {} : { certificates }), clock, log, random,
      // The stream asks too, and knows first when the password is right.
      mayTryPassword: o.online,
      onSignals: (signals, atMs) => this.#take(signals, atMs),
      onLost: (heardMs) => this.#lose(heardMs),
      onState: (state) => this.#tell(state),
    });
  }

  start(): void {
    this.#events.start();
  }

  async close(why: GapReason): Promise<void> {
    await this.#events.close();
    if (why === 'hub stopped') return;
    this.#o.notices.settle('events stuck', this.#o.camera);
    this.#o.notices.settle('too many events', this.#o.camera);
  }

  get status(): ObserverStatus {
    return { ...this.#events.status, lastMs: this.#lastMs, observed: Object.fromEntries(this.#observed), lost: this.#lost };
  }

  async #take(signals: readonly Signal[], atMs: UnixMs): Promise<void> {
    const taken = takeSignals(this.#ongoing, signals, atMs);
    const quiet = endBySilence(taken.ongoing, atMs);
    this.#ongoing = quiet.ongoing;
    this.#lost += taken.dropped;
    await this.#note([...taken.changes, ...quiet.changes], atMs);
  }

  async #lose(heardMs: UnixMs): Promise<void> {
    const { ongoing, changes } = endAll(this.#ongoing, heardMs);
    this.#ongoing = ongoing;
    this.#ringWhenStuck();
    await this.#note(changes, this.#o.clock.wallMs());
  }

  async #note(changes: readonly Change[], atMs: UnixMs): Promise<void> {
    const { camera, vault, log, onObserved } = this.#o;
    // Before the disk: what it needs may be all too long.
    onObserved?.(changes);
    try {
      if (!this.#begun) await this.#begin(atMs);
    } catch (error) {
      log.debug({ component: 'observe', camera, code: asSallyportError(error).code }, 'observations wait for the disk');
    }
    this.#queue(changes, atMs);
    const rows = this.#waiting;
    if (!this.#begun || rows.length === 0) return;
    try {
      await vault.noteObservations(rows);
      this.#waiting = [];
    } catch (error) {
      log.debug({ component: 'observe', camera, code: asSallyportError(error).code, rows: rows.length }, 'observations wait for the disk');
    }
  }

  async #begin(atMs: UnixMs): Promise<void> {
    const day = Math.floor(atMs / dayMs);
    const { count, lastMs } = await this.#o.vault.beginObserving(this.#o.camera, day * dayMs);
    this.#begun = true;
    this.#today = { day, count: count + (this.#today.day === day ? this.#today.count : 0) };
    this.#lastMs ??= lastMs;
  }

  #queue(changes: readonly Change[], atMs: UnixMs): void {
    const rows = changes.filter((change) => this.#isKept(change, atMs)).map((change) => ({ camera: this.#o.camera, ...change }));
    const all = [...this.#waiting, ...rows];
    this.#lost += Math.max(0, all.length - waitingMax);
    this.#waiting = all.slice(-waitingMax);
  }

  /** Counts what begins, and drops what begins beyond the day's bound. */
  #isKept(change: Change, atMs: UnixMs): boolean {
    const name = `${change.kind}\n${change.source}\n${change.fromMs}`;
    if (change.toMs !== undefined && this.#unkept.delete(name)) return false;
    // What has begun before is only ended now.
    if (change.toMs !== undefined && change.fromMs !== atMs) return true;
    const day = Math.floor(atMs / dayMs);
    const count = this.#today.day === day ? this.#today.count : 0;
    if (count >= observationsPerDayMax) {
      this.#lost++;
      if (change.toMs === undefined) this.#unkept.add(name);
      this.#o.notices.raise('too many events', `${observationsPerDayMax} today`, this.#o.camera);
      return false;
    }
    if (this.#today.day !== day) this.#o.notices.settle('too many events', this.#o.camera);
    this.#today = { day, count: count + 1 };
    this.#observed.set(change.kind, (this.#observed.get(change.kind) ?? 0) + 1);
    this.#lastMs = change.fromMs;
    return true;
  }

  #ringWhenStuck(): void {
    const { camera, clock, notices, online } = this.#o;
    const { state, sinceMs } = this.#events.status;
    if (state.kind === 'stuck' && online() && clock.wallMs() - sinceMs >= stuckMsMax) notices.raise('events stuck', state.because ?? '', camera);
  }

  #tell({ kind }: EventsState): void {
    if (kind === 'working' || kind === 'polling' || kind === 'none') this.#o.notices.settle('events stuck', this.#o.camera);
  }
}
