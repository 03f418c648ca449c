/** An owner without passphrase or device: the kit signs once for new ones. */
import { useState } from 'preact/hooks';
import type { Hello, Me } from '../../api/pagecontract.ts';
import { ask, HubError } from '../api.ts';
import { deviceName } from '../devicename.ts';
import { deviceIdOf } from '../devices.ts';
import { loadKeys, ownerListInHand } from '../load.ts';
import { Heading, Link } from '../navigation.tsx';
import type { OpenDevice } from '../seams.ts';
import { say } from '../strings.ts';
import { Words } from '../parts/certificate.tsx';
import { Button, Field } from '../parts/controls.tsx';
import { Door } from '../parts/door.tsx';
import { useDoing } from '../parts/loaded.ts';
import { Problem } from '../parts/states.tsx';
import { nameFits, PassphraseFields, usePassphrase } from './firstowner.tsx';

interface RecoverProps { readonly hello: Hello; readonly onIn: (me: Me, device: OpenDevice) => void }

export function Recover({ hello, onIn }: RecoverProps) {
  const [name, setName] = useState('');
  const [kit, setKit] = useState('');
  const [kitWrong, setKitWrong] = useState(false);
  const [tried, setTried] = useState(false);
  const passphrase = usePassphrase();
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!nameFits(name) || !passphrase.ready || kit === '') return;
    void doing.run(async () => {
      const keys = await loadKeys();
      const fits = await keys.takeKit(kit).then(() => true, () => false);
      setKitWrong(!fits);
      if (!fits) return;
      // Forgotten here whatever goes wrong; the next try takes it anew.
      const { me, device } = await recover(hello, name, passphrase.value).finally(() => keys.forgetKit());
      setKit('');
      onIn(me, device);
    });
  };
  return <Door hub={hello.hub}><main><form class="card" onSubmit={submit} noValidate>
    <div><Heading>{say.recover.title}</Heading><p class="lead">{say.recover.lead}</p></div>
    <div class="note care"><p>{say.recover.warning}</p>{hello.certificate === undefined ? null : <Words words={hello.certificate.words} />}</div>
    <Field label={say.login.name} value={name} onInput={setName} name="username" autocomplete="username" required maxLength={64} wrong={tried && !nameFits(name) ? say.first.nameWrong : undefined} />
    <div class="field"><label for="recover-kit">{say.recover.kit}</label>
      <input id="recover-kit" class="input" type="file" accept=".txt,text/plain" onChange={(event) => { void event.currentTarget.files?.[0]?.text().then((text) => { setKit(text); setKitWrong(false); }); }} />
    </div>
    <Field label={say.recover.kitText} type="password" value={kit} onInput={(text) => { setKit(text); setKitWrong(false); }} wrong={kitWrong || (tried && kit === '') ? say.recover.kitWrong : undefined} />
    <PassphraseFields state={passphrase} tried={tried} labels={[say.me.next, say.me.again]} />
    {doing.error === undefined ? null : isOfAnotherKit(doing.error) ? <div class="note bad" role="alert"><b>{say.recover.otherKit}</b><p>{say.recover.otherKitMore}</p><p class="small muted">{say.error.code(doing.error.code)}</p></div> : <Problem error={doing.error} />}
    <Button kind="main" type="submit" busy={doing.busy} wide>{doing.busy ? say.recover.working : say.recover.submit}</Button>
    <Link to={{ page: 'login' }} class="button quiet">{say.common.back}</Link>
  </form></main></Door>;
}

/** A kit by its looks, whose signature is not the one that this hub's owner's kit makes. */
function isOfAnotherKit(error: unknown): error is HubError {
  return error instanceof HubError && error.code === 'SP_BAD_SIGNATURE';
}

/** New passphrase and device, then the list in which this device opens what the kit opens. */
async function recover(hello: Hello, name: string, passphrase: string): Promise<{ me: Me; device: OpenDevice }> {
  const keys = await loadKeys();
  const { login, second } = await keys.stretch(passphrase);
  const device = await keys.makeDevice(deviceName(navigator.userAgent));
  // By the hub's clock: this device's may be off by a day.
  const { nowMs } = await ask('hello', {});
  const { document, signature } = await keys.recover(hello.key, name, login, device, nowMs);
  const me = await ask('recover', { body: { document, signature } });
  await keys.keep({ account: me.account.id, login: name, id: deviceIdOf(me, device.recipient) }, second);
  second.fill(0);
  const list = await ownerListInHand();
  if (list !== undefined) await ask('ownerListTake', { body: { text: await keys.ownersList(device, list) } });
  return { me, device: await keys.open(device, me.account.id, await ownerListInHand()) };
}
