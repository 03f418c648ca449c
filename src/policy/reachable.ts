/** Whether strangers could come: which of a machine's own addresses the world knows a way to. Pure. */
import { BlockList, isIP } from 'node:net';

/** At home, of a VPN (100.64.0.0/10 too: providers and overlay networks), of this machine, of the link, of groups. */
const here = new BlockList();
for (const [network, bits] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['0.0.0.0', 8], ['224.0.0.0', 3]] as const) here.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [['fc00::', 7], ['fe80::', 10], ['ff00::', 8], ['::', 127]] as const) here.addSubnet(network, bits, 'ipv6');

export function isPublic(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  return family !== 0 && !here.check(plain, family === 4 ? 'ipv4' : 'ipv6');
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
