/**
 * The only door to other programs. Arguments are arrays, never a shell; the environment is chosen, never inherited;
 * output is bounded; standard error comes line by line, bounded and scrubbed of user info.
 */
import { spawn as spawnProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { SallyportError, reasonOf } from './errors.ts';
import { scrub } from './log.ts';
import { readHandleOf, readInOnePlace } from './oneplace.ts';

export interface Exit {
  /** Exit status, or null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LaunchOptions {
  /** Written to standard input, which is then closed; 'pipe' leaves it open as `stdin`. */
  readonly input?: string | Uint8Array | 'pipe';
  /** Called per line of standard error: at most 500 characters, scrubbed; after `stderrLinesMax` (1,000) further lines are dropped. */
  readonly onErrorLine?: (line: string) => void;
  readonly stderrLinesMax?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Debian package that brings the program, for the hint of SP_TOOL_MISSING. */
  readonly package?: string;
  /** Own process group, so that an interrupt at the terminal does not reach it. */
  readonly detached?: boolean;
}

export interface Child {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stdin: Writable | null;
  /** Never rejects. */
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  /**
   * What the program prints goes to `onBytes` and not through `stdout`, which only tells of errors and the end: up to `readBytesMax` at
   * a time, in memory that is wiped after the return and used again for all programs. Once.
   */
  readOutput(onBytes: (bytes: Buffer) => void): void;
  /**
   * Leaves in the kernel what the program prints, so that it wakes nobody, until `releaseOutput` or the program's end. To be called
   * while the output is read: `stdout.pause()` would go on reading, a wake-up for each write, until 64 KiB lie in memory.
   */
  holdOutput(): void;
  releaseOutput(): void;
}

const errorLineMax = 500;

/** Starts a program and resolves once it runs. SP_TOOL_MISSING when there is no such program. */
export function launch(command: string, args: readonly string[], options: LaunchOptions = {}): Promise<Child> {
  return new Promise((resolve, reject) => {
    const child = spawnProcess(command, [...args], {
      shell: false,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', ...options.environment },
      detached: options.detached ?? false,
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
    });
    const exited = new Promise<Exit>((done) => {
      child.once('close', (status, signal) => done({ status, signal }));
    });
    child.once('error', (error) => {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      reject(missing
        ? new SallyportError('SP_TOOL_MISSING', { tool: command, package: options.package ?? command }, error)
        : new SallyportError('SP_INTERNAL', { reason: `${command} could not be started: ${reasonOf(error)}` }, error));
    });
    child.once('spawn', () => {
      child.on('error', () => {});
      const output = readHandleOf(child.stdout as Readable);
      let ended = false;
      child.once('exit', () => {
        ended = true;
        output()?.readStart();
      });
      eachLine(child.stderr as Readable, options.stderrLinesMax ?? 1000, options.onErrorLine ?? (() => {}));
      if (child.stdin !== null) {
        // The program may end before it has read everything: EPIPE is its right.
        child.stdin.on('error', () => {});
        if (options.input !== 'pipe') child.stdin.end(options.input);
      }
      resolve({
        pid: child.pid as number,
        stdout: child.stdout as Readable,
        stdin: child.stdin,
        exited,
        kill: (signal) => void child.kill(signal),
        readOutput: (onBytes) => readInOnePlace(child.stdout as Readable, onBytes),
        holdOutput: () => void (ended || output()?.readStop()),
        releaseOutput: () => void output()?.readStart(),
      });
    });
  });
}

/** This process becomes that program: same number, same standard streams, a chosen environment. Comes back only by throwing. */
export function become(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): never {
  if (process.execve === undefined) throw new SallyportError('SP_INTERNAL', { reason: 'this Node cannot become another program' });
  return process.execve(program, [program, ...args], { ...environment });
}

export interface Finished extends Exit {
  readonly stdout: Buffer;
  /** The first 100 lines, scrubbed. */
  readonly stderr: string;
}

/** Runs a program to its end. It is killed past `timeoutMs` (60 s) or `stdoutBytesMax` (64 MiB), which rejects. */
export async function run(
  command: string,
  args: readonly string[],
  options: LaunchOptions & { timeoutMs?: number; stdoutBytesMax?: number; signal?: AbortSignal } = {},
): Promise<Finished> {
  const lines: string[] = [];
  const child = await launch(command, args, { stderrLinesMax: 100, onErrorLine: (line) => lines.push(line), ...options });
  let broken: string | undefined;
  const stop = (why: string): void => {
    broken ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => stop('it took too long'), options.timeoutMs ?? 60_000);
  const onAbort = (): void => stop('it was stopped');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted === true) onAbort();
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > (options.stdoutBytesMax ?? 64 * 2 ** 20)) stop('it printed too much');
    else chunks.push(chunk);
  });
  try {
    const exit = await child.exited;
    if (broken !== undefined) throw new SallyportError('SP_STOPPED', { what: `${command} (${broken})` });
    return { ...exit, stdout: Buffer.concat(chunks), stderr: lines.join('\n') };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Splits into lines with bounds; what is over a bound is dropped, never buffered. */
function eachLine(stream: Readable, linesMax: number, onLine: (line: string) => void): void {
  let rest = '';
  let lines = 0;
  stream.setEncoding('utf8');
  stream.on('error', () => {});
  stream.on('data', (text: string) => {
    const parts = (rest + text).split(/[\r\n]+/);
    rest = (parts.pop() ?? '').slice(0, errorLineMax);
    for (const part of parts) {
      if (part === '' || ++lines > linesMax) continue;
      onLine(scrub(part.slice(0, errorLineMax)));
    }
  });
  stream.on('end', () => {
    if (rest !== '' && lines < linesMax) onLine(scrub(rest));
  });
}
