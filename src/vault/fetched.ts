/**
 * Sealed segments that were fetched back from where they lie alone: `fetched/`, one file each, under the object's name. A file is there whole, with the bytes that
 * its row tells, or not at all. It is sealed as ever: when its slot is shredded, what lies here opens no more than what lies there. Emptied at each start.
 */
import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError, reasonOf } from '../base/errors.ts';
import { ensureFolder } from '../base/files.ts';
import { SplitHash } from './filehash.ts';
import type { SegmentRow } from './segmenttable.ts';

/** The bytes of an object from `from` on. */
export type FetchRange = (from: number, length: number) => Promise<Uint8Array>;

/** Eight cameras' last quarter of an hour, about; one segment may be larger than that, and is then alone. */
export const fetchedBytesMax = 512 * 2 ** 20;
const pieceBytes = 8 * 2 ** 20;

export class FetchedFiles {
  readonly folder: string;
  readonly #bytesMax: number;
  readonly #coming = new Map<string, Promise<boolean>>();
  #emptied: Promise<void> | undefined;

  constructor(folder: string, bytesMax = fetchedBytesMax) {
    this.folder = folder;
    this.#bytesMax = bytesMax;
  }

  /** It lies in `folder` under `object` when this resolves; many who ask at once cause one fetch. False: it lay there already. SP_ARCHIVE_LIED, SP_WRITE, and what `fetch` throws. */
  have(object: string, row: SegmentRow, destination: string, fetch: FetchRange): Promise<boolean> {
    const coming = this.#coming.get(object);
    if (coming !== undefined) return coming;
    const fetched = this.#fetch(join(this.folder, object), row, destination, fetch).finally(() => this.#coming.delete(object));
    this.#coming.set(object, fetched);
    return fetched;
  }

  async #fetch(path: string, row: SegmentRow, destination: string, fetch: FetchRange): Promise<boolean> {
    this.#emptied ??= this.#empty();
    await this.#emptied;
    if (await isThere(path, row.sizeBytes)) return false;
    await this.#makeRoom(row.sizeBytes);
    const hash = new SplitHash(row.headerBytes);
    const part = `${path}.part`;
    const file = await open(part, 'w', 0o600).catch((error: unknown) => { throw new SallyportError('SP_WRITE', { file: part, reason: reasonOf(error) }, error); });
    try {
      for (let at = 0; at < row.sizeBytes;) {
        const bytes = await fetch(at, Math.min(pieceBytes, row.sizeBytes - at));
        if (bytes.length === 0) throw lied(row, destination, `it ends at byte ${at}`);
        hash.update(bytes);
        await file.writeFile(bytes);
        at += bytes.length;
      }
      const { headerSha256, bodySha256 } = hash.digest();
      if (headerSha256 !== row.headerSha256 || bodySha256 !== row.bodySha256) throw lied(row, destination, 'its bytes are not those that were written');
      await file.close();
      await rename(part, path);
      return true;
    } catch (error) {
      await file.close().catch(() => {});
      await rm(part, { force: true });
      throw error instanceof SallyportError ? error : new SallyportError('SP_WRITE', { file: part, reason: reasonOf(error) }, error);
    }
  }

  /** Those that were not asked for longest go first. */
  async #makeRoom(bytes: number): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => !name.endsWith('.part'));
    const files = (await Promise.all(names.map(async (name) => ({ name, info: await stat(join(this.folder, name)) })))).sort((a, b) => a.info.mtimeMs - b.info.mtimeMs);
    let sum = files.reduce((all, { info }) => all + info.size, bytes);
    for (const { name, info } of files) {
      if (sum <= this.#bytesMax) return;
      await rm(join(this.folder, name), { force: true });
      sum -= info.size;
    }
  }

  async #empty(): Promise<void> {
    await ensureFolder(this.folder);
    for (const name of await readdir(this.folder)) await rm(join(this.folder, name), { force: true });
  }
}

async function isThere(path: string, size: number): Promise<boolean> {
  const now = new Date();
  const there = await stat(path).then((info) => info.size === size, () => false);
  if (there) await utimes(path, now, now).catch(() => {});
  return there;
}

function lied(row: SegmentRow, destination: string, reason: string): SallyportError {
  return new SallyportError('SP_ARCHIVE_LIED', { file: row.path, destination, reason });
}
