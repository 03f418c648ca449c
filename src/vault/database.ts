/** The main thread's side of the working database: typed calls, a bounded number of them, and one end for all when the thread dies. */
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SallyportError, reasonOf } from '../base/errors.ts';
import type { Answer, Request, WorkerSetup } from './database.worker.ts';
import type { Operations } from './operations.ts';
import { picturesName } from './picturesfile.ts';

/** More requests than this waiting means that the disk has stopped; further ones are refused rather than kept in memory. */
const outstandingMax = 2_000;

const openingId = 0;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export type Name = keyof Operations;
type Arguments<K extends Name> = Parameters<Operations[K]>;
type Value<K extends Name> = ReturnType<Operations[K]>;

export class WorkingDatabase {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = openingId;
  #dead: SallyportError | undefined;
  #damage: SallyportError | undefined;

  private constructor(setup: WorkerSetup) {
    const script = import.meta.url.endsWith('.ts') ? './database.worker.ts' : './database.worker.js';
    this.#worker = new Worker(new URL(script, import.meta.url), { workerData: setup, transferList: [setup.key.buffer as ArrayBuffer] });
    this.#worker.on('message', (answer: Answer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#die(new SallyportError('SP_DATABASE', { reason: `its thread failed: ${reasonOf(error)}` }, error)));
    this.#worker.on('exit', () => this.#die(new SallyportError('SP_DATABASE', { reason: 'its thread has ended' })));
  }

  /** `key` (WorkingKey.databaseKey) is wiped. SP_WRONG_WORKING_KEY, SP_DATABASE_NEWER, SP_DATABASE. */
  static async open(file: string, key: Buffer): Promise<WorkingDatabase> {
    // A Buffer may share its memory with others; only memory of its own can be moved to the thread.
    const own = new Uint8Array(key.length);
    own.set(key);
    key.fill(0);
    const database = new WorkingDatabase({ file, pictures: join(dirname(file), picturesName), key: own });
    try {
      await database.#wait(openingId);
      return database;
    } catch (error) {
      await database.abort();
      throw error;
    }
  }

  /** Why nothing can be asked any more, when the thread has died. */
  get failure(): SallyportError | undefined {
    return this.#dead;
  }

  /** The first sign that a page is damaged; what else was asked may have gone through. */
  get damage(): SallyportError | undefined {
    return this.#damage;
  }

  /** One transaction in the thread, in the order of asking. */
  async call<K extends Name>(op: K, ...args: Arguments<K>): Promise<Value<K>> {
    return (await this.#ask(op, args[0])) as Value<K>;
  }

  /** After all that was asked before. */
  async close(): Promise<void> {
    if (this.#dead !== undefined) return;
    try {
      await this.#ask('close', undefined);
    } finally {
      await this.#worker.terminate();
    }
  }

  /** Ends the thread at once. What was not committed is lost, what was asked is rejected. */
  async abort(): Promise<void> {
    await this.#worker.terminate();
  }

  async #ask(op: string, args: unknown): Promise<unknown> {
    if (this.#dead !== undefined) throw this.#dead;
    if (this.#waiting.size >= outstandingMax) throw new SallyportError('SP_DATABASE', { reason: `${outstandingMax} requests wait for the disk` });
    const id = ++this.#lastId;
    this.#worker.postMessage({ id, op, args } satisfies Request);
    return this.#wait(id);
  }

  #wait(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else {
      const failure = SallyportError.fromJSON(error);
      if (failure.code === 'SP_DATABASE_DAMAGED') this.#damage ??= failure;
      waiting?.reject(failure);
    }
  }

  #die(error: SallyportError): void {
    this.#dead ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#dead);
    this.#waiting.clear();
  }
}
