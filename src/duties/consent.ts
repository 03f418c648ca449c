/** What waits for the owner's yes, and taking that yes: the rule is `policy/consent.ts`, the state is in the vault, the yes is a signature. */
import { createHash } from 'node:crypto';
import type { CanonicalValue } from '../base/canonical.ts';
import { SallyportError } from '../base/errors.ts';
import { applyAcceptance, effectiveConfig, type ConsentState, type PendingChange } from '../policy/consent.ts';
import { acceptNamespace } from '../policy/ownerdocuments.ts';
import type { HubConfig } from '../policy/settings.ts';
import { ownerKeys, type OwnerList } from '../seal/owner.ts';
import { publicKeyIn, verifySignature } from '../seal/sshsig.ts';
import type { Vault } from '../vault/vault.ts';

export { acceptNamespace, approvalDocument } from '../policy/ownerdocuments.ts';

export interface Approval {
  readonly id: string;
  /** Canonical JSON of the change as the owner read it. */
  readonly document: string;
  readonly signature: string;
}

/** What of the wanted configuration is in force; remembered, so that the next one is measured against it. */
export async function judgeConsent(vault: Vault, wanted: HubConfig): Promise<{ effective: HubConfig; pending: readonly PendingChange[] }> {
  const before = (await vault.setting('consent')) as ConsentState | undefined;
  const { effective, pending, state } = effectiveConfig(wanted, before);
  await vault.putSetting('consent', state as unknown as CanonicalValue);
  for (const change of pending) {
    if (before?.pending.some((known) => known.id === change.id) === true) continue;
    await vault.audit({ what: 'consent.asked', who: 'hub', detail: { id: change.id, text: change.text }, ...(change.camera === undefined ? {} : { camera: change.camera }) });
  }
  return { effective, pending };
}

/** What of it would be in force; nothing is remembered. */
export async function foreseeConsent(vault: Pick<Vault, 'setting'>, wanted: HubConfig): Promise<HubConfig> {
  return effectiveConfig(wanted, (await vault.setting('consent')) as ConsentState | undefined).effective;
}

/** Puts an accepted change in force. SP_BAD_SIGNATURE when it was not the owner who signed exactly this change. */
export async function acceptChange(vault: Vault, owner: OwnerList | undefined, change: PendingChange, approval: Approval): Promise<void> {
  await takeYes(vault, owner, change, approval, async () => {
    const state = (await vault.setting('consent')) as ConsentState | undefined;
    if (state === undefined) throw new SallyportError('SP_CHANGE_UNKNOWN', { id: change.id });
    await vault.putSetting('consent', applyAcceptance(state, change.id) as unknown as CanonicalValue);
  });
}

/** Does what the owner said yes to, once, and writes the yes into the audit. SP_BAD_SIGNATURE as above; then nothing is done. */
export async function takeYes(vault: Vault, owner: OwnerList | undefined, change: PendingChange, approval: Approval, deed: () => Promise<void>): Promise<void> {
  const what = `the yes to change ${change.id}`;
  checkOwner(owner, approval, acceptNamespace, what);
  const signed = signedChange(approval.document);
  if (signed.id !== change.id || signed.text !== change.text) {
    throw new SallyportError('SP_BAD_SIGNATURE', { what, reason: 'it was given to another change' });
  }
  await useOnce(vault, approval, what);
  await deed();
  await vault.audit({ what: 'consent.given', who: 'owner', detail: { document: approval.document, signature: approval.signature } });
}

/** The document was signed by the owner, for that purpose: the kit and each device of the owner speak for the owner. SP_NO_OWNER, SP_BAD_SIGNATURE. */
export function checkOwner(owner: OwnerList | undefined, { document, signature }: Pick<Approval, 'document' | 'signature'>, namespace: string, what: string): void {
  if (owner === undefined) throw new SallyportError('SP_NO_OWNER');
  const by = publicKeyIn(signature);
  // Whoever else signed is refused as another key than the kit's.
  const publicKey = ownerKeys(owner).find((key) => key === by) ?? owner.signer;
  verifySignature({ message: document, signature, namespace, publicKey, what });
}

/** The same may be asked again one day; an old word of the owner must not count then. SP_BAD_SIGNATURE. */
export async function useOnce(vault: Pick<Vault, 'setting' | 'putSetting'>, { document }: Pick<Approval, 'document'>, what: string): Promise<void> {
  const used = ((await vault.setting('consent used')) ?? []) as string[];
  const hash = createHash('sha256').update(document).digest('hex');
  if (used.includes(hash)) throw new SallyportError('SP_BAD_SIGNATURE', { what, reason: 'it was used before' });
  await vault.putSetting('consent used', [...used, hash]);
}

function signedChange(document: string): { id?: unknown; text?: unknown } {
  try {
    return JSON.parse(document) as { id?: unknown; text?: unknown };
  } catch {
    return {};
  }
}
