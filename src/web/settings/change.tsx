/**
 * Changing settings, always in the same steps: the fields; what the change will do and destroy, in the hub's words, before anything is saved;
 * for what destroys, the passphrase once more; and, for what lowers privacy, the owner's yes, signed by this device.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { approve, type Pending } from '../approving.ts';
import { has, useHeld } from '../held.tsx';
import { halfOf } from '../proving.ts';
import { changedKeys, draftOf, kindOf, type Draft, type FormField, type SettingsChange } from '../schemaform.ts';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { Button } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useDoing } from '../parts/loaded.ts';
import { OnceMore } from '../parts/oncemore.tsx';
import { Prose } from '../parts/prose.tsx';
import { SchemaField } from '../parts/schemafield.tsx';
import { Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';

type Plan = PageReplyOf<'settingsPlan'>;

interface FormProps {
  readonly title: string;
  readonly fields: readonly FormField[];
  readonly spaces: readonly string[];
  /** Undefined where nothing was changed. */
  readonly changeOf: (keys: NonNullable<SettingsChange['keys']>, drafts: ReadonlyMap<string, Draft>) => SettingsChange | undefined;
  readonly lead?: string | undefined;
  /** What a list of names may hold, by key. */
  readonly among?: Readonly<Record<string, readonly string[]>>;
  /** Stands before the fields, and may say which there are. */
  readonly before?: ComponentChildren;
  /** Fields that are rarely needed, by key: they stand last, folded up. */
  readonly aside?: ReadonlySet<string>;
  /** Something that goes by what is typed. */
  readonly beside?: (keys: NonNullable<SettingsChange['keys']>, drafts: ReadonlyMap<string, Draft>) => ComponentChildren;
  readonly onClose: () => void;
}

interface Planning {
  /** What was found out, once it would change something. */
  readonly planned: { readonly change: SettingsChange; readonly plan: Plan } | undefined;
  readonly problems: Plan['problems'];
  readonly nothing: boolean;
  /** How often the hub has answered. */
  readonly answers: number;
  readonly doing: ReturnType<typeof useDoing>;
  /** Asks the hub; undefined: nothing was changed. */
  readonly look: (change: SettingsChange | undefined) => void;
  /** Something was changed: of that key, or all that was found out, is not known any more. */
  readonly touch: (key?: string) => void;
  readonly back: () => void;
}

/** A change while it is put together: what the hub says that it would do, and what is wrong with it. */
export function usePlanning(): Planning {
  const [planned, setPlanned] = useState<Planning['planned']>();
  const [problems, setProblems] = useState<Plan['problems']>([]);
  const [nothing, setNothing] = useState(false);
  const [answers, setAnswers] = useState(0);
  const doing = useDoing();
  const look = (change: SettingsChange | undefined): void => {
    setNothing(change === undefined);
    if (change === undefined) return;
    void doing.run(async () => {
      const plan = await ask('settingsPlan', { body: change });
      setProblems(plan.problems);
      setAnswers((n) => n + 1);
      setNothing(plan.problems.length === 0 && plan.changes.length === 0);
      if (plan.changes.length > 0) setPlanned({ change, plan });
    });
  };
  const touch = (key?: string): void => {
    setNothing(false);
    setProblems((before) => (key === undefined ? [] : before.filter((one) => one.key !== key)));
  };
  return { planned, problems, nothing, answers, doing, look, touch, back: () => setPlanned(undefined) };
}

interface DialogProps {
  readonly title: string;
  readonly wide?: boolean;
  readonly planning: Planning;
  /** Those that no field shows. */
  readonly problems: Plan['problems'];
  readonly onLook: () => void;
  readonly onClose: () => void;
  /** The fields. */
  readonly children: ComponentChildren;
}

/** Fields; then what they would change, and the yes to it. */
export function PlanDialog({ title, wide = false, planning: { planned, nothing, answers, doing, back }, problems, onLook, onClose, children }: DialogProps) {
  const form = useRef<HTMLFormElement>(null);
  // Once for each answer of the hub, not while one is mended after the other.
  useEffect(() => { form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(); }, [answers]);
  return <Dialog title={title} onClose={onClose} wide={wide}>
    {planned === undefined ? <form class="form" ref={form} onSubmit={(event) => { event.preventDefault(); onLook(); }} noValidate>
      {children}
      {problems.map((problem) => <div class="note bad" role="alert" key={problem.text}><p>{hubWords(problem.text)}</p><p class="small"><Prose>{problem.hint}</Prose></p></div>)}
      {nothing ? <p class="note" role="status">{say.forms.nothing}</p> : null}
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy}>{say.forms.look}</Button></div>
    </form> : <Confirm {...planned} onBack={back} onDone={onClose} />}
  </Dialog>;
}

/** A form for some keys. */
export function SettingsForm({ title, fields, spaces, changeOf, lead, among = {}, before, aside, beside, onClose }: FormProps) {
  const [drafts, setDrafts] = useState<ReadonlyMap<string, Draft>>(new Map());
  const planning = usePlanning();
  const { problems } = planning;
  const nameOf = (key: string): string => key.split('.').at(-1) ?? key;
  const wrongOf = ({ key, node }: FormField): string | undefined => {
    const problem = problems.find((one) => one.key === key);
    // How a file writes a list of days helps nobody who ticks them.
    return problem === undefined ? undefined : say.forms.wrong(problem.text, kindOf(node) === 'days' ? '' : problem.hint);
  };
  // Other fields: what was found wrong was about those that stood there.
  useEffect(() => planning.touch(), [fields.map(({ key }) => key).join(' ')]);
  const shown = (field: FormField): ComponentChildren => <SchemaField key={field.key} node={field.node} draft={drafts.get(field.key) ?? draftOf(field)} wrong={wrongOf(field)} among={nameOf(field.key) === 'space' ? spaces : among[field.key]}
    onDraft={(draft) => { planning.touch(field.key); setDrafts((was) => new Map([...was, [field.key, draft]])); }} />;
  const folded = fields.filter(({ key }) => aside?.has(key) === true);
  return <PlanDialog title={title} planning={planning} problems={problems.filter(({ key }) => !fields.some((field) => field.key === key))} onLook={() => planning.look(changeOf(changedKeys(fields, drafts), drafts))} onClose={onClose}>
    {lead === undefined ? null : <p class="muted">{lead}</p>}
    {before}
    {fields.filter((field) => !folded.includes(field)).map(shown)}
    {folded.length === 0 ? null : <details class="folded" open={folded.some((field) => wrongOf(field) !== undefined)}><summary>{say.forms.more}</summary><div class="form">{folded.map(shown)}</div></details>}
    {beside?.(changedKeys(fields, drafts), drafts)}
  </PlanDialog>;
}

/** A change that has no fields: something is taken out. */
export function ConfirmChange({ title, lead, change, risky = false, onClose }: { readonly title: string; readonly lead?: string; readonly change: SettingsChange; readonly risky?: boolean; readonly onClose: () => void }) {
  const [plan, setPlan] = useState<Plan>();
  const doing = useDoing();
  useEffect(() => { void doing.run(async () => setPlan(await ask('settingsPlan', { body: change }))); }, []);
  return <Dialog title={title} onClose={onClose}>
    {lead === undefined ? null : <p>{lead}</p>}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {plan === undefined ? null : plan.problems.length > 0 ? <div class="note bad" role="alert">{plan.problems.map((problem) => <p key={problem.text}>{hubWords(problem.text)}</p>)}</div>
      : <Confirm change={change} plan={plan} risky={risky} onBack={onClose} onDone={onClose} />}
  </Dialog>;
}

/** What will change; then it is saved, where that destroys something with the passphrase once more, and what waits may be signed at once. */
function Confirm({ change, plan, risky = false, onBack, onDone }: { readonly change: SettingsChange; readonly plan: Plan; readonly risky?: boolean; readonly onBack: () => void; readonly onDone: () => void }) {
  const held = useHeld();
  const [waiting, setWaiting] = useState<readonly Pending[]>();
  const [passphrase, setPassphrase] = useState('');
  const start = useRef<HTMLDivElement>(null);
  const doing = useDoing();
  useEffect(() => { start.current?.focus(); }, [waiting === undefined]);
  const save = (): void => {
    void doing.run(async () => {
      const before = (await ask('pending', {})).pending;
      const { pending } = await ask('settingsChange', { body: plan.destroys.length === 0 ? change : { ...change, half: await halfOf(held, passphrase) } });
      const fresh = pending.filter(({ id }) => !before.some((one) => one.id === id));
      if (fresh.length > 0) return setWaiting(fresh);
      toast(say.common.saved);
      onDone();
    });
  };
  const sign = (all: readonly Pending[]): void => {
    void doing.run(async () => {
      for (const one of all) await approve(held, one);
      toast(say.approvals.done);
      onDone();
    });
  };
  const mayAccept = has(held, 'people');
  const destroys = plan.destroys.length > 0;
  const maySave = !destroys || has(held, 'erase');
  const problem = doing.error === undefined ? null : <Problem error={doing.error} />;
  if (waiting !== undefined) return <div class="form" ref={start} tabIndex={-1}>
    <div class="note care" role="status"><b>{say.forms.saved}</b>{waiting.map(({ id, text }) => <p class="lines" key={id}>{hubWords(text)}</p>)}</div>
    {mayAccept ? null : <p>{say.forms.ownerSays}</p>}
    {mayAccept && held.device === undefined ? <><p>{say.approvals.locked}</p><UnlockPanel /></> : null}
    {problem}
    <div class="buttons end"><Button onClick={onDone}>{say.forms.later}</Button>{mayAccept && held.device !== undefined ? <Button kind="main" icon="key" busy={doing.busy} onClick={() => sign(waiting)}>{say.approvals.yes}</Button> : null}</div>
  </div>;
  return <form class="form" onSubmit={(event) => { event.preventDefault(); save(); }}>
    <div class="form" ref={start} tabIndex={-1}>
      <h3>{say.forms.will}</h3>
      <ul class="changes">{plan.changes.map(({ text, waits, restart }) => <li key={text}><span>{hubWords(text)}</span>{waits ? <span class="badge care">{say.forms.waits}</span> : null}{restart ? <span class="badge">{say.forms.restarts}</span> : null}</li>)}</ul>
      {plan.changes.some(({ waits }) => waits) ? <p class="hint">{say.forms.waitsLead}</p> : null}
      {plan.leavesOut.length === 0 ? null : <div class="note care"><b>{say.forms.leavesOut}</b><ul>{plan.leavesOut.map((text) => <li key={text}>{hubWords(text, { inside: true })}</li>)}</ul></div>}
      {destroys ? <div class="note bad"><b>{say.forms.destroys}</b><ul>{plan.destroys.map((text) => <li key={text}>{hubWords(text)}</li>)}</ul>{maySave ? null : <p>{say.forms.ownerDestroys}</p>}</div> : null}
    </div>
    {destroys && maySave ? <OnceMore why={say.forms.onceMore} value={passphrase} onInput={setPassphrase} /> : null}
    {problem}
    <div class="buttons end"><Button onClick={onBack}>{say.common.back}</Button>{maySave ? <Button kind={risky || destroys ? 'risky' : 'main'} type="submit" busy={doing.busy}>{say.common.save}</Button> : null}</div>
  </form>;
}
