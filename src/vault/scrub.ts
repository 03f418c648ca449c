/**
 * Looks, without any key, whether what lies on the disk is still what was written: each segment and second header by the hashes in its row,
 * each hour list by its own, each listed period's rows by their root. What differs is noted where it belongs: rot in the segment's row (and from there
 * in its hour list), a rotten or lost list by writing it anew. Nothing is ever deleted here.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, UnixMs } from '../base/clock.ts';
import { isSallyportError, reasonOf } from '../base/errors.ts';
import { readFileBounded } from '../base/files.ts';
import type { Name } from './database.ts';
import type { ScrubRow } from './diskoperations.ts';
import { hashFile } from './filehash.ts';
import { hourListPath } from './footagepaths.ts';
import { hourListBytesMax } from './hourlist.ts';
import { wrongWithHold } from './holds.ts';
import type { HoldRow } from './holdtable.ts';
import type { ListFile } from './listtable.ts';
import type { Operations } from './operations.ts';

/** Called after each piece that was read; waits as long as reading should rest, and throws to stop. */
export type Pacer = (bytes: number) => Promise<void>;

/** The database, while its disk is there. */
type Call = <K extends Name>(op: K, ...args: Parameters<Operations[K]>) => Promise<ReturnType<Operations[K]>>;

export interface Finding {
  readonly kind: 'whole' | 'damaged' | 'missing' | 'unreadable';
  /** In words; empty when it is whole. */
  readonly reason: string;
}

const whole: Finding = { kind: 'whole', reason: '' };

export class Scrub {
  readonly #o: { readonly footage: string; readonly call: Call; readonly clock: Clock };

  constructor(o: { footage: string; call: Call; clock: Clock }) {
    this.#o = o;
  }

  /** In the order in which they were recorded: at most `limit` after row `afterRowId`. */
  segments(afterRowId: number, limit: number): Promise<ScrubRow[]> {
    return this.#o.call('scrubRows', { afterRowId, limit });
  }

  count(): Promise<number> {
    return this.#o.call('countSegments');
  }

  /** What is known to be damaged or missing, by camera. */
  known(): Promise<{ camera: string; damaged: number; missing: number; firstPath: string; firstMs: UnixMs }[]> {
    return this.#o.call('knownDamage');
  }

  /** Reads the file of a row, and notes what is found where it differs from what was known. A row that was purged meanwhile is whole. */
  async segment(row: ScrubRow, pace: Pacer): Promise<Finding> {
    const finding = await this.#examine(row, pace);
    const known = row.state === 'missing' ? 'missing' : row.damagedMs === undefined ? 'whole' : 'damaged';
    const found = finding.kind === 'unreadable' ? 'damaged' : finding.kind;
    if (found === known) return finding;
    const stands = await this.#o.call('scrubbed', { rowId: row.rowId, found, reason: finding.reason, atMs: this.#o.clock.wallMs() });
    return stands ? finding : whole;
  }

  async #examine(row: ScrubRow, pace: Pacer): Promise<Finding> {
    const file = join(this.#o.footage, row.path);
    try {
      const { size } = await stat(file);
      if (size !== row.sizeBytes) return { kind: 'damaged', reason: `it has ${size} bytes, its row says ${row.sizeBytes}` };
      const found = await hashFile(file, row.headerBytes, pace);
      if (found.headerSha256 !== row.headerSha256) return { kind: 'damaged', reason: 'its header is not what was written' };
      if (found.bodySha256 !== row.bodySha256) return { kind: 'damaged', reason: 'what follows its header is not what was written' };
      return whole;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code === 'ENOENT' || code === 'ENOTDIR') && row.archivedAt !== undefined) return whole;
      if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing', reason: 'there is no such file' };
      // Whoever paces may stop us.
      if (code === undefined || isSallyportError(error)) throw error;
      return { kind: 'unreadable', reason: reasonOf(error) };
    }
  }

  holds(after: { periodId: number; segmentId: number }, limit: number): Promise<HoldRow[]> {
    return this.#o.call('holdsAfter', { ...after, limit });
  }

  /** Of a second header, noted where it changed: what is wrong with it, in words. */
  async hold({ periodId, segmentId, camera, path, sha256, damaged: known }: HoldRow): Promise<string | undefined> {
    const damaged = await wrongWithHold(join(this.#o.footage, path), sha256);
    if ((damaged !== undefined) !== known) await this.#o.call('holdScrubbed', { periodId, segmentId, camera, path, damaged, atMs: this.#o.clock.wallMs() });
    return damaged;
  }

  lists(afterId: number, limit: number): Promise<ListFile[]> {
    return this.#o.call('scrubLists', { afterId, limit });
  }

  /** False when the list is not what was written: then it is written anew from its rows at the next look of the purge duty. */
  async list({ id, camera, startMs, slot, sha256 }: ListFile): Promise<boolean> {
    const path = hourListPath(camera, startMs, slot);
    const bytes = await readFileBounded(join(this.#o.footage, path), hourListBytesMax).catch(() => undefined);
    if (bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === sha256) return true;
    return !(await this.#o.call('listRotten', { periodId: id, sha256, path, reason: bytes === undefined ? 'missing' : 'damaged', atMs: this.#o.clock.wallMs() }));
  }

  /** False when a listed period's rows are not those that were there when its list was written: the database was altered, or part of it put back. */
  rowsHold(periodId: number): Promise<boolean> {
    return this.#o.call('rowsHold', { periodId });
  }

  listedPeriods(afterId: number, limit: number): Promise<number[]> {
    return this.#o.call('listedPeriods', { afterId, limit });
  }
}
