/** What keeping and erasing share: the time that is meant, and what became of it. */
import { clockSeconds, minuteMs } from '../format.ts';
import { useHeld } from '../held.tsx';
import { rangeAround, wholeSegments } from '../range.ts';
import type { OrderDone } from '../seams.ts';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import type { Run } from '../timelineview.ts';
import { Choices } from './controls.tsx';
import { RangeFields } from './rangefields.tsx';
import type { RangePanelProps } from './rangepanel.tsx';

export interface OrderProps extends RangePanelProps {
  /** What there is has changed. */
  readonly onDone: () => void;
}

export const labelMax = 80;
const spans = ['1', '5', '30'] as const;
type Span = (typeof spans)[number];

/** Around the playhead with one choice, or as exactly as one likes. */
export function OrderRange({ rows, range, dayStartMs, headMs, onRange, fixed, wholeWords }: OrderProps & { readonly fixed: boolean; readonly wholeWords: (from: string, to: string) => string }) {
  const { reader } = useHeld();
  const whole = wholeSegments(rows, range);
  const wrong = wrongTime(range);
  const span = spans.find((one) => range.toMs - range.fromMs === Number(one) * minuteMs);
  return <>
    <fieldset class="field group" disabled={fixed}><legend>{say.keeping.around}</legend>
      <Choices<Span | ''> label={say.keeping.around} value={span ?? ''} onChoose={(one) => onRange(rangeAround(headMs, Number(one)))} options={spans.map((one) => ({ value: one, label: say.keeping.minutes(Number(one)) }))} />
    </fieldset>
    <RangeFields range={range} dayStartMs={dayStartMs} headMs={headMs} disabled={fixed} onRange={onRange} />
    {wrong !== undefined ? <p class="danger" role="alert">{wrong}</p> : whole === undefined ? null : <p class="hint" aria-live="polite">{wholeWords(clockSeconds(whole.fromMs, reader), clockSeconds(whole.toMs, reader))}</p>}
  </>;
}

/** In words; undefined for a time with which something can be done. */
export function wrongTime({ fromMs, toMs }: Run): string | undefined {
  return toMs <= fromMs ? say.range.wrongOrder : undefined;
}

export function Outcome({ done, busy, part }: { readonly done: OrderDone | undefined; readonly busy: boolean; readonly part: number }) {
  if (busy) return <p role="status">{say.keeping.working(Math.round(part * 100))}</p>;
  if (done === undefined) return null;
  return <div class="note" role="status"><ul>{[...done.sentences, ...done.problems.map(({ message }) => message)].map((sentence) => <li key={sentence}>{hubWords(sentence)}</li>)}</ul></div>;
}
