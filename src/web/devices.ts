/** This browser as one of an account's devices, and the way for another one. */
import type { Me } from '../api/pagecontract.ts';
import { ask } from './api.ts';
import { deviceName } from './devicename.ts';
import type { Held } from './held.tsx';
import { loadKeys, ownerListInHand } from './load.ts';
import { pathOf } from './router.ts';
import type { OpenDevice } from './seams.ts';

/** Makes this browser's key, notes its public halves with the hub, and keeps the rest here, locked. `half` proves the passphrase first. */
export async function addThisDevice(held: Held, half: string, second: Uint8Array): Promise<void> {
  // A mistyped passphrase must not lock the new key.
  await ask('login', { body: { name: held.me.account.name, half } });
  const { me, device } = await makeThisDevice(held.me, second);
  held.take(me);
  held.takeDevice(device);
}

/** The same for whoever is logged in. With `trust` the owner's list is believed only if one of these keys stands at its beginning. */
export async function makeThisDevice({ account }: Me, second: Uint8Array, trust?: readonly string[]): Promise<{ me: Me; device: OpenDevice }> {
  const keys = await loadKeys();
  const list = await ownerListInHand();
  const believed = list === undefined || trust === undefined ? list : { ...list, trust };
  const shape = await keys.makeDevice(deviceName(navigator.userAgent));
  // First of all: where the hub shows a list of somebody else's, nothing is made.
  await keys.open(shape, undefined, believed);
  const me: Me = await ask('meDevice', { body: shape });
  await keys.keep({ account: account.id, login: account.name, id: deviceIdOf(me, shape.recipient) }, second);
  // Once more, for the record that is kept knows which list was believed.
  return { me, device: await keys.open(shape, account.id, believed) };
}

export function deviceIdOf(me: Me, recipient: string): string {
  return me.account.devices.find((device) => device.recipient === recipient)?.id ?? '';
}

/** What another device of one's own opens to be added: its person's name and the kit's public key; no secret. The list is verified by this device. */
export async function linkForDevice({ me: { account } }: Held): Promise<string | undefined> {
  const list = await ownerListInHand();
  if (list === undefined) return undefined;
  await (await loadKeys()).toRenew(list, account.id);
  const { list: { signer } } = JSON.parse(list.text) as { list: { signer: string } };
  return `${location.origin}${pathOf({ page: 'device', name: account.name, trust: [signer] })}`;
}
