/** Cameras: how each is, in words, and what can be done about it. */
import { useState } from 'preact/hooks';
import type { PageCamera, PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { Link } from '../navigation.tsx';
import { AddCameras } from '../pages/addcameras.tsx';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Button, Field } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { ConfirmChange, SettingsForm } from './change.tsx';
import { useSettings } from './tables.tsx';

type CameraStatus = PageReplyOf<'status'>['cameras'][number];
const refreshMs = 5000;

export function CamerasSettings() {
  const held = useHeld();
  const [adding, setAdding] = useState(false);
  const { value, error, again } = useLoaded(async (signal) => {
    const [{ cameras: statuses, pending }, { cameras }] = await Promise.all([ask('status', { signal }), ask('cameras', { signal })]);
    return { statuses, cameras, pending };
  }, [], refreshMs);
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const mayChange = has(held, 'configure');
  return <div class="stack">
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {mayChange ? <div class="buttons"><Button kind="main" icon="plus" onClick={() => setAdding(true)}>{say.cameras.add}</Button></div> : null}
    {value.statuses.length === 0 ? <Empty icon="camera" title={say.cameras.none} /> : null}
    {value.statuses.map((status) => <CameraCard key={status.camera} status={status} camera={value.cameras.find(({ camera }) => camera === status.camera)} waiting={value.pending.filter((one) => one.camera === status.camera).map(({ text }) => text)} mayChange={mayChange} onChanged={again} />)}
    {adding ? <Dialog title={say.cameras.add} onClose={() => { setAdding(false); again(); }}><AddCameras onDone={() => { setAdding(false); again(); }} /></Dialog> : null}
  </div>;
}

interface CardProps { readonly status: CameraStatus; readonly camera: PageCamera | undefined; readonly waiting: readonly string[]; readonly mayChange: boolean; readonly onChanged: () => void }

function CameraCard({ status, camera, waiting, mayChange, onChanged }: CardProps) {
  const { reader } = useHeld();
  const [changing, setChanging] = useState(false);
  const [setting, setSetting] = useState(false);
  const [removing, setRemoving] = useState(false);
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
    {waiting.length === 0 ? null : <div class="note care"><b>{say.forms.waitFor}</b>{waiting.map((text) => <p key={text}>{hubWords(text)}</p>)}<p><Link to={{ page: 'settings', section: 'approvals' }}>{say.forms.toApprovals}</Link></p></div>}
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
      {mayChange ? <div class="buttons">{camera === undefined || camera.fixed ? null : <Button onClick={() => setSetting(true)}>{say.cameras.change}</Button>}<Button onClick={() => setChanging(true)}>{say.cameras.password}</Button><Button busy={doing.busy} onClick={() => tell({ act: 'refresh' })}>{say.cameras.refresh}</Button>{camera === undefined || camera.fixed ? null : <Button kind="risky" onClick={() => setRemoving(true)}>{say.cameras.remove}</Button>}</div> : null}
    </div></details>
    {setting ? <CameraForm id={status.camera} name={status.name} onClose={() => { setSetting(false); onChanged(); }} /> : null}
    {removing ? <ConfirmChange title={say.cameras.removeTitle(status.name)} lead={say.cameras.removeLead} risky change={{ camera: status.camera, remove: true }} onClose={() => { setRemoving(false); onChanged(); }} /> : null}
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

/** What of the schema's camera is set on the page; of whom it is seen, an owner says. */
function CameraForm({ id, name, onClose }: { readonly id: string; readonly name: string; readonly onClose: () => void }) {
  const held = useHeld();
  const { value, error, again } = useSettings();
  const title = say.cameras.changeTitle(name);
  if (value === undefined) return <Dialog title={title} onClose={onClose}>{error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />}</Dialog>;
  const { schema, settings } = value;
  const values = settings.cameras.find(({ camera }) => camera === id)?.values ?? {};
  const nodes = Object.entries(schema.properties?.['camera']?.items?.properties ?? {}).filter(([key, node]) => node['x-file'] !== true && (key !== 'space' || has(held, 'people')));
  return <SettingsForm title={title} lead={has(held, 'people') ? say.cameras.spaceHint : say.cameras.spaceOwner} fields={nodes.map(([key, node]) => ({ key, node, value: values[key] }))} spaces={settings.spaces}
    changeOf={(keys) => (keys.length === 0 ? undefined : { camera: id, keys })} onClose={onClose} />;
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
