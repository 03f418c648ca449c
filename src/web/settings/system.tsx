/** The hub itself: what needs somebody, its version, its certificate, and how far its parts are confined. */
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { wayKinds } from '../../policy/ways.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Certificate } from '../parts/certificate.tsx';
import { useLoaded } from '../parts/loaded.ts';
import { Prose } from '../parts/prose.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { Fact } from './cameras.tsx';
import { SettingsTables } from './tables.tsx';
import { Tokens } from './tokens.tsx';

type Standing = PageReplyOf<'status'>['notices'][number];

/** With what to do about it. */
function Notice({ notice: { text, todo }, when }: { readonly notice: Standing; readonly when: string }) {
  return <li class="note care"><b>{hubWords(text)}</b><p><Prose>{hubWords(todo)}</Prose></p><p class="small muted">{when}</p></li>;
}

export function SystemSettings() {
  const held = useHeld();
  const { hello, reader } = held;
  const { value, error, again } = useLoaded((signal) => ask('status', { signal }), [], 10_000);
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const { certificate } = hello;
  const looking = value.cameras.flatMap(({ camera, looking: one }) => (one === undefined ? [] : [{ camera, ...one }]));
  return <div class="stack">
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    <section class="card" aria-labelledby="system-notices"><h2 id="system-notices">{say.system.notices}</h2>
      {value.notices.length === 0 ? <p><span class="badge good">{say.system.noNotices}</span></p> : <ul class="stack tight">{value.notices.map((notice) => <Notice key={`${notice.kind}${notice.camera ?? ''}`} notice={notice} when={say.common.since(dateClock(notice.sinceMs, reader))} />)}</ul>}
      {value.told.length === 0 ? null : <><h3>{say.system.told}</h3><ul class="stack tight">{value.told.map((notice) => <Notice key={`${notice.sinceMs}${notice.text}`} notice={notice} when={dateClock(notice.sinceMs, reader)} />)}</ul></>}
      {value.warnings.length === 0 ? null : <><h3>{say.system.warnings}</h3><ul class="stack tight">{value.warnings.map((warning) => <li class="note" key={warning}><Prose>{hubWords(warning)}</Prose></li>)}</ul></>}
    </section>
    <section class="card" aria-labelledby="system-hub"><h2 id="system-hub">{value.hub}</h2><dl class="facts">
      <Fact name={say.system.version} value={value.version} />
      <Fact name={say.system.running} value={dateClock(value.startedMs, reader)} />
      <Fact name={say.system.owner} value={value.owner.present ? say.system.ownerPresent(say.list(value.owner.spaces)) : say.system.ownerMissing} />
      <Fact name={say.system.confinement} value={[value.confinement.level, value.confinement.missing ?? ''].filter((part) => part !== '').join('; ')} />
    </dl></section>
    {looking.length === 0 ? null : <section class="card" aria-labelledby="system-looks"><h2 id="system-looks">{say.system.looks}</h2><p class="muted">{say.system.looksLead}</p><dl class="facts">
      {looking.map(({ camera, looks, missed, problem }) => <Fact key={camera} name={camera} value={say.system.looksOf(looks, missed, problem === undefined ? undefined : hubWords(problem))} />)}
      <Fact name={say.system.dropped} value={say.system.droppedOf(value.alarms.droppedLooks)} />
    </dl></section>}
    <section class="card" aria-labelledby="system-certificate"><h2 id="system-certificate">{say.system.certificate}</h2>
      {value.page.ways === undefined ? null : <dl class="facts">{wayKinds.flatMap((kind) => {
        const of = value.page.ways?.filter((way) => way.kind === kind) ?? [];
        return of.length === 0 ? [] : [<Fact key={kind} name={say.system.ways[kind]} value={of.map(({ address, interface: name, named }) => say.system.way(address, name, named)).join(', ')} />];
      })}</dl>}
      {certificate === undefined ? <p>{say.system.noCertificate}</p> : <><Certificate certificate={certificate} /><dl class="facts"><Fact name={say.system.fingerprint} value={certificate.fingerprint} /><Fact name={say.system.certificate} value={certificate.own ? say.system.ownCertificate : say.system.foreignCertificate} /></dl></>}
    </section>
    {has(held, 'configure') ? <SettingsTables tables={['', 'time', 'discovery', 'page', 'capture', 'log']} /> : null}
    {has(held, 'people') ? <Tokens /> : null}
  </div>;
}
