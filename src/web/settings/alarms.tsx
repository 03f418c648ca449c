/** Alarms: the rules by which observations are kept, tried against the last day; and the zones and masks that they go by, drawn on a picture. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { weekdayClock } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { entryOf, type Draft, type FormField, type SettingsChange, type Value } from '../schemaform.ts';
import { say } from '../strings.ts';
import { firstCorners, type Corner } from '../zonedraft.ts';
import { Button, Check, Field, Select } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Loading, Problem } from '../parts/states.tsx';
import { ZoneEditor } from '../parts/zoneeditor.tsx';
import { ConfirmChange, PlanDialog, SettingsForm, usePlanning } from './change.tsx';
import { useSettings, type Known } from './tables.tsx';

type Rule = Known['settings']['alarms'][number];
type Zone = Known['settings']['zones'][number];
type BareRule = NonNullable<NonNullable<SettingsChange['alarm']>['in']>;
type Plan = PageReplyOf<'settingsPlan'>;
type Open = { readonly what: 'rule'; readonly rule: Rule | undefined } | { readonly what: 'zone'; readonly zone: Zone | undefined } | { readonly what: 'remove'; readonly change: SettingsChange; readonly title: string; readonly lead: string } | { readonly what: 'test'; readonly rule: Rule } | undefined;

export function AlarmSettings() {
  const held = useHeld();
  const { value, error, again } = useSettings();
  const cameras = useLoaded((signal) => ask('cameras', { signal }), []);
  const [open, setOpen] = useState<Open>();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const { settings: { alarms, zones, pending } } = value;
  const close = (): void => { setOpen(undefined); again(); };
  const waiting = pending.filter(({ key }) => key === 'alarm');
  const drawable = (cameras.value?.cameras ?? []).filter(({ rights }) => rights.includes('live'));
  const nameOf = (camera: string): string => cameras.value?.cameras.find((one) => one.camera === camera)?.name ?? camera;
  return <div class="stack">
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    <section class="card" aria-labelledby="rules">
      <div class="card-head"><h2 id="rules">{say.rules.title}</h2><Button kind="main" icon="plus" onClick={() => setOpen({ what: 'rule', rule: undefined })}>{say.rules.add}</Button></div>
      <p class="muted">{say.rules.lead}</p>
      {alarms.length === 0 ? <p>{say.rules.none}</p> : <ul class="rows">{alarms.map((rule) => <li key={`${rule.file} ${rule.name}`}>
        <div class="grow"><b>{rule.name}</b>{rule.enabled === false ? <> <span class="badge">{say.rules.off}</span></> : null}<p>{wordsOf(rule)}</p>{rule.fixed ? <p class="small muted">{say.forms.byInstaller(rule.file)}</p> : null}</div>
        <div class="buttons">
          <Button label={say.rules.testOf(rule.name)} onClick={() => setOpen({ what: 'test', rule })}>{say.rules.try}</Button>
          {rule.fixed ? null : <><Button label={say.forms.changeOf(rule.name)} onClick={() => setOpen({ what: 'rule', rule })}>{say.forms.change}</Button>
            <Button kind="risky" label={say.rules.removeOf(rule.name)} onClick={() => setOpen({ what: 'remove', change: { alarm: { out: { name: rule.name } } }, title: say.rules.removeTitle(rule.name), lead: say.rules.removeLead })}>{say.common.remove}</Button></>}
        </div>
      </li>)}</ul>}
      {waiting.map(({ id, text }) => <p class="note care" key={id}>{hubWords(text)}</p>)}
    </section>
    <section class="card" aria-labelledby="zones">
      <div class="card-head"><h2 id="zones">{say.zones.title}</h2>{drawable.length === 0 || !has(held, 'live') ? null : <Button kind="main" icon="plus" onClick={() => setOpen({ what: 'zone', zone: undefined })}>{say.zones.add}</Button>}</div>
      <p class="muted">{say.zones.lead}</p>
      {zones.length === 0 ? <p>{say.zones.none}</p> : <ul class="rows">{zones.map((zone) => <li key={`${zone.file} ${zone.camera} ${zone.name}`}>
        <div class="grow"><b>{zone.name}</b><p>{say.zones.words(nameOf(zone.camera), zone.mask === true, zone.points.length)}</p>{zone.fixed ? <p class="small muted">{say.forms.byInstaller(zone.file)}</p> : null}</div>
        {zone.fixed ? null : <div class="buttons">
          {drawable.some(({ camera }) => camera === zone.camera) ? <Button label={say.forms.changeOf(zone.name)} onClick={() => setOpen({ what: 'zone', zone })}>{say.forms.change}</Button> : null}
          <Button kind="risky" label={say.rules.removeOf(zone.name)} onClick={() => setOpen({ what: 'remove', change: { zone: { out: { camera: zone.camera, name: zone.name } } }, title: say.zones.removeTitle(zone.name), lead: say.zones.removeLead })}>{say.common.remove}</Button>
        </div>}
      </li>)}</ul>}
    </section>
    {open?.what === 'rule' ? <RuleForm known={value} rule={open.rule} cameras={cameras.value?.cameras.map(({ camera }) => camera) ?? []} onClose={close} /> : null}
    {open?.what === 'zone' ? <ZoneForm known={value} zone={open.zone} cameras={drawable.map(({ camera, name }) => ({ value: camera, label: name }))} onClose={close} /> : null}
    {open?.what === 'remove' ? <ConfirmChange title={open.title} lead={open.lead} risky change={open.change} onClose={close} /> : null}
    {open?.what === 'test' ? <Dialog title={say.rules.testOf(open.rule.name)} onClose={close}><RuleTest rule={open.rule.name} change={() => undefined} /></Dialog> : null}
  </div>;
}

function wordsOf({ kinds, cameras, spaces, zones, size_least: least, size_most: most, days, from, to, keep }: Rule): string {
  const where = cameras !== undefined ? say.list(cameras) : spaces !== undefined ? say.list(spaces.map((space) => say.privacy.space(space))) : say.rules.everywhere;
  return [
    say.rules.words(say.list(kinds.map((kind) => say.observation[kind] ?? kind)), where), ...(zones === undefined ? [] : [say.rules.in(say.list(zones))]), ...(least === undefined && most === undefined ? [] : [say.rules.size(least, most)]),
    ...(days === undefined && from === undefined && to === undefined ? [] : [say.schedule.times(days ?? Object.keys(say.forms.days), say.forms.sun[from ?? ''] ?? from ?? '00:00', say.forms.sun[to ?? ''] ?? to ?? '00:00')]),
    ...(keep === undefined ? [] : [say.rules.keeps(keep)]),
  ].join(' · ');
}

function RuleForm({ known: { schema, settings }, rule, cameras, onClose }: { readonly known: Known; readonly rule: Rule | undefined; readonly cameras: readonly string[]; readonly onClose: () => void }) {
  const nodes = Object.entries(schema.properties?.['alarm']?.items?.properties ?? {});
  const first: Partial<BareRule> = rule ?? { kinds: ['person'] };
  const fields: readonly FormField[] = nodes.map(([key, node]) => ({ key, node, value: first[key as keyof BareRule] as Value | undefined }));
  const among: Readonly<Record<string, readonly string[]>> = { cameras, spaces: settings.spaces, zones: [...new Set(settings.zones.filter(({ mask }) => mask !== true).map(({ name }) => name))] };
  const changeOf = (keys: NonNullable<SettingsChange['keys']>, drafts: ReadonlyMap<string, Draft>): SettingsChange | undefined => {
    if (rule !== undefined && keys.length === 0) return undefined;
    const now = entryOf(fields, drafts) as unknown as BareRule;
    return { alarm: { ...(rule === undefined ? {} : { out: { name: rule.name } }), in: { ...now, name: now.name ?? '' } } };
  };
  return <SettingsForm
    title={rule === undefined ? say.rules.add : say.rules.changeTitle(rule.name)} fields={fields} spaces={settings.spaces} among={among} onClose={onClose} changeOf={changeOf}
    beside={(keys, drafts) => <RuleTest rule={String(drafts.get('name') ?? first.name ?? '')} change={() => changeOf(keys, drafts)} titleOf={(key) => fields.find((field) => field.key === key)?.node.title} />}
  />;
}

type Tested = PageReplyOf<'alarmTest'>;
const toldMax = 5;

/** What the rule, as it stands in the form, would have made of the last day. */
function RuleTest({ rule, change, titleOf }: { readonly rule: string; readonly change: () => SettingsChange | undefined; readonly titleOf?: (key: string) => string | undefined }) {
  const { reader } = useHeld();
  const [tested, setTested] = useState<Tested>();
  const [problems, setProblems] = useState<Plan['problems']>([]);
  const doing = useDoing();
  const test = (): void => {
    void doing.run(async () => {
      const asked = change();
      const wrong = asked === undefined ? [] : (await ask('settingsPlan', { body: asked })).problems;
      setProblems(wrong);
      setTested(wrong.length > 0 ? undefined : await ask('alarmTest', { body: { rule, ...(asked === undefined ? {} : { change: asked }) } }));
    });
  };
  const wrong = ({ key, text, hint }: Plan['problems'][number]): string => {
    const title = key === undefined ? undefined : titleOf?.(key);
    return title === undefined ? hubWords(text) : say.rules.wrong(title, text, hint);
  };
  return <div class="note" aria-live="polite">
    <b>{say.rules.test}</b>
    {tested === undefined ? <p class="small">{say.rules.testLead}</p> : <><p>{say.rules.rang(tested.alarms, tested.observations)}</p>
      {tested.visits.length === 0 ? null : <ul class="small">{tested.visits.slice(-toldMax).map(({ camera, kind, fromMs }) => <li key={`${camera} ${kind} ${fromMs}`}>{say.rules.at(weekdayClock(fromMs, reader), say.observation[kind] ?? kind, camera)}</li>)}</ul>}
      {tested.unplaced === 0 ? null : <p class="small">{say.rules.unplaced(tested.unplaced)}</p>}</>}
    {problems.map((problem) => <p class="danger" key={`${problem.key ?? ''} ${problem.text}`}>{wrong(problem)}</p>)}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons"><Button busy={doing.busy} onClick={test}>{say.rules.testNow}</Button></div>
  </div>;
}

function ZoneForm({ known: { settings }, zone, cameras, onClose }: { readonly known: Known; readonly zone: Zone | undefined; readonly cameras: readonly { readonly value: string; readonly label: string }[]; readonly onClose: () => void }) {
  const [camera, setCamera] = useState(zone?.camera ?? cameras[0]?.value ?? '');
  const [name, setName] = useState(zone?.name ?? '');
  const [mask, setMask] = useState(zone?.mask ?? false);
  const [corners, setCorners] = useState<readonly Corner[]>(() => zone?.points.map(cornerOf) ?? firstCorners);
  const planning = usePlanning();
  // The same picture while it is drawn on.
  const turn = useRef(Date.now());
  useEffect(() => planning.touch(), [camera, name, mask, corners]);
  const look = (): void => planning.look({ zone: { ...(zone === undefined ? {} : { out: { camera: zone.camera, name: zone.name } }), in: { camera, name, ...(mask ? { mask } : {}), points: corners.map(([x, y]) => [x, y]) } } });
  const wrongName = planning.problems.find(({ key }) => key === 'name');
  const others = settings.zones.filter((one) => one.camera === camera && !(one.camera === zone?.camera && one.name === zone.name)).map((one) => ({ name: one.name, mask: one.mask === true, corners: one.points.map(cornerOf) }));
  return <PlanDialog title={zone === undefined ? say.zones.add : say.zones.changeTitle(zone.name)} wide planning={planning} problems={planning.problems.filter((problem) => problem !== wrongName)} onLook={look} onClose={onClose}>
    <div class="two">
      <Field label={say.zones.name} hint={say.zones.nameHint} value={name} onInput={setName} maxLength={40} required wrong={wrongName === undefined ? undefined : say.forms.wrong(wrongName.text, wrongName.hint)} />
      {zone === undefined ? <Select label={say.common.camera} value={camera} onChoose={setCamera} options={cameras} /> : null}
    </div>
    <Check label={say.zones.mask} hint={say.zones.maskHint} checked={mask} onChange={setMask} />
    <ZoneEditor key={camera} picture={`/api/v1/stills/${encodeURIComponent(camera)}?${turn.current}`} name={name} mask={mask} corners={corners} others={others} onCorners={setCorners} />
  </PlanDialog>;
}

function cornerOf([x = 0, y = 0]: readonly number[]): Corner {
  return [x, y];
}
