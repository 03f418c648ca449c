/**
 * What systemd is told about addresses: the hub speaks to the site's networks, the courier to the declared destinations. Pure: the text of the two
 * drop-ins. The rule stands outside of both processes, so it holds also where one of them was taken over (docs/THREAT_MODEL.md).
 */
import { isIP } from 'node:net';
import { portsOf, type Destination } from './destinations.ts';

/** Where a household's networks are, when nobody says more. */
export const siteNetworks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'] as const;

/** An address alone, or a network with as many bits as there are; "any" and the like are none. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined || address.includes('%')) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= (family === 4 ? 8 : 7) && Number(bits) <= (family === 4 ? 32 : 128));
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** What `/etc/resolv.conf` says; the C library asks the first three. */
export function resolversOf(text: string): string[] {
  return text.split('\n').flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []).filter(isAddress).slice(0, 3);
}

/** What `getent ahosts` says. */
export function addressesOf(text: string): string[] {
  return [...new Set(text.split('\n').map((line) => line.split(/\s/)[0] ?? '').filter(isAddress))].toSorted();
}

/** `sallyport.service.d/networks.conf`. Multicast and link-local: cameras are found by them, and no router hands them on. */
export function hubRule(networks: readonly string[]): string {
  return [
    '# Made by `sallyport units`: the networks of this site. Nothing else is reached by the hub.', '[Service]',
    'IPAddressAllow=', 'IPAddressAllow=localhost link-local multicast', `IPAddressAllow=${networks.join(' ')}`, '',
  ].join('\n');
}

export interface CourierFacts {
  readonly destinations: readonly Destination[];
  /** Who is asked for names, and what the destinations' names are now. */
  readonly resolvers: readonly string[];
  readonly addresses: readonly string[];
  /** A destination's addresses move: any address is allowed then but the site's own, of which only those that are named here are. */
  readonly moving: boolean;
  readonly networks: readonly string[];
}

/** `sallyport-courier.service.d/destinations.conf`. */
export function courierRule({ destinations, resolvers, addresses, moving, networks }: CourierFacts): string {
  const allowed = [...new Set([...(portsOf(destinations).length === 0 ? [] : resolvers), ...addresses])].toSorted();
  return [
    '# Made by `sallyport units` from destinations.json; it is written anew when that changes.', '[Service]',
    ...(moving ? ['# Their addresses move: what is denied is this site.', 'IPAddressDeny=', `IPAddressDeny=localhost link-local multicast ${networks.join(' ')}`] : []),
    'IPAddressAllow=', ...(allowed.length === 0 ? [] : [`IPAddressAllow=${allowed.join(' ')}`]),
    ...destinations.flatMap((one) => (one.kind === 'folder' ? [`ReadWritePaths=-${quoted(one.path)}`] : [])),
    // Of those that are not in the store of credentials nothing is said.
    ...credentialsOf(destinations).map((name) => `LoadCredential=${name}:sallyport.${name}`), '',
  ].join('\n');
}

/** Names of the credentials that it may have. */
export function credentialsOf(destinations: readonly Destination[]): string[] {
  const rights = { folder: [], webdav: ['put', 'get', 'delete', 'all', 'proxy'], s3: ['put', 'get', 'delete', 'all', 'proxy'], ntfy: ['topic', 'token', 'proxy'], webhook: ['key', 'proxy'], mqtt: ['login', 'proxy'] } as const;
  return destinations.flatMap(({ name, kind }) => rights[kind].map((right) => `${name}.${right}`));
}

/** As systemd reads it back: quotes, specifiers and escapes say nothing. */
function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}
