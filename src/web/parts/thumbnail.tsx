/** A segment's small picture, opened in this browser. Decoration: what it shows is said elsewhere in words. */
import { useEffect, useState } from 'preact/hooks';
import type { Timeline as Rows } from '../../api/pagecontract.ts';
import { loadFootage } from '../load.ts';
import { Looker } from '../looking.ts';
import type { SegmentRow } from '../timelineview.ts';

interface Want { readonly camera: string; readonly segment: SegmentRow; readonly periods: Rows['periods'] }

const looker = new Looker<Want>({
  keyOf: ({ camera, segment }) => `${camera} ${segment.seq} ${segment.startMs}`,
  load: async ({ camera, segment, periods }, signal) => (await loadFootage()).thumbnail(camera, segment, periods, signal),
  show: (jpeg) => URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' })),
  forget: (address) => URL.revokeObjectURL(address),
});

/** Once the key is locked, nothing that it opened is kept. */
export function forgetThumbnails(): void {
  looker.clear();
}

/** Fast passing over asks for nothing. */
const restMs = 40;

/** `kept`: the picture before stays, dimmed, until the next one is there. */
export function Thumbnail({ camera, segment, periods, kept = false }: { readonly camera: string; readonly segment: SegmentRow | undefined; readonly periods: Rows['periods']; readonly kept?: boolean }) {
  const key = segment === undefined ? undefined : `${camera} ${segment.seq}`;
  const [shown, setShown] = useState<{ readonly key: string; readonly address: string }>();
  useEffect(() => {
    if (segment === undefined || key === undefined) return undefined;
    const want = { camera, segment, periods };
    const known = looker.known(want);
    if (known !== undefined) {
      setShown({ key, address: known });
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      void looker.look(want, stop.signal).then((address) => { if (address !== undefined && !stop.signal.aborted) setShown({ key, address }); });
    }, restMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key]);
  const address = shown !== undefined && key !== undefined && (kept || shown.key === key) ? shown.address : undefined;
  return <span class="thumb">{address === undefined ? null : <img src={address} alt="" class={shown?.key === key ? '' : 'before'} />}</span>;
}
