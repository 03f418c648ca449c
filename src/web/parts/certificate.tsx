/** By what one knows that the hub is one's own: the words that the terminal shows, too. */
import type { Hello } from '../../api/pagecontract.ts';
import { say } from '../strings.ts';
import { Prose } from './prose.tsx';

export function CertificateWords({ hello }: { readonly hello: Hello }) {
  if (hello.certificate === undefined) return null;
  return <details class="door-foot"><summary>{say.login.words}</summary><div class="stack tight">
    <p><Prose>{say.login.notSecure}</Prose></p>
    <Words words={hello.certificate.words} />
  </div></details>;
}

export function Words({ words }: { readonly words: readonly string[] }) {
  return <ol class="words">{words.map((word, index) => <li key={`${index}${word}`}>{word}</li>)}</ol>;
}
