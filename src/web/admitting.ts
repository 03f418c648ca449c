/** Whom the owner's list is to name: devices that wait for an owner's signature, and those that go. */
import type { Account } from '../api/pagecontract.ts';
import type { OwnerList } from '../seal/format/ownerlist.ts';
import { ask } from './api.ts';
import type { Held } from './held.tsx';
import { loadKeys, ownerListInHand } from './load.ts';
import { halfOf } from './proving.ts';
import { say } from './strings.ts';

export interface Waiting {
  readonly account: Account;
  readonly device: Account['devices'][number];
  /** Those that it is to open and does not yet. */
  readonly spaces: readonly string[];
}

type Listed = Pick<OwnerList, 'spaces' | 'devices'>;

/** What a list says, to show it; whether it is true is for the worker to find, before anything is signed. */
export function listed(text: string | undefined): Listed {
  return text === undefined ? { spaces: [] } : (JSON.parse(text) as { list: Listed }).list;
}

/** Guests and installers open no footage, so nobody need sign for them. */
export function waitingDevices(accounts: readonly Account[], text: string | undefined): Waiting[] {
  const { spaces, devices = [] } = listed(text);
  return accounts.flatMap((account) => account.devices.flatMap((device): Waiting[] => {
    const closed = spaces.filter(({ name, members }) => (account.role === 'owner' || account.spaces.includes(name)) && !members.includes(device.recipient)).map(({ name }) => name);
    if (account.role === 'owner') return devices.some(({ recipient, signer }) => recipient === device.recipient && signer === device.signer) ? [] : [{ account, device, spaces: closed }];
    return account.role === 'member' && (closed.length > 0 || text === undefined) ? [{ account, device, spaces: closed }] : [];
  }));
}

/** A key that the list names and that is of no account: of somebody who has left, or of a device that was removed. */
export interface Stray {
  readonly recipient: string;
  /** As the owner's devices are called in the list; members have none there. */
  readonly name: string | undefined;
  /** Of which it opens what is recorded; of `past` what was. */
  readonly spaces: readonly string[];
  readonly past: readonly string[];
  /** Whether it signs for the owner. */
  readonly signs: boolean;
}

/** The kit belongs to no account, and to the owner. */
export function strayKeys(accounts: readonly Account[], text: string | undefined): Stray[] {
  if (text === undefined) return [];
  const { kit, spaces, devices = [] } = (JSON.parse(text) as { list: Listed & { kit?: string } }).list;
  const known = new Set([kit, ...accounts.flatMap((account) => account.devices.map(({ recipient }) => recipient))]);
  const named = [...devices.map(({ recipient }) => recipient), ...spaces.flatMap(({ members, former = [] }) => [members, ...former.map((one) => one.members)].flat())];
  return [...new Set(named)].filter((recipient) => !known.has(recipient)).map((recipient) => ({
    recipient, name: devices.find((device) => device.recipient === recipient)?.name, signs: devices.some((device) => device.recipient === recipient),
    spaces: spaces.filter(({ members }) => members.includes(recipient)).map(({ name }) => name),
    past: spaces.filter(({ members, former = [] }) => !members.includes(recipient) && former.some((one) => one.members.includes(recipient))).map(({ name }) => name),
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
  await openAnew(held);
}

/** Before somebody may less, or is erased: lists in which their devices are members of `spaces` alone, so that nothing else is sealed for them from now on. */
export async function restrictDevices(held: Held, account: Account, spaces: readonly string[]): Promise<void> {
  await restrictKeys(held, account.devices.map(({ recipient }) => recipient), spaces);
}

/** Lists without these keys at all. */
export async function dropKeys(held: Held, strays: readonly Stray[]): Promise<void> {
  await restrictKeys(held, strays.map(({ recipient }) => recipient), []);
}

async function restrictKeys(held: Held, recipients: readonly string[], spaces: readonly string[]): Promise<void> {
  if (recipients.length === 0) return;
  if (held.device === undefined) throw new Error(say.people.signLocked);
  const list = await ownerListInHand();
  if (list === undefined) return;
  await take(await (await loadKeys()).restrict(list, held.me.account.id, recipients, spaces));
}

/** A space more, signed by this device. Its people are the owner's devices until somebody is let in. */
export async function addSpace(held: Held, name: string): Promise<void> {
  if (held.device === undefined) throw new Error(say.people.signLocked);
  const list = await ownerListInHand();
  if (list === undefined) throw new Error(say.error.unexpected);
  await take(await (await loadKeys()).addSpace(list, held.me.account.id, name));
  await openAnew(held);
}

/** The kit in hand takes the old one's place. The hub asks for the passphrase once more; what remains is sealed anew after it (`renewSlots`). */
export async function replaceKit(held: Held, passphrase: string): Promise<void> {
  if (held.device === undefined) throw new Error(say.people.signLocked);
  const keys = await loadKeys();
  const list = await ownerListInHand();
  if (list === undefined) throw new Error(say.error.unexpected);
  const half = await halfOf(held, passphrase);
  await ask('ownerListTake', { body: { ...await keys.replaceKit(list, held.me.account.id), half } });
}

/** The space has another key since, and what is recorded from now on is sealed to it: this device opens it, too. */
async function openAnew(held: Held): Promise<void> {
  if (held.device === undefined) return;
  held.takeDevice(await (await loadKeys()).open(held.device.shape, held.me.account.id, await ownerListInHand()));
}

async function take(lists: readonly string[]): Promise<void> {
  for (const text of lists) await ask('ownerListTake', { body: { text } });
}
