/** A sealed file as an opener's source. No handle stays open between reads, so an opener that nobody closes leaks nothing. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import type { ByteSource } from '../seal/opener.ts';
import { partSuffix } from './footagepaths.ts';

const readAheadBytes = 2 ** 20;

export class FileSource implements ByteSource {
  readonly size: number;
  readonly #file: string;
  #windowStart = 0;
  #window: Buffer = Buffer.alloc(0);

  private constructor(file: string, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** A `.part` that was finished in the meantime is read under its new name. `sizeMax` hides what lies beyond. SP_READ. */
  static async open(file: string, sizeMax = Number.POSITIVE_INFINITY): Promise<FileSource> {
    const size = await withFile(file, async (handle) => {
      const info = await handle.stat();
      if (!info.isFile()) throw new Error('is not a regular file');
      return info.size;
    });
    return new FileSource(file, Math.min(size, sizeMax));
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const at = offset - this.#windowStart;
    if (at >= 0 && at + length <= this.#window.length) return this.#window.subarray(at, at + length);
    const wanted = Math.max(0, Math.min(Math.max(length, readAheadBytes), this.size - offset));
    this.#window = await withFile(this.#file, (handle) => readFully(handle, offset, wanted));
    this.#windowStart = offset;
    if (this.#window.length < length) throw new SallyportError('SP_READ', { file: this.#file, reason: `it ends before byte ${offset + length}` });
    return this.#window.subarray(0, length);
  }
}

/** A file behind its second header: the first bytes come from the hold, the rest from the file. */
export class HeldSource implements ByteSource {
  readonly size: number;
  readonly #file: ByteSource;
  readonly #hold: Buffer;

  /** `hold` takes the place of as many bytes. */
  constructor(file: ByteSource, hold: Buffer) {
    this.size = file.size;
    this.#file = file;
    this.#hold = hold;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = await this.#file.read(offset, length);
    if (offset >= this.#hold.length) return bytes;
    const head = this.#hold.subarray(offset, offset + bytes.length);
    return Buffer.concat([head, bytes.subarray(head.length)]);
  }
}

async function readFully(handle: FileHandle, offset: number, wanted: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(wanted);
  let length = 0;
  while (length < wanted) {
    const { bytesRead } = await handle.read(bytes, length, wanted - length, offset + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  try {
    const handle = await openEither(file);
    try {
      return await use(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new SallyportError('SP_READ', { file, reason: reasonOf(error) }, error);
  }
}

async function openEither(file: string): Promise<FileHandle> {
  // O_NONBLOCK: a FIFO in a segment's place must not hold us up.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  return open(file, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || !file.endsWith(partSuffix)) throw error;
    return open(file.slice(0, -partSuffix.length), flags);
  });
}

/** It was there when it was named, and is not any more. */
export function isGone(error: unknown): boolean {
  return isSallyportError(error, 'SP_READ') && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
