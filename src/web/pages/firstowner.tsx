/** Who begins: the code that only the hub's terminal shows, then a name and a passphrase. */
import { useEffect, useState } from 'preact/hooks';
import type { Hello } from '../../api/pagecontract.ts';
import type { PairLink } from '../../policy/pairlink.ts';
import { words as wordlist } from '../../policy/wordlist.ts';
import { ask } from '../api.ts';
import { Heading } from '../navigation.tsx';
import { passphraseFits, suggestPassphrase } from '../passphrase.ts';
import { say } from '../strings.ts';
import { WhatIsOff, Words } from '../parts/certificate.tsx';
import { Button, Field } from '../parts/controls.tsx';
import { useDoing } from '../parts/loaded.ts';
import { Problem } from '../parts/states.tsx';
import { Prose } from '../parts/prose.tsx';

export interface You { readonly name: string; readonly passphrase: string }

/** `told`: by the QR code at the terminal. */
export function CodeStep({ hello, told, onDone }: { readonly hello: Hello; readonly told: PairLink; readonly onDone: () => void }) {
  const [code, setCode] = useState(told.code ?? '');
  // The code stays neither in the address bar nor among the visited pages.
  useEffect(() => { if (location.hash !== '') history.replaceState(null, '', location.pathname); }, []);
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      await ask('firstBegin', { body: { code: code.trim() } });
      onDone();
    });
  };
  return <form class="card" onSubmit={submit}>
    <div><Heading>{say.first.codeTitle}</Heading><p class="lead"><Prose>{say.first.codeLead}</Prose></p></div>
    {hello.certificate === undefined ? null : <div class="stack tight"><p>{say.first.compare}</p><Words words={hello.certificate.words} /><Told words={hello.certificate.words} told={told} /><WhatIsOff certificate={hello.certificate} /></div>}
    <Field label={say.first.code} hint={say.first.codeHint} value={code} onInput={setCode} code required maxLength={40} autofocus />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <Button kind="main" type="submit" busy={doing.busy} wide>{say.first.begin}</Button>
  </form>;
}

/** Whether the QR code names the same words: a hint for whoever cannot see the terminal from where they sit. */
function Told({ words, told }: { readonly words: readonly string[]; readonly told: PairLink }) {
  if (told.words === undefined) return null;
  return told.words.join(' ') === words.join(' ') ? <p class="hint">{say.first.toldSame}</p> : <div class="note bad" role="alert">{say.first.toldOther(told.words.join(' '))}</div>;
}

export function YouStep({ onDone }: { readonly onDone: (you: You) => void }) {
  const [tried, setTried] = useState(false);
  const [name, setName] = useState('');
  const passphrase = usePassphrase();
  const nameWrong = nameFits(name) ? undefined : say.first.nameWrong;
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (nameWrong === undefined && passphrase.ready) onDone({ name, passphrase: passphrase.value });
  };
  return <form class="card" onSubmit={submit} noValidate>
    <div><Heading>{say.first.youTitle}</Heading><p class="lead">{say.first.youLead}</p></div>
    <Field label={say.first.name} value={name} onInput={setName} name="username" autocomplete="username" required maxLength={64} autofocus wrong={tried ? nameWrong : undefined} />
    <PassphraseFields state={passphrase} tried={tried} labels={[say.first.passphrase, say.first.passphraseAgain]} />
    <Button kind="main" type="submit" wide>{say.common.next}</Button>
  </form>;
}

export function nameFits(name: string): boolean {
  return /^[^\s\p{C}](?:[^\p{C}]{0,62}[^\s\p{C}])?$/u.test(name);
}

export interface PassphraseState {
  readonly value: string;
  readonly again: string;
  readonly suggested: boolean;
  readonly ready: boolean;
  readonly set: (part: { value?: string; again?: string; suggested?: boolean }) => void;
}

export function usePassphrase(): PassphraseState {
  const [state, setState] = useState({ value: '', again: '', suggested: false });
  return { ...state, ready: passphraseFits(state.value) && state.value === state.again, set: (part) => setState((before) => ({ ...before, ...part })) };
}

export function PassphraseFields({ state, tried, labels }: { readonly state: PassphraseState; readonly tried: boolean; readonly labels: readonly [string, string] }) {
  const suggest = (): void => {
    const value = suggestPassphrase(wordlist, (values) => crypto.getRandomValues(values));
    state.set({ value, again: '', suggested: true });
  };
  return <>
    <Field label={labels[0]} hint={say.first.passphraseHint} type="password" name="new-passphrase" autocomplete="new-password" required value={state.value} onInput={(value) => state.set({ value, suggested: false })} wrong={tried && !passphraseFits(state.value) ? say.first.tooShort : undefined} />
    <div class="buttons"><Button kind="quiet" icon="key" onClick={suggest}>{say.first.suggest}</Button>{state.suggested ? <span role="status"><code>{state.value}</code> <span class="hint">{say.first.suggested}</span></span> : null}</div>
    <Field label={labels[1]} type="password" name="new-passphrase-again" autocomplete="new-password" required value={state.again} onInput={(again) => state.set({ again })} wrong={tried && passphraseFits(state.value) && state.value !== state.again ? say.first.notEqual : undefined} />
  </>;
}
