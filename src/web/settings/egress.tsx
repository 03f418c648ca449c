/** What leaves: the destinations with their purpose and how they stand, and the ledger, by destination. */
import { useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { bytes, dateClock, type Reader } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import { Button, Select } from '../parts/controls.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { Fact } from './cameras.tsx';
import { DestinationList } from './destinations.tsx';

type Report = PageReplyOf<'egress'>;
type Line = Report['lines'][number];

const linesAtOnce = 50;
const everywhere = '';

export function EgressSettings() {
  const held = useHeld();
  const [destination, setDestination] = useState(everywhere);
  const { value, error, again, set } = useLoaded((signal) => look(destination, undefined, signal), [destination]);
  const doing = useDoing();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const more = (): void => {
    void doing.run(async () => {
      const part = await look(destination, value.next);
      set({ ...part, lines: [...value.lines, ...part.lines] });
    });
  };
  return <div class="stack">
    <p class="muted">{say.egress.lead}</p>
    {has(held, 'people') && has(held, 'configure') ? <DestinationList service={value.doors.run === 'service'} onChanged={again} /> : null}
    {value.destinations.length === 0 ? <Empty icon="hidden" title={say.egress.none}><p>{say.egress.noneHint}</p></Empty> : <>
      <Door doors={value.doors} />
      {value.destinations.map((one) => <Destination key={one.name} one={one} sums={value.sums} keys={value.doors.slots.find(({ destination }) => destination === one.name)} strange={value.doors.unknown.find(({ destination }) => destination === one.name)} />)}
    </>}
    {value.destinations.length === 0 && value.lines.length === 0 ? null : <section class="card" aria-labelledby="ledger">
      <h2 id="ledger">{say.egress.ledger}</h2>
      <Select label={say.egress.filter} value={destination} onChoose={setDestination} options={[{ value: everywhere, label: say.egress.everywhere }, ...value.destinations.map(({ name }) => ({ value: name, label: name }))]} />
      {value.lines.length === 0 ? <p class="muted">{say.egress.empty}</p> : <table class="table">
        <thead><tr><th scope="col">{say.egress.when}</th><th scope="col">{say.egress.where}</th><th scope="col">{say.egress.what}</th><th scope="col">{say.egress.result}</th></tr></thead>
        <tbody>{value.lines.map((line) => <Row key={line.n} line={line} />)}</tbody>
      </table>}
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      {value.next === undefined ? null : <div class="buttons"><Button busy={doing.busy} onClick={more}>{say.egress.more}</Button></div>}
    </section>}
  </div>;
}

function Door({ doors: { run, running, confined, last, problem } }: { readonly doors: Report['doors'] }) {
  const { reader } = useHeld();
  const how = run === 'service' ? say.egress.service : running ? say.egress.child : say.egress.closed;
  return <section class="card" aria-labelledby="door">
    <h2 id="door">{say.egress.doors}</h2>
    <dl class="facts">
      <Fact name={say.egress.doors} value={running && confined !== undefined ? `${how}; ${say.egress.held(confined)}` : how} />
      {last === undefined ? null : <Fact name={say.egress.last} value={say.egress.lastOf(say.egress.kinds[last.order] ?? last.order, last.destination, say.egress.outcomes[last.outcome] ?? last.outcome, dateClock(last.atMs, reader))} />}
    </dl>
    {problem === undefined ? null : <p class="problem">{hubWords(problem)}</p>}
  </section>;
}

function Destination({ one, sums, keys, strange }: { readonly one: Report['destinations'][number]; readonly sums: Report['sums']; readonly keys: Report['doors']['slots'][number] | undefined; readonly strange: Report['doors']['unknown'][number] | undefined }) {
  const { reader } = useHeld();
  const { name, purpose, place, declared, slots, counts, lacks, deletes, keepsVersions } = one;
  const sent = sums.filter(({ destination, kind }) => destination === name && (kind === 'put' || kind === 'notice'));
  const id = `destination-${name}`;
  return <section class="card" aria-labelledby={id}>
    <h2 id={id}>{name}</h2>
    <dl class="facts">
      {declared ? <Fact name={say.egress.purpose} value={purpose} /> : <Fact name={say.egress.purpose} value={say.egress.gone} />}
      {place === '' ? null : <Fact name={say.egress.place} value={place} />}
      {slots === undefined ? null : <Fact name={say.egress.keys} value={slots === 'home' ? say.egress.keysHome : say.egress.keysAt(slots)} />}
      {keys?.madeMs === undefined ? null : <Fact name={say.egress.sealedKeys} value={say.egress.sealedKeysOf(keys.slots, dateClock(keys.madeMs, reader))} />}
      {counts === undefined ? null : <>
        <Fact name={say.egress.there} value={say.egress.objects(counts.there, bytes(counts.bytes, reader))} />
        {counts.alone === 0 ? null : <Fact name={say.egress.alone} value={say.egress.objects(counts.alone, bytes(counts.aloneBytes, reader))} />}
        {counts.waiting === 0 ? null : <Fact name={say.egress.waiting} value={String(counts.waiting)} />}
        {counts.failed === 0 ? null : <Fact name={say.egress.failed} value={String(counts.failed)} />}
        {counts.leaving === 0 ? null : <Fact name={say.egress.leaving} value={String(counts.leaving)} />}
        {counts.kept === 0 ? null : <Fact name={say.egress.kept} value={String(counts.kept)} />}
      </>}
      {sent.length === 0 ? null : <Fact name={say.egress.sent} value={say.egress.sentOf(sent.reduce((sum, { orders }) => sum + orders, 0), bytes(sent.reduce((sum, { sentBytes }) => sum + sentBytes, 0), reader))} />}
    </dl>
    {keys === undefined || keys.current ? null : <p class="problem">{keys.reason === undefined ? say.egress.keysOld : `${say.egress.keysOld} ${hubWords(keys.reason)}.`} <span class="small">{say.egress.keysOldHint}</span></p>}
    {counts === undefined || counts.lost === 0 ? null : <p class="problem">{say.egress.lost(counts.lost)} <span class="small">{say.egress.lostHint}</span></p>}
    {lacks.length === 0 || slots === undefined ? null : <p class="problem">{lacks.map((right) => say.egress.lacks[right]).join(' ')}</p>}
    {deletes === 'no' && slots !== undefined ? <p class="small">{[say.egress.noDelete, ...(slots === 'home' ? [say.egress.noDeleteHome] : [])].join(', ')}.</p> : null}
    {counts === undefined || counts.refused === 0 ? null : <p class="problem">{say.egress.refused(counts.refused)} <span class="small">{say.egress.refusedHint}</span></p>}
    {strange === undefined ? null : <p class="problem">{say.egress.unknown(strange.objects, bytes(strange.bytes, reader))} <span class="small">{say.egress.unknownHint(name)}</span></p>}
    {keepsVersions === 'yes' ? <p class="small">{say.egress.versions}</p> : null}
  </section>;
}

function Row({ line }: { readonly line: Line }) {
  const { reader } = useHeld();
  const what = [say.egress.kinds[line.kind] ?? line.kind, say.egress.classes[line.class] ?? line.class].filter((word) => word !== '').join(': ');
  return <tr>
    <td class="nowrap">{dateClock(line.atMs, reader)}</td><td>{line.destination}</td>
    <td>{line.camera === '' ? what : `${what}, ${line.camera}`}{line.sizeBytes === 0 ? null : <p class="small muted">{bytes(line.sizeBytes, reader)}</p>}</td>
    <td>{line.outcome === undefined ? say.egress.open : say.egress.outcomes[line.outcome]}{line.code === undefined || line.code === '' ? null : <> <code>{line.code}</code></>}
      <details class="small"><summary>{say.egress.details}</summary>{detailsOf(line, reader).map((text) => <p key={text}>{text}</p>)}{line.object === '' ? null : <code>{line.object}</code>}</details></td>
  </tr>;
}

function detailsOf({ purpose, recipients, attempts = 0, sentBytes = 0, proof = '', reason = '' }: Line, reader: Reader): string[] {
  return [purpose, ...(recipients.length === 0 ? [] : [say.egress.opens(recipients.length)]), ...(attempts === 0 ? [] : [say.egress.tries(attempts, bytes(sentBytes, reader))]), ...(proof === '' ? [] : [say.egress.proof(proof)]), reason].filter((text) => text !== '');
}

function look(destination: string, before?: number, signal?: AbortSignal): Promise<Report> {
  return ask('egress', { query: { limit: linesAtOnce, ...(destination === everywhere ? {} : { destination }), ...(before === undefined ? {} : { before }) }, ...(signal === undefined ? {} : { signal }) });
}
