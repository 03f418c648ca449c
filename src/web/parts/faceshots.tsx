/** Pictures of a face to enrol somebody by: taken with this device's camera or chosen as files, made small here, and each judged by the hub in words. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { templatesMax } from '../../policy/people.ts';
import { ask } from '../api.ts';
import { facePicture, type FacePicture } from '../facepicture.ts';
import { say } from '../strings.ts';
import { Button, IconButton } from './controls.tsx';
import { wordsOf } from './states.tsx';

type Checked = PageReplyOf<'peopleCheck'>;

/** A picture, and what the hub said of it. */
export interface Shot extends FacePicture {
  readonly key: number;
  readonly checked?: Checked;
  /** It could not be asked. */
  readonly error?: unknown;
}

export interface Shots {
  readonly shots: readonly Shot[];
  /** Those that may be enrolled. */
  readonly good: readonly Shot[];
  /** A file was no picture. */
  readonly unread: boolean;
  readonly add: (sources: readonly (Blob | HTMLVideoElement)[]) => Promise<void>;
  readonly check: (shot: Shot) => void;
  readonly remove: (key: number) => void;
}

/** They are in this browser's memory alone, and gone with what shows them. */
export function useShots(): Shots {
  const [shots, setShots] = useState<readonly Shot[]>([]);
  const [unread, setUnread] = useState(false);
  const latest = useRef(shots);
  latest.current = shots;
  const lastKey = useRef(0);
  // One at a time: the hub looks at them one after the other, too.
  const checking = useRef<Promise<void>>(Promise.resolve());
  const stop = useRef(new AbortController());
  useEffect(() => () => {
    stop.current.abort();
    for (const { address } of latest.current) URL.revokeObjectURL(address);
  }, []);
  const change = (key: number, part: Partial<Shot>): void => setShots((before) => before.map((one) => (one.key === key ? { ...one, ...part } : one)));
  const check = ({ key, jpeg, address }: Shot): void => {
    setShots((before) => before.map((one) => (one.key === key ? { key, jpeg, address } : one)));
    checking.current = checking.current.then(async () => {
      if (!latest.current.some((one) => one.key === key) || stop.current.signal.aborted) return;
      await ask('peopleCheck', { body: { picture: jpeg }, signal: stop.current.signal }).then((checked) => change(key, { checked }), (error: unknown) => change(key, { error }));
    });
  };
  const add = async (sources: readonly (Blob | HTMLVideoElement)[]): Promise<void> => {
    setUnread(false);
    for (const source of sources) {
      const picture = await facePicture(source).catch(() => undefined);
      if (picture === undefined) setUnread(true);
      else if (latest.current.length >= templatesMax || stop.current.signal.aborted) URL.revokeObjectURL(picture.address);
      else {
        const shot = { ...picture, key: ++lastKey.current };
        latest.current = [...latest.current, shot];
        setShots(latest.current);
        check(shot);
      }
    }
  };
  const remove = (key: number): void => setShots((before) => before.filter((one) => {
    if (one.key === key) URL.revokeObjectURL(one.address);
    return one.key !== key;
  }));
  return { shots, good: shots.filter(({ checked }) => checked?.ok === true), unread, add, check, remove };
}

export function ShotFields({ shots: { shots, good, unread, add, check, remove } }: { readonly shots: Shots }) {
  const file = useRef<HTMLInputElement>(null);
  const full = shots.length >= templatesMax;
  return <div class="form">
    <p class="hint">{say.faces.picturesHint(templatesMax)}</p>
    <FaceCamera full={full} onPicture={(video) => void add([video])} />
    <div class="buttons"><Button disabled={full} onClick={() => file.current?.click()}>{say.faces.chooseFiles}</Button>
      <input ref={file} type="file" accept="image/*" multiple hidden aria-label={say.faces.chooseFiles} onChange={(event) => { const { currentTarget } = event; void add([...currentTarget.files ?? []]); currentTarget.value = ''; }} /></div>
    {unread ? <p class="danger" role="alert">{say.faces.unread}</p> : null}
    <p role="status">{say.faces.usable(good.length, shots.length)}</p>
    {shots.length === 0 ? null : <ul class="shots">{shots.map((shot, index) => <li key={shot.key}>
      <img src={shot.address} alt={say.faces.shot(index + 1)} />
      <p class={shot.checked?.ok === true ? 'ok' : shot.checked === undefined && shot.error === undefined ? 'muted' : 'danger'}>{verdictOf(shot)}</p>
      <div class="buttons">{shot.error === undefined ? null : <Button onClick={() => check(shot)}>{say.common.again}</Button>}
        <IconButton name="close" label={say.faces.removeShot(index + 1)} onClick={() => remove(shot.key)} /></div>
    </li>)}</ul>}
  </div>;
}

function verdictOf({ checked, error }: Shot): string {
  if (error !== undefined) return wordsOf(error);
  if (checked === undefined) return say.faces.checking;
  return checked.ok ? say.faces.good : say.faces.poor[checked.reason ?? ''] ?? say.faces.notGood;
}

/** This device's camera. It is on from when somebody asks for it until this is gone. */
function FaceCamera({ full, onPicture }: { readonly full: boolean; readonly onPicture: (video: HTMLVideoElement) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [stream, setStream] = useState<MediaStream>();
  const [refused, setRefused] = useState(false);
  useEffect(() => {
    if (stream === undefined) return undefined;
    if (video.current !== null) {
      video.current.srcObject = stream;
      void video.current.play().catch(() => {});
    }
    return () => { for (const track of stream.getTracks()) track.stop(); };
  }, [stream]);
  // The browsers' own rule: no camera for a page that might be somebody else's.
  if (!isSecureContext || navigator.mediaDevices === undefined) return <p class="note">{say.faces.noCameraHere}</p>;
  const begin = (): void => {
    setRefused(false);
    navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 720 } } }).then(setStream, () => setRefused(true));
  };
  if (stream === undefined) return <>
    <div class="buttons"><Button icon="camera" onClick={begin}>{say.faces.openCamera}</Button></div>
    {refused ? <p class="danger" role="alert">{say.faces.cameraRefused}</p> : null}
  </>;
  return <div class="face-camera">
    <video ref={video} muted playsInline aria-label={say.faces.viewfinder} />
    <div class="buttons"><Button kind="main" icon="camera" disabled={full} onClick={() => { if (video.current !== null) onPicture(video.current); }}>{say.faces.take}</Button><Button kind="quiet" onClick={() => setStream(undefined)}>{say.faces.closeCamera}</Button></div>
  </div>;
}
