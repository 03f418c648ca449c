/** Health at a glance, and the operator's log: its newest lines, by how bad they are and by part. */
import { useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { bytes, clockSeconds, dateClock } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import { Button, Choices, Select } from '../parts/controls.tsx';
import { useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { Fact } from './cameras.tsx';

type Level = PageReplyOf<'logs'>['lines'][number]['level'];
const refreshMs = 15_000;
const linesAtOnce = 200;
const everywhere = '';

export function LogSettings() {
  return <div class="stack"><Health /><Log /></div>;
}

function Health() {
  const { reader } = useHeld();
  const { value, error, again } = useLoaded((signal) => ask('status', { signal }), [], refreshMs);
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const { cameras, disk, time, purge, scrub, notices } = value;
  const recording = cameras.filter((camera) => camera.recording).length;
  const wanted = cameras.filter((camera) => camera.wanted).length;
  const well = notices.length === 0 && recording === wanted && disk.full === undefined && purge.problem === undefined;
  return <section class="card" aria-labelledby="health">
    <div class="card-head"><h2 id="health">{say.logs.health}</h2><span class={`badge ${well ? 'good' : 'care'}`}>{well ? say.logs.well : say.logs.notWell}</span></div>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    <dl class="facts">
      <Fact name={say.logs.recording} value={say.logs.of(recording, wanted)} />
      <Fact name={say.logs.notices} value={notices.length === 0 ? say.system.noNotices : notices.map(({ text }) => hubWords(text)).join('; ')} />
      <Fact name={say.keep.disk} value={disk.full === undefined ? say.logs.free(bytes(disk.freeBytes, reader)) : hubWords(disk.full)} />
      <Fact name={say.keep.clock} value={hubWords(time.why)} />
      <Fact name={say.logs.purge} value={purge.problem === undefined ? say.logs.overdue(purge.overdue) : hubWords(purge.problem.message)} />
      <Fact name={say.keep.scrub} value={scrub.lastFullMs === undefined ? say.cameras.never : dateClock(scrub.lastFullMs, reader)} />
      <Fact name={say.system.running} value={dateClock(value.startedMs, reader)} />
    </dl>
  </section>;
}

function Log() {
  const { reader } = useHeld();
  const [level, setLevel] = useState<Level>('info');
  const [component, setComponent] = useState(everywhere);
  const { value, error, again } = useLoaded((signal) => ask('logs', { query: { level, limit: linesAtOnce, ...(component === everywhere ? {} : { component }) }, signal }), [level, component], refreshMs);
  return <section class="card" aria-labelledby="log">
    <div class="card-head"><h2 id="log">{say.logs.title}</h2><Button onClick={again}>{say.logs.again}</Button></div>
    <p class="muted">{say.logs.lead}</p>
    <div class="two"><div class="field"><span class="label">{say.logs.level}</span><Choices label={say.logs.level} value={level} onChoose={setLevel} options={(['debug', 'info', 'warn', 'error'] as const).map((one) => ({ value: one, label: say.logs.levels[one] }))} /></div>
      <Select label={say.logs.component} value={component} onChoose={setComponent} options={[{ value: everywhere, label: say.logs.everywhere }, ...[...new Set([...value?.components ?? [], ...(component === everywhere ? [] : [component])])].map((one) => ({ value: one, label: one }))]} /></div>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {value === undefined ? error === undefined ? <Loading /> : null : value.lines.length === 0 ? <Empty icon="book" title={say.logs.none} /> : <table class="table">
      <thead><tr><th scope="col">{say.audit.when}</th><th scope="col">{say.logs.component}</th><th scope="col">{say.audit.what}</th></tr></thead>
      <tbody>{value.lines.map((line, n) => <tr key={`${line.atMs} ${n}`}>
        <td class="nowrap"><time dateTime={new Date(line.atMs).toISOString()} title={dateClock(line.atMs, reader)}>{`${dateClock(line.atMs, reader).split(',')[0] ?? ''} ${clockSeconds(line.atMs, reader)}`}</time></td>
        <td>{line.component}</td>
        <td>{line.level === 'warn' || line.level === 'error' ? <span class={`badge ${line.level === 'error' ? 'bad' : 'care'}`}>{say.logs.levels[line.level]}</span> : null} {[line.camera ?? '', hubWords(line.text)].filter((part) => part !== '').join(': ')}{line.more === undefined ? null : <details class="small"><summary>{say.audit.detail}</summary><code>{line.more}</code></details>}</td>
      </tr>)}</tbody>
    </table>}
    {value?.whole === false ? <p class="hint">{say.logs.older}</p> : null}
  </section>;
}
