/** `back/`: what the far ends said. The courier's side writes it; the hub's side reads it as a stranger's. */
import { createHash } from 'node:crypto';
import { SallyportError } from '../base/errors.ts';
import { ensureFolder } from '../base/files.ts';
import { listBox, openSound, readHeads, removeBoxFile, removeParts, watchBox, writeBoxFile, type BoxHook, type OddFile } from './boxfile.ts';
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
    return (await readHeads(this.#folder, answerSchema, oddAnswer)).map(({ name, head: answer, refused }) => ({ name, answer, refused }));
  }

  /** As `watchBox`. */
  watch(onChange: () => void): { close(): void } | undefined {
    return watchBox(this.#folder, onChange);
  }

  /** What `get` or `list` brought, compared with its checksum. SP_OUTBOX_FILE. */
  async body(name: string): Promise<Buffer> {
    const file = await openSound(this.#folder, name, answerSchema, oddAnswer);
    try {
      const bytes = await file.read(0, file.bodyBytes);
      if (createHash('sha256').update(bytes).digest('hex') !== file.head.sha256) throw new SallyportError('SP_OUTBOX_FILE', { file: name, reason: 'its body is not what its head says' });
      return bytes;
    } finally {
      await file.close();
    }
  }
}

const oddAnswer: OddFile<Answer> = ({ head, bodyBytes }, name) => (head.name === name ? bodyBytes === (head.size ?? 0) ? undefined : 'its size is not what its head says' : 'it answers another order');
