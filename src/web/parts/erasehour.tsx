/** Erasing the hour of a moment without a key on this device: nothing can be signed or sealed anew, so the whole hour goes, by the passphrase once more. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { eraseHours } from '../erasehours.ts';
import { useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { halfOf } from '../proving.ts';
import { say } from '../strings.ts';
import { Button, Field } from './controls.tsx';
import { Dialog } from './dialog.tsx';
import { useDoing, useLoaded } from './loaded.ts';
import { labelMax } from './order.tsx';
import { Loading, Problem } from './states.tsx';

interface EraseHourProps {
  readonly camera: string;
  readonly name: string;
  readonly headMs: number;
  /** What there is has changed. */
  readonly onDone: () => void;
}

export function EraseHour(props: EraseHourProps) {
  const [atMs, setAtMs] = useState<number>();
  return <div class="buttons">
    <Button kind="quiet" onClick={() => setAtMs(Math.floor(props.headMs))}>{say.keeping.eraseHour}</Button>
    {atMs === undefined ? null : <Dialog title={say.keeping.eraseTitle(props.name)} onClose={() => setAtMs(undefined)}><EraseHourForm {...props} headMs={atMs} /></Dialog>}
  </div>;
}

function EraseHourForm({ camera, headMs, onDone }: EraseHourProps) {
  const held = useHeld();
  const [passphrase, setPassphrase] = useState('');
  const [why, setWhy] = useState('');
  const [done, setDone] = useState<readonly string[]>();
  const range = { fromMs: headMs, toMs: headMs + 1000 };
  const { value, error, again } = useLoaded((signal) => ask('eraseLook', { body: { camera, ...range, whole: true }, signal }), [headMs]);
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      setDone(await eraseHours({ camera, ...range, why }, await halfOf(held, passphrase)));
      setPassphrase('');
      onDone();
    });
  };
  if (done !== undefined) return <div class="note" role="status"><ul>{done.map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>;
  return <form class="form" onSubmit={submit}>
    <p class="hint">{say.keeping.eraseHourLead}</p>
    {error !== undefined ? <Problem error={error} onAgain={again} /> : value === undefined ? <Loading /> : <div role="status"><ul>{value.sentences.map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>}
    <Field label={say.keeping.why} hint={say.keeping.whyHint} value={why} onInput={setWhy} maxLength={labelMax} />
    <input type="text" class="unseen" autocomplete="username" value={held.me.account.name} readOnly tabIndex={-1} aria-hidden="true" />
    <Field label={say.login.passphrase} type="password" autocomplete="current-password" required value={passphrase} onInput={setPassphrase} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons"><Button kind="risky" type="submit" busy={doing.busy} disabled={value === undefined || error !== undefined}>{say.keeping.eraseHourNow}</Button></div>
  </form>;
}
