/** The audit: who did and watched what, the newest first. What the hub does by itself is most of it, and shown when asked for. */
import { useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { Button, Choices } from '../parts/controls.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';

type Line = PageReplyOf<'audit'>['lines'][number];
type Shown = 'people' | 'all';
interface Part { readonly lines: readonly Line[]; readonly total: number; readonly before: number }

const wanted = 40;
const linesAtOnce = 500;
/** People do little in a busy night: so many answers are looked through for them at once. */
const looksMax = 6;

export function AuditSettings() {
  const [shown, setShown] = useState<Shown>('people');
  return <div class="stack">
    <p class="muted">{say.audit.lead}</p>
    <Choices label={say.audit.show} value={shown} onChoose={setShown} options={[{ value: 'people', label: say.audit.people }, { value: 'all', label: say.audit.all }]} />
    <Lines key={shown} shown={shown} />
  </div>;
}

function Lines({ shown }: { readonly shown: Shown }) {
  const { value, error, again, set } = useLoaded((signal) => look(shown, undefined, signal), []);
  const doing = useDoing();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const more = (): void => {
    void doing.run(async () => {
      const part = await look(shown, value.before);
      set({ ...part, lines: [...value.lines, ...part.lines] });
    });
  };
  return <>
    {value.lines.length === 0 ? <Empty icon="book" title={say.audit.none} /> : <div class="card">
      <p class="small muted">{say.audit.total(value.total)}</p>
      <table class="table">
        <thead><tr><th scope="col">{say.audit.when}</th><th scope="col">{say.audit.who}</th><th scope="col">{say.audit.what}</th></tr></thead>
        <tbody>{value.lines.map((line) => <Row key={line.n} line={line} />)}</tbody>
      </table>
    </div>}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    {value.before > 1 ? <div class="buttons"><Button busy={doing.busy} onClick={more}>{say.audit.more}</Button></div> : null}
  </>;
}

function Row({ line }: { readonly line: Line }) {
  const { reader } = useHeld();
  const words = say.audit.asked[line.route ?? ''] ?? say.audit.did[line.what] ?? line.what;
  return <tr>
    <td class="nowrap">{line.atMs === undefined ? '' : dateClock(line.atMs, reader)}</td><td>{whoOf(line)}</td>
    <td>{[words, line.camera ?? ''].filter((part) => part !== '').join(': ')}{line.fromMs === undefined || line.toMs === undefined ? null : <p class="small muted">{say.audit.span(dateClock(line.fromMs, reader), dateClock(line.toMs, reader))}</p>}{line.detail === undefined ? null : <details class="small"><summary>{say.audit.detail}</summary><code>{line.detail}</code></details>}</td>
  </tr>;
}

function whoOf({ who, person }: Line): string {
  if (person) return who === '' ? say.audit.gone : who;
  return say.audit.whos[who] ?? who;
}

async function look(shown: Shown, from: number | undefined, signal?: AbortSignal): Promise<Part> {
  const lines: Line[] = [];
  let before = from;
  let total = 0;
  for (let looks = 0; looks < looksMax && lines.length < wanted; looks++) {
    const part = await ask('audit', { query: { limit: shown === 'all' ? wanted : linesAtOnce, ...(before === undefined ? {} : { before }) }, ...(signal === undefined ? {} : { signal }) });
    ({ total } = part);
    const fitting = part.lines.filter(({ who, person }) => shown === 'all' || person || who !== 'hub').slice(0, wanted - lines.length);
    lines.push(...fitting);
    // Where lines are left over, the next look begins behind the last that is shown.
    const last = lines.length >= wanted ? lines.at(-1) : part.lines.at(-1);
    before = last?.n ?? 1;
    if (part.lines.length === 0 || before <= 1) break;
  }
  return { lines, total, before: before ?? 1 };
}
