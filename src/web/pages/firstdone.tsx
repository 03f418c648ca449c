/** The end of the first hour: how long to keep, and the first sealed footage opened in this browser, with what is so in exact words. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { dayView, type DayView } from '../timelineview.ts';
import { wholeTimeline } from '../daytimeline.ts';
import { hourMs } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubNow } from '../hubtime.ts';
import { Heading } from '../navigation.tsx';
import { say } from '../strings.ts';
import { Button } from '../parts/controls.tsx';
import { KeepForm } from '../parts/keepform.tsx';
import { useLoaded } from '../parts/loaded.ts';
import { ProofPanel } from '../parts/proof.tsx';
import { ReplayScreen, type Order } from '../parts/replay.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import type { Timeline } from '../../api/pagecontract.ts';

export function KeepStep({ onDone }: { readonly onDone: () => void }) {
  return <div class="card"><div><Heading>{say.first.keepTitle}</Heading><p class="lead">{say.first.keepLead}</p></div><KeepForm label={say.first.keepGo} onDone={onDone} /></div>;
}

const lookMs = 2000;
interface First { readonly camera: string; readonly name: string; readonly rows: Timeline; readonly view: DayView }

export function DoneStep({ onDone }: { readonly onDone: () => void }) {
  const { device } = useHeld();
  const [first, setFirst] = useState<First>();
  const [cameras, setCameras] = useState<number>();
  const { value, error, again } = useLoaded(async (signal) => {
    const { cameras } = await ask('cameras', { signal });
    const now = hubNow();
    const rows = await Promise.all(cameras.map(async ({ camera, name }) => ({ camera, name, rows: await wholeTimeline(camera, now - hourMs, now, signal) })));
    return { cameras: cameras.length, first: rows.find(({ rows: { segments } }) => segments.length > 0) };
  }, [], first === undefined ? lookMs : undefined);
  useEffect(() => {
    if (value === undefined) return;
    setCameras(value.cameras);
    if (value.first !== undefined && first === undefined) setFirst({ ...value.first, view: dayView(value.first.rows, hubNow()) });
  }, [value]);
  return <div class="card">
    <div><Heading>{say.first.doneTitle}</Heading><p class="lead">{cameras === 0 ? say.first.noCameraYet : say.first.doneLead}</p></div>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {first === undefined || device === undefined
      ? (cameras === 0 ? null : <div><Loading words={say.first.waitingSeal} /><p class="hint">{say.first.waitingSealHint}</p></div>)
      : <FirstReplay first={first} />}
    <ProofPanel period={first?.rows.periods.at(-1)} />
    <Button kind="main" wide onClick={onDone}>{say.first.toLive}</Button>
  </div>;
}

function FirstReplay({ first }: { readonly first: First }) {
  const startMs = first.rows.segments[0]?.startMs ?? 0;
  const [headMs, setHeadMs] = useState(startMs);
  const [order, setOrder] = useState<Order>({ camera: first.camera, fromMs: startMs, turn: 1 });
  const play = (fromMs: number): void => setOrder((before) => ({ ...before, fromMs, turn: before.turn + 1 }));
  return <ReplayScreen order={order} name={first.name} headMs={headMs} rows={first.rows} view={first.view} onTime={setHeadMs} onPlay={() => play(startMs)} onSeek={(ms) => play(Math.max(startMs, ms))} onSeen={() => {}} />;
}
