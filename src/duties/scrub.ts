/**
 * Looks at everything stored again and again, slowly, so that rot is told while there is something to do about it. It goes on where
 * it was when the hub stopped, from the oldest recording on, and makes way for recording. It also says when the working database was
 * found damaged: it is the one that looks each minute.
 */
import type { CanonicalValue } from '../base/canonical.ts';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Loop } from '../base/loop.ts';
import { hourMs, minuteMs, plural } from '../base/units.ts';
import { nextScrubMs, paced, type Pace } from '../policy/scrubbing.ts';
import { isoTime } from '../policy/times.ts';
import type { Vault } from '../vault/vault.ts';
import type { Notices } from './notices.ts';

/** While more than this waits for the disk, recording has it alone. */
const backlogBytesMax = 2 ** 20;
const yieldMs = 200;
/** The position is written down this often; a hub that is killed reads at most that much twice. */
const rememberEveryMs = 10 * minuteMs;
const rowsAtOnce = 64;
/** So many files in a row that cannot be read are no rot, but a disk that is gone. */
const unreadableMax = 5;
const afterProblemMs = hourMs;

interface Position {
  /** The last row that was looked at. */
  readonly afterRowId: number;
  readonly beganMs: UnixMs;
  readonly checked: number;
  readonly bytes: number;
  readonly found: number;
}

interface Memory {
  readonly lastFullMs?: UnixMs;
  readonly lastFound?: number;
  /** Of a look that is not done. */
  readonly position?: Position;
}

export interface ScrubState {
  readonly running: { readonly checked: number; readonly total: number; readonly bytes: number; readonly found: number } | undefined;
  readonly lastFullMs: UnixMs | undefined;
  /** What the last full look found to be damaged or missing. */
  readonly lastFound: number | undefined;
  readonly nextMs: UnixMs | undefined;
  /** Known now, however it was found. */
  readonly damaged: number;
  readonly missing: number;
  readonly problem: SallyportError | undefined;
}

export interface ScrubOptions {
  readonly vault: Pick<Vault, 'scrub' | 'setting' | 'putSetting' | 'backlogBytes' | 'databaseDoubt'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly notices: Notices;
  /** Read at each look, so that a changed configuration holds at once. */
  readonly settings: () => { everyMs: number; bytesPerSecond: number };
}

const settingName = 'scrub';

export class ScrubDuty {
  readonly #o: ScrubOptions;
  readonly #loop: Loop;
  #loaded = false;
  #memory: Memory = {};
  #total = 0;
  #running: Position | undefined;
  #wanted = false;
  #notBeforeMs = -Infinity;
  #rememberedMs = 0;
  #pace: Pace = { freeAtMs: 0 };
  #known: { damaged: number; missing: number } = { damaged: 0, missing: 0 };
  #problem: SallyportError | undefined;

  constructor(o: ScrubOptions) {
    this.#o = o;
    this.#loop = new Loop(o.clock);
  }

  start(): void {
    this.#loop.start(() => this.#turn());
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Begins a full look now, unless one is under way. */
  startNow(): void {
    if (this.#running !== undefined) return;
    this.#wanted = true;
    this.#notBeforeMs = -Infinity;
    this.#loop.nudge();
  }

  get state(): ScrubState {
    const position = this.#running;
    return {
      running: position === undefined && !this.#wanted ? undefined : { checked: position?.checked ?? 0, total: Math.max(this.#total, position?.checked ?? 0), bytes: position?.bytes ?? 0, found: position?.found ?? 0 },
      lastFullMs: this.#memory.lastFullMs,
      lastFound: this.#memory.lastFound,
      nextMs: position === undefined ? nextScrubMs(this.#memory.lastFullMs, Math.round(this.#o.clock.wallMs()), this.#o.settings().everyMs) : undefined,
      ...this.#known,
      problem: this.#problem,
    };
  }

  async #turn(): Promise<number> {
    try {
      if (!this.#loaded) this.#memory = ((await this.#o.vault.setting(settingName)) ?? {}) as Memory;
      this.#loaded = true;
      await this.#tell();
      if (this.#due()) await this.#fullLook();
    } catch (error) {
      await this.#failed(error);
    }
    return minuteMs;
  }

  #due(): boolean {
    const { clock } = this.#o;
    if (this.#wanted) return true;
    if (clock.monotonicMs() < this.#notBeforeMs) return false;
    const nowMs = clock.wallMs();
    return this.#memory.position !== undefined || nowMs >= nextScrubMs(this.#memory.lastFullMs, nowMs, this.#o.settings().everyMs);
  }

  async #fullLook(): Promise<void> {
    const { vault, clock, log } = this.#o;
    this.#running = this.#memory.position ?? { afterRowId: 0, beganMs: Math.round(clock.wallMs()), checked: 0, bytes: 0, found: 0 };
    this.#wanted = false;
    this.#rememberedMs = clock.monotonicMs();
    this.#total = await vault.scrub.count();
    try {
      await this.#segments();
      await this.#holds();
      await this.#lists();
      await this.#rows();
      const { checked, bytes, found } = this.#running;
      this.#problem = undefined;
      await this.#remember({ lastFullMs: Math.round(clock.wallMs()), lastFound: found });
      log.info({ component: 'scrub', checked, bytes, found }, 'everything stored was looked at');
      await this.#tell();
    } finally {
      this.#running = undefined;
    }
  }

  async #segments(): Promise<void> {
    const { scrub } = this.#o.vault;
    let unreadable = 0;
    for (;;) {
      const position = this.#running as Position;
      const rows = await scrub.segments(position.afterRowId, rowsAtOnce);
      if (rows.length === 0) return;
      for (const row of rows) {
        const finding = row.state === 'garbage' ? { kind: 'whole', reason: '' } : await scrub.segment(row, (bytes) => this.#rest(bytes));
        unreadable = finding.kind === 'unreadable' ? unreadable + 1 : 0;
        if (unreadable >= unreadableMax) throw new SallyportError('SP_READ', { file: row.path, reason: `${finding.reason}, like the ${unreadableMax - 1} before it` });
        if (finding.kind !== 'whole') this.#o.log.error({ component: 'scrub', camera: row.camera, file: row.path, from: new Date(row.startMs).toISOString() }, `rot: ${finding.reason}`);
        const now: Position = this.#running as Position;
        this.#running = { ...now, afterRowId: row.rowId, checked: now.checked + 1, found: now.found + (finding.kind === 'whole' ? 0 : 1) };
        await this.#rememberSometimes();
      }
    }
  }

  /** One that rotted is named; the segment may open by its own header yet, or by another hold. */
  async #holds(): Promise<void> {
    const { scrub } = this.#o.vault;
    for (let after = { periodId: 0, segmentId: 0 }; ;) {
      const holds = await scrub.holds(after, rowsAtOnce);
      if (holds.length === 0) return;
      for (const hold of holds) {
        after = hold;
        const wrong = await scrub.hold(hold);
        if (wrong !== undefined) {
          this.#o.log.error({ component: 'scrub', camera: hold.camera, file: hold.path }, `rot: ${wrong}`);
          this.#running = { ...this.#running as Position, found: (this.#running as Position).found + 1 };
        }
        await this.#rest(0);
      }
    }
  }

  async #lists(): Promise<void> {
    const { scrub } = this.#o.vault;
    for (let afterId = 0; ;) {
      const lists = await scrub.lists(afterId, rowsAtOnce);
      if (lists.length === 0) return;
      for (const list of lists) {
        if (!(await scrub.list(list))) this.#o.log.warn({ component: 'scrub', camera: list.camera, slot: list.slot }, 'an hour list was not as written; it is written anew');
        await this.#rest(0);
        afterId = list.id;
      }
    }
  }

  async #rows(): Promise<void> {
    const { scrub } = this.#o.vault;
    for (let afterId = 0; ;) {
      const ids = await scrub.listedPeriods(afterId, rowsAtOnce);
      if (ids.length === 0) return;
      for (const id of ids) {
        if (!(await scrub.rowsHold(id))) this.#o.notices.raise('database damaged', 'rows of the catalogue are not those that were written');
        await this.#rest(0);
        afterId = id;
      }
    }
  }

  /** Rot and losses that are known, and doubts about the database, as notices. */
  async #tell(): Promise<void> {
    const { vault, notices } = this.#o;
    if (vault.databaseDoubt !== undefined) notices.raise('database damaged', vault.databaseDoubt);
    const known = await vault.scrub.known();
    this.#known = { damaged: known.reduce((sum, { damaged }) => sum + damaged, 0), missing: known.reduce((sum, { missing }) => sum + missing, 0) };
    const rotten = new Set<string>();
    for (const { camera, damaged, missing, firstPath, firstMs } of known) {
      rotten.add(camera);
      const parts = [...(damaged > 0 ? [`${plural(damaged, 'segment')} damaged`] : []), ...(missing > 0 ? [`${plural(missing, 'segment')} missing`] : [])];
      notices.raise('rot found', `${parts.join(', ')}; the first: ${firstPath}, ${isoTime(firstMs)}`, camera);
    }
    for (const { kind, camera } of notices.open) if (kind === 'rot found' && camera !== undefined && !rotten.has(camera)) notices.settle(kind, camera);
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#loop.signal.aborted) return;
    const { vault, clock, log, notices } = this.#o;
    const problem = asSallyportError(error);
    this.#problem = problem;
    this.#wanted = false;
    this.#notBeforeMs = clock.monotonicMs() + afterProblemMs;
    if (vault.databaseDoubt !== undefined) notices.raise('database damaged', vault.databaseDoubt);
    log.error({ component: 'scrub', code: problem.code }, problem.message);
  }

  /** Waits as long as the rate wants, and while recording needs the disk. */
  async #rest(bytes: number): Promise<void> {
    const { clock, vault, settings } = this.#o;
    const { signal } = this.#loop;
    if (this.#running !== undefined) this.#running = { ...this.#running, bytes: this.#running.bytes + bytes };
    this.#pace = paced(this.#pace, clock.monotonicMs(), bytes, settings().bytesPerSecond);
    await clock.sleep(this.#pace.freeAtMs - clock.monotonicMs(), signal).catch(() => {});
    while (vault.backlogBytes > backlogBytesMax && !signal.aborted) await clock.sleep(yieldMs, signal).catch(() => {});
    if (!signal.aborted) return;
    await this.#rememberPosition();
    throw new SallyportError('SP_STOPPED', { what: 'the look at what is stored' });
  }

  async #rememberSometimes(): Promise<void> {
    const nowMs = this.#o.clock.monotonicMs();
    if (nowMs - this.#rememberedMs < rememberEveryMs) return;
    this.#rememberedMs = nowMs;
    await this.#rememberPosition();
  }

  async #rememberPosition(): Promise<void> {
    if (this.#running !== undefined) await this.#remember({ ...this.#memory, position: this.#running });
  }

  async #remember(memory: Memory): Promise<void> {
    this.#memory = memory;
    await this.#o.vault.putSetting(settingName, memory as unknown as CanonicalValue);
  }
}
