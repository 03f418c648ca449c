/** One live picture and how it is: the grid's tiles and the large one are the same, in another size. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PageCamera } from '../../api/pagecontract.ts';
import { socketAddress } from '../api.ts';
import { canPlay } from '../cannot.ts';
import { loadPlayers } from '../load.ts';
import type { Live, LiveState } from '../seams.ts';
import { Link } from '../navigation.tsx';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Icon } from './icons.tsx';

interface Seen { readonly state: LiveState; readonly words: string; readonly latencyMs: number | undefined; readonly behind: boolean }

interface PictureProps {
  readonly camera: PageCamera;
  readonly stream: 'main' | 'sub';
  readonly sound?: boolean;
  /** Its name leads to the large picture, and so does the whole tile. */
  readonly linked?: boolean;
  /** Gives the element to whoever takes snapshots of it. */
  readonly onVideo?: (video: HTMLVideoElement | null) => void;
  readonly onSound?: (available: boolean) => void;
}

export function Picture({ camera, stream, sound = false, linked = false, onVideo, onSound }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);
  const live = useRef<Live | undefined>(undefined);
  const [seen, setSeen] = useState<Seen>({ state: 'connecting', words: '', latencyMs: undefined, behind: false });
  const off = camera.privacy || !canPlay();
  const visible = useVisible(video);

  useEffect(() => {
    const element = video.current;
    if (off || element === null || !visible) return undefined;
    let gone = false;
    onVideo?.(element);
    const change = (part: Partial<Seen>): void => { if (!gone) setSeen((before) => ({ ...before, ...part })); };
    change({ state: 'connecting', words: '' });
    void loadPlayers().then((players) => {
      if (gone) return;
      live.current = players.live(element, socketAddress('live', { camera: camera.camera, stream }), {
        onState: (state, words) => change({ state, words }),
        onLatency: (latencyMs) => change({ latencyMs }),
        onBehind: (behind) => change({ behind }),
        onSound: (available) => { if (!gone) onSound?.(available); },
      });
      live.current.sound(sound);
    }, (error: unknown) => change({ state: 'lost', words: error instanceof Error ? error.message : '' }));
    return () => {
      gone = true;
      live.current?.close();
      live.current = undefined;
      onVideo?.(null);
    };
  }, [camera.camera, stream, off, visible]);
  useEffect(() => live.current?.sound(sound), [sound]);

  return <>
    <video ref={video} playsInline muted={!sound} autoPlay aria-label={say.live.picture(camera.name)} />
    <Cover camera={camera} seen={seen} />
    <div class="tile-foot">{linked ? <Link class="tile-link" to={{ page: 'live', camera: camera.camera }}>{camera.name}</Link> : <span>{camera.name}</span>}<Lag seen={seen} off={off} /></div>
  </>;
}

/** What stands where there is no picture: always in words. */
function Cover({ camera, seen }: { readonly camera: PageCamera; readonly seen: Seen }) {
  if (camera.privacy) return <div class="tile-state"><Icon name="hidden" /><span>{say.live.privacy}</span></div>;
  if (!canPlay()) return <div class="tile-state"><Icon name="warning" /><span>{say.cannot.media2}</span></div>;
  if (seen.state === 'playing') return null;
  if (seen.state === 'unsupported') return <div class="tile-state"><Icon name="warning" /><span>{say.live.cannotCodec(codecName(seen.words))}</span></div>;
  if (seen.state === 'lost' || seen.state === 'over') {
    const words = seen.words !== '' ? hubWords(seen.words) : camera.online ? say.live.retrying : hubWords(camera.state);
    return <div class="tile-state"><Icon name="offline" /><b>{camera.online ? say.live.lost : say.live.offline}</b><span>{words}</span></div>;
  }
  return <div class="tile-state"><span class="spinner" aria-hidden="true" /><span>{seen.state === 'waiting' ? say.live.waiting : say.live.connecting}</span></div>;
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

/** Pictures that nobody sees are not asked for: scrolled away, or in a hidden window. */
function useVisible(element: { readonly current: Element | null }): boolean {
  const [inView, setInView] = useState(true);
  const [shown, setShown] = useState(!document.hidden);
  useEffect(() => {
    const watcher = new IntersectionObserver((entries) => setInView(entries.at(-1)?.isIntersecting ?? true), { rootMargin: '200px' });
    if (element.current !== null) watcher.observe(element.current);
    const look = (): void => setShown(!document.hidden);
    document.addEventListener('visibilitychange', look);
    return () => {
      watcher.disconnect();
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return inView && shown;
}
