/** A range of addresses that somebody wants to be searched: `192.168.1.0/24`, `10.0.0.5-10.0.0.40`, or one address. Pure. */
import { isIPv4 } from 'node:net';
import { isLoopback, isOfSite, type LocalInterface } from './addresses.ts';

export interface AddressRange {
  /** As it was written. */
  readonly text: string;
  readonly addresses: readonly string[];
}

/** A larger one takes minutes, and is more often a slip of the pen than a site. */
export const rangeAddressesMax = 4096;

/** The range, or why it is not searched. Only the site's networks are: private ranges, and those that this machine is in. */
export function readRange(text: string, o: { readonly interfaces: readonly LocalInterface[]; readonly loopback: boolean }): AddressRange | string {
  const bounds = boundsOf(text.trim());
  if (typeof bounds === 'string') return bounds;
  const [first, last] = bounds;
  const count = last - first + 1;
  if (count > rangeAddressesMax) return `it has ${count} addresses, and at most ${rangeAddressesMax} are searched`;
  const addresses = Array.from({ length: count }, (_, index) => addressOf(first + index));
  const foreign = addresses.find((address) => !isOfSite(address, o.interfaces));
  if (foreign !== undefined) return `${foreign} is not in the local network`;
  if (!o.loopback && addresses.some(isLoopback)) return 'it is on this machine';
  return { text: text.trim(), addresses };
}

/** First and last address as numbers, or what is wrong. */
function boundsOf(text: string): readonly [number, number] | string {
  const [, from = '', bits, to] = /^([0-9.]+)(?:\/(\d{1,2})|\s*-\s*([0-9.]+))?$/.exec(text) ?? [];
  if (!isIPv4(from) || (to !== undefined && !isIPv4(to))) return 'it is no range of IPv4 addresses';
  const first = numberOf(from);
  if (to !== undefined) return numberOf(to) < first ? 'it ends before it begins' : [first, numberOf(to)];
  if (bits === undefined) return [first, first];
  if (Number(bits) > 32) return 'it is no range of IPv4 addresses';
  const size = 2 ** (32 - Number(bits));
  const network = first - first % size;
  // The first and last address of a network are the network's own and everybody's.
  return size > 2 ? [network + 1, network + size - 2] : [network, network + size - 1];
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
