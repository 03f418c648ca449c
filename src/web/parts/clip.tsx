/** A clip of the chosen camera: from when to when, made and signed on this device, and given to the person as files. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Timeline as Rows } from '../../api/pagecontract.ts';
import { canStream, chooseFile, memoryBytesMax } from '../filechoice.ts';
import { atClock, bytes, clockSeconds } from '../format.ts';
import { useHeld } from '../held.tsx';
import { loadFootage } from '../load.ts';
import type { MadeClip } from '../seams.ts';
import { fileNameAt, saveFile } from '../snapshot.ts';
import { say } from '../strings.ts';
import { sizeOf, type DayView, type Run } from '../timelineview.ts';
import { hubWords } from '../hubwords.ts';
import { Button, IconButton } from './controls.tsx';
import { Problem } from './states.tsx';
import { toast } from './toast.tsx';

interface ClipProps {
  readonly camera: string;
  readonly name: string;
  readonly rows: Rows;
  readonly view: DayView;
  readonly dayStartMs: number;
  readonly headMs: number;
  readonly range: Run;
  readonly onRange: (range: Run) => void;
  readonly onClose: () => void;
}

type Phase = { readonly kind: 'choosing'; readonly error?: unknown } | { readonly kind: 'making'; readonly wallMs: number; readonly stop: AbortController } | { readonly kind: 'made'; readonly clip: MadeClip };

export function ClipPanel({ camera, name, rows, view, dayStartMs, headMs, range, onRange, onClose }: ClipProps) {
  const { reader } = useHeld();
  const [phase, setPhase] = useState<Phase>({ kind: 'choosing' });
  const title = useRef<HTMLHeadingElement>(null);
  const { fromMs, toMs } = range;
  const gaps = view.gaps.filter((gap) => gap.fromMs < toMs && gap.toMs > fromMs).length;
  const size = sizeOf(rows, range);
  const wrong = wrongOf(range, size, bytes(memoryBytesMax, reader), bytes(size, reader));
  const going = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    title.current?.focus();
    return () => going.current?.abort();
  }, []);

  const make = async (): Promise<void> => {
    const stop = new AbortController();
    try {
      const handle = await chooseFile(`${fileNameAt(camera, fromMs)}.mp4`, say.clip.kind);
      if (handle === 'left') return;
      going.current = stop;
      setPhase({ kind: 'making', wallMs: fromMs, stop });
      const footage = await loadFootage();
      const clip = await footage.clip({ camera, fromMs: Math.round(fromMs), toMs: Math.round(toMs), name: `${fileNameAt(camera, fromMs)}.mp4` }, handle, (wallMs) => setPhase({ kind: 'making', wallMs, stop }), stop.signal);
      setPhase({ kind: 'made', clip });
    } catch (error) {
      if (stop.signal.aborted) toast(say.clip.cancelled);
      setPhase({ kind: 'choosing', ...(stop.signal.aborted ? {} : { error }) });
    }
  };

  return <section class="card clip" aria-labelledby="clip-title">
    <div class="card-head"><h2 id="clip-title" ref={title} tabIndex={-1}>{say.clip.title(name)}</h2><IconButton name="close" kind="quiet" label={say.common.close} onClick={onClose} /></div>
    {phase.kind === 'made' ? <Made clip={phase.clip} onAnother={() => setPhase({ kind: 'choosing' })} /> : <>
      <div class="clip-times">
        <TimeField label={say.clip.from} ms={fromMs} dayStartMs={dayStartMs} disabled={phase.kind === 'making'} onMs={(ms) => onRange({ fromMs: ms, toMs })} here={say.clip.fromHere} headMs={headMs} />
        <TimeField label={say.clip.to} ms={toMs} dayStartMs={dayStartMs} disabled={phase.kind === 'making'} onMs={(ms) => onRange({ fromMs, toMs: ms })} here={say.clip.toHere} headMs={headMs} />
      </div>
      {wrong === undefined ? <p aria-live="polite">{say.clip.about(say.span(toMs - fromMs), bytes(size, reader), gaps)}</p> : <p class="danger" role="alert">{wrong}</p>}
      {phase.kind === 'making' ? <Making fromMs={fromMs} toMs={toMs} wallMs={phase.wallMs} onCancel={() => phase.stop.abort()} /> : <>
        <p class="small muted">{say.clip.lead}{canStream() ? '' : ` ${say.clip.toMemory(bytes(memoryBytesMax, reader))}`}</p>
        {phase.error === undefined ? null : <Problem error={inWords(phase.error, bytes(memoryBytesMax, reader))} />}
        <div class="buttons"><Button kind="main" icon="save" disabled={wrong !== undefined} onClick={() => void make()}>{say.clip.make}</Button></div>
      </>}
    </>}
  </section>;
}

function wrongOf({ fromMs, toMs }: Run, size: number, most: string, about: string): string | undefined {
  if (toMs <= fromMs) return say.clip.wrongOrder;
  if (size === 0) return say.clip.wrongNothing;
  return !canStream() && size > memoryBytesMax ? say.clip.tooLarge(about, most) : undefined;
}

/** The person's own disk is not the hub's: what is wrong with it is said in words of its own. */
function inWords(error: unknown, most: string): unknown {
  const { code, evidence } = error as { code?: unknown; evidence?: { reason?: unknown } };
  if (code !== 'SP_WRITE') return error;
  if (evidence?.reason === 'the disk is full') return new Error(say.clip.noRoom);
  return evidence?.reason === 'it is more than this browser can hold' ? new Error(say.clip.tooMuch(most)) : error;
}

/** A clock time of the day, to the second; the playhead's on demand. */
function TimeField({ label, ms, dayStartMs, disabled, onMs, here, headMs }: { readonly label: string; readonly ms: number; readonly dayStartMs: number; readonly disabled: boolean; readonly onMs: (ms: number) => void; readonly here: string; readonly headMs: number }) {
  const { reader } = useHeld();
  const id = useId();
  const [odd, setOdd] = useState(false);
  return <div class="field">
    <label for={id}>{label}</label>
    <div class="with-button">
      <input
        id={id} class="input" type="time" step="1" value={clockSeconds(ms, { ...reader, language: 'en-GB' })} disabled={disabled} aria-invalid={odd ? 'true' : undefined} aria-describedby={odd ? `${id}-wrong` : undefined}
        onChange={(event) => {
          const at = atClock(event.currentTarget.value, dayStartMs, reader);
          setOdd(at === undefined);
          if (at !== undefined) onMs(at);
        }}
      />
      <IconButton name="playhead" label={here} disabled={disabled} onClick={() => { setOdd(false); onMs(Math.round(headMs)); }} />
    </div>
    {odd ? <span class="wrong" id={`${id}-wrong`} role="alert">{say.clip.wrongTime}</span> : null}
  </div>;
}

function Making({ fromMs, toMs, wallMs, onCancel }: { readonly fromMs: number; readonly toMs: number; readonly wallMs: number; readonly onCancel: () => void }) {
  const { reader } = useHeld();
  const share = Math.max(0, Math.min(1, (wallMs - fromMs) / (toMs - fromMs)));
  return <div class="stack">
    <progress class="progress" aria-label={say.clip.making} max={1} value={share} />
    <div class="timeline-bar"><p class="small muted">{say.clip.madeUpTo(clockSeconds(Math.max(fromMs, wallMs), reader))}</p><Button onClick={onCancel}>{say.common.cancel}</Button></div>
  </div>;
}

function Made({ clip, onAnother }: { readonly clip: MadeClip; readonly onAnother: () => void }) {
  const { reader } = useHeld();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const films = clip.files.filter(({ name }) => !/\.manifest\.json(\.sig)?$/.test(name)).length;
  const toSave = clip.files.flatMap(({ name, blob }) => (blob === undefined ? [] : [{ name, blob }]));
  const left = [...clip.gaps.map((gap) => say.clip.leftGap(clockSeconds(gap.fromMs, reader), clockSeconds(gap.toMs, reader), say.gap[gap.reason] ?? gap.reason)), ...clip.problems.map((problem) => hubWords(problem))];
  return <div class="stack" role="group" aria-labelledby="clip-made">
    <h3 id="clip-made" ref={title} tabIndex={-1}>{say.clip.ready}</h3>
    <p>{say.clip.readyFrom(clockSeconds(clip.firstWallMs, reader), clockSeconds(clip.lastWallMs, reader))}{films > 1 ? ` ${say.clip.several}` : ''}</p>
    <ul class="rows" aria-label={say.clip.files}>{clip.files.map(({ name, size, blob }) => <li key={name}>
      <span class="grow"><b>{name}</b> <span class="muted nowrap">{bytes(size, reader)}</span></span>
      {blob === undefined ? <span class="ok small">{say.clip.written}</span> : <IconButton name="save" label={say.clip.saveFile(name)} onClick={() => saveFile(blob, name)} />}
    </li>)}</ul>
    {left.length === 0 ? null : <div class="note care"><b>{say.clip.left}</b><ul>{left.map((words) => <li key={words}>{words}</li>)}</ul></div>}
    <p class="small muted">{say.clip.proof}</p>
    <div class="buttons"><Button kind="main" icon="save" onClick={() => { for (const { name, blob } of toSave) saveFile(blob, name); }}>{say.clip.saveAll}</Button><Button kind="quiet" onClick={onAnother}>{say.clip.another}</Button></div>
  </div>;
}
