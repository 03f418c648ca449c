/** A dialog of the browser's own kind: it holds the focus, Escape closes it, and what lies behind it is out of reach. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { say } from '../strings.ts';
import { IconButton } from './controls.tsx';

/** `wide`: for a picture. */
export function Dialog({ title, wide = false, onClose, children }: { readonly title: string; readonly wide?: boolean; readonly onClose: () => void; readonly children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return <dialog ref={element} class={wide ? 'wide' : undefined} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose(); }} onClick={(event) => { if (event.target === element.current) onClose(); }}>
    <div class="dialog-body">
      <div class="dialog-head"><h2 id={id}>{title}</h2><IconButton name="close" label={say.common.close} kind="quiet" onClick={onClose} /></div>
      {children}
    </div>
  </dialog>;
}
