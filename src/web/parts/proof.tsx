/** What is so now, in exact words: no key, its end, nothing sent. */
import type { Timeline } from '../../api/pagecontract.ts';
import { deadline } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubNow } from '../hubtime.ts';
import { say } from '../strings.ts';
import { Icon } from './icons.tsx';

export function ProofPanel({ period }: { readonly period: Timeline['periods'][number] | undefined }) {
  const { reader } = useHeld();
  return <section class="card plain" aria-labelledby="proof">
    <div><h2 id="proof">{say.proof.title}</h2><p class="muted">{say.proof.lead}</p></div>
    <div class="promise"><Icon name="key" /><div><h3>{say.proof.noKey}</h3><p>{say.proof.noKeyMore}</p></div></div>
    <div class="promise"><Icon name="clock" /><div><h3>{period === undefined ? say.proof.destroyedUnknown : say.proof.destroyed(deadline(period.deadlineMs, hubNow(), reader))}</h3><p>{say.proof.destroyedMore}</p>{period === undefined ? null : <p class="small">{say.proof.where(period)}</p>}</div></div>
    <div class="promise"><Icon name="home" /><div><h3>{say.proof.sentNothing}</h3><p>{say.proof.sentNothingMore}</p></div></div>
    <p class="hint">{say.proof.check}</p>
  </section>;
}
