/** The two edges of a time that is chosen on a strip: dragged by pointer or finger, and moved by the keyboard as two sliders. */
import { useRef, useState } from 'preact/hooks';
import type { Timeline as Rows } from '../../api/pagecontract.ts';
import { clockSeconds, type Reader } from '../format.ts';
import { edgeKey, gripPx, gripsOf, withEdge, type Edge, type Snap } from '../range.ts';
import { say } from '../strings.ts';
import { msOf, xOf, type DayView, type Run, type Scale } from '../timelineview.ts';
import { Peek, useWidth } from './strip.tsx';

interface HandlesProps {
  readonly camera: string;
  readonly rows: Rows;
  readonly view: DayView;
  readonly range: Run;
  /** It begins at a key frame, as a film must. */
  readonly byKeyFrames: boolean;
  /** The day: no edge leaves it. */
  readonly day: Run;
  /** What of it is shown. */
  readonly shown: Run;
  readonly reader: Reader;
  readonly onRange: (range: Run) => void;
}

/** Lies over a strip, and leaves it what is not a grip. */
export function RangeHandles({ camera, rows, view, range, byKeyFrames, day, shown, reader, onRange }: HandlesProps) {
  const [element, width] = useWidth();
  const scale: Scale = { ...shown, width };
  const grips = gripsOf(scale, range);
  const [peeked, setPeeked] = useState<Edge>();
  /** The grip that is held: how far from its edge it was taken, and what was chosen then. */
  const held = useRef<{ readonly apartPx: number; readonly before: Run } | undefined>(undefined);
  const msOfEdge = (edge: Edge): number => edge === 'from' ? range.fromMs : range.toMs;
  const moveTo = (edge: Edge, ms: number, snap: Snap): void => onRange(withEdge(range, edge, ms, { bounds: day, keyFramesOf: byKeyFrames ? rows : undefined, snap }));
  const isShown = (ms: number): boolean => ms >= shown.fromMs && ms <= shown.toMs;

  const xIn = (event: PointerEvent): number => event.clientX - (element.current?.getBoundingClientRect().left ?? 0);
  const take = (edge: Edge, event: PointerEvent & { readonly currentTarget: HTMLElement }): void => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    // One whose edge is not shown is taken by where it stands.
    const apartPx = isShown(msOfEdge(edge)) ? xIn(event) - xOf(scale, msOfEdge(edge)) : 0;
    held.current = { apartPx, before: range };
    setPeeked(edge);
  };
  const drag = (edge: Edge, event: PointerEvent): void => {
    if (held.current === undefined) return;
    const x = Math.max(0, Math.min(width, xIn(event) - held.current.apartPx));
    moveTo(edge, msOf(scale, x), 'nearest');
  };
  const letGo = (): void => {
    held.current = undefined;
    setPeeked(undefined);
  };
  const giveBack = (): void => {
    if (held.current !== undefined) onRange(held.current.before);
    letGo();
  };
  const onKeyDown = (edge: Edge, event: KeyboardEvent): void => {
    if (event.key === 'Escape') return giveBack();
    const to = edgeKey(event.key, msOfEdge(edge), day);
    if (to === undefined) return;
    event.preventDefault();
    moveTo(edge, to.ms, to.snap);
    setPeeked(edge);
  };

  return <div class="handles" ref={element}>
    {width === 0 ? null : (['from', 'to'] as const).map((edge) => {
      const ms = msOfEdge(edge);
      const [minMs, maxMs] = edge === 'from' ? [day.fromMs, range.toMs] : [range.fromMs, day.toMs];
      return <div
        key={edge} class={`handle ${edge}${isShown(ms) ? '' : ' away'}`} style={{ left: `${grips[edge]}px`, width: `${gripPx}px` }} role="slider" tabIndex={0}
        aria-label={edge === 'from' ? say.range.begins : say.range.ends} aria-valuemin={secondsOf(minMs, day)} aria-valuemax={secondsOf(maxMs, day)} aria-valuenow={secondsOf(ms, day)}
        aria-valuetext={say.range.value(clockSeconds(ms, reader), say.span(range.toMs - range.fromMs))}
        onPointerDown={(event) => take(edge, event)} onPointerMove={(event) => drag(edge, event)} onPointerUp={letGo} onPointerCancel={giveBack}
        onKeyDown={(event) => onKeyDown(edge, event)} onBlur={() => setPeeked(undefined)}
      />;
    })}
    {peeked === undefined ? null : <Peek strip={element.current} scale={scale} ms={Math.max(shown.fromMs, Math.min(shown.toMs, msOfEdge(peeked)))} camera={camera} rows={rows} view={view} reader={reader} onGone={() => setPeeked(undefined)} />}
  </div>;
}

function secondsOf(ms: number, day: Run): number {
  return Math.round((ms - day.fromMs) / 1000);
}
