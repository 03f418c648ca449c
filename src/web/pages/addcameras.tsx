/** Cameras that the network shows, chosen, and asked once each with a password that is typed once. */
import { useEffect, useState } from 'preact/hooks';
import type { PageCamera, PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { say } from '../strings.ts';
import { addressOf } from '../typedaddress.ts';
import { Button, Field, Select } from '../parts/controls.tsx';
import { Icon } from '../parts/icons.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Prose } from '../parts/prose.tsx';
import { Problem, wordsOf } from '../parts/states.tsx';
import { Picture } from '../parts/tile.tsx';
import { HubError } from '../api.ts';
import { hubWords } from '../hubwords.ts';

type Found = PageReplyOf<'discover'>['found'][number];
interface Candidate { readonly key: string; readonly name: string; readonly where: string; readonly note: string | undefined; readonly adoptedAs: string | undefined; readonly question: { id: string } | { address: string; port?: number } }
interface Outcome { readonly state: 'asked' | 'taken' | 'refused'; readonly words: readonly string[]; readonly hint?: string; readonly camera?: PageCamera | undefined }

const searchSeconds = 4;

export function AddCameras({ onDone }: { readonly onDone: () => void }) {
  const search = useLoaded((signal) => ask('discover', { body: { seconds: searchSeconds }, signal }), []);
  const [searching, setSearching] = useState(true);
  useEffect(() => setSearching(false), [search.value, search.error]);
  const [typed, setTyped] = useState<readonly Candidate[]>([]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map());
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const [chosenSpace, setSpace] = useState<string>();
  // Who looks after the site without being of the house chooses no space.
  const { value: spaces = [] } = useLoaded((signal) => ask('spaces', { signal }).then(({ spaces: all }) => all.map((one) => one.space), () => []), []);
  const space = chosenSpace ?? (spaces.includes('home') ? 'home' : spaces[0] ?? '');
  const doing = useDoing();
  const candidates = [...(search.value?.found ?? []).filter(({ adoptable, adoptedAs }) => adoptable || adoptedAs !== undefined).map(candidateOf), ...typed];
  const open = candidates.filter(({ key, adoptedAs }) => adoptedAs === undefined && outcomes.get(key)?.state !== 'taken');
  const toTake = open.filter(({ key }) => chosen.has(key));
  const anyTaken = [...outcomes.values()].some(({ state }) => state === 'taken') || candidates.some(({ adoptedAs }) => adoptedAs !== undefined);

  const toggle = (key: string): void => setChosen((before) => before.has(key) ? new Set([...before].filter((one) => one !== key)) : new Set([...before, key]));
  const note = (key: string, outcome: Outcome): void => setOutcomes((before) => new Map([...before, [key, outcome]]));
  const take = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      // One after the other: a camera that locks after wrong passwords has seen one.
      for (const candidate of toTake) {
        note(candidate.key, { state: 'asked', words: [] });
        try {
          const name = (names.get(candidate.key) ?? candidate.name).trim();
          const { camera, sentences } = await ask('adopt', { body: { ...candidate.question, user, password, sub: true, ...(space === '' ? {} : { space }), ...(name === '' ? {} : { name }) } });
          const { cameras } = await ask('cameras', {});
          note(candidate.key, { state: 'taken', words: sentences, camera: cameras.find((one) => one.camera === camera) });
        } catch (error) {
          note(candidate.key, { state: 'refused', words: [wordsOf(error)], ...(error instanceof HubError && error.hint !== '' ? { hint: error.hint } : {}) });
        }
      }
      setChosen(new Set());
      setPassword('');
    });
  };
  const add = (candidate: Candidate): void => {
    setTyped((before) => [...before.filter(({ key }) => key !== candidate.key), candidate]);
    setChosen((before) => new Set([...before, candidate.key]));
  };
  return <div class="stack">
    {search.error === undefined ? null : <Problem error={search.error} onAgain={search.again} />}
    <div class="card-head"><p role="status">{search.value === undefined || searching ? <><span class="spinner inline" aria-hidden="true" />{say.first.searching}</> : candidates.length === 0 ? say.first.noneFound : say.first.found(candidates.length)}</p>
      <Button kind="quiet" icon="search" busy={searching && search.error === undefined} onClick={() => { setSearching(true); search.again(); }}>{say.first.lookAgain}</Button></div>
    {search.value !== undefined && candidates.length === 0 ? <p class="muted">{say.first.noneFoundFix}</p> : null}
    <form class="stack" onSubmit={take}>
      {candidates.length === 0 ? null : <fieldset class="field group"><legend class="unseen">{say.first.camerasTitle}</legend><div class="pick cameras-found">
        {candidates.map((candidate) => <CandidateCard key={candidate.key} candidate={candidate} outcome={outcomes.get(candidate.key)} chosen={chosen.has(candidate.key)} name={names.get(candidate.key) ?? candidate.name} onName={(name) => setNames((before) => new Map([...before, [candidate.key, name]]))} onToggle={() => toggle(candidate.key)} />)}
      </div></fieldset>}
      {open.length === 0 ? null : <>
        <div class="two">
          <Field label={say.first.user} hint={say.first.userHint} value={user} onInput={setUser} required maxLength={64} name="camera-user" />
          <Field label={say.first.cameraPassword} hint={say.first.cameraPasswordHint} type="password" value={password} onInput={setPassword} autocomplete="off" name="camera-password" />
        </div>
        {spaces.length < 2 ? null : <Select label={say.cameras.space} hint={say.people.spacesHint} value={space} onChoose={setSpace} options={spaces.map((one) => ({ value: one, label: one }))} />}
        <div class="buttons"><Button kind={anyTaken && toTake.length === 0 ? 'plain' : 'main'} type="submit" busy={doing.busy} disabled={toTake.length === 0}>{toTake.length === 0 ? say.first.takeNone : say.first.take(toTake.length)}</Button></div>
      </>}
    </form>
    <ByAddress onAdd={add} />
    <div class="buttons end"><Button kind={anyTaken ? 'main' : 'quiet'} onClick={onDone}>{anyTaken ? say.first.goOn : say.first.skipCameras}</Button></div>
  </div>;
}

function candidateOf(found: Found): Candidate {
  return {
    key: found.id, name: [found.name, found.model].filter((part, index, all) => part !== undefined && all.indexOf(part) === index).join(' · ') || say.first.unknownModel,
    where: `${found.address}:${found.port}`, note: found.note, adoptedAs: found.adoptedAs, question: { id: found.id },
  };
}

interface CardProps { readonly candidate: Candidate; readonly outcome: Outcome | undefined; readonly chosen: boolean; readonly name: string; readonly onName: (name: string) => void; readonly onToggle: () => void }

function CandidateCard({ candidate, outcome, chosen, name, onName, onToggle }: CardProps) {
  const done = candidate.adoptedAs !== undefined || outcome?.state === 'taken';
  return <div class="found">
    <label>
      {done ? <Icon name="check" /> : <input type="checkbox" checked={chosen} onChange={onToggle} />}
      <span class="grow"><b>{candidate.name}</b><span class="hint"><br />{say.first.at(candidate.where)}{candidate.note === undefined ? '' : ` · ${candidate.note}`}</span></span>
      <Badge candidate={candidate} outcome={outcome} />
    </label>
    {chosen && !done ? <Field label={say.first.cameraName} value={name} onInput={onName} maxLength={64} /> : null}
    {outcome?.camera === undefined ? null : <div class="tile"><Picture camera={outcome.camera} stream={outcome.camera.streams.some(({ stream }) => stream === 'sub') ? 'sub' : 'main'} /></div>}
    {outcome === undefined || outcome.words.length === 0 ? null : <div class={`note ${outcome.state === 'refused' ? 'bad' : 'good'}`} role="status">
      {outcome.state === 'refused' || outcome.words.length < 2 ? outcome.words.map((sentence) => <p key={sentence}>{hubWords(sentence)}</p>)
        : <><p>{hubWords(outcome.words[0] ?? '')}</p><details><summary>{say.cameras.details}</summary>{outcome.words.slice(1).map((sentence) => <p key={sentence}>{hubWords(sentence)}</p>)}</details></>}
      {outcome.hint === undefined ? null : <p class="small"><Prose>{outcome.hint}</Prose></p>}
      {outcome.state === 'refused' ? <p class="small">{say.first.otherPassword}</p> : null}
    </div>}
  </div>;
}

function Badge({ candidate, outcome }: { readonly candidate: Candidate; readonly outcome: Outcome | undefined }) {
  if (candidate.adoptedAs !== undefined) return <span class="badge good">{say.first.known(candidate.adoptedAs)}</span>;
  switch (outcome?.state) {
    case 'asked': return <span class="badge">{say.first.trying}</span>;
    case 'taken': return <span class="badge good">{say.first.taken}</span>;
    case 'refused': return <span class="badge bad">{say.first.refused}</span>;
    case undefined: return null;
  }
}

function ByAddress({ onAdd }: { readonly onAdd: (candidate: Candidate) => void }) {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const add = (event: Event): void => {
    event.preventDefault();
    const place = addressOf(text);
    setWrong(place === undefined);
    if (place === undefined) return;
    onAdd({ key: text.trim(), name: say.first.unknownModel, where: text.trim(), note: undefined, adoptedAs: undefined, question: place });
    setText('');
  };
  return <details><summary>{say.first.byAddress}</summary><form class="stack tight" onSubmit={add} noValidate>
    <Field label={say.first.address} hint={say.first.addressHint} value={text} onInput={(value) => { setText(value); setWrong(false); }} wrong={wrong ? say.first.addressWrong : undefined} inputMode="url" />
    <div class="buttons"><Button type="submit">{say.first.add}</Button></div>
  </form></details>;
}
