/**
 * A data folder that is filled again with what lay elsewhere: slots, segments, second headers, hour lists. What is put in place is whole, checked
 * and durable, or not there, so it may be ended anywhere and begun again. It makes no rows: rebuild.ts does, from what lies here then.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SallyportError, isSallyportError, reasonOf } from '../base/errors.ts';
import { ensureFolder, fileExists, makeFolder, syncFolder, writeFileAtomic } from '../base/files.ts';
import { silentLog } from '../base/log.ts';
import { checkHold } from '../seal/hold.ts';
import { randomBytes } from '../seal/secure.ts';
import { sealWhole } from '../seal/sealer.ts';
import { checkSlotText } from '../seal/slot.ts';
import { lockFolder, type FolderLock } from './folderlock.ts';
import { holdName, hourListPath, parseSegmentPath } from './footagepaths.ts';
import { encodeHourList, type HourList, type SegmentRecord } from './hourlist.ts';
import { isAsListed } from './filehash.ts';
import { Keyring } from './keyring.ts';
import { textHash } from './keyringfile.ts';

export interface WantedSegment extends Pick<SegmentRecord, 'path' | 'size' | 'header_bytes' | 'header_sha256' | 'body_sha256'> {
  readonly damaged_ms?: number | undefined;
}

const makingFolder = 'restoring';

export class Refill {
  readonly #folder: string;
  readonly #lock: FolderLock;
  readonly #keyring: Keyring;

  private constructor(folder: string, lock: FolderLock, keyring: Keyring) {
    this.#folder = folder;
    this.#lock = lock;
    this.#keyring = keyring;
  }

  /** SP_DATA_FOLDER when a hub's database is there already; SP_DATA_LOCKED, SP_KEYRING. */
  static async open(folder: string): Promise<Refill> {
    try {
      for (const name of ['', 'footage', makingFolder]) await ensureFolder(join(folder, name));
    } catch (error) {
      throw new SallyportError('SP_DATA_FOLDER', { folder, reason: reasonOf(isSallyportError(error) ? error.cause : error) }, error);
    }
    const lock = await lockFolder(folder);
    try {
      if (await fileExists(join(folder, 'working.db'))) throw new SallyportError('SP_DATA_FOLDER', { folder, reason: 'a hub lives here: it holds a working database' });
      return new Refill(folder, lock, await Keyring.open(join(folder, 'keyring'), { log: silentLog }));
    } catch (error) {
      await lock.close();
      throw error;
    }
  }

  /** In both files, unless it is there. SP_AGE_ARMOR, SP_AGE_HEADER; SP_KEYRING when another key is in its place; SP_WRITE. */
  async putSlot(slot: number, text: Uint8Array): Promise<void> {
    checkSlotText(text, `slot ${slot}`);
    const wanted = Buffer.from(text);
    if ((await this.#keyring.lacking(slot, textHash(wanted))).length === 0) return;
    const other = (await this.#keyring.candidates(slot)).find((one) => one.toString('latin1', 0, 5) === '-----' && textHash(one) !== textHash(wanted));
    if (other !== undefined) throw new SallyportError('SP_KEYRING', { file: join(this.#folder, 'keyring'), reason: `slot ${slot} holds another period's key` });
    await this.#keyring.write(slot, wanted);
  }

  /** Whether it is there, as it should be. What was put here was compared whole then: its size tells. */
  async hasSegment({ path, size }: WantedSegment): Promise<boolean> {
    checkPath(path);
    return (await sizeOf(join(this.#folder, 'footage', path))) === size;
  }

  /**
   * Piece by piece; in place only when it is what its row says. SP_SEGMENT_DAMAGED when it is not, unless the row says itself that it was damaged. SP_WRITE.
   */
  async putSegment(wanted: WantedSegment, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    checkPath(wanted.path);
    const part = join(this.#folder, makingFolder, randomBytes(8).toString('hex'));
    try {
      const handle = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
      try {
        for await (const piece of pieces) await handle.writeFile(piece);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      if (!await isAsListed(part, wanted) && wanted.damaged_ms === undefined) throw new SallyportError('SP_SEGMENT_DAMAGED', { file: wanted.path, reason: 'what lay far is not what was sent' });
      await this.#place(part, wanted.path);
    } catch (error) {
      await rm(part, { force: true }).catch(() => {});
      throw isSallyportError(error) ? error : new SallyportError('SP_WRITE', { file: part, reason: reasonOf(error) }, error);
    }
  }

  hasHold(path: string, slot: number): Promise<boolean> {
    checkPath(path);
    return fileExists(join(this.#folder, 'footage', holdName(path, slot)));
  }

  /** SP_AGE_HEADER, SP_HOLD_DAMAGED, SP_WRITE. */
  async putHold(path: string, slot: number, hold: Uint8Array, wantedSha256: string): Promise<void> {
    checkPath(path);
    const name = holdName(path, slot);
    checkHold(hold, name);
    if (createHash('sha256').update(hold).digest('hex') !== wantedSha256) throw new SallyportError('SP_HOLD_DAMAGED', { file: name });
    await this.#makeFolderOf(path);
    await writeFileAtomic(join(this.#folder, 'footage', name), hold);
  }

  /** Sealed to the period, as the hub's own lie there. SP_HOUR_LIST, SP_WRITE. */
  async putList(list: HourList, recipient: string): Promise<void> {
    const path = hourListPath(list.camera, list.start_ms, list.slot);
    const sealed = sealWhole(Buffer.from(encodeHourList(list)), [recipient]);
    await this.#makeFolderOf(path);
    await writeFileAtomic(join(this.#folder, 'footage', path), sealed);
  }

  /** Unlocks the folder; `done`: nothing of it will be asked for again. */
  async close(done = false): Promise<void> {
    if (done) await rm(join(this.#folder, makingFolder), { recursive: true, force: true });
    await this.#keyring.close();
    await this.#lock.close();
  }

  async #place(part: string, path: string): Promise<void> {
    await this.#makeFolderOf(path);
    const target = join(this.#folder, 'footage', path);
    await rename(part, target);
    await syncFolder(dirname(target));
  }

  async #makeFolderOf(path: string): Promise<void> {
    const footage = join(this.#folder, 'footage');
    let at = footage;
    for (const name of dirname(path).split('/')) {
      const above = at;
      at = join(at, name);
      if (await fileExists(at)) continue;
      await makeFolder(at);
      await syncFolder(above);
    }
  }
}

function checkPath(path: string): void {
  if (parseSegmentPath(path)?.part !== false) throw new SallyportError('SP_INTERNAL', { reason: `"${path}" is no path of a segment` });
}

async function sizeOf(file: string): Promise<number | undefined> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new SallyportError('SP_READ', { file, reason: reasonOf(error) }, error);
  });
  try {
    return (await handle?.stat())?.size;
  } finally {
    await handle?.close();
  }
}
