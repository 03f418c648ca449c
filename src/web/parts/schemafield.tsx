/** One field of a form that is made of the schema: a number with its unit, a choice, a list, a time of the day; with its help and what is wrong. */
import { useId } from 'preact/hooks';
import type { SchemaNode } from '../../policy/schemanode.ts';
import { kindOf, measureParts, measureText, unitsOf, type Draft, type Value } from '../schemaform.ts';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import { Check, Field, Select } from './controls.tsx';

interface SchemaFieldProps {
  readonly node: SchemaNode;
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
  readonly wrong: string | undefined;
  /** Of a text that is one of these: a space; '' among them: or none. Of a list, whose items are. */
  readonly among?: readonly string[] | undefined;
}

export function SchemaField({ node, draft, onDraft, wrong, among }: SchemaFieldProps) {
  const label = node.title ?? '';
  const hint = hintOf(node);
  switch (kindOf(node)) {
    case 'measure': return <Measure label={label} node={node} draft={String(draft)} onDraft={onDraft} wrong={wrong} />;
    case 'moment': return <Moment label={label} node={node} draft={String(draft)} onDraft={onDraft} wrong={wrong} />;
    case 'lines': return among !== undefined ? <Several label={label} hint={hint} among={among} draft={String(draft)} onDraft={onDraft} wrong={wrong} /> : <Lines label={label} hint={say.forms.lines(hint)} draft={String(draft)} onDraft={onDraft} wrong={wrong} />;
    case 'days': return <Days label={label} node={node} chosen={Array.isArray(draft) ? draft : []} onDraft={onDraft} wrong={wrong} />;
    case 'yes or no': return <div class="field"><Check label={label} checked={draft === true} onChange={onDraft} hint={hint} /><Wrong wrong={wrong} /></div>;
    case 'choice': return <div class="field"><Select label={label} hint={hint} value={String(draft)} onChoose={onDraft} options={(node.enum ?? []).map((value) => ({ value, label: labelOf(node, value) }))} /><Wrong wrong={wrong} /></div>;
    case 'number': return <Field label={label} hint={hint} value={String(draft)} onInput={onDraft} inputMode="numeric" wrong={wrong} />;
    case 'text': return among === undefined ? <Field label={label} hint={hint} value={String(draft)} onInput={onDraft} wrong={wrong} {...(node.maxLength === undefined ? {} : { maxLength: node.maxLength })} />
      : <div class="field"><Select label={label} hint={hint} value={String(draft)} onChoose={onDraft} options={[...new Set([...among, String(draft)])].filter((one) => one !== '' || among.includes('')).map((value) => ({ value, label: value === '' ? say.forms.unset : value }))} /><Wrong wrong={wrong} /></div>;
  }
}

/** What is set, as a sentence's part. */
export function valueInWords(node: SchemaNode, value: Value | undefined): string {
  const known = value ?? (node.default as Value | undefined);
  if (known === undefined) return node['x-default'] ?? say.forms.unset;
  if (typeof known === 'boolean') return known ? say.forms.yes : say.forms.no;
  if (Array.isArray(known)) return known.length === 0 ? say.forms.empty : say.list(known);
  return node.enum === undefined ? String(known) : labelOf(node, String(known));
}

export function labelOf(node: SchemaNode, value: string): string {
  return node['x-labels']?.[value] ?? hubWords(value);
}

/** The schema writes names of keys and commands in backticks and values as files have them, for documents; here they are called as the choices are. */
function hintOf(node: SchemaNode): string {
  const description = Object.entries(node['x-labels'] ?? {}).reduce((text, [value, label]) => text.replaceAll(`"${value}"`, label), (node.description ?? '').replaceAll('`', ''));
  const usual = node.default === undefined ? node['x-default'] : valueInWords(node, undefined);
  return [
    description, ...(node['x-min'] === undefined || node['x-max'] === undefined ? [] : [say.forms.range(node['x-min'], node['x-max'])]),
    ...(usual === undefined || usual === '' || kindOf(node) === 'yes or no' ? [] : [say.forms.usual(usual)]), ...(node['x-restart'] === true ? [say.forms.nextStart] : []),
  ].filter((part) => part !== '').join(' ');
}

function Wrong({ wrong, id }: { readonly wrong: string | undefined; readonly id?: string }) {
  return wrong === undefined ? null : <span class="wrong" id={id} role="alert">{wrong}</span>;
}

interface TypedProps { readonly label: string; readonly draft: string; readonly onDraft: (draft: string) => void; readonly wrong: string | undefined }

function Measure({ label, node, draft, onDraft, wrong }: TypedProps & { readonly node: SchemaNode }) {
  const id = useId();
  const { number, unit } = measureParts(draft);
  return <div class="field">
    <label for={id}>{label}</label>
    <div class="with-unit">
      <input id={id} class="input" type="text" inputMode="numeric" autocomplete="off" value={number} aria-invalid={wrong === undefined ? undefined : 'true'} aria-describedby={`${id}-hint${wrong === undefined ? '' : ` ${id}-wrong`}`} onInput={(event) => onDraft(measureText({ number: event.currentTarget.value.replaceAll(/\s/g, ''), unit }))} />
      <select class="input" aria-label={say.forms.unitOf(label)} onChange={(event) => onDraft(measureText({ number, unit: event.currentTarget.value }))}>
        {unitsOf(node, unit).map((one) => <option key={one} value={one} selected={one === unit}>{say.forms.units[one] ?? one}</option>)}
      </select>
    </div>
    <span class="hint" id={`${id}-hint`}>{hintOf(node)}</span>
    <Wrong wrong={wrong} id={`${id}-wrong`} />
  </div>;
}

const bySun = ['sunrise', 'sunset'] as const;
const usualTime = '22:00';

function Moment({ label, node, draft, onDraft, wrong }: TypedProps & { readonly node: SchemaNode }) {
  const id = useId();
  const sun = bySun.find((one) => one === draft);
  return <div class="field">
    <label for={id}>{label}</label>
    <div class="with-unit">
      <select id={id} class="input" aria-describedby={`${id}-hint`} onChange={(event) => onDraft(event.currentTarget.value === 'time' ? usualTime : event.currentTarget.value)}>
        <option value="time" selected={sun === undefined}>{say.forms.atTime}</option>
        {bySun.map((one) => <option key={one} value={one} selected={one === sun}>{say.forms.sun[one]}</option>)}
      </select>
      {sun === undefined ? <input class="input" type="time" aria-label={say.forms.timeOf(label)} value={draft} aria-invalid={wrong === undefined ? undefined : 'true'} onInput={(event) => onDraft(event.currentTarget.value)} /> : null}
    </div>
    <span class="hint" id={`${id}-hint`}>{hintOf(node)}</span>
    <Wrong wrong={wrong} />
  </div>;
}

function Lines({ label, hint, draft, onDraft, wrong }: TypedProps & { readonly hint: string }) {
  const id = useId();
  return <div class="field">
    <label for={id}>{label}</label>
    <textarea id={id} class="input" rows={3} spellcheck={false} autocomplete="off" value={draft} aria-invalid={wrong === undefined ? undefined : 'true'} aria-describedby={`${id}-hint`} onInput={(event) => onDraft(event.currentTarget.value)} />
    <span class="hint" id={`${id}-hint`}>{hint}</span>
    <Wrong wrong={wrong} />
  </div>;
}

/** Some of those that there are, and those that are set and not there any more. */
function Several({ label, hint, among, draft, onDraft, wrong }: TypedProps & { readonly hint: string; readonly among: readonly string[] }) {
  const chosen = draft.split('\n').filter((one) => one !== '');
  const all = [...new Set([...among, ...chosen])];
  return <fieldset class="field group"><legend>{label}</legend><span class="hint">{hint}</span>
    {all.length === 0 ? <p class="small muted">{say.forms.noneThere}</p> : <div class="days">{all.map((one) => <Check key={one} label={one} checked={chosen.includes(one)} onChange={(on) => onDraft(all.filter((other) => (other === one ? on : chosen.includes(other))).join('\n'))} />)}</div>}
    <Wrong wrong={wrong} />
  </fieldset>;
}

function Days({ label, node, chosen, onDraft, wrong }: { readonly label: string; readonly node: SchemaNode; readonly chosen: readonly string[]; readonly onDraft: (draft: readonly string[]) => void; readonly wrong: string | undefined }) {
  const all = node.items?.enum ?? [];
  return <fieldset class="field group"><legend>{label}</legend><span class="hint">{hintOf(node)}</span>
    <div class="days">{all.map((day) => <Check key={day} label={hubWords(say.forms.days[day] ?? say.observation[day] ?? day)} checked={chosen.includes(day)} onChange={(on) => onDraft(all.filter((one) => (one === day ? on : chosen.includes(one))))} />)}</div>
    <Wrong wrong={wrong} />
  </fieldset>;
}
