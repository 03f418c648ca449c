/** One of the two keyring files: blocks of 4,096 bytes, each holding a slot's text and random bytes. `Keyring` keeps the two in step. */
import { hash, randomFill } from 'node:crypto';
import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { securePages } from '../seal/secure.ts';
import { slotBlockBytes, slotTextBytes } from '../seal/slot.ts';
import { noteBytes, noteOffset } from './periodnote.ts';

const fillAtRandom = promisify<Buffer, Buffer>(randomFill);

/** Blocks read at once, gaps between wanted ones included: 1 MiB, hashed in well under a millisecond. */
export const windowBlocks = 256;

export interface ShredTarget {
  readonly slot: number;
  readonly sha256: string;
}

export interface ShredOutcome {
  /** False: the block did not hold that text, and was left alone. */
  readonly overwritten: boolean;
  /** Read from the medium, past the page cache: the random bytes are there, or at least that text is not. */
  readonly readBack: boolean;
}

export class KeyringFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #blocks: number;
  /**
   * Overwritten, but the sync after it failed: the kernel shows the new bytes and calls them written, while the disk may still have the old
   * ones. They are overwritten once more, whatever they look like.
   */
  readonly #unsynced = new Set<number>();

  private constructor(path: string, handle: FileHandle, blocks: number) {
    this.path = path;
    this.#handle = handle;
    this.#blocks = blocks;
  }

  /** Makes the file when `create`. A last block that a crash left torn does not count, and is grown over. SP_KEYRING. */
  static async open(path: string, mode: 'read' | 'write' | 'create'): Promise<KeyringFile> {
    const flags = { read: constants.O_RDONLY, write: constants.O_RDWR, create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL };
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, flags[mode] | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
      const info = await handle.stat();
      if (!info.isFile()) throw new Error('is not a regular file');
      return new KeyringFile(path, handle, Math.floor(info.size / slotBlockBytes));
    } catch (error) {
      await handle?.close();
      throw new SallyportError('SP_KEYRING', { file: path, reason: reasonOf(error) }, error);
    }
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** The 1,024 text bytes of a block; undefined past the end. SP_KEYRING when the disk refuses. */
  async readText(slot: number): Promise<Buffer | undefined> {
    const text = Buffer.alloc(slotTextBytes);
    const length = await readAt(this.#handle, text, slot * slotBlockBytes).catch((error: unknown) => this.#failRead(error));
    return length === slotTextBytes ? text : undefined;
  }

  /** The bytes behind a block's text in which a note may lie; undefined past the end. SP_KEYRING. */
  async readNote(slot: number): Promise<Buffer | undefined> {
    const note = Buffer.alloc(noteBytes);
    const length = await readAt(this.#handle, note, slot * slotBlockBytes + noteOffset).catch((error: unknown) => this.#failRead(error));
    return length === noteBytes ? note : undefined;
  }

  /** False when the file that we hold open is not the one that has its name, or none has. */
  async isInPlace(): Promise<boolean> {
    const [held, named] = await Promise.all([this.#handle.stat(), stat(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') return this.#failRead(error);
      return undefined;
    })]);
    return named !== undefined && named.ino === held.ino && named.dev === held.dev;
  }

  /** A whole block, with what lies behind its text; undefined past the end. SP_KEYRING. */
  async readBlock(slot: number): Promise<Buffer | undefined> {
    const block = Buffer.alloc(slotBlockBytes);
    const length = await readAt(this.#handle, block, slot * slotBlockBytes).catch((error: unknown) => this.#failRead(error));
    return length === slotBlockBytes ? block : undefined;
  }

  /** As `readTexts`, from the medium where the page cache can be gone around; of a block that cannot be read: undefined. */
  async readTextsDirect(first: number): Promise<(Buffer | undefined)[]> {
    const count = Math.max(0, Math.min(windowBlocks, this.#blocks - first));
    const direct = count === 0 ? undefined : await this.#openDirect();
    try {
      const pages = securePages(Math.max(1, count) * slotBlockBytes).subarray(0, count * slotBlockBytes);
      const whole = await readAt(direct ?? this.#handle, pages, first * slotBlockBytes).catch(() => undefined);
      if (whole === pages.length) return Array.from({ length: count }, (_, at) => Buffer.from(blockIn(pages, at).subarray(0, slotTextBytes)));
    } finally {
      await direct?.close();
    }
    return Promise.all(Array.from({ length: count }, (_, at) => this.readText(first + at).catch(() => undefined)));
  }

  /** The texts of up to `windowBlocks` blocks from `first` on. SP_KEYRING. */
  async readTexts(first: number): Promise<Buffer[]> {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(windowBlocks, this.#blocks - first)) * slotBlockBytes);
    const length = await readAt(this.#handle, bytes, first * slotBlockBytes).catch((error: unknown) => this.#failRead(error));
    return Array.from({ length: Math.floor(length / slotBlockBytes) }, (_, at) => blockIn(bytes, at).subarray(0, slotTextBytes));
  }

  /** Writes a whole block, syncs it, and compares what the medium (or, where it cannot be asked, the page cache) gives back. SP_WRITE. */
  async writeBlock(slot: number, block: Buffer): Promise<void> {
    const at = slot * slotBlockBytes;
    try {
      await writeAt(this.#handle, block, at);
      await this.#handle.datasync();
      const back = securePages(slotBlockBytes);
      const direct = await this.#openDirect();
      const length = await readAt(direct ?? this.#handle, back, at).finally(() => direct?.close());
      if (length !== slotBlockBytes || !back.equals(block)) throw new Error('it gives back something else than was written');
    } catch (error) {
      throw new SallyportError('SP_WRITE', { file: this.path, reason: reasonOf(error) }, error);
    }
    this.#blocks = Math.max(this.#blocks, slot + 1);
    this.#unsynced.delete(slot);
  }

  /**
   * Overwrites the blocks in place that hold exactly the named text, then one fdatasync, then reads all of them back.
   * `targets` rise by slot. It may be repeated after a kill: what is gone already is synced and read back again.
   * SP_WRITE; SP_KEYRING when the medium does not give back what was written.
   */
  async shred(targets: readonly ShredTarget[]): Promise<ShredOutcome[]> {
    const written = new Map<number, Buffer>();
    const windows = windowsOf(targets);
    const scratch = Buffer.allocUnsafeSlow(windowBlocks * slotBlockBytes);
    try {
      for (const window of windows) await this.#overwrite(window, scratch, written);
      await this.#handle.datasync();
    } catch (error) {
      for (const slot of written.keys()) this.#unsynced.add(slot);
      throw isSallyportError(error) ? error : this.#failWrite(error);
    }
    for (const slot of written.keys()) this.#unsynced.delete(slot);
    const readBack = await this.#readBack(windows, written);
    return targets.map(({ slot }) => ({ overwritten: written.has(slot), readBack }));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #overwrite(window: readonly ShredTarget[], scratch: Buffer, written: Map<number, Buffer>): Promise<void> {
    const bytes = scratch.subarray(0, spanOf(window) * slotBlockBytes);
    const first = window[0]?.slot ?? 0;
    const length = await readAt(this.#handle, bytes, first * slotBlockBytes).catch((error: unknown) => this.#failRead(error));
    const onDisk = await this.#readWindowDirect(window);
    const present = window.filter(({ slot, sha256 }) => this.#unsynced.has(slot)
      || [bytes.subarray(0, length), onDisk].some((seen) => seen !== undefined && textHash(blockIn(seen, slot - first)) === sha256));
    try {
      await Promise.all(runsOf(present).map(async ([runFirst, count]) => {
        const random = await fillAtRandom(Buffer.allocUnsafeSlow(count * slotBlockBytes));
        await writeAt(this.#handle, random, runFirst * slotBlockBytes);
        for (let block = 0; block < count; block++) written.set(runFirst + block, blockIn(random, block));
      }));
    } catch (error) {
      this.#failWrite(error);
    }
  }

  /** What the medium has: after a sync that failed, perhaps before this hub started, it is not what the page cache shows. */
  async #readWindowDirect(window: readonly ShredTarget[]): Promise<Buffer | undefined> {
    const direct = await this.#openDirect();
    if (direct === undefined) return undefined;
    try {
      const pages = securePages(spanOf(window) * slotBlockBytes);
      const length = await readAt(direct, pages, (window[0]?.slot ?? 0) * slotBlockBytes);
      return pages.subarray(0, length);
    } catch {
      return undefined;
    } finally {
      await direct.close();
    }
  }

  async #readBack(windows: readonly (readonly ShredTarget[])[], written: ReadonlyMap<number, Buffer>): Promise<boolean> {
    const direct = await this.#openDirect();
    if (direct === undefined) return false;
    try {
      const pages = securePages(windowBlocks * slotBlockBytes);
      for (const window of windows) {
        const first = window[0]?.slot ?? 0;
        const length = await readAt(direct, pages.subarray(0, spanOf(window) * slotBlockBytes), first * slotBlockBytes);
        for (const { slot, sha256 } of window) this.#checkBack(blockIn(pages.subarray(0, length), slot - first), slot, sha256, written.get(slot));
      }
      return true;
    } catch (error) {
      if (isSallyportError(error)) throw error;
      return false;
    } finally {
      await direct.close();
    }
  }

  #checkBack(back: Buffer, slot: number, sha256: string, written: Buffer | undefined): void {
    const gone = written === undefined ? textHash(back) !== sha256 : back.equals(written);
    if (!gone) throw new SallyportError('SP_KEYRING', { file: this.path, reason: `slot ${slot} was overwritten but the disk gives back something else` });
  }

  /** A handle past the page cache; undefined where the file system has none (some refuse at open, some at the first read). */
  async #openDirect(): Promise<FileHandle | undefined> {
    const direct = await open(this.path, constants.O_RDONLY | constants.O_DIRECT | constants.O_NOFOLLOW).catch(() => undefined);
    const tried = await direct?.read(securePages(slotBlockBytes), 0, slotBlockBytes, 0).catch(() => undefined);
    if (tried !== undefined) return direct;
    await direct?.close();
    return undefined;
  }

  #failRead(error: unknown): never {
    throw new SallyportError('SP_KEYRING', { file: this.path, reason: reasonOf(error) }, error);
  }

  #failWrite(error: unknown): never {
    throw new SallyportError('SP_WRITE', { file: this.path, reason: reasonOf(error) }, error);
  }
}

/** SHA-256 (hex) of a slot's text, given at least the text's 1,024 bytes of its block; of a shorter rest, of what there is. */
export function textHash(block: Buffer): string {
  return hash('sha256', block.subarray(0, slotTextBytes));
}

function blockIn(bytes: Buffer, block: number): Buffer {
  return bytes.subarray(block * slotBlockBytes, (block + 1) * slotBlockBytes);
}

/** Targets that one read of at most `windowBlocks` covers. */
function windowsOf(targets: readonly ShredTarget[]): ShredTarget[][] {
  const windows: ShredTarget[][] = [];
  for (const target of targets) {
    const last = windows.at(-1);
    if (last?.[0] !== undefined && target.slot - last[0].slot < windowBlocks) last.push(target);
    else windows.push([target]);
  }
  return windows;
}

function spanOf(window: readonly ShredTarget[]): number {
  return (window.at(-1)?.slot ?? 0) - (window[0]?.slot ?? 0) + 1;
}

/** Neighbouring slots as one write each: first slot and count. A slot that was named twice is in one of them. */
function runsOf(targets: readonly ShredTarget[]): [first: number, count: number][] {
  const runs: [number, number][] = [];
  for (const { slot } of targets) {
    const last = runs.at(-1);
    if (last === undefined || last[0] + last[1] < slot) runs.push([slot, 1]);
    else if (last[0] + last[1] === slot) last[1]++;
  }
  return runs;
}

async function readAt(handle: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

async function writeAt(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.length;) {
    const { bytesWritten } = await handle.write(buffer, done, buffer.length - done, position + done);
    done += bytesWritten;
  }
}
