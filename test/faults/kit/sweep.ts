/**
 * One tracer over one vault process: every so many calls of one kind fail once, so that over many rounds each call of a round has failed.
 * The step is longer than three rounds have calls, so that a failing round is followed by rounds in which nothing fails. What a purge
 * did not finish it does again with the next one's files, so unlinks are further apart.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launch, run, type Child } from '../../../src/base/spawn.ts';
import type { FaultRun } from '../fault.ts';
import type { EndReport, RoundReport } from './sweepdriver.ts';

export type Call = 'write' | 'pwrite64' | 'pwritev' | 'fsync' | 'fdatasync' | 'rename' | 'openat' | 'unlink' | 'mkdir' | 'ftruncate';
export const calls: readonly Call[] = ['pwritev', 'fdatasync', 'fsync', 'pwrite64', 'rename', 'openat', 'write', 'unlink', 'mkdir', 'ftruncate'];
export type Errno = 'EIO' | 'ENOSPC';

export interface Sweep {
  readonly call: Call;
  readonly errno: Errno;
  /** Calls that failed. */
  readonly points: number;
  /** What they were on, by kind of file. */
  readonly places: ReadonlyMap<string, number>;
  readonly acknowledged: number;
  readonly problems: readonly string[];
}

/** Why nothing can be traced here, or undefined. */
export async function whyNoTracer(): Promise<string | undefined> {
  const { status, stderr } = await run('strace', ['-o', '/dev/null', '-e', 'trace=none', 'true']).catch((error: unknown) => ({ status: 1, stderr: String(error) }));
  return status === 0 ? undefined : `strace cannot trace here: ${stderr}`;
}

/** How many calls of this kind a thread makes in a round: the most of any thread. */
export async function callsPerRound(o: FaultRun): Promise<Map<Call, number>> {
  const rounds = 4;
  const { trace } = await drive(o, join(o.folder, 'count'), rounds, ['-e', `trace=${calls.join(',')}`]);
  const counts = new Map<string, number>();
  for (const line of trace) {
    const [, thread, call] = /^(\d+)\s+(?:<\.\.\. )?(\w+)[( ]/.exec(line) ?? [];
    if (thread === undefined || call === undefined || line.includes('resumed>') || isPipe(line)) continue;
    counts.set(`${thread} ${call}`, (counts.get(`${thread} ${call}`) ?? 0) + 1);
  }
  return new Map(calls.map((call) => [call, Math.ceil(Math.max(0, ...[...counts].filter(([key]) => key.endsWith(` ${call}`)).map(([, count]) => count)) / rounds)]));
}

/** `points` calls fail, or as many as the rounds that fit. */
export async function sweep(o: FaultRun, call: Call, errno: Errno, perRound: number, points: number): Promise<Sweep> {
  const folder = join(o.folder, `${call}-${errno}`);
  // Not a multiple of what a round has: the failing call moves on from failing round to failing round.
  const step = (call === 'unlink' ? 8 : 3) * perRound + 1 + Math.floor(o.random() * perRound);
  const first = 1 + Math.floor(o.random() * perRound);
  const rounds = Math.ceil((points * step) / perRound);
  const { trace, reports, end, died } = await drive(o, folder, rounds, ['-e', `trace=${call}`, '-e', `inject=${call}:error=${errno}:when=${first}+${step}`]);
  const failed = trace.filter((line) => line.includes('(INJECTED)'));
  const acknowledged = new Set(reports.flatMap((report) => report.acknowledged));
  return {
    call, errno, points: failed.length, acknowledged: acknowledged.size,
    places: tally(failed.map(placeOf)),
    problems: [
      ...(died === undefined ? [] : [`the process died: ${died}; the last call that failed: ${failed.at(-1) ?? 'none'}`]),
      ...withoutCode(reports),
      ...neverWell(reports),
      ...falselyAcknowledged(failed, acknowledged),
      ...(end?.problems ?? []),
    ].map((problem) => `${call} ${errno} (${failed.length} points): ${problem}`),
  };
}

/** A round reports what each step threw: always an error of the table. */
function withoutCode(reports: readonly RoundReport[]): string[] {
  return [...new Set(reports.flatMap(({ errors }) => errors.filter((error) => error.includes('NO CODE'))))].slice(0, 3);
}

/** Two threads fail by turns, and a round repeats what failed in the one before: still, of ten rounds in a row one is without any error, in the same process. */
function neverWell(reports: readonly RoundReport[]): string[] {
  let ill = 0;
  for (const { errors, round } of reports) {
    ill = errors.length === 0 ? 0 : ill + 1;
    if (ill >= 10) return [`it did not recover by itself: rounds ${round - 9} to ${round}: ${reports.filter((report) => report.round > round - 10 && report.round <= round).map((report) => report.errors.join(' + ')).join(' | ')}`];
  }
  return [];
}

/** A segment of which a write or a sync failed was acknowledged under the same name. */
function falselyAcknowledged(failed: readonly string[], acknowledged: ReadonlySet<string>): string[] {
  return failed.flatMap((line) => {
    const path = /footage\/([^">]+\.mp4\.age)\.part/.exec(line)?.[1];
    const harmless = /^\d+\s+(?:unlink|openat)\b/.test(line);
    return path === undefined || harmless || !acknowledged.has(path) ? [] : [`${path} was acknowledged, though this failed: ${line.slice(0, 200)}`];
  });
}

interface Driven {
  readonly trace: string[];
  readonly reports: RoundReport[];
  readonly end: EndReport | undefined;
  readonly died: string | undefined;
}

async function drive(o: FaultRun, folder: string, rounds: number, tracing: readonly string[]): Promise<Driven> {
  await mkdir(folder, { recursive: true });
  const errors: string[] = [];
  // One thread for files: then the n-th call is the same call in each run.
  const driver = await launch(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'sweepdriver.ts'), folder], {
    input: 'pipe', environment: { UV_THREADPOOL_SIZE: '1' }, onErrorLine: (line) => errors.push(line),
  });
  const onAbort = (): void => driver.kill('SIGKILL');
  o.signal.addEventListener('abort', onAbort, { once: true });
  const said = createInterface({ input: driver.stdout });
  const reports: RoundReport[] = [];
  let end: EndReport | undefined;
  let tracer: Child | undefined;
  const traceFile = join(folder, 'trace');
  for await (const line of said) {
    const report = JSON.parse(line) as { ready?: number; swept?: number } & Partial<RoundReport> & Partial<EndReport>;
    if (report.ready !== undefined) {
      tracer = await attach(report.ready, folder, traceFile, tracing);
      driver.stdin?.write(`sweep ${rounds}\n`);
    } else if (report.swept !== undefined) {
      tracer?.kill('SIGINT');
      await tracer?.exited;
      driver.stdin?.write('calm\n');
    } else if (report.round !== undefined) reports.push(report as RoundReport);
    else end = report as EndReport;
  }
  const exit = await driver.exited;
  tracer?.kill('SIGKILL');
  await tracer?.exited;
  o.signal.removeEventListener('abort', onAbort);
  const trace = (await readFile(traceFile, 'utf8').catch(() => '')).split('\n');
  return { trace, reports, end, died: end === undefined && !o.signal.aborted ? `${exit.signal ?? exit.status}: ${errors.slice(-5).join(' | ')}` : undefined };
}

/** Resolves when all threads of the process are traced. */
async function attach(pid: number, folder: string, traceFile: string, tracing: readonly string[]): Promise<Child> {
  let attached = (): void => {};
  const all = new Promise<void>((resolve) => { attached = resolve; });
  const paths = tracing.some((word) => word.startsWith('inject=write:')) ? smallFiles(pid, folder).flatMap((path) => ['-P', path]) : [];
  const tracer = await launch('strace', ['-f', '-y', '-s', '0', '-o', traceFile, '-p', String(pid), ...tracing, ...paths], {
    onErrorLine: (line) => { if (line.includes('attached')) attached(); },
  });
  await Promise.race([all, tracer.exited]);
  return tracer;
}

/** `write` also wakes threads through pipes; only the small files that are written whole may fail. */
function smallFiles(pid: number, folder: string): string[] {
  const data = join(folder, 'data');
  const numbers = Array.from({ length: 400 }, (_, n) => n);
  return [
    ...numbers.flatMap((n) => ['.json', '.json.sig'].flatMap((end) => ['checkpoints', 'receipts'].map((place) => `${data}/${place}/${n}${end}.${pid}.part`))),
    ...numbers.slice(0, 20).flatMap((slot) => [0, 1].flatMap((camera) => [3, 4].map((hour) => `${data}/footage/camera-${camera}/20261124/0${hour}/hour-${slot}.json.age.${pid}.part`))),
  ];
}

function isPipe(line: string): boolean {
  return /\d+<(?:pipe|socket|anon_inode|\/dev\/)/.test(line);
}

/** `…/keyring/keyring.1` → keyring. */
function placeOf(line: string): string {
  const rest = line.slice(line.indexOf('/data') + 5);
  if (rest.startsWith('/footage')) return rest.includes('hour-') ? 'hour list' : rest.includes('.mp4.age') ? 'segment' : 'footage folder';
  return /^\/(\w+)/.exec(rest)?.[1] ?? 'data folder';
}

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
