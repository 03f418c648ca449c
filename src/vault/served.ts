/**
 * Sealed footage as it is given out: a slot's text, and a segment's bytes as they lie on the disk. Nothing here opens anything. No handle
 * stays open between two reads: a visitor who takes his time keeps no disk from being unmounted and no purged file alive.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { PeriodFacts } from './periodtable.ts';
import type { SegmentRow } from './segmenttable.ts';
import type { StreamName } from './footagepaths.ts';

export interface SegmentName {
  readonly camera: string;
  readonly stream: StreamName;
  readonly seq: number;
}

/** A closed segment of a live period, with its period and those that have a second header of it. */
export interface ServedRow {
  readonly row: SegmentRow;
  readonly period: PeriodFacts;
  readonly holds: readonly { readonly period: PeriodFacts; /** Hex. */ readonly sha256: string }[];
}

const readBytes = 2 ** 18;
/** O_NONBLOCK: a FIFO in a segment's place must not hold us up. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface SealedFileOptions extends ServedRow {
  /** The folder as it stands now; throws while the disk is away. */
  readonly footage: () => string;
  /** Whether a period is on its way out. */
  readonly isLeaving: (periodId: number) => boolean;
}

export class SealedFile {
  readonly row: SegmentRow;
  /** Each period whose key opens it. */
  readonly periods: readonly PeriodFacts[];
  readonly #o: SealedFileOptions;
  /** Which file it was at the first look. */
  #inode: number | undefined;

  private constructor(o: SealedFileOptions) {
    this.#o = o;
    this.row = o.row;
    this.periods = [...new Map([o.period, ...o.holds.map(({ period }) => period)].map((period) => [period.id, period])).values()];
  }

  /** SP_SEGMENT_MISSING, SP_SEGMENT_DAMAGED when it is shorter than its row says, SP_READ, SP_DISK. */
  static async open(o: SealedFileOptions): Promise<SealedFile> {
    const file = new SealedFile(o);
    await file.#with(async () => {});
    return file;
  }

  get size(): number {
    return this.row.sizeBytes;
  }

  /** The bytes from `from` up to, but without, `to`. When it is purged meanwhile: SP_SEGMENT_MISSING. Else as `open`. */
  async *read(from = 0, to = this.size): AsyncGenerator<Buffer> {
    const end = Math.min(to, this.size);
    for (let at = Math.max(0, from); at < end;) {
      const bytes = await this.#with((handle) => readSome(handle, at, Math.min(readBytes, end - at)));
      if (bytes.length === 0) throw this.#damaged(`it ends before byte ${at + 1}`);
      at += bytes.length;
      yield bytes;
    }
  }

  async #with<T>(use: (handle: FileHandle) => Promise<T>): Promise<T> {
    const { footage, row } = this.#o;
    if (this.#isLeaving()) throw this.#missing();
    const path = join(footage(), row.path);
    try {
      const handle = await open(path, flags);
      try {
        await this.#check(handle);
        const result = await use(handle);
        if (this.#isLeaving()) throw this.#missing();
        return result;
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (error instanceof SallyportError) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw this.#missing(error);
      throw new SallyportError('SP_READ', { file: path, reason: reasonOf(error) }, error);
    }
  }

  async #check(handle: FileHandle): Promise<void> {
    const info = await handle.stat();
    if (!info.isFile()) throw this.#damaged('it is no regular file');
    if (info.size < this.size) throw this.#damaged(`it has ${info.size} of ${this.size} bytes`);
    if (this.#inode !== undefined && info.ino !== this.#inode) throw this.#damaged('it was replaced while it was read');
    this.#inode = info.ino;
  }

  /** With one of its periods the others may keep it. */
  #isLeaving(): boolean {
    return this.periods.every(({ id }) => this.#o.isLeaving(id));
  }

  #missing(cause?: unknown): SallyportError {
    return new SallyportError('SP_SEGMENT_MISSING', { file: this.row.path }, cause);
  }

  #damaged(reason: string): SallyportError {
    return new SallyportError('SP_SEGMENT_DAMAGED', { file: this.row.path, reason });
  }
}

async function readSome(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  return bytes.subarray(0, bytesRead);
}
