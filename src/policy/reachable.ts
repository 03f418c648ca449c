/** From where a machine's own addresses are reached: from home, through a VPN, or by anybody; and what somebody should know of that. Pure. */
import { BlockList, isIP } from 'node:net';
import { wayKinds, type Way, type WayKind } from './ways.ts';

/** At home, of a VPN (100.64.0.0/10 too: providers and overlay networks), of this machine, of the link, of groups. */
const here = new BlockList();
for (const [network, bits] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['0.0.0.0', 8], ['224.0.0.0', 3]] as const) here.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [['fc00::', 7], ['fe80::', 10], ['ff00::', 8], ['::', 127]] as const) here.addSubnet(network, bits, 'ipv6');

/** Set aside for documentation, for measuring, for protocols' own use, or to be thrown away (RFC 6890 and IANA's lists since): the internet knows no way there. */
const aside = new BlockList();
for (const [network, bits] of [['192.0.0.0', 24], ['192.0.2.0', 24], ['198.51.100.0', 24], ['203.0.113.0', 24], ['198.18.0.0', 15]] as const) aside.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [['2001:db8::', 32], ['3fff::', 20], ['2001:2::', 48], ['100::', 64], ['100:0:0:1::', 64], ['64:ff9b:1::', 48], ['5f00::', 16]] as const) aside.addSubnet(network, bits, 'ipv6');

export function isPublic(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  return family !== 0 && ![here, aside].some((list) => list.check(plain, family === 4 ? 'ipv4' : 'ipv6'));
}

/** Sentences for `check`; none where the page is at home alone, as far as the machine itself can tell. */
export function reachableWarnings(page: { readonly enabled: boolean; readonly port: number }, addresses: readonly string[]): string[] {
  const open = page.enabled ? addresses.filter(isPublic) : [];
  const [four, six] = [open.filter((address) => isIP(address) === 4), open.filter((address) => isIP(address) !== 4)];
  return [
    ...(four.length === 0 ? [] : [`this machine has the public address ${four.join(', ')}: the page on port ${page.port} is open to the whole internet unless a firewall stands before it (docs/NETWORK.md)`]),
    ...(six.length === 0 ? [] : [`this machine has a public IPv6 address (${six.join(', ')}): see that the router lets nobody in on port ${page.port} (docs/NETWORK.md)`]),
  ];
}

/** As the kernel tells of it. */
export interface OwnAddress {
  /** Without a zone. */
  readonly address: string;
  readonly interface: string;
  /** WireGuard's, or one whose packets a program takes (TUN, TAP). */
  readonly tunnel: boolean;
  /** A network card is behind it. */
  readonly card: boolean;
}

const vpnNames = /^(wg|tailscale|utun|tun|tap|zt|wt|nebula|netbird|ipsec)/;
const shared = new BlockList();
shared.addSubnet('100.64.0.0', 10, 'ipv4');
const unreachable = new BlockList();
for (const [network, bits] of [['127.0.0.0', 8], ['169.254.0.0', 16]] as const) unreachable.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [['::1', 128], ['fe80::', 10]] as const) unreachable.addSubnet(network, bits, 'ipv6');

/** Undefined: nobody else's machine comes by it. An address that the world knows a way to is public, whatever it goes through. */
export function wayKindOf({ address, interface: name, tunnel, card }: OwnAddress): WayKind | undefined {
  const family = isIP(address);
  if (family === 0 || unreachable.check(address, family === 4 ? 'ipv4' : 'ipv6')) return undefined;
  if (isPublic(address)) return 'public';
  if (tunnel || vpnNames.test(name)) return 'vpn';
  if (family === 4 && shared.check(address)) return card ? 'shared' : 'vpn';
  if (aside.check(address, family === 4 ? 'ipv4' : 'ipv6')) return 'aside';
  return 'home';
}

/** In the order of their kinds. */
export function waysOf(addresses: readonly OwnAddress[], isNamed: (address: string) => boolean): Way[] {
  const ways = addresses.flatMap((one) => {
    const kind = wayKindOf(one);
    return kind === undefined ? [] : [{ address: one.address, interface: one.interface, kind, named: isNamed(one.address) }];
  });
  return ways.toSorted((a, b) => wayKinds.indexOf(a.kind) - wayKinds.indexOf(b.kind));
}

/** Sentences for `status`, of the VPN alone: of a certificate that does not know its addresses every phone warns, until somebody learns to click that away. */
export function vpnWarnings(ways: readonly Way[]): string[] {
  const unnamed = ways.filter(({ kind, named }) => kind === 'vpn' && !named);
  if (unnamed.length === 0) return [];
  return [`the page's certificate does not name ${unnamed.map((way) => `${way.address} (${way.interface}, a VPN)`).join(', ')}, so browsers warn there: visit it by a name that the certificate has, or let it be made for that address too (docs/NETWORK.md)`];
}
