/** Keeping a chosen time longer: signed by this device, which must be an owner's and seals anew what has to be; and what is kept already. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { dateClock, dayMs } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubNow } from '../hubtime.ts';
import { loadKeys } from '../load.ts';
import type { OrderDone } from '../seams.ts';
import { say } from '../strings.ts';
import { Button, Choices, Field } from './controls.tsx';
import { useDoing, useLoaded } from './loaded.ts';
import { labelMax, OrderRange, Outcome, wrongTime, type OrderProps } from './order.tsx';
import { RangePanel, useFixed } from './rangepanel.tsx';
import { Problem } from './states.tsx';

const days = ['7', '30', '365'] as const;

export function KeepPanel(props: OrderProps) {
  const { camera, name, range, onFixed, onClose, onDone } = props;
  const { reader } = useHeld();
  const [forDays, setForDays] = useState<(typeof days)[number]>('30');
  const [label, setLabel] = useState('');
  const [done, setDone] = useState<OrderDone>();
  const [part, setPart] = useState(0);
  const { value, error, again } = useLoaded((signal) => ask('holds', { signal }), []);
  const doing = useDoing();
  useFixed(doing.busy, onFixed);
  // What was done was done to another time.
  useEffect(() => setDone(undefined), [range.fromMs, range.toMs]);
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      const keys = await loadKeys();
      setDone(await keys.hold({ camera, ...range, untilMs: hubNow() + (Number(forDays) * dayMs), label }, setPart));
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
  return <RangePanel title={say.keeping.keepTitle(name)} onClose={onClose}>
    <form class="form" onSubmit={submit}>
      <p class="hint">{say.keeping.keepLead}</p>
      <OrderRange {...props} fixed={doing.busy} wholeWords={say.keeping.keptWhole} />
      <fieldset class="field group"><legend>{say.keeping.forLabel}</legend><Choices label={say.keeping.forLabel} value={forDays} onChoose={setForDays} options={days.map((one) => ({ value: one, label: say.first.days(Number(one)) }))} /></fieldset>
      <Field label={say.keeping.label} hint={say.keeping.labelHint} value={label} onInput={setLabel} maxLength={labelMax} />
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <Outcome done={done} busy={doing.busy} part={part} />
      <div class="buttons"><Button kind="main" type="submit" icon="key" busy={doing.busy} disabled={wrongTime(range) !== undefined}>{say.keeping.keepNow}</Button></div>
    </form>
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {holds.length === 0 ? null : <section aria-label={say.keeping.heldTitle}><h3>{say.keeping.heldTitle}</h3><ul class="stack">
      {holds.map(({ order, label: words, fromMs, untilMs }) => <li key={order}>
        <p>{[words, fromMs === undefined ? '' : dateClock(fromMs, reader), say.keeping.until(dateClock(untilMs, reader))].filter((text) => text !== '').join(' · ')}</p>
        <Button kind="risky" busy={doing.busy} onClick={() => release(order)}>{say.keeping.release}</Button>
      </li>)}
    </ul><p class="hint">{say.keeping.releaseHint}</p></section>}
  </RangePanel>;
}
