/** Devices whose keys were made and that no owner has signed for yet. */
import type { Account } from '../api/pagecontract.ts';
import type { OwnerList } from '../seal/format/ownerlist.ts';
import { ask } from './api.ts';
import type { Held } from './held.tsx';
import { loadKeys, ownerListInHand } from './load.ts';
import { say } from './strings.ts';

export interface Waiting { readonly account: Account; readonly device: Account['devices'][number] }

/** Guests and installers open no footage, so nobody need sign for them. */
export function waitingDevices(accounts: readonly Account[], list: string | undefined): Waiting[] {
  const known = list === undefined ? undefined : (JSON.parse(list) as { readonly list: Pick<OwnerList, 'spaces' | 'devices'> }).list;
  const waits = ({ role, spaces }: Account, { recipient, signer }: Waiting['device']): boolean => {
    if (known === undefined) return true;
    if (role === 'owner') return known.devices?.some((device) => device.recipient === recipient && device.signer === signer) !== true;
    return known.spaces.some(({ name, members }) => spaces.includes(name) && !members.includes(recipient));
  };
  return accounts.filter(({ role }) => role === 'owner' || role === 'member')
    .flatMap((account) => account.devices.filter((device) => waits(account, device)).map((device) => ({ account, device })));
}

/** Signs the next list with this device. The list in force is fetched anew, so that nothing signed meanwhile is lost. */
export async function admitDevice(held: Held, { account, device }: Waiting): Promise<void> {
  if (held.device === undefined) throw new Error(say.people.signLocked);
  const keys = await loadKeys();
  const list = await ownerListInHand();
  if (list === undefined) throw new Error(say.error.unexpected);
  const { name, recipient, signer } = device;
  const next = await keys.admit(list, held.me.account.id, { device: { name, recipient, signer }, spaces: account.spaces, owner: account.role === 'owner' });
  for (const text of next) await ask('ownerListTake', { body: { text } });
}

/** Before somebody may less, or is erased: lists in which their devices are members of `spaces` alone, so that nothing else is sealed for them from now on. */
export async function restrictDevices(held: Held, account: Account, spaces: readonly string[]): Promise<void> {
  if (account.devices.length === 0) return;
  if (held.device === undefined) throw new Error(say.people.signLocked);
  const list = await ownerListInHand();
  if (list === undefined) return;
  for (const text of await (await loadKeys()).restrict(list, held.me.account.id, account.devices.map(({ recipient }) => recipient), spaces)) await ask('ownerListTake', { body: { text } });
}
