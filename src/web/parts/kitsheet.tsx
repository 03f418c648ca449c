/** A recovery kit that was just made: shown once to be put away, and proven by two of its groups. In the first hour, and when another one takes its place. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { groupsFit, groupsToAsk } from '../crypto/kitgroups.ts';
import type { Kit } from '../seams.ts';
import { saveFile } from '../snapshot.ts';
import { say } from '../strings.ts';
import { Button, Check, Field } from './controls.tsx';
import { Qr } from './qr.tsx';

/** `children`: what one may do instead. */
export function KitToKeep({ kit, onKept, children }: { readonly kit: Kit; readonly onKept: () => void; readonly children?: ComponentChildren }) {
  const [kept, setKept] = useState(false);
  return <>
    <Sheet kit={kit} />
    <p><b>{say.first.kitDo}</b></p>
    <div class="buttons"><Button icon="print" onClick={() => print()}>{say.first.print}</Button><Button icon="save" onClick={() => saveFile(new Blob([kit.text], { type: 'text/plain' }), 'sallyport-kit.txt')}>{say.first.save}</Button></div>
    <Check label={say.first.kitKept} checked={kept} onChange={setKept} />
    <div class="buttons"><Button kind="main" disabled={!kept} onClick={onKept}>{say.common.next}</Button>{children}</div>
  </>;
}

function Sheet({ kit }: { readonly kit: Kit }) {
  return <div class="kit-sheet">
    <div class="print-only"><h2>{say.first.kitSheetTitle}</h2><p>{say.first.kitSheetText}</p></div>
    <div class="kit">
      <Qr text={kit.code} label={say.first.kitQr} />
      <div class="stack tight"><p class="small">{say.first.kitPrefix}</p>
        <ol class="kit-groups" aria-label={say.first.kitGroups}>{kit.groups.map((group, index) => <li key={`${index}`}><span class="n">{index + 1}</span><span class="group">{group}</span></li>)}</ol>
      </div>
    </div>
    <p class="print-only mono">{kit.code}</p>
  </div>;
}

interface ProofProps {
  readonly kit: Kit;
  readonly heading: ComponentChildren;
  readonly lead: string;
  readonly label: string;
  readonly busy: boolean;
  readonly onProven: () => void;
  readonly onBack: () => void;
  /** Below the two groups: what else is asked, and what went wrong. */
  readonly children?: ComponentChildren;
}

export function KitProof({ kit, heading, lead, label, busy, onProven, onBack, children }: ProofProps) {
  const { groups } = kit;
  const [asked] = useState(() => groupsToAsk(groups));
  const [typed, setTyped] = useState<readonly [string, string]>(['', '']);
  const [tried, setTried] = useState(false);
  const wrong = (n: 0 | 1): boolean => !groupsFit(groups, [{ place: asked[n], text: typed[n] }]);
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!wrong(0) && !wrong(1)) onProven();
  };
  const fields: readonly (0 | 1)[] = [0, 1];
  return <form class="card" onSubmit={submit} noValidate>
    <div>{heading}<p class="lead">{lead}</p></div>
    <div class="two">{fields.map((n) => <Field
      key={n} label={say.first.group((asked[n]) + 1)} code value={typed[n]} maxLength={12} autofocus={n === 0} wrong={tried && wrong(n) ? say.first.groupWrong : undefined}
      onInput={(value) => { setTried(false); setTyped(n === 0 ? [value, typed[1]] : [typed[0], value]); }}
    />)}</div>
    <p class="hint">{say.first.kitPrefix}</p>
    {children}
    <div class="buttons"><Button kind="main" type="submit" busy={busy}>{label}</Button><Button kind="quiet" onClick={onBack}>{say.first.showAgain}</Button></div>
  </form>;
}
