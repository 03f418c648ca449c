/**
 * Keeps room on the disk: looks every few seconds, shreds the oldest footage early where it does not fit (`policy/disk.ts` says what),
 * stops recording before the last bytes are taken and lets it go on, and knows what fits before it happens (`policy/room.ts`).
 * No clock decides here what goes, so it need not be trusted: a disk fills whatever the time is.
 */
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError, type SallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { dayMs, formatBytes, hourMs, minuteMs, plural, secondMs } from '../base/units.ts';
import { backoffMs } from '../policy/backoff.ts';
import { aheadMs, earlyPurges, haltFor, noHalt, reserveOf, type DiskFacts, type DiskRoom, type EarlyPurge, type Halt } from '../policy/disk.ts';
import { assumedBytesPerHour, bytesPerHourOf, roomFor, type RoomFit } from '../policy/room.ts';
import type { HubConfig } from '../policy/settings.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';
import type { RecordingRoom } from './record.ts';

const lookEveryMs = 5 * secondMs;
const lookEveryMsMin = secondMs / 2;
/** How often the periods are counted while nothing presses. */
const countEveryMs = minuteMs;

type Periods = Awaited<ReturnType<Vault['periodBytes']>>;

export interface DiskState {
  readonly halt: Halt;
  /** Undefined until it was first looked at. */
  readonly fit: RoomFit | undefined;
  readonly lastEarly: { readonly receipt: number; readonly atMs: UnixMs; readonly periods: number; readonly segments: number; readonly bytes: number; readonly reason: string } | undefined;
  readonly problem: SallyportError | undefined;
}

export interface DiskOptions {
  readonly vault: Pick<Vault, 'diskFacts' | 'periodBytes' | 'purge'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly notices: Notices;
  readonly random: () => number;
  /** In force now. */
  readonly config: () => Pick<HubConfig, 'disk' | 'cameras' | 'record'>;
}

export class DiskDuty implements RecordingRoom {
  readonly #o: DiskOptions;
  readonly #loop: Loop;
  #failures = 0;
  #countedAtMs = -Infinity;
  #pressedAtMs = -Infinity;
  /** Bytes an hour by camera, of the last day that was recorded. */
  #rates: ReadonlyMap<string, number> = new Map();
  #state: DiskState = { halt: noHalt, fit: undefined, lastEarly: undefined, problem: undefined };

  constructor(o: DiskOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Looks again at once: the disk refused to be written, or the configuration changed. */
  nudge(): void {
    this.#countedAtMs = -Infinity;
    this.#loop.nudge();
  }

  halted(camera: string): string | undefined {
    const { halt } = this.#state;
    return halt.hub ?? halt.cameras.get(camera);
  }

  get state(): DiskState {
    return this.#state;
  }

  /** One look; for the loop, and for tests that move the clock. */
  async look(): Promise<void> {
    const room = await this.#o.vault.diskFacts();
    if (!this.#mustCount(room)) return;
    const periods = await this.#o.vault.periodBytes();
    this.#countedAtMs = this.#o.clock.monotonicMs();
    this.#rates = ratesOf(periods);
    const facts = this.#factsOf(room, periods);
    const purges = earlyPurges(facts);
    this.#update({ fit: this.#fitOf(room, periods) });
    this.#halt(haltFor(facts, purges));
    try {
      for (const purge of purges) await this.#purge(purge);
    } catch (error) {
      this.#halt(haltFor(facts, []));
      throw error;
    }
    this.#sayPressure(purges.length > 0);
  }

  async #turn(): Promise<number> {
    try {
      await this.look();
      this.#failures = 0;
      this.#update({ problem: undefined });
      return this.#untilNextLook();
    } catch (error) {
      const problem = asSallyportError(error);
      this.#update({ problem });
      this.#o.log.error({ component: 'disk', code: problem.code }, problem.message);
      return backoffMs(++this.#failures, this.#o.random);
    }
  }

  /** Counting each period is for when it matters: near the reserve, with budgets, while stopped, and each minute. */
  #mustCount(room: DiskRoom): boolean {
    const { disk, cameras } = this.#o.config();
    const budgets = disk.budgetBytes !== undefined || cameras.some((camera) => camera.budgetBytes !== undefined);
    const near = room.freeBytes < 2 * reserveOf(room.totalBytes, disk.reserveBytes);
    return budgets || near || this.#state.halt !== noHalt || this.#o.clock.monotonicMs() - this.#countedAtMs >= countEveryMs;
  }

  #factsOf(room: DiskRoom, periods: Periods): DiskFacts {
    const { disk, cameras } = this.#o.config();
    const recorded = cameras.filter((camera) => camera.record);
    // On a small disk the reserve is small too: it must not be drowned by what is only expected.
    const most = reserveOf(room.totalBytes, disk.reserveBytes) / Math.max(1, recorded.length);
    const inflow = new Map(recorded.map((camera) => [camera.id, Math.min(most, (this.#rateOf(camera.id) * aheadMs) / hourMs)]));
    return { ...room, periods, inflow, rule: { ...disk, cameras }, halt: this.#state.halt };
  }

  #rateOf(camera: string): number {
    return this.#rates.get(camera) ?? assumedBytesPerHour;
  }

  #fitOf(room: DiskRoom, periods: Periods): RoomFit {
    const { disk, cameras, record } = this.#o.config();
    const recorded = cameras.filter((camera) => camera.record);
    const usedBytes = (id: string): number => sumOf(periods.filter((period) => period.camera === id));
    return roomFor({
      ...room, ...disk, periodMs: record.periodMs,
      otherBytes: sumOf(periods.filter((period) => !recorded.some((camera) => camera.id === period.camera))),
      cameras: recorded.map(({ id, keepMs, budgetBytes }) => ({ camera: id, bytesPerHour: this.#rates.get(id), keepMs, usedBytes: usedBytes(id), ...(budgetBytes === undefined ? {} : { budgetBytes }) })),
    });
  }

  async #purge({ periods, reason }: EarlyPurge): Promise<void> {
    const { vault, log, notices, clock } = this.#o;
    this.#pressedAtMs = clock.monotonicMs();
    // Before the deed, so that no early receipt is there without its notice.
    notices.raise('disk pressure', reason);
    const receipt = await vault.purge(periods, { early: reason });
    const { number, atMs, segments, bytes } = receipt;
    this.#update({ lastEarly: { receipt: number, atMs, periods: receipt.periods.length, segments, bytes, reason } });
    log.warn({ component: 'disk', receipt: number, periods: receipt.periods.length, segments, bytes }, `purged early: ${reason}`);
    notices.raise('disk pressure', `receipt ${number}: ${plural(receipt.periods.length, 'period')}, ${formatBytes(bytes)}, because ${reason}`);
  }

  #halt(halt: Halt): void {
    const { notices } = this.#o;
    const before = this.#state.halt;
    this.#update({ halt: halt.hub === undefined && halt.cameras.size === 0 ? noHalt : halt });
    if (halt.hub !== undefined) notices.raise('disk full', halt.hub);
    else notices.settle('disk full');
    for (const [camera, why] of halt.cameras) notices.raise('disk full', why, camera);
    for (const camera of before.cameras.keys()) if (!halt.cameras.has(camera)) notices.settle('disk full', camera);
  }

  /** It is over when everything fits, or when nothing went early for as long as two periods take. */
  #sayPressure(now: boolean): void {
    if (now) return;
    const { notices, clock, config } = this.#o;
    const calmMs = Math.min(dayMs, 2 * config().record.periodMs);
    if (clock.monotonicMs() - this.#pressedAtMs >= calmMs && this.#state.fit?.fits === true) notices.settle('disk pressure');
    if (clock.monotonicMs() - this.#pressedAtMs >= dayMs) notices.settle('disk pressure');
  }

  /** Sooner where the inflow would eat a quarter of the reserve before the next look. */
  #untilNextLook(): number {
    const { fit } = this.#state;
    if (fit === undefined) return lookEveryMs;
    const perMs = fit.cameras.reduce((sum, camera) => sum + camera.bytesPerHour, 0) / hourMs;
    return Math.min(lookEveryMs, Math.max(lookEveryMsMin, fit.reserveBytes / 4 / Math.max(1e-9, perMs)));
  }

  #update(change: Partial<DiskState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

/** What each camera brought in an hour, over its last day of recording. */
export function ratesOf(periods: Periods): Map<string, number> {
  const sums = new Map<string, { bytes: number; recordedMs: number }>();
  // What a hold keeps is a few minutes out of hours: it says nothing of what an hour brings.
  for (const { camera, broughtBytes: bytes, recordedMs } of periods.filter((period) => period.class === 'footage').toReversed()) {
    const sum = sums.get(camera) ?? { bytes: 0, recordedMs: 0 };
    if (recordedMs <= 0 || sum.recordedMs >= dayMs) continue;
    sums.set(camera, { bytes: sum.bytes + bytes, recordedMs: sum.recordedMs + recordedMs });
  }
  const rates = [...sums].flatMap(([camera, { bytes, recordedMs }]) => {
    const rate = bytesPerHourOf(bytes, recordedMs);
    return rate === undefined ? [] : [[camera, rate] as const];
  });
  return new Map(rates);
}

function sumOf(periods: Periods): number {
  return periods.reduce((sum, period) => sum + period.bytes, 0);
}
