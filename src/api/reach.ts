/** By which names and addresses visitors come to this machine. */
import { hostname, networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { fileExists, readTextBounded } from '../base/files.ts';
import type { OwnAddress } from '../policy/reachable.ts';

export interface Reach {
  /** Lower case. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

/** As the machine is now: an address may come and go while the hub runs. `names` are the configured ones, addresses among them. */
export function reachOf(names: readonly string[]): Reach {
  const own = hostname().toLowerCase();
  const isName = /^[a-z0-9]([a-z0-9-.]*[a-z0-9])?$/.test(own);
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => bareAddress(address)));
  return {
    names: [...new Set(['localhost', ...(isName ? [own, ...(own.includes('.') ? [] : [`${own}.local`])] : []), ...names.filter((name) => isIP(name) === 0)])],
    addresses: [...new Set(['127.0.0.1', ...addresses, ...names.filter((name) => isIP(name) !== 0)])],
  };
}

/** The machine's addresses with what the kernel knows of their interfaces; where it tells nothing (no `/sys`), their names are all there is. */
export async function ownAddresses(): Promise<OwnAddress[]> {
  const found = await Promise.all(Object.entries(networkInterfaces()).map(async ([name, entries = []]) => {
    const facts = await factsOf(name);
    return [...new Set(entries.map(({ address }) => bareAddress(address)))].map((address) => ({ address, interface: name, ...facts }));
  }));
  return found.flat();
}

async function factsOf(name: string): Promise<Pick<OwnAddress, 'tunnel' | 'card'>> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(name)) return { tunnel: false, card: true };
  const folder = `/sys/class/net/${name}`;
  const told = await readTextBounded(`${folder}/uevent`, 4096).catch(() => undefined);
  return { tunnel: /^DEVTYPE=wireguard$/m.test(told ?? '') || (await fileExists(`${folder}/tun_flags`)), card: told === undefined || (await fileExists(`${folder}/device`)) };
}

/** Without a zone, in the one way of writing that a browser uses. */
export function bareAddress(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase();
  return isIP(plain) === 6 ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}

/** The host of a `Host` header without its port, lower case, an IPv6 address without brackets; undefined for what is none. */
export function hostOf(header: string): string | undefined {
  if (!/^[A-Za-z0-9.:[\]-]{1,262}$/.test(header) || !URL.canParse(`http://${header}`)) return undefined;
  const { hostname: host, pathname, search, hash, username } = new URL(`http://${header}`);
  if (pathname !== '/' || search !== '' || hash !== '' || username !== '') return undefined;
  return host.startsWith('[') ? host.slice(1, -1) : host.replace(/\.$/, '');
}
