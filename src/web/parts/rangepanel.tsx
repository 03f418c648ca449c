/** What the panels of a chosen time share: a clip, keeping, erasing. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { Timeline as Rows } from '../../api/pagecontract.ts';
import { say } from '../strings.ts';
import type { DayView, Run } from '../timelineview.ts';
import { IconButton } from './controls.tsx';

export interface RangePanelProps {
  readonly camera: string;
  readonly name: string;
  readonly rows: Rows;
  readonly view: DayView;
  readonly dayStartMs: number;
  readonly headMs: number;
  readonly range: Run;
  readonly onRange: (range: Run) => void;
  /** Something is made of the range now, or was: it moves no more. */
  readonly onFixed: (fixed: boolean) => void;
  readonly onClose: () => void;
}

/** The focus begins at its title. */
export function RangePanel({ title, onClose, children }: { readonly title: string; readonly onClose: () => void; readonly children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const id = useId();
  useEffect(() => heading.current?.focus(), []);
  return <section class="card range-panel" aria-labelledby={id}>
    <div class="card-head"><h2 id={id} ref={heading} tabIndex={-1}>{title}</h2><IconButton name="close" kind="quiet" label={say.common.close} onClick={onClose} /></div>
    {children}
  </section>;
}

/** Tells whoever draws the handles. */
export function useFixed(fixed: boolean, onFixed: (fixed: boolean) => void): void {
  useEffect(() => onFixed(fixed), [fixed]);
}
