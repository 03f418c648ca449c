/** Spaces: pictures and sound of each off for everybody, or on again; when that is so by itself; and new ones. */
import { useState } from 'preact/hooks';
import { addSpace } from '../admitting.ts';
import { ask } from '../api.ts';
import { weekdayClock } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Button, Field } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';
import { ScheduleSettings } from './schedule.tsx';

const refreshMs = 5000;

export function PrivacySettings() {
  const held = useHeld();
  const { value, error, again } = useLoaded(async (signal) => {
    const [{ spaces }, { cameras }] = await Promise.all([ask('spaces', { signal }), ask('cameras', { signal })]);
    return spaces.map((space) => ({ ...space, cameras: cameras.filter((camera) => camera.space === space.space).map(({ name }) => name) }));
  }, [], refreshMs);
  const [adding, setAdding] = useState(false);
  const doing = useDoing();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const turn = (space: string, on: boolean): void => {
    void doing.run(async () => {
      await ask('privacy', { body: { space, on } });
      toast(on ? say.privacy.turnedOn : say.privacy.turnedOff);
      again();
    });
  };
  return <div class="stack">
    <p class="muted">{say.privacy.lead}</p>
    {has(held, 'people') ? <div class="buttons"><Button icon="plus" onClick={() => setAdding(true)}>{say.privacy.add}</Button></div> : null}
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {value.length === 0 ? <Empty icon="hidden" title={say.privacy.none} /> : null}
    {value.map(({ space, cameras, private: on, untilMs, schedule }) => <section class="card" key={space} aria-label={say.privacy.space(space)}>
      <div class="card-head"><div><h2>{say.privacy.space(space)}</h2><p class="small muted">{cameras.length === 0 ? say.privacy.noCameras : say.privacy.cameras(say.list(cameras))}</p></div><span class={`badge ${on ? 'care' : 'good'}`}>{on ? say.privacy.isOn : say.privacy.isOff}</span></div>
      {on && untilMs !== undefined ? <p>{say.privacy.until(weekdayClock(untilMs, held.reader))}</p> : null}
      {schedule.length === 0 ? null : <div><h3>{say.privacy.schedule}</h3><ul class="stack tight">{schedule.map((times) => <li key={times}>{hubWords(times)}</li>)}</ul></div>}
      <div class="buttons"><Button kind={on ? 'plain' : 'main'} icon={on ? 'eye' : 'hidden'} busy={doing.busy} onClick={() => turn(space, !on)}>{on ? say.privacy.turnOff : say.privacy.turnOn}</Button></div>
    </section>)}
    {has(held, 'configure') ? <ScheduleSettings /> : null}
    {adding ? <AddDialog known={value.map(({ space }) => space)} onClose={() => { setAdding(false); again(); }} /> : null}
  </div>;
}

const spaceName = /^[a-z0-9][a-z0-9-]{0,39}$/;

function AddDialog({ known, onClose }: { readonly known: readonly string[]; readonly onClose: () => void }) {
  const held = useHeld();
  const [name, setName] = useState('');
  const [tried, setTried] = useState(false);
  const doing = useDoing();
  const wrong = !spaceName.test(name) ? say.privacy.nameWrong : known.includes(name) ? say.privacy.nameKnown : undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (wrong !== undefined) return;
    void doing.run(async () => {
      await addSpace(held, name);
      toast(say.privacy.added);
      onClose();
    });
  };
  return <Dialog title={say.privacy.add} onClose={onClose}>
    {held.device === undefined ? <UnlockPanel /> : <form class="form" onSubmit={submit} noValidate>
      <p>{say.privacy.addLead}</p>
      <Field label={say.privacy.name} hint={say.privacy.nameHint} value={name} onInput={setName} maxLength={40} required autofocus wrong={tried ? wrong : undefined} />
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" icon="key" busy={doing.busy}>{say.privacy.addYes}</Button></div>
    </form>}
  </Dialog>;
}
