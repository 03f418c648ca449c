/** Tokens: what scripts may ask of the hub, made, seen and ended here. */
import { useState } from 'preact/hooks';
import { rights, type Right } from '../../policy/access.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { Button, Check, Field, Select } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';

const days = ['7', '30', '90', '365'] as const;
/** A script never gets the right over people. */
const given = rights.filter((right) => right !== 'people' && right !== 'names');

export function Tokens() {
  const { reader } = useHeld();
  const { value, error, again } = useLoaded((signal) => ask('tokens', { signal }), []);
  const [making, setMaking] = useState(false);
  const doing = useDoing();
  const end = (id: string): void => { void doing.run(async () => { await ask('tokenEnd', { id }); toast(say.tokens.ended); again(); }); };
  return <section class="card" aria-labelledby="system-tokens">
    <div class="card-head"><h2 id="system-tokens">{say.tokens.title}</h2><Button icon="plus" onClick={() => setMaking(true)}>{say.tokens.add}</Button></div>
    <p class="muted">{say.tokens.lead}</p>
    {value === undefined ? (error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />) : value.tokens.length === 0 ? <p>{say.tokens.none}</p> : <ul class="rows">{value.tokens.map((token) => <li key={token.id}>
      <div class="grow"><b>{token.name}</b><p class="small muted">{[say.list(token.rights.map(rightName)), token.spaces === undefined ? '' : say.list(token.spaces), say.tokens.until(dateClock(token.untilMs, reader))].filter((part) => part !== '').join(' · ')}</p></div>
      <Button kind="risky" busy={doing.busy} onClick={() => end(token.id)}>{say.me.end}</Button>
    </li>)}</ul>}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {making ? <MakeDialog onClose={() => { setMaking(false); again(); }} /> : null}
  </section>;
}

function rightName(right: string): string {
  return say.tokens.rights[right] ?? right;
}

function MakeDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Right[]>(['status']);
  const [length, setLength] = useState<(typeof days)[number]>('90');
  const [made, setMade] = useState<string>();
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => setMade((await ask('tokenMake', { body: { name: name.trim(), rights: [...chosen], days: Number(length) } })).token));
  };
  if (made !== undefined) {
    const copy = (): void => { void navigator.clipboard.writeText(made).then(() => toast(say.common.copied), () => toast(say.common.notCopied)); };
    return <Dialog title={say.tokens.madeTitle} onClose={onClose}><div class="form">
      <p>{say.tokens.madeLead}</p>
      <Field label={say.tokens.token} value={made} onInput={() => {}} />
      <div class="buttons end"><Button icon="copy" onClick={copy}>{say.common.copy}</Button><Button kind="main" onClick={onClose}>{say.common.close}</Button></div>
    </div></Dialog>;
  }
  return <Dialog title={say.tokens.add} onClose={onClose}><form class="form" onSubmit={submit}>
    <Field label={say.tokens.name} hint={say.tokens.nameHint} value={name} onInput={setName} maxLength={64} required autofocus />
    <fieldset class="field group"><legend>{say.tokens.may}</legend>
      {given.map((right) => <Check key={right} label={rightName(right)} checked={chosen.includes(right)} onChange={(on) => setChosen(on ? [...chosen, right] : chosen.filter((one) => one !== right))} />)}
    </fieldset>
    <Select label={say.tokens.days} value={length} onChoose={setLength} options={days.map((one) => ({ value: one, label: say.first.days(Number(one)) }))} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy} disabled={chosen.length === 0 || name.trim() === ''}>{say.tokens.make}</Button></div>
  </form></Dialog>;
}
