/**
 * Small whole files, written so that a power cut leaves the old or the new one, never half of one.
 * Rooms that may not use node:fs themselves read and write through here.
 */
import { appendFileSync, constants } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SallyportError, reasonOf } from './errors.ts';

/** Files of /proc say that they hold nothing. */
const sizelessBytes = 4096;

/** Reads a regular file of at most `bytesMax` bytes; SP_READ names the file and why not. Symbolic links are followed unless `noFollow`. */
export async function readFileBounded(path: string, bytesMax: number, options: { noFollow?: boolean } = {}): Promise<Buffer> {
  try {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (options.noFollow === true ? constants.O_NOFOLLOW : 0));
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new Error('is not a regular file');
      if (info.size > bytesMax) throw new Error(`is larger than ${bytesMax} bytes`);
      // Room for what the file says it holds and one byte more, not for the bound: that is 64 MiB for an hour list of a few kilobytes.
      let buffer = Buffer.alloc(Math.min(Math.max(info.size, sizelessBytes), bytesMax) + 1);
      let length = 0;
      for (;;) {
        if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, bytesMax + 1));
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
        length += bytesRead;
        if (length > bytesMax) throw new Error(`is larger than ${bytesMax} bytes`);
        if (bytesRead === 0) return Buffer.from(buffer.subarray(0, length));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new SallyportError('SP_READ', { file: path, reason: reasonOf(error) }, error);
  }
}

export async function readTextBounded(path: string, bytesMax: number): Promise<string> {
  return (await readFileBounded(path, bytesMax)).toString('utf8');
}

/** The end of a regular file, at most `bytesMax` bytes of it, and whether that is all of it. SP_READ. */
export async function readEnd(path: string, bytesMax: number): Promise<{ bytes: Buffer; whole: boolean }> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new Error('is not a regular file');
      const from = Math.max(0, info.size - bytesMax);
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(info.size - from), 0, info.size - from, from);
      return { bytes: buffer.subarray(0, bytesRead), whole: from === 0 };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new SallyportError('SP_READ', { file: path, reason: reasonOf(error) }, error);
  }
}

/** Who but its owner may read a file, by its mode: 'group', 'everybody' (also where others may write it), or nobody. Links are followed. SP_READ. */
export async function openTo(path: string): Promise<'group' | 'everybody' | undefined> {
  try {
    const { mode } = await stat(path);
    return (mode & 0o027) !== 0 ? 'everybody' : (mode & 0o050) !== 0 ? 'group' : undefined;
  } catch (error) {
    throw new SallyportError('SP_READ', { file: path, reason: reasonOf(error) }, error);
  }
}

/** Being written by this process, so that a leftover of an earlier failure can be told from them. */
const partsInWork = new Set<string>();

/** Writes beside, syncs, renames over, syncs the folder. SP_WRITE names the file; nothing half-written stays, unless the disk refuses even that: then the next try takes it away. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  if (partsInWork.has(part)) throw new SallyportError('SP_WRITE', { file: path, reason: 'it is being written already' });
  partsInWork.add(part);
  try {
    await unlink(part).catch(() => {});
    const handle = await open(part, 'wx', mode);
    try {
      // A service's umask takes the group's part away.
      if (mode !== 0o600) await handle.chmod(mode);
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await unlink(part).catch(() => {});
    throw new SallyportError('SP_WRITE', { file: path, reason: reasonOf(error) }, error);
  } finally {
    partsInWork.delete(part);
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function ensureFolder(path: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
  } catch (error) {
    throw new SallyportError('SP_WRITE', { file: path, reason: reasonOf(error) }, error);
  }
}

/** One folder in one that is there; SP_WRITE when that is not so. */
export async function makeFolder(path: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw new SallyportError('SP_WRITE', { file: path, reason: reasonOf(error) }, error);
  }
}

export async function fileExists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Whether nobody but its owner may read it. */
export async function isPrivateFile(path: string): Promise<boolean> {
  return ((await lstat(path)).mode & 0o077) === 0;
}

/** Names in a folder, sorted; an absent folder has none. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new SallyportError('SP_READ', { file: path, reason: reasonOf(error) }, error);
  }
}

export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new SallyportError('SP_WRITE', { file: path, reason: reasonOf(error) }, error);
  }
}

/** Whether a folder lies, or would be made, on another file system than the machine's root: a disk that is not mounted leaves an empty folder on the root's. */
export async function onDiskOfItsOwn(path: string): Promise<boolean> {
  const folder = await stat(path).catch((error: NodeJS.ErrnoException) => error.code);
  if (folder === 'ENOENT' && dirname(path) !== path) return onDiskOfItsOwn(dirname(path));
  return typeof folder === 'object' && folder.dev !== (await stat('/')).dev;
}

/** Removes what is left of a unix socket; anything else at that path stays and is an error. */
export async function removeSocket(path: string): Promise<void> {
  const info = await lstat(path).catch(() => undefined);
  if (info === undefined) return;
  if (!info.isSocket()) throw new SallyportError('SP_WRITE', { file: path, reason: 'something that is not a socket is in its place' });
  await removeFile(path);
}

/** Only its owner may open a socket from now on. */
export async function protectSocket(path: string): Promise<void> {
  await chmod(path, 0o600);
}

export { join as joinPath, dirname as folderOf };

/** A text file a day (`YYYYMMDD.log`, UTC) in a folder. Not synced: a log may be lost. A full disk loses lines, never the program. */
export function dayFileWriter(folder: string, wallMs: () => number): (line: string) => void {
  return (line) => {
    const name = `${new Date(wallMs()).toISOString().slice(0, 10).replaceAll('-', '')}.log`;
    try {
      appendFileSync(join(folder, name), line, { mode: 0o600 });
    } catch {
      // Nowhere to say it: the log itself is what failed.
    }
  };
}
