/** What a run of a case left in `fault-results.jsonl`, and how parts become one row of the table. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { FaultCase, FaultOutcome } from './fault.ts';

export interface Result {
  readonly id: string;
  readonly mode: 'quick' | 'all';
  readonly part: number;
  readonly parts: number;
  readonly seed: number;
  readonly at: string;
  readonly machine: string;
  /** At its end: times of a machine that others use too say little. */
  readonly loadPerCore?: string;
  readonly tookMs: number;
  readonly outcome: FaultOutcome;
}

export interface Row {
  readonly id: string;
  readonly fault: string;
  readonly expected: string;
  readonly injected: string;
  readonly lost: string;
  readonly recovery: string;
  readonly figures: string;
  readonly verdict: string;
  readonly date: string;
  readonly load: string;
  readonly command: string;
}

const problemsShown = 3;

export function readResults(file: string): Result[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Result];
    } catch {
      return []; // a line that a kill cut short
    }
  });
}

export function addResult(file: string, result: Result): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

export function passed(outcome: FaultOutcome): boolean {
  return outcome.problems.length === 0 && outcome.notHere === undefined;
}

/** The newest result of each part of the fullest run that there is. */
export function resultsOf(results: readonly Result[], id: string): Result[] {
  const own = results.filter((result) => result.id === id);
  const full = own.filter((result) => result.mode === 'all');
  const parts = new Map((full.length > 0 ? full : own).map((result) => [result.part, result]));
  return [...parts.values()].sort((a, b) => a.part - b.part);
}

export function rowOf(fault: FaultCase, results: readonly Result[]): Row {
  const mine = resultsOf(results, fault.id);
  const outcomes = mine.map(({ outcome }) => outcome);
  const recoveries = outcomes.flatMap(({ recoveryMs }) => recoveryMs);
  return {
    id: fault.id,
    fault: fault.fault,
    expected: fault.expected,
    injected: mine.length === 0 ? '' : String(outcomes.reduce((sum, { injected }) => sum + injected, 0)),
    lost: [...new Set(outcomes.map(({ lost }) => lost).filter((lost) => lost !== ''))].join('; '),
    recovery: recoveries.length === 0 ? '' : `${seconds(median(recoveries))} / ${seconds(Math.max(...recoveries))}`,
    figures: figuresOf(outcomes),
    verdict: verdictOf(fault, mine),
    date: mine.at(-1)?.at.slice(0, 10) ?? '',
    load: [...new Set(mine.map(({ loadPerCore }) => loadPerCore ?? 'not noted'))].join(', '),
    command: mine.length === 0 ? '' : `scripts/faults ${mine[0]?.mode === 'all' ? '--all' : '--quick'} --only ${fault.id}${seedsOf(mine)}`,
  };
}

function shortened(problem: string): string {
  const line = problem.split('\n')[0] ?? '';
  return line.length > 240 ? `${line.slice(0, 240)}…` : line;
}

function seedsOf(results: readonly Result[]): string {
  const seeds = [...new Set(results.map(({ seed }) => seed))];
  return seeds.length === 1 ? ` --seed ${seeds[0]}` : '';
}

function verdictOf(fault: FaultCase, results: readonly Result[]): string {
  if (results.length === 0) return 'not run';
  const absent = results.find(({ outcome }) => outcome.notHere !== undefined)?.outcome.notHere;
  const problems = results.flatMap(({ outcome }) => outcome.problems);
  if (problems.length > 0) return `**fails**: ${problems.slice(0, problemsShown).map(shortened).join('; ')}${problems.length > problemsShown ? `; and ${problems.length - problemsShown} more` : ''}`;
  if (absent !== undefined) return `not here: ${absent}`;
  const parts = results[0]?.parts ?? 1;
  return results[0]?.mode === 'all' && results.length < (fault.parts ?? 1) ? `holds in ${results.length} of ${parts} parts; the rest was not run` : 'holds';
}

/** Of several parts: each one's figure, in order, where they differ. */
function figuresOf(outcomes: readonly FaultOutcome[]): string {
  const names = [...new Set(outcomes.flatMap(({ figures }) => Object.keys(figures ?? {})))];
  return names.map((name) => `${name}: ${[...new Set(outcomes.flatMap(({ figures }) => (figures?.[name] === undefined ? [] : [String(figures[name])])))].join(', ')}`).join('; ');
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
}

export function machineInWords(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
}
