/**
 * outbox/ is what lies between the part that sees and the part that speaks: two folders, `out/`, written by the hub alone, and `back/`, written by
 * the courier alone. It takes what is sealed, notices of a closed schema, and nothing else; it knows no key, no table and no address, and
 * fetches nothing. Both sides treat the other's folder as a stranger's. Used by the hub's duties and by the courier; docs/FORMAT.md has each byte.
 *
 * This file: one file of either folder. A head of 4,096 bytes, canonical JSON with blanks behind it and a line feed at its end, then the
 * body. It appears under its name when it is whole and synced, or not at all.
 */
import { constants, watch } from 'node:fs';
import { lstat, open, opendir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, type CanonicalValue } from '../base/canonical.ts';
import type { Check } from '../base/closed.ts';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { fileExists, syncFolder } from '../base/files.ts';

export const headBytes = 4096;
/** The largest segment (64 MiB of pictures), padded and sealed, and some room. */
export const bodyBytesMax = 80 * 2 ** 20;
/** More names than this are not looked at. */
export const namesMax = 20_000;

const partSuffix = '.part';

/** `<15 digits: milliseconds>-<32 hex digits>`; both chosen by the hub. */
export const orderNamePattern = /^\d{15}-[0-9a-f]{32}$/;

export type BoxStep = 'begun' | 'written' | 'synced' | 'renamed' | 'filed';
/** Called after each step; tests end the process there. */
export type BoxHook = (step: BoxStep) => void;

/** What makes a file another one, though its name stays. */
export interface BoxStamp {
  readonly name: string;
  readonly stamp: string;
  readonly sizeBytes: number;
}

/** Writes, syncs, renames over, syncs the folder. Readable by the group: hub and courier are different users, and the folder says who comes in. SP_WRITE. */
export async function writeBoxFile(folder: string, name: string, head: CanonicalValue, body: Uint8Array | undefined, hook: BoxHook = () => {}): Promise<number> {
  const text = Buffer.from(canonicalJson(head));
  if (text.length >= headBytes) throw new SallyportError('SP_INTERNAL', { reason: 'the head of a file in the outbox is too long' });
  const bytes = Buffer.alloc(headBytes, ' ');
  text.copy(bytes);
  bytes[headBytes - 1] = 0x0a;
  const path = join(folder, name);
  const part = `${path}${partSuffix}`;
  try {
    await unlink(part).catch(() => {});
    const handle = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o640);
    try {
      hook('begun');
      await handle.chmod(0o640);
      await writeWhole(handle, bytes);
      if (body !== undefined) await writeWhole(handle, body);
      hook('written');
      await handle.datasync();
      hook('synced');
    } finally {
      await handle.close();
    }
    await rename(part, path);
    hook('renamed');
    await syncFolder(folder);
    hook('filed');
    return headBytes + (body?.length ?? 0);
  } catch (error) {
    if (isSallyportError(error)) throw error;
    await unlink(part).catch(() => {});
    throw new SallyportError('SP_WRITE', { file: path, reason: reasonOf(error) }, error);
  }
}

/** What an earlier run was writing when it ended; for the folder's one writer alone. */
export async function removeParts(folder: string): Promise<void> {
  for await (const { name } of await opendir(folder)) if (name.endsWith(partSuffix)) await unlink(join(folder, name)).catch(() => {});
}

/** Takes a name away, for good. Whether it was there is no matter. SP_WRITE. */
export async function removeBoxFile(folder: string, name: string): Promise<void> {
  try {
    await unlink(join(folder, name));
    await syncFolder(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new SallyportError('SP_WRITE', { file: join(folder, name), reason: reasonOf(error) }, error);
  }
}

/** Names in their order, and how many others there were (parts not counted). SP_READ. */
export async function listBox(folder: string): Promise<{ files: BoxStamp[]; odd: number }> {
  const names: string[] = [];
  let odd = 0;
  try {
    for await (const { name } of await opendir(folder)) {
      if (orderNamePattern.test(name)) names.push(name);
      else if (!name.endsWith(partSuffix)) odd++;
      if (names.length + odd >= namesMax) break;
    }
    const files: BoxStamp[] = [];
    for (const name of names.sort()) {
      const info = await lstat(join(folder, name)).catch(() => undefined);
      if (info !== undefined) files.push({ name, stamp: `${info.ino} ${info.size} ${info.mtimeMs}`, sizeBytes: info.size });
    }
    return { files, odd };
  } catch (error) {
    throw new SallyportError('SP_READ', { file: folder, reason: reasonOf(error) }, error);
  }
}

/** What one file of a folder says, or why it is refused. */
export interface BoxHead<T> {
  readonly name: string;
  readonly head: T | undefined;
  readonly refused: SallyportError | undefined;
}

/** What is odd about a file whose head is of the schema; undefined when nothing is. */
export type OddFile<T> = (file: Pick<BoxFile<T>, 'head' | 'bodyBytes'>, name: string) => string | undefined;

/** A file that its own head does not belie. SP_OUTBOX_FILE, SP_READ. */
export async function openSound<T>(folder: string, name: string, schema: Check<T>, odd: OddFile<T>): Promise<BoxFile<T>> {
  const file = await BoxFile.open(folder, name, schema);
  const reason = odd(file, name);
  if (reason === undefined) return file;
  await file.close();
  throw new SallyportError('SP_OUTBOX_FILE', { file: name, reason });
}

/** The heads of the oldest that are there, at most `max`; of what is taken away between listing and opening nothing. SP_READ. */
export async function readHeads<T>(folder: string, schema: Check<T>, odd: OddFile<T>, max = namesMax): Promise<BoxHead<T>[]> {
  const heads: BoxHead<T>[] = [];
  // Made by its one writer, when that first needs it.
  if (!(await fileExists(folder))) return heads;
  for (const { name } of (await listBox(folder)).files.slice(0, max)) {
    try {
      const file = await openSound(folder, name, schema, odd);
      await file.close();
      heads.push({ name, head: file.head, refused: undefined });
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      if ((error.cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') heads.push({ name, head: undefined, refused: error });
    }
  }
  return heads;
}

/** Calls when something in the folder may have changed; what a watch misses, the next look sees. Undefined while there is no folder, or no watch is left on this machine. */
export function watchBox(folder: string, onChange: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(folder, onChange);
    watcher.on('error', () => {});
    return watcher;
  } catch {
    return undefined;
  }
}

/** An open file of one of the folders: a regular one, with one name, not a link, within its bounds, with a head of the schema. */
export class BoxFile<T> {
  readonly head: T;
  readonly bodyBytes: number;
  readonly #handle: FileHandle;
  readonly #path: string;

  private constructor(handle: FileHandle, path: string, head: T, bodyBytes: number) {
    this.#handle = handle;
    this.#path = path;
    this.head = head;
    this.bodyBytes = bodyBytes;
  }

  /** SP_OUTBOX_FILE says what is odd about it; SP_READ where the disk does not give it. */
  static async open<T>(folder: string, name: string, schema: Check<T>): Promise<BoxFile<T>> {
    const path = join(folder, name);
    const refuse = (reason: string): never => { throw new SallyportError('SP_OUTBOX_FILE', { file: path, reason }); };
    // O_NONBLOCK: a FIFO must not make anybody wait for its other end.
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ELOOP') refuse('it is a symbolic link');
      if (error.code === 'ENXIO' || error.code === 'ENODEV') refuse('it is not a regular file');
      throw new SallyportError('SP_READ', { file: path, reason: reasonOf(error) }, error);
    });
    try {
      const info = await handle.stat();
      if (!info.isFile()) refuse('it is not a regular file');
      // Settled between its being listed and opened: as if it had not been there.
      if (info.nlink === 0) throw new SallyportError('SP_READ', { file: path, reason: 'it was taken away' }, Object.assign(new Error('taken away'), { code: 'ENOENT' }));
      if (info.nlink !== 1) refuse('it has more than one name');
      if (info.size < headBytes) refuse('it is shorter than its head');
      if (info.size > headBytes + bodyBytesMax) refuse(`it is larger than ${headBytes + bodyBytesMax} bytes`);
      const bytes = Buffer.alloc(headBytes);
      await readWhole(handle, bytes, 0);
      return new BoxFile(handle, path, readHead(bytes, schema, refuse), info.size - headBytes);
    } catch (error) {
      await handle.close();
      throw isSallyportError(error) ? error : new SallyportError('SP_READ', { file: path, reason: reasonOf(error) }, error);
    }
  }

  /** `length` bytes of the body from `from` on. SP_OUTBOX_FILE when they are not there: it was cut meanwhile. */
  async read(from: number, length: number, into: Buffer = Buffer.allocUnsafe(length)): Promise<Buffer> {
    const bytes = into.subarray(0, length);
    try {
      await readWhole(this.#handle, bytes, headBytes + from);
      return bytes;
    } catch (error) {
      throw new SallyportError('SP_OUTBOX_FILE', { file: this.#path, reason: reasonOf(error) }, error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Only the one way to write a head is read. */
function readHead<T>(bytes: Buffer, schema: Check<T>, refuse: (reason: string) => never): T {
  const line = bytes.toString('latin1');
  const text = line.trimEnd();
  if (line !== `${text.padEnd(headBytes - 1)}\n`) refuse('its head does not end as a head does');
  try {
    const value = JSON.parse(bytes.toString('utf8')) as CanonicalValue;
    if (Buffer.from(canonicalJson(value)).toString('latin1') !== text) refuse('its head is not canonical JSON');
    return schema(value, '');
  } catch (error) {
    if (isSallyportError(error)) throw error;
    return refuse(error instanceof SyntaxError ? 'its head is no JSON' : `its head: ${reasonOf(error)}`);
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}

async function readWhole(handle: FileHandle, bytes: Buffer, from: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at);
    if (bytesRead === 0) throw new Error('it ends too early');
    at += bytesRead;
  }
}
