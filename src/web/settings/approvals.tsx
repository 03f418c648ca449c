/** What lowers privacy and waits for an owner's yes, signed by this device. */
import { ask } from '../api.ts';
import { approve } from '../approving.ts';
import { has, useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Button } from '../parts/controls.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';
import { Fact } from './cameras.tsx';

export function ApprovalsSettings() {
  const held = useHeld();
  const { value, error, again } = useLoaded((signal) => ask('pending', { signal }), [], 10_000);
  const doing = useDoing();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const mayAccept = has(held, 'people');
  const yes = (pending: (typeof value)['pending'][number]): void => {
    void doing.run(async () => {
      await approve(held, pending);
      toast(say.approvals.done);
      again();
    });
  };
  return <div class="stack">
    <p class="muted">{say.approvals.lead}</p>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {value.pending.length === 0 ? <Empty icon="check" title={say.approvals.none} /> : null}
    {value.pending.length > 0 && mayAccept && held.device === undefined ? <><p>{say.approvals.locked}</p><UnlockPanel /></> : null}
    {value.pending.map((pending) => [pending, headOf(pending.text)] as const).map(([pending, [head, notice]]) => <section class="card" key={pending.id} aria-label={head}>
      <h2>{hubWords(head)}</h2>
      {notice === '' ? null : <p class="lines">{notice}</p>}
      <dl class="facts"><Fact name={say.approvals.from} value={pending.from} /><Fact name={say.approvals.to} value={pending.to} /></dl>
      {mayAccept && held.device !== undefined ? <div class="buttons"><Button kind="main" icon="key" busy={doing.busy} onClick={() => yes(pending)}>{say.approvals.yes}</Button></div> : null}
      <p class="hint">{say.approvals.kit}</p>
    </section>)}
  </div>;
}

/** What would change, and the notice that belongs to it, where there is one. */
function headOf(text: string): readonly [head: string, notice: string] {
  const end = text.indexOf('). ');
  return end === -1 ? [text, ''] : [text.slice(0, end + 1), text.slice(end + 3)];
}
