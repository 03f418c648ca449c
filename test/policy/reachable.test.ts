import t from 'tap';
import { isPublic, reachableWarnings } from '../../src/policy/reachable.ts';

t.test('what is public is what the world knows a way to', async (t) => {
  for (const address of ['8.8.8.8', '203.0.113.7', '172.32.0.1', '100.128.0.1', '2001:db8::1', '2a00:1450::1']) t.ok(isPublic(address), address);
  for (const address of ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '100.127.9.9', '127.0.0.1', '169.254.1.1', '0.0.0.0', '224.0.0.251', '255.255.255.255', '::1', '::', 'fe80::1%eth0', 'fe80::1', 'fd00::1', 'ff02::1', 'nothing', '']) t.notOk(isPublic(address), address);
});

t.test('a machine at home is warned of nothing; one that strangers could reach is, by its port', async (t) => {
  const page = { enabled: true, port: 7443 };
  t.same(reachableWarnings(page, ['127.0.0.1', '192.168.1.7', 'fe80::1', 'fd00::7', '100.101.102.103']), []);
  const [four, six, ...more] = reachableWarnings(page, ['192.168.1.7', '203.0.113.7', '2001:db8::7']);
  t.match(four, /203\.0\.113\.7.*7443.*firewall/);
  t.match(six, /2001:db8::7.*router.*7443/);
  t.same(more, []);
  t.same(reachableWarnings({ ...page, enabled: false }, ['203.0.113.7']), []);
});
