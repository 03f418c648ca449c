/** Another recovery kit in the place of one that was lost or stolen: made here, put away, signed for by this device, and forgotten here. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { replaceKit } from '../admitting.ts';
import { has, useHeld } from '../held.tsx';
import { loadKeys } from '../load.ts';
import { renewSlots } from '../renewing.ts';
import type { Kit } from '../seams.ts';
import { say } from '../strings.ts';
import { Button, Pick } from '../parts/controls.tsx';
import { KitProof, KitToKeep } from '../parts/kitsheet.tsx';
import { useDoing } from '../parts/loaded.ts';
import { OnceMore } from '../parts/oncemore.tsx';
import { Loading, Problem } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { UnlockPanel } from '../parts/unlock.tsx';

type Why = 'lost' | 'stolen';
const whys: readonly Why[] = ['lost', 'stolen'];

/** For owners alone: their devices sign. */
export function KitCard() {
  const held = useHeld();
  const [stage, setStage] = useState<'closed' | 'why' | 'show' | 'prove'>('closed');
  const [why, setWhy] = useState<Why>('lost');
  const [kit, setKit] = useState<Kit>();
  const [passphrase, setPassphrase] = useState('');
  const doing = useDoing();
  const begun = stage === 'show' || stage === 'prove';
  // In hand from when it is made to when it is signed for, or to when one goes elsewhere.
  useEffect(() => {
    if (!begun) return undefined;
    let here = true;
    void loadKeys().then((keys) => keys.makeKit()).then((made) => { if (here) setKit(made); });
    return () => {
      here = false;
      setKit(undefined);
      void loadKeys().then((keys) => keys.forgetKit());
    };
  }, [begun]);
  // The button that led on is gone: the focus goes to what there is now.
  const title = useRef<HTMLHeadingElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    if (moved.current) title.current?.focus();
    moved.current = true;
  }, [stage]);
  if (!has(held, 'people')) return null;
  const close = (): void => { doing.clear(); setPassphrase(''); setStage('closed'); };
  const sign = (): void => {
    void doing.run(async () => {
      await replaceKit(held, passphrase);
      renewSlots(held);
      close();
      toast(say.kit.done);
    });
  };
  if (kit !== undefined && stage === 'prove') {
    return <KitProof kit={kit} heading={<h2>{say.first.confirmTitle}</h2>} lead={say.first.confirmLead} label={doing.busy ? say.kit.signing : say.kit.sign} busy={doing.busy} onProven={sign} onBack={() => { doing.clear(); setStage('show'); }}>
      <OnceMore why={say.kit.onceMore} value={passphrase} onInput={setPassphrase} />
      {doing.error === undefined ? null : <Problem error={doing.error} />}
    </KitProof>;
  }
  return <section class="card" aria-labelledby="me-kit">
    <div><h2 id="me-kit" ref={title} tabIndex={-1}>{begun ? say.kit.newTitle : say.kit.title}</h2><p class="muted">{begun ? say.kit.newLead : say.kit.lead}</p></div>
    {stage === 'closed' ? <div class="buttons"><Button onClick={() => setStage('why')}>{say.kit.replace}</Button></div> : null}
    {stage === 'why' ? <>
      <Pick label={say.kit.why} value={why} onChoose={setWhy} options={whys.map((value) => ({ value, ...say.kit.whys[value] }))} />
      {why === 'stolen' ? <p class="note care">{say.kit.stolen}</p> : null}
      <p>{say.kit.after}</p>
      {held.device === undefined ? <UnlockPanel /> : null}
      <div class="buttons"><Button kind="main" disabled={held.device === undefined} onClick={() => setStage('show')}>{say.kit.make}</Button><Button kind="quiet" onClick={close}>{say.common.cancel}</Button></div>
    </> : null}
    {stage === 'show' ? (kit === undefined ? <Loading /> : <KitToKeep kit={kit} onKept={() => setStage('prove')}><Button kind="quiet" onClick={close}>{say.common.cancel}</Button></KitToKeep>) : null}
  </section>;
}
