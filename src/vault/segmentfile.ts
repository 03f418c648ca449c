/** One open segment: sealed as it comes, appended in order, synced now and then, and given its name at the end. Knows no database. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { syncFolder } from '../base/files.ts';
import type { FileKey } from '../seal/filekey.ts';
import { metadataBox, type SegmentMetadata } from '../seal/metadata.ts';
import { paddingBox } from '../seal/padme.ts';
import { StreamSealer } from '../seal/sealer.ts';
import { isThumbnail, thumbnailBox, type ThumbnailPlace } from '../seal/thumbnail.ts';
import { parseSegmentPath, partSuffix } from './footagepaths.ts';

export interface SegmentFileOptions {
  /** The folder `footage` of the data folder. */
  readonly footage: string;
  /** Relative to it, without `.part`. */
  readonly path: string;
  /** The period's public key. */
  readonly recipient: string;
  readonly metadata: SegmentMetadata;
  readonly ftyp: Uint8Array;
  readonly moov: Uint8Array;
  readonly clock: Clock;
  /** How old unsynced bytes may become while more come (5,000). */
  readonly syncEveryMs?: number;
}

export interface ClosedSegment {
  readonly sizeBytes: number;
  /** Age header and payload nonce. */
  readonly headerBytes: number;
  readonly headerSha256: string;
  /** Of everything after them. */
  readonly bodySha256: string;
  readonly keyFrames: readonly (readonly [timeMs: number, plainOffset: number])[];
  /** Where its thumbnail's box lies in the plain bytes; absent when there is none. */
  readonly thumb?: ThumbnailPlace;
}

/** What is on the disk of a segment that did not come to its end. */
export interface SegmentRemains {
  /** The file is whole and synced; perhaps only its final name, or the sync of that, is lacking. */
  readonly whole: ClosedSegment | undefined;
  /** Of the `.part`: what a sync that succeeded covers. What lies behind it may be there, or only look so. */
  readonly syncedBytes: number;
  readonly headerBytes: number;
  readonly plainBytes: number;
  readonly keyFrames: readonly (readonly [timeMs: number, plainOffset: number])[];
}

/** Buffers of one writev: below the kernel's 1,024. */
const buffersAtOnce = 256;

export class SegmentFile {
  readonly #handle: FileHandle;
  readonly #file: string;
  readonly #sealer: StreamSealer;
  readonly #clock: Clock;
  readonly #syncEveryMs: number;
  readonly #body = createHash('sha256');
  readonly #keyFrames: [number, number][] = [];
  #waiting: Buffer[] = [];
  #backlogBytes = 0;
  /** Bytes in the file. */
  #sizeBytes: number;
  /** Bytes in the file that a sync covers. */
  #syncedBytes = 0;
  #syncFailed = false;
  #whole: ClosedSegment | undefined;
  /** Monotonic time at which the oldest unsynced bytes were handed over. */
  #unsyncedSinceMs: number | undefined;
  #writing: Promise<void> | undefined;
  #failure: SallyportError | undefined;
  #fileKeyTaken = false;
  #end: Promise<ClosedSegment> | undefined;

  private constructor(handle: FileHandle, file: string, sealer: StreamSealer, o: SegmentFileOptions) {
    this.#handle = handle;
    this.#file = file;
    this.#sealer = sealer;
    this.#clock = o.clock;
    this.#syncEveryMs = o.syncEveryMs ?? 5000;
    this.#sizeBytes = sealer.header.length;
  }

  /** Makes `<path>.part` (0600, its folders 0700) with the age header in it; `ftyp`, the metadata box and `moov` are its first plain bytes. SP_WRITE. */
  static async begin(o: SegmentFileOptions): Promise<SegmentFile> {
    if (parseSegmentPath(o.path)?.part !== false) throw new SallyportError('SP_INTERNAL', { reason: `"${o.path}" is no path of a segment` });
    const file = join(o.footage, o.path);
    const sealer = new StreamSealer([o.recipient]);
    try {
      const handle = await openPart(file, o.footage);
      await writeAll(handle, [sealer.header], 0).catch(async (error: unknown) => {
        await handle.close().catch(() => {});
        await unlink(file + partSuffix).catch(() => {});
        throw error;
      });
      const segment = new SegmentFile(handle, file, sealer, o);
      for (const box of [o.ftyp, metadataBox(o.metadata), o.moov]) segment.append(box);
      return segment;
    } catch (error) {
      sealer.fileKey.close();
      sealer.close();
      throw writeError(file, error);
    }
  }

  /** Sealed bytes that are not in the file yet. Nothing bounds them here: whoever appends stops when they are too many. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** The first write that failed (SP_WRITE). What is appended after it is dropped; `close` throws it. */
  get failure(): SallyportError | undefined {
    return this.#failure;
  }

  get plainBytes(): number {
    return this.#sealer.plainBytes;
  }

  /** After `close` failed or `abandon`. */
  get remains(): SegmentRemains {
    return { whole: this.#whole, syncedBytes: this.#syncedBytes, headerBytes: this.#sealer.header.length, plainBytes: this.#sealer.plainBytes, keyFrames: this.#keyFrames };
  }

  /** What comes after it is dropped, as after a failed write: the disk is given up. */
  fail(error: SallyportError): void {
    this.#failure ??= error;
    this.#dropWaiting();
  }

  /**
   * Never waits for the disk; `bytes` are the caller's again at the return.
   * @param keyFrameTimeMs When these bytes begin with a key frame: its time since the segment's start.
   */
  append(bytes: Uint8Array, keyFrameTimeMs?: number): void {
    if (this.#failure !== undefined) return;
    if (keyFrameTimeMs !== undefined) {
      const lastMs = this.#keyFrames.at(-1)?.[0] ?? 0;
      this.#keyFrames.push([Math.max(lastMs, Math.round(keyFrameTimeMs)), this.#sealer.plainBytes]);
    }
    for (const chunk of this.#sealer.push(bytes)) this.#queue(chunk);
    if (this.#waiting.length > 0 || this.#syncDue()) this.#startWriting();
  }

  /** The caller owns it from then on. Once. */
  takeFileKey(): FileKey {
    if (this.#fileKeyTaken || this.#end !== undefined) throw new SallyportError('SP_INTERNAL', { reason: 'a file key was asked for twice, or after its segment' });
    this.#fileKeyTaken = true;
    return this.#sealer.fileKey;
  }

  /**
   * Pads, marks the end, syncs, names the file and syncs its folder. SP_WRITE leaves the file as it is; `remains` says what that is worth.
   * @param thumbnail A JPEG that goes in before the padding, if it is one that may (`isThumbnail`); the caller's again at the return.
   */
  close(thumbnail?: Uint8Array): Promise<ClosedSegment> {
    this.#end ??= this.#finish(thumbnail);
    return this.#end;
  }

  /** Lets go of the file as a crash would, but for what was appended before; `remains` says what that is worth. */
  async abandon(): Promise<void> {
    if (this.#end !== undefined) return void (await this.#end.catch(() => {}));
    const stopped = new SallyportError('SP_STOPPED', { what: this.#file });
    this.#end = this.#drain().then(() => {
      throw stopped;
    }).finally(() => this.#release());
    await this.#end.catch(() => {});
  }

  async #finish(thumbnail: Uint8Array | undefined): Promise<ClosedSegment> {
    try {
      let thumb: ThumbnailPlace | undefined;
      if (this.#failure === undefined) {
        thumb = this.#appendThumbnail(thumbnail);
        this.append(paddingBox(this.#sealer.plainBytes));
        this.#queue(this.#sealer.finish());
      }
      await this.#drain();
      if (this.#failure !== undefined) throw this.#failure;
      await this.#sync();
      this.#whole = {
        sizeBytes: this.#sizeBytes,
        headerBytes: this.#sealer.header.length,
        headerSha256: createHash('sha256').update(this.#sealer.header).digest('hex'),
        bodySha256: this.#body.digest('hex'),
        keyFrames: this.#keyFrames,
        ...(thumb === undefined ? {} : { thumb }),
      };
      await rename(this.#file + partSuffix, this.#file);
      await syncFolder(dirname(this.#file));
      return this.#whole;
    } catch (error) {
      this.#failure ??= writeError(this.#file, error);
      throw this.#failure;
    } finally {
      await this.#release();
    }
  }

  #appendThumbnail(jpeg: Uint8Array | undefined): ThumbnailPlace | undefined {
    if (jpeg === undefined || !isThumbnail(jpeg)) return undefined;
    const box = thumbnailBox(jpeg);
    const place = [this.#sealer.plainBytes, box.length] as const;
    this.append(box);
    box.fill(0);
    return place;
  }

  async #release(): Promise<void> {
    this.#sealer.close();
    if (!this.#fileKeyTaken) this.#sealer.fileKey.close();
    // A write failed, or the segment is given up: what the file has is worth keeping up to here.
    if (this.#syncedBytes < this.#sizeBytes && !this.#syncFailed) await this.#sync().catch(() => {});
    // What a failing close could lose was synced before, or is given up.
    await this.#handle.close().catch(() => {});
  }

  #queue(chunk: Buffer): void {
    this.#body.update(chunk);
    this.#waiting.push(chunk);
    this.#backlogBytes += chunk.length;
    this.#unsyncedSinceMs ??= this.#clock.monotonicMs();
  }

  #syncDue(): boolean {
    return this.#unsyncedSinceMs !== undefined && this.#clock.monotonicMs() - this.#unsyncedSinceMs >= this.#syncEveryMs;
  }

  async #drain(): Promise<void> {
    for (this.#startWriting(); this.#writing !== undefined; ) await this.#writing;
  }

  /** One writer at a time, so chunks stay in order. */
  #startWriting(): void {
    this.#writing ??= this.#writeWaiting().catch((error: unknown) => {
      this.#failure ??= writeError(this.#file, error);
      this.#dropWaiting();
    }).finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) this.#startWriting();
    });
  }

  async #writeWaiting(): Promise<void> {
    // What comes in one batch is written with one call: to wake a thread for each chunk costs more than to seal it.
    await setImmediate();
    while (this.#waiting.length > 0 || this.#syncDue()) {
      const chunks = this.#waiting.splice(0, buffersAtOnce);
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      await writeAll(this.#handle, chunks, this.#sizeBytes);
      // Written, and hashed when it was queued; nobody else has it.
      for (const chunk of chunks) StreamSealer.recycle(chunk);
      this.#sizeBytes += bytes;
      this.#backlogBytes = Math.max(0, this.#backlogBytes - bytes);
      if (this.#syncDue()) await this.#sync();
    }
  }

  /**
   * After a sync that failed the kernel calls the pages clean, though they never reached the disk, and still shows them to readers: a
   * later sync that succeeds says nothing of them. So nothing behind the last good sync is ever trusted again.
   */
  async #sync(): Promise<void> {
    const bytes = this.#sizeBytes;
    // What is handed over while the disk works is not covered by this sync.
    this.#unsyncedSinceMs = this.#waiting.length > 0 ? this.#clock.monotonicMs() : undefined;
    try {
      await this.#handle.datasync();
    } catch (error) {
      this.#syncFailed = true;
      throw error;
    }
    this.#syncedBytes = bytes;
  }

  #dropWaiting(): void {
    this.#waiting = [];
    this.#backlogBytes = 0;
  }
}

/** A new file that nobody else has; folders on the way are made durable. Purging may take an empty folder away in between. */
async function openPart(file: string, footage: string): Promise<FileHandle> {
  if ((await lstat(file).catch(() => undefined)) !== undefined) throw new Error('a segment of that name exists already');
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  for (let tries = 0; ; tries++) {
    try {
      return await open(file + partSuffix, flags, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 3) throw error;
      await makeFolders(dirname(file), footage);
    }
  }
}

/** `folder` and what is missing above it, down from `footage`: 0700, each name synced. `footage` itself is never made: its disk is gone then. */
async function makeFolders(folder: string, footage: string): Promise<void> {
  if (folder === footage) throw Object.assign(new Error(`${footage} is not there`), { code: 'ENOENT' });
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw error;
    await makeFolders(dirname(folder), footage);
    return makeFolders(folder, footage);
  }
  await syncFolder(dirname(folder));
}

/** All of `buffers` at `position`, also when the kernel takes less at a time. */
async function writeAll(handle: FileHandle, buffers: readonly Buffer[], position: number): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.length > 0);
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest, position);
    position += bytesWritten;
    rest = rest.flatMap((buffer) => {
      const done = Math.min(bytesWritten, buffer.length);
      bytesWritten -= done;
      return done === buffer.length ? [] : [buffer.subarray(done)];
    });
  }
}

function writeError(file: string, error: unknown): SallyportError {
  return error instanceof SallyportError ? error : new SallyportError('SP_WRITE', { file: file + partSuffix, reason: reasonOf(error) }, error);
}
