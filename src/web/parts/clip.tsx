/** A clip of the chosen camera: from when to when, made and signed on this device, and given to the person as files. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { canStream, chooseFile, memoryBytesMax } from '../filechoice.ts';
import { bytes, clockSeconds } from '../format.ts';
import { useHeld } from '../held.tsx';
import { loadFootage } from '../load.ts';
import type { MadeClip } from '../seams.ts';
import { fileNameAt, saveFile } from '../snapshot.ts';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { sizeOf, type Run } from '../timelineview.ts';
import { Button, IconButton } from './controls.tsx';
import { RangeFields } from './rangefields.tsx';
import { RangePanel, useFixed, type RangePanelProps } from './rangepanel.tsx';
import { Problem } from './states.tsx';
import { toast } from './toast.tsx';
import { Prose } from './prose.tsx';

type Phase = { readonly kind: 'choosing'; readonly error?: unknown } | { readonly kind: 'making'; readonly wallMs: number; readonly stop: AbortController } | { readonly kind: 'made'; readonly clip: MadeClip };

export function ClipPanel({ camera, name, rows, view, dayStartMs, headMs, range, onRange, onFixed, onClose }: RangePanelProps) {
  const { reader } = useHeld();
  const [phase, setPhase] = useState<Phase>({ kind: 'choosing' });
  useFixed(phase.kind !== 'choosing', onFixed);
  const { fromMs, toMs } = range;
  const gaps = view.gaps.filter((gap) => gap.fromMs < toMs && gap.toMs > fromMs).length;
  const size = sizeOf(rows, range);
  const wrong = wrongOf(range, size, bytes(memoryBytesMax, reader), bytes(size, reader));
  const going = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => going.current?.abort(), []);

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

  return <RangePanel title={say.clip.title(name)} onClose={onClose}>
    {phase.kind === 'made' ? <Made clip={phase.clip} onAnother={() => setPhase({ kind: 'choosing' })} /> : <>
      <RangeFields range={range} dayStartMs={dayStartMs} headMs={headMs} disabled={phase.kind === 'making'} onRange={onRange} />
      {wrong === undefined ? <p aria-live="polite">{say.clip.about(say.span(toMs - fromMs), bytes(size, reader), gaps)}</p> : <p class="danger" role="alert">{wrong}</p>}
      {phase.kind === 'making' ? <Making fromMs={fromMs} toMs={toMs} wallMs={phase.wallMs} onCancel={() => phase.stop.abort()} /> : <>
        <p class="small muted">{say.clip.lead}{canStream() ? '' : ` ${say.clip.toMemory(bytes(memoryBytesMax, reader))}`}</p>
        {phase.error === undefined ? null : <Problem error={inWords(phase.error, bytes(memoryBytesMax, reader))} />}
        <div class="buttons"><Button kind="main" icon="save" disabled={wrong !== undefined} onClick={() => void make()}>{say.clip.make}</Button></div>
      </>}
    </>}
  </RangePanel>;
}

function wrongOf({ fromMs, toMs }: Run, size: number, most: string, about: string): string | undefined {
  if (toMs <= fromMs) return say.range.wrongOrder;
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
    <p class="small muted"><Prose>{say.clip.proof}</Prose></p>
    <div class="buttons"><Button kind="main" icon="save" onClick={() => { for (const { name, blob } of toSave) saveFile(blob, name); }}>{say.clip.saveAll}</Button><Button kind="quiet" onClick={onAnother}>{say.clip.another}</Button></div>
  </div>;
}
