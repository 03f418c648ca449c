/** When spaces are private by themselves: times that come at once, and go or change with an owner's yes; and where the hub is, for those that go by the sun. */
import { useState } from 'preact/hooks';
import { draftOf, valueOf, type FormField, type SettingsChange } from '../schemaform.ts';
import { say } from '../strings.ts';
import { Button } from '../parts/controls.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { ConfirmChange, SettingsForm } from './change.tsx';
import { TableCard, useSettings, type Known } from './tables.tsx';

type Rule = Known['settings']['privacy'][number];
type Bare = NonNullable<NonNullable<SettingsChange['privacy']>['out']>;
type Open = { readonly kind: 'add' } | { readonly kind: 'change' | 'remove'; readonly rule: Rule } | undefined;

export function ScheduleSettings() {
  const { value, error, again } = useSettings();
  const [open, setOpen] = useState<Open>();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const { settings } = value;
  const close = (): void => { setOpen(undefined); again(); };
  const going = settings.pending.filter(({ key }) => key === 'privacy');
  return <>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    <section class="card" aria-labelledby="schedule">
      <div class="card-head"><h2 id="schedule">{say.schedule.title}</h2><Button kind="main" icon="plus" onClick={() => setOpen({ kind: 'add' })}>{say.schedule.add}</Button></div>
      <p class="muted">{say.schedule.lead}</p>
      {settings.privacy.length === 0 ? <p>{say.schedule.none}</p> : <ul class="rows">{settings.privacy.map((rule) => <li key={wordsOf(rule)}>
        <div class="grow"><b>{say.privacy.space(rule.space)}</b><p>{wordsOf(rule)}</p>{rule.fixed ? <p class="small muted">{say.forms.byInstaller(rule.file)}</p> : null}</div>
        {rule.fixed ? null : <div class="buttons"><Button label={say.schedule.changeOf(rule.space, wordsOf(rule))} onClick={() => setOpen({ kind: 'change', rule })}>{say.forms.change}</Button><Button kind="risky" label={say.schedule.removeOf(rule.space, wordsOf(rule))} onClick={() => setOpen({ kind: 'remove', rule })}>{say.common.remove}</Button></div>}
      </li>)}</ul>}
      {going.map(({ id, from }) => <p class="note care" key={id}>{say.schedule.goes(from)}</p>)}
    </section>
    <TableCard table="place" known={value} onChanged={again} />
    {open === undefined ? null : open.kind === 'remove' ? <ConfirmChange title={say.schedule.removeTitle} lead={say.schedule.removeLead} risky change={{ privacy: { out: bare(open.rule) } }} onClose={close} />
      : <RuleForm known={value} rule={open.kind === 'change' ? open.rule : undefined} onClose={close} />}
  </>;
}

function RuleForm({ known: { schema, settings }, rule, onClose }: { readonly known: Known; readonly rule: Rule | undefined; readonly onClose: () => void }) {
  const nodes = Object.entries(schema.properties?.['privacy']?.items?.properties ?? {});
  const first: Bare = rule === undefined ? { space: settings.spaces.includes('home') ? 'home' : settings.spaces[0] ?? 'home', days: [], from: '22:00', to: '06:00' } : bare(rule);
  const fields: readonly FormField[] = nodes.map(([key, node]) => ({ key, node, value: rule === undefined && key === 'days' ? undefined : first[key as keyof Bare] }));
  return <SettingsForm title={rule === undefined ? say.schedule.add : say.schedule.changeTitle} lead={rule === undefined ? undefined : say.schedule.changeLead} fields={fields} spaces={settings.spaces} onClose={onClose}
    changeOf={(keys, drafts) => {
      if (rule !== undefined && keys.length === 0) return undefined;
      const now = Object.fromEntries(fields.map((field) => [field.key, valueOf(field.node, drafts.get(field.key) ?? draftOf(field)) ?? ''])) as unknown as Bare;
      return { privacy: { ...(rule === undefined ? {} : { out: bare(rule) }), in: now } };
    }} />;
}

function bare({ space, days, from, to }: Rule): Bare {
  return { space, days, from, to };
}

function wordsOf({ days, from, to }: Rule): string {
  return say.schedule.times(days, say.forms.sun[from] ?? from, say.forms.sun[to] ?? to);
}
