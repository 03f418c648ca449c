/** The six words of a device's public keys: shown on the device itself and to whoever signs for it, so that they are compared. */
import { useEffect, useState } from 'preact/hooks';
import type { Device } from '../../api/pagecontract.ts';
import { loadKeys } from '../load.ts';
import { Words } from './certificate.tsx';

export function KeyWords({ device: { recipient, signer } }: { readonly device: Pick<Device, 'recipient' | 'signer'> }) {
  const [words, setWords] = useState<readonly string[]>([]);
  useEffect(() => { void loadKeys().then((keys) => keys.wordsOf({ recipient, signer })).then(setWords, () => {}); }, [recipient, signer]);
  return <Words words={words} />;
}
