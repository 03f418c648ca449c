/** From when to when, by clock times of a day; the playhead's on demand. The same that the handles on the strip say and do. */
import { useId, useState } from 'preact/hooks';
import { atClock, clockSeconds } from '../format.ts';
import { useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import type { Run } from '../timelineview.ts';
import { IconButton } from './controls.tsx';

interface RangeFieldsProps {
  readonly range: Run;
  readonly dayStartMs: number;
  readonly headMs: number;
  readonly disabled: boolean;
  readonly onRange: (range: Run) => void;
}

export function RangeFields({ range: { fromMs, toMs }, dayStartMs, headMs, disabled, onRange }: RangeFieldsProps) {
  return <div class="range-times">
    {disabled ? null : <p class="hint">{say.range.hint}</p>}
    <TimeField label={say.range.from} ms={fromMs} dayStartMs={dayStartMs} disabled={disabled} onMs={(ms) => onRange({ fromMs: ms, toMs })} here={say.range.fromHere} headMs={headMs} />
    <TimeField label={say.range.to} ms={toMs} dayStartMs={dayStartMs} disabled={disabled} onMs={(ms) => onRange({ fromMs, toMs: ms })} here={say.range.toHere} headMs={headMs} />
  </div>;
}

/** A clock time of the day, to the second. */
function TimeField({ label, ms, dayStartMs, disabled, onMs, here, headMs }: { readonly label: string; readonly ms: number; readonly dayStartMs: number; readonly disabled: boolean; readonly onMs: (ms: number) => void; readonly here: string; readonly headMs: number }) {
  const { reader } = useHeld();
  const id = useId();
  const [odd, setOdd] = useState(false);
  return <div class="field">
    <label for={id}>{label}</label>
    <div class="with-button">
      <input
        id={id} class="input" type="time" step="1" value={clockSeconds(ms, { ...reader, language: 'en-GB' })} disabled={disabled} aria-invalid={odd ? 'true' : undefined} aria-describedby={odd ? `${id}-wrong` : undefined}
        onChange={(event) => {
          const at = atClock(event.currentTarget.value, dayStartMs, reader);
          setOdd(at === undefined);
          if (at !== undefined) onMs(at);
        }}
      />
      <IconButton name="playhead" label={here} disabled={disabled} onClick={() => { setOdd(false); onMs(Math.round(headMs)); }} />
    </div>
    {odd ? <span class="wrong" id={`${id}-wrong`} role="alert">{say.range.wrongTime}</span> : null}
  </div>;
}
