/**
 * Salvage: what a failing disk left of segments whose end did not come is settled while the hub runs, as recover.ts does it at a start.
 * What is whole gets its name and its row; else the file is cut to the whole chunks that a sync covers, and becomes a row that says so; what
 * is lost of the segment's time becomes a gap. Each step may be repeated; what fails is tried again, later and later, and in the end
 * left to the next start.
 */
import { lstat, rename, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { isSallyportError, reasonOf, SallyportError } from '../base/errors.ts';
import { removeFile, syncFolder } from '../base/files.ts';
import type { Log } from '../base/log.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { GapReason } from '../policy/gaps.ts';
import { chunkPlainBytes, chunkSealedBytes } from '../seal/opener.ts';
import type { WorkingDatabase } from './database.ts';
import { hashFile, truncateDurably } from './filehash.ts';
import { partSuffix } from './footagepaths.ts';
import type { SegmentRemains } from './segmentfile.ts';
import { newSegment, type SegmentEnd, type WriterFacts } from './writer.ts';

/** A segment that was given up, or whose close failed. */
export interface Leftover {
  readonly facts: WriterFacts;
  readonly remains: SegmentRemains;
  /** Of all that was appended. */
  readonly durationMs: number;
  readonly reason: SegmentEnd['reason'];
  /** Why what is lost of it is lost. */
  readonly gap: GapReason;
}

export interface SalvageParts {
  readonly footage: string;
  readonly clock: Clock;
  readonly database: WorkingDatabase;
  readonly log: Log;
}

interface Waiting {
  readonly leftover: Leftover;
  tries: number;
  /** Monotonic. */
  nextMs: number;
}

/** Streams times a few segments; beyond it the oldest is left to the next start. */
const waitingMax = 500;
const triesMax = 40;
const firstWaitMs = 2 * secondMs;
const longestWaitMs = 10 * minuteMs;

export class Salvage {
  readonly #waiting: Waiting[] = [];

  add(leftover: Leftover): void {
    this.#waiting.push({ leftover, tries: 0, nextMs: -Infinity });
    if (this.#waiting.length > waitingMax) this.#waiting.shift();
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** Below footage/, without `.part`. */
  pathsOf(periodId: number): string[] {
    return this.#waiting.filter(({ leftover }) => leftover.facts.period.id === periodId).map(({ leftover }) => leftover.facts.path);
  }

  has(path: string): boolean {
    return this.#waiting.some(({ leftover }) => leftover.facts.path === path);
  }

  /** Tries all that is due; `now` tries all. Never rejects; answers the first failure. */
  async settle(parts: SalvageParts, now = false): Promise<SallyportError | undefined> {
    let failure: SallyportError | undefined;
    for (const waiting of this.#waiting.slice()) {
      if (!now && waiting.nextMs > parts.clock.monotonicMs()) continue;
      const failed = await this.#try(parts, waiting);
      failure ??= failed;
    }
    return failure;
  }

  async #try(parts: SalvageParts, waiting: Waiting): Promise<SallyportError | undefined> {
    const { path } = waiting.leftover.facts;
    try {
      const what = await settleLeftover(parts, waiting.leftover);
      this.#drop(waiting);
      parts.log.info({ component: 'vault', segment: path, what }, 'what a failing disk left of a segment is settled');
      return undefined;
    } catch (error) {
      const failure = isSallyportError(error) ? error : new SallyportError('SP_WRITE', { file: join(parts.footage, path), reason: reasonOf(error) }, error);
      waiting.nextMs = parts.clock.monotonicMs() + Math.min(longestWaitMs, firstWaitMs * 2 ** waiting.tries);
      if (++waiting.tries >= triesMax) {
        this.#drop(waiting);
        parts.log.error({ component: 'vault', segment: path, code: failure.code }, 'what is left of a segment could not be settled; the next start tries again');
      }
      return failure;
    }
  }

  #drop(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at !== -1) this.#waiting.splice(at, 1);
  }
}

type Settled = 'whole' | 'cut' | 'lost' | 'purged';

async function settleLeftover(parts: SalvageParts, leftover: Leftover): Promise<Settled> {
  const file = join(parts.footage, leftover.facts.path);
  const whole = leftover.remains.whole;
  if (whole !== undefined) {
    const found = await whereItIs(parts, file);
    if (found === undefined) return lose(parts, leftover, 0);
    if (found !== file) await rename(found, file);
    await syncFolder(dirname(file));
    const row = await parts.database.call('addSegment', { what: 'segment.closed', atMs: now(parts), segment: newSegment(leftover.facts, whole, leftover) });
    return row === undefined ? discard(file) : 'whole';
  }
  return cut(parts, leftover, file);
}

async function cut(parts: SalvageParts, leftover: Leftover, file: string): Promise<Settled> {
  const { facts, remains } = leftover;
  const found = await whereItIs(parts, file);
  const { size, atime, mtime } = found === undefined ? { size: 0, atime: new Date(0), mtime: new Date(0) } : await stat(found);
  const chunks = Math.floor((Math.min(size, remains.syncedBytes) - remains.headerBytes) / chunkSealedBytes);
  if (found === undefined || chunks < 1) {
    if (found !== undefined) {
      await removeFile(found);
      await syncFolder(dirname(found));
    }
    return lose(parts, leftover, 0);
  }
  // The time of the last write must outlive the truncation: should the hub be killed now, the next start takes it for the end.
  await truncateDurably(found, remains.headerBytes + chunks * chunkSealedBytes, async () => utimes(found, atime, mtime));
  const keptPlain = chunks * chunkPlainBytes;
  const durationMs = timeAt(keptPlain, leftover);
  const keyFrames = remains.keyFrames.filter(([, offset]) => offset < keptPlain);
  const row = await parts.database.call('addSegment', {
    what: 'segment.cut', atMs: now(parts), segment: { ...newSegment(facts, { ...(await hashFile(found, remains.headerBytes)), keyFrames }, { ...leftover, durationMs }), cutChunks: chunks },
  });
  if (row === undefined) return discard(file);
  if (found !== file) await rename(found, file);
  await syncFolder(dirname(file));
  await noteGap(parts, leftover, durationMs);
  return 'cut';
}

/** The `.part`, or its final name when an earlier try, or the close itself, came that far. */
async function whereItIs({ footage }: SalvageParts, file: string): Promise<string | undefined> {
  if (await isThere(file + partSuffix)) return file + partSuffix;
  if (await isThere(file)) return file;
  // Nothing is said to be lost because its disk is away.
  if (!(await isThere(footage))) throw new SallyportError('SP_READ', { file: footage, reason: 'the folder is not there' });
  return undefined;
}

/** Throws when the disk does not say. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** When the frame at that offset of the plaintext comes, from what the key frames say. */
function timeAt(plainOffset: number, { remains, durationMs }: Leftover): number {
  let [fromMs, fromOffset] = [0, 0];
  let [toMs, toOffset] = [durationMs, Math.max(1, remains.plainBytes)];
  for (const [timeMs, offset] of remains.keyFrames) {
    if (offset <= plainOffset) [fromMs, fromOffset] = [timeMs, offset];
    else {
      [toMs, toOffset] = [timeMs, offset];
      break;
    }
  }
  const part = toOffset > fromOffset ? Math.min(1, (plainOffset - fromOffset) / (toOffset - fromOffset)) : 1;
  return Math.round(Math.min(durationMs, fromMs + part * Math.max(0, toMs - fromMs)));
}

async function lose(parts: SalvageParts, leftover: Leftover, keptMs: number): Promise<Settled> {
  await noteGap(parts, leftover, keptMs);
  const { period, stream, seq } = leftover.facts;
  await parts.database.call('forgetBegunOf', { camera: period.camera, stream, seq });
  return 'lost';
}

async function noteGap(parts: SalvageParts, { facts, durationMs, gap }: Leftover, keptMs: number): Promise<void> {
  const [fromMs, toMs] = [facts.startMs + keptMs, facts.startMs + durationMs];
  if (toMs <= fromMs) return;
  await parts.database.call('addGap', { camera: facts.period.camera, stream: facts.stream, fromMs, toMs, reason: gap, detail: 'the end of a segment did not reach the disk' });
}

/** Its period was purged meanwhile. */
async function discard(file: string): Promise<Settled> {
  await removeFile(file);
  await removeFile(file + partSuffix);
  return 'purged';
}

function now(parts: SalvageParts): number {
  return Math.round(parts.clock.wallMs());
}
