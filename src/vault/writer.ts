/**
 * One open segment as the recorder sees it: the sealed file (segmentfile.ts) and, once that is durable under its final name, its row.
 * A segment whose period is purged meanwhile is refused and removed, never catalogued. One whose end failed is left to the vault's
 * salvage (salvage.ts).
 */
import { join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { removeFile } from '../base/files.ts';
import type { GapReason } from '../policy/gaps.ts';
import type { FileKey } from '../seal/filekey.ts';
import type { Period } from './periodtable.ts';
import { segmentId, type NewSegment, type SegmentRow } from './segmenttable.ts';
import type { WorkingDatabase } from './database.ts';
import { partSuffix, type StreamName } from './footagepaths.ts';
import type { Leftover } from './salvage.ts';
import type { ClosedSegment, SegmentFile } from './segmentfile.ts';

export interface SegmentWriter {
  /** `<camera>/<stream>/<seq>` */
  readonly id: string;
  readonly seq: number;
  /** Below `footage/`, without `.part`. */
  readonly path: string;
  /** Sealed and not yet written, of this segment and of those of its stream that are still being closed. */
  readonly backlogBytes: number;
  /** The first write error; appending after it does nothing. */
  readonly failure: SallyportError | undefined;
  readonly plainBytes: number;
  /** Its period takes no more: it is to be closed at the next key frame. */
  readonly wantsEnd: boolean;
  /** Whole boxes; copied at once. `keyFrameTimeMs`, since the segment's start, when they begin with a key frame. */
  append(bytes: Uint8Array, keyFrameTimeMs?: number): void;
  takeFileKey(): FileKey;
  /**
   * Durable file, then row and audit line in one transaction; once. After SP_WRITE, SP_DISK or SP_DATABASE nothing is acknowledged, and the
   * vault goes on by itself: it catalogues what is there as soon as the disk lets it, and notes the rest as a gap. SP_SLOT_MISSING when
   * the period was purged.
   */
  close(end: SegmentEnd): Promise<SegmentRow>;
  /** Gives the segment up where it is; the vault keeps what is on the disk of it, and notes the rest as a gap. Without `end` the next start's recovery does. */
  abandon(end?: { durationMs: number; gap: GapReason }): Promise<void>;
}

export interface SegmentEnd {
  readonly durationMs: number;
  readonly reason: 'continuous' | 'alarm' | 'manual';
  /** A small JPEG of its first picture, to lie in it; the caller's again when `close` has returned its promise. */
  readonly thumbnail?: Uint8Array;
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
  /** The close of the stream's segment before this one, if it is under way: rows come in the order of their numbers. */
  readonly previous: () => Promise<unknown>;
  /** What the stream's segments before this one have not written yet. */
  readonly earlierBacklogBytes: () => number;
  /** With what is left when it did not come to its row. */
  readonly ended: (leftover?: Leftover) => void;
}

export class OpenSegment implements SegmentWriter {
  readonly facts: WriterFacts;
  readonly #file: SegmentFile;
  readonly #parts: WriterParts;
  #closing: Promise<SegmentRow> | undefined;
  #purged = false;
  #wantsEnd = false;

  constructor(facts: WriterFacts, file: SegmentFile, parts: WriterParts) {
    this.facts = facts;
    this.#file = file;
    this.#parts = parts;
  }

  get id(): string { return segmentId({ camera: this.facts.period.camera, stream: this.facts.stream, seq: this.facts.seq }); }
  get seq(): number { return this.facts.seq; }
  get path(): string { return this.facts.path; }
  get backlogBytes(): number { return this.#file.backlogBytes + this.#parts.earlierBacklogBytes(); }
  get ownBacklogBytes(): number { return this.#file.backlogBytes; }
  get failure(): SallyportError | undefined { return this.#purged ? this.#gone() : this.#file.failure; }
  get plainBytes(): number { return this.#file.plainBytes; }
  get wantsEnd(): boolean { return this.#wantsEnd; }

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

  /** Its period takes no more; until its recorder closes it, it goes on. */
  end(): void {
    this.#wantsEnd = true;
  }

  /** The disk is given up: nothing more is written, and whoever appends sees the failure. */
  fail(error: SallyportError): void {
    this.#file.fail(error);
  }

  close(end: SegmentEnd): Promise<SegmentRow> {
    this.#closing ??= this.#close(end);
    return this.#closing;
  }

  async abandon(end?: { durationMs: number; gap: GapReason }): Promise<void> {
    await this.#file.abandon();
    if (this.#purged) await this.#discard().catch(() => {}); // Else the purge that is under way takes it, or the next start.
    this.#parts.ended(end === undefined || this.#purged ? undefined : this.#leftover(end.durationMs, 'continuous', end.gap));
  }

  async #close({ durationMs, reason, thumbnail }: SegmentEnd): Promise<SegmentRow> {
    if (this.#purged) return this.#refuse(() => this.#file.abandon());
    const previous = this.#parts.previous();
    let row: SegmentRow | undefined;
    try {
      const closed = await this.#file.close(thumbnail);
      await previous;
      row = await this.#parts.database.call('addSegment', {
        what: 'segment.closed', atMs: this.#parts.clock.wallMs(), segment: newSegment(this.facts, closed, { durationMs, reason }),
      });
    } catch (error) {
      // A purge may have taken the file away under its hands.
      if (this.#purged) return this.#refuse(async () => {});
      this.#parts.ended(this.#leftover(durationMs, reason, 'disk'));
      throw error;
    }
    if (row === undefined) return this.#refuse(async () => {});
    this.#parts.ended();
    return row;
  }

  #leftover(durationMs: number, reason: SegmentEnd['reason'], gap: GapReason): Leftover {
    return { facts: this.facts, remains: this.#file.remains, durationMs: Math.max(0, Math.round(durationMs)), reason, gap };
  }

  async #refuse(before: () => Promise<void>): Promise<never> {
    try {
      await before();
      await this.#discard();
    } finally {
      this.#parts.ended();
    }
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

/** The row of a segment that was closed. */
export function newSegment({ period, stream, seq, path, boot, monoMs, startMs }: WriterFacts, closed: ClosedSegment, { durationMs, reason }: SegmentEnd): NewSegment {
  return { ...closed, periodId: period.id, camera: period.camera, stream, seq, path, boot, monoMs, startMs, durationMs: Math.max(0, Math.round(durationMs)), reason, cutChunks: undefined };
}
