/**
 * What systemd is told about addresses (the units, with what `sallyport units` adds), as rules of nftables in the namespace: systemd itself applies them by a
 * program of its own in the kernel, which needs a machine that it runs. An address in `IPAddressAllow` passes, else one in `IPAddressDeny` does not.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import { run } from '../../../src/base/spawn.ts';
import { sallyport } from '../../e2e/site.ts';
import { courierUser, farAddresses, hubUser } from './plan.ts';
import type { House } from './prove.ts';

const units = resolve(import.meta.dirname, '../../../systemd');

const words: Readonly<Record<string, readonly string[]>> = {
  'any': ['0.0.0.0/0', '::/0'], 'localhost': ['127.0.0.0/8', '::1/128'], 'link-local': ['169.254.0.0/16', 'fe80::/64'], 'multicast': ['224.0.0.0/4', 'ff00::/8'],
};

/** Lists as systemd puts them together: later files add, an empty value forgets. */
function listOf(key: string, texts: readonly string[]): string[] {
  let list: string[] = [];
  for (const line of texts.join('\n').split('\n')) {
    if (!line.startsWith(`${key}=`)) continue;
    const value = line.slice(key.length + 1).trim();
    list = value === '' ? [] : [...list, ...value.split(/\s+/).flatMap((word) => words[word] ?? [word])];
  }
  return list;
}

function chainOf(user: number, texts: readonly string[]): string {
  const verdicts = (list: readonly string[], verdict: string): string => list.map((network) => `    meta skuid ${user} ${network.includes(':') ? 'ip6' : 'ip'} daddr ${network} ${verdict}`).join('\n');
  return `${verdicts(listOf('IPAddressAllow', texts), 'accept')}\n${verdicts(listOf('IPAddressDeny', texts), 'reject')}`;
}

export async function proveRules(t: Test, house: House): Promise<void> {
  const { link } = house;
  const made = await link.inHome([sallyport, 'units', '--destinations', house.home.config, '--network', '10.99.0.0/24', '--write', '--root', house.path('image')]);
  t.equal(made.status, 0, made.stderr);
  const image = house.path('image/etc/systemd/system');
  const hub = [await readFile(join(units, 'sallyport.service'), 'utf8'), await readFile(join(image, 'sallyport.service.d/networks.conf'), 'utf8')];
  const courier = [await readFile(join(units, 'sallyport-courier.service'), 'utf8'), await readFile(join(image, 'sallyport-courier.service.d/destinations.conf'), 'utf8')];
  t.same(listOf('IPAddressAllow', courier).toSorted(), Object.entries(farAddresses).filter(([name]) => name !== 'undeclared' && name !== 'hook').map(([, address]) => address).toSorted(), 'the declared names, as they resolve, a proxy instead of who is behind it, and who resolves them');
  const rules = `table inet rules {\n  chain out {\n    type filter hook output priority 0; policy accept;\n${chainOf(hubUser, hub)}\n${chainOf(courierUser, courier)}\n  }\n}\n`;
  const taken = await run('ip', ['netns', 'exec', link.home, 'nft', '-f', '-'], { input: rules, package: 'nftables' });
  t.equal(taken.status, 0, taken.stderr);

  const places = { 'a declared store': [farAddresses.dav, 443], 'a host that nobody declared': [farAddresses.undeclared, 443], 'a visitor of the LAN': [farAddresses.gateway, 53] } as const;
  const tried = async (user: number | undefined): Promise<Record<string, string>> => {
    const program = `
      const net = require('node:net'); const dgram = require('node:dgram'); const outcomes = {}; const places = ${JSON.stringify(places)};
      const end = (name, outcome) => { outcomes[name] ??= outcome; if (Object.keys(outcomes).length === Object.keys(places).length) { console.log(JSON.stringify(outcomes)); process.exit(0); } };
      for (const [name, [address, port]] of Object.entries(places)) {
        if (port === 53) { const socket = dgram.createSocket('udp4'); socket.on('error', () => end(name, 'refused')); socket.connect(port, address, (error) => error ? end(name, 'refused') : socket.send('x', (failed) => end(name, failed ? 'refused' : 'reached'))); continue; }
        const socket = net.connect({ port, host: address }); socket.on('connect', () => { socket.destroy(); end(name, 'reached'); }); socket.on('error', () => end(name, 'refused'));
      }`;
    const { status, stdout, stderr } = await link.inHome([process.execPath, '-e', program], user === undefined ? {} : { user });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout.toString()) as Record<string, string>;
  };
  t.same(await tried(undefined), { 'a declared store': 'reached', 'a host that nobody declared': 'reached', 'a visitor of the LAN': 'reached' }, 'control: without a rule all are reached');
  if (house.users.hub === undefined) return t.comment('other users may not read this checkout, so the rules are not tried for them');
  t.same(await tried(courierUser), { 'a declared store': 'reached', 'a host that nobody declared': 'refused', 'a visitor of the LAN': 'reached' }, 'the courier: whom it is to reach, and who resolves names');
  t.same(await tried(hubUser), { 'a declared store': 'refused', 'a host that nobody declared': 'refused', 'a visitor of the LAN': 'reached' }, 'the hub: this site alone');
}
