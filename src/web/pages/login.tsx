/** Logging in: the passphrase is stretched here, and only half of the outcome goes to the hub. */
import { useEffect, useState } from 'preact/hooks';
import type { Hello, Me } from '../../api/pagecontract.ts';
import { ask, HubError } from '../api.ts';
import { makeThisDevice } from '../devices.ts';
import { loadKeys, ownerListInHand } from '../load.ts';
import { Heading, Link } from '../navigation.tsx';
import type { OpenDevice } from '../seams.ts';
import { say } from '../strings.ts';
import { CertificateWords } from '../parts/certificate.tsx';
import { Button, Field } from '../parts/controls.tsx';
import { Door } from '../parts/door.tsx';
import { useDoing } from '../parts/loaded.ts';
import { Problem } from '../parts/states.tsx';

interface LoginProps {
  readonly hello: Hello;
  readonly ended: boolean;
  /** Another device of somebody's, which gets a key when they log in. */
  readonly adding: { readonly name: string; readonly trust: readonly string[] } | undefined;
  readonly onIn: (me: Me, device: OpenDevice | undefined) => void;
}

export function Login({ hello, ended, adding, onIn }: LoginProps) {
  const [name, setName] = useState(adding?.name ?? '');
  const [passphrase, setPassphrase] = useState('');
  const [known, setKnown] = useState(true);
  const doing = useDoing();
  useEffect(() => {
    // Brought now, so that the first try need not wait for it.
    void loadKeys().then((keys) => keys.known()).then((device) => setKnown(device !== undefined), () => {});
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      const { me, device } = await logIn(name, passphrase, adding?.trust);
      onIn(me, device);
    });
  };
  const wrong = doing.error instanceof HubError && doing.error.status === 401;
  return <Door hub={hello.hub}><main><form class="card" onSubmit={submit}>
    <div><Heading>{adding === undefined ? say.login.title : say.login.addTitle}</Heading><p class="lead">{adding === undefined ? say.login.lead(hello.hub) : say.login.addLead(hello.hub)}</p></div>
    {ended ? <div class="note care" role="status">{say.error.sessionOver}</div> : null}
    <Field label={say.login.name} value={name} onInput={setName} name="username" autocomplete="username" required maxLength={64} autofocus />
    <Field label={say.login.passphrase} value={passphrase} onInput={setPassphrase} type="password" name="passphrase" autocomplete="current-password" required wrong={wrong ? say.login.wrong : undefined} />
    {doing.error !== undefined && !wrong ? <Problem error={doing.error} /> : null}
    <Button kind="main" type="submit" busy={doing.busy} wide>{doing.busy ? say.login.working : say.login.submit}</Button>
    {doing.busy ? <p class="hint">{say.login.workingHint}</p> : null}
    {known || adding !== undefined ? null : <div class="note"><b>{say.login.newDevice}</b><p>{say.login.newDeviceCan}</p><p>{say.login.newDeviceCannot}</p><p class="small">{say.login.newDeviceHow}</p></div>}
    <details><summary>{say.login.lost}</summary><div class="stack tight"><p class="muted">{say.login.lostHow}</p><div class="buttons"><Link to={{ page: 'recover' }} class="button plain">{say.login.recover}</Link></div></div></details>
  </form>
  <CertificateWords hello={hello} /></main></Door>;
}

/** The session, and this device's key where this browser has one that the passphrase opens. */
async function logIn(name: string, passphrase: string, trust?: readonly string[]): Promise<{ me: Me; device: OpenDevice | undefined }> {
  const keys = await loadKeys();
  const { login, second } = await keys.stretch(passphrase, await ask('loginStretch', { body: { name } }));
  const known = await keys.known(name).catch(() => undefined);
  try {
    const me = await ask('login', { body: { name, half: login.half, ...(known === undefined || known.id === '' ? {} : { device: known.id }) } });
    if (trust !== undefined && known === undefined) return await makeThisDevice(me, second, trust);
    return { me, device: await ownerListInHand().then((list) => keys.unlock(me.account.id, second, list)).catch(() => undefined) };
  } finally {
    second.fill(0);
  }
}
