/** Devices whose keys were made and that no owner has signed for yet. */
import type { Account } from '../api/pagecontract.ts';
import { ask } from './api.ts';
import type { Held } from './held.tsx';
import { loadKeys, ownerListInHand } from './load.ts';
import { say } from './strings.ts';

export interface Waiting { readonly account: Account; readonly device: Account['devices'][number] }

/** Guests and installers open no footage, so nobody need sign for them. A recipient that the list names is in it as text. */
export function waitingDevices(accounts: readonly Account[], list: string | undefined): Waiting[] {
  return accounts.filter(({ role }) => role === 'owner' || role === 'member')
    .flatMap((account) => account.devices.filter(({ recipient }) => list === undefined || !list.includes(recipient)).map((device) => ({ account, device })));
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

/** After an account was erased: lists without its devices, so that nothing is sealed for them from now on. False where this device is locked. */
export async function expelDevices(held: Held, account: Account): Promise<boolean> {
  if (account.devices.length === 0) return true;
  if (held.device === undefined) return false;
  const list = await ownerListInHand();
  if (list === undefined) return true;
  for (const text of await (await loadKeys()).expel(list, held.me.account.id, account.devices)) await ask('ownerListTake', { body: { text } });
  return true;
}
