/** For what the hub asks the passphrase once more: it is stretched here, and the half that logs in goes there. */
import { ask } from './api.ts';
import type { Held } from './held.tsx';
import { loadKeys } from './load.ts';

export async function halfOf({ me: { account } }: Held, passphrase: string): Promise<string> {
  const { login, second } = await (await loadKeys()).stretch(passphrase, await ask('loginStretch', { body: { name: account.name } }));
  // It wraps this device's key, and none is opened here.
  second.fill(0);
  return login.half;
}
