/** Joining by an invitation: an account, and a key that is made on this device. */
import { useState } from 'preact/hooks';
import type { Hello, Me } from '../../api/pagecontract.ts';
import { ask, HubError } from '../api.ts';
import { deviceName } from '../devicename.ts';
import { deviceIdOf } from '../devices.ts';
import { dateClock, readerOf } from '../format.ts';
import { loadKeys } from '../load.ts';
import { Heading } from '../navigation.tsx';
import type { OpenDevice } from '../seams.ts';
import { say } from '../strings.ts';
import { CertificateWords } from '../parts/certificate.tsx';
import { Button, Field } from '../parts/controls.tsx';
import { Door } from '../parts/door.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Loading, Problem } from '../parts/states.tsx';
import { nameFits, PassphraseFields, usePassphrase } from './firstowner.tsx';

interface JoinProps { readonly hello: Hello; readonly code: string; readonly onJoined: (me: Me, device: OpenDevice) => void }

/** Not a hub that is away, or says to wait. */
function isOfTheInvitation(error: unknown): error is HubError {
  return error instanceof HubError && (error.code === 'SP_PAGE_CODE' || error.code === 'SP_PAGE_REQUEST');
}

export function Join({ hello, code, onJoined }: JoinProps) {
  const { value, error, again } = useLoaded((signal) => ask('inviteLook', { body: { code }, signal }), [code]);
  const [name, setName] = useState('');
  const [tried, setTried] = useState(false);
  const passphrase = usePassphrase();
  const doing = useDoing();
  if (value === undefined) {
    return <Door hub={hello.hub}><main><div class="card"><Heading>{say.join.title(hello.hub)}</Heading>{error === undefined ? <Loading /> : isOfTheInvitation(error) ? <div class="note bad" role="alert"><b>{say.join.badTitle}</b><p>{say.join.badLead}</p><p class="small muted">{say.error.code(error.code)}</p></div> : <Problem error={error} onAgain={again} />}</div></main></Door>;
  }
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!nameFits(name) || !passphrase.ready) return;
    void doing.run(async () => {
      const keys = await loadKeys();
      const { login, second } = await keys.stretch(passphrase.value);
      const device = await keys.makeDevice(deviceName(navigator.userAgent));
      const me = await ask('join', { body: { code, person: { name, language: navigator.language, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone }, login, device } });
      await keys.keep({ account: me.account.id, login: name, id: deviceIdOf(me, device.recipient) }, second);
      second.fill(0);
      onJoined(me, { shape: device, spaces: [] });
    });
  };
  const spaces = value.role === 'owner' || value.spaces.length === 0 ? say.people.allSpaces : say.list(value.spaces);
  return <Door hub={hello.hub}><main><form class="card" onSubmit={submit} noValidate>
    <div><Heading>{say.join.title(value.hub)}</Heading><p class="lead">{say.join.lead(value.from, say.people.roles[value.role])}</p></div>
    <div class="note"><b>{say.join.may}</b><p>{say.people.roleHints[value.role]}</p><p class="small">{`${say.people.spaces}: ${spaces}`}</p><p class="small">{say.join.until(dateClock(value.untilMs, readerOf({ language: '', timeZone: '' })))}</p></div>
    <Field label={say.first.name} value={name} onInput={setName} name="username" autocomplete="username" required maxLength={64} autofocus wrong={tried && !nameFits(name) ? say.first.nameWrong : undefined} />
    <PassphraseFields state={passphrase} tried={tried} labels={[say.first.passphrase, say.first.passphraseAgain]} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <Button kind="main" type="submit" busy={doing.busy} wide>{doing.busy ? say.join.working : say.join.submit}</Button>
    <p class="hint">{say.join.keyNote}</p>
  </form><CertificateWords hello={hello} /></main></Door>;
}
