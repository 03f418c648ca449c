/** The day as a table: for screen readers, and for whoever wants to read it. */
import type { PageCamera } from '../../api/pagecontract.ts';
import { clockSeconds, deadline } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubWords } from '../hubwords.ts';
import { say } from '../strings.ts';
import { alarmInWords } from './strip.tsx';
import { deadlineAt, nothing, type DayView } from '../timelineview.ts';

const listedMax = 200;

export function DayList({ cameras, views, nowMs, onPlay }: { readonly cameras: readonly PageCamera[]; readonly views: ReadonlyMap<string, DayView>; readonly nowMs: number; readonly onPlay: (camera: string, ms: number) => void }) {
  const { reader } = useHeld();
  return <details><summary>{say.timeline.asList}</summary><div class="stack">
    {cameras.map(({ camera, name }) => {
      const lines = linesOf(views.get(camera) ?? nothing);
      return <div class="card plain" key={camera}><h2>{say.timeline.listOf(name)}</h2>{lines.length === 0 ? <p class="muted">{say.timeline.emptyDay}</p> : <table class="table">
        <thead><tr><th scope="col">{say.timeline.from}</th><th scope="col">{say.timeline.to}</th><th scope="col">{say.timeline.what}</th><th scope="col">{say.timeline.until}</th></tr></thead>
        <tbody>{lines.slice(-listedMax).map(({ key, fromMs, toMs, words, plays }) => {
          const ends = plays ? deadlineAt(views.get(camera) ?? nothing, fromMs) : undefined;
          return <tr key={key}>
            <td>{plays ? <button type="button" class="button quiet" aria-label={say.timeline.playThis(clockSeconds(fromMs, reader))} onClick={() => onPlay(camera, fromMs)}>{clockSeconds(fromMs, reader)}</button> : clockSeconds(fromMs, reader)}</td>
            <td>{toMs === undefined ? say.timeline.lasts : clockSeconds(toMs, reader)}</td><td>{words}</td><td>{ends === undefined ? '' : deadline(ends, nowMs, reader)}</td>
          </tr>;
        })}</tbody>
      </table>}</div>;
    })}
  </div></details>;
}

interface Line { readonly key: string; readonly fromMs: number; readonly toMs: number | undefined; readonly words: string; readonly plays: boolean }

function linesOf(view: DayView): Line[] {
  return [
    ...view.kept.map(({ fromMs, toMs, archivedAt }) => ({ key: `r${fromMs}`, fromMs, toMs, words: archivedAt === undefined ? say.timeline.legendRecorded : say.timeline.archived(archivedAt), plays: true })),
    ...view.gaps.map(({ fromMs, toMs, reason, detail }) => ({ key: `g${fromMs}${reason}`, fromMs, toMs, words: [say.timeline.gapOf(say.gap[reason] ?? reason), hubWords(detail, { inside: true })].filter((part) => part !== '').join('; '), plays: false })),
    ...view.seen.map(({ kind, fromMs, toMs, lasts }) => ({ key: `s${kind}${fromMs}`, fromMs, toMs: lasts ? undefined : toMs, words: say.observation[kind] ?? kind, plays: true })),
    ...view.alarms.map((alarm) => ({ key: `a${alarm.id}`, fromMs: alarm.fromMs, toMs: alarm.lasts ? undefined : alarm.toMs, words: alarmInWords(alarm), plays: true })),
  ].toSorted((one, other) => one.fromMs - other.fromMs);
}
