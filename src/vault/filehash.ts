/** Hashes of a sealed file as its row keeps them, its cutting, and the census of what lies below footage/. */
import { createHash } from 'node:crypto';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf, SallyportError } from '../base/errors.ts';
import { headerSizeOf } from '../seal/opener.ts';

/** A header with five stanzas is under a kilobyte. */
const headerBytesMax = 16_384;

const readBytes = 262_144;

export interface FileHashes {
  readonly sizeBytes: number;
  readonly headerBytes: number;
  readonly headerSha256: string;
  readonly bodySha256: string;
}

/** Bytes of the age header and nonce. SP_AGE_HEADER when the file does not begin with a whole one. */
export async function readHeaderSize(file: string, what: string): Promise<number> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytesMax), 0, headerBytesMax, 0);
    return headerSizeOf(buffer.subarray(0, bytesRead), what);
  } finally {
    await handle.close();
  }
}

/** The two hashes of a segment's row, piece by piece: of its header, and of what follows. */
export class SplitHash {
  readonly #headerBytes: number;
  readonly #header = createHash('sha256');
  readonly #body = createHash('sha256');
  #sizeBytes = 0;

  constructor(headerBytes: number) {
    this.#headerBytes = headerBytes;
  }

  update(piece: Uint8Array): void {
    const ofHeader = Math.min(piece.length, Math.max(0, this.#headerBytes - this.#sizeBytes));
    this.#header.update(piece.subarray(0, ofHeader));
    this.#body.update(piece.subarray(ofHeader));
    this.#sizeBytes += piece.length;
  }

  /** Once. */
  digest(): FileHashes {
    return { sizeBytes: this.#sizeBytes, headerBytes: this.#headerBytes, headerSha256: this.#header.digest('hex'), bodySha256: this.#body.digest('hex') };
  }
}

/** Whether the file is the one that a list names. Reads it whole; errors are those of the file system. */
export async function isAsListed(file: string, listed: { readonly size: number; readonly header_bytes: number; readonly header_sha256: string; readonly body_sha256: string }): Promise<boolean> {
  const got = await hashFile(file, listed.header_bytes);
  return got.sizeBytes === listed.size && got.headerSha256 === listed.header_sha256 && got.bodySha256 === listed.body_sha256;
}

/** Reads the whole file once, piece by piece; `pace` is waited for after each. Errors are those of the file system, or `pace`'s. */
export async function hashFile(file: string, headerBytes: number, pace?: (bytes: number) => Promise<void>): Promise<FileHashes> {
  const handle = await open(file, 'r');
  try {
    const hash = new SplitHash(headerBytes);
    const piece = Buffer.allocUnsafeSlow(readBytes);
    for (let at = 0;;) {
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) return hash.digest();
      hash.update(piece.subarray(0, bytesRead));
      at += bytesRead;
      await pace?.(bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** `before` comes between the cut and its sync. SP_WRITE. */
export async function truncateDurably(file: string, size: number, before: () => Promise<void>): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r+');
    await handle.truncate(size);
    await before();
    await handle.datasync();
  } catch (error) {
    throw new SallyportError('SP_WRITE', { file, reason: reasonOf(error) }, error);
  } finally {
    await handle?.close();
  }
}

export interface FolderContent {
  /** Relative to `footage/`, '' for itself. */
  readonly folder: string;
  /** Everything in it that is no folder, by name. */
  readonly files: readonly string[];
}

/** Each folder below footage/ with the names of its files, depth first; links are files here and are not followed. A folder that cannot be read is told to `unreadable`, which throws by default. */
export async function* walkFootage(footage: string, folder = '', unreadable: (folder: string, error: unknown) => void = rethrow): AsyncGenerator<FolderContent> {
  const entries = await readdir(join(footage, folder), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // A purge may have taken the folder since its name was read; what an ext4 keeps for fsck is no footage.
    if (error.code === 'ENOENT' || folder === 'lost+found') return [];
    if (folder === '') throw error;
    unreadable(folder, error);
    return undefined;
  });
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) yield* walkFootage(footage, join(folder, entry.name), unreadable);
  yield { folder, files: entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name).sort() };
}

function rethrow(_folder: string, error: unknown): never {
  throw error;
}
