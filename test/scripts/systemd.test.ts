import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { readDestinations } from '../../src/policy/destinations.ts';
import { courierRule, hubRule, siteNetworks } from '../../src/policy/units.ts';

const root = resolve(import.meta.dirname, '../..');
const names = ['sallyport.service', 'sallyport-courier.service', 'sallyport-units.service', 'sallyport-units.path'];
const textOf = (name: string): string => readFileSync(join(root, 'systemd', name), 'utf8');
const unit = textOf('sallyport.service');
const courier = textOf('sallyport-courier.service');
const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;

t.test('systemd understands every line of the units, and of the rules that are made', { skip: systemd ? false : 'systemd-analyze is not installed' }, async (t) => {
  const folder = t.testdir({ 'sallyport.service.d': {}, 'sallyport-courier.service.d': {} });
  // The program of an installation is not on this machine; any that exists will do, under a user that exists.
  for (const name of names) writeFileSync(join(folder, name), textOf(name).replaceAll(/\/opt\/sallyport\/scripts\/(sallyport|courier)/g, '/bin/true').replaceAll(/^(User|Group)=sallyport(-courier)?$/gm, '$1=root'));
  writeFileSync(join(folder, 'sallyport.service.d/networks.conf'), hubRule(['192.168.20.0/24', 'fd00:1::/64']));
  const destinations = readDestinations(JSON.stringify({ v: 1, destinations: [{ name: 'usb', purpose: 'x', kind: 'folder', path: '/mnt/a disk "of" 100%\\' }, { name: 'dav', purpose: 'x', kind: 'webdav', url: 'https://nas.example', ca: '/etc/sallyport/an authority.pem' }, { name: 's3', purpose: 'x', kind: 's3', url: 'https://[2001:db8::1]:8443', bucket: 'bucket' }] }));
  const made = courierRule({ destinations, addresses: ['2001:db8::1'], resolvers: ['127.0.0.53'], moving: true, networks: siteNetworks });
  writeFileSync(join(folder, 'sallyport-courier.service.d/destinations.conf'), made);
  for (const name of names) {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', join(folder, name)], { encoding: 'utf8' });
    const said = `${stdout}${stderr}`.split('\n').filter((line) => /sallyport.*\.(service|path|conf)/.test(line));
    t.same(said, [], `nothing to say about ${name}`);
    t.equal(status, 0, stderr);
  }
});

t.test('a line that systemd does not understand would be told', { skip: systemd ? false : 'systemd-analyze is not installed' }, async (t) => {
  const copy = join(t.testdir({}), 'sallyport.service');
  writeFileSync(copy, unit.replaceAll(/\/opt\/sallyport\/scripts\/sallyport/g, '/bin/true').replace('[Service]', '[Service]\nProtectEverything=yes'));
  t.match(spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', copy], { encoding: 'utf8' }).stderr, /ProtectEverything/);
});

t.test('the unit keeps what the threat model counts on', async (t) => {
  for (const line of [
    'User=sallyport', 'UMask=0077', 'StateDirectory=sallyport', 'StateDirectoryMode=0700', 'RuntimeDirectory=sallyport',
    'NoNewPrivileges=yes', 'CapabilityBoundingSet=', 'ProtectSystem=strict', 'ReadWritePaths=/etc/sallyport/conf.d', 'ProtectHome=yes', 'PrivateTmp=yes', 'PrivateDevices=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK', 'IPAddressDeny=any', 'LimitCORE=1', 'MemorySwapMax=0', 'SystemCallFilter=@system-service',
    'SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp', 'Type=notify', 'NotifyAccess=all', 'WatchdogSec=90', 'WatchdogSignal=SIGKILL',
    'LoadCredential=working.key:sallyport.working.key',
    'KillMode=mixed', 'TimeoutStopSec=10', 'Restart=on-failure', 'RestartPreventExitStatus=64 78', 'ExecReload=/bin/kill -HUP $MAINPID',
    'ExecStart=/opt/sallyport/scripts/sallyport run --quiet --config /etc/sallyport/sallyport.toml',
  ]) t.ok(unit.split('\n').includes(line), line);
});

t.test('the courier has a user of its own, nothing of the hub\'s, nobody to speak to before it is said, no swap and no core', async (t) => {
  for (const line of [
    'User=sallyport-courier', 'ReadWritePaths=/var/lib/sallyport-outbox/back', 'InaccessiblePaths=-/var/lib/sallyport -/run/sallyport', 'TemporaryFileSystem=/etc/sallyport:ro', 'IPAddressDeny=any', 'SocketBindDeny=any',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK', 'LimitCORE=1', 'MemorySwapMax=0', 'NoNewPrivileges=yes', 'CapabilityBoundingSet=', 'ProtectSystem=strict', 'ProcSubset=pid', 'Restart=always',
    'SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp',
  ]) t.ok(courier.split('\n').includes(line), line);
  t.notMatch(courier, /^IPAddressAllow=/m, 'whom it may reach is made of what is declared');
  t.match(textOf('tmpfiles.conf'), /^d \/var\/lib\/sallyport-outbox\/back 2750 sallyport-courier sallyport$/m);
  t.match(textOf('tmpfiles.conf'), /^d \/var\/lib\/sallyport-outbox\/out 2750 sallyport sallyport-courier$/m);
  t.match(textOf('tmpfiles.conf'), /^d \/var\/lib\/sallyport 0700 sallyport sallyport$/m);
  t.match(textOf('sysusers.conf'), /^u sallyport-courier /m);
});

t.test('systemd judges the unit to be well confined: 1.5 of 10 or less', { skip: systemd ? false : 'systemd-analyze is not installed' }, async (t) => {
  const exposure = (text: string): number => {
    const copy = join(t.testdir({}), 'sallyport.service');
    writeFileSync(copy, text);
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', copy], { encoding: 'utf8' });
    return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  };
  t.ok(exposure(unit) <= 1.5, `${exposure(unit)}`);
  t.ok(exposure(courier) <= 1.3, `the courier: ${exposure(courier)}`);
  t.ok(exposure(textOf('sallyport-units.service')) <= 2.5, `the one that writes the rules: ${exposure(textOf('sallyport-units.service'))}`);
  t.ok(exposure('[Service]\nExecStart=/bin/true\n') > 9, 'control: a bare unit is judged unsafe');
});

t.test('the calls that the jail makes pass the unit\'s filter', { skip: systemd ? false : 'systemd-analyze is not installed' }, async (t) => {
  const group = (name: string): string[] => spawnSync('systemd-analyze', ['syscall-filter', name], { encoding: 'utf8' }).stdout.split('\n').map((line) => line.trim());
  const known = group('@known');
  for (const call of ['landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self', 'seccomp']) t.ok(known.includes(call), `systemd knows ${call}`);
  t.ok(group('@default').includes('prlimit64'), 'limits are set by a call that no group takes away');
});
