/** Cameras: how each is, in words, and what can be done about it. */
import { useState } from 'preact/hooks';
import type { PageCamera, PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { AddCameras } from '../pages/addcameras.tsx';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Button, Field, Select } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';

type CameraStatus = PageReplyOf<'status'>['cameras'][number];
const refreshMs = 5000;

export function CamerasSettings() {
  const held = useHeld();
  const [adding, setAdding] = useState(false);
  const { value, error, again } = useLoaded(async (signal) => {
    const [{ cameras: statuses }, { cameras }] = await Promise.all([ask('status', { signal }), ask('cameras', { signal })]);
    const spaces = has(held, 'people') ? (await ask('spaces', { signal })).spaces.map(({ space }) => space) : [];
    return { statuses, cameras, spaces };
  }, [], refreshMs);
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const mayChange = has(held, 'configure');
  return <div class="stack">
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {mayChange ? <div class="buttons"><Button kind="main" icon="plus" onClick={() => setAdding(true)}>{say.cameras.add}</Button></div> : null}
    {value.statuses.length === 0 ? <Empty icon="camera" title={say.cameras.none} /> : null}
    {value.statuses.map((status) => <CameraCard key={status.camera} status={status} camera={value.cameras.find(({ camera }) => camera === status.camera)} spaces={value.spaces} mayChange={mayChange} onChanged={again} />)}
    {adding ? <Dialog title={say.cameras.add} onClose={() => { setAdding(false); again(); }}><AddCameras onDone={() => { setAdding(false); again(); }} /></Dialog> : null}
  </div>;
}

interface CardProps { readonly status: CameraStatus; readonly camera: PageCamera | undefined; readonly spaces: readonly string[]; readonly mayChange: boolean; readonly onChanged: () => void }

function CameraCard({ status, camera, spaces, mayChange, onChanged }: CardProps) {
  const { reader } = useHeld();
  const [changing, setChanging] = useState(false);
  const [naming, setNaming] = useState(false);
  const doing = useDoing();
  const tell = (order: { act: 'refresh' | 'trust' }): void => {
    void doing.run(async () => {
      const { sentences } = await ask('camera', { body: { camera: status.camera, order } });
      toast(sentences.length === 0 ? say.cameras.refreshed : hubWords(sentences[0] ?? ''));
      onChanged();
    });
  };
  const device = status.device === undefined ? say.cameras.unknown : [status.device.manufacturer, status.device.model].filter((part) => part !== '').join(' ');
  return <section class="card" aria-labelledby={`camera-${status.camera}`}>
    <div class="card-head"><div><h2 id={`camera-${status.camera}`}>{status.name}</h2><p class="small muted">{device}</p></div><StateBadge status={status} privacy={camera?.privacy === true} /></div>
    {status.state === 'recording' ? null : <p>{hubWords(status.state)}</p>}
    {mayChange ? <Fix status={status} onPassword={() => setChanging(true)} onTrust={() => tell({ act: 'trust' })} /> : null}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <details><summary>{say.cameras.details}</summary><div class="stack">
      <dl class="facts">
        {camera === undefined ? null : <Fact name={say.cameras.space} value={camera.space} />}
        {camera === undefined ? null : <Fact name={say.cameras.streams} value={camera.streams.map(({ stream, codec, width, height }) => `${say.cameras[stream]}: ${say.cameras.size(width, height, codec)}`).join('; ')} />}
        {camera === undefined ? null : <Fact name={say.cameras.keeps} value={say.span(camera.keepMs)} />}
        {camera === undefined ? null : <Fact name={say.cameras.sound} value={camera.audio ? say.cameras.soundYes : say.cameras.soundNo} />}
        <Fact name={say.cameras.lastSealed} value={status.lastSealedMs === undefined ? say.cameras.never : dateClock(status.lastSealedMs, reader)} />
        {camera === undefined ? null : <Fact name={say.cameras.setIn} value={camera.fixed ? say.cameras.byFile : say.cameras.byPage} />}
        {status.events === undefined ? null : <Fact name={say.cameras.events} value={hubWords(status.events.words)} />}
      </dl>
      {mayChange ? <div class="buttons">{camera === undefined || camera.fixed ? null : <Button onClick={() => setNaming(true)}>{say.cameras.change}</Button>}<Button onClick={() => setChanging(true)}>{say.cameras.password}</Button><Button busy={doing.busy} onClick={() => tell({ act: 'refresh' })}>{say.cameras.refresh}</Button></div> : null}
    </div></details>
    {naming && camera !== undefined ? <ChangeDialog camera={camera} spaces={spaces} onClose={() => { setNaming(false); onChanged(); }} /> : null}
    {changing ? <PasswordDialog status={status} onClose={() => { setChanging(false); onChanged(); }} /> : null}
  </section>;
}

export function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return <div><dt>{name}</dt><dd>{value}</dd></div>;
}

function StateBadge({ status, privacy }: { readonly status: CameraStatus; readonly privacy: boolean }) {
  if (privacy) return <span class="badge care">{say.cameras.privacy}</span>;
  if (status.recording) return <span class="badge good">{say.cameras.recording}</span>;
  return status.online ? <span class="badge care">{say.cameras.online}</span> : <span class="badge bad">{say.cameras.offline}</span>;
}

/** What the matter is decides what is offered. */
function Fix({ status, onPassword, onTrust }: { readonly status: CameraStatus; readonly onPassword: () => void; readonly onTrust: () => void }) {
  if (status.state.startsWith('credentials refused')) return <div class="note bad"><p>{say.cameras.refusedFix}</p><div class="buttons"><Button onClick={onPassword}>{say.cameras.password}</Button></div></div>;
  if (status.state.includes('shows another certificate')) return <div class="note bad"><p>{say.cameras.trustLead}</p><div class="buttons"><Button kind="risky" onClick={onTrust}>{say.cameras.trust}</Button></div></div>;
  return null;
}

function ChangeDialog({ camera, spaces, onClose }: { readonly camera: PageCamera; readonly spaces: readonly string[]; readonly onClose: () => void }) {
  const [name, setName] = useState(camera.name);
  const [space, setSpace] = useState(camera.space);
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    if (name.trim() === '') return;
    void doing.run(async () => {
      await ask('cameraChange', { body: { camera: camera.camera, name: name.trim(), ...(space === camera.space ? {} : { space }) } });
      toast(say.cameras.changed);
      onClose();
    });
  };
  return <Dialog title={say.cameras.changeTitle(camera.name)} onClose={onClose}><form class="form" onSubmit={submit}>
    <Field label={say.cameras.name} value={name} onInput={setName} maxLength={64} required autofocus />
    {spaces.length === 0 ? <p class="hint">{say.cameras.spaceOwner}</p> : <Select label={say.cameras.space} hint={say.cameras.spaceHint} value={space} onChoose={setSpace} options={[...new Set([...spaces, camera.space])].map((one) => ({ value: one, label: one }))} />}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy}>{say.common.save}</Button></div>
  </form></Dialog>;
}

function PasswordDialog({ status, onClose }: { readonly status: CameraStatus; readonly onClose: () => void }) {
  const [password, setPassword] = useState('');
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      await ask('secret', { body: { camera: status.camera, password } });
      toast(say.cameras.passwordSaved);
      onClose();
    });
  };
  return <Dialog title={say.cameras.password} onClose={onClose}><form class="form" onSubmit={submit}>
    <p class="muted">{say.cameras.passwordLead(status.name)}</p>
    <Field label={say.cameras.newPassword} type="password" value={password} onInput={setPassword} required autofocus />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy}>{say.common.save}</Button></div>
  </form></Dialog>;
}
