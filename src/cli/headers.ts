/** What `hold` and `erase` share: the kit's signature, and second headers made here and handed to the hub in parts. */
import { headersAtOnce, type ReplyOf } from '../api/contract.ts';
import { SallyportError } from '../base/errors.ts';
import { makeHeaders } from '../duties/headers.ts';
import type { Identity } from '../seal/identity.ts';
import type { Archive } from '../vault/archive.ts';
import { callHub } from './control.ts';
import { printError, progress } from './terminal.ts';

const problemsShown = 20;

export function signWith(command: string, identities: readonly Identity[], document: string, namespace: string): { document: string; signature: string } {
  const [identity] = identities;
  if (identity === undefined) throw new SallyportError('SP_USAGE', { command, reason: 'the recovery kit is needed: --identity FILE' });
  const signer = identity.signer();
  try {
    return { document, signature: signer.sign(document, namespace) };
  } finally {
    signer.close();
  }
}

/** Answers how many segments did not open; each is named. */
export async function handOver(socket: string, archive: Archive, order: string, plan: Pick<ReplyOf<'hold'>, 'targets' | 'wanted'>): Promise<number> {
  const bar = progress('second headers');
  const problems: SallyportError[] = [];
  let batch: { target: number; stream: 'main' | 'sub'; seq: number; header: string }[] = [];
  let done = 0;
  const send = async (): Promise<void> => {
    if (batch.length > 0) await callHub(socket, 'headers', { order, headers: batch });
    batch = [];
  };
  for await (const made of makeHeaders(archive, plan)) {
    if ('problem' in made) problems.push(made.problem);
    else batch.push({ ...made, header: made.header.toString('base64') });
    bar.show(++done, plan.wanted.length);
    if (batch.length === headersAtOnce) await send();
  }
  await send();
  bar.end();
  for (const { code, message } of problems.slice(0, problemsShown)) printError(`${code}: ${message}`);
  return problems.length;
}
