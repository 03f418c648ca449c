/** Buttons, fields and choices: each with its label, its hint and its error where a screen reader finds them. */
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { say } from '../strings.ts';
import { Icon, type IconName } from './icons.tsx';

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly kind?: 'main' | 'quiet' | 'risky' | 'plain';
  readonly icon?: IconName;
  readonly onClick?: (event: MouseEvent) => void;
  readonly type?: 'button' | 'submit';
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly wide?: boolean;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  /** Where the words alone do not say what it is about. */
  readonly label?: string;
}

/** `busy` leaves it where it is, so that the focus is not lost; it only does nothing twice. */
export function Button({ children, kind = 'plain', icon, onClick, type = 'button', busy = false, disabled = false, wide = false, pressed, expanded, label }: ButtonProps) {
  const click = (event: MouseEvent): void => {
    if (busy) event.preventDefault();
    else onClick?.(event);
  };
  return <button type={type} class={`button ${kind}${wide ? ' wide' : ''}`} onClick={click} disabled={disabled} aria-disabled={busy ? 'true' : undefined} aria-pressed={pressed} aria-expanded={expanded} aria-label={label}>
    {busy ? <span class="spinner" aria-hidden="true" /> : icon === undefined ? null : <Icon name={icon} />}
    {children}
  </button>;
}

interface IconButtonProps {
  readonly name: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly class?: string;
  readonly kind?: 'quiet' | 'plain' | 'main';
  readonly disabled?: boolean;
  readonly pressed?: boolean;
}

export function IconButton({ name, label, onClick, class: more = '', kind = 'plain', disabled = false, pressed }: IconButtonProps) {
  return <button type="button" class={`button icon ${kind} ${more}`} onClick={onClick} aria-label={label} title={label} disabled={disabled} aria-pressed={pressed}><Icon name={name} /></button>;
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string | undefined;
  readonly wrong?: string | undefined;
  readonly type?: 'text' | 'password' | 'date';
  readonly name?: string;
  readonly autocomplete?: string;
  readonly required?: boolean;
  readonly code?: boolean;
  readonly maxLength?: number;
  readonly autofocus?: boolean;
  readonly inputMode?: 'text' | 'numeric' | 'url';
}

export function Field({ label, value, onInput, hint, wrong, type = 'text', name, autocomplete = 'off', required = false, code = false, maxLength, autofocus = false, inputMode }: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const described = [hint === undefined ? '' : `${id}-hint`, wrong === undefined ? '' : `${id}-wrong`].filter((part) => part !== '').join(' ');
  const input = <input
    id={id} class={`input${code ? ' code' : ''}`} type={(type === 'password' && shown ? 'text' : type) as 'text'} value={value} name={name} autocomplete={autocomplete} required={required} maxLength={maxLength} inputMode={inputMode}
    autofocus={autofocus} spellcheck={false} autocapitalize={type === 'text' && !code ? undefined : 'off'} aria-invalid={wrong === undefined ? undefined : 'true'} aria-describedby={described === '' ? undefined : described}
    onInput={(event) => onInput(event.currentTarget.value)}
  />;
  return <div class="field">
    <label for={id}>{label}</label>
    {type === 'password'
      ? <div class="with-button">{input}<button type="button" class="button icon plain" aria-label={shown ? say.common.hide : say.common.show} aria-pressed={shown} onClick={() => setShown(!shown)}><Icon name={shown ? 'hidden' : 'eye'} /></button></div>
      : input}
    {hint === undefined ? null : <span class="hint" id={`${id}-hint`}>{hint}</span>}
    {wrong === undefined ? null : <span class="wrong" id={`${id}-wrong`} role="alert">{wrong}</span>}
  </div>;
}

interface Option<T extends string> { readonly value: T; readonly label: string; readonly more?: ComponentChildren }
interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly Option<T>[];
  readonly value: T;
  readonly onChoose: (value: T) => void;
}

/** A few short choices beside each other. */
export function Choices<T extends string>({ label, options, value, onChoose }: ChoiceProps<T>) {
  const name = useId();
  return <fieldset><legend class="unseen">{label}</legend><div class="choices">
    {options.map((option) => <label key={option.value}><input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onChoose(option.value)} /><span>{option.label}</span></label>)}
  </div></fieldset>;
}

/** Choices that need a line each. */
export function Pick<T extends string>({ label, options, value, onChoose, labelHidden = false }: ChoiceProps<T> & { readonly labelHidden?: boolean }) {
  const name = useId();
  return <fieldset class="field group"><legend class={labelHidden ? 'unseen' : ''}>{label}</legend><div class="pick">
    {options.map((option) => <label key={option.value}>
      <input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onChoose(option.value)} />
      <span class="grow"><b>{option.label}</b>{option.more === undefined ? null : <span class="hint"><br />{option.more}</span>}</span>
    </label>)}
  </div></fieldset>;
}

export function Select<T extends string>({ label, options, value, onChoose, hint }: ChoiceProps<T> & { readonly hint?: string }) {
  const id = useId();
  return <div class="field">
    <label for={id}>{label}</label>
    <select id={id} class="input" aria-describedby={hint === undefined ? undefined : `${id}-hint`} onChange={(event) => onChoose(event.currentTarget.value as T)}>
      {options.map((option) => <option key={option.value} value={option.value} selected={option.value === value}>{option.label}</option>)}
    </select>
    {hint === undefined ? null : <span class="hint" id={`${id}-hint`}>{hint}</span>}
  </div>;
}

export function Check({ label, checked, onChange, hint }: { readonly label: ComponentChildren; readonly checked: boolean; readonly onChange: (checked: boolean) => void; readonly hint?: string }) {
  return <label class="check"><input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} /><span>{label}{hint === undefined ? null : <span class="hint"><br />{hint}</span>}</span></label>;
}
