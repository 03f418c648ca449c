/** The audit: who did and watched what, the newest first. */
import { useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { Button } from '../parts/controls.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';

const linesAtOnce = 100;

export function AuditSettings() {
  const { reader } = useHeld();
  const [older, setOlder] = useState<PageReplyOf<'audit'>['lines']>([]);
  const { value, error, again } = useLoaded((signal) => ask('audit', { query: { limit: linesAtOnce }, signal }), []);
  const doing = useDoing();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const lines = [...value.lines, ...older];
  const more = (): void => {
    void doing.run(async () => {
      const part = await ask('audit', { query: { before: lines.at(-1)?.n ?? 1, limit: linesAtOnce } });
      setOlder((before) => [...before, ...part.lines]);
    });
  };
  return <div class="stack">
    <p class="muted">{say.audit.lead}</p>
    {lines.length === 0 ? <Empty icon="book" title={say.audit.none} /> : <div class="card"><p class="small muted">{say.audit.total(value.total)}</p><table class="table">
      <thead><tr><th scope="col">{say.audit.when}</th><th scope="col">{say.audit.who}</th><th scope="col">{say.audit.what}</th></tr></thead>
      <tbody>{lines.map((line) => <tr key={line.n}><td class="nowrap">{line.atMs === undefined ? '' : dateClock(line.atMs, reader)}</td><td>{line.who}</td><td>{line.text === '' ? line.what : line.text}</td></tr>)}</tbody>
    </table></div>}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {(lines.at(-1)?.n ?? 1) > 1 ? <div class="buttons"><Button busy={doing.busy} onClick={more}>{say.audit.more}</Button></div> : null}
  </div>;
}
