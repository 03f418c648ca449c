/**
 * The segments that are being written: their numbers, which of a stream's closes before which, and what a failing disk left of them. Also
 * which periods take no more: those that are to end, and those that are on their way out.
 */
import { join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { removeFile } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import type { DiskKeeper } from './diskkeeper.ts';
import { partSuffix, segmentPath, type StreamName } from './footagepaths.ts';
import type { Parts } from './parts.ts';
import type { Period } from './periodtable.ts';
import { Salvage, type Leftover } from './salvage.ts';
import { SegmentFile } from './segmentfile.ts';
import { segmentId } from './segmenttable.ts';
import { OpenSegment, type SegmentWriter } from './writer.ts';

export interface SegmentBeginning {
  readonly period: Period;
  readonly stream: StreamName;
  readonly ftyp: Uint8Array;
  readonly moov: Uint8Array;
  /** Wall and monotonic time of the first frame. */
  readonly wallMs: UnixMs;
  readonly monoMs: number;
  readonly boot: string;
  readonly clockState: 'synchronised' | 'unsynchronised';
}

const garbageMax = 1_000;
/** Periods that were purged since the start; a recorder's stale period is known by them. */
const purgedKept = 10_000;

export class OpenSegments {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #disk: DiskKeeper;
  readonly #open = new Map<string, OpenSegment>();
  readonly #salvage = new Salvage();
  /** Files that could not be removed when they should have been; absolute paths. */
  readonly #garbage = new Set<string>();
  /** Paths of segments whose file is being made. */
  readonly #beginning = new Set<string>();
  readonly #nextSeqs = new Map<string, number>();
  readonly #purged = new Set<number>();
  /** Periods that take no new segments, because they are about to be purged before their end. */
  readonly #full = new Set<number>();

  constructor(o: { readonly clock: Clock; readonly log: Log; readonly disk: DiskKeeper }) {
    this.#clock = o.clock;
    this.#log = o.log;
    this.#disk = o.disk;
  }

  get backlogBytes(): number {
    return [...this.#open.values()].reduce((sum, writer) => sum + writer.backlogBytes, 0);
  }

  async begin(parts: Parts, s: SegmentBeginning): Promise<SegmentWriter> {
    const { period, stream, boot } = s;
    const seq = this.#takeSeq(period.camera, stream);
    const startMs = Math.round(s.wallMs);
    const monoMs = Math.round(s.monoMs);
    const path = segmentPath(period.camera, period.startMs, { startMs, seq, stream });
    if (this.#purged.has(period.id)) throw new SallyportError('SP_SLOT_MISSING', { what: path });
    await this.#disk.checkPlace(parts);
    // A hint for recovery; that it failed is no reason to lose the segment.
    parts.database.call('noteBegun', { camera: period.camera, stream, seq, periodId: period.id, boot, monoMs, startMs }).catch((error: unknown) => this.#disk.suspect(error));
    const file = await this.#beginFile(path, {
      footage: parts.footage, path, recipient: period.recipient, ftyp: s.ftyp, moov: s.moov, clock: this.#clock,
      metadata: { v: 1, camera: period.camera, stream, seq, boot, mono_ms: monoMs, wall_ms: startMs, clock: s.clockState },
    });
    const id = segmentId({ camera: period.camera, stream, seq });
    const writer = new OpenSegment({ period, stream, seq, path, boot, monoMs, startMs }, file, {
      footage: parts.footage, clock: this.#clock, database: parts.database,
      previous: () => this.#earlierCloses(period.camera, stream, seq),
      earlierBacklogBytes: () => this.#earlier(period.camera, stream, seq).reduce((sum, { ownBacklogBytes }) => sum + ownBacklogBytes, 0),
      ended: (leftover) => this.#ended(id, leftover),
    });
    this.#open.set(id, writer);
    if (!this.#disk.holds(parts)) {
      await writer.abandon({ durationMs: 0, gap: 'disk' });
      throw this.#disk.error();
    }
    if (this.#full.has(period.id)) writer.end();
    if (this.#purged.has(period.id)) {
      writer.purge();
      await writer.abandon();
      throw new SallyportError('SP_SLOT_MISSING', { what: path });
    }
    return writer;
  }

  /** Those of that period. */
  of(periodId: number): OpenSegment[] {
    return [...this.#open.values()].filter(({ facts }) => facts.period.id === periodId);
  }

  /** Of its segments that are open or that the salvage waits for: paths below footage/, without `.part`. */
  pathsOf(periodId: number): string[] {
    return [...this.of(periodId).map(({ path }) => path), ...this.#salvage.pathsOf(periodId)];
  }

  /** Below footage/, without `.part`: an open segment, or one that the salvage waits for. */
  isInHand(path: string): boolean {
    return this.#salvage.has(path) || this.#beginning.has(path) || [...this.#open.values()].some((writer) => writer.path === path);
  }

  isFull(periodId: number): boolean {
    return this.#full.has(periodId);
  }

  isLeaving(periodId: number): boolean {
    return this.#purged.has(periodId);
  }

  /** Nothing more is sealed to these periods; answers how many of their segments are open still, or wait for a failing disk. */
  endPeriods(ids: readonly number[]): number {
    for (const id of ids) this.#full.add(id);
    const open = ids.flatMap((id) => this.of(id));
    for (const writer of open) writer.end();
    return open.length + ids.reduce((sum, id) => sum + this.#salvage.pathsOf(id).length, 0);
  }

  resumePeriods(ids: readonly number[]): void {
    for (const id of ids) this.#full.delete(id);
  }

  /** These periods are being purged: what is written to them is garbage from now on. */
  leave(periodIds: readonly number[]): void {
    for (const id of periodIds) this.#purged.add(id);
    this.resumePeriods(periodIds);
    for (const id of this.#purged) {
      if (this.#purged.size <= purgedKept) break;
      this.#purged.delete(id);
    }
    for (const writer of this.#open.values()) if (this.#purged.has(writer.facts.period.id)) writer.purge();
  }

  /** The disk is given up. */
  fail(error: SallyportError): void {
    for (const writer of this.#open.values()) writer.fail(error);
  }

  raiseSeqs(seqs: readonly { readonly camera: string; readonly stream: StreamName; readonly nextSeq: number }[]): void {
    for (const { camera, stream, nextSeq } of seqs) {
      const key = `${camera}/${stream}`;
      this.#nextSeqs.set(key, Math.max(nextSeq, this.#nextSeqs.get(key) ?? 0));
    }
  }

  /** What a failing disk left of segments; `now` tries all. Never rejects; answers the first failure. */
  settle({ footage, database }: Parts, now = false): Promise<SallyportError | undefined> {
    return this.#salvage.settle({ footage, database, clock: this.#clock, log: this.#log }, now);
  }

  async removeGarbage(): Promise<void> {
    for (const file of this.#garbage) {
      await removeFile(file);
      this.#garbage.delete(file);
    }
  }

  /** Waits for closes that are under way, and gives up what else is open. */
  async abandonAll(): Promise<void> {
    await Promise.all([...this.#open.values()].map(async (writer) => {
      await writer.settled;
      if (this.#open.has(writer.id)) await writer.abandon();
    }));
  }

  async #beginFile(path: string, options: Parameters<typeof SegmentFile.begin>[0]): Promise<SegmentFile> {
    this.#beginning.add(path);
    try {
      return await SegmentFile.begin(options);
    } catch (error) {
      if (this.#garbage.size < garbageMax) this.#garbage.add(join(options.footage, path) + partSuffix);
      throw error;
    } finally {
      this.#beginning.delete(path);
    }
  }

  #ended(id: string, leftover: Leftover | undefined): void {
    this.#open.delete(id);
    if (leftover === undefined) return;
    this.#salvage.add(leftover);
    this.#disk.suspect(leftover);
  }

  #takeSeq(camera: string, stream: StreamName): number {
    const key = `${camera}/${stream}`;
    const seq = this.#nextSeqs.get(key) ?? 1;
    this.#nextSeqs.set(key, seq + 1);
    return seq;
  }

  #earlier(camera: string, stream: StreamName, seq: number): OpenSegment[] {
    return [...this.#open.values()].filter(({ facts }) => facts.period.camera === camera && facts.stream === stream && facts.seq < seq);
  }

  async #earlierCloses(camera: string, stream: StreamName, seq: number): Promise<void> {
    await Promise.all(this.#earlier(camera, stream, seq).map(({ settled }) => settled));
  }
}
