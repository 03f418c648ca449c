/** The screen of the timeline: sealed footage, opened here, with its controls. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Timeline as Rows } from '../../api/pagecontract.ts';
import { canPlay } from '../cannot.ts';
import { clock, clockSeconds } from '../format.ts';
import { useHeld } from '../held.tsx';
import { loadPlayers } from '../load.ts';
import type { Replay } from '../seams.ts';
import { fileNameAt, snapshot } from '../snapshot.ts';
import { say } from '../strings.ts';
import { at, type DayView } from '../timelineview.ts';
import { hubWords } from '../hubwords.ts';
import { IconButton } from './controls.tsx';
import { Icon } from './icons.tsx';
import { whatIs } from './strip.tsx';
import { toast } from './toast.tsx';

/** From where to play; another turn is another order, even for the same moment. */
export interface Order { readonly camera: string; readonly fromMs: number; readonly turn: number }

interface ReplayProps {
  readonly order: Order | undefined;
  readonly name: string;
  readonly headMs: number;
  readonly rows: Rows | undefined;
  readonly view: DayView;
  readonly onTime: (ms: number) => void;
  readonly onPlay: () => void;
  readonly onSeek: (ms: number) => void;
  readonly onSeen: (direction: 'before' | 'after') => void;
}

const speeds = ['1', '2', '4', '8', '16'] as const;
type State = 'idle' | 'opening' | 'playing' | 'paused' | 'ended' | 'unsupported';

export function ReplayScreen({ order, name, headMs, rows, view, onTime, onPlay, onSeek, onSeen }: ReplayProps) {
  const { reader } = useHeld();
  const video = useRef<HTMLVideoElement>(null);
  const screen = useRef<HTMLDivElement>(null);
  const replay = useRef<Replay | undefined>(undefined);
  const [state, setState] = useState<State>('idle');
  const [note, setNote] = useState('');
  const [speed, setSpeed] = useState<(typeof speeds)[number]>('1');
  const latest = useRef(rows);
  latest.current = rows ?? latest.current;
  const wanted = useRef(order);
  wanted.current = order;
  const told = useRef(onTime);
  told.current = onTime;
  // One player a camera; another moment of it is a seek, which shows at once what is buffered.
  useEffect(() => {
    const element = video.current;
    if (order === undefined || element === null || rows === undefined) return undefined;
    let gone = false;
    setState('opening');
    void loadPlayers().then((players) => {
      if (gone) return;
      const opened = players.replay(element, { camera: order.camera, rows: () => latest.current ?? rows }, {
        onTime: (ms) => { if (!gone) told.current(ms); },
        onState: (now) => { if (!gone) setState(now); },
        onGap: (gap) => { if (!gone) setNote(say.timeline.gapHere(say.gap[gap.reason] ?? gap.reason, clock(gap.fromMs, reader), clock(gap.toMs, reader))); },
        onProblem: (words) => { if (!gone) setNote(words === '' ? say.timeline.damagedHere : hubWords(words)); },
      });
      replay.current = opened;
      opened.speed(Number(speed));
      opened.seek(wanted.current?.fromMs ?? order.fromMs);
    }).catch((error: unknown) => {
      if (gone) return;
      setState('ended');
      setNote(error instanceof Error ? hubWords(error.message) : say.error.unexpected);
    });
    return () => {
      gone = true;
      replay.current?.close();
      replay.current = undefined;
    };
  }, [order?.camera, rows === undefined]);
  useEffect(() => {
    setNote('');
    if (order !== undefined) replay.current?.seek(order.fromMs);
  }, [order?.turn]);
  const { away } = at(view, order?.fromMs ?? headMs);
  const playing = state === 'playing' || state === 'opening';
  const toggle = (): void => {
    if (replay.current === undefined || state === 'ended') onPlay();
    else if (playing) replay.current.pause();
    else replay.current.play();
  };
  const takeSnapshot = (): void => {
    void snapshot(video.current, fileNameAt(order?.camera ?? '', headMs)).then((done) => toast(done ? say.live.snapshotSaved : say.live.noPictureYet));
  };
  return <section class="replay" aria-label={say.timeline.legendRecorded}>
    <div class="replay-screen" ref={screen}>
      <video ref={video} playsInline muted aria-label={name} />
      {canPlay() ? null : <div class="tile-state"><Icon name="warning" /><span>{say.cannot.media2}</span></div>}
      {state === 'idle' && canPlay() ? <div class="tile-state"><Icon name="play" /><b>{say.timeline.choose}</b><span>{say.timeline.chooseHint}</span></div> : null}
      {state === 'opening' ? <div class="tile-state" role="status"><span class="spinner" aria-hidden="true" /><span>{away === undefined ? say.timeline.opening : say.timeline.fetching(away)}</span></div> : null}
    </div>
    <div class="stage-bar">
      <IconButton name="back10" label={say.timeline.back10} onClick={() => onSeek(headMs - 10_000)} />
      <IconButton name={playing ? 'pause' : 'play'} label={playing ? say.timeline.pause : say.timeline.play} kind="main" onClick={toggle} />
      <IconButton name="ahead10" label={say.timeline.ahead10} onClick={() => onSeek(headMs + 10_000)} />
      <IconButton name="eventBack" label={say.timeline.previousEvent} onClick={() => onSeen('before')} />
      <IconButton name="eventAhead" label={say.timeline.nextEvent} onClick={() => onSeen('after')} />
      <p class="replay-clock">{clockSeconds(headMs, reader)} <span class="muted">{`${name}, ${whatIs(view, headMs)}`}</span></p>
      <span class="push buttons">
        <label><span class="unseen">{say.timeline.speed}</span><select class="input" onChange={(event) => { const next = event.currentTarget.value as typeof speed; setSpeed(next); replay.current?.speed(Number(next)); }}>
          {speeds.map((one) => <option key={one} value={one} selected={one === speed}>{say.timeline.speedOf(Number(one))}</option>)}
        </select></label>
        <IconButton name="camera" label={say.timeline.snapshot} onClick={takeSnapshot} />
        <IconButton name="full" label={say.timeline.fullscreen} onClick={() => { void screen.current?.requestFullscreen().catch(() => {}); }} />
      </span>
    </div>
    <p class="small warn" role="status">{state === 'ended' && note === '' ? say.timeline.ended : note}</p>
  </section>;
}
