/** Searches folders for plaintext of a known clip: runs of its bytes, beginnings of media files, boxes with their true size. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';

export const runBytes = 16;
/** Between two runs of one NAL unit. */
const strideBytes = 97;

export interface Plaintext {
  /** First 4 bytes of each run → the runs that begin so. */
  readonly byStart: ReadonlyMap<number, readonly Buffer[]>;
  /** 1 at the first 2 bytes of each run: most places of a file are passed by with one look. */
  readonly begins: Uint8Array;
  readonly runs: number;
}

/** Runs from the payloads of the clip's NAL units (their first 8 bytes left out, which are alike in many clips) and of JPEG scans. */
export async function plaintextOf(clip: string, jpegs: readonly string[]): Promise<Plaintext> {
  const annexB = (await run('ffmpeg', ['-v', 'error', '-i', clip, '-map', '0:v:0', '-c', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'h264', '-'])).stdout;
  // Slices only: parameter sets and x264's own notes are alike in clips that are not this one.
  const slices = [...nalUnits(annexB)].filter((nal) => [1, 5].includes((nal[0] ?? 0) & 0x1f));
  return runsOf([...slices, ...(await Promise.all(jpegs.map(async (path) => (await readFile(path)).subarray(700))))]);
}

export function runsOf(payloads: readonly Buffer[]): Plaintext {
  const byStart = new Map<number, Buffer[]>();
  const begins = new Uint8Array(2 ** 16);
  let runs = 0;
  for (const payload of payloads) {
    for (let at = 8; at + runBytes <= payload.length && runs < 50_000; at += strideBytes) {
      const bytes = payload.subarray(at, at + runBytes);
      // Flat pictures give runs of few values, which other files have, too.
      if (new Set(bytes).size < 10) continue;
      const start = bytes.readUInt32BE(0);
      begins[start >>> 16] = 1;
      byStart.set(start, [...(byStart.get(start) ?? []), bytes]);
      runs++;
    }
  }
  return { byStart, begins, runs };
}

function* nalUnits(annexB: Buffer): Generator<Buffer> {
  let begin = -1;
  for (let at = annexB.indexOf('\0\0\x01', 0, 'latin1'); at >= 0; at = annexB.indexOf('\0\0\x01', at + 3, 'latin1')) {
    if (begin >= 0) yield annexB.subarray(begin, at);
    begin = at + 3;
  }
  if (begin >= 0) yield annexB.subarray(begin);
}

export interface Finding {
  readonly file: string;
  readonly what: string;
}

export interface Searched {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly bytes: number;
}

/**
 * Looks into every regular file below the folders that changed since `sinceMs`; `leaveOut` are paths with all that is below them.
 * `runsOnly` is for folders where other programs may keep media of their own.
 */
export async function searchFolders(folders: readonly string[], plaintext: Plaintext, o: { leaveOut?: readonly string[]; sinceMs?: number; runsOnly?: boolean; bytesMax?: number } = {}): Promise<Searched> {
  const findings: Finding[] = [];
  let files = 0;
  let bytes = 0;
  for (const folder of folders) {
    for await (const path of walk(folder, o.leaveOut ?? [])) {
      const content = await contentOf(path, o.sinceMs ?? 0, o.bytesMax ?? Infinity);
      if (content === undefined) continue;
      files++;
      bytes += content.length;
      const what = (o.runsOnly === true ? undefined : magicOf(content) ?? boxIn(content)) ?? runIn(content, plaintext);
      if (what !== undefined) findings.push({ file: path, what });
    }
  }
  return { findings, files, bytes };
}

async function* walk(folder: string, leaveOut: readonly string[]): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    // Installations that run beside the test have tens of thousands of new files.
    if (entry.name === 'node_modules' || leaveOut.some((left) => path === left || path.startsWith(`${left}/`))) continue;
    if (entry.isDirectory()) yield* walk(path, leaveOut);
    else if (entry.isFile()) yield path;
  }
}

/** Undefined for what vanished meanwhile, is older, or is larger. */
async function contentOf(path: string, sinceMs: number, bytesMax: number): Promise<Buffer | undefined> {
  try {
    const info = await stat(path);
    if (info.mtimeMs < sinceMs || info.size > bytesMax) return undefined;
    const handle = await open(path);
    try {
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

function magicOf(content: Buffer): string | undefined {
  const at = (offset: number, text: string): boolean => content.toString('latin1', offset, offset + text.length) === text;
  if (at(4, 'ftyp') || at(4, 'styp') || at(4, 'moof')) return 'begins as MP4';
  if (at(0, '\xff\xd8\xff')) return 'begins as JPEG';
  if (at(0, '\0\0\0\x01') && ((content[4] ?? 0) & 0x1f) === 7) return 'begins as H.264';
  if (at(0, 'RIFF') || at(0, '\x1a\x45\xdf\xa3') || (content.length > 376 && at(0, 'G') && at(188, 'G') && at(376, 'G'))) return 'begins as a media file';
  return undefined;
}

const boxTypes = ['ftyp', 'moov', 'moof', 'mdat', 'trak', 'traf'];

/** A box of a known type whose size leads to the next one's header or to the end of the file. */
function boxIn(content: Buffer): string | undefined {
  for (const type of boxTypes) {
    for (let at = content.indexOf(type, 4, 'latin1'); at >= 0; at = content.indexOf(type, at + 4, 'latin1')) {
      const size = content.readUInt32BE(at - 4);
      const end = at - 4 + size;
      if (size < 8 || end > content.length) continue;
      const next = content.toString('latin1', end + 4, end + 8);
      if (end === content.length || /^[a-z]{4}$/.test(next)) return `holds a ${type} box of ${size} bytes at ${at - 4}`;
    }
  }
  return undefined;
}

function runIn(content: Buffer, { byStart, begins }: Plaintext): string | undefined {
  if (content.length < runBytes) return undefined;
  let window = content.readUInt32BE(0);
  for (let at = 0; at + runBytes <= content.length; at++) {
    const candidates = begins[window >>> 16] === 1 ? byStart.get(window) : undefined;
    if (candidates?.some((bytes) => content.subarray(at, at + runBytes).equals(bytes)) === true) return `holds ${runBytes} bytes of the clip at ${at}`;
    window = ((window << 8) | (content[at + 4] ?? 0)) >>> 0;
  }
  return undefined;
}
