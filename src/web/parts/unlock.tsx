/** Before old footage opens here: this device's key is unlocked by the passphrase, or made. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { addThisDevice } from '../devices.ts';
import { useHeld } from '../held.tsx';
import { loadKeys, ownerListInHand } from '../load.ts';
import { say } from '../strings.ts';
import { Button, Field } from './controls.tsx';
import { useDoing } from './loaded.ts';
import { Problem } from './states.tsx';

/** The passphrase does not fit this device's key. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SP_DEVICE_LOCKED';
}

export function UnlockPanel({ onDone }: { readonly onDone?: () => void }) {
  const held = useHeld();
  const [known, setKnown] = useState<boolean>();
  const [passphrase, setPassphrase] = useState('');
  const [wrong, setWrong] = useState(false);
  const doing = useDoing();
  const account = held.me.account;
  useEffect(() => { void loadKeys().then((keys) => keys.known(account.name)).then((device) => setKnown(device !== undefined), () => setKnown(false)); }, [account.id]);
  if (known === undefined) return null;
  const submit = (event: Event): void => {
    event.preventDefault();
    setWrong(false);
    void doing.run(async () => {
      const keys = await loadKeys();
      const { login, second } = await keys.stretch(passphrase, await ask('loginStretch', { body: { name: account.name } }));
      if (known) {
        const device = await keys.unlock(account.id, second, await ownerListInHand()).catch((error: unknown) => { if (isLocked(error)) return undefined; throw error; });
        if (device === undefined) setWrong(true);
        else held.takeDevice(device);
      } else {
        await addThisDevice(held, login.half, second);
      }
      second.fill(0);
      setPassphrase('');
      onDone?.();
    });
  };
  return <form class="card" onSubmit={submit}>
    <div><h2>{known ? say.timeline.unlockTitle : say.timeline.noDeviceTitle}</h2><p class="muted">{known ? say.timeline.unlockLead : say.timeline.noDeviceLead}</p></div>
    <input type="text" class="unseen" autocomplete="username" value={account.name} readOnly tabIndex={-1} aria-hidden="true" />
    <Field label={say.login.passphrase} type="password" autocomplete="current-password" required value={passphrase} onInput={setPassphrase} wrong={wrong ? say.timeline.unlockWrong : undefined} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons"><Button kind="main" type="submit" busy={doing.busy}>{doing.busy ? say.login.working : known ? say.timeline.unlock : say.timeline.addDevice}</Button></div>
  </form>;
}
