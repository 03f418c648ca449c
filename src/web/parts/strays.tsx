/** Keys that the owner's list names and that are of no account any more: shown to an owner, who signs a list without them. */
import { useEffect, useState } from 'preact/hooks';
import { dropKeys, strayKeys, type Stray } from '../admitting.ts';
import { ask } from '../api.ts';
import { has, useHeld } from '../held.tsx';
import { Link } from '../navigation.tsx';
import { renewSlots } from '../renewing.ts';
import { say } from '../strings.ts';
import { Button } from './controls.tsx';
import { useDoing } from './loaded.ts';
import { Problem } from './states.tsx';
import { toast } from './toast.tsx';
import { UnlockPanel } from './unlock.tsx';

/** Each for itself, in the settings. */
export function StrayCard({ strays, onSigned }: { readonly strays: readonly Stray[]; readonly onSigned: () => void }) {
  const held = useHeld();
  const { doing, drop } = useDropping(onSigned);
  if (strays.length === 0) return null;
  return <section class="card" aria-labelledby="people-strays"><div><h2 id="people-strays">{say.strays.title}</h2><p class="muted">{say.strays.lead}</p></div>
    <ul class="rows">{strays.map((one) => <li key={one.recipient}><div class="grow"><b>{one.name ?? say.strays.someone}</b><p class="small muted"><code>{shortened(one.recipient)}</code></p><p class="small muted">{wordsOf(one)}</p></div>
      {held.device === undefined ? null : <Button kind="risky" busy={doing.busy} onClick={() => drop([one])}>{say.strays.sign}</Button>}</li>)}</ul>
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {held.device === undefined ? <UnlockPanel /> : null}
  </section>;
}

/** At an owner's next visit, wherever in the page that begins. */
export function StrayNotice() {
  const held = useHeld();
  const [strays, setStrays] = useState<readonly Stray[]>([]);
  const [turn, setTurn] = useState(0);
  const { doing, drop } = useDropping(() => setTurn(turn + 1));
  const isOwner = has(held, 'people');
  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    // What cannot be asked now is asked at the next visit; the settings say it, too.
    if (isOwner) void Promise.all([ask('accounts', { signal }), ask('ownerList', { signal })]).then(([{ accounts }, { text }]) => setStrays(strayKeys(accounts, text)), () => {});
    return () => ended.abort();
  }, [turn, isOwner, held.me]);
  if (strays.length === 0) return null;
  return <div class="note care" role="status"><b>{say.strays.notice(strays.length)}</b><p>{say.strays.noticeLead}</p>
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons">{held.device === undefined ? null : <Button kind="main" busy={doing.busy} onClick={() => drop(strays)}>{say.strays.signAll(strays.length)}</Button>}
      <Link class="button" to={{ page: 'settings', section: 'people' }}>{say.strays.look}</Link></div>
  </div>;
}

function useDropping(onSigned: () => void): { readonly doing: ReturnType<typeof useDoing>; readonly drop: (strays: readonly Stray[]) => void } {
  const held = useHeld();
  const doing = useDoing();
  const drop = (strays: readonly Stray[]): void => {
    void doing.run(async () => {
      await dropKeys(held, strays);
      renewSlots(held);
      toast(say.strays.signed);
      onSigned();
    });
  };
  return { doing, drop };
}

function wordsOf({ spaces, past, signs }: Stray): string {
  return [signs ? say.strays.signs : '', spaces.length === 0 ? '' : say.people.mayOpen(say.list(spaces)), past.length === 0 ? '' : say.strays.past(say.list(past))].filter((part) => part !== '').join(' · ');
}

const shortened = (recipient: string): string => `${recipient.slice(0, 12)}…${recipient.slice(-6)}`;
