/** The passphrase once more, for what a session that somebody left open must not be enough for (`proving.ts` makes of it what the hub is sent). */
import { say } from '../strings.ts';
import { Field } from './controls.tsx';

/** `why`: what it is asked for. */
export function OnceMore({ why, value, onInput }: { readonly why: string; readonly value: string; readonly onInput: (value: string) => void }) {
  return <Field label={say.people.yourPassphrase} hint={why} type="password" autocomplete="current-password" required value={value} onInput={onInput} />;
}
