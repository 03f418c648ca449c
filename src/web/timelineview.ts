/** What a day looks like: the hub's rows of segments, gaps and observations as runs to draw, to walk through and to read out. Pure. */
import type { PageAlarm, Timeline } from '../api/pagecontract.ts';
import type { AlarmWords } from './naming.ts';

export type SegmentRow = Timeline['segments'][number];

export interface Run { readonly fromMs: number; readonly toMs: number }
export interface Gap extends Run { readonly reason: string; readonly detail: string }
export interface Seen extends Run { readonly kind: string; readonly lasts: boolean }

/** Footage whose last key is destroyed at one time, and that lies in one place. */
export interface Kept extends Run { readonly deadlineMs: number; /** The destination that has it alone: playing it takes longer. */ readonly archivedAt?: string | undefined }
/** What a rule kept. */
export interface Rung extends Run { readonly id: string; readonly kind: string; readonly lasts: boolean; readonly words?: AlarmWords | undefined }

export interface DayView {
  readonly recorded: readonly Run[];
  /** The same, with the time until which it is kept. */
  readonly kept: readonly Kept[];
  readonly gaps: readonly Gap[];
  readonly seen: readonly Seen[];
  readonly alarms: readonly Rung[];
}

/** Segments that follow each other so closely are one run: the next key frame is late by a picture or two. */
const joinMs = 1500;

/** Alarms that were none are left out. `words`: what this device has opened of them. */
export function dayView(timeline: Timeline, nowMs: number, alarms: readonly PageAlarm[] = [], words: ReadonlyMap<string, AlarmWords> = new Map()): DayView {
  const segments = timeline.segments.map(({ startMs, durationMs, deadlineMs, archivedAt }) => ({ fromMs: startMs, toMs: startMs + durationMs, deadlineMs, ...(archivedAt === undefined ? {} : { archivedAt }) })).toSorted((one, other) => one.fromMs - other.fromMs);
  return {
    recorded: joined(segments, () => true).map(({ fromMs, toMs }) => ({ fromMs, toMs })),
    kept: joined(segments, (one, other) => one.deadlineMs === other.deadlineMs && one.archivedAt === other.archivedAt),
    gaps: timeline.gaps.toSorted((one, other) => one.fromMs - other.fromMs),
    seen: timeline.observations.map(({ kind, fromMs, toMs }) => ({ kind, fromMs, toMs: toMs ?? nowMs, lasts: toMs === undefined })).toSorted((one, other) => one.fromMs - other.fromMs),
    alarms: alarms.filter(({ falseAlarm }) => !falseAlarm).map(({ id, kind, fromMs, toMs }) => ({ id, kind, fromMs, toMs: toMs ?? nowMs, lasts: toMs === undefined, ...(words.has(id) ? { words: words.get(id) } : {}) })).toSorted((one, other) => one.fromMs - other.fromMs),
  };
}

function joined(segments: readonly Kept[], alike: (one: Kept, other: Kept) => boolean): Kept[] {
  const runs: { fromMs: number; toMs: number; deadlineMs: number; archivedAt?: string | undefined }[] = [];
  for (const segment of segments) {
    const last = runs.at(-1);
    if (last !== undefined && segment.fromMs - last.toMs <= joinMs && alike(last, segment)) last.toMs = Math.max(last.toMs, segment.toMs);
    else runs.push({ ...segment });
  }
  return runs;
}

export const nothing: DayView = { recorded: [], kept: [], gaps: [], seen: [], alarms: [] };

/** What is there at that moment: footage, a gap, neither; `away`: the destination that has it alone. */
export function at(view: DayView, ms: number): { readonly recorded: boolean; readonly away: string | undefined; readonly gap: Gap | undefined; readonly seen: readonly Seen[]; readonly alarms: readonly Rung[] } {
  const holds = ({ fromMs, toMs }: Run): boolean => fromMs <= ms && ms < Math.max(toMs, fromMs + 1);
  const recorded = view.recorded.some(holds);
  return { recorded, away: view.kept.find(holds)?.archivedAt, gap: recorded ? undefined : view.gaps.find(holds), seen: view.seen.filter(holds), alarms: view.alarms.filter(holds) };
}

/** The moment itself where there is footage, else the beginning of what comes next, else undefined. */
export function playableFrom(view: DayView, ms: number): number | undefined {
  const run = view.recorded.find(({ toMs }) => toMs > ms);
  return run === undefined ? undefined : Math.max(ms, run.fromMs);
}

/** The observation before or after a moment; one that began just now is not the one before. */
export function seenBeside(view: DayView, ms: number, direction: 'before' | 'after'): Seen | undefined {
  const apartMs = 3000;
  return direction === 'after' ? view.seen.find(({ fromMs }) => fromMs > ms) : view.seen.findLast(({ fromMs }) => fromMs < ms - apartMs);
}

/** When the last key of what was recorded at that moment is destroyed: its hour's, or that of what keeps it longer. */
export function deadlineAt(view: DayView, ms: number): number | undefined {
  return view.kept.findLast(({ fromMs, toMs }) => fromMs <= ms && ms < toMs)?.deadlineMs;
}

/** Where a moment lies on a strip of that width, and what moment a place on it is. */
export interface Scale { readonly fromMs: number; readonly toMs: number; readonly width: number }
export const xOf = ({ fromMs, toMs, width }: Scale, ms: number): number => ((ms - fromMs) / (toMs - fromMs)) * width;
export const msOf = ({ fromMs, toMs, width }: Scale, x: number): number => fromMs + ((x / Math.max(1, width)) * (toMs - fromMs));

/** A run as a bar: cut to what is shown, and never too thin to see; undefined for what is not shown. */
export function barOf(scale: Scale, { fromMs, toMs }: Run, widthMin = 1.5): { readonly x: number; readonly width: number } | undefined {
  if (toMs < scale.fromMs || fromMs > scale.toMs) return undefined;
  const x = Math.max(0, xOf(scale, fromMs));
  const end = Math.min(scale.width, xOf(scale, toMs));
  return { x: Math.min(x, scale.width - widthMin), width: Math.max(widthMin, end - x) };
}

const steps = [10_000, 30_000, 60_000, 5 * 60_000, 10 * 60_000, 30 * 60_000, 3_600_000, 2 * 3_600_000, 3 * 3_600_000, 6 * 3_600_000];

/** Marks on the axis: round steps from the day's beginning, as many as have room. */
export function ticksOf(scale: Scale, dayStartMs: number, roomPx = 64): number[] {
  const stepMs = steps.find((step) => (step / (scale.toMs - scale.fromMs)) * scale.width >= roomPx) ?? steps.at(-1) as number;
  const first = dayStartMs + (Math.ceil((scale.fromMs - dayStartMs) / stepMs) * stepMs);
  return Array.from({ length: Math.max(0, Math.floor((scale.toMs - first) / stepMs) + 1) }, (_, index) => first + (index * stepMs));
}

/** Of what lies elsewhere alone none is shown: for a small picture the whole segment would be fetched. */
function hasPicture({ thumb, archivedAt }: SegmentRow): boolean {
  return thumb !== undefined && archivedAt === undefined;
}

/** The segment whose picture stands for that moment: the one that holds it. */
export function pictureAt({ segments }: Pick<Timeline, 'segments'>, ms: number): SegmentRow | undefined {
  return segments.find((one) => hasPicture(one) && one.startMs <= ms && ms < one.startMs + one.durationMs);
}

/** As many pictures as have room, each in its part of what is shown: the first of that part. Undefined for a part without one. */
export function filmOf({ segments }: Pick<Timeline, 'segments'>, { fromMs, toMs }: Run, places: number): (SegmentRow | undefined)[] {
  const film: (SegmentRow | undefined)[] = Array.from({ length: places });
  for (const segment of segments) {
    const place = Math.floor(((segment.startMs - fromMs) / (toMs - fromMs)) * places);
    const known = film[place];
    if (hasPicture(segment) && place >= 0 && place < places && (known === undefined || known.startMs > segment.startMs)) film[place] = segment;
  }
  return film;
}

/** What a clip of that time takes, about: of each segment the share that is in it. */
export function sizeOf({ segments }: Pick<Timeline, 'segments'>, { fromMs, toMs }: Run): number {
  return Math.round(segments.reduce((sum, { startMs, durationMs, sizeBytes }) => {
    const shared = Math.min(toMs, startMs + durationMs) - Math.max(fromMs, startMs);
    return shared <= 0 || durationMs <= 0 ? sum : sum + (sizeBytes * Math.min(1, shared / durationMs));
  }, 0));
}
