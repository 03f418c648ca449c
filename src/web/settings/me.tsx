/** One's own account: what the hub knows of one, to see, change and erase. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, HubError } from '../api.ts';
import { deviceName } from '../devicename.ts';
import { addThisDevice, linkForDevice } from '../devices.ts';
import { dateClock } from '../format.ts';
import { useHeld } from '../held.tsx';
import { loadKeys, lockKeys, ownerListInHand } from '../load.ts';
import { nameFits, PassphraseFields, usePassphrase } from '../pages/firstowner.tsx';
import { smallPicture } from '../picture.ts';
import { say } from '../strings.ts';
import { setTheme, theme, themes, type Theme } from '../theme.ts';
import { KitCard } from './kit.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { Button, Choices, Field, Select } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Qr } from '../parts/qr.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';

export function MeSettings() {
  const held = useHeld();
  const doing = useDoing();
  const [erasing, setErasing] = useState(false);
  const logOut = (): void => { void doing.run(async () => { await lockKeys(); held.takeDevice(undefined); await ask('logout', {}); held.leave(); }); };
  return <div class="stack">
    <About />
    <Appearance />
    <Devices />
    <Sessions />
    <Passphrase />
    <KitCard />
    <section class="card"><div class="buttons"><Button busy={doing.busy} onClick={logOut}>{say.me.logout}</Button><Button kind="risky" onClick={() => setErasing(true)}>{say.me.erase}</Button></div>{doing.error === undefined ? null : <Problem error={doing.error} />}</section>
    {erasing ? <EraseDialog onClose={() => setErasing(false)} /> : null}
  </div>;
}

function About() {
  const held = useHeld();
  const { account } = held.me;
  const [form, setForm] = useState({ name: account.name, nickname: account.nickname, picture: account.picture, language: account.language, timeZone: account.timeZone });
  const [tried, setTried] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const doing = useDoing();
  const set = (part: Partial<typeof form>): void => setForm((before) => ({ ...before, ...part }));
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!nameFits(form.name)) return;
    void doing.run(async () => {
      held.take(await ask('meChange', { body: form }));
      toast(say.common.saved);
    });
  };
  const zones = ['', ...Intl.supportedValuesOf('timeZone')];
  return <form class="card" onSubmit={submit} noValidate aria-labelledby="me-about">
    <h2 id="me-about">{say.me.about}</h2>
    <div class="person"><Avatar account={form} big /><div class="buttons">
      <Button onClick={() => file.current?.click()}>{say.me.choosePicture}</Button>{form.picture === '' ? null : <Button kind="quiet" onClick={() => set({ picture: '' })}>{say.me.noPicture}</Button>}
      <input ref={file} type="file" accept="image/*" hidden aria-label={say.me.picture} onChange={(event) => { const chosen = event.currentTarget.files?.[0]; if (chosen !== undefined) void doing.run(async () => set({ picture: await smallPicture(chosen) })); }} />
    </div></div>
    <p class="hint">{say.me.pictureHint}</p>
    <div class="two">
      <Field label={say.me.name} hint={say.me.nameHint} value={form.name} onInput={(name) => set({ name })} maxLength={64} autocomplete="username" wrong={tried && !nameFits(form.name) ? say.first.nameWrong : undefined} />
      <Field label={say.me.nickname} value={form.nickname} onInput={(nickname) => set({ nickname })} maxLength={64} autocomplete="nickname" />
      <Field label={say.me.language} hint={say.me.languageHint} value={form.language} onInput={(language) => set({ language })} maxLength={35} />
      <Select label={say.me.timeZone} value={form.timeZone} onChoose={(timeZone) => set({ timeZone })} options={zones.map((zone) => ({ value: zone, label: zone === '' ? say.me.browserZone : zone }))} />
    </div>
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons"><Button kind="main" type="submit" busy={doing.busy}>{say.common.save}</Button></div>
  </form>;
}

function Appearance() {
  const [chosen, setChosen] = useState(theme);
  const choose = (next: Theme): void => { setTheme(next); setChosen(next); };
  return <section class="card" aria-labelledby="me-appearance"><div class="card-head"><h2 id="me-appearance">{say.me.appearance}</h2><Choices label={say.theme.label} value={chosen} onChoose={choose} options={themes.map((one) => ({ value: one, label: say.theme[one] }))} /></div></section>;
}

function Devices() {
  const held = useHeld();
  const { account } = held.me;
  const [here, setHere] = useState<string>();
  const [asking, setAsking] = useState(false);
  const [forgetting, setForgetting] = useState(false);
  const [link, setLink] = useState<string>();
  const doing = useDoing();
  useEffect(() => { void loadKeys().then((keys) => keys.known(account.name)).then((known) => setHere(known?.id ?? '')); }, [held.device, account.id]);
  const forget = (): void => {
    void doing.run(async () => {
      await (await loadKeys()).forget(account.id);
      held.takeDevice(undefined);
      setHere('');
      setForgetting(false);
      toast(say.me.forgotten);
    });
  };
  return <section class="card" aria-labelledby="me-devices">
    <div><h2 id="me-devices">{say.me.devices}</h2><p class="muted">{say.me.devicesLead}</p></div>
    {account.devices.length === 0 ? <p>{say.me.noDevices}</p> : <ul class="rows">{account.devices.map((device) => <li key={device.id}>
      <div class="grow"><b>{device.name}</b>{device.id === here ? <span class="muted">{` (${say.me.thisDevice})`}</span> : null}<p class="small muted">{say.me.added(dateClock(device.madeMs, held.reader))}</p></div>
      {device.id === here ? <Button kind="risky" onClick={() => setForgetting(true)}>{say.me.forget}</Button> : null}
    </li>)}</ul>}
    {forgetting ? <Dialog title={say.me.forget} onClose={() => setForgetting(false)}><div class="form"><p>{say.me.forgetLead}</p><div class="buttons end"><Button onClick={() => setForgetting(false)}>{say.common.cancel}</Button><Button kind="risky" busy={doing.busy} onClick={forget}>{say.me.forget}</Button></div></div></Dialog> : null}
    {held.device === undefined ? null : <div class="buttons"><Button icon="plus" onClick={() => { void doing.run(async () => setLink(await linkForDevice(held))); }}>{say.me.addOther}</Button></div>}
    {link === undefined ? null : <LinkDialog link={link} onClose={() => setLink(undefined)} />}
    {here === '' ? <div class="buttons"><Button icon="device" onClick={() => setAsking(true)}>{say.me.addDevice}</Button></div> : null}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {asking ? <WithPassphrase title={say.me.addDevice} lead={say.timeline.noDeviceLead} label={say.me.addDevice} onClose={() => setAsking(false)} onProven={async (half, second) => {
      await addThisDevice(held, half, second);
      toast(say.me.addedDevice);
    }} /> : null}
  </section>;
}

function LinkDialog({ link, onClose }: { readonly link: string; readonly onClose: () => void }) {
  const copy = (): void => { void navigator.clipboard.writeText(link).then(() => toast(say.common.copied), () => toast(say.common.notCopied)); };
  return <Dialog title={say.me.addOther} onClose={onClose}><div class="form">
    <p>{say.me.addOtherLead}</p>
    <Qr text={link} label={say.me.addOtherQr} />
    <Field label={say.people.link} value={link} onInput={() => {}} />
    <p class="hint">{say.me.addOtherThen}</p>
    <div class="buttons end"><Button icon="copy" onClick={copy}>{say.common.copy}</Button><Button kind="main" onClick={onClose}>{say.common.close}</Button></div>
  </div></Dialog>;
}

function Sessions() {
  const held = useHeld();
  const { value, error, again } = useLoaded((signal) => ask('sessions', { signal }), []);
  const doing = useDoing();
  const end = (id: string): void => { void doing.run(async () => { await ask('sessionEnd', { id }); toast(say.me.ended); again(); }); };
  return <section class="card" aria-labelledby="me-sessions"><h2 id="me-sessions">{say.me.sessions}</h2>
    {value === undefined ? (error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />) : <ul class="rows">{value.sessions.map((session) => <li key={session.id}>
      <div class="grow"><b>{agentInWords(session.agent)}</b>{session.current ? <span class="muted">{` (${say.me.thisOne})`}</span> : null}<p class="small muted">{`${session.address} · ${say.me.lastUsed(dateClock(session.usedMs, held.reader))}`}</p></div>
      {session.current ? null : <Button busy={doing.busy} onClick={() => end(session.id)}>{say.me.end}</Button>}
    </li>)}</ul>}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
  </section>;
}

function agentInWords(agent: string): string {
  return agent === '' ? say.first.device : deviceName(agent);
}

function Passphrase() {
  const held = useHeld();
  const [now, setNow] = useState('');
  const [tried, setTried] = useState(false);
  const next = usePassphrase();
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!next.ready) return;
    void doing.run(async () => {
      const keys = await loadKeys();
      const { account } = held.me;
      const old = await keys.stretch(now, await ask('loginStretch', { body: { name: account.name } }));
      const device = await keys.unlock(account.id, old.second, await ownerListInHand()).catch(() => undefined);
      const fresh = await keys.stretch(next.value);
      await ask('mePassphrase', { body: { half: old.login.half, login: fresh.login } });
      // Locked anew only once the hub has taken the passphrase: until then the old one opens it.
      const known = await keys.known(account.name);
      if (device !== undefined && known !== undefined) await keys.keep({ account: account.id, login: account.name, id: known.id }, fresh.second);
      held.takeDevice(device);
      for (const { second } of [old, fresh]) second.fill(0);
      setNow('');
      setTried(false);
      next.set({ value: '', again: '', suggested: false });
      toast(say.me.changed);
    });
  };
  const wrongNow = doing.error instanceof HubError && doing.error.status === 401;
  return <form class="card" onSubmit={submit} noValidate aria-labelledby="me-passphrase">
    <h2 id="me-passphrase">{say.me.passphraseTitle}</h2>
    <Field label={say.me.now} type="password" value={now} onInput={setNow} autocomplete="current-password" required wrong={wrongNow ? say.me.wrongNow : undefined} />
    <PassphraseFields state={next} tried={tried} labels={[say.me.next, say.me.again]} />
    {doing.error !== undefined && !wrongNow ? <Problem error={doing.error} /> : null}
    <div class="buttons"><Button type="submit" busy={doing.busy}>{doing.busy ? say.login.working : say.me.change}</Button></div>
  </form>;
}

function EraseDialog({ onClose }: { readonly onClose: () => void }) {
  const held = useHeld();
  return <WithPassphrase title={say.me.eraseTitle} lead={say.me.eraseLead} label={say.me.erase} risky onClose={onClose} onProven={async (half) => {
    await ask('meErase', { body: { half } });
    await lockKeys();
    await (await loadKeys()).forget(held.me.account.id).catch(() => {});
    held.leave();
    toast(say.me.erased);
  }} />;
}

interface ProvenProps { readonly title: string; readonly lead: string; readonly label: string; readonly risky?: boolean; readonly onClose: () => void; readonly onProven: (half: string, second: Uint8Array) => Promise<void> }

/** Asks for the passphrase, stretches it, and goes on with its halves. */
function WithPassphrase({ title, lead, label, risky = false, onClose, onProven }: ProvenProps) {
  const held = useHeld();
  const [passphrase, setPassphrase] = useState('');
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      const keys = await loadKeys();
      const { login, second } = await keys.stretch(passphrase, await ask('loginStretch', { body: { name: held.me.account.name } }));
      await onProven(login.half, second);
      second.fill(0);
      onClose();
    });
  };
  return <Dialog title={title} onClose={onClose}><form class="form" onSubmit={submit}>
    <p>{lead}</p>
    <Field label={say.login.passphrase} type="password" autocomplete="current-password" value={passphrase} onInput={setPassphrase} required autofocus />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind={risky ? 'risky' : 'main'} type="submit" busy={doing.busy}>{label}</Button></div>
  </form></Dialog>;
}
