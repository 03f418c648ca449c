/**
 * Keeps the deadlines: shreds and deletes what is due, writes the hour lists of ended periods, lets logs and audit expire,
 * and signs a checkpoint each hour. A purge that fails is tried again and shown; the due data stays locked meanwhile.
 */
import { Cron } from 'croner';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError, type SallyportError } from '../base/errors.ts';
import { joinPath, listFolder, removeFile } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { dayMs, minuteMs, plural, secondMs } from '../base/units.ts';
import { backoffMs } from '../policy/backoff.ts';
import { dueMs, duePeriods } from '../policy/retention.ts';
import type { TimeVerdict } from '../policy/timetrust.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';
import type { Timekeeper } from './timekeeper.ts';

const checkpointHours = new Cron('0 * * * *', { timezone: 'UTC', paused: true });
/** A period's list is written this long after its end, when its last segment has closed. */
const listDelayMs = 2 * secondMs;
/** A purge this late is worth a notice: the loop looks at each deadline. */
export const overdueMs = 30 * secondMs;

export interface PurgeState {
  readonly nextDeadlineMs: UnixMs | undefined;
  readonly lastReceipt: { readonly number: number; readonly atMs: UnixMs; readonly periods: number; readonly segments: number; readonly readBack: boolean } | undefined;
  readonly overdue: number;
  readonly waiting: string | undefined;
  readonly problem: SallyportError | undefined;
}

export interface PurgeOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Log;
  readonly timekeeper: Timekeeper;
  readonly notices: Notices;
  readonly random: () => number;
  readonly periodMs: number;
  readonly keep: () => { logsMs: number; auditMs: number };
  /** How long the observations of a camera are kept: as long as its footage, also of one that is configured no more. */
  readonly observationsKeptMs: (camera: string) => number;
  readonly logFolder: string | undefined;
  /** Forgets file keys that are due; called at each look. */
  readonly forgetKeys: () => void;
}

export class PurgeDuty {
  readonly #o: PurgeOptions;
  readonly #loop: Loop;
  #failures = 0;
  #nextCheckpointMs = 0;
  /** Observations go when their period's footage does, so once a period is often enough. */
  #observationsDoneAt: number | undefined;
  #overdueSinceMs: UnixMs | undefined;
  #state: PurgeState = { nextDeadlineMs: undefined, lastReceipt: undefined, overdue: 0, waiting: undefined, problem: undefined };

  constructor(o: PurgeOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#nextCheckpointMs = this.#afterCheckpoint();
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Looks again at once, for example after a retention was shortened. */
  nudge(): void {
    this.#observationsDoneAt = undefined;
    this.#loop.nudge();
  }

  get state(): PurgeState {
    return this.#state;
  }

  async #turn(): Promise<number> {
    try {
      await this.look();
      this.#failures = 0;
      this.#state = { ...this.#state, problem: undefined };
      return this.#untilNextLook();
    } catch (error) {
      const problem = asSallyportError(error);
      this.#state = { ...this.#state, problem };
      this.#o.log.error({ component: 'purge', code: problem.code }, problem.message);
      this.#tellOverdue(this.#o.clock.wallMs());
      return backoffMs(++this.#failures, this.#o.random);
    }
  }

  /** One look; for the loop, and for tests that move the clock. */
  async look(): Promise<void> {
    const { vault, clock, timekeeper } = this.#o;
    this.#o.forgetKeys();
    await this.#o.notices.flush();
    const verdict = await timekeeper.look();
    const now = clock.wallMs();
    await vault.finishPeriods(now - listDelayMs);
    const past = await vault.duePeriods(verdict.deadlineNowMs ?? now);
    const due = duePeriods(past, now, verdict);
    const overdue = duePeriods(past, now, { stepsBack: verdict.stepsBack });
    const locked = verdict.mayPurge ? overdue.length - due.length : overdue.length;
    this.#state = { ...this.#state, overdue: overdue.length, waiting: locked > 0 ? verdict.why : undefined };
    if (verdict.mayPurge && due.length > 0) await this.#purge(due);
    if (verdict.mayPurge) await this.#expire(now);
    this.#tellOverdue(now);
    if (now >= this.#nextCheckpointMs) {
      this.#nextCheckpointMs = this.#afterCheckpoint();
      await vault.checkpoint();
    }
    this.#state = { ...this.#state, nextDeadlineMs: await this.#nextDeadlineMs(now, verdict) };
  }

  /** When the next period is due by the clock that is shown: not its deadline, where the clock went back or is doubted. */
  async #nextDeadlineMs(now: UnixMs, verdict: TimeVerdict): Promise<UnixMs | undefined> {
    const { vault } = this.#o;
    if (verdict.stepsBack.length === 0 && verdict.doubt === undefined) return vault.nextDeadlineMs();
    const times = (await vault.livePeriods()).map((period) => Math.round(dueMs(period, now, verdict)));
    return times.length === 0 ? undefined : times.reduce((first, time) => Math.min(first, time));
  }

  /** Rings when what is due could not go for a while, whether it failed or waits for the clock. */
  #tellOverdue(now: UnixMs): void {
    const { notices } = this.#o;
    const { overdue, waiting, problem } = this.#state;
    this.#overdueSinceMs = overdue === 0 ? undefined : (this.#overdueSinceMs ?? now);
    if (this.#overdueSinceMs === undefined) notices.settle('purge overdue');
    else if (Math.abs(now - this.#overdueSinceMs) > overdueMs) notices.raise('purge overdue', `${plural(overdue, 'period')}: ${waiting ?? problem?.message ?? 'it is being tried'}`);
  }

  async #purge(due: Awaited<ReturnType<Vault['duePeriods']>>): Promise<void> {
    const receipt = await this.#o.vault.purge(due, {});
    this.#state = {
      ...this.#state,
      overdue: Math.max(0, this.#state.overdue - due.length),
      lastReceipt: { number: receipt.number, atMs: receipt.atMs, periods: receipt.periods.length, segments: receipt.segments, readBack: receipt.readBack },
    };
    this.#o.log.info({ component: 'purge', receipt: receipt.number, periods: receipt.periods.length, segments: receipt.segments, bytes: receipt.bytes }, 'purged');
  }

  async #expire(now: UnixMs): Promise<void> {
    const { keep, vault, logFolder } = this.#o;
    await vault.purgeAudit(now - keep().auditMs);
    await this.#dropObservations(now);
    if (logFolder === undefined) return;
    const oldest = new Date(now - keep().logsMs).toISOString().slice(0, 10).replaceAll('-', '');
    for (const name of await listFolder(logFolder)) {
      if (/^\d{8}\.log$/.test(name) && name.slice(0, 8) < oldest) await removeFile(joinPath(logFolder, name));
    }
  }

  async #dropObservations(now: UnixMs): Promise<void> {
    const { vault, periodMs, observationsKeptMs, log } = this.#o;
    const period = Math.floor(now / periodMs);
    if (this.#observationsDoneAt === period) return;
    const dropped = await vault.dropObservations((camera) => Math.floor((now - observationsKeptMs(camera)) / periodMs) * periodMs);
    this.#observationsDoneAt = period;
    if (dropped > 0) log.info({ component: 'purge', observations: dropped }, 'observations dropped at their deadline');
  }

  /** The next deadline, the next hour list, or the next checkpoint, whichever comes first; at most a minute, so that a moved clock is noticed. */
  #untilNextLook(): number {
    const now = this.#o.clock.wallMs();
    const periodEnd = Math.floor(now / this.#o.periodMs + 1) * this.#o.periodMs + listDelayMs + 100;
    const { overdue, waiting, nextDeadlineMs } = this.#state;
    const lockedOnly = waiting !== undefined && this.#o.timekeeper.verdict?.mayPurge === true;
    const deadline = overdue > 0 && !lockedOnly ? now + secondMs : (nextDeadlineMs ?? now + dayMs);
    return Math.min(minuteMs, Math.max(50, Math.min(deadline, periodEnd, this.#nextCheckpointMs) - now + 1));
  }

  #afterCheckpoint(): UnixMs {
    const now = this.#o.clock.wallMs();
    return checkpointHours.nextRun(new Date(now))?.getTime() ?? now + 60 * minuteMs;
  }
}
