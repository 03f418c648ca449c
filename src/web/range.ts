/** A time that somebody chooses on a strip, for a clip, to keep or to erase: how its two edges move, and where their grips lie. Pure. */
import { xOf, type Run, type Scale, type SegmentRow } from './timelineview.ts';

export type Edge = 'from' | 'to';
/** Where an edge that must lie on a key frame goes: to the nearest one, or to the one before or after. */
export type Snap = 'nearest' | 'before' | 'after';

interface Rows { readonly segments: readonly SegmentRow[] }

/** No shorter time is chosen by dragging. */
export const rangeMinMs = 1000;
/** What a finger or a pointer takes hold of: WCAG 2.2 asks for 24. */
export const gripPx = 28;

/**
 * The range with one edge where it was wanted, within `bounds` and at least `rangeMinMs` from the other. `keyFramesOf`: the beginning lies on a key
 * frame of these, for what is made of the range can begin nowhere else; where nothing is recorded it lies anywhere.
 */
export function withEdge(range: Run, edge: Edge, wantedMs: number, o: { readonly bounds: Run; readonly keyFramesOf?: Rows | undefined; readonly snap?: Snap }): Run {
  if (edge === 'to') return { fromMs: range.fromMs, toMs: Math.round(Math.min(o.bounds.toMs, Math.max(wantedMs, range.fromMs + rangeMinMs))) };
  const latestMs = range.toMs - rangeMinMs;
  const clampedMs = Math.round(Math.max(o.bounds.fromMs, Math.min(wantedMs, latestMs)));
  if (o.keyFramesOf === undefined) return { fromMs: clampedMs, toMs: range.toMs };
  const fits = (ms: number): boolean => ms >= o.bounds.fromMs && ms <= latestMs;
  const fromMs = ([o.snap ?? 'nearest', 'before'] as const).map((snap) => keyFrameBy(o.keyFramesOf as Rows, clampedMs, snap)).find(fits);
  return { fromMs: fromMs ?? clampedMs, toMs: range.toMs };
}

/** The moment itself where nothing is recorded. */
export function keyFrameBy({ segments }: Rows, ms: number, snap: Snap): number {
  const segment = segments.find(({ startMs, durationMs }) => startMs <= ms && ms < startMs + durationMs);
  if (segment === undefined) return ms;
  // Rounded up: a moment before a key frame belongs to the one before it.
  const next = segments.find(({ startMs }) => startMs >= segment.startMs + segment.durationMs);
  const times = [...segment.keyFrames.map(([afterMs]) => Math.ceil(segment.startMs + afterMs)), ...(next === undefined ? [] : [Math.ceil(next.startMs)])];
  const before = times.findLast((time) => time <= ms) ?? ms;
  const after = times.find((time) => time >= ms) ?? before;
  if (snap !== 'nearest') return snap === 'before' ? before : after;
  return ms - before <= after - ms ? before : after;
}

/** Footage is kept and erased by whole segments: the time of those that the range touches; undefined where it touches none. */
export function wholeSegments({ segments }: Rows, { fromMs, toMs }: Run): Run | undefined {
  const touched = segments.filter(({ startMs, durationMs }) => startMs < toMs && startMs + durationMs > fromMs);
  if (touched.length === 0) return undefined;
  return { fromMs: Math.min(...touched.map(({ startMs }) => startMs)), toMs: Math.max(...touched.map(({ startMs, durationMs }) => startMs + durationMs)) };
}

/** Left edges of the two grips: each outside of the range, so that they never cover each other or it, and within the strip, also where their edge is not. */
export function gripsOf(scale: Scale, { fromMs, toMs }: Run): Readonly<Record<Edge, number>> {
  const last = Math.max(gripPx, scale.width - gripPx);
  const from = Math.max(0, Math.min(last - gripPx, xOf(scale, fromMs) - gripPx));
  return { from, to: Math.max(from + gripPx, Math.min(last, xOf(scale, toMs))) };
}

const [secondMs, minuteMs] = [1000, 60_000];

/** Where a key leads an edge, and by which key frame; undefined for other keys. */
export function edgeKey(key: string, ms: number, bounds: Run): { readonly ms: number; readonly snap: Snap } | undefined {
  switch (key) {
    case 'ArrowLeft': case 'ArrowDown': return { ms: ms - secondMs, snap: 'before' };
    case 'ArrowRight': case 'ArrowUp': return { ms: ms + secondMs, snap: 'after' };
    case 'PageDown': return { ms: ms - minuteMs, snap: 'before' };
    case 'PageUp': return { ms: ms + minuteMs, snap: 'after' };
    case 'Home': return { ms: bounds.fromMs, snap: 'after' };
    case 'End': return { ms: bounds.toMs, snap: 'before' };
    default: return undefined;
  }
}

/** The range of so many minutes around a moment, to the second, as its clock times show it. */
export function rangeAround(ms: number, minutes: number): Run {
  const fromMs = Math.round((ms - ((minutes * minuteMs) / 2)) / secondMs) * secondMs;
  return { fromMs, toMs: fromMs + (minutes * minuteMs) };
}
