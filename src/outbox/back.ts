/** `back/`: what the far ends said. The courier's side writes it; the hub's side reads it as a stranger's. */
import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { SallyportError } from '../base/errors.ts';
import { ensureFolder, fileExists } from '../base/files.ts';
import { BoxFile, listBox, removeBoxFile, removeParts, writeBoxFile, type BoxHook } from './boxfile.ts';
import { answerSchema, type Answer } from './orders.ts';

/** The courier's side. */
export class BackWriter {
  readonly #folder: string;
  readonly #hook: BoxHook | undefined;
  readonly #answered: Set<string>;

  private constructor(folder: string, answered: Set<string>, hook: BoxHook | undefined) {
    this.#folder = folder;
    this.#answered = answered;
    this.#hook = hook;
  }

  static async open(folder: string, hook?: BoxHook): Promise<BackWriter> {
    await ensureFolder(folder, 0o750);
    await removeParts(folder);
    return new BackWriter(folder, new Set((await listBox(folder)).files.map(({ name }) => name)), hook);
  }

  /** Whether an order has its answer, which the hub has not settled yet. */
  has(name: string): boolean {
    return this.#answered.has(name);
  }

  get answered(): ReadonlySet<string> {
    return this.#answered;
  }

  /** Size and checksum of the body are filled in. SP_WRITE. */
  async answer(answer: Omit<Answer, 'v' | 'size' | 'sha256'>, body?: Uint8Array): Promise<void> {
    const head = { ...answer, v: 1 as const, ...(body === undefined ? {} : { size: body.length, sha256: createHash('sha256').update(body).digest('hex') }) };
    await writeBoxFile(this.#folder, answer.name, head, body, this.#hook);
    this.#answered.add(answer.name);
  }

  /** The hub has settled these orders: their answers have been read. */
  async forget(name: string): Promise<void> {
    await removeBoxFile(this.#folder, name);
    this.#answered.delete(name);
  }
}

export interface Returned {
  readonly name: string;
  readonly answer: Answer | undefined;
  readonly refused: SallyportError | undefined;
}

/** The hub's side. It removes nothing here: settling the order in `out/` makes the courier do it. */
export class BackReader {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Every answer that is there; each once until its order is settled is the caller's to see to. SP_READ. */
  async scan(): Promise<Returned[]> {
    const returned: Returned[] = [];
    // Made by the courier, when it first runs.
    if (!(await fileExists(this.#folder))) return returned;
    for (const { name } of (await listBox(this.#folder)).files) {
      try {
        const file = await this.#open(name);
        await file.close();
        returned.push({ name, answer: file.head, refused: undefined });
      } catch (error) {
        if (!(error instanceof SallyportError)) throw error;
        if ((error.cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') returned.push({ name, answer: undefined, refused: error });
      }
    }
    return returned;
  }

  /** Calls when something in the folder may have changed; what a watch misses, the next scan sees. Undefined while the folder is not there. */
  watch(onChange: () => void): { close(): void } | undefined {
    try {
      const watcher = watch(this.#folder, onChange);
      watcher.on('error', () => {});
      return watcher;
    } catch {
      return undefined;
    }
  }

  /** What `get` or `list` brought, compared with its checksum. SP_OUTBOX_FILE. */
  async body(name: string): Promise<Buffer> {
    const file = await this.#open(name);
    try {
      const bytes = await file.read(0, file.bodyBytes);
      if (createHash('sha256').update(bytes).digest('hex') !== file.head.sha256) throw new SallyportError('SP_OUTBOX_FILE', { file: name, reason: 'its body is not what its head says' });
      return bytes;
    } finally {
      await file.close();
    }
  }

  async #open(name: string): Promise<BoxFile<Answer>> {
    const file = await BoxFile.open(this.#folder, name, answerSchema);
    const reason = file.head.name === name ? file.bodyBytes === (file.head.size ?? 0) ? undefined : 'its size is not what its head says' : 'it answers another order';
    if (reason === undefined) return file;
    await file.close();
    throw new SallyportError('SP_OUTBOX_FILE', { file: name, reason });
  }
}
