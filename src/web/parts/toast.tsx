/** Short news in a live region: said by a screen reader, gone by itself, and never the only place where an error stands. */
import { useEffect, useState } from 'preact/hooks';
import { say } from '../strings.ts';
import { IconButton } from './controls.tsx';

interface Toast { readonly id: number; readonly text: string }
const shownMs = 6000;
const toastsMax = 3;
let last = 0;
let tell: (text: string) => void = () => {};

export function toast(text: string): void {
  tell(text);
}

export function Toasts() {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const drop = (id: number): void => setToasts((list) => list.filter((one) => one.id !== id));
  useEffect(() => {
    tell = (text) => {
      const id = ++last;
      setToasts((list) => [...list.filter((one) => one.text !== text), { id, text }].slice(-toastsMax));
      setTimeout(() => drop(id), shownMs);
    };
    return () => { tell = () => {}; };
  }, []);
  return <div class="toasts" role="status" aria-live="polite">
    {toasts.map(({ id, text }) => <div class="toast" key={id}><span>{text}</span><IconButton name="close" label={say.common.dismiss} kind="quiet" onClick={() => drop(id)} /></div>)}
  </div>;
}
