/** A camera's day from the stores: what is recorded and what is missing, played, and saved as a clip. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Timeline } from '../../api/pagecontract.ts';
import { asSallyportError } from '../../base/errors.ts';
import { SealedFootage } from '../crypto/footage.ts';
import { ReplayPlayer, type ReplayState } from '../player/replay.ts';
import { say } from '../strings.ts';
import { ClipForm } from './clipform.tsx';
import type { ViewedAlarm } from './library.ts';
import type { Opened } from './main.tsx';
import { clock, dayText, runsOf, wholeText } from './times.ts';
import { words } from './words.ts';

const dayMs = 86_400_000;
const paces = [1, 2, 4, 8, 16];
/** Before an alarm, to see how it comes about. */
const leadMs = 5_000;

interface Shown {
  readonly camera: string;
  readonly dayStartMs: number;
  readonly timeline: Timeline;
  readonly alarms: readonly ViewedAlarm[];
  readonly problems: readonly string[];
}

export function DayView({ library, identity }: Opened) {
  const [camera, setCamera] = useState(library.cameras[0] ?? '');
  const [day, setDay] = useState(library.days(library.cameras[0] ?? '')[0] ?? 0);
  const [shown, setShown] = useState<Shown | undefined>(undefined);
  const footage = useRef<SealedFootage | undefined>(undefined);
  footage.current ??= new SealedFootage({ fetch: library.fetch, identities: [identity] });
  useEffect(() => {
    let here = true;
    setShown(undefined);
    library.look(camera, day, day + dayMs).then(
      ({ timeline, alarms, problems }) => { if (here) setShown({ camera, dayStartMs: day, timeline, alarms, problems: problems.map(({ message, code }) => `${message} (${code})`) }); },
      (error: unknown) => { if (here) setShown({ camera, dayStartMs: day, timeline: { periods: [], segments: [], gaps: [], observations: [] }, alarms: [], problems: [asSallyportError(error).message] }); },
    );
    return () => { here = false; };
  }, [camera, day]);
  const days = library.days(camera);
  return <>
    <p>{words.found(library.cameras.length, days.length)}. {words.asOf(wholeText(library.madeMs))}{library.locked > 0 ? ` ${words.locked(library.locked)}` : ''}</p>
    <p class="choices">
      <span class="field"><label for="camera">{words.camera}</label><select id="camera" value={camera} onChange={(event) => { setCamera(event.currentTarget.value); setDay(library.days(event.currentTarget.value)[0] ?? 0); }}>{library.cameras.map((one) => <option key={one} value={one}>{one}</option>)}</select></span>
      <span class="field"><label for="day">{words.day}</label><select id="day" value={String(day)} onChange={(event) => setDay(Number(event.currentTarget.value))}>{days.map((one) => <option key={one} value={String(one)}>{dayText(one)}</option>)}</select></span>
    </p>
    {shown === undefined ? <p role="status">{words.loadingDay}</p> : <Day key={`${shown.camera} ${shown.dayStartMs}`} {...shown} footage={footage.current} opened={{ library, identity }} />}
    <p><button type="button" class="quiet" onClick={() => { footage.current?.close(); identity.close(); window.location.reload(); }}>{words.again}</button></p>
  </>;
}

function Day({ camera, timeline, alarms, problems, footage, opened }: Shown & { readonly footage: SealedFootage; readonly opened: Opened }) {
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<ReplayPlayer | undefined>(undefined);
  const [state, setState] = useState<ReplayState | undefined>(undefined);
  const [atMs, setAtMs] = useState<number | undefined>(undefined);
  const [pace, setPace] = useState(1);
  const [said, setSaid] = useState<readonly string[]>(problems);
  const tell = (line: string): void => setSaid((before) => (before.includes(line) ? before : [...before, line].slice(-20)));
  useEffect(() => {
    if (video.current === null) return;
    const one = new ReplayPlayer(video.current, (fromMs, { keyFramesOnly, signal }) => footage.fragments(camera, 'main', fromMs, timeline, { keyFramesOnly, signal }), {
      onTime: setAtMs, onState: setState, onGap: () => {}, onProblem: tell,
    });
    player.current = one;
    return () => one.close();
  }, []);
  const runs = runsOf(timeline);
  const [first, last] = [runs[0]?.fromMs ?? 0, runs.at(-1)?.toMs ?? 0];
  const seek = (wallMs: number): void => player.current?.seek(wallMs);
  const marks = <Alarms camera={camera} alarms={alarms} footage={footage} onPlay={runs.length === 0 ? undefined : seek} />;
  if (runs.length === 0) return <><p>{words.nothing}</p><Told lines={said} />{marks}</>;
  const lines = [
    ...runs.map((run) => ({ atMs: run.fromMs, line: <button type="button" class="run" aria-label={words.playFrom(clock(run.fromMs), clock(run.toMs))} onClick={() => seek(run.fromMs)}>{words.run(clock(run.fromMs), clock(run.toMs))}</button> })),
    ...timeline.gaps.map((gap) => ({ atMs: gap.fromMs, line: <span class="gap">{words.gap(clock(gap.fromMs), clock(gap.toMs), say.gap[gap.reason] ?? gap.reason)}</span> })),
  ].sort((a, b) => a.atMs - b.atMs);
  return <>
    <video ref={video} muted playsInline aria-label={words.screen(camera)} />
    <p class="bar">
      <button type="button" onClick={() => (state === undefined ? seek(first) : state === 'playing' ? player.current?.pause() : player.current?.play())}>{state === 'playing' ? words.pause : words.play}</button>
      <label for="position">{words.position}</label>
      <input id="position" type="range" min={first} max={last} step={1000} value={atMs ?? first} onChange={(event) => seek(Number(event.currentTarget.value))} />
      <label for="pace">{words.pace}</label>
      <select id="pace" value={String(pace)} onChange={(event) => { const next = Number(event.currentTarget.value); setPace(next); player.current?.speed(next); }}>{paces.map((one) => <option key={one} value={String(one)}>{`${one}×`}</option>)}</select>
    </p>
    <p role="status" data-state={state ?? ''}>{state === 'ended' ? words.ended : state === 'unsupported' ? words.unsupported : atMs === undefined ? '' : words.shown(wholeText(atMs))}</p>
    <Told lines={said} />
    {marks}
    <h2>{words.times}</h2>
    <ul class="times">{lines.map(({ atMs: key, line }) => <li key={key}>{line}</li>)}</ul>
    <ClipForm camera={camera} firstMs={first} lastMs={last} footage={footage} identity={opened.identity} />
  </>;
}

/** Its alarms, each with its picture once it is opened: a day may have hundreds. */
function Alarms({ camera, alarms, footage, onPlay }: { readonly camera: string; readonly alarms: readonly ViewedAlarm[]; readonly footage: SealedFootage; readonly onPlay: ((wallMs: number) => void) | undefined }) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  if (alarms.length === 0) return null;
  return <>
    <h2>{words.alarms(alarms.length)}</h2>
    <ul class="times">{alarms.map((alarm) => <li key={alarm.id}>
      <details onToggle={(event) => { if (event.currentTarget.open) setOpened((before) => new Set([...before, alarm.id])); }}>
        <summary>{words.alarm(clock(alarm.from_ms), say.observation[alarm.kind] ?? alarm.kind, alarm.rule)}</summary>
        {alarm.object === undefined ? <p>{words.noPicture}</p> : opened.has(alarm.id) ? <AlarmShot camera={camera} alarm={alarm} footage={footage} /> : null}
        {onPlay === undefined ? null : <button type="button" onClick={() => onPlay(alarm.from_ms - leadMs)}>{words.playAlarm(clock(alarm.from_ms))}</button>}
      </details>
    </li>)}</ul>
  </>;
}

function AlarmShot({ camera, alarm, footage }: { readonly camera: string; readonly alarm: ViewedAlarm; readonly footage: SealedFootage }) {
  const [shown, setShown] = useState<{ readonly address?: string; readonly problem?: string }>({});
  useEffect(() => {
    const stop = new AbortController();
    let address: string | undefined;
    footage.alarmPicture({ camera, alarm: alarm.id, picture: 'full', slot: alarm.slot, generation: alarm.generation }, stop.signal).then((jpeg) => {
      if (stop.signal.aborted) return;
      address = URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' }));
      setShown({ address });
    }, (error: unknown) => { if (!stop.signal.aborted) setShown({ problem: asSallyportError(error).message }); });
    return () => {
      stop.abort();
      if (address !== undefined) URL.revokeObjectURL(address);
    };
  }, []);
  if (shown.problem !== undefined) return <p role="alert">{shown.problem}</p>;
  return shown.address === undefined ? <p role="status">{words.loadingPicture}</p> : <img class="shot" src={shown.address} alt={words.pictureOf(clock(alarm.from_ms))} />;
}

function Told({ lines }: { readonly lines: readonly string[] }) {
  return lines.length === 0 ? null : <div class="wrong" role="alert"><b>{words.problems}</b><ul>{lines.map((line) => <li key={line}>{line}</li>)}</ul></div>;
}
