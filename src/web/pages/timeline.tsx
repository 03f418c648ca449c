/** The timeline: a day of all cameras at a glance, and the footage of any moment of it, opened in this browser. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PageCamera, Timeline as Rows } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { wholeAlarms, wholeTimeline } from '../daytimeline.ts';
import { clock, dayBeside, dayMs, dayName, dayStart, deadline, hourMs, minuteMs } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { hubNow } from '../hubtime.ts';
import { go, Heading } from '../navigation.tsx';
import { rangeAround, wholeSegments, withEdge } from '../range.ts';
import { say } from '../strings.ts';
import { dayView, deadlineAt, nothing, playableFrom, seenBeside, type DayView, type Run } from '../timelineview.ts';
import { forgetAlarmWords, useAlarmWords, useNames } from '../parts/alarmwords.ts';
import { ClipPanel } from '../parts/clip.tsx';
import { Button, Choices, IconButton } from '../parts/controls.tsx';
import { DayList } from '../parts/daylist.tsx';
import { DayPicker } from '../parts/daypicker.tsx';
import { EraseHour } from '../parts/erasehour.tsx';
import { ErasePanel } from '../parts/erasethis.tsx';
import { Filmstrip } from '../parts/filmstrip.tsx';
import { KeepPanel } from '../parts/keepthis.tsx';
import { KeyWords } from '../parts/keywords.tsx';
import { useLoaded } from '../parts/loaded.ts';
import type { OrderProps } from '../parts/order.tsx';
import { RangeHandles } from '../parts/rangehandles.tsx';
import { ReplayScreen, type Order } from '../parts/replay.tsx';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { Axis, GapPattern, Strip } from '../parts/strip.tsx';
import { forgetThumbnails } from '../parts/thumbnail.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';

const zooms = { day: dayMs, sixHours: 6 * hourMs, hour: hourMs, tenMinutes: 10 * minuteMs } as const;
type Zoom = keyof typeof zooms;
const refreshMs = 20_000;
/** Alarms of a day whose words are opened, the newest. */
const wordsMax = 300;
/** As a clip is offered first. */
const clipMs = 30_000;
/** As minutes around the playhead are offered first. */
const orderMinutes = { keep: 5, erase: 1 } as const;

/** A time of one camera that something is made of. */
interface Chosen {
  readonly what: 'clip' | 'keep' | 'erase';
  readonly camera: PageCamera;
  readonly range: Run;
}

export function Timeline({ camera, atMs }: { readonly camera: string | undefined; readonly atMs: number | undefined }) {
  const { value, error, again } = useLoaded((signal) => ask('cameras', { signal }), []);
  const heading = <Heading>{say.timeline.title}</Heading>;
  if (value === undefined) return <>{heading}{error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />}</>;
  const cameras = value.cameras.filter(({ rights }) => rights.includes('replay'));
  if (cameras.length === 0) return <>{heading}<Empty icon="timeline" title={value.cameras.length === 0 ? say.timeline.noCameras : say.timeline.notRight} /></>;
  return <Days cameras={cameras} first={camera} atMs={atMs} />;
}

function Days({ cameras, first, atMs }: { readonly cameras: readonly PageCamera[]; readonly first: string | undefined; readonly atMs: number | undefined }) {
  const held = useHeld();
  const { reader, device } = held;
  const nowMs = useNow();
  const [chosen, setChosen] = useState(first ?? cameras[0]?.camera ?? '');
  const [startMs, setStartMs] = useState(() => dayStart(atMs ?? nowMs, reader));
  const endMs = dayBeside(startMs, 1, reader);
  const day: Run = { fromMs: startMs, toMs: endMs };
  const [zoom, setZoom] = useState<Zoom>('day');
  const [headMs, setHeadMs] = useState(() => atMs ?? Math.max(startMs, nowMs - (2 * minuteMs)));
  const [order, setOrder] = useState<Order>();
  const [part, setPart] = useState<Chosen>();
  const [fixed, setFixed] = useState(false);
  const strips = useRef<HTMLElement>(null);
  const [fromMs, toMs] = useWindow({ startMs, endMs, headMs, zoom });
  const isToday = nowMs >= startMs && nowMs < endMs;
  const { value, error, again } = useLoaded(
    async (signal) => {
      const [rows, alarms] = await Promise.all([Promise.all(cameras.map(async ({ camera }) => [camera, await wholeTimeline(camera, startMs, endMs, signal)] as const)), wholeAlarms(startMs, endMs, signal)]);
      return { startMs, rows: new Map(rows), alarms };
    },
    [startMs, cameras.length], isToday ? refreshMs : undefined,
  );
  const rows: ReadonlyMap<string, Rows> | undefined = value?.startMs === startMs ? value.rows : undefined;
  const opens = (camera: PageCamera | undefined): boolean => camera !== undefined && device?.spaces.includes(camera.space) === true;
  // Of one camera: a day of many may have thousands.
  const told = (rows === undefined ? undefined : value?.alarms.get(chosen)?.filter(({ falseAlarm }) => !falseAlarm).slice(0, wordsMax)) ?? [];
  const { words } = useAlarmWords(told, useNames(), (camera) => opens(cameras.find((one) => one.camera === camera)), value);
  const views = useMemo(() => new Map([...rows ?? []].map(([camera, timeline]) => [camera, dayView(timeline, hubNow(), value?.alarms.get(camera), device === undefined ? undefined : words)])), [rows, words, device]);
  const viewOf = (camera: string): DayView => views.get(camera) ?? nothing;
  const view = viewOf(chosen);
  const here = cameras.find(({ camera }) => camera === chosen);
  const name = here?.name ?? chosen;
  const chosenRows = opens(here) ? rows?.get(chosen) : undefined;
  const partRows = part?.what !== 'clip' || opens(part.camera) ? rows?.get(part?.camera.camera ?? '') : undefined;
  // What a key opened is seen no longer than the key is open.
  useEffect(() => () => { forgetThumbnails(); forgetAlarmWords(); }, [device]);

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
    setPart(undefined);
  };
  const choose = (what: Chosen['what'], range: Run): void => {
    if (here === undefined) return;
    setFixed(false);
    const within = { fromMs: Math.max(startMs, range.fromMs), toMs: Math.min(endMs, range.toMs) };
    setPart({ what, camera: here, range: what === 'clip' ? withEdge(within, 'from', within.fromMs, { bounds: day, keyFramesOf: chosenRows, snap: 'before' }) : within });
    // So much is shown that its edges can be told apart by a finger.
    setZoom((before) => narrowest(before, range.toMs - range.fromMs));
  };
  const closePart = (): void => {
    setPart(undefined);
    strips.current?.focus();
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
    <div class="timeline-bar">
      <p class="replay-clock">{dayName(startMs, reader)} <span class="muted">{isToday ? `· ${say.timeline.legendNow} ${clock(nowMs, reader)}` : ''}</span></p>
      <div class="buttons">
        {zoom === 'day' ? null : <><IconButton name="left" label={say.timeline.earlier} onClick={() => setHeadMs(Math.max(startMs, headMs - (zooms[zoom] / 2)))} /><IconButton name="right" label={say.timeline.later} onClick={() => setHeadMs(Math.min(endMs, headMs + (zooms[zoom] / 2)))} /></>}
        {part === undefined && chosenRows !== undefined && here?.rights.includes('export') === true ? <Button icon="clip" onClick={() => choose('clip', { fromMs: Math.round(headMs), toMs: Math.round(headMs) + clipMs })}>{say.clip.open}</Button> : null}
        <Choices label={say.timeline.zoom} value={zoom} onChoose={setZoom} options={(Object.keys(zooms) as Zoom[]).map((one) => ({ value: one, label: say.timeline.zooms[one] }))} />
      </div>
    </div>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    <GapPattern />
    <section class="day" aria-label={say.timeline.title} ref={strips} tabIndex={-1}>
      <p class="unseen">{say.timeline.stripHelp}</p>
      <div class="day-axis"><span /><Axis dayStartMs={startMs} fromMs={fromMs} toMs={toMs} reader={reader} /></div>
      {chosenRows === undefined ? null : <div class="day-film"><div class="day-name" aria-hidden="true"><span class="muted">{say.timeline.pictures}</span></div><Filmstrip camera={chosen} rows={chosenRows} fromMs={fromMs} toMs={toMs} reader={reader} onPlay={(ms) => move(chosen, ms, true)} /></div>}
      {cameras.map((one) => [one, one.camera, one.name] as const).map(([one, camera, label]) => <div class="day-row" key={camera}>
        <div class="day-name"><span>{label}</span></div>
        <div class="strip-place">
          <Strip
            camera={camera} name={label} rows={opens(one) ? rows?.get(camera) : undefined} range={camera === part?.camera.camera ? part.range : undefined}
            covers={camera === part?.camera.camera && part.what !== 'clip' && partRows !== undefined ? wholeSegments(partRows, part.range) : undefined}
            day={dayName(startMs, reader)} view={viewOf(camera)} dayStartMs={startMs} fromMs={fromMs} toMs={toMs} headMs={headMs} nowMs={nowMs} chosen={camera === chosen} reader={reader} onMove={(ms, play) => move(camera, ms, play)}
          />
          {part === undefined || partRows === undefined || camera !== part.camera.camera || fixed ? null : <RangeHandles
            camera={camera} rows={partRows} view={viewOf(camera)} range={part.range} byKeyFrames={part.what === 'clip'} day={day} shown={{ fromMs, toMs }} reader={reader}
            onRange={(range) => setPart({ ...part, range })}
          />}
        </div>
      </div>)}
    </section>
    {part === undefined || partRows === undefined ? null : <ChosenPanel
      key={part.what} what={part.what} camera={part.camera.camera} name={part.camera.name} rows={partRows} view={viewOf(part.camera.camera)} dayStartMs={startMs} headMs={headMs}
      range={part.range} onRange={(range) => setPart({ ...part, range })} onFixed={setFixed} onClose={closePart} onDone={again}
    />}
    <div class="timeline-bar"><Legend away={[...views.values()].some(({ kept }) => kept.some(({ archivedAt }) => archivedAt !== undefined))} />{ends === undefined ? null : <p class="small muted">{say.timeline.deadline(deadline(ends, nowMs, reader))}</p>}
      {device !== undefined || here === undefined || !has(held, 'people') || !here.rights.includes('erase') ? null : <EraseHour camera={chosen} name={here.name} headMs={headMs} onDone={again} />}
      {part !== undefined || device === undefined || here === undefined || !has(held, 'people') || !here.rights.includes('hold') ? null : <div class="buttons">
        <Button icon="key" onClick={() => choose('keep', rangeAround(headMs, orderMinutes.keep))}>{say.keeping.keep}</Button>
        {here.rights.includes('erase') ? <Button kind="quiet" onClick={() => choose('erase', rangeAround(headMs, orderMinutes.erase))}>{say.keeping.erase}</Button> : null}
      </div>}
    </div>
    {rows === undefined ? (error === undefined ? <Loading /> : null) : <DayList cameras={cameras} views={views} nowMs={nowMs} onPlay={(camera, ms) => move(camera, ms, true)} />}
  </div>;
}

function ChosenPanel({ what, ...props }: OrderProps & { readonly what: Chosen['what'] }) {
  if (what === 'clip') return <ClipPanel {...props} />;
  return what === 'keep' ? <KeepPanel {...props} /> : <ErasePanel {...props} />;
}

/** The least that shows four times that length, and no more than what is shown now. */
function narrowest(zoom: Zoom, lengthMs: number): Zoom {
  return (Object.keys(zooms) as Zoom[]).findLast((one) => zooms[one] <= zooms[zoom] && zooms[one] >= lengthMs * 4) ?? zoom;
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

function Legend({ away }: { readonly away: boolean }) {
  const swatches = [['recorded', say.timeline.legendRecorded], ...(away ? [['away', say.timeline.legendAway] as const] : []), ['gap', say.timeline.legendGap], ['seen', say.timeline.legendSeen], ['rang', say.timeline.legendAlarm]] as const;
  return <ul class="legend" aria-label={say.timeline.legend}>{swatches.map(([kind, name]) => <li key={kind}><svg class="swatch" viewBox="0 0 18 11" aria-hidden="true">{kind === 'rang' ? <path class={kind} d="M9 0l5.500 11h-11z" /> : kind === 'away' ? <><rect class="recorded" width="18" height="11" /><rect class={kind} y="4" width="18" height="3" /></> : <rect class={kind} width="18" height="11" />}</svg>{name}</li>)}</ul>;
}

function useNow(): number {
  const [now, setNow] = useState(hubNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(hubNow()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
