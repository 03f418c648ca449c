/**
 * One open segment as the recorder sees it: the sealed file (segmentfile.ts) and, once that is durable under its final name, its row.
 * A segment whose period is purged meanwhile is refused and removed, never catalogued.
 */
import { join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { removeFile } from '../base/files.ts';
import type { FileKey } from '../seal/filekey.ts';
import { segmentId, type Period, type SegmentRow } from './catalogue.ts';
import type { WorkingDatabase } from './database.ts';
import { partSuffix, type StreamName } from './footagepaths.ts';
import type { SegmentFile } from './segmentfile.ts';

export interface SegmentWriter {
  /** `<camera>/<stream>/<seq>` */
  readonly id: string;
  readonly seq: number;
  /** Below `footage/`, without `.part`. */
  readonly path: string;
  /** Sealed and not yet written. */
  readonly backlogBytes: number;
  /** The first write error; appending after it does nothing. */
  readonly failure: SallyportError | undefined;
  readonly plainBytes: number;
  /** Whole boxes; copied at once. `keyFrameTimeMs`, since the segment's start, when they begin with a key frame. */
  append(bytes: Uint8Array, keyFrameTimeMs?: number): void;
  takeFileKey(): FileKey;
  /** Durable file, then row and audit line in one transaction. May be called again after a failure. SP_WRITE, SP_DATABASE; SP_SLOT_MISSING when the period was purged. */
  close(end: { durationMs: number; reason: 'continuous' | 'alarm' | 'manual' }): Promise<SegmentRow>;
  /** Leaves the `.part` for the next start's recovery. */
  abandon(): Promise<void>;
}

export interface WriterFacts {
  readonly period: Period;
  readonly stream: StreamName;
  readonly seq: number;
  readonly path: string;
  readonly boot: string;
  readonly monoMs: number;
  readonly startMs: UnixMs;
}

export interface WriterParts {
  readonly footage: string;
  readonly clock: Clock;
  readonly database: WorkingDatabase;
  /** The row that notes the beginning; waited for before the row of the end. */
  readonly noted: Promise<void>;
  /** The close of the stream's segment before this one, if it is under way: rows come in the order of their numbers. */
  readonly previous: () => Promise<unknown>;
  readonly ended: () => void;
}

type Closed = Awaited<ReturnType<SegmentFile['close']>>;

export class OpenSegment implements SegmentWriter {
  readonly facts: WriterFacts;
  readonly #file: SegmentFile;
  readonly #parts: WriterParts;
  #fileClosed: Promise<Closed> | undefined;
  #closing: Promise<SegmentRow> | undefined;
  #purged = false;

  constructor(facts: WriterFacts, file: SegmentFile, parts: WriterParts) {
    this.facts = facts;
    this.#file = file;
    this.#parts = parts;
  }

  get id(): string { return segmentId({ camera: this.facts.period.camera, stream: this.facts.stream, seq: this.facts.seq }); }
  get seq(): number { return this.facts.seq; }
  get path(): string { return this.facts.path; }
  get backlogBytes(): number { return this.#file.backlogBytes; }
  get failure(): SallyportError | undefined { return this.#purged ? this.#gone() : this.#file.failure; }
  get plainBytes(): number { return this.#file.plainBytes; }

  /** Resolves, never rejects, when a close that is under way has ended. */
  get settled(): Promise<unknown> { return this.#closing?.catch(() => {}) ?? Promise.resolve(); }

  append(bytes: Uint8Array, keyFrameTimeMs?: number): void {
    if (this.#purged) return;
    if (keyFrameTimeMs === undefined) this.#file.append(bytes);
    else this.#file.append(bytes, Math.round(keyFrameTimeMs));
  }

  takeFileKey(): FileKey {
    return this.#file.takeFileKey();
  }

  /** The period's slot is being shredded: what is written here is garbage from now on. */
  purge(): void {
    this.#purged = true;
  }

  close(end: { durationMs: number; reason: 'continuous' | 'alarm' | 'manual' }): Promise<SegmentRow> {
    const closing = this.#close(end);
    this.#closing = closing;
    return closing;
  }

  async abandon(): Promise<void> {
    await this.#file.abandon();
    if (this.#purged) await this.#discard();
    this.#parts.ended();
  }

  async #close({ durationMs, reason }: { durationMs: number; reason: 'continuous' | 'alarm' | 'manual' }): Promise<SegmentRow> {
    if (this.#purged && this.#fileClosed === undefined) await this.#refuse(() => this.#file.abandon());
    this.#fileClosed ??= this.#file.close();
    const previous = this.#parts.previous();
    let closed: Closed;
    try {
      closed = await this.#fileClosed;
    } catch (error) {
      // A purge may have taken the file away under its hands.
      if (this.#purged) await this.#refuse(async () => {});
      throw error;
    }
    await previous;
    await this.#parts.noted;
    const { period, stream, seq, path, boot, monoMs, startMs } = this.facts;
    const row = await this.#parts.database.call('addSegment', {
      what: 'segment.closed',
      atMs: this.#parts.clock.wallMs(),
      segment: { ...closed, periodId: period.id, camera: period.camera, stream, seq, path, boot, monoMs, startMs, durationMs: Math.max(0, Math.round(durationMs)), reason, cutChunks: undefined },
    });
    if (row === undefined) return this.#refuse(async () => {});
    this.#parts.ended();
    return row;
  }

  async #refuse(before: () => Promise<void>): Promise<never> {
    await before();
    await this.#discard();
    this.#parts.ended();
    throw this.#gone();
  }

  async #discard(): Promise<void> {
    const file = join(this.#parts.footage, this.facts.path);
    await removeFile(file);
    await removeFile(file + partSuffix);
  }

  #gone(): SallyportError {
    return new SallyportError('SP_SLOT_MISSING', { what: this.facts.path });
  }
}
