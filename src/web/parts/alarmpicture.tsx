/** An alarm's picture, fetched sealed and opened in this browser by the key of its day. */
import { useEffect, useState } from 'preact/hooks';
import type { PageAlarm } from '../../api/pagecontract.ts';
import { loadFootage } from '../load.ts';
import { Looker } from '../looking.ts';
import { say } from '../strings.ts';
import { Icon } from './icons.tsx';
import { Loading, Problem } from './states.tsx';

export type Shown = 'full' | 'crop' | 'thumb';
interface Want { readonly alarm: PageAlarm; readonly picture: Shown }

function open({ alarm: { camera, id, slot, generation }, picture }: Want, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  return loadFootage().then((footage) => footage.alarmPicture({ camera, alarm: id, picture, slot, generation }, signal));
}

const addressOf = (jpeg: Uint8Array<ArrayBuffer>): string => URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' }));

const looker = new Looker<Want>({ keyOf: ({ alarm, picture }) => `${alarm.id} ${picture}`, load: open, show: addressOf, forget: (address) => URL.revokeObjectURL(address) });

/** Once the key is locked, nothing that it opened is kept. */
export function forgetAlarmPictures(): void {
  looker.clear();
}

/** The small one, for a list. Decoration: what it shows stands beside it in words. */
export function AlarmThumbnail({ alarm, opens }: { readonly alarm: PageAlarm; readonly opens: boolean }) {
  const [address, setAddress] = useState<string>();
  const there = alarm.pictures.includes('thumb');
  useEffect(() => {
    setAddress(undefined);
    if (!opens || !there) return undefined;
    const stop = new AbortController();
    void looker.look({ alarm, picture: 'thumb' }, stop.signal).then((shown) => { if (!stop.signal.aborted) setAddress(shown); });
    return () => stop.abort();
  }, [alarm.id, opens, there]);
  return <span class="thumb" aria-hidden="true">{address === undefined ? <span class="alarm-none"><Icon name={opens ? 'camera' : 'key'} />{there ? (opens ? '' : say.review.sealed) : say.review.noPicture}</span> : <img src={address} alt="" />}</span>;
}

/** A large one. What keeps it from opening is said. */
export function AlarmPicture({ alarm, picture, alt }: { readonly alarm: PageAlarm; readonly picture: Shown; readonly alt: string }) {
  const [state, setState] = useState<{ readonly address?: string; readonly error?: unknown }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let address: string | undefined;
    setState({});
    open({ alarm, picture }, stop.signal).then((jpeg) => {
      if (stop.signal.aborted) return;
      address = addressOf(jpeg);
      setState({ address });
    }, (error: unknown) => { if (!stop.signal.aborted) setState({ error }); });
    return () => {
      stop.abort();
      if (address !== undefined) URL.revokeObjectURL(address);
    };
  }, [alarm.id, picture, turn]);
  if (state.error !== undefined) return <Problem error={state.error} onAgain={() => setTurn(turn + 1)} />;
  return <div class="alarm-large">{state.address === undefined ? <Loading words={say.review.opening} /> : <img src={state.address} alt={alt} />}</div>;
}
