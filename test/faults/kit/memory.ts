/**
 * What root reads out of a running process: every page that is there, also what core dumps leave out (MADV_DONTDUMP, guard pages) and
 * what was swapped. The process stands still meanwhile. More than `gcore` writes, and no debugger is needed.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Finder, Hit } from './finder.ts';

export interface MemoryHit extends Hit {
  /** The mapping: `[heap]`, a library, `anonymous`. */
  readonly where: string;
}

export interface Searched {
  readonly hits: readonly MemoryHit[];
  readonly bytes: number;
}

const pageBytes = 4096;
const blockBytes = 8 * 2 ** 20;

/** All of them stand still until all have been searched: who waits for another that is slow may act on it. One that has ended gives nothing. */
export function searchMemories(pids: readonly number[], finder: Finder): Searched[] {
  for (const pid of pids) signal(pid, 'SIGSTOP');
  try {
    return pids.map((pid) => searchMemory(pid, finder));
  } finally {
    for (const pid of pids) signal(pid, 'SIGCONT');
  }
}

function searchMemory(pid: number, finder: Finder): Searched {
  const opened: number[] = [];
  try {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    opened.push(memory);
    const pages = openSync(`/proc/${pid}/pagemap`, 'r');
    opened.push(pages);
    const hits: MemoryHit[] = [];
    let bytes = 0;
    for (const { from, to, where } of regionsOf(pid)) {
      for (const run of presentRuns(pages, from, to)) bytes += searchRun(memory, run, finder, where, hits);
    }
    return { hits, bytes };
  } catch (error) {
    if (['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return { hits: [], bytes: 0 };
    throw error;
  } finally {
    for (const handle of opened) closeSync(handle);
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch { /* it has ended */ }
}

interface Region { readonly from: number; readonly to: number; readonly where: string }

/** With anything in memory or swapped; programs and libraries, which nobody can have written to, are left out. */
function regionsOf(pid: number): Region[] {
  const regions: (Region & { kiB: number; written: boolean })[] = [];
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (head !== null) regions.push({ from: Number.parseInt(head[1] as string, 16), to: Number.parseInt(head[2] as string, 16), where: head[4] === '' ? 'anonymous' : (head[4] as string), kiB: 0, written: head[3]?.includes('w') === true || head[4]?.startsWith('/') !== true });
    const size = /^(?:Rss|Swap):\s+(\d+) kB$/.exec(line);
    const last = regions.at(-1);
    if (size !== null && last !== undefined) last.kiB += Number(size[1]);
  }
  return regions.filter(({ kiB, where, written }) => kiB > 0 && written && where !== '[vvar]' && where !== '[vsyscall]');
}

/** Runs of pages that are in memory or swapped; V8 reserves far more than it fills. */
function* presentRuns(pages: number, from: number, to: number): Generator<{ from: number; to: number }> {
  const entries = Buffer.alloc(65_536 * 8);
  let begun: number | undefined;
  for (let at = from; at < to;) {
    const wanted = Math.min(65_536, (to - at) / pageBytes);
    const got = readSync(pages, entries, 0, wanted * 8, (at / pageBytes) * 8) / 8;
    if (got === 0) break;
    for (let page = 0; page < got; page++, at += pageBytes) {
      // Bit 63: present, bit 62: swapped.
      const there = (entries[page * 8 + 7] as number) >= 0x40;
      if (there) begun ??= at;
      if (begun !== undefined && (!there || at + pageBytes - begun >= blockBytes)) {
        yield { from: begun, to: there ? at + pageBytes : at };
        begun = undefined;
      }
    }
  }
  if (begun !== undefined) yield { from: begun, to };
}

function searchRun(memory: number, run: { from: number; to: number }, finder: Finder, where: string, hits: MemoryHit[]): number {
  // What begins at the end of one block ends in the next: it is read with it.
  const length = run.to - run.from + pageBytes;
  const block = Buffer.allocUnsafe(length);
  let got: number;
  try {
    got = readSync(memory, block, 0, length, run.from);
  } catch {
    return 0;
  }
  for (const hit of finder.search(block.subarray(0, got), run.from)) {
    if (hit.at < run.to) hits.push({ ...hit, where });
  }
  // It holds the secrets that are looked for; this process must not be the place where another search finds them.
  block.fill(0);
  return Math.min(got, run.to - run.from);
}
