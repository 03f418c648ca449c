import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../..');
const unit = readFileSync(join(root, 'systemd/sallyport.service'), 'utf8');
const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;

t.test('systemd understands every line of the unit', { skip: systemd ? false : 'systemd-analyze is not installed' }, async (t) => {
  const folder = t.testdir({});
  const copy = join(folder, 'sallyport.service');
  // The program of an installation is not on this machine; any that exists will do, under a user that exists.
  writeFileSync(copy, unit.replaceAll(/\/opt\/sallyport\/scripts\/sallyport/g, '/bin/true').replaceAll(/^(User|Group)=sallyport$/gm, '$1=root'));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', copy], { encoding: 'utf8' });
  const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('sallyport.service'));
  t.same(said, [], 'nothing to say about it');
  t.equal(status, 0, stderr);
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
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK', 'IPAddressDeny=any', 'LimitCORE=0', 'MemorySwapMax=0', 'SystemCallFilter=@system-service',
    'KillMode=mixed', 'TimeoutStopSec=10', 'Restart=on-failure', 'RestartPreventExitStatus=64 78', 'ExecReload=/bin/kill -HUP $MAINPID',
    'ExecStart=/opt/sallyport/scripts/sallyport run --quiet --config /etc/sallyport/sallyport.toml',
  ]) t.ok(unit.split('\n').includes(line), line);
});
