/** Review: what rules have kept, the newest first, with pictures that this browser opens; looked through, marked, and followed to the timeline. */
import { useEffect, useState } from 'preact/hooks';
import type { PageAlarm, PageCamera, PageReplyOf } from '../../api/pagecontract.ts';
import { observationKinds } from '../../policy/observations.ts';
import { noticeNumberPattern } from '../../policy/names.ts';
import { queryOf, shownOf, together, type Filter, type Span } from '../alarmlist.ts';
import { ask } from '../api.ts';
import { clockSeconds, dateClock, dayStart, fromIsoDay, isoDay } from '../format.ts';
import { useHeld } from '../held.tsx';
import { hubNow } from '../hubtime.ts';
import { hubWords } from '../hubwords.ts';
import type { AlarmWords, Nameable } from '../naming.ts';
import { Heading, Link } from '../navigation.tsx';
import { say } from '../strings.ts';
import { AlarmThumbnail, forgetAlarmPictures } from '../parts/alarmpicture.tsx';
import { AlarmView, leadMs, Marks, whatOf } from '../parts/alarmview.tsx';
import { forgetAlarmWords, useAlarmWords, useNames } from '../parts/alarmwords.ts';
import { Button, Check, Field, Select } from '../parts/controls.tsx';
import { useDoing, useLoaded } from '../parts/loaded.ts';
import { Prose } from '../parts/prose.tsx';
import { Empty, Loading, Problem } from '../parts/states.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';

const refreshMs = 15_000;
type Page = PageReplyOf<'alarms'>;

/** `notice`: the number of one that led here. */
export function Review({ notice }: { readonly notice?: string | undefined }) {
  const { value, error, again } = useLoaded((signal) => ask('cameras', { signal }), []);
  const heading = <Heading>{say.review.title}</Heading>;
  if (value === undefined) return <>{heading}{error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />}</>;
  const cameras = value.cameras.filter(({ rights }) => rights.includes('replay'));
  if (cameras.length === 0) return <>{heading}<Empty icon="alarm" title={value.cameras.length === 0 ? say.review.noCameras : say.review.notRight} /></>;
  return <Alarms key={notice ?? ''} cameras={cameras} notice={notice} />;
}

function Alarms({ cameras, notice }: { readonly cameras: readonly PageCamera[]; readonly notice: string | undefined }) {
  const { reader, device } = useHeld();
  const [filter, setFilter] = useState<Filter>(() => ({ camera: '', kind: '', span: 'week', dayStartMs: dayStart(hubNow(), reader), fresh: false, who: '' }));
  const [older, setOlder] = useState<readonly Page[]>([]);
  const [changed, setChanged] = useState<ReadonlyMap<string, PageAlarm>>(new Map());
  const [openId, setOpenId] = useState<string>();
  // Led to by the number of its notice: it may be in no page of the list.
  const [found, setFound] = useState<PageAlarm>();
  const key = JSON.stringify({ ...filter, fresh: false, who: '' });
  const { value, error, again } = useLoaded(async (signal) => ({ key, page: await ask('alarms', { query: queryOf(filter, hubNow(), reader), signal }) }), [key], refreshMs);
  const loading = useDoing();
  const marking = useDoing();
  // What a key opened is seen no longer than the key is open.
  useEffect(() => () => { forgetAlarmPictures(); forgetAlarmWords(); }, [device]);
  useEffect(() => { setOlder([]); setFound(undefined); setOpenId(undefined); }, [key]);
  // The hub's newest word counts.
  useEffect(() => { setChanged(new Map()); }, [value]);

  const change = (part: Partial<Filter>): void => setFilter((before) => ({ ...before, ...part }));
  const first = value?.key === key ? value.page : undefined;
  const pages = first === undefined ? [] : [first, ...older];
  const all = together([...(found === undefined ? [] : [[found]]), ...pages.map(({ alarms }) => alarms)], changed);
  const opens = (camera: string): boolean => device?.spaces.includes(cameras.find((one) => one.camera === camera)?.space ?? '') === true;
  const people = useNames();
  const who = people.find(({ id }) => id === filter.who);
  const { words, opening } = useAlarmWords(all, people, opens, value);
  const shown = shownOf(all, { fresh: filter.fresh, who: who?.id ?? '' }, words, openId);
  const open = shown.findIndex(({ id }) => id === openId);
  const opened = shown[open];
  const nameOf = (camera: string): string => cameras.find((one) => one.camera === camera)?.name ?? camera;
  const more = (): void => {
    const last = all.at(-1);
    if (last !== undefined) void loading.run(async () => { const page = await ask('alarms', { query: queryOf(filter, hubNow(), reader, last) }); setOlder((before) => [...before, page]); });
  };
  const mark = ({ camera, id }: PageAlarm, marks: { readonly seen?: boolean; readonly falseAlarm?: boolean }): void => {
    void marking.run(async () => {
      const now = await ask('alarmMark', { body: { camera, alarm: id, ...marks } });
      setChanged((before) => new Map([...before, [id, now]]));
      setOlder((before) => before.map((page) => ({ ...page, alarms: page.alarms.map((one) => (one.id === id ? now : one)) })));
      again();
    });
  };
  const goTo = (index: number): (() => void) | undefined => {
    const to = shown[index]?.id;
    return open === -1 || to === undefined ? undefined : () => setOpenId(to);
  };
  // Those of one person are counted as they are found; else all that the hub has told of.
  const counted = who === undefined ? all : shown;
  const fresh = counted.filter(({ seen }) => !seen).length;

  return <div class="stack">
    <div class="page-head"><div><Heading>{say.review.title}</Heading><p role="status">{first === undefined ? '' : say.review.count(counted.length, fresh, pages.at(-1)?.more === true)}</p></div></div>
    {device === undefined ? <UnlockPanel /> : null}
    <NoticeSearch notice={notice} onAlarm={(alarm) => { setFound(alarm); setOpenId(alarm.id); }} />
    <Filters filter={filter} cameras={cameras} people={device === undefined ? [] : people} onChange={change} />
    {who !== undefined && opening > 0 ? <Loading words={say.review.openingWords} /> : null}
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {marking.error === undefined || opened !== undefined ? null : <Problem error={marking.error} />}
    {first === undefined ? (error === undefined ? <Loading /> : null) : shown.length === 0 ? <Empty icon="alarm" title={all.length === 0 ? say.review.empty : who === undefined ? say.review.allSeen : say.review.notSeenHere(who.name)}><p>{say.review.emptyLead}</p></Empty> : <ul class="alarms">
      {shown.map((alarm) => <AlarmCard key={alarm.id} alarm={alarm} camera={nameOf(alarm.camera)} words={opens(alarm.camera) ? words.get(alarm.id) : undefined} opens={opens(alarm.camera)} busy={marking.busy} onOpen={() => setOpenId(alarm.id)} onMark={(marks) => mark(alarm, marks)} />)}
    </ul>}
    {loading.error === undefined ? null : <Problem error={loading.error} onAgain={more} />}
    {pages.at(-1)?.more === true ? <div class="buttons"><Button busy={loading.busy} onClick={more}>{say.review.more}</Button></div> : null}
    {opened === undefined ? null : <AlarmView
      alarm={opened} camera={nameOf(opened.camera)} words={opens(opened.camera) ? words.get(opened.id) : undefined} opens={opens(opened.camera)} busy={marking.busy} error={marking.error} onMark={(marks) => mark(opened, marks)}
      onNewer={goTo(open - 1)} onOlder={goTo(open + 1)} onClose={() => setOpenId(undefined)}
    />}
  </div>;
}

/** From the number of a notice, as it stands in the message on a phone, to what it was about. */
function NoticeSearch({ notice, onAlarm }: { readonly notice: string | undefined; readonly onAlarm: (alarm: PageAlarm) => void }) {
  const { reader } = useHeld();
  const [number, setNumber] = useState(notice ?? '');
  const [told, setTold] = useState<PageReplyOf<'notice'>['notices']>();
  const looking = useDoing();
  const wanted = number.trim().toLowerCase().replace(/\.jpg\.age$/, '');
  const look = (): void => {
    if (!noticeNumberPattern.test(wanted)) return;
    void looking.run(async () => {
      const { notices } = await ask('notice', { query: { number: wanted } });
      setTold(notices);
      if (notices.length === 1 && notices[0]?.alarm !== undefined) onAlarm(notices[0].alarm);
    });
  };
  useEffect(() => { if (notice !== undefined) look(); }, []);
  return <details class="plain" open={notice !== undefined}>
    <summary>{say.review.byNotice}</summary>
    <form class="filters" onSubmit={(event) => { event.preventDefault(); look(); }}>
      <Field label={say.review.notice} hint={say.review.noticeHint} value={number} onInput={setNumber} maxLength={40} code />
      <Button busy={looking.busy} disabled={!noticeNumberPattern.test(wanted)} type="submit">{say.review.find}</Button>
    </form>
    {looking.error === undefined ? null : <Problem error={looking.error} onAgain={look} />}
    <div role="status">{told === undefined ? null : told.length === 0 ? <p>{say.review.noNotice}</p> : <ul>{told.map(({ id, kind, camera, atMs, alarm, text, todo }) => <li key={id}>
      {say.review.noticeOf(say.observation[kind] ?? kind, camera ?? '', dateClock(atMs, reader))}
      {text === undefined || todo === undefined ? null : <p><Prose>{say.review.noticeSaid(hubWords(text), hubWords(todo))}</Prose></p>}
      {alarm === undefined ? kind in say.observation ? <p>{say.review.goneAlarm}</p> : null : <Button kind="quiet" onClick={() => onAlarm(alarm)}>{say.review.openNotice}</Button>}
    </li>)}</ul>}</div>
  </details>;
}

function Filters({ filter, cameras, people, onChange }: { readonly filter: Filter; readonly cameras: readonly PageCamera[]; readonly people: readonly Nameable[]; readonly onChange: (part: Partial<Filter>) => void }) {
  const { reader } = useHeld();
  return <section class="filters" aria-label={say.review.filters}>
    <Select label={say.common.camera} value={filter.camera} onChoose={(camera) => onChange({ camera })} options={[{ value: '', label: say.review.anyCamera }, ...cameras.map(({ camera, name }) => ({ value: camera, label: name }))]} />
    <Select label={say.review.kind} value={filter.kind} onChoose={(kind) => onChange({ kind })} options={[{ value: '', label: say.review.anyKind }, ...observationKinds.map((kind) => ({ value: kind as string, label: say.observation[kind] ?? kind }))]} />
    <Select label={say.review.time} value={filter.span} onChoose={(span) => onChange({ span })} options={(['day', 'week', 'all', 'date'] as const satisfies readonly Span[]).map((span) => ({ value: span as Span, label: say.review.spans[span] }))} />
    {filter.span === 'date' ? <Field label={say.timeline.date} type="date" value={isoDay(filter.dayStartMs, reader)} onInput={(text) => { const day = fromIsoDay(text, reader); if (day !== undefined) onChange({ dayStartMs: day }); }} /> : null}
    {people.length === 0 ? null : <Select label={say.review.who} value={people.some(({ id }) => id === filter.who) ? filter.who : ''} onChoose={(who) => onChange({ who })} options={[{ value: '', label: say.review.anybody }, ...people.map(({ id, name }) => ({ value: id, label: name }))]} />}
    <Check label={say.review.onlyFresh} checked={filter.fresh} onChange={(fresh) => onChange({ fresh })} />
  </section>;
}

function AlarmCard({ alarm, camera, words, opens, busy, onOpen, onMark }: {
  readonly alarm: PageAlarm; readonly camera: string; readonly words: AlarmWords | undefined; readonly opens: boolean; readonly busy: boolean; readonly onOpen: () => void; readonly onMark: (marks: { readonly seen?: boolean; readonly falseAlarm?: boolean }) => void;
}) {
  const { reader } = useHeld();
  const what = whatOf(alarm, camera, words);
  const when = dateClock(alarm.fromMs, reader);
  const about = say.review.about(what, when);
  return <li class={`card plain alarm${alarm.seen ? ' seen-alarm' : ''}`} aria-label={about}>
    <button type="button" class="alarm-open" onClick={onOpen}><AlarmThumbnail alarm={alarm} opens={opens} /><span class="unseen">{say.review.open(about)}</span></button>
    <div class="alarm-words">
      <h2>{what}</h2>
      <p class="small"><time dateTime={new Date(alarm.fromMs).toISOString()}>{when}</time><span class="muted"> · {alarm.toMs === undefined ? say.review.lasts : say.review.untilShort(clockSeconds(alarm.toMs, reader))}</span></p>
      <p class="small muted">{[say.review.ruleOf(alarm.rule), ...(words === undefined || words.zones.length === 0 ? [] : [say.review.inZones(say.list(words.zones))])].join(' · ')}</p>
      <p><span class={`badge${alarm.falseAlarm ? '' : alarm.seen ? ' good' : ' care'}`}>{alarm.falseAlarm ? say.review.wasFalse : alarm.seen ? say.review.seen : say.review.fresh}</span></p>
    </div>
    <div class="buttons"><Marks alarm={alarm} busy={busy} onMark={onMark} about={about} /><Link class="button quiet" aria-label={say.review.markOf(say.review.play, about)} to={{ page: 'timeline', camera: alarm.camera, atMs: alarm.fromMs - leadMs }}>{say.review.play}</Link></div>
  </li>;
}
