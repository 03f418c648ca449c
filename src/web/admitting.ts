/** Whom the owner's list is to name: devices that wait for an owner's signature, and those that go. */
import type { Account } from '../api/pagecontract.ts';
import type { Role } from '../policy/access.ts';
import { ask } from './api.ts';
import type { Held } from './held.tsx';
import { loadKeys, ownerListInHand } from './load.ts';
import { say } from './strings.ts';

export interface Waiting {
  readonly account: Account;
  readonly device: Account['devices'][number];
  /** Those that it is to open and does not yet. */
  readonly spaces: readonly string[];
}

interface Listed { readonly spaces: readonly { readonly name: string; readonly members: readonly string[] }[]; readonly devices?: readonly { readonly recipient: string }[] }

/** What a list says, to show it; whether it is true is for the worker to find, before anything is signed. */
export function listed(text: string | undefined): Listed {
  return text === undefined ? { spaces: [] } : (JSON.parse(text) as { list: Listed }).list;
}

/** Guests and installers open no footage, so nobody need sign for them. */
export function waitingDevices(accounts: readonly Account[], text: string | undefined): Waiting[] {
  const { spaces, devices = [] } = listed(text);
  return accounts.flatMap((account) => account.devices.flatMap((device): Waiting[] => {
    const closed = spaces.filter(({ name, members }) => (account.role === 'owner' || account.spaces.includes(name)) && !members.includes(device.recipient)).map(({ name }) => name);
    if (account.role === 'owner') return devices.some(({ recipient }) => recipient === device.recipient) ? [] : [{ account, device, spaces: closed }];
    return account.role === 'member' && closed.length > 0 ? [{ account, device, spaces: closed }] : [];
  }));
}

/** Signs the next list with this device. The list in force is fetched anew, so that nothing signed meanwhile is lost. */
export async function admitDevice(held: Held, { account, device, spaces }: Waiting): Promise<void> {
  if (held.device === undefined) throw new Error(say.people.signLocked);
  const keys = await loadKeys();
  const list = await ownerListInHand();
  if (list === undefined) throw new Error(say.error.unexpected);
  const { name, recipient, signer } = device;
  await take(await keys.admit(list, held.me.account.id, { device: { name, recipient, signer }, spaces, owner: account.role === 'owner' }));
}

/** After an account was erased, or before: lists without its devices, so that nothing is sealed for them from now on. False where this device is locked. */
export async function expelDevices(held: Held, account: Account): Promise<boolean> {
  return expelFrom(held, account, undefined);
}

/** What somebody who gets another role or other spaces may open no more. False where this device is locked. */
export async function narrowDevices(held: Held, account: Account, next: { readonly role: Role; readonly spaces: readonly string[] }): Promise<boolean> {
  const opened = account.role === 'owner' || account.role === 'member';
  if (!opened || next.role === 'owner') return true;
  if (account.role === 'owner' || next.role !== 'member') return expelFrom(held, account, undefined);
  return expelFrom(held, account, account.spaces.filter((space) => !next.spaces.includes(space)));
}

/** Whether that takes footage from somebody, so that this device must sign for it. */
export function narrows(account: Account, next: { readonly role: Role; readonly spaces: readonly string[] }): boolean {
  if (account.devices.length === 0 || next.role === 'owner') return false;
  return account.role === 'owner' || (account.role === 'member' && (next.role !== 'member' || account.spaces.some((space) => !next.spaces.includes(space))));
}

/** A space more, signed by this device. Its people are the owner's devices until somebody is let in. */
export async function addSpace(held: Held, name: string): Promise<void> {
  if (held.device === undefined) throw new Error(say.people.signLocked);
  const list = await ownerListInHand();
  if (list === undefined) throw new Error(say.error.unexpected);
  await take(await (await loadKeys()).addSpace(list, held.me.account.id, name));
}

async function expelFrom(held: Held, account: Account, spaces: readonly string[] | undefined): Promise<boolean> {
  if (account.devices.length === 0 || spaces?.length === 0) return true;
  if (held.device === undefined) return false;
  const list = await ownerListInHand();
  if (list === undefined) return true;
  const known = new Set(listed(list.text).spaces.map(({ name }) => name));
  await take(await (await loadKeys()).expel(list, held.me.account.id, account.devices, spaces?.filter((space) => known.has(space))));
  return true;
}

async function take(lists: readonly string[]): Promise<void> {
  for (const text of lists) await ask('ownerListTake', { body: { text } });
}
