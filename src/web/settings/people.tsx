/** People: who has an account, what each may see, invitations, and devices that wait for an owner's signature. */
import { useState } from 'preact/hooks';
import type { Account } from '../../api/pagecontract.ts';
import { roles, type Role } from '../../policy/access.ts';
import { admitDevice, listed, restrictDevices, strayKeys, waitingDevices, type Waiting } from '../admitting.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { useHeld } from '../held.tsx';
import { halfOf } from '../proving.ts';
import { renewSlots } from '../renewing.ts';
import { say } from '../strings.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Button, Check, Field, Pick } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { KeyWords } from '../parts/keywords.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { OnceMore } from '../parts/oncemore.tsx';
import { Qr } from '../parts/qr.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { StrayCard } from '../parts/strays.tsx';
import { toast } from '../parts/toast.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';

type Open = { readonly kind: 'invite' } | { readonly kind: 'change' | 'remove'; readonly account: Account } | undefined;

export function PeopleSettings() {
  const held = useHeld();
  const [open, setOpen] = useState<Open>();
  const { value, error, again } = useLoaded(async (signal) => {
    const [people, { text }, { cameras }] = await Promise.all([ask('accounts', { signal }), ask('ownerList', { signal }), ask('cameras', { signal })]);
    return { ...people, waiting: waitingDevices(people.accounts, text), strays: strayKeys(people.accounts, text), spaces: [...new Set([...listed(text).spaces.map(({ name }) => name), ...cameras.map(({ space }) => space)])].toSorted() };
  }, []);
  const doing = useDoing();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const close = (): void => { setOpen(undefined); again(); };
  const spaces = value.spaces.length === 0 ? ['home'] : value.spaces;
  return <div class="stack">
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <WaitingCard waiting={value.waiting} onSigned={again} />
    <StrayCard strays={value.strays} onSigned={again} />
    <section class="card" aria-labelledby="people-all">
      <div class="card-head"><h2 id="people-all">{say.settings.sections.people}</h2><Button kind="main" icon="plus" onClick={() => setOpen({ kind: 'invite' })}>{say.people.invite}</Button></div>
      <ul class="rows">{value.accounts.map((account) => <li key={account.id}>
        <div class="person grow"><Avatar account={account} /><div><b>{account.nickname === '' ? account.name : account.nickname}</b>{account.id === held.me.account.id ? <span class="muted">{` (${say.people.you})`}</span> : null}
          <p class="small muted">{[say.people.roles[account.role], account.role === 'owner' ? say.people.allSpaces : say.list(account.spaces), say.people.devices(account.devices.length), account.role === 'member' && account.names ? say.people.seesNames : ''].filter((part) => part !== '').join(' · ')}</p></div></div>
        <div class="buttons"><Button onClick={() => setOpen({ kind: 'change', account })}>{say.people.change}</Button>{account.id === held.me.account.id ? null : <Button kind="risky" onClick={() => setOpen({ kind: 'remove', account })}>{say.common.remove}</Button>}</div>
      </li>)}</ul>
    </section>
    {value.invitations.length === 0 ? null : <section class="card" aria-labelledby="people-invitations"><h2 id="people-invitations">{say.people.invitations}</h2><ul class="rows">
      {value.invitations.map((one) => <li key={one.id}><div class="grow"><b>{say.people.roles[one.role]}</b><p class="small muted">{[say.list(one.spaces), say.people.until(dateClock(one.untilMs, held.reader))].filter((part) => part !== '').join(' · ')}</p></div>
        <Button onClick={() => { void doing.run(async () => { await ask('inviteEnd', { id: one.id }); toast(say.people.takenBack); again(); }); }}>{say.people.takeBack}</Button></li>)}
    </ul></section>}
    {open?.kind === 'invite' ? <InviteDialog spaces={spaces} onClose={close} /> : null}
    {open?.kind === 'change' ? <ChangeDialog account={open.account} spaces={spaces} onClose={close} /> : null}
    {open?.kind === 'remove' ? <RemoveDialog account={open.account} onClose={close} /> : null}
  </div>;
}

function WaitingCard({ waiting, onSigned }: { readonly waiting: readonly Waiting[]; readonly onSigned: () => void }) {
  const held = useHeld();
  const doing = useDoing();
  if (waiting.length === 0) return null;
  const sign = (one: Waiting): void => {
    void doing.run(async () => {
      await admitDevice(held, one);
      toast(say.people.signed);
      onSigned();
    });
  };
  return <section class="card" aria-labelledby="people-waiting"><div><h2 id="people-waiting">{say.people.waiting}</h2><p class="muted">{say.people.waitingLead}</p></div>
    <ul class="rows">{waiting.map((one) => <li key={one.device.recipient}><div class="grow"><b>{`${one.account.name}: ${one.device.name}`}</b><KeyWords device={one.device} /><p class="small muted">{say.people.mayOpen(one.account.role === 'owner' ? say.people.allSpaces : say.list(one.spaces))}</p></div>
      {held.device === undefined ? null : <Button kind="main" busy={doing.busy} onClick={() => sign(one)}>{say.people.sign}</Button>}</li>)}</ul>
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {held.device === undefined ? <UnlockPanel /> : null}
  </section>;
}

interface RankFieldsProps { readonly role: Role; readonly chosen: readonly string[]; readonly spaces: readonly string[]; readonly onRole: (role: Role) => void; readonly onSpaces: (spaces: readonly string[]) => void }

function RankFields({ role, chosen, spaces, onRole, onSpaces }: RankFieldsProps) {
  return <>
    <Pick label={say.people.role} value={role} onChoose={onRole} options={roles.map((one) => ({ value: one, label: say.people.roles[one], more: say.people.roleHints[one] }))} />
    {role === 'owner' || role === 'installer' ? null : <fieldset class="field group"><legend>{say.people.spaces}</legend><span class="hint">{say.people.spacesHint}</span>
      {spaces.map((space) => <Check key={space} label={space} checked={chosen.includes(space)} onChange={(on) => onSpaces(on ? [...chosen, space] : chosen.filter((one) => one !== space))} />)}
    </fieldset>}
  </>;
}

/** Owners and members open footage. */
function isLess(account: Account, role: Role, chosen: readonly string[]): boolean {
  if (role === 'owner' || (account.role !== 'owner' && account.role !== 'member')) return false;
  return role !== account.role || account.spaces.some((space) => !chosen.includes(space));
}

const spacesFor = (role: Role, chosen: readonly string[]): string[] => role === 'owner' || role === 'installer' ? [] : [...chosen];

function InviteDialog({ spaces, onClose }: { readonly spaces: readonly string[]; readonly onClose: () => void }) {
  const held = useHeld();
  const { reader } = held;
  const [passphrase, setPassphrase] = useState('');
  const [role, setRole] = useState<Role>('member');
  const [chosen, setChosen] = useState<readonly string[]>(spaces);
  const [made, setMade] = useState<{ code: string; untilMs: number }>();
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => setMade(await ask('invite', { body: { role, spaces: spacesFor(role, chosen), ...(role === 'owner' ? { half: await halfOf(held, passphrase) } : {}) } })));
  };
  if (made === undefined) {
    return <Dialog title={say.people.invite} onClose={onClose}><form class="form" onSubmit={submit}>
      <RankFields role={role} chosen={chosen} spaces={spaces} onRole={setRole} onSpaces={setChosen} />
      {role === 'owner' ? <OnceMore why={say.people.onceMore} value={passphrase} onInput={setPassphrase} /> : null}
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy}>{say.people.make}</Button></div>
    </form></Dialog>;
  }
  const link = `${location.origin}/join#${made.code}`;
  const copy = (): void => { void navigator.clipboard.writeText(link).then(() => toast(say.common.copied), () => toast(say.common.notCopied)); };
  return <Dialog title={say.people.madeTitle} onClose={onClose}><div class="form">
    <p>{say.people.madeLead(dateClock(made.untilMs, reader))}</p>
    <Qr text={link} label={say.people.qr} />
    <Field label={say.people.link} value={link} onInput={() => {}} />
    <p class="hint">{say.people.keysNote}</p>
    <div class="buttons end"><Button icon="copy" onClick={copy}>{say.common.copy}</Button><Button kind="main" onClick={onClose}>{say.common.close}</Button></div>
  </div></Dialog>;
}

function ChangeDialog({ account, spaces, onClose }: { readonly account: Account; readonly spaces: readonly string[]; readonly onClose: () => void }) {
  const held = useHeld();
  const [role, setRole] = useState<Role>(account.role);
  const [chosen, setChosen] = useState<readonly string[]>(account.spaces);
  const [names, setNames] = useState(account.names);
  const [passphrase, setPassphrase] = useState('');
  const doing = useDoing();
  const becomesOwner = role === 'owner' && account.role !== 'owner';
  // A right of members: who becomes something else has it no longer.
  const mayName = role === 'member' && names;
  const raises = becomesOwner || (mayName && !account.names);
  const less = account.devices.length > 0 && isLess(account, role, chosen);
  const locked = less && held.device === undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (locked) return;
    void doing.run(async () => {
      // Keys decide about footage: what is taken away here is taken away there, first.
      if (less) await restrictDevices(held, account, role === 'member' ? chosen : []);
      await ask('accountChange', { id: account.id, body: { role, spaces: spacesFor(role, chosen), ...(mayName === account.names ? {} : { names: mayName }), ...(raises ? { half: await halfOf(held, passphrase) } : {}) } });
      if (less) renewSlots(held);
      toast(say.people.changed);
      onClose();
    });
  };
  return <Dialog title={say.people.changeTitle(account.name)} onClose={onClose}><form class="form" onSubmit={submit}>
    <RankFields role={role} chosen={chosen} spaces={[...new Set([...spaces, ...account.spaces])]} onRole={setRole} onSpaces={setChosen} />
    {role === 'member' ? <Check label={say.people.names} hint={say.people.namesHint} checked={names} onChange={setNames} /> : null}
    {raises ? <OnceMore why={becomesOwner ? say.people.onceMore : say.people.namesOnceMore} value={passphrase} onInput={setPassphrase} /> : null}
    {less ? <p class="hint">{say.people.narrowed}</p> : null}
    {locked ? <p class="note care">{say.people.signLocked}</p> : null}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy} disabled={locked}>{say.common.save}</Button></div>
  </form>{locked ? <UnlockPanel /> : null}</Dialog>;
}

function RemoveDialog({ account, onClose }: { readonly account: Account; readonly onClose: () => void }) {
  const held = useHeld();
  const doing = useDoing();
  const locked = held.device === undefined && account.devices.length > 0;
  const remove = (): void => {
    void doing.run(async () => {
      // The list first: an account that is gone names no devices any more.
      await restrictDevices(held, account, []);
      await ask('accountErase', { id: account.id });
      renewSlots(held);
      toast(say.people.removed);
      onClose();
    });
  };
  return <Dialog title={say.people.removeTitle(account.name)} onClose={onClose}><div class="form">
    <p>{say.people.removeLead}</p>
    {locked ? <UnlockPanel /> : null}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="risky" busy={doing.busy} disabled={locked} onClick={remove}>{say.common.remove}</Button></div>
  </div></Dialog>;
}
