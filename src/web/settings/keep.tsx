/** Storage: how long, what the disk has room for, what was destroyed last and what comes next. */
import { useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { bytes, dateClock, deadline } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Button } from '../parts/controls.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { KeepForm } from '../parts/keepform.tsx';
import { useLoaded } from '../parts/loaded.ts';
import { Meter } from '../parts/meter.tsx';
import { Prose } from '../parts/prose.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { Fact } from './cameras.tsx';
import { RecordingSettings } from './recording.tsx';
import { SettingsTables } from './tables.tsx';

type Status = PageReplyOf<'status'>;
const refreshMs = 15_000;

export function KeepSettings() {
  const held = useHeld();
  const { value, error, again } = useLoaded((signal) => ask('status', { signal }), [], refreshMs);
  const [changing, setChanging] = useState(false);
  if (value === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const keeps = [...new Set((value.disk.cameras ?? []).map(({ keepMs }) => say.span(keepMs)))];
  return <div class="stack">
    {error === undefined ? null : <Problem error={error} onAgain={again} />}
    {value.disk.full === undefined ? null : <div class="note bad" role="alert"><b>{say.keep.full}</b><p>{hubWords(value.disk.full)}</p></div>}
    <section class="card" aria-labelledby="keep-how-long">
      <div class="card-head"><h2 id="keep-how-long">{keeps.length === 0 ? say.first.keepTitle : say.keep.current(say.list(keeps))}</h2>{has(held, 'configure') ? <Button onClick={() => setChanging(true)}>{say.keep.change}</Button> : null}</div>
      <p class="muted">{say.first.keepLead}</p>
    </section>
    <DiskCard status={value} />
    <Ends status={value} />
    {has(held, 'configure') ? <RecordingSettings /> : null}
    {has(held, 'configure') ? <SettingsTables tables={['keep', 'record', 'disk', 'scrub']} /> : null}
    {changing ? <Dialog title={say.first.keepTitle} onClose={() => setChanging(false)}><KeepForm label={say.common.save} onDone={() => { setChanging(false); toast(say.keep.changed); again(); }} /></Dialog> : null}
  </div>;
}

function DiskCard({ status: { disk, footage, cameras } }: { readonly status: Status }) {
  const { reader } = useHeld();
  const usedBytes = footage.reduce((sum, one) => sum + one.bytes, 0);
  const size = (count: number | undefined): string => count === undefined ? say.common.loading : bytes(count, reader);
  const nameOf = (camera: string): string => cameras.find((one) => one.camera === camera)?.name ?? camera;
  return <section class="card" aria-labelledby="keep-disk">
    <h2 id="keep-disk">{say.keep.disk}</h2>
    <p>{say.keep.used({ used: bytes(usedBytes, reader), free: bytes(disk.freeBytes, reader), total: bytes(disk.totalBytes, reader) })}</p>
    {disk.roomBytes === undefined ? null : <Meter share={disk.roomBytes === 0 ? 0 : usedBytes / disk.roomBytes} label={say.keep.budgetBar(disk.roomBytes === 0 ? 0 : Math.round((usedBytes / disk.roomBytes) * 100))} />}
    <dl class="facts"><Fact name={say.keep.room} value={size(disk.roomBytes)} /><Fact name={say.keep.need} value={size(disk.needBytes)} /><Fact name={say.keep.reserve} value={size(disk.reserveBytes)} /></dl>
    {disk.cameras === undefined || disk.cameras.length === 0 ? null : <table class="table"><caption class="unseen">{say.keep.perCamera}</caption>
      <thead><tr><th scope="col">{say.common.camera}</th><th scope="col">{say.keep.rate}</th><th scope="col">{say.keep.held}</th><th scope="col">{say.keep.reaches}</th></tr></thead>
      <tbody>{disk.cameras.map((one) => <tr key={one.camera}><td>{nameOf(one.camera)}</td><td>{`${bytes(one.bytesPerHour * 24, reader)}${one.assumed ? ` (${say.first.assumed})` : ''}`}</td><td>{bytes(one.usedBytes, reader)}</td><td>{say.span(one.fitsMs)}</td></tr>)}</tbody>
    </table>}
    {disk.lastEarly === undefined ? null : <div class="note care"><p>{say.keep.early(dateClock(disk.lastEarly.atMs, reader), disk.lastEarly.reason)}</p></div>}
  </section>;
}

function Ends({ status: { purge, time, scrub, copies, nowMs } }: { readonly status: Status }) {
  const { reader } = useHeld();
  return <section class="card" aria-labelledby="keep-ends">
    <h2 id="keep-ends">{say.keep.ends}</h2>
    <dl class="facts">
      <Fact name={say.keep.nextDeadline} value={purge.nextDeadlineMs === undefined ? say.cameras.never : deadline(purge.nextDeadlineMs, nowMs, reader)} />
      <Fact name={say.keep.lastReceipt} value={purge.lastReceipt === undefined ? say.cameras.never : [say.keep.receipt(purge.lastReceipt.number, purge.lastReceipt.segments), purge.lastReceipt.readBack ? say.keep.readBack : say.keep.notReadBack, dateClock(purge.lastReceipt.atMs, reader)].join(', ')} />
      <Fact name={say.keep.clock} value={hubWords(time.why)} />
      <Fact name={say.keep.scrub} value={scrub.lastFullMs === undefined ? say.cameras.never : dateClock(scrub.lastFullMs, reader)} />
      <Fact name={say.keep.copies} value={copies.newestMs === undefined ? say.cameras.never : dateClock(copies.newestMs, reader)} />
    </dl>
    {scrub.damaged > 0 ? <div class="note bad"><p>{say.keep.damaged(scrub.damaged)}</p></div> : null}
    {purge.problem === undefined ? null : <div class="note bad"><p>{hubWords(purge.problem.message)}</p><p class="small"><Prose>{purge.problem.hint}</Prose></p></div>}
  </section>;
}
