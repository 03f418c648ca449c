/** Waiting, nothing there, something wrong: each said in words, with what to do. */
import type { ComponentChildren } from 'preact';
import { HubError, offline } from '../api.ts';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import { Button } from './controls.tsx';
import { Icon, type IconName } from './icons.tsx';
import { Prose } from './prose.tsx';

export function Loading({ words = say.common.loading }: { readonly words?: string }) {
  return <p class="loading" role="status"><span class="spinner" aria-hidden="true" />{words}</p>;
}

export function Empty({ icon, title, children }: { readonly icon: IconName; readonly title: string; readonly children?: ComponentChildren }) {
  return <div class="empty"><Icon name={icon} /><h2>{title}</h2>{children}</div>;
}

/** What the hub said, as it said it: sentence, hint, code. */
export function Problem({ error, onAgain }: { readonly error: unknown; readonly onAgain?: (() => void) | undefined }) {
  const away = error instanceof HubError && error.code === offline;
  return <div class={`note ${away ? 'care' : 'bad'}`} role="alert">
    <b>{away ? say.error.offlineTitle : say.error.title}</b>
    <p><Prose>{wordsOf(error)}</Prose></p>
    <Hint error={error} />
    {onAgain === undefined ? null : <div class="buttons"><Button onClick={onAgain}>{say.common.again}</Button></div>}
  </div>;
}

function Hint({ error }: { readonly error: unknown }) {
  if (!hasCode(error)) return null;
  if (error.code === offline) return <p class="small">{say.error.offlineFix}</p>;
  return <p class="small"><Prose>{error.hint}</Prose>{error.hint === '' ? '' : ' '}<span class="muted nowrap">{say.error.code(error.code)}</span></p>;
}

/** One of the table of errors, whether the hub has said it or the keys' worker in this browser. */
function hasCode(error: unknown): error is Error & { readonly code: string; readonly hint: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'hint' in error && typeof error.hint === 'string';
}

/** One sentence for any error. */
export function wordsOf(error: unknown): string {
  if (error instanceof HubError) return error.code === offline ? say.error.offline : hubWords(error.message);
  return error instanceof Error && error.message !== '' ? hubWords(error.message) : say.error.unexpected;
}
