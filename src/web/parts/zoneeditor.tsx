/**
 * Draws a zone on a camera's picture: corners are buttons that are dragged by pointer or finger, or moved by arrow keys; Enter puts another
 * one behind, Delete takes one away; a click on the picture puts one where the outline is nearest. What was done is said to a screen reader.
 */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { cornerAdded, cornerAfter, cornerMoved, cornerRemoved, type Corner } from '../zonedraft.ts';
import { say } from '../strings.ts';

interface EditorProps {
  /** Where its picture is had. */
  readonly picture: string;
  readonly name: string;
  readonly mask: boolean;
  readonly corners: readonly Corner[];
  readonly others: readonly { readonly name: string; readonly mask: boolean; readonly corners: readonly Corner[] }[];
  readonly onCorners: (corners: readonly Corner[]) => void;
}

/** Of the picture's width or height; with Shift five times as far. */
const step = 0.01;

export function ZoneEditor({ picture, name, mask, corners, others, onCorners }: EditorProps) {
  const stage = useRef<HTMLDivElement>(null);
  const dragged = useRef<number | undefined>(undefined);
  const focus = useRef<number | undefined>(undefined);
  // Keys may come faster than it is drawn.
  const latest = useRef(corners);
  latest.current = corners;
  const [said, setSaid] = useState('');
  const [missing, setMissing] = useState(false);
  useLayoutEffect(() => {
    // Before the next key. A corner that came, or the one beside a corner that went.
    if (focus.current === undefined) return;
    stage.current?.querySelectorAll<HTMLElement>('.corner')[focus.current]?.focus();
    focus.current = undefined;
  }, [corners]);
  const placeOf = (event: PointerEvent): Corner => {
    const box = stage.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0 || box.height === 0) return [0, 0];
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const tell = (index: number, [x, y]: Corner, of: number): void => setSaid(say.zones.corner(index + 1, of, Math.round(x * 100), Math.round(y * 100)));
  const take = (next: { readonly corners: readonly Corner[]; readonly index: number } | undefined, words?: string): void => {
    if (next === undefined) return setSaid(words ?? '');
    latest.current = next.corners;
    onCorners(next.corners);
    focus.current = next.index;
    const at = next.corners[next.index];
    if (at !== undefined) tell(next.index, at, next.corners.length);
  };
  const onKeyDown = (event: KeyboardEvent, index: number): void => {
    const far = event.shiftKey ? 5 * step : step;
    const by = ({ ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] } as Readonly<Record<string, Corner>>)[event.key];
    const now = latest.current;
    const [x, y] = now[index] ?? [0, 0];
    if (by !== undefined) take({ corners: cornerMoved(now, index, [x + by[0], y + by[1]]), index });
    else if (event.key === 'Enter' || event.key === ' ') take(cornerAfter(now, index), say.zones.most);
    else if (event.key === 'Delete' || event.key === 'Backspace') take(cornerRemoved(now, index), say.zones.least);
    else return;
    event.preventDefault();
  };
  const polygon = (of: readonly Corner[]): string => of.map(([x, y]) => `${x * 100},${y * 100}`).join(' ');
  return <div class="zone-editor">
    <p class="hint" id="zone-help">{say.zones.help}</p>
    <div
      class="zone-stage" ref={stage} role="group" aria-label={say.zones.outline(name)} aria-describedby="zone-help"
      onPointerDown={(event) => {
        if (event.button !== 0) return undefined;
        const corner = event.target instanceof Element ? event.target.closest('.corner') : null;
        if (corner === null) return take(cornerAdded(corners, placeOf(event)), say.zones.most);
        dragged.current = Number((corner as HTMLElement).dataset['index']);
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => { if (dragged.current !== undefined) onCorners(cornerMoved(corners, dragged.current, placeOf(event))); }}
      onPointerUp={() => {
        const index = dragged.current;
        dragged.current = undefined;
        const at = index === undefined ? undefined : corners[index];
        if (index !== undefined && at !== undefined) { tell(index, at, corners.length); stage.current?.querySelectorAll<HTMLElement>('.corner')[index]?.focus(); }
      }}
      onPointerCancel={() => { dragged.current = undefined; }}
    >
      {missing ? <p class="zone-missing">{say.zones.noPicture}</p> : <img src={picture} alt="" draggable={false} onError={() => setMissing(true)} />}
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        {others.map((other) => <polygon key={`${other.name}`} class={`zone-other${other.mask ? ' mask' : ''}`} points={polygon(other.corners)} />)}
        <polygon class={`zone-shape${mask ? ' mask' : ''}`} points={polygon(corners)} />
      </svg>
      {corners.map(([x, y], index) => <button
        type="button" class="corner" key={index} data-index={index} style={{ left: `${x * 100}%`, top: `${y * 100}%` }} aria-label={say.zones.corner(index + 1, corners.length, Math.round(x * 100), Math.round(y * 100))}
        onKeyDown={(event) => onKeyDown(event, index)}
      ><span /></button>)}
    </div>
    <p class="unseen" role="status">{said}</p>
  </div>;
}
