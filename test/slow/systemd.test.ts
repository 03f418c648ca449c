/** The units, under a systemd of their own: as process 1 of a small machine that is made for this test, installed as docs/INSTALLERS.md says. */
import t from 'tap';
import { Installed } from './systemd/installed.ts';
import { noMachine } from './systemd/machine.ts';
import { proveConfinement } from './systemd/confinement.ts';
import { proveLife } from './systemd/life.ts';

t.setTimeout(400_000);

t.test('hub and courier under systemd', { skip: noMachine, timeout: 390_000 }, async (t) => {
  const house = await Installed.build(t);
  const { machine } = house;

  await t.test('the users, folders and rights are those of the design', async (t) => {
    t.same(await house.rights(['/etc/sallyport', '/etc/sallyport/conf.d', '/etc/sallyport/sallyport.toml', '/var/lib/sallyport', '/var/lib/sallyport-courier', '/var/lib/sallyport-outbox', '/var/lib/sallyport-outbox/out', '/var/lib/sallyport-outbox/back']), [
      'root:sallyport 750', 'sallyport:sallyport 700', 'root:sallyport 640', 'sallyport:sallyport 700', 'sallyport-courier:sallyport-courier 700',
      'sallyport:sallyport-courier 2750', 'sallyport:sallyport-courier 2750', 'sallyport-courier:sallyport 2750',
    ]);
  });

  await t.test('before anything is declared both run, and stay', async (t) => {
    await machine.must(['systemctl', 'enable', '--now', 'sallyport']);
    await machine.must(['systemctl', 'enable', '--now', 'sallyport-units.path', 'sallyport-courier']);
    t.match(await machine.show('sallyport'), { ActiveState: 'active', SubState: 'running', NRestarts: '0', StatusText: /watching 0 cameras/ });
    t.match(await machine.show('sallyport-units.path'), { ActiveState: 'active' });
    t.match(await machine.show('sallyport-courier'), { ActiveState: 'active', SubState: 'running' }, 'it has nobody to speak to, and waits');
  });

  await t.test('an emulated camera is recorded: ffmpeg in its jail, SQLite and locked memory work under the unit\'s rules', async (t) => {
    await house.adopt();
    const status = await house.until(({ cameras }) => (cameras[0]?.segmentsSealed ?? 0) >= 2);
    t.match(status.cameras[0], { recording: true });
  });

  await t.test('after the owner\'s yes the rule is made, the courier begins, and what is sealed arrives', async (t) => {
    await house.declare('dav');
    await machine.until('sallyport-courier', ({ ActiveState }) => ActiveState === 'active');
    t.ok(await house.arrives('dav') > 0);
  });
  await t.test('confinement', (t) => proveConfinement(t, house));
  await t.test('life', (t) => proveLife(t, house));
});
