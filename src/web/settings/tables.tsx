/** Tables of the configuration, each a card: what is set, where, and what waits; with a form for what may be set here. */
import { useState } from 'preact/hooks';
import type { SchemaNode } from '../../policy/schemanode.ts';
import { ask } from '../api.ts';
import { fieldsOf, type FormField, type Settings } from '../schemaform.ts';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import { Button } from '../parts/controls.tsx';
import { useLoaded, type Loaded } from '../parts/loaded.ts';
import { valueInWords } from '../parts/schemafield.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { SettingsForm } from './change.tsx';

export interface Known { readonly schema: SchemaNode; readonly settings: Settings }

const refreshMs = 15_000;

let asked: Promise<SchemaNode> | undefined;

/** Asked for once: it is the hub's own, and as long as the hub is the same, so is it. */
function settingsSchema(): Promise<SchemaNode> {
  asked ??= ask('settingsSchema', {}).catch((error: unknown) => {
    asked = undefined;
    throw error;
  });
  return asked;
}

export function useSettings(): Loaded<Known> {
  return useLoaded(async (signal) => {
    const [schema, settings] = await Promise.all([settingsSchema(), ask('settings', { signal })]);
    return { schema, settings };
  }, [], refreshMs);
}

/** '': what stands before the first table. */
export function SettingsTables({ tables }: { readonly tables: readonly string[] }) {
  const { value, error, again } = useSettings();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  return <>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {value.settings.restart.length === 0 ? null : <div class="note care"><b>{say.forms.afterStart}</b>{value.settings.restart.map((text) => <p key={text}>{hubWords(text)}</p>)}</div>}
    {tables.map((table) => <TableCard key={table} table={table} known={value} onChanged={again} />)}
  </>;
}

export function TableCard({ table, known: { schema, settings }, onChanged }: { readonly table: string; readonly known: Known; readonly onChanged: () => void }) {
  const [changing, setChanging] = useState(false);
  const fields = fieldsOf(schema, table, settings);
  const open = fields.filter(({ key }) => settings.keys.find((one) => one.key === key)?.fixed === false);
  const title = table === '' ? say.forms.hub : schema.properties?.[table]?.title ?? table;
  return <section class="card" aria-labelledby={`table-${table}`}>
    <div class="card-head"><h2 id={`table-${table}`}>{title}</h2>{open.length === 0 ? null : <Button label={say.forms.changeOf(title)} onClick={() => setChanging(true)}>{say.forms.change}</Button>}</div>
    {table === '' ? null : <p class="muted">{(schema.properties?.[table]?.description ?? '').replaceAll('`', '')}</p>}
    <dl class="facts">{fields.map((field) => <SettingFact key={field.key} field={field} settings={settings} />)}</dl>
    {changing ? <SettingsForm title={title} fields={open} spaces={settings.spaces} changeOf={(keys) => (keys.length === 0 ? undefined : { keys })} onClose={() => { setChanging(false); onChanged(); }} /> : null}
  </section>;
}

function SettingFact({ field: { key, node, value }, settings }: { readonly field: FormField; readonly settings: Settings }) {
  const standing = settings.keys.find((one) => one.key === key);
  const waiting = settings.pending.find((pending) => pending.key === key && pending.camera === undefined);
  return <div><dt>{node.title ?? key}</dt><dd>
    {valueInWords(node, value)}
    {waiting === undefined ? null : <p class="small warn">{say.forms.waitingNow(waiting.from)}</p>}
    {standing?.fixed !== true ? null : <p class="small muted">{node['x-file'] === true ? say.forms.filesOnly(standing.file) : say.forms.byInstaller(standing.file ?? '')}</p>}
  </dd></div>;
}
