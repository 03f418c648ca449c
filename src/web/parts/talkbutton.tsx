/** Hold to talk, by thumb, mouse or space bar; a visible sign while it is so. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { beginTalk, type Talk } from '../talking.ts';
import { say } from '../strings.ts';
import { hubWords } from '../hubwords.ts';
import { Icon } from './icons.tsx';
import { toast } from './toast.tsx';

export function TalkButton({ camera }: { readonly camera: string }) {
  const [talking, setTalking] = useState(false);
  const talk = useRef<Promise<Talk | undefined> | undefined>(undefined);
  const begin = (): void => {
    if (talk.current !== undefined) return;
    setTalking(true);
    talk.current = beginTalk(camera, (words) => {
      setTalking(false);
      talk.current = undefined;
      if (words !== '') toast(hubWords(words));
    }).catch(() => {
      setTalking(false);
      talk.current = undefined;
      toast(say.live.noMicrophone);
      return undefined;
    });
  };
  const end = (): void => { void talk.current?.then((open) => open?.close()); };
  useEffect(() => end, []);
  const isKey = (event: KeyboardEvent): boolean => event.key === ' ' || event.key === 'Enter';
  return <button
    type="button" class={`button hold main${talking ? ' talking' : ''}`} aria-pressed={talking} title={say.live.talkHint}
    onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); begin(); }} onPointerUp={end} onPointerCancel={end} onBlur={end} onContextMenu={(event) => event.preventDefault()}
    onKeyDown={(event) => { if (isKey(event)) { event.preventDefault(); if (!event.repeat) begin(); } }} onKeyUp={(event) => { if (isKey(event)) { event.preventDefault(); end(); } }}
  ><Icon name="microphone" />{talking ? say.live.talking : say.live.talk}</button>;
}
