/** Pictures of what is shown of the chosen camera's day, each above its time. Decoration: the strips and the list say and do the same. */
import { useMemo } from 'preact/hooks';
import type { Timeline as Rows } from '../../api/pagecontract.ts';
import { clock, clockSeconds, type Reader } from '../format.ts';
import { filmOf } from '../timelineview.ts';
import { useWidth } from './strip.tsx';
import { Thumbnail } from './thumbnail.tsx';

const placePx = 116;
const placesMax = 24;

export function Filmstrip({ camera, rows, fromMs, toMs, reader, onPlay }: { readonly camera: string; readonly rows: Rows; readonly fromMs: number; readonly toMs: number; readonly reader: Reader; readonly onPlay: (ms: number) => void }) {
  const [element, , width] = useWidth();
  const places = Math.min(placesMax, Math.max(1, Math.floor(width / placePx)));
  const film = useMemo(() => (width === 0 ? [] : filmOf(rows, { fromMs, toMs }, places)), [rows, fromMs, toMs, places, width === 0]);
  const fine = toMs - fromMs <= 3_600_000;
  return <div class="filmstrip" ref={element} aria-hidden="true">{film.map((segment, place) => <div
    key={`${camera} ${place}`} class={`film-place${segment === undefined ? '' : ' there'}`} onClick={() => { if (segment !== undefined) onPlay(segment.startMs); }}
  >
    <Thumbnail camera={camera} segment={segment} periods={rows.periods} />
    {segment === undefined ? null : <span class="film-clock">{fine ? clockSeconds(segment.startMs, reader) : clock(segment.startMs, reader)}</span>}
  </div>)}</div>;
}
