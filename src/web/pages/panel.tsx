/** All cameras and nothing else, for a screen on the wall. Where its browser cannot play what cameras send, the pictures are the hub's simpler ones. */
import { ask } from '../api.ts';
import { Heading, Link } from '../navigation.tsx';
import { say } from '../strings.ts';
import { useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { Picture } from '../parts/tile.tsx';
import { smallOf } from './live.tsx';

const lookAgainMs = 10_000;

export function Panel() {
  const { value, error, again } = useLoaded((signal) => ask('cameras', { signal }), [], lookAgainMs);
  if (value === undefined) return <main class="wall"><div class="unseen"><Heading>{say.panel.title}</Heading></div>{error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />}</main>;
  const cameras = value.cameras.filter(({ rights }) => rights.includes('live'));
  // As near to a square as it goes, so that each is as large as it can be.
  const columns = Math.min(5, Math.ceil(Math.sqrt(cameras.length)));
  return <main class="wall">
    <div class="unseen"><Heading>{say.panel.title}</Heading></div>
    {cameras.length === 0
      ? <Empty icon="camera" title={say.live.none}><p>{say.live.noneOther}</p></Empty>
      : <ul class={`wall-grid columns-${columns}`}>{cameras.map((camera) => <li key={camera.camera} class="tile"><Picture camera={camera} stream={smallOf(camera)} /></li>)}</ul>}
    <Link to={{ page: 'live' }} class="wall-leave">{say.live.all}</Link>
  </main>;
}
