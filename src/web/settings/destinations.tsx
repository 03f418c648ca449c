/** Where things may go, declared here: added, changed and taken out by a form for each kind, and their secrets, which the hub takes and never shows. Nothing goes anywhere before an owner's yes. */
import { useState } from 'preact/hooks';
import type { KindKeys, SchemaNode } from '../../policy/schemanode.ts';
import { ask } from '../api.ts';
import { useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { halfOf } from '../proving.ts';
import { entryOf, type Draft, type FormField, type SettingsChange, type Value } from '../schemaform.ts';
import { say } from '../strings.ts';
import { Button, Field, Select } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { OnceMore } from '../parts/oncemore.tsx';
import { labelOf } from '../parts/schemafield.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { ConfirmChange, SettingsForm } from './change.tsx';
import { useSettings, type Known } from './tables.tsx';

type Declared = Known['settings']['destinations'][number];
type Open = { readonly what: 'form' | 'secret' | 'remove'; readonly one: Declared } | { readonly what: 'form'; readonly one: undefined } | undefined;

/** What a household asks for first, of those that go with the kind; the rest stands behind one word. */
const usual: ReadonlySet<string> = new Set(['name', 'purpose', 'path', 'url', 'bucket', 'region', 'send', 'cameras', 'slots', 'slots_at', 'kinds', 'picture', 'topic', 'commands']);
/** Secrets that have a user or key id before them. */
const withUser: ReadonlySet<string> = new Set(['all', 'put', 'get', 'delete', 'login', 'proxy']);

/** `service`: the courier is one of systemd's, which hands it its secrets. */
export function DestinationList({ service, onChanged }: { readonly service: boolean; readonly onChanged: () => void }) {
  const { value, error, again } = useSettings();
  const cameras = useLoaded((signal) => ask('cameras', { signal }), []);
  const [open, setOpen] = useState<Open>();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const { settings: { destinations, pending } } = value;
  const close = (): void => { setOpen(undefined); again(); onChanged(); };
  return <section class="card" aria-labelledby="destinations">
    <div class="card-head"><h2 id="destinations">{say.destinations.title}</h2><Button kind="main" icon="plus" onClick={() => setOpen({ what: 'form', one: undefined })}>{say.destinations.add}</Button></div>
    <p class="muted">{say.destinations.lead}</p>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {destinations.length === 0 ? <p>{say.destinations.none}</p> : <ul class="rows">{destinations.map((one) => <li key={`${one.file} ${one.name}`}>
      <div class="grow"><b>{one.name}</b><p>{wordsOf(value, one)}</p>{one.fixed ? <p class="small muted">{say.forms.byInstaller(one.file)}</p> : null}</div>
      <div class="buttons">
        {service || kindKeys(value, kindOfEntry(one)).secrets.length === 0 ? null : <Button label={say.destinations.secretOf(one.name)} onClick={() => setOpen({ what: 'secret', one })}>{say.destinations.secret}</Button>}
        {one.fixed ? null : <><Button label={say.forms.changeOf(one.name)} onClick={() => setOpen({ what: 'form', one })}>{say.forms.change}</Button>
          <Button kind="risky" label={say.rules.removeOf(one.name)} onClick={() => setOpen({ what: 'remove', one })}>{say.common.remove}</Button></>}
      </div>
    </li>)}</ul>}
    {service ? <p class="small muted">{say.destinations.service}</p> : null}
    {pending.filter(({ key }) => key === 'destination').map(({ id, text }) => <p class="note care" key={id}>{hubWords(text)}</p>)}
    {open?.what === 'form' ? <DestinationForm known={value} one={open.one} cameras={cameras.value?.cameras.map(({ camera }) => camera) ?? []} onClose={close} /> : null}
    {open?.what === 'secret' ? <SecretForm name={open.one.name} secrets={kindKeys(value, kindOfEntry(open.one)).secrets} onClose={close} /> : null}
    {open?.what === 'remove' ? <ConfirmChange title={say.rules.removeTitle(open.one.name)} lead={say.destinations.removeLead} risky change={{ destination: { out: { name: open.one.name } } }} onClose={close} /> : null}
  </section>;
}

function tableOf({ schema }: Known): SchemaNode {
  return schema.properties?.['destination'] ?? {};
}

function kindKeys(known: Known, kind: string): KindKeys {
  return tableOf(known)['x-kinds']?.[kind] ?? { needs: [], may: [], secrets: [] };
}

function kindOfEntry({ values }: Declared): string {
  return String(values['kind']);
}

function kindInWords(known: Known, kind: string): string {
  const node = tableOf(known).items?.properties?.['kind'];
  return node === undefined ? kind : labelOf(node, kind);
}

function wordsOf(known: Known, one: Declared): string {
  const place = one.values['path'] ?? one.values['url'];
  return [kindInWords(known, kindOfEntry(one)), ...(typeof place === 'string' ? [place] : []), String(one.values['purpose'] ?? '')].join(' · ');
}

/** Which kinds it goes with is said by its being there. */
function withoutKinds(node: SchemaNode): SchemaNode {
  const text = (node.description ?? '').replace(/^(?:All but )?"\w+"(?:(?:,| and) "\w+")*: /, '');
  return { ...node, description: `${text.slice(0, 1).toUpperCase()}${text.slice(1)}` };
}

function DestinationForm({ known, one, cameras, onClose }: { readonly known: Known; readonly one: Declared | undefined; readonly cameras: readonly string[]; readonly onClose: () => void }) {
  const kinds = Object.keys(tableOf(known)['x-kinds'] ?? {});
  const [kind, setKind] = useState(one === undefined ? kinds[0] ?? '' : kindOfEntry(one));
  const nodes = tableOf(known).items?.properties ?? {};
  const { needs, may } = kindKeys(known, kind);
  // Its name is the name of its secrets, and of what lies there: another name is another destination.
  const keys = [...(one === undefined ? ['name'] : []), 'purpose', ...needs, ...may];
  const inOrder = [...keys.filter((key) => usual.has(key)), ...keys.filter((key) => !usual.has(key))];
  const fields: readonly FormField[] = inOrder.flatMap((key) => (nodes[key] === undefined ? [] : [{ key, node: withoutKinds(nodes[key]), value: one?.values[key] as Value | undefined }]));
  const stores = known.settings.destinations.filter((other) => kindKeys(known, kindOfEntry(other)).may.includes('slots')).map(({ name }) => name);
  const changeOf = (changed: NonNullable<SettingsChange['keys']>, drafts: ReadonlyMap<string, Draft>): SettingsChange | undefined => {
    if (one !== undefined && changed.length === 0) return undefined;
    const now = entryOf(fields, drafts);
    return { destination: { ...(one === undefined ? {} : { out: { name: one.name } }), in: { ...now, kind, name: one?.name ?? now['name'] ?? '' } } };
  };
  return <SettingsForm
    title={one === undefined ? say.destinations.add : say.rules.changeTitle(one.name)} lead={say.destinations.formLead} fields={fields} aside={new Set(inOrder.filter((key) => !usual.has(key)))}
    spaces={known.settings.spaces} among={{ cameras, ...(stores.length === 0 ? {} : { slots_at: ['', ...stores] }) }} onClose={onClose} changeOf={changeOf}
    before={one === undefined ? <Select label={say.destinations.kind} value={kind} onChoose={setKind} options={kinds.map((value) => ({ value, label: kindInWords(known, value) }))} /> : undefined}
  />;
}

function SecretForm({ name, secrets, onClose }: { readonly name: string; readonly secrets: readonly string[]; readonly onClose: () => void }) {
  const held = useHeld();
  const [which, setWhich] = useState(secrets[0] ?? '');
  const [user, setUser] = useState('');
  const [secret, setSecret] = useState('');
  const [passphrase, setPassphrase] = useState('');
  const doing = useDoing();
  const save = (): void => {
    void doing.run(async () => {
      await ask('destinationSecret', { body: { destination: name, secret: which, text: withUser.has(which) && user.trim() !== '' ? `${user.trim()}\n${secret.trim()}` : secret.trim(), half: await halfOf(held, passphrase) } });
      toast(say.common.saved);
      onClose();
    });
  };
  return <Dialog title={say.destinations.secretOf(name)} onClose={onClose}>
    <form class="form" onSubmit={(event) => { event.preventDefault(); save(); }}>
      <p class="muted">{say.destinations.secretLead}</p>
      <Select label={say.destinations.which} value={which} onChoose={setWhich} options={secrets.map((value) => ({ value, label: say.destinations.secrets[value] ?? value }))} />
      {withUser.has(which) ? <Field label={say.destinations.user} hint={say.destinations.userHint} value={user} onInput={setUser} autocomplete="off" maxLength={2000} /> : null}
      <Field label={say.destinations.secretWord} type="password" value={secret} onInput={setSecret} autocomplete="off" maxLength={2000} required />
      <OnceMore why={say.destinations.onceMore} value={passphrase} onInput={setPassphrase} />
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy}>{say.common.save}</Button></div>
    </form>
  </Dialog>;
}
