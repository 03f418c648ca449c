/** The owner's yes, signed by this device, so that the hub cannot say it itself. */
import type { PageReplyOf } from '../api/pagecontract.ts';
import { ask } from './api.ts';
import type { Held } from './held.tsx';
import { loadKeys } from './load.ts';
import { say } from './strings.ts';

export type Pending = PageReplyOf<'pending'>['pending'][number];

export async function approve(held: Held, pending: Pending): Promise<void> {
  if (held.device === undefined) throw new Error(say.approvals.locked);
  const keys = await loadKeys();
  const { document, signature } = await keys.approve(pending);
  await ask('accept', { body: { id: pending.id, document, signature } });
}
