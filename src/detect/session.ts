/** One run of the detector's process: from its start to its end, one question at a time. */
import type { Clock } from '../base/clock.ts';
import { asSallyportError, SallyportError } from '../base/errors.ts';
import { joinPath, readTextBounded } from '../base/files.ts';
import type { Child, LaunchOptions } from '../base/spawn.ts';
import { embeddingSum } from './models.ts';
import { answerBytesMax, decodeAnswer, encodeOrder, Messages, type Answer, type Order } from './protocol.ts';

/** What starts a program in the jail: `Jail` of capture/ does. */
export interface Launcher {
  launch(program: string, args: readonly string[], options: LaunchOptions & Confinement): Promise<Child>;
}

/** As `Cell` of capture/jail has them. */
interface Confinement {
  readonly reads?: readonly string[];
  readonly memoryMib?: number;
  readonly spaceMib?: number;
  readonly nice?: number;
  readonly cpuSeconds?: number;
}

export interface SessionOptions {
  readonly clock: Clock;
  readonly jail: Launcher;
  /** Until it must be ready (20 s: a small board with much else to do), and until it must have answered (10 s). */
  readonly readyMs?: number;
  readonly answerMs?: number;
  /** What it may fill of the machine's memory before it is killed (320 MiB). */
  readonly residentMibMax?: number;
  /** Where the models lie, and another program than the detector: for tests of what may go wrong. */
  readonly models?: string;
  readonly entry?: string;
}

const readyMsDefault = 20_000;
const answerMsDefault = 10_000;
const residentMibDefault = 320;
/** Beside what it fills, V8 counts 512 MiB of room for code; and WebAssembly reserves gigabytes of addresses. */
const confinement = { memoryMib: 900, spaceMib: 2 ** 24, nice: 10, cpuSeconds: 3600 } as const;
/** Of the values of JavaScript; a model's numbers lie outside of it. */
const heapMib = 96;
/** See src/detector.ts. */
const exitModelChanged = 3;

const here = import.meta.dirname;
const entryDefault = joinPath(here, '..', import.meta.url.endsWith('.ts') ? 'detector.ts' : 'detector.js');
const root = joinPath(here, '../..');
const packages = joinPath(root, 'node_modules');

export class Session {
  readonly #child: Child;
  readonly #o: SessionOptions;
  readonly #answers = new Messages(answerBytesMax);
  /** Who waits for the next message. */
  #waits: { resolve(answer: Answer): void; reject(error: SallyportError): void } | undefined;
  #over: SallyportError | undefined;

  private constructor(child: Child, o: SessionOptions) {
    this.#child = child;
    this.#o = o;
  }

  /** Resolves when it is ready. SP_MODEL_CHANGED, SP_DETECTOR_GONE, SP_DETECTOR_SPOKE; the jail's. */
  static async start(o: SessionOptions, signal: AbortSignal): Promise<Session> {
    const lines: string[] = [];
    const reads = readable(o);
    const child = await o.jail.launch(process.execPath, [...nodeFlags(reads), o.entry ?? entryDefault, o.models ?? packages], {
      ...confinement, reads, input: 'pipe', detached: true, stderrLinesMax: 20, onErrorLine: (line) => lines.push(line),
    });
    const session = new Session(child, o);
    child.stdout.on('error', () => session.#end(gone('its output broke')));
    child.readOutput((bytes) => session.#take(bytes));
    child.exited.then(({ status, signal: by }) => {
      session.#end(status === exitModelChanged ? new SallyportError('SP_MODEL_CHANGED', { file: lines.at(-1) ?? '' }) : gone(`it ended ${by === null ? `with ${status}` : `by ${by}`}${lines.length === 0 ? '' : ` (${lines.at(-1)})`}`));
    });
    const stop = (): void => void session.#end(gone('the hub stops'));
    signal.addEventListener('abort', stop, { once: true });
    child.exited.then(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
    const ready = await session.#next(o.readyMs ?? readyMsDefault, 'it was not ready');
    if (ready.kind !== 'ready') throw session.#end(new SallyportError('SP_DETECTOR_SPOKE', { what: 'another thing than that it is ready' }));
    if (ready.embedding !== embeddingSum) throw session.#end(new SallyportError('SP_MODEL_CHANGED', { file: `the one of vectors (${ready.embedding.slice(0, 16)}…)` }));
    return session;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Why nothing can be asked any more. */
  get over(): SallyportError | undefined {
    return this.#over;
  }

  /** One at a time. Whatever it rejects with, the session is over. SP_PICTURE_SIZE is the exception. */
  async ask(order: Order): Promise<Answer> {
    if (this.#over !== undefined) throw this.#over;
    const message = encodeOrder(order);
    const answered = this.#next(this.#o.answerMs ?? answerMsDefault, 'it did not answer');
    this.#child.stdin?.write(message, () => message.fill(0));
    const answer = await answered;
    if (answer.id !== order.id || (answer.kind !== order.kind && answer.kind !== 'refused')) throw this.#end(new SallyportError('SP_DETECTOR_SPOKE', { what: 'the answer to another question' }));
    if (await this.#residentMib() > (this.#o.residentMibMax ?? residentMibDefault)) this.#end(gone('it filled more memory than it may'));
    return answer;
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    this.#end(gone('it was ended'));
    await this.#child.exited;
  }

  #take(bytes: Uint8Array): void {
    try {
      this.#answers.take(bytes, (message) => {
        const waits = this.#waits;
        if (waits === undefined) throw new SallyportError('SP_DETECTOR_SPOKE', { what: 'something unasked' });
        const answer = decodeAnswer(message);
        this.#waits = undefined;
        waits.resolve(answer);
      });
    } catch (error) {
      this.#end(asSallyportError(error));
    }
  }

  async #next(withinMs: number, otherwise: string): Promise<Answer> {
    const settled = new AbortController();
    this.#o.clock.sleep(withinMs, settled.signal).then(() => this.#end(gone(`${otherwise} within ${withinMs} ms`)), () => {});
    try {
      return await new Promise<Answer>((resolve, reject) => {
        if (this.#over === undefined) this.#waits = { resolve, reject };
        else reject(this.#over);
      });
    } finally {
      this.#waits = undefined;
      settled.abort();
    }
  }

  /** Kills it; the first reason stays. */
  #end(why: SallyportError): SallyportError {
    this.#over ??= why;
    this.#answers.clear();
    this.#child.kill('SIGKILL');
    this.#waits?.reject(this.#over);
    return this.#over;
  }

  /** 0 when it is gone. */
  async #residentMib(): Promise<number> {
    try {
      // In KiB; statm counts pages, which are of 16 KiB on a Raspberry Pi 5.
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readTextBounded(`/proc/${this.#child.pid}/status`, 8192))?.[1] ?? 0) / 1024;
    } catch {
      return 0;
    }
  }
}

function gone(reason: string): SallyportError {
  return new SallyportError('SP_DETECTOR_GONE', { reason });
}

/** All that it may read: itself, the runtime, the models, and what Node insists on. */
function readable({ entry, models = packages }: SessionOptions): string[] {
  return [
    entry ?? joinPath(here, '..'), joinPath(root, 'package.json'), '/etc/ssl/openssl.cnf', ...['@tensorflow', 'long', 'seedrandom'].map((name) => joinPath(packages, name)),
    ...['@vladmandic/human/models', '@vladmandic/face-api/model'].map((name) => joinPath(models, name)),
  ];
}

/** Node's own permissions stand behind the jail, where a kernel gives it less: no writing, no other program. */
function nodeFlags(reads: readonly string[]): string[] {
  return [`--max-old-space-size=${heapMib}`, '--disable-warning=ExperimentalWarning', '--permission', ...reads.map((path) => `--allow-fs-read=${path}`)];
}
