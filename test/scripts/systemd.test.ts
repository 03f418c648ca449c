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
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK', 'IPAddressDeny=any', 'LimitCORE=1', 'MemorySwapMax=0', 'SystemCallFilter=@system-service',
    'SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp', 'Type=notify', 'NotifyAccess=all', 'WatchdogSec=90', 'WatchdogSignal=SIGKILL',
    'LoadCredential=working.key:sallyport.working.key',
    'KillMode=mixed', 'TimeoutStopSec=10', 'Restart=on-failure', 'RestartPreventExitStatus=64 78', 'ExecReload=/bin/kill -HUP $MAINPID',
    'ExecStart=/opt/sallyport/scripts/sallyport run --quiet --config /etc/sallyport/sallyport.toml',
  ]) t.ok(unit.split('\n').includes(line), line);
});

t.test('systemd judges the unit to be well confined: 1.5 of 10 or less', { skip: systemd ? false : 'systemd-analyze is not installed' }, async (t) => {
  const exposure = (text: string): number => {
    const copy = join(t.testdir({}), 'sallyport.service');
    writeFileSync(copy, text);
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', copy], { encoding: 'utf8' });
    return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  };
  t.ok(exposure(unit) <= 1.5, `${exposure(unit)}`);
  t.ok(exposure('[Service]\nExecStart=/bin/true\n') > 9, 'control: a bare unit is judged unsafe');
});

t.test('the calls that the jail makes pass the unit\'s filter', { skip: systemd ? false : 'systemd-analyze is not installed' }, async (t) => {
  const group = (name: string): string[] => spawnSync('systemd-analyze', ['syscall-filter', name], { encoding: 'utf8' }).stdout.split('\n').map((line) => line.trim());
  const known = group('@known');
  for (const call of ['landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self', 'seccomp']) t.ok(known.includes(call), `systemd knows ${call}`);
  t.ok(group('@default').includes('prlimit64'), 'limits are set by a call that no group takes away');
});
