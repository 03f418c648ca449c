/** Keeping the footage around a moment longer, and erasing it: signed by this device, which must be an owner's and seals anew what has to be. */
import { useState } from 'preact/hooks';
import type { PageCamera } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { eraseHours } from '../erasehours.ts';
import { clockSeconds, dateClock, dayMs, dayName, minuteMs } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { loadKeys } from '../load.ts';
import { halfOf } from '../proving.ts';
import type { OrderDone } from '../seams.ts';
import { say } from '../strings.ts';
import { Button, Choices, Field } from './controls.tsx';
import { Dialog } from './dialog.tsx';
import { useDoing, useLoaded } from './loaded.ts';
import { Loading, Problem } from './states.tsx';

const spans = ['1', '5', '30'] as const;
const days = ['7', '30', '365'] as const;
const labelMax = 80;

interface Around {
  readonly camera: PageCamera;
  readonly headMs: number;
  /** What there is has changed. */
  readonly onDone: () => void;
}

/** An owner signs both; whoever may only look is not offered them. An owner without an open key is offered to erase the whole hour. */
export function KeepErase({ camera, headMs, onDone }: Around) {
  const held = useHeld();
  const [open, setOpen] = useState<{ readonly what: 'keep' | 'erase'; readonly headMs: number }>();
  if (!has(held, 'people') || !camera.rights.includes('hold')) return null;
  const close = (): void => setOpen(undefined);
  if (held.device === undefined) {
    return !camera.rights.includes('erase') ? null : <div class="buttons">
      <Button kind="quiet" onClick={() => setOpen({ what: 'erase', headMs })}>{say.keeping.eraseHour}</Button>
      {open === undefined ? null : <Dialog title={say.keeping.eraseTitle(camera.name)} onClose={close}><EraseHour camera={camera} headMs={open.headMs} onDone={onDone} /></Dialog>}
    </div>;
  }
  return <div class="buttons">
    <Button icon="key" onClick={() => setOpen({ what: 'keep', headMs })}>{say.keeping.keep}</Button>
    {camera.rights.includes('erase') ? <Button kind="quiet" onClick={() => setOpen({ what: 'erase', headMs })}>{say.keeping.erase}</Button> : null}
    {open === undefined ? null : <Dialog title={open.what === 'keep' ? say.keeping.keepTitle(camera.name) : say.keeping.eraseTitle(camera.name)} onClose={close}>
      {open.what === 'keep' ? <KeepThis camera={camera} headMs={open.headMs} onDone={onDone} /> : <EraseThis camera={camera} headMs={open.headMs} onDone={onDone} />}
    </Dialog>}
  </div>;
}

function KeepThis({ camera: { camera }, headMs, onDone }: Around) {
  const { reader } = useHeld();
  const [span, setSpan] = useState<(typeof spans)[number]>('5');
  const [forDays, setForDays] = useState<(typeof days)[number]>('30');
  const [label, setLabel] = useState('');
  const [done, setDone] = useState<OrderDone>();
  const [part, setPart] = useState(0);
  const { value, error, again } = useLoaded((signal) => ask('holds', { signal }), []);
  const doing = useDoing();
  const range = around(headMs, span);
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      const keys = await loadKeys();
      setDone(await keys.hold({ camera, ...range, untilMs: Date.now() + (Number(forDays) * dayMs), label }, setPart));
      again();
      onDone();
    });
  };
  const release = (order: string): void => {
    void doing.run(async () => {
      setDone(await (await loadKeys()).release({ camera, order }));
      again();
      onDone();
    });
  };
  const holds = value?.holds.filter((hold) => hold.camera === camera) ?? [];
  return <div class="stack">
    <form class="form" onSubmit={submit}>
      <p class="hint">{say.keeping.keepLead}</p>
      <Around headMs={headMs} span={span} onSpan={setSpan} />
      <fieldset class="field group"><legend>{say.keeping.forLabel}</legend><Choices label={say.keeping.forLabel} value={forDays} onChoose={setForDays} options={days.map((one) => ({ value: one, label: say.first.days(Number(one)) }))} /></fieldset>
      <Field label={say.keeping.label} hint={say.keeping.labelHint} value={label} onInput={setLabel} maxLength={labelMax} />
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <Outcome done={done} busy={doing.busy} part={part} />
      <div class="buttons"><Button kind="main" type="submit" icon="key" busy={doing.busy}>{say.keeping.keepNow}</Button></div>
    </form>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {holds.length === 0 ? null : <section aria-label={say.keeping.heldTitle}><h3>{say.keeping.heldTitle}</h3><ul class="stack">
      {holds.map(({ order, label: words, fromMs, untilMs }) => <li key={order}>
        <p>{[words, fromMs === undefined ? '' : dateClock(fromMs, reader), say.keeping.until(dateClock(untilMs, reader))].filter((text) => text !== '').join(' · ')}</p>
        <Button kind="risky" busy={doing.busy} onClick={() => release(order)}>{say.keeping.release}</Button>
      </li>)}
    </ul><p class="hint">{say.keeping.releaseHint}</p></section>}
  </div>;
}

function EraseThis({ camera: { camera }, headMs, onDone }: Around) {
  const [span, setSpan] = useState<(typeof spans)[number]>('1');
  const [why, setWhy] = useState('');
  const [done, setDone] = useState<OrderDone>();
  const [part, setPart] = useState(0);
  const range = around(headMs, span);
  const { value, error, again } = useLoaded((signal) => ask('eraseLook', { body: { camera, ...range, whole: false }, signal }), [span]);
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      setDone(await (await loadKeys()).erase({ camera, ...range, why }, setPart));
      onDone();
    });
  };
  return <form class="form" onSubmit={submit}>
    <p class="hint">{say.keeping.eraseLead}</p>
    <Around headMs={headMs} span={span} onSpan={setSpan} />
    {done !== undefined ? null : error !== undefined ? <Problem error={error} onAgain={again} /> : value === undefined ? <Loading /> : <div role="status"><ul>{value.sentences.map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>}
    <Field label={say.keeping.why} hint={say.keeping.whyHint} value={why} onInput={setWhy} maxLength={labelMax} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <Outcome done={done} busy={doing.busy} part={part} />
    {done === undefined ? <div class="buttons"><Button kind="risky" type="submit" busy={doing.busy} disabled={value === undefined || error !== undefined}>{say.keeping.eraseNow}</Button></div> : null}
  </form>;
}

/** Without a key on this device: whole hours, by the passphrase. */
function EraseHour({ camera: { camera }, headMs, onDone }: Around) {
  const held = useHeld();
  const { account } = held.me;
  const [passphrase, setPassphrase] = useState('');
  const [why, setWhy] = useState('');
  const [done, setDone] = useState<readonly string[]>();
  const range = { fromMs: Math.floor(headMs), toMs: Math.floor(headMs) + 1000 };
  const { value, error, again } = useLoaded((signal) => ask('eraseLook', { body: { camera, ...range, whole: true }, signal }), [headMs]);
  const doing = useDoing();
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      setDone(await eraseHours({ camera, ...range, why }, await halfOf(held, passphrase)));
      setPassphrase('');
      onDone();
    });
  };
  if (done !== undefined) return <div class="note" role="status"><ul>{done.map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>;
  return <form class="form" onSubmit={submit}>
    <p class="hint">{say.keeping.eraseHourLead}</p>
    {error !== undefined ? <Problem error={error} onAgain={again} /> : value === undefined ? <Loading /> : <div role="status"><ul>{value.sentences.map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>}
    <Field label={say.keeping.why} hint={say.keeping.whyHint} value={why} onInput={setWhy} maxLength={labelMax} />
    <input type="text" class="unseen" autocomplete="username" value={account.name} readOnly tabIndex={-1} aria-hidden="true" />
    <Field label={say.login.passphrase} type="password" autocomplete="current-password" required value={passphrase} onInput={setPassphrase} />
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons"><Button kind="risky" type="submit" busy={doing.busy} disabled={value === undefined || error !== undefined}>{say.keeping.eraseHourNow}</Button></div>
  </form>;
}

function Around({ headMs, span, onSpan }: { readonly headMs: number; readonly span: (typeof spans)[number]; readonly onSpan: (span: (typeof spans)[number]) => void }) {
  const { reader } = useHeld();
  const { fromMs, toMs } = around(headMs, span);
  return <fieldset class="field group"><legend>{say.keeping.around}</legend>
    <Choices label={say.keeping.around} value={span} onChoose={onSpan} options={spans.map((one) => ({ value: one, label: say.keeping.minutes(Number(one)) }))} />
    <p class="hint" role="status">{say.keeping.range(dayName(fromMs, reader), clockSeconds(fromMs, reader), clockSeconds(toMs, reader))}</p>
  </fieldset>;
}

function Outcome({ done, busy, part }: { readonly done: OrderDone | undefined; readonly busy: boolean; readonly part: number }) {
  if (busy) return <p role="status">{say.keeping.working(Math.round(part * 100))}</p>;
  if (done === undefined) return null;
  return <div class="note" role="status"><ul>{[...done.sentences, ...done.problems.map(({ message }) => message)].map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>;
}

function around(headMs: number, minutes: string): { fromMs: number; toMs: number } {
  const halfMs = (Number(minutes) * minuteMs) / 2;
  return { fromMs: Math.round(headMs - halfMs), toMs: Math.round(headMs + halfMs) };
}
