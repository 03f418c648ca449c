/**
 * What all benchmarks share: contenders in turn (A B A B), medians, CPU and memory of process trees by /proc, and how figures are
 * printed. A figure is a ratio to a named peer of the same run; nothing is asserted. docs/BENCHMARKS.md tells what is compared.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { run } from '../../src/base/spawn.ts';

export interface BenchOptions {
  /** Small sizes and few rounds: shows that it runs, its figures are rough. */
  readonly smoke: boolean;
  readonly json: boolean;
  /** How often each contender has its turn. */
  readonly runs: number;
  /** Length of a measured window, for benches that measure by time. */
  readonly seconds: number;
  /** Where files are made, instead of the temporary folder: the disk that is to be measured. */
  readonly folder: string | undefined;
  /** An option of one bench alone. */
  number(name: string): number | undefined;
  /** A switch of one bench alone. */
  flag(name: string): boolean;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Median of the ratios of single rounds to the same round's peer; the peer itself has none. */
  readonly ratio?: number;
  readonly peer?: string;
  readonly aim?: string;
  /** Lowest and highest value of all rounds. */
  readonly range: readonly [number, number];
}

/** `more`: names of options with a number that this bench takes besides; `flags`: of those without. */
export function benchOptions(defaults: { runs: number; smokeRuns: number; seconds: number; smokeSeconds: number }, more: readonly string[] = [], flags: readonly string[] = []): BenchOptions {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean' }, json: { type: 'boolean' }, runs: { type: 'string' }, seconds: { type: 'string' }, folder: { type: 'string' },
      ...Object.fromEntries(more.map((name) => [name, { type: 'string' } as const])), ...Object.fromEntries(flags.map((name) => [name, { type: 'boolean' } as const])),
    },
    strict: true,
  });
  const given = new Map<string, unknown>(Object.entries(values));
  const smoke = values.smoke === true;
  return {
    smoke,
    json: values.json === true,
    runs: positive(values.runs) ?? (smoke ? defaults.smokeRuns : defaults.runs),
    seconds: positive(values.seconds) ?? (smoke ? defaults.smokeSeconds : defaults.seconds),
    folder: values.folder,
    number: (name) => positive(given.get(name)),
    flag: (name) => given.get(name) === true,
  };
}

/** Each contender once a round, in the same order; answers each one's values by name. */
export async function inTurn(rounds: number, contenders: ReadonlyMap<string, (round: number) => Promise<number>>): Promise<Map<string, number[]>> {
  const values = new Map([...contenders.keys()].map((name): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of contenders) values.get(name)?.push(await measure(round));
  }
  return values;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between neighbours; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const rising = values.toSorted((a, b) => a - b);
  const at = (rising.length - 1) * q;
  const low = rising[Math.floor(at)] ?? NaN;
  return low + ((rising[Math.ceil(at)] ?? NaN) - low) * (at - Math.floor(at));
}

/** `ratioOf` is how a value relates to the peer's: value / peer where less is better for both, and so on. */
export function figure(name: string, unit: string, values: readonly number[], against?: { peer: string; values: readonly number[]; ratioOf?: (value: number, peer: number) => number; aim?: string }): Figure {
  const range: [number, number] = [Math.min(...values), Math.max(...values)];
  if (against === undefined) return { name, unit, value: median(values), range };
  const ratioOf = against.ratioOf ?? ((value, peer) => value / peer);
  const ratio = median(values.map((value, round) => ratioOf(value, against.values[round] ?? NaN)));
  return { name, unit, value: median(values), range, ratio, peer: against.peer, ...(against.aim === undefined ? {} : { aim: against.aim }) };
}

/** Prints the figures, with the machine and its load before and after. */
export function report(title: string, figures: readonly Figure[], options: BenchOptions, notes: readonly string[] = []): void {
  const machine = { ...startedOn, loadAfter: load(), runs: options.runs, smoke: options.smoke };
  if (options.json) {
    console.log(JSON.stringify({ bench: title, machine, figures, notes }));
    return;
  }
  console.log(`${title}: ${options.runs} runs each, in turn${options.smoke ? ', smoke sizes' : ''}; ${machine.cpu}, ${machine.cores} cores; load ${machine.loadBefore} before, ${machine.loadAfter} after`);
  for (const line of figures.map(lineOf)) console.log(`  ${line}`);
  for (const note of notes) console.log(`  ${note}`);
}

function lineOf({ name, value, unit, ratio, peer, aim, range }: Figure): string {
  const against = ratio === undefined ? '' : `  ${short(ratio)} of ${peer}${aim === undefined ? '' : ` (aim ${aim})`}`;
  return `${name.padEnd(52)} ${short(value).padStart(9)} ${unit} [${short(range[0])} to ${short(range[1])}]${against}`;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function positive(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${String(text)} is no positive number`);
  return value;
}

function load(): string {
  return loadavg().map((value) => value.toFixed(2)).join(' ');
}

const startedOn = { cpu: cpus()[0]?.model ?? 'unknown processor', cores: cpus().length, node: process.version, startedAt: new Date().toISOString(), loadBefore: load() };

// Time

/** Milliseconds that the deed took. */
export async function timeMs(deed: () => Promise<unknown> | void): Promise<number> {
  const begun = performance.now();
  await deed();
  return performance.now() - begun;
}

/** The longest time, in ms, that the event loop kept a 1 ms timer waiting while the deed was done. */
export async function longestGapMs(deed: () => Promise<unknown>): Promise<number> {
  collectGarbage();
  let last = performance.now();
  let longest = 0;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  try {
    await deed();
  } finally {
    clearInterval(timer);
    look();
  }
  return longest;
}

/** What a bench's own preparation left behind is not the measured deed's to clear away. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}

// Processes

export interface Usage {
  readonly cpuSeconds: number;
  /** Of the processes themselves, without what descends from them. */
  readonly ownCpuSeconds: number;
  readonly rssBytes: number;
  /** Memory shared with others is divided among them. */
  readonly pssBytes: number;
  readonly processes: number;
  /** What the kernel was given to write to disks (`write_bytes` of /proc/PID/io), without the file system's own journal. */
  readonly writtenBytes: number;
  /** How often a thread had waited and was woken. */
  readonly wakeUps: number;
}

/**
 * CPU time and memory of processes and all that descends from them. CPU by the scheduler (nanoseconds, living threads) or by the tick
 * counters (10 ms, ended threads too), whichever says more; plus that of reaped children.
 */
export function usageOf(pids: readonly number[]): Usage {
  const members = withDescendants(pids);
  let [cpuSeconds, ownCpuSeconds, rssBytes, pssBytes, writtenBytes, wakeUps] = [0, 0, 0, 0, 0, 0];
  for (const pid of members) {
    try {
      const stat = fieldsOfStat(pid);
      const ticksSeconds = (Number(stat[11]) + Number(stat[12])) / ticksPerSecond;
      const scheduled = scheduledSeconds(pid);
      // Ticks round down, so only a real surplus speaks of threads that ended.
      const own = ticksSeconds > scheduled + 3 / ticksPerSecond ? ticksSeconds : scheduled;
      cpuSeconds += own + (Number(stat[13]) + Number(stat[14])) / ticksPerSecond;
      if (pids.includes(pid)) ownCpuSeconds += own;
      const [rss, pss] = memoryOf(pid);
      rssBytes += rss;
      pssBytes += pss;
      writtenBytes += Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1] ?? NaN);
      for (const task of readdirSync(`/proc/${pid}/task`)) wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1'))?.[1] ?? NaN);
    } catch {
      // It ended between two looks: its time is with its parent's now.
    }
  }
  return { cpuSeconds, ownCpuSeconds, rssBytes, pssBytes, writtenBytes, wakeUps, processes: members.length };
}

/** USER_HZ, which Linux shows as 100 on every architecture we run on. */
const ticksPerSecond = 100;

function withDescendants(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(fieldsOfStat(Number(name))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended.
    }
  }
  const members = [...roots];
  for (const pid of members) members.push(...(children.get(pid) ?? []));
  return members;
}

/** From `state` on: the name before it may hold anything. */
function fieldsOfStat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function scheduledSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
  return nanoseconds / 1e9;
}

function memoryOf(pid: number): [rssBytes: number, pssBytes: number] {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN) * 1024;
  return [bytes('Rss'), bytes('Pss')];
}

// Files

/** A folder of this bench's own, removed when the work is done. On a disk: what is measured there must not be a memory file system. */
export async function inFolder<T>(options: BenchOptions, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'sp-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** 1080p25 H.264 of so many Mbit/s constant, 2 s from key frame to key frame, no sound; made once and kept. */
export async function benchClip(seconds: number, megabits = 4): Promise<string> {
  const folder = join(tmpdir(), `sallyport-bench-${userInfo().uid}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const clip = join(folder, `1080p25-${megabits}mbit-${seconds}s.mp4`);
  if (await access(clip).then(() => true, () => false)) return clip;
  const part = `${clip}.${process.pid}.mp4`;
  const { status, stderr } = await run('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t`, '-t', String(seconds), '-an',
    '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-b:v', `${megabits}M`, '-maxrate', `${megabits}M`, '-bufsize', `${megabits}M`, '-x264-params', 'nal-hrd=cbr',
    '-g', '50', '-keyint_min', '50', '-sc_threshold', '0', '-bf', '0', part,
  ], { timeoutMs: 300_000 });
  if (status !== 0) throw new Error(`the clip could not be made: ${stderr}`);
  await rename(part, clip);
  return clip;
}
