import t from 'tap';
import { readDestinations } from '../../src/policy/destinations.ts';
import { addressesOf, courierRule, credentialsOf, hubRule, isNetwork, resolversOf, siteNetworks } from '../../src/policy/units.ts';

const read = (...destinations: object[]) => readDestinations(JSON.stringify({ v: 1, destinations: destinations.map((one) => ({ purpose: 'x', ...one })) }));
const folder = { name: 'usb', kind: 'folder', path: '/mnt/usb' };
const s3 = { name: 's3', kind: 's3', url: 'https://store.example', bucket: 'bucket' };
const nobody = { resolvers: [], addresses: [], moving: false, networks: siteNetworks };
const allowed = (rule: string): string[] => rule.split('\n').filter((line) => line.startsWith('IPAddressAllow='));

t.test('a network is an address, perhaps with bits, and never so wide that it is the world', async (t) => {
  for (const good of ['192.168.20.0/24', '10.0.0.0/8', '192.168.1.7', 'fd00::/8', 'fc00::/7', '2001:db8::1']) t.ok(isNetwork(good), good);
  for (const odd of ['any', '0.0.0.0/0', '1.2.3.4/7', '::/0', '1.2.3.4/33', 'x', '', '10.0.0.0/8/8', '10.0.0.0/', 'fe80::1%eth0', '10.0.0.0/8 any', '10.0.0.0/8\nIPAddressAllow=any']) t.notOk(isNetwork(odd), JSON.stringify(odd));
});

t.test('the hub\'s rule names the site\'s networks and forgets those that the unit allows by itself', async (t) => {
  t.same(allowed(hubRule(['192.168.20.0/24'])), ['IPAddressAllow=', 'IPAddressAllow=localhost link-local multicast', 'IPAddressAllow=192.168.20.0/24']);
});

t.test('the courier\'s rule names the destinations\' addresses and who resolves names, and nobody where nothing is far', async (t) => {
  t.same(allowed(courierRule({ ...nobody, destinations: read(folder), resolvers: ['192.168.1.1'] })), ['IPAddressAllow=']);
  t.same(allowed(courierRule({ ...nobody, destinations: [] })), ['IPAddressAllow=']);
  const rule = courierRule({ ...nobody, destinations: read(folder, s3), resolvers: ['192.168.1.1'], addresses: ['203.0.113.7', '203.0.113.7'] });
  t.same(allowed(rule), ['IPAddressAllow=', 'IPAddressAllow=192.168.1.1 203.0.113.7']);
  t.match(rule, /^ReadWritePaths=-"\/mnt\/usb"$/m);
  t.notMatch(rule, /IPAddressDeny/);
  for (const right of ['put', 'get', 'delete', 'all', 'proxy']) t.ok(rule.includes(`\nLoadCredential=s3.${right}:sallyport.s3.${right}\n`), right);
});

t.test('where addresses move, this site is denied instead, but for what is named', async (t) => {
  const rule = courierRule({ ...nobody, destinations: read(s3), addresses: ['192.168.1.5'], moving: true });
  t.match(rule, /^IPAddressDeny=\nIPAddressDeny=localhost link-local multicast 10\.0\.0\.0\/8 172\.16\.0\.0\/12 192\.168\.0\.0\/16 fc00::\/7\nIPAddressAllow=\nIPAddressAllow=192\.168\.1\.5$/m);
});

t.test('a path says nothing but a path to systemd', async (t) => {
  const rule = courierRule({ ...nobody, destinations: read({ ...folder, path: '/mnt/a "b" %h \\x' }) });
  t.ok(rule.includes('ReadWritePaths=-"/mnt/a \\"b\\" %%h \\\\x"'), rule);
  t.throws(() => read({ ...folder, path: '/mnt/a\nIPAddressAllow=any' }), /path/);
});

t.test('who resolves names, and what a name is', async (t) => {
  t.same(resolversOf('# x\nnameserver 192.168.1.1\nnameserver\t2001:db8::1\nnameserver evil\noptions x\nnameserver 9.9.9.9\nnameserver 1.1.1.1\n'), ['192.168.1.1', '2001:db8::1', '9.9.9.9']);
  t.same(addressesOf('203.0.113.7     STREAM store\n203.0.113.7     DGRAM\n2001:db8::7 STREAM\nno address\n'), ['2001:db8::7', '203.0.113.7']);
  t.same(credentialsOf(read(folder, { name: 'phone', kind: 'ntfy', url: 'https://ntfy.example' })), ['phone.topic', 'phone.token', 'phone.proxy']);
  t.same(credentialsOf(read({ name: 'home', kind: 'mqtt', url: 'mqtts://broker.example' })), ['home.login', 'home.proxy']);
});
