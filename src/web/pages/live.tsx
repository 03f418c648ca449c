/** Live: all cameras small, or one large with what it can do. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PageCamera } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { has, useHeld } from '../held.tsx';
import { hubNow } from '../hubtime.ts';
import { Heading, Link } from '../navigation.tsx';
import { fileNameAt, snapshot, type Picture as Shown } from '../snapshot.ts';
import { say } from '../strings.ts';
import { Button, Choices, IconButton } from '../parts/controls.tsx';
import { useLoaded } from '../parts/loaded.ts';
import { MovePad } from '../parts/movepad.tsx';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { TalkButton } from '../parts/talkbutton.tsx';
import { Picture } from '../parts/tile.tsx';
import { toast } from '../parts/toast.tsx';

const lookAgainMs = 10_000;

export function Live({ camera }: { readonly camera: string | undefined }) {
  const { value, error, again } = useLoaded((signal) => ask('cameras', { signal }), [], lookAgainMs);
  if (value === undefined) return <><div class="page-head"><Heading>{say.live.title}</Heading></div>{error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />}</>;
  const seen = value.cameras.filter(({ rights }) => rights.includes('live'));
  const chosen = camera === undefined ? undefined : seen.find((one) => one.camera === camera);
  return <>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {chosen === undefined ? <Grid cameras={seen} /> : <Large key={chosen.camera} camera={chosen} />}
  </>;
}

function Grid({ cameras }: { readonly cameras: readonly PageCamera[] }) {
  const held = useHeld();
  if (cameras.length === 0) {
    return <><div class="page-head"><Heading>{say.live.title}</Heading></div><Empty icon="camera" title={say.live.none}>
      <p>{has(held, 'configure') ? say.live.noneOwner : say.live.noneOther}</p>
      {has(held, 'configure') ? <Link to={{ page: 'settings', section: 'cameras' }} class="button main">{say.live.addCamera}</Link> : null}
    </Empty></>;
  }
  return <>
    <div class="page-head"><Heading>{say.live.title}</Heading>{cameras.some(({ panel }) => panel) ? <Link to={{ page: 'panel' }} class="button quiet">{say.panel.open}</Link> : null}</div>
    <ul class={`grid ${['', 'one', 'few two', 'few', 'few'][cameras.length] ?? ''}`}>
      {cameras.map((camera) => <li key={camera.camera}>
        <div class="tile"><Picture camera={camera} stream={smallOf(camera)} linked /></div>
      </li>)}
    </ul>
  </>;
}

export function smallOf(camera: PageCamera): 'main' | 'sub' {
  return camera.streams.some(({ stream }) => stream === 'sub') ? 'sub' : 'main';
}

function Large({ camera }: { readonly camera: PageCamera }) {
  const stage = useRef<HTMLDivElement>(null);
  const shown = useRef<Shown | null>(null);
  const [sound, setSound] = useState(false);
  const [soundThere, setSoundThere] = useState(camera.audio);
  const [stream, setStream] = useState<'main' | 'sub'>('main');
  const full = useFullScreen(stage);
  const takeSnapshot = (): void => {
    void snapshot(shown.current, fileNameAt(camera.camera, hubNow())).then((done) => toast(done ? say.live.snapshotSaved : say.live.noPictureYet));
  };
  const may = (right: string): boolean => camera.rights.includes(right);
  return <>
    <div class="page-head"><Heading>{camera.name}</Heading><Link to={{ page: 'live' }} class="button quiet">{say.live.all}</Link></div>
    <div class="stage" ref={stage}>
      <div class="tile"><Picture camera={camera} stream={stream} sound={sound} onPicture={(element) => { shown.current = element; }} onSound={setSoundThere} /></div>
      <div class="stage-bar">
        {camera.talk && may('talk') && !camera.privacy ? <TalkButton camera={camera.camera} /> : null}
        {soundThere && may('listen') ? <Button icon={sound ? 'sound' : 'silent'} pressed={sound} onClick={() => setSound(!sound)}>{sound ? say.live.soundOff : say.live.soundOn}</Button> : null}
        <Button icon="camera" onClick={takeSnapshot}>{say.live.snapshot}</Button>
        {may('replay') ? <Link to={{ page: 'timeline', camera: camera.camera }} class="button plain">{say.live.replay}</Link> : null}
        {camera.streams.length > 1 ? <Choices label={say.live.stream} value={stream} onChoose={setStream} options={[{ value: 'main', label: say.live.main }, { value: 'sub', label: say.live.sub }]} /> : null}
        <span class="push"><IconButton name="full" label={full.is ? say.live.leaveFull : say.live.full} onClick={full.toggle} /></span>
      </div>
      {camera.ptz && may('live') && !camera.privacy ? <MovePad camera={camera.camera} /> : null}
    </div>
  </>;
}

function useFullScreen(element: { readonly current: HTMLElement | null }): { readonly is: boolean; readonly toggle: () => void } {
  const [is, setIs] = useState(false);
  useEffect(() => {
    const look = (): void => setIs(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', look);
    return () => document.removeEventListener('fullscreenchange', look);
  }, []);
  const toggle = (): void => { void (document.fullscreenElement === null ? element.current?.requestFullscreen() : document.exitFullscreen())?.catch(() => {}); };
  return { is, toggle };
}
