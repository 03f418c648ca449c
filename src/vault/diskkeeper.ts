/**
 * Keeps the vault's parts open while their disk is there. A failure anywhere makes it look (diskcare.ts); a disk that is gone or refuses is
 * let go of, so that it can be unmounted; one that is back is opened anew, if it is ours. What is to be settled then is the vault's business.
 */
import type { UnixMs } from '../base/clock.ts';
import { SallyportError, asSallyportError } from '../base/errors.ts';
import { secondMs } from '../base/units.ts';
import type { Name } from './database.ts';
import { lookAtDisk, within, type DiskState } from './diskcare.ts';
import type { Operations } from './operations.ts';
import { openParts, placeOf, type Parts, type PartsOptions } from './parts.ts';

/** How long a disk that failed is left alone before it is opened anew; doubled while it goes on failing. */
const reopenAfterMs = secondMs;
const reopenAfterMsMax = 30 * secondMs;
/** Closing handles of a disk that hangs is not waited for longer. */
const letGoMsMax = 3 * secondMs;
/** Nobody who asks for the state of things waits longer for the disk than this. */
const answerMsMax = 2 * secondMs;

export interface KeeperDeeds {
  /** As a start does it, with parts that nobody else has yet. */
  readonly settleFolder: (parts: Parts) => Promise<void>;
  /** What was left half done while the parts were open; whatever fails of it is suspected, not thrown. */
  readonly settle: (parts: Parts) => Promise<void>;
  /** The parts are being let go of: nothing more may be written to them. */
  readonly lost: (error: SallyportError) => void;
}

export class DiskKeeper {
  readonly #o: PartsOptions;
  readonly #deeds: KeeperDeeds;
  readonly #vaultId: string;
  /** Undefined while the disk is away. */
  #parts: Parts | undefined;
  #state: DiskState;
  /** Something was refused since the disk was last seen to take what is written. */
  #suspected = false;
  #mending: Promise<void> | undefined;
  #reopenAtMs = -Infinity;
  #reopenWaitMs = reopenAfterMs;
  /** Why the database is not to be trusted; stays when its thread has gone. */
  #databaseDoubt: string | undefined;

  constructor(options: PartsOptions, parts: Parts, deeds: KeeperDeeds) {
    this.#o = options;
    this.#parts = parts;
    this.#vaultId = parts.facts.id;
    this.#deeds = deeds;
    this.#state = { state: 'well', reason: '', sinceMs: this.#now() };
  }

  /** As `mend` saw it last. */
  get state(): DiskState {
    return this.#state;
  }

  get databaseDoubt(): string | undefined {
    this.#databaseDoubt ??= this.#parts?.doubt ?? this.#parts?.database.damage?.message;
    return this.#databaseDoubt;
  }

  /** SP_DISK while it is away. */
  get ready(): Parts {
    if (this.#parts === undefined) throw this.error();
    return this.#parts;
  }

  /** Whether these parts have not been let go of. */
  holds(parts: Parts): boolean {
    return this.#parts === parts;
  }

  async call<K extends Name>(op: K, ...args: Parameters<Operations[K]>): Promise<ReturnType<Operations[K]>> {
    return this.with(({ database }) => database.call(op, ...args));
  }

  /** `deed` with parts that are open now; what fails is looked into. */
  async with<T>(deed: (parts: Parts) => Promise<T>): Promise<T> {
    try {
      return await deed(this.ready);
    } catch (error) {
      this.suspect(error);
      throw error;
    }
  }

  /** What `work` brings; undefined when it fails, or takes longer than anybody waits who only wants to be told. */
  inTime<T>(work: Promise<T>): Promise<T | undefined> {
    return within(this.#o.clock, answerMsMax, work, () => this.error()).catch(() => undefined);
  }

  /** A failure that a look at the disk should follow. */
  suspect(error: unknown): void {
    if (error !== undefined) this.#suspected = true;
  }

  error(): SallyportError {
    return new SallyportError('SP_DISK', { folder: this.#o.folder, reason: this.#state.reason === '' ? 'it is being opened' : this.#state.reason });
  }

  /** By path, another disk may be in the place of the one whose handles we hold; nothing may be begun there. SP_DISK, SP_READ. */
  async checkPlace(parts: Parts): Promise<void> {
    const { device, inode } = await placeOf(parts.folder);
    if (device !== parts.place.device || inode !== parts.place.inode) throw new SallyportError('SP_DISK', { folder: parts.folder, reason: 'its disk is not mounted there any more' });
  }

  /** Never rejects, never overlaps. */
  mend(): Promise<void> {
    this.#mending ??= this.#mend().catch((error: unknown) => this.suspect(error)).finally(() => {
      this.#mending = undefined;
    });
    return this.#mending;
  }

  /** After a mending that is under way. */
  async settled(): Promise<void> {
    await this.#mending;
  }

  /** `last` with the parts, if they are there, then all of them closed. */
  async close(last: (parts: Parts) => Promise<void>): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    try {
      await last(parts);
    } finally {
      this.#parts = undefined;
      await parts.lifetime.close();
    }
  }

  async #mend(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return this.#reopen();
    const trouble = await lookAtDisk(parts, this.#o.clock, this.#suspected || this.#state.state !== 'well');
    if (trouble !== undefined) this.#tell(trouble);
    if (trouble?.state === 'gone' || trouble?.state === 'failing') return this.#letGo(parts);
    if (trouble === undefined) {
      this.#suspected = false;
      this.#tell({ state: 'well', reason: '' });
    }
    await this.#deeds.settle(parts);
  }

  /** Ends all use of the disk's handles, without waiting for a disk that hangs: they would keep it from being unmounted. */
  async #letGo(parts: Parts): Promise<void> {
    this.#parts = undefined;
    this.#deeds.lost(this.error());
    this.#reopenWaitMs = reopenAfterMs;
    this.#reopenAtMs = this.#o.clock.monotonicMs() + reopenAfterMs;
    this.#o.log.error({ component: 'vault', state: this.#state.state }, this.error().message);
    await this.#release(parts);
  }

  async #release(parts: Parts): Promise<void> {
    const closed = parts.database.abort().then(() => parts.lifetime.close());
    await within(this.#o.clock, letGoMsMax, closed, () => this.error()).catch(() => {});
  }

  async #reopen(): Promise<void> {
    if (this.#o.clock.monotonicMs() < this.#reopenAtMs) return;
    let parts: Parts | undefined;
    try {
      parts = await openParts(this.#o, { vaultId: this.#vaultId });
      await this.#deeds.settleFolder(parts);
      this.#parts = parts;
    } catch (error) {
      if (parts !== undefined) await this.#release(parts);
      this.#reopenAtMs = this.#o.clock.monotonicMs() + this.#reopenWaitMs;
      this.#reopenWaitMs = Math.min(reopenAfterMsMax, 2 * this.#reopenWaitMs);
      const gone = asSallyportError(error).code === 'SP_DISK';
      return this.#tell({ state: gone ? 'gone' : 'failing', reason: gone ? String(asSallyportError(error).evidence['reason']) : asSallyportError(error).message });
    }
    this.#suspected = false;
    this.#tell({ state: 'well', reason: '' });
    this.#o.log.info({ component: 'vault' }, 'the disk is back; recording goes on');
    await this.#deeds.settle(parts);
  }

  #tell(now: Omit<DiskState, 'sinceMs'>): void {
    this.#state = { ...now, sinceMs: now.state === this.#state.state ? this.#state.sinceMs : this.#now() };
  }

  #now(): UnixMs {
    return Math.round(this.#o.clock.wallMs());
  }
}
