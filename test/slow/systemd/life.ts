/** The units over time: another destination, an end by signal, by force, by the watchdog. */
import { readFile } from 'node:fs/promises';
import type { Test } from 'tap';
import { farAddresses } from '../egress/plan.ts';
import type { Installed } from './installed.ts';

const rule = '/etc/systemd/system/sallyport-courier.service.d/destinations.conf';

export async function proveLife(t: Test, house: Installed): Promise<void> {
  const { machine } = house;
  const ended = { ActiveState: 'inactive', Result: 'success', ExecMainCode: '1', ExecMainStatus: '0' };

  await t.test('another destination: the rule is made anew, and the courier serves both', async (t) => {
    t.notOk((await machine.must(['cat', rule])).includes(farAddresses.s3));
    await house.declare('s3');
    await house.arrives('s3');
    t.ok((await machine.must(['cat', rule])).includes(farAddresses.s3));
    await house.arrives('dav');
  });

  await t.test('one less, while nobody makes rules: the courier sees it by itself; the rule follows when it is asked for', async (t) => {
    await machine.must(['systemctl', 'stop', 'sallyport-units.path']);
    const before = (await machine.show('sallyport-courier'))['MainPID'];
    await house.withdraw('s3');
    await machine.until('sallyport-courier', ({ MainPID, SubState }) => SubState === 'running' && MainPID !== before);
    t.ok((await machine.must(['cat', rule])).includes(farAddresses.s3), 'control: the rule is the old one');
    await machine.must(['systemctl', 'start', 'sallyport-units.service', 'sallyport-units.path']);
    t.notOk((await machine.must(['cat', rule])).includes(farAddresses.s3));
    await house.arrives('dav');
  });

  await t.test('stopped, both end by themselves with status 0 in good time, and nothing is cut', async (t) => {
    for (const unit of ['sallyport-courier', 'sallyport']) {
      await machine.must(['systemctl', 'stop', unit]);
      t.match(await machine.show(unit), ended, unit);
    }
    t.same((await machine.must(['sh', '-c', 'cat /sys/fs/cgroup/system.slice/sallyport*.service/cgroup.procs 2>/dev/null || true'])).trim(), '', 'no process of theirs is left');
    await machine.must(['systemctl', 'start', 'sallyport', 'sallyport-courier']);
    const { recovery } = await house.until(({ cameras }) => cameras[0]?.recording === true);
    t.match(recovery, { cut: 0, missing: 0 });
    t.match(await machine.show('sallyport'), { NRestarts: '0' });
    await house.arrives('dav');
  });

  await t.test('killed, each comes back and goes on', async (t) => {
    for (const unit of ['sallyport-courier', 'sallyport']) {
      const before = await machine.show(unit);
      await machine.must(['systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit]);
      await machine.until(unit, ({ SubState, MainPID, NRestarts }) => SubState === 'running' && MainPID !== before['MainPID'] && Number(NRestarts) > 0);
      await house.until(({ cameras }) => cameras[0]?.recording === true);
      t.ok(await house.arrives('dav') > 0, `${unit} is at work again`);
    }
  });

  await t.test('a hub that hangs is ended by the watchdog and started again', async (t) => {
    await machine.must(['mkdir', '-p', '/run/systemd/system/sallyport.service.d']);
    await machine.write('/run/systemd/system/sallyport.service.d/quick.conf', '[Service]\nWatchdogSec=10\n');
    await machine.must(['systemctl', 'daemon-reload']);
    await machine.must(['systemctl', 'restart', 'sallyport']);
    const fed = (facts: Record<string, string>): number => Number(facts['WatchdogTimestampMonotonic']) / 1e6;
    const first = await machine.show('sallyport');
    const before = await machine.until('sallyport', (facts) => facts['MainPID'] !== first['MainPID'] || fed(facts) > fed(first) + 10);
    t.match(before, { NRestarts: '0', SubState: 'running', WatchdogUSec: '10s', MainPID: first['MainPID'] }, 'control: one that works is left alone for longer than the watchdog waits');
    await machine.must(['systemctl', 'kill', '--kill-whom=main', '--signal=STOP', 'sallyport']);
    await machine.until('sallyport', ({ SubState, MainPID }) => SubState === 'running' && MainPID !== before['MainPID']);
    t.match(await machine.journal('sallyport'), /Watchdog timeout/);
    await house.until(({ cameras }) => cameras[0]?.recording === true);
  });

  await t.test('afterwards the folders between the doors have the rights that they had, and so has what lies there', async (t) => {
    t.same(await house.rights(['/var/lib/sallyport-outbox', '/var/lib/sallyport-outbox/out', '/var/lib/sallyport-outbox/back']), ['sallyport:sallyport-courier 2750', 'sallyport:sallyport-courier 2750', 'sallyport-courier:sallyport 2750']);
    const rightsIn = async (folder: string): Promise<string[]> => (await machine.must(['find', `/var/lib/sallyport-outbox/${folder}`, '-type', 'f', '!', '-name', '*.part', '-printf', '%u:%g %m\\n'])).split('\n').filter((line) => line !== '');
    t.match(JSON.parse(await readFile(machine.path('/var/lib/sallyport-outbox/back/status.json'), 'utf8')), { confined: /files|full/, odd: 0 });
    t.same([...new Set(await rightsIn('back'))], ['sallyport-courier:sallyport 640']);
    // What waits for a courier that is not there.
    await machine.must(['systemctl', 'stop', 'sallyport-courier']);
    let waiting: string[] = [];
    while (waiting.length === 0) waiting = await rightsIn('out');
    t.same([...new Set(waiting)], ['sallyport:sallyport-courier 640']);
  });
}
