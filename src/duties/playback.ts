/**
 * Playback: what there is of a time, and the sealed bytes themselves, for a browser that opens them. The hub cannot. What is past its
 * deadline is not given out any more, also while its purge waits or fails.
 */
import type { UnixMs } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { SallyportError, isSallyportError } from '../base/errors.ts';
import { duePeriods } from '../policy/retention.ts';
import type { PeriodTimes } from '../policy/settings.ts';
import type { HeldSegment } from '../vault/holdtable.ts';
import { isHoldClass } from '../vault/periodtable.ts';
import { segmentId } from '../vault/segmenttable.ts';
import type { GapRow, ObservationRow, PeriodFacts, SealedFile, SegmentName, SegmentRow, Vault } from '../vault/vault.ts';
import type { Timekeeper } from './timekeeper.ts';

export interface PlaybackOptions {
  readonly vault: Pick<Vault, 'segments' | 'gaps' | 'observations' | 'periodsIn' | 'periodOfSlot' | 'slotText' | 'sealedFile' | 'secondHeader' | 'heldIn'>;
  readonly clock: Clock;
  readonly timekeeper: Pick<Timekeeper, 'verdict'>;
  /** Brings back what lies far alone; without it, that is missing. */
  readonly archive?: { open(name: SegmentName): Promise<SealedFile | undefined>; ahead(name: SegmentName): void };
}

export interface TimelineQuery {
  readonly camera: string;
  readonly stream?: 'main' | 'sub' | undefined;
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
}

export interface PeriodSpan {
  readonly slot: number;
  readonly generation: number;
  readonly startMs: UnixMs;
  readonly endMs: UnixMs;
  readonly deadlineMs: UnixMs;
  /** Of second headers; absent for a camera's own period. */
  readonly keeps?: 'hold' | 'rest' | 'alarm';
}

/** A period whose key opens a segment by its second header for that slot. */
export interface HoldSpan {
  readonly slot: number;
  readonly generation: number;
}

export interface SealedSpan {
  readonly seq: number;
  readonly startMs: UnixMs;
  readonly durationMs: number;
  readonly sizeBytes: number;
  readonly slot: number;
  readonly generation: number;
  /** Where `slot` is one of them, the segment's own header opens for nobody any more. */
  readonly holds?: HoldSpan[];
  /** Until when it opens: the latest deadline of the keys that open it. */
  readonly deadlineMs: UnixMs;
  readonly cutChunks?: number;
  readonly keyFrames: [number, number][];
  readonly thumb?: [number, number];
  /** The destination that has it alone. */
  readonly archivedAt?: string;
}

export interface GapSpan {
  readonly fromMs: UnixMs;
  readonly toMs: UnixMs;
  readonly reason: string;
  readonly detail: string;
}

export interface TimelinePage {
  readonly periods: PeriodSpan[];
  readonly segments: SealedSpan[];
  readonly gaps: GapSpan[];
  readonly observations: { readonly kind: string; readonly fromMs: UnixMs; readonly toMs?: UnixMs }[];
  readonly moreFromMs?: UnixMs;
}

export interface SealedSegment {
  readonly size: number;
  /** From `from` up to, but without, `to`. */
  read(from?: number, to?: number): AsyncIterable<Buffer>;
  /** Nothing is held between two reads; for who keeps what has a close. */
  close(): void;
}

/** A day of segments of a minute; what is more is asked for again. */
const segmentsMax = 1_500;
const keyFramesMax = 60_000;
const rowsMax = 2_000;
/** The limits of integers that everything below can count with. */
const timeMsMax = 8.64e15;

export class PlaybackDuty {
  readonly #o: PlaybackOptions;

  constructor(o: PlaybackOptions) {
    this.#o = o;
  }

  /** What there is of a time, a page of it; what is past its deadline is left out. SP_DATABASE, SP_DISK. */
  async timeline(query: TimelineQuery): Promise<TimelinePage> {
    const { vault } = this.#o;
    const { camera, stream = 'main' } = query;
    const [fromMs, wantedToMs] = [Math.max(-timeMsMax, query.fromMs), Math.min(timeMsMax, query.toMs)];
    if (!(fromMs < wantedToMs)) return { periods: [], segments: [], gaps: [], observations: [] };
    const rows = await vault.segments({ camera, stream, fromMs, toMs: wantedToMs, limit: segmentsMax + 1 });
    const page = { ends: [wantedToMs, pageEnd(rows)] };
    const ask = async <T extends { readonly fromMs: UnixMs }>(list: (q: { camera: string; stream: 'main' | 'sub'; fromMs: UnixMs; toMs: UnixMs; limit: number }) => Promise<T[]>): Promise<T[]> => {
      const found = await list({ camera, stream, fromMs, toMs: Math.min(...page.ends), limit: rowsMax + 1 });
      const next = found[rowsMax];
      if (next !== undefined) page.ends.push(next.fromMs);
      return found;
    };
    const gaps = await ask<GapRow>((q) => vault.gaps(q));
    const observations = await ask<ObservationRow>((q) => vault.observations(q));
    const toMs = Math.max(fromMs + 1, Math.min(...page.ends));
    const there = rows.filter((row) => row.startMs < toMs);
    const held = await vault.heldIn({ camera, stream, fromMs, toMs });
    const periods = await this.#periodsOf(camera, [...there, ...held], { fromMs, firstMs: Math.min(fromMs, ...there.map((row) => row.startMs)), toMs });
    const open = new Map(periods.map(({ id, deadlineMs }) => [id, deadlineMs]));
    const holds = Map.groupBy(held.filter(({ periodId }) => open.has(periodId)), ({ seq }) => seq);
    return {
      periods: periods.map(({ slot, generation, startMs, endMs, deadlineMs, class: klass }) => ({ slot, generation, startMs, endMs, deadlineMs, ...(isHoldClass(klass) ? { keeps: klass } : {}) })),
      segments: there.filter((row) => row.state !== 'missing').flatMap((row) => spanOf(row, open, holds.get(row.seq) ?? [])),
      gaps: [...gaps.filter((gap) => gap.fromMs < toMs).map(gapOf), ...there.filter((row) => row.state === 'missing').map(lossOf)].sort((a, b) => a.fromMs - b.fromMs),
      observations: observations.filter((one) => one.fromMs < toMs).map((one) => ({ kind: one.kind, fromMs: one.fromMs, ...(one.toMs === undefined ? {} : { toMs: one.toMs }) })),
      ...(toMs < wantedToMs ? { moreFromMs: toMs } : {}),
    };
  }

  /** A sealed period key. SP_SLOT_MISSING also when it is another camera's; SP_FOOTAGE_LOCKED past its deadline; SP_KEYRING, SP_DISK. */
  async slot(camera: string, slot: number, generation: number): Promise<Buffer> {
    const period = await this.#o.vault.periodOfSlot({ camera, slot, generation });
    this.#checkDeadline(period, `slot ${slot}`);
    return this.#o.vault.slotText(period);
  }

  /** A sealed segment; one that lies far alone is fetched first: SP_ARCHIVE_…. SP_SEGMENT_MISSING, SP_FOOTAGE_LOCKED, SP_SEGMENT_DAMAGED, SP_READ, SP_DISK; all of them also while it is read. */
  async segment(camera: string, stream: 'main' | 'sub', seq: number): Promise<SealedSegment> {
    const file = await this.#fileOf({ camera, stream, seq });
    this.#checkFile(file);
    return { size: file.size, read: (from, to) => file.read(from, to), close: () => {} };
  }

  /** Has a segment fetched that lies far alone; its file's name in `fetched/` of the data folder. SP_SEGMENT_MISSING where it is nowhere, or here; SP_ARCHIVE_…, SP_FOOTAGE_LOCKED. */
  async fetch(name: SegmentName): Promise<string> {
    const file = await this.#o.archive?.open(name);
    if (file === undefined) throw new SallyportError('SP_SEGMENT_MISSING', { file: segmentId(name) });
    this.#checkFile(file);
    return file.row.path;
  }

  #checkFile(file: SealedFile): void {
    if (file.periods.every((period) => this.#isLocked(period))) throw new SallyportError('SP_FOOTAGE_LOCKED', { what: file.row.path });
  }

  async #fileOf(name: SegmentName): Promise<SealedFile> {
    try {
      return await this.#o.vault.sealedFile(name);
    } catch (error) {
      const file = isSallyportError(error, 'SP_SEGMENT_MISSING') ? await this.#o.archive?.open(name) : undefined;
      if (file === undefined) throw error;
      this.#o.archive?.ahead({ ...name, seq: name.seq + 1 });
      return file;
    }
  }

  /** The second header of a segment for the period that has that slot, 168 bytes. SP_SEGMENT_MISSING, SP_FOOTAGE_LOCKED, SP_HOLD_DAMAGED, SP_DISK. */
  async secondHeader(camera: string, stream: 'main' | 'sub', seq: number, slot: number): Promise<Buffer> {
    const { header, period } = await this.#o.vault.secondHeader({ camera, stream, seq, slot });
    this.#checkDeadline(period, `the hold of ${camera} ${stream} ${seq}`);
    return header;
  }

  /** The periods that the rows belong to, and those of the time asked for; without what is locked. */
  async #periodsOf(camera: string, rows: readonly { readonly periodId: number }[], { fromMs, firstMs, toMs }: { fromMs: UnixMs; firstMs: UnixMs; toMs: UnixMs }): Promise<PeriodFacts[]> {
    // A segment may begin in the period before the one in which it ends.
    const periods = await this.#o.vault.periodsIn({ camera, fromMs: firstMs - 1, toMs, limit: rowsMax });
    const needed = new Set(rows.map((row) => row.periodId));
    return periods.filter((period) => (needed.has(period.id) || period.endMs > fromMs) && !this.#isLocked(period));
  }

  #checkDeadline(period: PeriodFacts, what: string): void {
    if (this.#isLocked(period)) throw new SallyportError('SP_FOOTAGE_LOCKED', { what });
  }

  #isLocked(period: PeriodTimes): boolean {
    return duePeriods([period], this.#o.clock.wallMs(), { stepsBack: this.#o.timekeeper.verdict?.stepsBack ?? [] }).length > 0;
  }
}

/** Where a page of these rows must end: before the first that is too many, or whose key frames are. */
function pageEnd(rows: readonly SegmentRow[]): UnixMs {
  const inTime = [...rows].sort((a, b) => a.startMs - b.startMs);
  let keyFrames = 0;
  const tooMany = inTime.find((row, index) => {
    keyFrames += row.keyFrames.length;
    return index > 0 && (index >= segmentsMax || keyFrames > keyFramesMax);
  });
  return tooMany?.startMs ?? Infinity;
}

/** Nothing where no key is given out that opens it. */
function spanOf({ periodId, seq, startMs, durationMs, sizeBytes, slot, generation, cutChunks, keyFrames, thumb, archivedAt }: SegmentRow, open: ReadonlyMap<number, UnixMs>, held: readonly HeldSegment[]): SealedSpan[] {
  const holds = held.map((hold) => ({ slot: hold.slot, generation: hold.generation }));
  const way = open.has(periodId) ? { slot, generation } : holds[0];
  if (way === undefined) return [];
  const deadlineMs = Math.max(...[periodId, ...held.map((hold) => hold.periodId)].map((id) => open.get(id) ?? 0));
  return [{ seq, startMs, durationMs, sizeBytes, deadlineMs, ...way, ...(holds.length === 0 ? {} : { holds }), ...(cutChunks === undefined ? {} : { cutChunks }), keyFrames: keyFrames.map(([ms, offset]) => [ms, offset]), ...(thumb === undefined ? {} : { thumb: [thumb[0], thumb[1]] }), ...(archivedAt === undefined ? {} : { archivedAt }) }];
}

function gapOf({ fromMs, toMs, reason, detail }: GapRow): GapSpan {
  return { fromMs, toMs, reason, detail };
}

function lossOf({ startMs, durationMs, path }: SegmentRow): GapSpan {
  return { fromMs: startMs, toMs: startMs + durationMs, reason: 'disk', detail: `${path} is listed but not there` };
}

/** Rows with the latest deadline of the keys that open each; absent where none is there any more. SP_DATABASE. */
export async function withDeadlines<R extends Pick<SegmentRow, 'camera' | 'stream' | 'seq' | 'periodId' | 'startMs' | 'durationMs'>>(vault: Pick<Vault, 'livePeriods' | 'heldIn'>, rows: readonly R[]): Promise<(R & { deadlineMs?: UnixMs })[]> {
  const deadlines = new Map((await vault.livePeriods()).map(({ id, deadlineMs }) => [id, deadlineMs]));
  const held = new Map<string, number[]>();
  for (const [key, of] of Map.groupBy(rows, ({ camera, stream }) => `${camera} ${stream}`)) {
    const [{ camera, stream }] = of as [R];
    const range = { fromMs: Math.min(...of.map(({ startMs }) => startMs)), toMs: Math.max(...of.map(({ startMs, durationMs }) => startMs + durationMs)) + 1 };
    for (const { seq, periodId } of await vault.heldIn({ camera, stream, ...range })) held.set(`${key} ${seq}`, [...(held.get(`${key} ${seq}`) ?? []), periodId]);
  }
  return rows.map((row) => {
    const known = [row.periodId, ...(held.get(`${row.camera} ${row.stream} ${row.seq}`) ?? [])].flatMap((id) => deadlines.get(id) ?? []);
    return { ...row, ...(known.length === 0 ? {} : { deadlineMs: Math.max(...known) }) };
  });
}
