/** What lies in another process's memory: read as root, as a core dump would have it, past what makes a process not dumpable. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { runBytes, type Plaintext } from '../e2e/plaintext.ts';

export interface Found {
  /** By the names of what is looked for: how many runs of it lie there, each counted once, and where the first ones do. */
  readonly of: Readonly<Record<string, { runs: number; places: string[] }>>;
  readonly bytes: number;
}

const placesMost = 5;

const pieceBytes = 8 * 2 ** 20;

/** Why it cannot be, or false: for `t.test`. */
export function unreadable(): string | false {
  return process.getuid?.() === 0 ? false : 'skipped: only root reads the memory of a process that is not dumpable';
}

/** All that is written to in its memory; what goes away while it is read is left out. */
export function searchMemory(pid: number, plaintexts: Readonly<Record<string, Plaintext>>): Found {
  const maybe = new Uint8Array(2 ** 24);
  const byStart = new Map<number, { name: string; run: Buffer }[]>();
  for (const [name, plaintext] of Object.entries(plaintexts)) {
    for (const [start, runs] of plaintext.byStart) {
      maybe[start >>> 8] = 1;
      byStart.set(start, [...(byStart.get(start) ?? []), ...runs.map((run) => ({ name, run }))]);
    }
  }
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const piece = Buffer.alloc(pieceBytes);
  const seen = new Set<Buffer>();
  const of = Object.fromEntries(Object.keys(plaintexts).map((name) => [name, { runs: 0, places: [] as string[] }]));
  let bytes = 0;
  try {
    for (const { from, to, name: place } of regionsOf(pid)) {
      for (let at = from; at < to;) {
        const read = readAt(memory, piece, at, Math.min(pieceBytes, to - at));
        if (read < runBytes) break;
        for (let offset = 0; offset + runBytes <= read; offset++) {
          if (maybe[((piece[offset] as number) << 16) | ((piece[offset + 1] as number) << 8) | (piece[offset + 2] as number)] === 0) continue;
          for (const { name, run } of byStart.get(piece.readUInt32BE(offset)) ?? []) {
            if (seen.has(run) || run.compare(piece, offset, offset + runBytes) !== 0) continue;
            seen.add(run);
            const found = of[name] as Found['of'][string];
            if (found.runs++ < placesMost) found.places.push(`${(at + offset).toString(16)} of ${from.toString(16)}-${to.toString(16)} ${place}`);
          }
        }
        bytes += read;
        // The last bytes again, for a run that goes on in the next piece.
        at += read < pieceBytes ? read : read - runBytes + 1;
      }
    }
  } finally {
    closeSync(memory);
    piece.fill(0);
  }
  return { of, bytes };
}

function regionsOf(pid: number): { from: number; to: number; name: string }[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').flatMap((line) => {
    const [, from, to, rights, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line) ?? [];
    return from === undefined || to === undefined || rights?.startsWith('rw') !== true || name?.startsWith('[v') === true ? [] : [{ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16), name: name ?? '' }];
  });
}

function readAt(memory: number, piece: Buffer, at: number, length: number): number {
  try {
    return readSync(memory, piece, 0, length, at);
  } catch {
    return 0;
  }
}

/** Of all processes that began by it, those whose command line has the word. */
export function childrenOf(pid: number, word: string): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((text) => text !== '').map(Number).flatMap((child) => {
    try {
      return [...(readFileSync(`/proc/${child}/cmdline`, 'latin1').includes(word) ? [child] : []), ...childrenOf(child, word)];
    } catch {
      return [];
    }
  });
}
