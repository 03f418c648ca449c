/**
 * viewer.html: footage from the stores with the kit, without any hub and without trusting one. One file that is built, hashed and released; it may speak to the
 * stores that a person names and to nobody else (its own content security policy, which it narrows to them before the kit is used), and it keeps nothing.
 */
import { render } from 'preact';
import { useState } from 'preact/hooks';
import type { Identity } from '../crypto/identity.ts';
import { DayView } from './dayview.tsx';
import type { Library } from './library.ts';
import { Setup } from './setup.tsx';
import { words } from './words.ts';

export interface Opened {
  readonly library: Library;
  readonly identity: Identity;
}

function Viewer() {
  const [opened, setOpened] = useState<Opened | undefined>(undefined);
  return <main>
    <h1>{words.title}</h1>
    {opened === undefined ? <Setup onOpened={setOpened} /> : <DayView {...opened} />}
  </main>;
}

document.title = words.title;
const root = document.getElementById('viewer');
if (root !== null) render(<Viewer />, root);
