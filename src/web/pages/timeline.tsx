/** The timeline: a day of all cameras at a glance, and the footage of any moment of it, opened in this browser. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PageCamera, Timeline as Rows } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { wholeTimeline } from '../daytimeline.ts';
import { clock, clockSeconds, dayBeside, dayMs, dayName, dayStart, deadline, fromIsoDay, hourMs, isoDay, minuteMs } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { go, Heading } from '../navigation.tsx';
import { say } from '../strings.ts';
import { dayView, deadlineAt, nothing, playableFrom, seenBeside, type DayView, type Run } from '../timelineview.ts';
import { ClipPanel } from '../parts/clip.tsx';
import { Button, Choices, IconButton } from '../parts/controls.tsx';
import { Filmstrip } from '../parts/filmstrip.tsx';
import { KeepErase } from '../parts/keeperase.tsx';
import { KeyWords } from '../parts/keywords.tsx';
import { useLoaded } from '../parts/loaded.ts';
import { ReplayScreen, type Order } from '../parts/replay.tsx';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { Axis, GapPattern, Strip } from '../parts/strip.tsx';
import { forgetThumbnails } from '../parts/thumbnail.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';

const zooms = { day: dayMs, sixHours: 6 * hourMs, hour: hourMs, tenMinutes: 10 * minuteMs } as const;
type Zoom = keyof typeof zooms;
const refreshMs = 20_000;
/** As a clip is offered first. */
const clipMs = 30_000;

export function Timeline({ camera, atMs }: { readonly camera: string | undefined; readonly atMs: number | undefined }) {
  const { value, error, again } = useLoaded((signal) => ask('cameras', { signal }), []);
  const heading = <Heading>{say.timeline.title}</Heading>;
  if (value === undefined) return <>{heading}{error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />}</>;
  const cameras = value.cameras.filter(({ rights }) => rights.includes('replay'));
  if (cameras.length === 0) return <>{heading}<Empty icon="timeline" title={value.cameras.length === 0 ? say.timeline.noCameras : say.timeline.notRight} /></>;
  return <Days cameras={cameras} first={camera} atMs={atMs} />;
}

function Days({ cameras, first, atMs }: { readonly cameras: readonly PageCamera[]; readonly first: string | undefined; readonly atMs: number | undefined }) {
  const { reader, device } = useHeld();
  const nowMs = useNow();
  const [chosen, setChosen] = useState(first ?? cameras[0]?.camera ?? '');
  const [startMs, setStartMs] = useState(() => dayStart(atMs ?? nowMs, reader));
  const endMs = dayBeside(startMs, 1, reader);
  const [zoom, setZoom] = useState<Zoom>('day');
  const [headMs, setHeadMs] = useState(() => atMs ?? Math.max(startMs, nowMs - (2 * minuteMs)));
  const [order, setOrder] = useState<Order>();
  const [clip, setClip] = useState<{ readonly camera: PageCamera; readonly range: Run }>();
  const [fromMs, toMs] = useWindow({ startMs, endMs, headMs, zoom });
  const isToday = nowMs >= startMs && nowMs < endMs;
  const { value, error, again } = useLoaded(
    async (signal) => ({ startMs, rows: new Map(await Promise.all(cameras.map(async ({ camera }) => [camera, await wholeTimeline(camera, startMs, endMs, signal)] as const))) }),
    [startMs, cameras.length], isToday ? refreshMs : undefined,
  );
  const rows: ReadonlyMap<string, Rows> | undefined = value?.startMs === startMs ? value.rows : undefined;
  const views = useMemo(() => new Map([...rows ?? []].map(([camera, timeline]) => [camera, dayView(timeline, Date.now())])), [rows]);
  const viewOf = (camera: string): DayView => views.get(camera) ?? nothing;
  const view = viewOf(chosen);
  const here = cameras.find(({ camera }) => camera === chosen);
  const name = here?.name ?? chosen;
  const opens = (camera: PageCamera | undefined): boolean => camera !== undefined && device?.spaces.includes(camera.space) === true;
  const chosenRows = opens(here) ? rows?.get(chosen) : undefined;
  const clipRows = opens(clip?.camera) ? rows?.get(clip?.camera.camera ?? '') : undefined;
  // What a key opened is seen no longer than the key is open.
  useEffect(() => () => forgetThumbnails(), [device]);

  const move = (camera: string, ms: number, play: boolean): void => {
    setChosen(camera);
    setHeadMs(ms);
    if (!play) return;
    const from = playableFrom(viewOf(camera), ms);
    if (from === undefined) return;
    setHeadMs(from);
    setOrder((before) => ({ camera, fromMs: from, turn: (before?.turn ?? 0) + 1 }));
  };
  const toDay = (ms: number): void => {
    setStartMs(dayStart(ms, reader));
    setHeadMs(dayStart(ms, reader) + (12 * hourMs));
    setOrder(undefined);
    setClip(undefined);
  };
  const openClip = (): void => {
    const fromMs = Math.round(headMs);
    if (here !== undefined) setClip({ camera: here, range: { fromMs, toMs: Math.min(endMs - 1000, fromMs + clipMs) } });
  };
  const toSeen = (direction: 'before' | 'after'): void => {
    const seen = seenBeside(view, headMs, direction);
    if (seen !== undefined) move(chosen, seen.fromMs - 1000, true);
  };
  useEffect(() => {
    // The address tells the moment, so that it can be kept or sent to somebody of the house.
    if (order !== undefined) go({ page: 'timeline', camera: order.camera, atMs: order.fromMs }, { replace: true });
  }, [order]);
  // Where nothing was chosen yet, the head stands where the newest footage is.
  const placed = useRef(atMs !== undefined);
  useEffect(() => {
    const last = view.recorded.at(-1);
    if (placed.current || last === undefined) return;
    placed.current = true;
    setHeadMs(Math.max(last.fromMs, last.toMs - minuteMs));
  }, [view]);
  const ends = deadlineAt(view, headMs);

  return <div class="stack">
    <div class="page-head"><Heading>{say.timeline.title}</Heading><DayPicker startMs={startMs} nowMs={nowMs} onDay={toDay} /></div>
    {device === undefined ? <UnlockPanel /> : null}
    {device?.spaces.length === 0 ? <div class="note care" role="status"><b>{say.timeline.waitingTitle}</b><p>{say.timeline.waitingLead}</p><p>{say.timeline.waitingWords}</p><KeyWords device={device.shape} /></div> : null}
    {device === undefined ? null : <ReplayScreen
      order={order} name={name} headMs={headMs} rows={rows?.get(chosen)} view={view}
      onTime={setHeadMs} onPlay={() => move(chosen, headMs, true)} onSeek={(ms) => move(chosen, ms, true)} onSeen={toSeen}
    />}
    {clip === undefined || clipRows === undefined ? null : <ClipPanel
      camera={clip.camera.camera} name={clip.camera.name} rows={clipRows} view={viewOf(clip.camera.camera)} dayStartMs={startMs} headMs={headMs}
      range={clip.range} onRange={(range) => setClip({ ...clip, range })} onClose={() => setClip(undefined)}
    />}
    <div class="timeline-bar">
      <p class="replay-clock">{dayName(startMs, reader)} <span class="muted">{isToday ? `· ${say.timeline.legendNow} ${clock(nowMs, reader)}` : ''}</span></p>
      <div class="buttons">
        {zoom === 'day' ? null : <><IconButton name="left" label={say.timeline.earlier} onClick={() => setHeadMs(Math.max(startMs, headMs - (zooms[zoom] / 2)))} /><IconButton name="right" label={say.timeline.later} onClick={() => setHeadMs(Math.min(endMs, headMs + (zooms[zoom] / 2)))} /></>}
        {clip === undefined && chosenRows !== undefined && here?.rights.includes('export') === true ? <Button icon="clip" onClick={openClip}>{say.clip.open}</Button> : null}
        <Choices label={say.timeline.zoom} value={zoom} onChoose={setZoom} options={(Object.keys(zooms) as Zoom[]).map((one) => ({ value: one, label: say.timeline.zooms[one] }))} />
      </div>
    </div>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    <GapPattern />
    <section class="day" aria-label={say.timeline.title}>
      <p class="unseen">{say.timeline.stripHelp}</p>
      <div class="day-axis"><span /><Axis dayStartMs={startMs} fromMs={fromMs} toMs={toMs} reader={reader} /></div>
      {chosenRows === undefined ? null : <div class="day-film"><div class="day-name" aria-hidden="true"><span class="muted">{say.timeline.pictures}</span></div><Filmstrip camera={chosen} rows={chosenRows} fromMs={fromMs} toMs={toMs} reader={reader} onPlay={(ms) => move(chosen, ms, true)} /></div>}
      {cameras.map((one) => [one, one.camera, one.name] as const).map(([one, camera, label]) => <div class="day-row" key={camera}>
        <div class="day-name"><span>{label}</span></div>
        <Strip camera={camera} name={label} rows={opens(one) ? rows?.get(camera) : undefined} range={camera === clip?.camera.camera ? clip.range : undefined} day={dayName(startMs, reader)} view={viewOf(camera)} dayStartMs={startMs} fromMs={fromMs} toMs={toMs} headMs={headMs} nowMs={nowMs} chosen={camera === chosen} reader={reader} onMove={(ms, play) => move(camera, ms, play)} />
      </div>)}
    </section>
    <div class="timeline-bar"><Legend />{ends === undefined ? null : <p class="small muted">{say.timeline.deadline(deadline(ends, nowMs, reader))}</p>}{here === undefined ? null : <KeepErase camera={here} headMs={headMs} onDone={again} />}</div>
    {rows === undefined ? (error === undefined ? <Loading /> : null) : <AsList cameras={cameras} views={views} nowMs={nowMs} onPlay={(camera, ms) => move(camera, ms, true)} />}
  </div>;
}

/** What is shown: the whole day, or a part of it around the head. It moves only when the head leaves it. */
function useWindow({ startMs, endMs, headMs, zoom }: { startMs: number; endMs: number; headMs: number; zoom: Zoom }): readonly [number, number] {
  const from = useRef(startMs);
  const spanMs = Math.min(zooms[zoom], endMs - startMs);
  const kind = useRef('');
  const now = `${zoom} ${startMs}`;
  if (zoom === 'day') from.current = startMs;
  else if (kind.current !== now || headMs < from.current || headMs > from.current + spanMs) from.current = Math.max(startMs, Math.min(endMs - spanMs, headMs - (spanMs / 2)));
  kind.current = now;
  return [from.current, zoom === 'day' ? endMs : from.current + spanMs];
}

function DayPicker({ startMs, nowMs, onDay }: { readonly startMs: number; readonly nowMs: number; readonly onDay: (ms: number) => void }) {
  const { reader } = useHeld();
  const today = dayStart(nowMs, reader);
  return <div class="date">
    <IconButton name="left" label={say.timeline.previous} onClick={() => onDay(dayBeside(startMs, -1, reader))} />
    <label><span class="unseen">{say.timeline.date}</span><input class="input" type="date" value={isoDay(startMs, reader)} max={isoDay(nowMs, reader)} onChange={(event) => { const day = fromIsoDay(event.currentTarget.value, reader); if (day !== undefined) onDay(day); }} /></label>
    <IconButton name="right" label={say.timeline.following} disabled={startMs >= today} onClick={() => onDay(dayBeside(startMs, 1, reader))} />
    {startMs === today ? null : <Button kind="quiet" onClick={() => onDay(nowMs)}>{say.timeline.today}</Button>}
  </div>;
}

function Legend() {
  const swatches = [['recorded', say.timeline.legendRecorded], ['gap', say.timeline.legendGap], ['seen', say.timeline.legendSeen]] as const;
  return <ul class="legend" aria-label={say.timeline.legend}>{swatches.map(([kind, name]) => <li key={kind}><svg class="swatch" viewBox="0 0 18 11" aria-hidden="true"><rect class={kind} width="18" height="11" /></svg>{name}</li>)}</ul>;
}

const listedMax = 200;

/** The same as a table: for screen readers, and for whoever wants to read it. */
function AsList({ cameras, views, nowMs, onPlay }: { readonly cameras: readonly PageCamera[]; readonly views: ReadonlyMap<string, DayView>; readonly nowMs: number; readonly onPlay: (camera: string, ms: number) => void }) {
  const { reader } = useHeld();
  return <details><summary>{say.timeline.asList}</summary><div class="stack">
    {cameras.map(({ camera, name }) => {
      const lines = linesOf(views.get(camera) ?? nothing);
      return <div class="card plain" key={camera}><h2>{say.timeline.listOf(name)}</h2>{lines.length === 0 ? <p class="muted">{say.timeline.emptyDay}</p> : <table class="table">
        <thead><tr><th scope="col">{say.timeline.from}</th><th scope="col">{say.timeline.to}</th><th scope="col">{say.timeline.what}</th><th scope="col">{say.timeline.until}</th></tr></thead>
        <tbody>{lines.slice(-listedMax).map(({ key, fromMs, toMs, words, plays }) => {
          const ends = plays ? deadlineAt(views.get(camera) ?? nothing, fromMs) : undefined;
          return <tr key={key}>
            <td>{plays ? <button type="button" class="button quiet" aria-label={say.timeline.playThis(clockSeconds(fromMs, reader))} onClick={() => onPlay(camera, fromMs)}>{clockSeconds(fromMs, reader)}</button> : clockSeconds(fromMs, reader)}</td>
            <td>{toMs === undefined ? say.timeline.lasts : clockSeconds(toMs, reader)}</td><td>{words}</td><td>{ends === undefined ? '' : deadline(ends, nowMs, reader)}</td>
          </tr>;
        })}</tbody>
      </table>}</div>;
    })}
  </div></details>;
}

interface Line { readonly key: string; readonly fromMs: number; readonly toMs: number | undefined; readonly words: string; readonly plays: boolean }

function linesOf(view: DayView): Line[] {
  return [
    ...view.kept.map(({ fromMs, toMs }) => ({ key: `r${fromMs}`, fromMs, toMs, words: say.timeline.legendRecorded, plays: true })),
    ...view.gaps.map(({ fromMs, toMs, reason, detail }) => ({ key: `g${fromMs}${reason}`, fromMs, toMs, words: [say.timeline.gapOf(say.gap[reason] ?? reason), hubWords(detail, { inside: true })].filter((part) => part !== '').join('; '), plays: false })),
    ...view.seen.map(({ kind, fromMs, toMs, lasts }) => ({ key: `s${kind}${fromMs}`, fromMs, toMs: lasts ? undefined : toMs, words: say.observation[kind] ?? kind, plays: true })),
  ].toSorted((one, other) => one.fromMs - other.fromMs);
}

function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
