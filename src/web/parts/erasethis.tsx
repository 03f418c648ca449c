/** Erasing a chosen time before its deadline: signed by this device, which must be an owner's. What would go is said first. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { loadKeys } from '../load.ts';
import type { OrderDone } from '../seams.ts';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import type { Run } from '../timelineview.ts';
import { Button, Field } from './controls.tsx';
import { useDoing, useLoaded } from './loaded.ts';
import { labelMax, OrderRange, Outcome, wrongTime, type OrderProps } from './order.tsx';
import { RangePanel, useFixed } from './rangepanel.tsx';
import { Loading, Problem } from './states.tsx';

/** The hub is asked once a handle rests. */
const restMs = 400;

export function ErasePanel(props: OrderProps) {
  const { camera, name, range, onFixed, onClose, onDone } = props;
  const [why, setWhy] = useState('');
  const [done, setDone] = useState<OrderDone>();
  const [part, setPart] = useState(0);
  const wrong = wrongTime(range) !== undefined;
  const rested = useRested(range);
  const { value, error, again } = useLoaded(async (signal) => wrong ? undefined : { of: rested, ...await ask('eraseLook', { body: { camera, ...rested, whole: false }, signal }) }, [rested, wrong]);
  // What is said and what is signed are about the same time.
  const look = value !== undefined && value.of === range ? value : undefined;
  const doing = useDoing();
  useFixed(doing.busy || done !== undefined, onFixed);
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      setDone(await (await loadKeys()).erase({ camera, ...range, why }, setPart));
      onDone();
    });
  };
  return <RangePanel title={say.keeping.eraseTitle(name)} onClose={onClose}>
    <form class="form" onSubmit={submit}>
      <p class="hint">{say.keeping.eraseLead}</p>
      {done !== undefined ? null : <>
        <OrderRange {...props} fixed={doing.busy} wholeWords={say.keeping.goWhole} />
        {wrong ? null : error !== undefined && rested === range ? <Problem error={error} onAgain={again} /> : look === undefined ? <Loading /> : <div role="status"><ul>{look.sentences.map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>}
        <Field label={say.keeping.why} hint={say.keeping.whyHint} value={why} onInput={setWhy} maxLength={labelMax} />
      </>}
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <Outcome done={done} busy={doing.busy} part={part} />
      {done === undefined ? <div class="buttons"><Button kind="risky" type="submit" busy={doing.busy} disabled={look === undefined || error !== undefined}>{say.keeping.eraseNow}</Button></div> : null}
    </form>
  </RangePanel>;
}

/** The range, once it has been the same for a while. */
function useRested(range: Run): Run {
  const [rested, setRested] = useState(range);
  useEffect(() => {
    const timer = setTimeout(() => setRested(range), restMs);
    return () => clearTimeout(timer);
  }, [range]);
  return rested;
}
