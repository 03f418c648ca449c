/** The first hour: from a hub without an owner to sealed footage that this browser has opened. Three decisions: kit, cameras' password, how long. */
import { useState } from 'preact/hooks';
import type { Hello, Me } from '../../api/pagecontract.ts';
import type { PairLink } from '../../policy/pairlink.ts';
import type { Held } from '../held.tsx';
import { HeldProvider } from '../held.tsx';
import type { Kit, OpenDevice } from '../seams.ts';
import { say } from '../strings.ts';
import { Door } from '../parts/door.tsx';
import { AddCameras } from './addcameras.tsx';
import { CodeStep, YouStep, type You } from './firstowner.tsx';
import { DoneStep, KeepStep } from './firstdone.tsx';
import { KitStep } from './kit.tsx';
import { Heading } from '../navigation.tsx';

type Step = 'code' | 'you' | 'kit' | 'cameras' | 'keep' | 'done';
const steps: readonly Step[] = ['code', 'you', 'kit', 'cameras', 'keep', 'done'];

interface FirstProps {
  readonly hello: Hello;
  /** What the address said as the page was opened. */
  readonly told: PairLink;
  /** Once the owner was made. */
  readonly held: Held | undefined;
  readonly onOwner: (me: Me, device: OpenDevice) => void;
  readonly onDone: () => void;
}

export function FirstHour({ hello, told, held, onOwner, onDone }: FirstProps) {
  const [step, setStep] = useState<Step>('code');
  const [you, setYou] = useState<You>();
  // The kit lives here and nowhere else, from its making until its groups were typed.
  const [kit, setKit] = useState<Kit>();
  const index = steps.indexOf(step);
  return <Door wide={step === 'cameras' || step === 'done'} hub={hello.hub}><main class="stack">
    <div><ol class="steps" aria-hidden="true">{steps.map((one, n) => <li key={one} class={n <= index ? 'done' : ''} />)}</ol><p class="steps-words">{say.first.stepOf(index + 1, steps.length, say.first.stepNames[index] ?? '')}</p></div>
    {step === 'code' ? <CodeStep hello={hello} told={told} onDone={() => setStep('you')} /> : null}
    {step === 'you' ? <YouStep onDone={(next) => { setYou(next); setStep('kit'); }} /> : null}
    {step === 'kit' && you !== undefined ? <KitStep you={you} kit={kit} onKit={setKit} onOwner={(me, device) => { setKit(undefined); setYou(undefined); onOwner(me, device); setStep('cameras'); }} /> : null}
    {held === undefined ? null : <HeldProvider value={held}>
      {step === 'cameras' ? <div class="card"><div><Heading>{say.first.camerasTitle}</Heading><p class="lead">{say.first.camerasLead}</p></div><AddCameras onDone={() => setStep('keep')} /></div> : null}
      {step === 'keep' ? <KeepStep onDone={() => setStep('done')} /> : null}
      {step === 'done' ? <DoneStep onDone={onDone} /> : null}
    </HeldProvider>}
  </main></Door>;
}
