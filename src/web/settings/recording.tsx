/** When cameras are recorded: rules in the order in which they count, each of cameras or spaces, a time of the week, and how much. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { entryOf, type Draft, type FormField, type SettingsChange, type Value } from '../schemaform.ts';
import { say } from '../strings.ts';
import { Button } from '../parts/controls.tsx';
import { useLoaded } from '../parts/loaded.ts';
import { labelOf } from '../parts/schemafield.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { ConfirmChange, SettingsForm } from './change.tsx';
import { useSettings, type Known } from './tables.tsx';

type Rule = Known['settings']['recordings'][number];
type Bare = NonNullable<NonNullable<SettingsChange['recording']>['in']>;
type Open = { readonly kind: 'add' } | { readonly kind: 'change' | 'remove' | 'earlier'; readonly rule: Rule } | undefined;

export function RecordingSettings() {
  const { value, error, again } = useSettings();
  const [open, setOpen] = useState<Open>();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const { schema, settings: { recordings } } = value;
  const close = (): void => { setOpen(undefined); again(); };
  const ours = recordings.filter(({ fixed }) => !fixed);
  return <section class="card" aria-labelledby="recordings">
    <div class="card-head"><h2 id="recordings">{say.recordings.title}</h2><Button kind="main" icon="plus" onClick={() => setOpen({ kind: 'add' })}>{say.recordings.add}</Button></div>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    <p class="muted">{say.recordings.lead}</p>
    {recordings.length === 0 ? <p>{say.recordings.none}</p> : <ol class="rows">{recordings.map((rule) => <li key={`${rule.file} ${wordsOf(rule)}`}>
      <div class="grow"><b>{modeOf(rule, schema)}</b><p>{wordsOf(rule)}</p>{rule.fixed ? <p class="small muted">{say.forms.byInstaller(rule.file)}</p> : null}</div>
      {rule.fixed ? null : <div class="buttons">
        {rule === ours[0] ? null : <Button label={say.recordings.earlierOf(wordsOf(rule))} onClick={() => setOpen({ kind: 'earlier', rule })}>{say.recordings.earlier}</Button>}
        <Button label={say.recordings.changeOf(wordsOf(rule))} onClick={() => setOpen({ kind: 'change', rule })}>{say.forms.change}</Button>
        <Button kind="risky" label={say.recordings.removeOf(wordsOf(rule))} onClick={() => setOpen({ kind: 'remove', rule })}>{say.common.remove}</Button>
      </div>}
    </li>)}</ol>}
    {open === undefined ? null
      : open.kind === 'remove' ? <ConfirmChange title={say.recordings.removeTitle} risky change={{ recording: { out: bare(open.rule) } }} onClose={close} />
        : open.kind === 'earlier' ? <ConfirmChange title={say.recordings.earlierTitle} change={{ recording: { out: bare(open.rule), in: bare(open.rule), at: Math.max(0, ours.indexOf(open.rule) - 1) } }} onClose={close} />
          : <RuleForm known={value} rule={open.kind === 'change' ? open.rule : undefined} onClose={close} />}
  </section>;
}

function RuleForm({ known: { schema, settings }, rule, onClose }: { readonly known: Known; readonly rule: Rule | undefined; readonly onClose: () => void }) {
  const cameras = useLoaded((signal) => ask('cameras', { signal }), []);
  const nodes = Object.entries(nodesOf(schema));
  const first: Bare = rule ?? { mode: 'alarms' };
  // How much stands before when, as it is said.
  const fields: readonly FormField[] = [...nodes.filter(([key]) => key === 'mode'), ...nodes.filter(([key]) => key !== 'mode')].map(([key, node]) => ({ key, node, value: first[key as keyof Bare] as Value | undefined }));
  return <SettingsForm
    title={rule === undefined ? say.recordings.add : say.recordings.changeTitle} lead={say.recordings.formLead} fields={fields} spaces={settings.spaces}
    among={{ cameras: cameras.value?.cameras.map(({ camera }) => camera) ?? [], spaces: settings.spaces }} onClose={onClose}
    changeOf={(keys, drafts: ReadonlyMap<string, Draft>) => (rule !== undefined && keys.length === 0 ? undefined : { recording: { ...(rule === undefined ? {} : { out: bare(rule) }), in: entryOf(fields, drafts) as unknown as Bare } })}
  />;
}

function nodesOf(schema: Known['schema']): NonNullable<Known['schema']['properties']> {
  return schema.properties?.['recording']?.items?.properties ?? {};
}

function modeOf({ mode }: Rule, schema: Known['schema']): string {
  const node = nodesOf(schema)['mode'];
  return node === undefined ? mode : labelOf(node, mode);
}

function bare(rule: Rule): Bare {
  const { file: _file, fixed: _fixed, ...bare } = rule;
  return bare;
}

function wordsOf({ cameras, spaces, days, from, to }: Rule): string {
  const where = cameras !== undefined ? say.list(cameras) : spaces !== undefined ? say.list(spaces.map((space) => say.privacy.space(space))) : say.recordings.everywhere;
  if (days === undefined && from === undefined && to === undefined) return say.recordings.words(where, say.recordings.always);
  return say.recordings.words(where, say.schedule.times(days ?? Object.keys(say.forms.days), say.forms.sun[from ?? ''] ?? from ?? '00:00', say.forms.sun[to ?? ''] ?? to ?? '00:00'));
}
