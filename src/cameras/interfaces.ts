import { networkInterfaces } from 'node:os';
import type { LocalInterface } from './addresses.ts';

/** Every IPv4 address of this machine, loopback included. */
export function localInterfaces(): LocalInterface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter((entry) => entry.family === 'IPv4')
      .map(({ address, netmask, internal }) => ({ name, address, netmask, internal })));
}
