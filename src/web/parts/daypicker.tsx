/** Which day the timeline shows: by its date, or the one before or after. */
import { dayBeside, dayStart, fromIsoDay, isoDay } from '../format.ts';
import { useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { Button, IconButton } from './controls.tsx';

export function DayPicker({ startMs, nowMs, onDay }: { readonly startMs: number; readonly nowMs: number; readonly onDay: (ms: number) => void }) {
  const { reader } = useHeld();
  const today = dayStart(nowMs, reader);
  return <div class="date">
    <IconButton name="left" label={say.timeline.previous} onClick={() => onDay(dayBeside(startMs, -1, reader))} />
    <label><span class="unseen">{say.timeline.date}</span><input class="input" type="date" value={isoDay(startMs, reader)} max={isoDay(nowMs, reader)} onChange={(event) => { const day = fromIsoDay(event.currentTarget.value, reader); if (day !== undefined) onDay(day); }} /></label>
    <IconButton name="right" label={say.timeline.following} disabled={startMs >= today} onClick={() => onDay(dayBeside(startMs, 1, reader))} />
    {startMs === today ? null : <Button kind="quiet" onClick={() => onDay(nowMs)}>{say.timeline.today}</Button>}
  </div>;
}
