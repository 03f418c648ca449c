/**
 * By what one knows that the hub is one's own: the words that the terminal shows, too. A page cannot ask its browser whether it knows the
 * certificate, so it never says that it does or does not: it says whose the certificate is, and what is off where the browser has warned.
 */
import type { Hello } from '../../api/pagecontract.ts';
import { say } from '../strings.ts';
import { Prose } from './prose.tsx';

export function CertificateWords({ hello }: { readonly hello: Hello }) {
  if (hello.certificate === undefined) return null;
  return <details class="door-foot"><summary>{say.login.words}</summary><Certificate certificate={hello.certificate} /></details>;
}

/** Whose it is, its words, and what is off without trust in it. */
export function Certificate({ certificate }: { readonly certificate: NonNullable<Hello['certificate']> }) {
  const { own, words } = certificate;
  return <div class="stack tight">
    <p><Prose>{own ? say.certificate.hubs : say.certificate.households}</Prose></p>
    <Words words={words} />
    <WhatIsOff certificate={certificate} />
  </div>;
}

export function WhatIsOff({ certificate: { own } }: { readonly certificate: NonNullable<Hello['certificate']> }) {
  return <details class="small"><summary>{say.certificate.warned}</summary><div class="stack tight">
    <p>{say.certificate.works}</p>
    <p>{say.certificate.off}</p>
    {own ? <><p>{say.certificate.install}</p><p><a href="/api/v1/authority" download>{say.certificate.get}</a></p></> : <p>{say.certificate.installOwn}</p>}
  </div></details>;
}

export function Words({ words }: { readonly words: readonly string[] }) {
  return <ol class="words">{words.map((word, index) => <li key={`${index}${word}`}>{word}</li>)}</ol>;
}
