/** What the page holds of its visitor while a session lasts: who it is, and this device's key, if it was unlocked. In memory only. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Hello, Me } from '../api/pagecontract.ts';
import type { Right } from '../policy/access.ts';
import type { Reader } from './format.ts';
import type { OpenDevice } from './seams.ts';

export interface Held {
  readonly hello: Hello;
  readonly me: Me;
  readonly reader: Reader;
  /** Undefined: locked, or this browser has none. */
  readonly device: OpenDevice | undefined;
  readonly take: (me: Me) => void;
  readonly takeDevice: (device: OpenDevice | undefined) => void;
  /** After a log-out, or when the account is gone. */
  readonly leave: () => void;
}

const context = createContext<Held | undefined>(undefined);
export const HeldProvider = context.Provider;

export function useHeld(): Held {
  const held = useContext(context);
  if (held === undefined) throw new Error('there is no session here');
  return held;
}

export function has({ me }: Held, right: Right): boolean {
  return me.rights.includes(right);
}
