/**
 * Where a clip's files go as they are made: straight to the disk where the browser can (a file that the person chose), else into the
 * browser's memory, up to a bound, to be saved as downloads. Nothing half-made stays.
 */
import { SallyportError, diskFull, reasonOf } from '../base/errors.ts';
import { memoryBytesMax, type FileHandle, type FileStream } from './filechoice.ts';

export interface ClipFile {
  readonly name: string;
  readonly size: number;
  /** To be saved by the person; undefined: it lies where they chose. */
  readonly blob: Blob | undefined;
}

interface Open {
  readonly name: string;
  size: number;
  readonly stream: FileStream | undefined;
  readonly parts: Blob[];
}

/** The first file goes to the handle, if there is one; what else there is, to memory. SP_WRITE. */
export class ClipFiles {
  readonly #handle: FileHandle | undefined;
  readonly #memoryMax: number;
  readonly #files: ClipFile[] = [];
  #open: Open | undefined;
  #begun = 0;
  #held = 0;

  constructor(handle: FileHandle | undefined, memoryMax = memoryBytesMax) {
    this.#handle = handle;
    this.#memoryMax = memoryMax;
  }

  async begin(name: string): Promise<void> {
    await this.#end();
    const handle = this.#begun === 0 ? this.#handle : undefined;
    this.#begun++;
    this.#open = { name, size: 0, stream: await told(name, async () => handle?.createWritable()), parts: [] };
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const file = this.#open;
    if (file === undefined) throw new SallyportError('SP_INTERNAL', { reason: 'a clip was written before it began' });
    const { stream } = file;
    if (stream === undefined) {
      this.#held += bytes.length;
      if (this.#held > this.#memoryMax) throw new SallyportError('SP_WRITE', { file: file.name, reason: memoryFull });
      // A blob a part: the browser may put it aside.
      file.parts.push(new Blob([bytes]));
    } else await told(file.name, () => stream.write(bytes));
    file.size += bytes.length;
  }

  async finish(): Promise<readonly ClipFile[]> {
    await this.#end();
    return this.#files;
  }

  /** Of a file that lies on the disk already nothing more can be taken back; one that is open leaves nothing. */
  async discard(): Promise<void> {
    await this.#open?.stream?.abort().catch(() => {});
    this.#open = undefined;
    this.#files.length = 0;
  }

  async #end(): Promise<void> {
    const file = this.#open;
    if (file === undefined) return;
    await told(file.name, async () => file.stream?.close());
    this.#open = undefined;
    this.#files.push({ name: file.name, size: file.size, blob: file.stream === undefined ? new Blob(file.parts, { type: 'video/mp4' }) : undefined });
  }
}

/** The reason that SP_WRITE gives when the bound is reached. */
export const memoryFull = 'it is more than this browser can hold';

async function told<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const full = error instanceof DOMException && (error.name === 'QuotaExceededError' || /space|quota/i.test(error.message));
    throw new SallyportError('SP_WRITE', { file, reason: full ? diskFull : reasonOf(error) }, error);
  }
}
