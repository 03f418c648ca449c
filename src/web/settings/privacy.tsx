/** Privacy: pictures and sound of a space off for everybody, or on again. */
import { ask } from '../api.ts';
import { say } from '../strings.ts';
import { Button } from '../parts/controls.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';

const refreshMs = 5000;

export function PrivacySettings() {
  const { value, error, again } = useLoaded((signal) => ask('cameras', { signal }), [], refreshMs);
  const doing = useDoing();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const spaces = [...Map.groupBy(value.cameras.filter(({ rights }) => rights.includes('privacy')), ({ space }) => space)];
  const turn = (space: string, on: boolean): void => {
    void doing.run(async () => {
      await ask('privacy', { body: { space, on } });
      toast(on ? say.privacy.turnedOn : say.privacy.turnedOff);
      again();
    });
  };
  return <div class="stack">
    <p class="muted">{say.privacy.lead}</p>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {spaces.length === 0 ? <Empty icon="hidden" title={say.privacy.none} /> : null}
    {spaces.map(([space, cameras]) => {
      const on = cameras.every(({ privacy }) => privacy);
      return <section class="card" key={space} aria-label={say.privacy.space(space)}>
        <div class="card-head"><div><h2>{say.privacy.space(space)}</h2><p class="small muted">{say.privacy.cameras(say.list(cameras.map(({ name }) => name)))}</p></div><span class={`badge ${on ? 'care' : 'good'}`}>{on ? say.privacy.isOn : say.privacy.isOff}</span></div>
        <div class="buttons"><Button kind={on ? 'plain' : 'main'} icon={on ? 'eye' : 'hidden'} busy={doing.busy} onClick={() => turn(space, !on)}>{on ? say.privacy.turnOff : say.privacy.turnOn}</Button></div>
      </section>;
    })}
  </div>;
}
