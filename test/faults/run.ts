/**
 * What `scripts/faults` runs: each case in a process of its own, as root in a mount and process namespace of its own, so that whatever
 * a case leaves (mounts, hubs, orphans) ends with it. Results are lines of `fault-results.jsonl`; the table is made from them.
 */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { launch, run } from '../../src/base/spawn.ts';
import { allCases } from './cases.ts';
import { sameId, type FaultCase, type FaultOutcome } from './fault.ts';
import { addResult, machineInWords, passed, readResults, resultsOf, rowOf, seconds, type Result } from './result.ts';
import { loadPerCore } from './kit/load.ts';
import type { CaseOrder } from './runcase.ts';
import { printTable, writeReliability } from './table.ts';

const root = resolve(import.meta.dirname, '../..');
/** What outlives a run: the folder of a case that goes on in parts, and the hubs' logs. */
const keptFolder = join(tmpdir(), 'sallyport-faults');
const resultsFile = join(root, 'fault-results.jsonl');

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' }, all: { type: 'boolean' }, resume: { type: 'boolean' }, only: { type: 'string' }, seed: { type: 'string' },
    jobs: { type: 'string' }, list: { type: 'boolean' }, table: { type: 'boolean' },
  },
  strict: true,
});
const quick = options.all !== true;
const mode = quick ? 'quick' : 'all';
const seed = options.seed === undefined ? randomInt(2 ** 31) : Number(options.seed);
const cases = await allCases();
let isolatedBy: Promise<readonly string[]> | undefined;

if (options.list === true) {
  for (const fault of cases) console.log(`${fault.id.padEnd(12)} ${fault.fault}`);
} else if (options.table === true) {
  const rows = cases.map((fault) => rowOf(fault, readResults(resultsFile)));
  printTable(rows);
  writeReliability(root, rows, readResults(resultsFile));
} else {
  await runAll(chosen());
}

function chosen(): FaultCase[] {
  if (options.only === undefined) {
    const left = quick ? cases.filter(({ notQuick }) => notQuick === true) : [];
    if (left.length > 0) console.log(`not in a quick run: ${left.map(({ id }) => id).join(', ')}`);
    return cases.filter((fault) => !left.includes(fault));
  }
  return options.only.split(',').filter((id) => id !== '').map((id) => {
    const found = cases.find((fault) => sameId(fault.id, id));
    if (found === undefined) throw new Error(`there is no case ${id}; --list shows them`);
    return found;
  });
}

async function runAll(wanted: readonly FaultCase[]): Promise<void> {
  console.log(`seed ${seed}, ${mode}${(await isolation()).length === 0 ? ', not root: cases that need mounts or a tracer cannot run' : ''}`);
  const before = options.resume === true ? readResults(resultsFile) : [];
  const results: Result[] = [];
  const waiting = [...wanted];
  const jobs = Math.max(1, Number(options.jobs ?? (quick ? 3 : 1)));
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      for (const result of await runParts(fault, before)) results.push(result);
    }
  }));
  const rows = wanted.map((fault) => rowOf(fault, results));
  printTable(rows);
  const verdicts = wanted.map((fault) => resultsOf(results, fault.id).map(({ outcome }) => outcome));
  const held = verdicts.filter((outcomes) => outcomes.every(passed)).length;
  const failed = verdicts.filter((outcomes) => outcomes.some(({ problems }) => problems.length > 0)).length;
  if (held + failed < wanted.length) console.log(`${wanted.length - held - failed} could not be tried here; the table says why`);
  console.log(`${held} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** Parts that an earlier run passed are not run again by `--resume`. */
async function runParts(fault: FaultCase, before: readonly Result[]): Promise<Result[]> {
  const parts = quick ? 1 : (fault.parts ?? 1);
  const kept = fault.oneFolder === true && !quick ? join(keptFolder, fault.id) : undefined;
  const done: Result[] = [];
  for (let part = 1; part <= parts; part++) {
    const earlier = before.findLast((result) => result.id === fault.id && result.mode === mode && result.part === part && passed(result.outcome));
    if (earlier !== undefined) {
      done.push(earlier);
      continue;
    }
    if (kept !== undefined && part === 1) rmSync(kept, { recursive: true, force: true });
    if (kept !== undefined) mkdirSync(kept, { recursive: true });
    const result = await runPart(fault, part, parts, kept);
    addResult(resultsFile, result);
    done.push(result);
  }
  if (kept !== undefined && done.every(({ outcome }) => outcome.problems.length === 0)) rmSync(kept, { recursive: true, force: true });
  return done;
}

async function runPart(fault: FaultCase, part: number, parts: number, kept: string | undefined): Promise<Result> {
  const name = parts === 1 ? fault.id : `${fault.id} ${part}/${parts}`;
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'spf-'));
  // A machine that others use too is slower, not worse; a part of --all stays under nine minutes.
  const limitMs = quick ? (fault.limitMs?.quick ?? 60_000) * Math.min(3, Math.max(1, loadPerCore() / 2)) : (fault.limitMs?.all ?? 480_000);
  const partSeed = seedFor(fault.id, part);
  mkdirSync(keptFolder, { recursive: true, mode: 0o700 });
  const logFile = join(keptFolder, `${fault.id}.log`);
  console.log(`${name}: ${fault.fault}`);
  const began = performance.now();
  const outcome = await inProcess(fault.id, { folder, quick, part, parts, seed: partSeed, logFile, limitMs }, (line) => console.log(`${name}:   ${line}`));
  const tookMs = Math.round(performance.now() - began);
  if (kept === undefined) removeFolder(folder);
  for (const problem of outcome.problems) console.log(`FAILED ${name}: ${problem}`);
  if (outcome.problems.length > 0 && existsSync(logFile)) console.log(`${name}: what its hub said is in ${logFile}`);
  console.log(`${name}: ${outcome.notHere !== undefined ? `not here: ${outcome.notHere}` : passed(outcome) ? 'holds' : 'fails'}, ${outcome.injected} injected, ${seconds(tookMs)}`);
  return { id: fault.id, mode, part, parts, seed, at: new Date().toISOString(), machine: machineInWords(), loadPerCore: loadPerCore().toFixed(1), tookMs, outcome };
}

async function inProcess(id: string, order: CaseOrder, say: (line: string) => void): Promise<FaultOutcome> {
  const isolated = await isolation();
  // A runner that is ended takes its case with it.
  const [command = '', ...args] = ['setpriv', '--pdeathsig', 'KILL', ...isolated, process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'runcase.ts'), id, JSON.stringify(order)];
  const errors: string[] = [];
  const child = await launch(command, args, { detached: true, environment: environment(isolated.length > 0), onErrorLine: (line) => errors.push(line), stderrLinesMax: 200 });
  const patience = setTimeout(() => child.kill('SIGKILL'), order.limitMs + 30_000);
  let outcome: FaultOutcome | undefined;
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
    try {
      const said = JSON.parse(line) as { say?: string; outcome?: FaultOutcome };
      if (said.say !== undefined) say(said.say);
      outcome = said.outcome ?? outcome;
    } catch {
      say(line.slice(0, 500));
    }
  }
  const { status, signal } = await child.exited;
  clearTimeout(patience);
  return outcome ?? { injected: 0, lost: '', recoveryMs: [], problems: [`the case's process ended (${signal ?? status}) without an answer: ${errors.slice(-10).join(' | ')}`] };
}

/** Bash is process 1 of the namespace: it collects orphans, as an init would. */
function isolation(): Promise<readonly string[]> {
  const by = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
  isolatedBy ??= run(by[0] as string, [...by.slice(1), 'true'], {}).then(({ status }) => (status === 0 ? [...by, 'bash', '-c', '"$0" "$@" & wait $!'] : []), () => []);
  return isolatedBy;
}

function environment(isolated: boolean): Record<string, string> {
  const chosen: Record<string, string> = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin` };
  if (isolated) chosen['SALLYPORT_FAULTS_ISOLATED'] = '1';
  for (const name of ['HOME', 'TMPDIR']) {
    const value = process.env[name];
    if (value !== undefined) chosen[name] = value;
  }
  return chosen;
}

function seedFor(id: string, part: number): number {
  return [...`${id}/${part}`].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16_777_619) >>> 0, seed >>> 0);
}

function removeFolder(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  rmSync(folder, { recursive: true, force: true });
}
