/** The six words of a device's public key: shown on the device itself and to whoever signs for it, so that they are compared. */
import { useEffect, useState } from 'preact/hooks';
import { loadKeys } from '../load.ts';
import { Words } from './certificate.tsx';

export function KeyWords({ recipient }: { readonly recipient: string }) {
  const [words, setWords] = useState<readonly string[]>([]);
  useEffect(() => { void loadKeys().then((keys) => keys.wordsOf(recipient)).then(setWords, () => {}); }, [recipient]);
  return <Words words={words} />;
}
