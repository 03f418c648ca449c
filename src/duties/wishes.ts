/** Taking what the owner asks for by signature (`policy/wishes.ts`): exactly what was signed, once. */
import { SallyportError } from '../base/errors.ts';
import { resealDocument, resealNamespace, type Reseal } from '../policy/ownerdocuments.ts';
import { eraseNamespace, holdNamespace, readWish, type Wish } from '../policy/wishes.ts';
import { ownerKeys, type OwnerList } from '../seal/owner.ts';
import { publicKeyIn } from '../seal/sshsig.ts';
import type { Vault } from '../vault/vault.ts';
import { checkOwner, useOnce } from './consent.ts';

export { eraseNamespace, holdNamespace, wishDocument, type ClearWish, type EraseWish, type HoldWish, type Wish } from '../policy/wishes.ts';

export interface Signed {
  readonly document: string;
  readonly signature: string;
}

/** What the owner signed. SP_NO_OWNER; SP_OWNER_NEEDED when it was another person who did; SP_BAD_SIGNATURE when somebody else signed it, it says something else, or it was used before. */
export async function takeWish<K extends Wish['what']>(vault: Vault, owner: OwnerList | undefined, signed: Signed, kind: K): Promise<Extract<Wish, { what: K }>> {
  const erases = kind === 'erase' || kind === 'clear';
  const what = erases ? 'the order to erase' : kind === 'hold' ? 'the order to hold' : 'the order to release';
  checkSignedBy(owner, signed, erases ? eraseNamespace : holdNamespace, what);
  const wish = readWish(signed.document);
  if (wish?.what !== kind) throw new SallyportError('SP_BAD_SIGNATURE', { what, reason: 'it says something else' });
  await useOnce(vault, signed, what);
  return wish as Extract<Wish, { what: K }>;
}

/** That an owner's device, or the kit, has sealed a slot anew so and not otherwise. It needs no `useOnce`: the text that it replaces is never there again. Errors as above. */
export function checkReseal(owner: OwnerList | undefined, reseal: Reseal, signature: string): void {
  checkSignedBy(owner, { document: resealDocument(reseal), signature }, resealNamespace, 'sealing a key anew');
}

/** A member may wish for it; that is told apart from a signature that does not hold. */
function checkSignedBy(owner: OwnerList | undefined, signed: Signed, namespace: string, what: string): void {
  const by = publicKeyIn(signed.signature);
  if (owner !== undefined && by !== undefined && !ownerKeys(owner).includes(by)) throw new SallyportError('SP_OWNER_NEEDED', { what });
  checkOwner(owner, signed, namespace, what);
}
