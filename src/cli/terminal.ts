/** Printing and asking at the terminal. */
import { createInterface } from 'node:readline/promises';
import { SallyportError } from '../base/errors.ts';
import { scrub } from '../base/log.ts';
import { withTimes } from '../policy/times.ts';

/** Text from cameras and files is scrubbed of control characters before it reaches the terminal. */
export function print(line = ''): void {
  process.stdout.write(`${scrub(line)}\n`);
}

export function printError(line: string): void {
  process.stderr.write(`${scrub(line)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Columns padded to the widest cell; the last one runs on. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  return [head, ...rows].map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd());
}

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const line of tableLines(head, rows)) print(line);
}

/** One moving line on a terminal's standard error, nothing elsewhere. */
export function progress(label: string): { show(done: number, total: number): void; end(): void } {
  const live = process.stderr.isTTY === true;
  let lastShownMs = 0;
  return {
    show(done, total) {
      const nowMs = performance.now();
      if (!live || (done < total && nowMs - lastShownMs < 100)) return;
      lastShownMs = nowMs;
      const filled = total === 0 ? 20 : Math.round((20 * done) / total);
      process.stderr.write(`\r${label} [${'#'.repeat(filled)}${'.'.repeat(20 - filled)}] ${done}/${total}\u001b[K`);
    },
    end() {
      if (live) process.stderr.write('\r\u001b[K');
    },
  };
}

/** A password: typed unseen at a terminal, else the first line of standard input. Never an argument, which others could read. */
export async function readPassword(prompt: string, command: string): Promise<string> {
  if (process.stdin.isTTY !== true) {
    const text = (await readAll()).split(/\r?\n/)[0] ?? '';
    if (text === '') throw new SallyportError('SP_USAGE', { command, reason: 'no password came on standard input' });
    return text;
  }
  process.stderr.write(prompt);
  const terminal = createInterface({ input: process.stdin, output: undefined, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

/** A user or key id and its secret, or a secret alone: two lines of standard input; at a terminal each is asked for. */
export async function readSecretLines(what: string): Promise<string> {
  if (process.stdin.isTTY !== true) return (await readAll()).trim();
  const user = await readPassword(`User or key id of ${what} (empty where there is none): `, 'secret');
  const secret = await readPassword(`Secret of ${what}: `, 'secret');
  return user === '' ? secret : `${user}\n${secret}`;
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += (chunk as Buffer).length;
    if (bytes > 65_536) break;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Local time of the person at the terminal, to the second. */
/** The hub's sentence, with the times in it by this machine's clock. */
export function hubWords(sentence: string): string {
  return withTimes(sentence, localTime);
}

export function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
