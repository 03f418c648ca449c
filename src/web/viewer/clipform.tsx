/** A clip's bytes onto this computer's disk: as the hub's page makes them, signed by the kit. */
import { useRef, useState } from 'preact/hooks';
import { asSallyportError } from '../../base/errors.ts';
import { manifestName } from '../../policy/exporting.ts';
import { ClipFiles } from '../clipfiles.ts';
import { makeClip } from '../crypto/clip.ts';
import type { SealedFootage } from '../crypto/footage.ts';
import type { Identity } from '../crypto/identity.ts';
import { chooseFile } from '../filechoice.ts';
import { fileNameAt, saveFile } from '../snapshot.ts';
import { fromLocal, toLocal } from './times.ts';
import { words } from './words.ts';

interface ClipFormProps {
  readonly camera: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly footage: SealedFootage;
  readonly identity: Identity;
}

export function ClipForm({ camera, firstMs, lastMs, footage, identity }: ClipFormProps) {
  const [from, setFrom] = useState(toLocal(firstMs));
  const [to, setTo] = useState(toLocal(Math.min(lastMs, firstMs + 60_000)));
  const [said, setSaid] = useState('');
  const making = useRef<AbortController | undefined>(undefined);
  const [busy, setBusy] = useState(false);

  const save = async (): Promise<void> => {
    const [fromMs, toMs] = [fromLocal(from), fromLocal(to)];
    if (fromMs === undefined || toMs === undefined || toMs <= fromMs) return setSaid(words.clipWrong);
    const name = `${fileNameAt(camera, fromMs)}.mp4`;
    const handle = await chooseFile(name, words.clipKind);
    if (handle === 'left') return;
    const stop = making.current = new AbortController();
    const files = new ClipFiles(handle);
    setBusy(true);
    setSaid(words.saving);
    try {
      for await (const piece of makeClip({ footage, signer: identity, request: { camera, fromMs, toMs, name: handle?.name ?? name }, nowMs: Date.now, signal: stop.signal })) {
        if (piece.kind === 'file') await files.begin(piece.name);
        else if (piece.kind === 'bytes') await files.write(piece.bytes);
        else {
          const made = await files.finish();
          for (const { name: one, blob } of made) if (blob !== undefined) saveFile(blob, one);
          const manifest = manifestName(piece.made.files[0]?.name ?? name);
          saveFile(new Blob([piece.made.manifest], { type: 'application/json' }), manifest);
          saveFile(new Blob([piece.made.signature], { type: 'text/plain' }), `${manifest}.sig`);
          setSaid([words.saved([...made.map((file) => file.name), manifest, `${manifest}.sig`].join(', ')), ...piece.made.problems].join(' '));
        }
      }
    } catch (error) {
      await files.discard();
      setSaid(stop.signal.aborted ? '' : asSallyportError(error).message);
    } finally {
      setBusy(false);
    }
  };

  return <form class="clip" onSubmit={(event) => { event.preventDefault(); void save(); }}>
    <h2>{words.clip}</h2>
    <p class="small">{words.clipHint}</p>
    <p class="choices">
      <span class="field"><label for="clip-from">{words.from}</label><input id="clip-from" type="datetime-local" step={1} value={from} onInput={(event) => setFrom(event.currentTarget.value)} /></span>
      <span class="field"><label for="clip-to">{words.to}</label><input id="clip-to" type="datetime-local" step={1} value={to} onInput={(event) => setTo(event.currentTarget.value)} /></span>
      {busy ? <button type="button" onClick={() => making.current?.abort()}>{words.cancel}</button> : <button type="submit">{words.save}</button>}
    </p>
    <p role="status">{said}</p>
  </form>;
}
