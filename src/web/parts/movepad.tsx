/** Moves a camera that can move: a short step for each press. */
import { ask } from '../api.ts';
import { say } from '../strings.ts';
import { IconButton } from './controls.tsx';
import { useDoing } from './loaded.ts';
import { Problem } from './states.tsx';

const stepSeconds = 0.4;
const stepSpeed = 0.6;

export function MovePad({ camera }: { readonly camera: string }) {
  const doing = useDoing();
  const step = (pan: number, tilt: number, zoom: number) => (): void => {
    void doing.run(async () => { await ask('ptz', { body: { camera, order: { act: 'move', pan: pan * stepSpeed, tilt: tilt * stepSpeed, zoom: zoom * stepSpeed, seconds: stepSeconds } } }); });
  };
  const home = (): void => { void doing.run(async () => { await ask('ptz', { body: { camera, order: { act: 'home' } } }); }); };
  return <div class="stack tight">
    <div class="pad" role="group" aria-label={say.live.move}>
      <IconButton name="up" label={say.live.up} class="up" onClick={step(0, 1, 0)} />
      <IconButton name="left" label={say.live.left} class="left" onClick={step(-1, 0, 0)} />
      <IconButton name="home" label={say.live.home} class="home" onClick={home} />
      <IconButton name="right" label={say.live.right} class="right" onClick={step(1, 0, 0)} />
      <IconButton name="down" label={say.live.down} class="down" onClick={step(0, -1, 0)} />
      <IconButton name="plus" label={say.live.zoomIn} class="in" onClick={step(0, 0, 1)} />
      <IconButton name="minus" label={say.live.zoomOut} class="out" onClick={step(0, 0, -1)} />
    </div>
    {doing.error === undefined ? null : <Problem error={doing.error} />}
  </div>;
}
