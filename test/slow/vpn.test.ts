/** A machine with a VPN, as its kernel has it: in a network namespace, with interfaces as WireGuard, Tailscale and others make them. Root only. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { launch, run } from '../../src/base/spawn.ts';
import { ip, noLan } from './lan.ts';

/** An interface with a peer, so that it carries something. */
const pair = (device: string): string[] => ['veth', 'peer', 'name', `${device}-end`];
/** TUNSETIFF, IFF_TUN; it stays as long as the program lives. */
const holdTun = 'import fcntl, signal, struct\nf = open("/dev/net/tun", "r+b", buffering=0)\nfcntl.ioctl(f, 0x400454ca, struct.pack("16sH", b"phones", 1))\nprint("here", flush=True)\nsignal.pause()';

const node = resolve(import.meta.dirname, '../../scripts/node');

async function machine(t: Test): Promise<{ name: string; add: (device: string, type: readonly string[], ...addresses: string[]) => Promise<void>; page: (...args: string[]) => Promise<{ ways: { address: string; interface: string; kind: string; named: boolean }[]; visits: Record<string, string>; lines: string[]; warnings: string[] }> }> {
  const name = `sp${randomInt(1e6)}-vpn`;
  await ip('netns', 'add', name);
  t.teardown(() => ip('netns', 'del', name));
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  return {
    name,
    add: async (device, type, ...addresses) => {
      await ip('-n', name, 'link', 'add', device, 'type', ...type);
      if (type[0] === 'veth') await ip('-n', name, 'link', 'set', `${device}-end`, 'up');
      for (const address of addresses) await ip('-n', name, 'addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
      await ip('-n', name, 'link', 'set', device, 'up');
    },
    page: async (...args) => {
      const done = await run('ip', ['netns', 'exec', name, node, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'vpnpage.ts'), ...args], { timeoutMs: 60_000, stdoutBytesMax: 2 ** 20 });
      if (done.status !== 0) throw new Error(done.stderr);
      return JSON.parse(done.stdout.toString());
    },
  };
}

t.test('the page says by which addresses it is reached and which are a VPN\'s, and its own certificate is good for those too', { skip: noLan, timeout: 120_000 }, async (t) => {
  const { name, add, page } = await machine(t);
  await add('eth0', pair('eth0'), '192.168.7.2/24');
  await add('wg0', pair('wg0'), '10.8.0.1/24', 'fd12:3456::1/64');
  await add('overlay', pair('overlay'), '100.101.102.103/10');
  await add('uplink', pair('uplink'), '9.9.9.9/24');
  // By its kind, whatever it is called; not every kernel has WireGuard.
  const real = await add('house', ['wireguard'], '10.9.0.1/24').then(() => true, () => false);
  // One whose packets a program takes, as Tailscale and OpenVPN make them; without the program it carries nothing.
  const holder = await launch('ip', ['netns', 'exec', name, 'python3', '-c', holdTun], {});
  t.teardown(() => { holder.kill('SIGKILL'); });
  const tun = await Promise.race([once(holder.stdout, 'data').then(() => true), holder.exited.then(() => false)]);
  if (tun) {
    await ip('-n', name, 'addr', 'add', '10.10.0.1/24', 'dev', 'phones');
    await ip('-n', name, 'link', 'set', 'phones', 'up');
  }
  t.comment(`WireGuard's own kind: ${real ? 'here' : 'skipped, this kernel has none'}; TUN: ${tun ? 'here' : 'skipped, there is no /dev/net/tun'}`);

  const { ways, visits, lines, warnings } = await page(join(t.testdir(), 'hub'));
  const kinds = Object.fromEntries(ways.map(({ address, interface: device, kind }) => [`${address} ${device}`, kind]));
  t.match(kinds, {
    '192.168.7.2 eth0': 'home', '10.8.0.1 wg0': 'vpn', 'fd12:3456::1 wg0': 'vpn', '100.101.102.103 overlay': 'vpn', '9.9.9.9 uplink': 'public', ...(real ? { '10.9.0.1 house': 'vpn' } : {}), ...(tun ? { '10.10.0.1 phones': 'vpn' } : {}),
  });
  for (const { address, kind, named } of ways.filter((way) => way.kind !== 'public')) {
    t.ok(named, `${address} (${kind}) is in the certificate`);
    t.equal(visits[address], 'taken', `a browser that trusts the hub's authority takes ${address}`);
  }
  t.equal(ways.find(({ kind }) => kind === 'public')?.named, false, 'for a public address the hub\'s authority signs nothing');
  t.equal(visits['9.9.9.9'], 'ERR_TLS_CERT_ALTNAME_INVALID');
  t.match(lines.join('\n'), /^ {2}from home: 192\.168\.7\.2 \(eth0\)$/m);
  t.match(lines.join('\n'), /^ {2}by a VPN: .*10\.8\.0\.1 \(wg0\)/m);
  t.match(lines.join('\n'), /^ {2}by the whole internet, unless a firewall stands before it: 9\.9\.9\.9 \(uplink; its certificate does not name it\)$/m);
  t.same(warnings, []);
});

t.test('a certificate of the household\'s own that does not name the VPN\'s address is told of; without a VPN the page says so', { skip: noLan, timeout: 120_000 }, async (t) => {
  const { name, add, page } = await machine(t);
  const folder = t.testdir();
  await add('eth0', pair('eth0'), '192.168.7.2/24');
  t.match((await page(join(folder, 'first'))).lines.at(-1), /by a VPN: none ends at this machine/);
  await add('wg0', pair('wg0'), '10.8.0.1/24');
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=hub', '-addext', 'subjectAltName=IP:192.168.7.2,DNS:hub.example.org']);
  t.equal(made.status, 0, made.stderr);
  const { visits, warnings, lines } = await page(join(folder, 'second'), certificate, key);
  t.match(visits, { '192.168.7.2': 'taken', '10.8.0.1': 'ERR_TLS_CERT_ALTNAME_INVALID' });
  t.match(warnings, [/^the page's certificate does not name 10\.8\.0\.1 \(wg0, a VPN\)/]);
  t.match(lines.join('\n'), /10\.8\.0\.1 \(wg0; its certificate does not name it\)/);
  await ip('-n', name, 'link', 'del', 'wg0');
  t.same((await page(join(folder, 'second'), certificate, key)).warnings, [], 'and not when it is gone');
});
