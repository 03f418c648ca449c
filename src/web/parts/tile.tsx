/** One live picture and how it is: the grid's tiles and the large one are the same, in another size. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PageCamera } from '../../api/pagecontract.ts';
import { socketAddress } from '../api.ts';
import { canPlay } from '../cannot.ts';
import { loadPanels, loadPlayers } from '../load.ts';
import type { Live, LiveListener, LiveState } from '../seams.ts';
import { Link } from '../navigation.tsx';
import type { Picture as Shown } from '../snapshot.ts';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Button } from './controls.tsx';
import { Icon } from './icons.tsx';
import { Prose } from './prose.tsx';

interface Seen { readonly state: LiveState; readonly words: string; readonly latencyMs: number | undefined; readonly behind: boolean }

interface PictureProps {
  readonly camera: PageCamera;
  readonly stream: 'main' | 'sub';
  readonly sound?: boolean;
  /** Its name leads to the large picture, and so does the whole tile. */
  readonly linked?: boolean;
  /** Gives the element to whoever takes snapshots of it. */
  readonly onPicture?: (picture: Shown | null) => void;
  readonly onSound?: (available: boolean) => void;
}

/** What somebody chose instead, where the browser cannot play what was asked for. */
type Instead = 'main' | 'sub' | 'panel';

export function Picture({ camera, stream: asked, sound = false, linked = false, onPicture, onSound }: PictureProps) {
  const picture = useRef<Shown>(null);
  const live = useRef<Live | undefined>(undefined);
  const [seen, setSeen] = useState<Seen>({ state: 'connecting', words: '', latencyMs: undefined, behind: false });
  const [instead, setInstead] = useState<Instead>();
  const stream = instead === 'main' || instead === 'sub' ? instead : asked;
  const panel = camera.panel && (!canPlay() || instead === 'panel');
  const off = camera.privacy || !(canPlay() || panel);
  const visible = useVisible(picture, panel);

  useEffect(() => setInstead(undefined), [asked]);
  useEffect(() => {
    const element = picture.current;
    if (off || element === null || !visible) return undefined;
    let gone = false;
    onPicture?.(element);
    const change = (part: Partial<Seen>): void => { if (!gone) setSeen((before) => ({ ...before, ...part })); };
    change({ state: 'connecting', words: '' });
    const listener: LiveListener = {
      onState: (state, words) => change({ state, words }),
      onLatency: (latencyMs) => change({ latencyMs }),
      onBehind: (behind) => change({ behind }),
      onSound: (available) => { if (!gone) onSound?.(available); },
    };
    void begin(element, camera.camera, stream, listener).then((player) => {
      if (gone) return player.close();
      live.current = player;
      player.sound(sound);
    }, (error: unknown) => change({ state: 'lost', words: error instanceof Error ? error.message : '' }));
    return () => {
      gone = true;
      live.current?.close();
      live.current = undefined;
      onPicture?.(null);
    };
  }, [camera.camera, stream, panel, off, visible]);
  useEffect(() => live.current?.sound(sound), [sound]);

  return <>
    {panel
      ? <canvas key="canvas" ref={picture as { current: HTMLCanvasElement | null }} role="img" aria-label={say.live.picture(camera.name)} />
      : <video key="video" ref={picture as { current: HTMLVideoElement | null }} playsInline muted={!sound} autoPlay aria-label={say.live.picture(camera.name)} />}
    <Cover camera={camera} seen={seen} stream={stream} small={linked} onInstead={setInstead} />
    <div class="tile-foot">{linked ? <Link class="tile-link" to={{ page: 'live', camera: camera.camera }}>{camera.name}</Link> : <span>{camera.name}</span>}<Lag seen={seen} off={off} /></div>
  </>;
}

async function begin(element: Shown, camera: string, stream: 'main' | 'sub', listener: LiveListener): Promise<Live> {
  if (element instanceof HTMLVideoElement) return (await loadPlayers()).live(element, socketAddress('live', { camera, stream }), listener);
  return (await loadPanels())(element, socketAddress('panel', { camera, stream }), listener);
}

interface CoverProps {
  readonly camera: PageCamera;
  readonly seen: Seen;
  readonly stream: 'main' | 'sub';
  readonly small: boolean;
  readonly onInstead: (instead: Instead) => void;
}

/** What stands where there is no picture: always in words. */
function Cover({ camera, seen, stream, small, onInstead }: CoverProps) {
  if (camera.privacy) return <div class="tile-state"><Icon name="hidden" /><span>{say.live.privacy}</span></div>;
  if (!canPlay() && !camera.panel) return <div class="tile-state"><Icon name="warning" /><span>{say.cannot.media2}</span>{small ? null : <span><Prose>{say.panel.canBe}</Prose></span>}</div>;
  if (seen.state === 'playing') return null;
  if (seen.state === 'unsupported') return <Unplayable camera={camera} codec={codecName(seen.words)} stream={stream} small={small} onInstead={onInstead} />;
  if (seen.state === 'lost' || seen.state === 'over') {
    const words = seen.words !== '' ? hubWords(seen.words) : camera.online ? say.live.retrying : hubWords(camera.state);
    return <div class="tile-state"><Icon name="offline" /><b>{camera.online ? say.live.lost : say.live.offline}</b><span>{words}</span></div>;
  }
  return <div class="tile-state"><span class="spinner" aria-hidden="true" /><span>{seen.state === 'waiting' ? say.live.waiting : say.live.connecting}</span></div>;
}

/** The browser lacks the codec: what would be seen all the same, and what would change it for good. */
function Unplayable({ camera, codec, stream, small, onInstead }: Omit<CoverProps, 'seen'> & { readonly codec: string }) {
  const other = camera.streams.find((one) => one.stream !== stream && codecName(one.codec) === 'H.264')?.stream;
  return <div class="tile-state">
    {small ? null : <Icon name="warning" />}<b>{say.live.cannotCodec(codec)}</b>
    <div class="buttons">
      {other === undefined ? null : <Button onClick={() => onInstead(other)}>{other === 'sub' ? say.live.trySub : say.live.tryMain}</Button>}
      {camera.panel ? <Button onClick={() => onInstead('panel')}>{say.live.tryPanel}</Button> : null}
    </div>
    {small ? null : <span><Prose>{camera.rights.includes('configure') ? say.live.setCodec(camera.camera) : say.live.askCodec}</Prose></span>}
  </div>;
}

function Lag({ seen, off }: { readonly seen: Seen; readonly off: boolean }) {
  if (off || seen.state !== 'playing') return null;
  if (seen.behind) return <small class="live-dot behind">{say.live.behind}</small>;
  return <small class="live-dot">{seen.latencyMs === undefined ? say.nav.live : say.live.latency(roundedMs(seen.latencyMs))}</small>;
}

/** As people call it. */
function codecName(codec: string): string {
  return /^(hvc1|hev1|hevc|h265)/i.test(codec) ? 'H.265' : /^(avc1|avc3|h264)/i.test(codec) ? 'H.264' : codec;
}

/** Not nervous: to ten of them. */
function roundedMs(ms: number): number {
  return Math.max(10, Math.round(ms / 10) * 10);
}

/** Pictures that nobody sees are not asked for: scrolled away, or in a hidden window. `which`: another element stands there when it changes. */
function useVisible(element: { readonly current: Element | null }, which: unknown): boolean {
  const [inView, setInView] = useState(true);
  const [shown, setShown] = useState(!document.hidden);
  useEffect(() => {
    const watcher = new IntersectionObserver((entries) => setInView(entries.at(-1)?.isIntersecting ?? true), { rootMargin: '200px' });
    if (element.current !== null) watcher.observe(element.current);
    return () => watcher.disconnect();
  }, [which]);
  useEffect(() => {
    const look = (): void => setShown(!document.hidden);
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  return inView && shown;
}
