/**
 * Keeps the account of one stream's missing time: from where footage ended to where it begins again, each second with its reason,
 * also over stops and kills of the hub. What is open is noted in the working database as it begins and renewed each minute, so that a
 * kill in the middle of a gap leaves its reason. Rows that a failing disk does not take now are kept, to a bound, and written later.
 */
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { dayMs, minuteMs, secondMs } from '../base/units.ts';
import { betterReason, gapMsMin, isOfThePast, type GapReason } from '../policy/gaps.ts';
import type { GapRow, Vault } from '../vault/vault.ts';

export interface GapBookOptions {
  readonly camera: string;
  readonly stream: 'main' | 'sub';
  readonly vault: Pick<Vault, 'addGap' | 'accountedMs' | 'holes' | 'recovery' | 'segments' | 'gaps' | 'setting' | 'putSetting'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenGap {
  readonly fromMs: UnixMs;
  readonly reason: GapReason;
  readonly detail: string;
}

/** What the working database remembers between starts. */
interface Memory {
  /** The gap that was open, and until when that is known for sure. */
  readonly gap?: OpenGap & { readonly untilMs: UnixMs };
  /** Why the time after a proper end is without footage; absent while the stream is watched, so that a kill leaves none. */
  readonly after?: GapReason;
  readonly endedMs?: UnixMs;
}

const renewMs = minuteMs;
const retryMs = 5 * secondMs;
/** Nobody records for as long as it is so, over stops and starts. */
type StandingStill = Extract<GapReason, 'no owner' | 'not recorded' | 'privacy'>;
const standsStill: ReadonlySet<GapReason> = new Set(['no owner', 'not recorded', 'privacy']);
/** Rows that wait for a disk. Beyond it the two oldest become one. */
const waitingMax = 1000;
const neverMs = Number.MAX_SAFE_INTEGER;

export class GapBook {
  readonly #o: GapBookOptions;
  readonly #startedMs: UnixMs;
  readonly #loop: Loop;
  #gap: OpenGap | undefined;
  #rows: GapRow[] = [];
  #noted = 0;
  #work: Promise<void> = Promise.resolve();
  /** Monotonic. */
  #renewedMs: number;

  /** Goes on where the last start ended: the time since is a gap. SP_DATABASE. */
  static async open(o: GapBookOptions): Promise<GapBook> {
    const book = new GapBook(o);
    await book.#resume();
    book.#loop.start(() => book.#turn(), retryMs);
    return book;
  }

  private constructor(o: GapBookOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
    this.#startedMs = Math.round(o.clock.wallMs());
    this.#renewedMs = o.clock.monotonicMs();
  }

  get gap(): OpenGap | undefined {
    return this.#gap;
  }

  /** Gaps that were noted since the start. */
  get noted(): number {
    return this.#noted;
  }

  /** Footage has ended; of one that is open already, the reason becomes better known. */
  begin(fromMs: UnixMs, reason: GapReason, detail: string): void {
    if (this.#gap !== undefined) {
      this.explain(reason, detail);
      return;
    }
    this.#gap = { fromMs: Math.round(fromMs), reason, detail };
    this.#remember();
  }

  /** What a try during the gap says of its cause. */
  explain(reason: GapReason, detail: string): void {
    const gap = this.#gap;
    if (gap === undefined) return;
    if (isOfThePast(gap.reason) && !isOfThePast(reason)) {
      this.note(gap.fromMs, this.#startedMs, gap.reason, gap.detail);
      this.#gap = { fromMs: Math.max(gap.fromMs, this.#startedMs), reason, detail };
    } else if (betterReason(gap.reason, reason) === gap.reason) return;
    else this.#gap = { ...gap, reason, detail };
    this.#remember();
  }

  /** For as long as the stream is watched and not recorded. */
  standStill(reason: StandingStill, detail: string): void {
    const from = this.#gap;
    if (from !== undefined) this.note(from.fromMs, this.#startedMs, from.reason, from.detail);
    this.#gap = { fromMs: this.#startedMs, reason, detail };
    this.#remember();
  }

  /** Footage begins. */
  end(toMs: UnixMs): void {
    const gap = this.#gap;
    if (gap === undefined) return;
    this.#gap = undefined;
    this.note(gap.fromMs, toMs, gap.reason, gap.detail);
    this.#remember();
  }

  /** A time without footage that is over already. */
  note(fromMs: UnixMs, toMs: UnixMs, reason: GapReason, detail: string): void {
    if (toMs - fromMs < gapMsMin) return;
    const { camera, stream, log } = this.#o;
    log.info({ component: 'record', camera, stream, reason, seconds: Math.round((toMs - fromMs) / secondMs) }, 'gap noted');
    this.#noted++;
    this.#rows.push({ camera, stream, fromMs: Math.round(fromMs), toMs: Math.round(toMs), reason, detail });
    if (this.#rows.length > waitingMax) this.#mergeOldest();
    this.#write();
  }

  /** Notes what is open up to now, and why the time after it will be without footage. */
  async close(after: GapReason): Promise<void> {
    await this.#loop.close();
    const now = Math.round(this.#o.clock.wallMs());
    const gap = this.#gap;
    this.#gap = undefined;
    if (gap !== undefined) this.note(gap.fromMs, now, gap.reason, gap.detail);
    // What stands still keeps its reason over a stop: nobody records while nobody owns.
    const still = gap !== undefined && standsStill.has(gap.reason) && after === 'hub stopped';
    this.#remember({ after: still ? gap.reason : after, endedMs: now });
    await this.#work;
    if (this.#rows.length > 0) this.#o.log.error({ component: 'record', camera: this.#o.camera, gaps: this.#rows.length }, 'gaps could not be noted');
  }

  async #resume(): Promise<void> {
    const { camera, stream, vault, clock } = this.#o;
    const memory = ((await vault.setting(this.#name)) ?? {}) as Memory;
    if (memory.gap !== undefined) await this.#settle(memory.gap);
    await this.#work;
    await this.#noteLost();
    const accountedMs = await vault.accountedMs(camera, stream) ?? memory.endedMs;
    const now = Math.round(clock.wallMs());
    if (accountedMs === undefined) this.#gap = { fromMs: now, reason: 'not recorded', detail: 'its first connection' };
    else this.#gap = { fromMs: Math.min(now, accountedMs), reason: memory.after ?? 'hub was off', detail: '' };
    this.#remember();
    await this.#work;
  }

  /** A gap that was open at a kill: it ended where footage, or another gap, began after it; else nobody knows more than until when it was looked at. */
  async #settle({ fromMs, untilMs, reason, detail }: NonNullable<Memory['gap']>): Promise<void> {
    const { camera, stream, vault } = this.#o;
    const after = { camera, stream, fromMs, toMs: neverMs, limit: 3 };
    const gaps = await vault.gaps(after);
    if (gaps.some((gap) => gap.fromMs === fromMs)) return;
    const begins = [...gaps.map((gap) => gap.fromMs), ...(await vault.segments(after)).map((segment) => segment.startMs)].filter((ms) => ms > fromMs);
    this.note(fromMs, begins.length === 0 ? untilMs : Math.min(...begins), reason, detail);
  }

  /** Where segments had lost their rows (a damaged log, a database put back), gaps between them had, too. */
  async #noteLost(): Promise<void> {
    const { camera, stream, vault } = this.#o;
    if (vault.recovery.adopted + vault.recovery.cut === 0) return;
    const holes = await vault.holes({ camera, stream, sinceMs: this.#startedMs - dayMs, msMin: gapMsMin });
    for (const { fromMs, toMs } of holes) this.note(fromMs, toMs, 'account lost', 'why nothing was recorded did not reach the disk');
    await this.#work;
  }

  #remember(memory?: Memory): void {
    const { vault, clock } = this.#o;
    const wanted = memory ?? (this.#gap === undefined ? {} : { gap: { ...this.#gap, untilMs: Math.round(clock.wallMs()) } });
    this.#queue(() => vault.putSetting(this.#name, wanted as unknown as CanonicalValue));
  }

  #write(): void {
    this.#queue(async () => {
      for (let row = this.#rows[0]; row !== undefined; row = this.#rows[0]) {
        await this.#o.vault.addGap(row);
        if (this.#rows[0] === row) this.#rows.shift();
      }
    });
  }

  /** In order; what fails is looked at again by `#turn`. */
  #queue(work: () => Promise<void>): void {
    const { camera, log } = this.#o;
    this.#work = this.#work.then(work).catch((error: unknown) => {
      log.debug({ component: 'record', camera, code: asSallyportError(error).code }, 'the account of gaps waits for the disk');
    });
  }

  #turn(): number {
    const nowMs = this.#o.clock.monotonicMs();
    if (this.#rows.length > 0) this.#write();
    if (this.#gap !== undefined && nowMs - this.#renewedMs >= renewMs) {
      this.#renewedMs = nowMs;
      this.#remember();
    }
    return retryMs;
  }

  #mergeOldest(): void {
    const [first, second, ...rest] = this.#rows;
    if (first === undefined || second === undefined) return;
    this.#rows = [{ ...first, toMs: second.toMs, detail: 'several gaps, and the footage between them, while nothing could be noted' }, ...rest];
  }

  get #name(): string {
    return `gap/${this.#o.camera}/${this.#o.stream}`;
  }
}
