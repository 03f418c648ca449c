/** What runs, by /proc. */
import { readdir, readFile } from 'node:fs/promises';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** `Z` is a zombie. */
  readonly state: string;
}

export async function processes(): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (pid): Promise<RunningProcess[]> => {
    // "pid (name) state ppid …"; the name may hold anything.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const match = /^(\d+) \((.*)\) (\S) (\d+) /s.exec(stat);
    return match === null ? [] : [{ pid: Number(match[1]), name: match[2] ?? '', state: match[3] ?? '', parent: Number(match[4]) }];
  }));
  return found.flat();
}

/** Of a process: its children, theirs, and so on. */
export async function descendants(pid: number): Promise<RunningProcess[]> {
  const all = await processes();
  const found: RunningProcess[] = [];
  for (let parents = [pid]; parents.length > 0;) {
    const next = all.filter(({ parent }) => parents.includes(parent));
    found.push(...next);
    parents = next.map((child) => child.pid);
  }
  return found;
}

/** Of a hub: the ffmpegs of its streams, one each; a thumbnail's decoder lives for a moment and is none of them. */
export async function streamFfmpegs(hub: number): Promise<RunningProcess[]> {
  const ffmpegs = (await descendants(hub)).filter(({ name }) => name === 'ffmpeg');
  const commands = await Promise.all(ffmpegs.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  // One that has ended meanwhile has no command any more.
  return ffmpegs.filter((_, index) => commands[index] !== '' && commands[index]?.includes('mjpeg') === false);
}

export async function rssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
