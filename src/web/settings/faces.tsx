/** Faces: what it would mean, in plain words, before they are on; then who agreed to be recognised, how and until when; and how each is forgotten. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Enrolled, PageReplyOf } from '../../api/pagecontract.ts';
import { consentWays, type ConsentWay } from '../../policy/people.ts';
import { ask } from '../api.ts';
import { dateClock } from '../format.ts';
import { useHeld } from '../held.tsx';
import { Link } from '../navigation.tsx';
import { nameFits } from '../pages/firstowner.tsx';
import { halfOf } from '../proving.ts';
import { say } from '../strings.ts';
import { Button, Check, Field, Pick } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { ShotFields, useShots } from '../parts/faceshots.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { OnceMore } from '../parts/oncemore.tsx';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { Fact } from './cameras.tsx';
import { ConfirmChange } from './change.tsx';
import { TableCard, useSettings } from './tables.tsx';

type People = PageReplyOf<'people'>;
type Forgotten = PageReplyOf<'personForget'>;
type Open = { readonly what: 'turn on' | 'enrol' } | { readonly what: 'renew' | 'forget'; readonly person: Enrolled } | undefined;

const refreshMs = 15_000;
const enabledKey = 'faces.enabled';
/** As the hub calls the change that waits. */
const pendingKey = 'faces';

export function FacesSettings() {
  const { value, error, again } = useLoaded((signal) => ask('people', { signal }), [], refreshMs);
  const settings = useSettings();
  const [open, setOpen] = useState<Open>();
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const close = (): void => { setOpen(undefined); again(); settings.again(); };
  const waits = settings.value?.settings.pending.some(({ key }) => key === pendingKey) === true;
  const byFile = settings.value?.settings.keys.find(({ key }) => key === enabledKey)?.fixed === true;
  return <div class="stack">
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {value.enabled ? null : <OffCard people={value} waits={waits} byFile={byFile} onTurnOn={() => setOpen({ what: 'turn on' })} />}
    {value.enabled || value.people.length > 0 || value.locked > 0 ? <PeopleCard people={value} onOpen={setOpen} /> : null}
    {settings.value === undefined || !value.enabled ? null : <TableCard table="faces" known={settings.value} onChanged={close} />}
    {open?.what === 'turn on' ? <ConfirmChange title={say.faces.turnOnTitle} lead={say.faces.turnOnLead} change={{ keys: [{ key: enabledKey, value: true }] }} onClose={close} /> : null}
    {open?.what === 'enrol' ? <EnrolDialog consent={value.consent} onClose={close} /> : null}
    {open?.what === 'renew' ? <RenewDialog person={open.person} consent={value.consent} onClose={close} /> : null}
    {open?.what === 'forget' ? <ForgetDialog person={open.person} onClose={close} /> : null}
  </div>;
}

function OffCard({ people: { notice }, waits, byFile, onTurnOn }: { readonly people: People; readonly waits: boolean; readonly byFile: boolean; readonly onTurnOn: () => void }) {
  return <section class="card" aria-labelledby="faces-off">
    <div class="card-head"><h2 id="faces-off">{say.faces.off}</h2>{waits || byFile ? null : <Button kind="main" onClick={onTurnOn}>{say.faces.turnOn}</Button>}</div>
    <p>{say.faces.offLead}</p>
    <div class="note" lang="en"><Paragraphs text={notice.text} /></div>
    <p class="small muted">{say.faces.textIs(notice.version, notice.sha256)}</p>
    {waits ? <div class="note care" role="status"><b>{say.forms.waitFor}</b><p><Link to={{ page: 'settings', section: 'approvals' }}>{say.forms.toApprovals}</Link></p></div> : null}
    {byFile ? <p class="hint">{say.faces.byFile}</p> : null}
  </section>;
}

function Paragraphs({ text }: { readonly text: string }) {
  return <>{text.split('\n').map((line) => <p key={line}>{line}</p>)}</>;
}

function PeopleCard({ people: { people, enabled, locked }, onOpen }: { readonly people: People; readonly onOpen: (open: Open) => void }) {
  return <section class="card" aria-labelledby="faces-people">
    <div class="card-head"><h2 id="faces-people">{say.faces.people}</h2>{enabled && locked === 0 ? <Button kind="main" icon="plus" onClick={() => onOpen({ what: 'enrol' })}>{say.faces.enrol}</Button> : null}</div>
    <p class="muted">{enabled ? say.faces.peopleLead : say.faces.peopleOffLead}</p>
    {locked === 0 ? null : <div class="note care" role="status"><b>{say.faces.locked}</b><p>{say.faces.lockedLead(locked)}</p></div>}
    {people.length === 0 && locked > 0 ? null : people.length === 0 ? <Empty icon="person" title={say.faces.none}><p>{say.faces.noneLead}</p></Empty> : <ul class="rows">{people.map((person) => <PersonRow key={person.id} person={person} onOpen={onOpen} />)}</ul>}
  </section>;
}

function PersonRow({ person, onOpen }: { readonly person: Enrolled; readonly onOpen: (open: Open) => void }) {
  const { reader } = useHeld();
  const { id, name, state, how, givenBy, recordedBy, consentMs, consentVersion, lapsesMs, forgottenMs, templates, usable } = person;
  const given = state === 'given';
  return <li aria-label={name}>
    <div class="person grow"><img class="face" src={`/api/v1/people/${id}/picture`} alt={say.faces.pictureOf(name)} /><div class="stack tight">
      <h3>{name} <span class={`badge ${given ? 'good' : 'care'}`}>{given ? say.faces.given : say.faces.lapsed}</span></h3>
      <p class="small">{given ? say.faces.lapses(dateClock(lapsesMs, reader)) : say.faces.hasLapsed(dateClock(lapsesMs, reader), dateClock(forgottenMs, reader))}</p>
      {usable ? null : <p class="small warn">{say.faces.unusable}</p>}
      <details class="small"><summary>{say.faces.consent}</summary><dl class="facts">
        <Fact name={say.faces.agreed} value={say.faces.agreedHow(dateClock(consentMs, reader), say.faces.ways[how].label)} />
        <Fact name={say.faces.by} value={givenBy} />
        <Fact name={say.faces.recordedBy} value={recordedBy === '' ? say.faces.accountGone : recordedBy} />
        <Fact name={say.faces.text} value={say.faces.textVersion(consentVersion)} />
        <Fact name={say.faces.templates} value={say.faces.pictures(templates)} />
      </dl></details>
    </div></div>
    <div class="buttons"><Button label={say.faces.renewOf(name)} onClick={() => onOpen({ what: 'renew', person })}>{say.faces.renew}</Button><Button kind="risky" label={say.faces.forgetOf(name)} onClick={() => onOpen({ what: 'forget', person })}>{say.faces.forget}</Button></div>
  </li>;
}

interface Agreed { readonly how: ConsentWay; readonly givenBy: string; readonly yes: boolean }
const notAgreed: Agreed = { how: 'in person', givenBy: '', yes: false };

/** The text, as it is to be read out or shown; how it was agreed to; and by whom, where that is not the person. */
function ConsentFields({ consent, name, agreed, onAgreed, tried }: { readonly consent: People['consent']; readonly name: string; readonly agreed: Agreed; readonly onAgreed: (agreed: Agreed) => void; readonly tried: boolean }) {
  const called = name.trim() === '' ? say.faces.thePerson : name;
  return <>
    <div class="field"><span class="label" id="consent-text">{say.faces.readOut(called)}</span><div class="note" lang="en" role="group" aria-labelledby="consent-text"><Paragraphs text={consent.text} /></div><span class="hint">{say.faces.textIs(consent.version, consent.sha256)}</span></div>
    <Pick label={say.faces.how} value={agreed.how} onChoose={(how) => onAgreed({ ...agreed, how })} options={consentWays.map((way) => ({ value: way, ...say.faces.ways[way] }))} />
    {agreed.how === 'by guardian' ? <Field label={say.faces.guardian} hint={say.faces.guardianHint} value={agreed.givenBy} onInput={(givenBy) => onAgreed({ ...agreed, givenBy })} maxLength={64} required wrong={tried && !nameFits(agreed.givenBy) ? say.first.nameWrong : undefined} /> : null}
    <Check label={say.faces.yes(called)} hint={tried && !agreed.yes ? say.faces.yesNeeded : say.faces.yesHint} checked={agreed.yes} onChange={(yes) => onAgreed({ ...agreed, yes })} />
  </>;
}

const whoAgreed = ({ how, givenBy }: Agreed, name: string): string => (how === 'by guardian' ? givenBy : name);
const isAgreed = (agreed: Agreed, name: string): boolean => agreed.yes && nameFits(name) && nameFits(whoAgreed(agreed, name));

type Step = 'consent' | 'pictures' | 'proof';
const steps: readonly Step[] = ['consent', 'pictures', 'proof'];

function EnrolDialog({ consent, onClose }: { readonly consent: People['consent']; readonly onClose: () => void }) {
  const held = useHeld();
  const [step, setStep] = useState<Step>('consent');
  const [name, setName] = useState('');
  const [agreed, setAgreed] = useState(notAgreed);
  const [tried, setTried] = useState(false);
  const [passphrase, setPassphrase] = useState('');
  const shots = useShots();
  const doing = useDoing();
  const start = useRef<HTMLHeadingElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    if (moved.current) start.current?.focus();
    moved.current = true;
  }, [step]);
  const back = (): void => { doing.clear(); setTried(false); setStep(steps[steps.indexOf(step) - 1] ?? 'consent'); };
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (step === 'consent' ? !isAgreed(agreed, name) : shots.good.length === 0) return;
    setTried(false);
    if (step !== 'proof') return setStep(step === 'consent' ? 'pictures' : 'proof');
    void doing.run(async () => {
      await ask('enrol', { body: { name, how: agreed.how, givenBy: whoAgreed(agreed, name), consent: consent.sha256, pictures: shots.good.map(({ jpeg }) => jpeg), half: await halfOf(held, passphrase) } });
      toast(say.faces.enrolled(name));
      onClose();
    });
  };
  return <Dialog title={say.faces.enrol} onClose={onClose}><form class="form" onSubmit={submit} noValidate={step === 'consent'}>
    <h3 ref={start} tabIndex={-1}>{say.faces.stepOf(steps.indexOf(step) + 1, steps.length, say.faces.steps[step])}</h3>
    {step === 'consent' ? <>
      <Field label={say.faces.name} hint={say.faces.nameHint} value={name} onInput={setName} maxLength={64} required wrong={tried && !nameFits(name) ? say.first.nameWrong : undefined} />
      <ConsentFields consent={consent} name={name} agreed={agreed} onAgreed={setAgreed} tried={tried} />
    </> : step === 'pictures' ? <><ShotFields shots={shots} />{tried && shots.good.length === 0 ? <p class="danger" role="alert">{say.faces.oneNeeded}</p> : null}</> : <>
      <p>{say.faces.summary(name, shots.good.length)}</p>
      <OnceMore why={say.faces.onceMore} value={passphrase} onInput={setPassphrase} />
    </>}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end">{step === 'consent' ? <Button onClick={onClose}>{say.common.cancel}</Button> : <Button onClick={back}>{say.common.back}</Button>}
      <Button kind="main" type="submit" busy={doing.busy}>{step === 'proof' ? say.faces.enrolNow : say.common.next}</Button></div>
  </form></Dialog>;
}

function RenewDialog({ person: { id, name }, consent, onClose }: { readonly person: Enrolled; readonly consent: People['consent']; readonly onClose: () => void }) {
  const held = useHeld();
  const [agreed, setAgreed] = useState(notAgreed);
  const [tried, setTried] = useState(false);
  const [passphrase, setPassphrase] = useState('');
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!isAgreed(agreed, name)) return;
    void doing.run(async () => {
      await ask('personRenew', { id, body: { how: agreed.how, givenBy: whoAgreed(agreed, name), consent: consent.sha256, half: await halfOf(held, passphrase) } });
      toast(say.faces.renewed(name));
      onClose();
    });
  };
  return <Dialog title={say.faces.renewTitle(name)} onClose={onClose}><form class="form" onSubmit={submit}>
    <ConsentFields consent={consent} name={name} agreed={agreed} onAgreed={setAgreed} tried={tried} />
    <OnceMore why={say.faces.onceMore} value={passphrase} onInput={setPassphrase} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="main" type="submit" busy={doing.busy}>{say.faces.renew}</Button></div>
  </form></Dialog>;
}

/** The receipt stays until somebody has read it. */
function ForgetDialog({ person: { id, name }, onClose }: { readonly person: Enrolled; readonly onClose: () => void }) {
  const held = useHeld();
  const { reader } = held;
  const [passphrase, setPassphrase] = useState('');
  const [done, setDone] = useState<Forgotten>();
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => setDone(await ask('personForget', { id, body: { half: await halfOf(held, passphrase) } })));
  };
  if (done !== undefined) return <Dialog title={say.faces.forgottenTitle} onClose={onClose}><div class="form">
    <div class="note good" role="status"><b>{say.faces.receipt(done.receipt, dateClock(done.atMs, reader))}</b><p>{say.faces.forgotten}</p><p>{done.readBack ? say.faces.readBack : say.faces.notReadBack}</p></div>
    <div class="buttons end"><Button kind="main" onClick={onClose}>{say.common.close}</Button></div>
  </div></Dialog>;
  return <Dialog title={say.faces.forgetTitle(name)} onClose={onClose}><form class="form" onSubmit={submit}>
    <p>{say.faces.forgetLead}</p>
    <OnceMore why={say.faces.forgetOnceMore} value={passphrase} onInput={setPassphrase} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons end"><Button onClick={onClose}>{say.common.cancel}</Button><Button kind="risky" type="submit" busy={doing.busy}>{say.faces.forget}</Button></div>
  </form></Dialog>;
}
