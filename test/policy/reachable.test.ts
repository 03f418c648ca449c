import t from 'tap';
import { isPublic, reachableWarnings, vpnWarnings, wayKindOf, waysOf, type OwnAddress } from '../../src/policy/reachable.ts';

t.test('what is public is what the world knows a way to', async (t) => {
  for (const address of ['8.8.8.8', '192.0.1.1', '192.0.3.1', '198.17.255.255', '198.20.0.1', '203.0.112.1', '203.0.114.1', '172.32.0.1', '100.128.0.1', '2001:db7:ffff::1', '2001:db9::1', '2002:808:808::1', '2a00:1450::1']) t.ok(isPublic(address), address);
  for (const address of ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '100.127.9.9', '127.0.0.1', '169.254.1.1', '0.0.0.0', '224.0.0.251', '255.255.255.255', '::1', '::', 'fe80::1%eth0', 'fe80::1', 'fd00::1', 'ff02::1', 'nothing', '',
    '192.0.0.8', '192.0.2.1', '198.51.100.7', '203.0.113.255', '198.18.0.1', '198.19.255.255', '2001:db8::1', '2001:db8:ffff::1', '3fff::1', '100::1', '64:ff9b:1::1', '2001:2::1']) t.notOk(isPublic(address), address);
});

t.test('a machine at home is warned of nothing; one that strangers could reach is, by its port', async (t) => {
  const page = { enabled: true, port: 7443 };
  t.same(reachableWarnings(page, ['127.0.0.1', '192.168.1.7', 'fe80::1', 'fd00::7', '100.101.102.103']), []);
  const [four, six, ...more] = reachableWarnings(page, ['192.168.1.7', '192.0.2.7', '9.9.9.9', '2001:db8::7', '2620:fe::9']);
  t.match(four, /address 9\.9\.9\.9:.*7443.*firewall/);
  t.match(six, /\(2620:fe::9\).*router.*7443/);
  t.same(more, []);
  t.same(reachableWarnings({ ...page, enabled: false }, ['9.9.9.9']), []);
});

t.test('from where an address is reached', async (t) => {
  const card = { tunnel: false, card: true };
  const none = { tunnel: false, card: false };
  const cases: readonly (readonly [address: string, name: string, facts: { tunnel: boolean; card: boolean }, kind: ReturnType<typeof wayKindOf>])[] = [
    ['192.168.1.7', 'eth0', card, 'home'], ['fd00::7', 'wlan0', card, 'home'], ['172.17.0.1', 'docker0', none, 'home'],
    ['10.8.0.1', 'wg0', none, 'vpn'], ['fd12::1', 'wg0', none, 'vpn'], ['10.6.0.2', 'home-vpn', { tunnel: true, card: false }, 'vpn'], ['10.7.0.1', 'tun0', none, 'vpn'], ['10.9.0.1', 'utun4', none, 'vpn'],
    ['100.101.102.103', 'tailscale0', { tunnel: true, card: false }, 'vpn'], ['fd7a:115c:a1e0::1', 'tailscale0', none, 'vpn'], ['100.101.102.103', 'overlay', none, 'vpn'],
    ['100.64.3.4', 'eth0', card, 'shared'], ['100.64.3.4', 'wwan0', card, 'shared'],
    ['9.9.9.9', 'eth0', card, 'public'], ['2620:fe::9', 'eth0', card, 'public'], ['9.9.9.9', 'wg0', none, 'public'],
    ['192.0.2.7', 'eth0', card, 'aside'], ['203.0.113.7', 'eth0', card, 'aside'], ['2001:db8::7', 'eth0', card, 'aside'], ['198.18.0.1', 'veth1', none, 'aside'], ['192.0.2.7', 'wg0', none, 'vpn'], ['2001:db8::7', 'tailscale0', none, 'vpn'],
    ['127.0.0.1', 'lo', none, undefined], ['::1', 'lo', none, undefined], ['fe80::1', 'eth0', card, undefined], ['169.254.1.1', 'eth0', card, undefined], ['nonsense', 'eth0', card, undefined],
  ];
  for (const [address, name, facts, kind] of cases) t.equal(wayKindOf({ address, interface: name, ...facts }), kind, `${address} on ${name}`);
});

t.test('of a VPN\'s address that the certificate does not name somebody is told; of others not', async (t) => {
  const own: OwnAddress[] = [
    { address: '9.9.9.9', interface: 'eth0', tunnel: false, card: true }, { address: '10.8.0.1', interface: 'wg0', tunnel: true, card: false }, { address: '192.168.1.7', interface: 'eth0', tunnel: false, card: true }, { address: '127.0.0.1', interface: 'lo', tunnel: false, card: false },
  ];
  const ways = waysOf(own, (address) => address === '192.168.1.7');
  t.same(ways.map(({ address, kind, named }) => [address, kind, named]), [['192.168.1.7', 'home', true], ['10.8.0.1', 'vpn', false], ['9.9.9.9', 'public', false]]);
  const [warning, ...more] = vpnWarnings(ways);
  t.match(warning, /does not name 10\.8\.0\.1 \(wg0, a VPN\)/);
  t.same(more, []);
  t.same(vpnWarnings(waysOf(own, () => true)), []);
  t.same(vpnWarnings([]), []);
});
