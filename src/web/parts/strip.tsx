/** A camera's day as a strip: seen at a glance, clicked, and walked through by keyboard as a slider that says what is where. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Timeline as Rows } from '../../api/pagecontract.ts';
import { clock, clockSeconds, type Reader } from '../format.ts';
import { whoOrWhat } from '../naming.ts';
import { say } from '../strings.ts';
import { at, barOf, msOf, pictureAt, seenBeside, ticksOf, xOf, type DayView, type Run, type Rung, type Scale } from '../timelineview.ts';
import { Thumbnail } from './thumbnail.tsx';

interface StripProps {
  readonly camera: string;
  readonly name: string;
  /** Where its pictures lie; undefined where this browser opens none. */
  readonly rows: Rows | undefined;
  /** A time that is chosen, as for a clip; and what goes or stays with it, for segments are wholes. */
  readonly range: Run | undefined;
  readonly covers: Run | undefined;
  readonly day: string;
  readonly view: DayView;
  readonly dayStartMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly headMs: number;
  readonly nowMs: number;
  readonly chosen: boolean;
  readonly reader: Reader;
  /** `play`: from there, now. Else the head only moves. */
  readonly onMove: (ms: number, play: boolean) => void;
}

/** Units of the drawing, 16 to a rem: it grows with the text. */
const height = 54;

export function Strip({ camera, name, rows, range, covers, day, view, dayStartMs, fromMs, toMs, headMs, nowMs, chosen, reader, onMove }: StripProps) {
  const [element, widthPx, width] = useWidth();
  const scale: Scale = { fromMs, toMs, width };
  const pressed = useRef(false);
  const [peekMs, setPeekMs] = useState<number>();
  const ms = (event: PointerEvent): number => msOf({ fromMs, toMs, width: widthPx }, event.clientX - (element.current?.getBoundingClientRect().left ?? 0));
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = keyTarget(event.key, { view, fromMs, toMs, headMs });
    if (to === undefined) return;
    event.preventDefault();
    const within = Math.max(fromMs, Math.min(toMs, to));
    const play = event.key === 'Enter' || event.key === ' ';
    setPeekMs(play ? undefined : within);
    onMove(within, play);
  };
  return <div
    ref={element} class="strip" role="slider" tabIndex={0} aria-label={say.timeline.stripLabel(name, day)} aria-valuemin={0} aria-valuemax={Math.round((toMs - fromMs) / 1000)}
    aria-valuenow={Math.round((Math.max(fromMs, Math.min(toMs, headMs)) - fromMs) / 1000)} aria-valuetext={say.timeline.stripValue(clockSeconds(headMs, reader), whatIs(view, headMs))} onKeyDown={onKeyDown}
    onPointerDown={(event) => { pressed.current = true; event.currentTarget.setPointerCapture(event.pointerId); setPeekMs(ms(event)); onMove(ms(event), false); }}
    onPointerMove={(event) => { setPeekMs(Math.max(fromMs, Math.min(toMs, ms(event)))); if (pressed.current) onMove(ms(event), false); }}
    onPointerUp={(event) => { if (pressed.current) onMove(ms(event), true); pressed.current = false; if (event.pointerType !== 'mouse') setPeekMs(undefined); }}
    onPointerCancel={() => { pressed.current = false; setPeekMs(undefined); }} onPointerLeave={() => { if (!pressed.current) setPeekMs(undefined); }}
    onFocus={(event) => { if (event.currentTarget.matches(':focus-visible')) setPeekMs(headMs); }} onBlur={() => setPeekMs(undefined)}
  >
    {peekMs === undefined ? null : <Peek strip={element.current} scale={{ fromMs, toMs, width: widthPx }} ms={peekMs} camera={camera} rows={rows} view={view} reader={reader} onGone={() => setPeekMs(undefined)} />}
    <svg viewBox={`0 0 ${Math.max(1, width)} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="ground" x="0" y="18" width={width} height="22" rx="4" />
      {ticksOf(scale, dayStartMs).map((tick) => <line key={tick} class="tick" x1={xOf(scale, tick)} x2={xOf(scale, tick)} y1="12" y2="46" />)}
      {view.gaps.map((gap) => <Bar key={`g${gap.fromMs}`} kind={gap.reason === 'privacy' ? 'private' : 'gap'} bar={barOf(scale, gap)} y={18} height={22} />)}
      {view.recorded.map((run) => <Bar key={`r${run.fromMs}`} kind="recorded" bar={barOf(scale, run)} y={18} height={22} />)}
      {view.kept.flatMap((run) => (run.archivedAt === undefined ? [] : <Bar key={`w${run.fromMs}`} kind="away" bar={barOf(scale, run)} y={27} height={4} />))}
      {covers === undefined ? null : <Bar kind="covers" bar={barOf(scale, covers, 3)} y={16} height={26} />}
      {range === undefined ? null : <Bar kind="range" bar={barOf(scale, range, 3)} y={14} height={30} />}
      {view.seen.map((seen) => <Bar key={`s${seen.kind}${seen.fromMs}`} kind="seen" bar={barOf(scale, seen, 3)} y={8} height={7} />)}
      {view.alarms.map((alarm) => <AlarmMark key={alarm.id} scale={scale} fromMs={alarm.fromMs} bar={barOf(scale, alarm, 3)} />)}
      {nowMs > fromMs && nowMs < toMs ? <line class="now" x1={xOf(scale, nowMs)} x2={xOf(scale, nowMs)} y1="4" y2="50" /> : null}
      {chosen && headMs >= fromMs && headMs <= toMs ? <><line class="head" x1={xOf(scale, headMs)} x2={xOf(scale, headMs)} y1="4" y2="52" /><circle class="head-knob" cx={xOf(scale, headMs)} cy="6" r="5" /></> : null}
    </svg>
  </div>;
}

/** A triangle below the strip where it began, and a line for as long as it lasted: told apart from what was only observed also without colours. */
function AlarmMark({ scale, fromMs, bar }: { readonly scale: Scale; readonly fromMs: number; readonly bar: { readonly x: number; readonly width: number } | undefined }) {
  if (bar === undefined) return null;
  const x = xOf(scale, Math.max(scale.fromMs, fromMs));
  return <g class="rang"><rect x={bar.x} y="49" width={bar.width} height="3" /><path d={`M${x} 41l5.500 11h-11z`} /></g>;
}

const peekRem = 13;

/** The picture of a moment and its clock time, above the strip (below, where there is no room). It takes no room and no pointer. */
export function Peek({ strip, scale, ms, camera, rows, view, reader, onGone }: {
  readonly strip: HTMLElement | null; readonly scale: Scale; readonly ms: number; readonly camera: string; readonly rows: Rows | undefined; readonly view: DayView; readonly reader: Reader; readonly onGone: () => void;
}) {
  // It stands where the strip stood.
  useEffect(() => {
    addEventListener('scroll', onGone, { passive: true });
    return () => removeEventListener('scroll', onGone);
  }, []);
  const box = strip?.getBoundingClientRect();
  if (box === undefined) return null;
  const peekPx = peekRem * remPx();
  const left = Math.max(8, Math.min(document.documentElement.clientWidth - peekPx - 8, box.left + xOf(scale, ms) - (peekPx / 2)));
  const above = box.top > peekPx;
  return <div class={`peek${above ? '' : ' below'}`} aria-hidden="true" style={{ left: `${left}px`, top: `${above ? box.top : box.bottom}px` }}>
    {rows === undefined ? null : <Thumbnail camera={camera} segment={pictureAt(rows, ms)} periods={rows.periods} kept={at(view, ms).recorded} />}
    <b>{clockSeconds(ms, reader)}</b><span>{whatIs(view, ms)}</span>
  </div>;
}

function Bar({ kind, bar, y, height: tall }: { readonly kind: string; readonly bar: { readonly x: number; readonly width: number } | undefined; readonly y: number; readonly height: number }) {
  return bar === undefined ? null : <rect class={kind} x={bar.x} y={y} width={bar.width} height={tall} rx={Math.min(3, bar.width / 2)} />;
}

export function Axis({ dayStartMs, fromMs, toMs, reader }: { readonly dayStartMs: number; readonly fromMs: number; readonly toMs: number; readonly reader: Reader }) {
  const [element, , width] = useWidth();
  const scale: Scale = { fromMs, toMs, width };
  const fine = toMs - fromMs < 5 * 60_000;
  const edge = 30;
  return <div class="axis" ref={element} aria-hidden="true"><svg viewBox={`0 0 ${Math.max(1, width)} 30`} preserveAspectRatio="none">
    {ticksOf(scale, dayStartMs).map((tick) => {
      const x = xOf(scale, tick);
      return <g key={tick}><line x1={x} x2={x} y1="24" y2="30" />{x < edge && tick !== fromMs || x > width - edge && tick !== toMs ? null : <text x={x} y="18" text-anchor={tick === fromMs ? 'start' : tick === toMs ? 'end' : 'middle'}>{fine ? clockSeconds(tick, reader) : clock(tick, reader)}</text>}</g>;
    })}
  </svg></div>;
}

/** What a gap is filled with, for all strips of the document. */
export function GapPattern() {
  return <svg width="0" height="0" aria-hidden="true" class="unseen"><defs><pattern id="gap-pattern" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="gap-line" x1="0" x2="0" y1="0" y2="7" /></pattern></defs></svg>;
}

/** In words, for a screen reader and below the picture. */
export function whatIs(view: DayView, ms: number): string {
  const { recorded, away, gap, seen, alarms } = at(view, ms);
  const state = recorded ? (away === undefined ? say.timeline.recorded : say.timeline.recordedAt(away)) : gap === undefined ? say.timeline.nothing : say.timeline.gapOf(say.gap[gap.reason] ?? gap.reason);
  return [state, ...new Set(seen.map(({ kind }) => say.observation[kind] ?? kind)), ...new Set(alarms.map(alarmInWords))].join(', ');
}

/** Who or what it was, and in which zones, as far as this device has opened it. */
export function alarmInWords({ kind, words }: Rung): string {
  const what = whoOrWhat(kind, words);
  return words === undefined || words.zones.length === 0 ? say.timeline.alarmOf(what) : say.timeline.alarmIn(what, say.list(words.zones));
}

const minuteMs = 60_000;

function keyTarget(key: string, { view, fromMs, toMs, headMs }: { view: DayView; fromMs: number; toMs: number; headMs: number }): number | undefined {
  // A step is a minute of a day, and less where less is shown.
  const step = Math.min(minuteMs, (toMs - fromMs) / 100);
  const leap = Math.min(60 * minuteMs, (toMs - fromMs) / 10);
  switch (key) {
    case 'ArrowLeft': case 'ArrowDown': return headMs - step;
    case 'ArrowRight': case 'ArrowUp': return headMs + step;
    case 'PageDown': return headMs - leap;
    case 'PageUp': return headMs + leap;
    case 'Home': return fromMs;
    case 'End': return toMs;
    case ',': return seenBeside(view, headMs, 'before')?.fromMs;
    case '.': return seenBeside(view, headMs, 'after')?.fromMs;
    case 'Enter': case ' ': return headMs;
    default: return undefined;
  }
}

function remPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

/** In pixels, and in sixteenths of a rem. */
export function useWidth() {
  const element = useRef<HTMLDivElement>(null);
  const [[widthPx, width], setWidths] = useState<readonly [number, number]>([0, 0]);
  useEffect(() => {
    const observer = new ResizeObserver((entries) => {
      const wide = Math.round(entries.at(-1)?.contentRect.width ?? 0);
      setWidths([wide, (wide * 16) / remPx()]);
    });
    if (element.current !== null) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, widthPx, width] as const;
}
