/** How long footage is kept, with the disk's arithmetic beside each choice. A longer time is signed by this device, where it may. */
import { useEffect, useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { ask, HubError } from '../api.ts';
import { approve } from '../approving.ts';
import { fitOf, type Fit } from '../disk.ts';
import { bytes, dayMs } from '../format.ts';
import { has, useHeld } from '../held.tsx';
import { halfOf } from '../proving.ts';
import { say } from '../strings.ts';
import { Button, Pick } from './controls.tsx';
import { useDoing, useLoaded } from './loaded.ts';
import { OnceMore } from './oncemore.tsx';
import { Loading, Problem } from './states.tsx';
import { toast } from './toast.tsx';

const offered = ['1', '3', '7', '14', '30'] as const;
const usual = '3';
type Status = PageReplyOf<'status'>;
/** Taken for a camera of which nothing was measured yet: 4 Mbit/s. */
const assumedBytesPerHour = (4e6 / 8) * 3600;

export function KeepForm({ label, onDone }: { readonly label: string; readonly onDone: () => void }) {
  const held = useHeld();
  const { value: status, error, again } = useLoaded((signal) => ask('status', { signal }), []);
  const [days, setDays] = useState<string>();
  const [passphrase, setPassphrase] = useState('');
  const doing = useDoing();
  // Said by the hub, which knows how old the oldest is.
  const [proof, setProof] = useState(false);
  useEffect(() => { if (doing.error instanceof HubError && doing.error.code === 'SP_PAGE_PROOF') setProof(true); }, [doing.error]);
  if (status === undefined) return error === undefined ? <Loading /> : <Problem error={error} onAgain={again} />;
  const now = String((status.disk.cameras?.[0]?.keepMs ?? 0) / dayMs);
  const chosen = days ?? offered.find((one) => one === now) ?? usual;
  const fits = new Map(offered.map((one) => [one as string, fitFor(status, Number(one) * dayMs)]));
  const fit = fits.get(chosen);
  const submit = (event: Event): void => {
    event.preventDefault();
    void doing.run(async () => {
      const { pending } = await ask('keep', { body: { footage: `${chosen} ${chosen === '1' ? 'day' : 'days'}`, ...(passphrase === '' ? {} : { half: await halfOf(held, passphrase) }) } });
      // Whatever else waits was not looked at here.
      const longer = pending.find(({ key }) => key === 'keep.footage');
      if (longer !== undefined && held.device !== undefined && has(held, 'people')) {
        await approve(held, longer);
        toast(say.first.signed);
      } else if (longer !== undefined) {
        toast(say.keep.waits);
      }
      onDone();
    });
  };
  return <form class="form" onSubmit={submit}>
    <Pick label={say.first.keepTitle} labelHidden value={chosen} onChoose={setDays} options={offered.map((one) => ({ value: one as string, label: say.first.days(Number(one)), more: fitWords(fits.get(one)) }))} />
    {fit === undefined || status.cameras.length === 0 ? <p class="hint">{say.first.noRate}</p> : <p role="status">
      {say.first.arithmetic({ cameras: status.cameras.length, perDay: bytes(fit.bytesPerDay, held.reader), need: bytes(fit.needBytes, held.reader), room: bytes(fit.roomBytes, held.reader) })}
      {fit.assumed ? <span class="hint">{` ${say.first.assumed}`}</span> : null}
    </p>}
    {proof ? <OnceMore why={say.keep.onceMore} value={passphrase} onInput={setPassphrase} /> : null}
    {doing.error === undefined ? null : <Problem error={doing.error} />}
    <div class="buttons"><Button kind="main" type="submit" busy={doing.busy}>{label}</Button></div>
  </form>;
}

function fitWords(fit: Fit | undefined): string | undefined {
  if (fit === undefined || fit.bytesPerDay === 0) return undefined;
  return fit.fits ? say.first.fits : say.first.fitsNot(say.span(fit.reachMs));
}

function fitFor(status: Status, keepMs: number): Fit {
  const measured = new Map((status.disk.cameras ?? []).map((camera) => [camera.camera, camera]));
  return fitOf({
    cameras: status.cameras.map(({ camera }) => measured.get(camera) ?? { bytesPerHour: assumedBytesPerHour, assumed: true }),
    roomBytes: status.disk.roomBytes ?? status.disk.freeBytes, keepMs,
  });
}
