/** This browser as one of an account's devices. */
import type { Me } from '../api/pagecontract.ts';
import { ask } from './api.ts';
import { deviceName } from './devicename.ts';
import type { Held } from './held.tsx';
import { loadKeys, ownerListInHand } from './load.ts';

/** Makes this browser's key, notes its public halves with the hub, and keeps the rest here, locked. `half` proves the passphrase first. */
export async function addThisDevice(held: Held, half: string, second: Uint8Array): Promise<void> {
  const keys = await loadKeys();
  // A mistyped passphrase must not lock the new key.
  const session = await ask('login', { body: { name: held.me.account.name, half } });
  const device = await keys.makeDevice(deviceName(navigator.userAgent));
  const me: Me = await ask('meDevice', { body: device });
  await keys.keep({ account: session.account.id, login: session.account.name, id: deviceIdOf(me, device.recipient) }, second);
  held.take(me);
  held.takeDevice(await keys.open(device, me.account.id, await ownerListInHand()));
}

export function deviceIdOf(me: Me, recipient: string): string {
  return me.account.devices.find((device) => device.recipient === recipient)?.id ?? '';
}
