/** One alarm: its picture as large as there is room, what is known of it, and what may be said of it. Arrow keys go to its neighbours. */
import { useEffect, useState } from 'preact/hooks';
import type { PageAlarm } from '../../api/pagecontract.ts';
import { clockSeconds, dateClock, deadline } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubNow } from '../hubtime.ts';
import { hubWords } from '../hubwords.ts';
import { whoOrWhat, type AlarmWords } from '../naming.ts';
import { Link } from '../navigation.tsx';
import { say } from '../strings.ts';
import { AlarmPicture, type Shown } from './alarmpicture.tsx';
import { Button, Choices, IconButton } from './controls.tsx';
import { Dialog } from './dialog.tsx';
import { Problem } from './states.tsx';

export interface MarkProps {
  readonly alarm: PageAlarm;
  readonly busy: boolean;
  readonly onMark: (marks: { readonly seen?: boolean; readonly falseAlarm?: boolean }) => void;
}

/** So long before an alarm replay begins. */
export const leadMs = 3000;

/** Who it was, or that it is not certain, where this visitor may know it; else what it was. And where. */
export function whatOf({ kind }: Pick<PageAlarm, 'kind'>, camera: string, words: AlarmWords | undefined): string {
  return say.review.what(whoOrWhat(kind, words), camera);
}

export function AlarmView({ alarm, camera, words, opens, busy, error, onMark, onNewer, onOlder, onClose }: MarkProps & {
  readonly camera: string; readonly words: AlarmWords | undefined; readonly opens: boolean; readonly error: unknown; readonly onNewer: (() => void) | undefined; readonly onOlder: (() => void) | undefined; readonly onClose: () => void;
}) {
  const { reader } = useHeld();
  const [picture, setPicture] = useState<Shown>('full');
  const kinds = (['full', 'crop'] as const).filter((one) => alarm.pictures.includes(one));
  const shown: Shown | undefined = kinds.find((one) => one === picture) ?? kinds[0] ?? (alarm.pictures.includes('thumb') ? 'thumb' : undefined);
  useEffect(() => {
    const look = (event: KeyboardEvent): void => {
      const to = event.key === 'ArrowLeft' ? onNewer : event.key === 'ArrowRight' ? onOlder : undefined;
      if (to === undefined || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      to();
    };
    addEventListener('keydown', look);
    return () => removeEventListener('keydown', look);
  });
  const what = whatOf(alarm, camera, words);
  return <Dialog title={what} onClose={onClose} wide>
    {shown === undefined || !opens ? <p class="note">{opens ? say.review.without(hubWords(alarm.picturesWhy, { inside: true })) : say.review.sealedLead}</p> : <AlarmPicture alarm={alarm} picture={shown} alt={say.review.alt(what, dateClock(alarm.fromMs, reader))} />}
    <div class="timeline-bar">
      <div class="buttons"><IconButton name="left" label={say.review.newer} disabled={onNewer === undefined} onClick={() => onNewer?.()} /><IconButton name="right" label={say.review.older} disabled={onOlder === undefined} onClick={() => onOlder?.()} /></div>
      {kinds.length < 2 || !opens ? null : <Choices label={say.review.picture} value={shown === 'crop' ? 'crop' : 'full'} onChoose={setPicture} options={[{ value: 'full', label: say.review.whole }, { value: 'crop', label: say.review.crop }]} />}
    </div>
    <AlarmFacts alarm={alarm} words={words} />
    {error === undefined ? null : <Problem error={error} />}
    <div class="buttons end"><Marks alarm={alarm} busy={busy} onMark={onMark} /><Link class="button main" to={{ page: 'timeline', camera: alarm.camera, atMs: alarm.fromMs - leadMs }}>{say.review.play}</Link></div>
  </Dialog>;
}

function AlarmFacts({ alarm: { kind, fromMs, toMs, rule, scorePm, segments, footageWhy, deadlineMs }, words }: { readonly alarm: PageAlarm; readonly words: AlarmWords | undefined }) {
  const { reader } = useHeld();
  return <dl class="facts">
    <div><dt>{say.review.when}</dt><dd>{dateClock(fromMs, reader)} · {toMs === undefined ? say.review.lasts : say.review.until(clockSeconds(toMs, reader), say.span(Math.max(1000, toMs - fromMs)))}</dd></div>
    {words?.unsure === true ? <div><dt>{say.review.recognised}</dt><dd>{say.review.unsure}</dd></div> : null}
    {words?.who === undefined ? null : <div><dt>{say.review.recognised}</dt><dd>{words.who.name} · {say.observation[kind] ?? kind}</dd></div>}
    {words === undefined || words.zones.length === 0 ? null : <div><dt>{say.review.zones}</dt><dd>{say.list(words.zones)}</dd></div>}
    <div><dt>{say.review.rule}</dt><dd>{rule}{scorePm > 0 && scorePm < 1000 ? ` · ${say.review.sure(Math.round(scorePm / 10))}` : ''}</dd></div>
    <div><dt>{say.review.footage}</dt><dd>{segments > 0 ? say.review.kept(segments) : footageWhy === '' ? say.review.notYet : say.review.none(hubWords(footageWhy, { inside: true }))}</dd></div>
    <div><dt>{say.review.ends}</dt><dd>{deadline(deadlineMs, hubNow(), reader)}</dd></div>
  </dl>;
}

/** `about`: where several stand on a page. */
export function Marks({ alarm, busy, onMark, about }: MarkProps & { readonly about?: string }) {
  const label = (words: string): { label?: string } => (about === undefined ? {} : { label: say.review.markOf(words, about) });
  const [seen, none] = [alarm.seen ? say.review.unsee : say.review.see, alarm.falseAlarm ? say.review.notFalse : say.review.falseAlarm];
  return <>
    <Button busy={busy} onClick={() => onMark({ seen: !alarm.seen })} {...label(seen)}>{seen}</Button>
    <Button kind="quiet" busy={busy} onClick={() => onMark(alarm.falseAlarm ? { falseAlarm: false } : { seen: true, falseAlarm: true })} {...label(none)}>{none}</Button>
  </>;
}
