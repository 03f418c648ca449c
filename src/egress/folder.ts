/**
 * A folder as a store: a USB disk, a network mount. An object appears under its name when it is whole, synced and read back. A disk that is not
 * mounted leaves an empty folder on the machine's own; nothing is ever written there.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, opendir, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { onDiskOfItsOwn, syncFolder } from '../base/files.ts';
import { listedMax, objectPattern, type Proof } from '../outbox/orders.ts';
import type { Listed, Probe, Put, Store } from './destination.ts';
import type { Pace } from './pace.ts';

export interface FolderOptions {
  readonly name: string;
  readonly path: string;
  /** It lies on a disk of its own, without which nothing is done. */
  readonly mount: boolean;
  readonly pace: Pace;
}

const pieceBytes = 2 ** 20;
/** FAT takes few names in one folder, so objects lie in 256 of them. */
const shardPattern = /^[0-9a-f]{2}$/;
const probeName = 'probe.part';

export class FolderStore implements Store {
  readonly name: string;
  readonly off = {};
  readonly #o: FolderOptions;

  constructor(o: FolderOptions) {
    this.name = o.name;
    this.#o = o;
  }

  put({ object, source, replace, sent }: Put, signal: AbortSignal): Promise<Proof> {
    return this.#attempt(async (): Promise<Proof> => {
      await this.#ready();
      const path = this.#pathOf(object);
      const part = `${path}.part`;
      const there = await this.#hashOf(path, signal);
      if (there === source.sha256) return 'read back';
      if (there !== undefined && !replace) throw new SallyportError('SP_FAR_EXISTS', { destination: this.name, object });
      const shard = join(this.#o.path, object.slice(0, 2));
      await mkdir(shard, { recursive: true });
      // On a disk of somebody else's it may lead elsewhere.
      if (!(await lstat(shard)).isDirectory()) throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'a link is in the place of a folder' });
      const handle = await open(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      try {
        await this.#fill(handle, source, sent, signal);
      } finally {
        await handle.close();
      }
      if (await this.#hashOf(part, signal) !== source.sha256) {
        await unlink(part);
        throw new SallyportError('SP_FAR_CHECKSUM', { destination: this.name, object });
      }
      await rename(part, path);
      await syncFolder(join(this.#o.path, object.slice(0, 2)));
      await syncFolder(this.#o.path);
      return 'read back';
    });
  }

  get(object: string, from: number, length: number, signal: AbortSignal, orLess = false): Promise<Buffer> {
    return this.#attempt(async () => {
      await this.#ready();
      const handle = await this.#open(this.#pathOf(object));
      if (handle === undefined) throw new SallyportError('SP_FAR_MISSING', { destination: this.name, object });
      try {
        const bytes = Buffer.alloc(length);
        for (let at = 0; at < length;) {
          signal.throwIfAborted();
          const { bytesRead } = await handle.read(bytes, at, length - at, from + at);
          if (bytesRead === 0 && orLess && at > 0) return bytes.subarray(0, at);
          if (bytesRead === 0) throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'the object is shorter' });
          at += bytesRead;
        }
        return bytes;
      } finally {
        await handle.close();
      }
    });
  }

  delete(object: string): Promise<void> {
    return this.#attempt(async () => {
      await this.#ready();
      for (const path of [this.#pathOf(object), `${this.#pathOf(object)}.part`]) {
        await unlink(path).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error; });
      }
      await syncFolder(join(this.#o.path, object.slice(0, 2))).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error; });
    });
  }

  list(after: string | undefined): Promise<Listed> {
    return this.#attempt(async () => {
      await this.#ready();
      const objects: [string, number][] = [];
      let foreign = 0;
      const names = (await readdir(this.#o.path, { withFileTypes: true })).map((entry) => ({ shard: entry.name, isFolder: entry.isDirectory() }));
      for (const { shard, isFolder } of names.sort((a, b) => (a.shard < b.shard ? -1 : 1))) {
        if (shard === probeName) continue;
        // Also what is only called so: a file, or a link to elsewhere.
        if (!isFolder || !shardPattern.test(shard)) foreign++;
        else if (after === undefined || shard >= after.slice(0, 2)) foreign += await this.#listShard(shard, after, objects);
        if (objects.length > listedMax) break;
      }
      return { objects: objects.slice(0, listedMax), more: objects.length > listedMax, foreign };
    });
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    return this.#attempt(async (): Promise<Probe> => {
      await this.#ready();
      // Under one name, so that what a kill leaves is gone with the next one.
      const path = join(this.#o.path, probeName);
      await unlink(path).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error; });
      const handle = await open(path, 'wx', 0o600);
      try {
        signal.throwIfAborted();
        await handle.writeFile('x');
        await handle.datasync();
        return { keepsVersions: 'unknown', overwrites: 'yes' };
      } finally {
        await handle.close();
        await unlink(path);
      }
    });
  }

  async close(): Promise<void> {}

  #pathOf(object: string): string {
    return join(this.#o.path, object.slice(0, 2), object);
  }

  async #ready(): Promise<void> {
    const { path, mount } = this.#o;
    const info = await lstat(path).catch(() => undefined);
    const reason = info?.isDirectory() !== true ? 'its folder is not there' : mount && !(await onDiskOfItsOwn(path)) ? 'its disk is not mounted' : undefined;
    if (reason !== undefined) throw new SallyportError('SP_FAR_UNREACHABLE', { destination: this.name, reason });
  }

  /** What an earlier try has written is compared and kept, as far as it is right. */
  async #fill(handle: FileHandle, source: Put['source'], sent: Put['sent'], signal: AbortSignal): Promise<void> {
    let same = true;
    for (let at = 0; at < source.bytes;) {
      signal.throwIfAborted();
      const length = Math.min(this.#o.pace.pieceBytes * 4, source.bytes - at, pieceBytes);
      const piece = await source.read(at, length);
      if (same) same = await holds(handle, at, piece);
      if (!same) {
        await this.#o.pace.take(length, signal);
        for (let done = 0; done < length;) done += (await handle.write(piece, done, length - done, at + done)).bytesWritten;
        sent(length);
      }
      at += length;
    }
    await handle.truncate(source.bytes);
    await handle.datasync();
  }

  /** undefined when there is nothing. */
  async #hashOf(path: string, signal: AbortSignal): Promise<string | undefined> {
    const handle = await this.#open(path);
    if (handle === undefined) return undefined;
    try {
      const hash = createHash('sha256');
      const piece = Buffer.allocUnsafe(pieceBytes);
      for (;;) {
        signal.throwIfAborted();
        const { bytesRead } = await handle.read(piece, 0, piece.length, null);
        if (bytesRead === 0) return hash.digest('hex');
        hash.update(piece.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
  }

  async #open(path: string): Promise<FileHandle | undefined> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (handle === undefined || (await handle.stat()).isFile()) return handle;
    await handle.close();
    throw new SallyportError('SP_FAR_ANSWER', { destination: this.name, reason: 'something that is not a file is in an object\'s place' });
  }

  /** Adds what is in it; answers how many names are foreign. */
  async #listShard(shard: string, after: string | undefined, objects: [string, number][]): Promise<number> {
    let foreign = 0;
    const names: string[] = [];
    for await (const { name } of await opendir(join(this.#o.path, shard))) {
      if (objectPattern.test(name) && name.startsWith(shard)) names.push(name);
      else if (!/^[0-9a-f]{32}\.part$/.test(name)) foreign++;
    }
    for (const name of names.sort().filter((one) => after === undefined || one > after)) {
      if (objects.length > listedMax) break;
      const info = await lstat(join(this.#o.path, shard, name));
      if (info.isFile()) objects.push([name, info.size]);
      else foreign++;
    }
    return foreign;
  }

  async #attempt<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed();
    } catch (error) {
      if (isSallyportError(error)) throw error;
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOSPC' || code === 'EDQUOT') throw new SallyportError('SP_FAR_FULL', { destination: this.name, reason: reasonOf(error) }, error);
      if (code === 'ABORT_ERR' || (error as Error).name === 'AbortError') throw new SallyportError('SP_STOPPED', { what: `writing to ${this.name}` }, error);
      throw new SallyportError('SP_FAR_UNREACHABLE', { destination: this.name, reason: reasonOf(error) }, error);
    }
  }
}

async function holds(handle: FileHandle, at: number, piece: Buffer): Promise<boolean> {
  const there = Buffer.alloc(piece.length);
  const { bytesRead } = await handle.read(there, 0, piece.length, at);
  return bytesRead === piece.length && there.equals(piece);
}
