/** What hub and courier may read, write and reach under their units: tried in their place, by a program that wants everything. */
import { readdir } from 'node:fs/promises';
import type { Test } from 'tap';
import { farAddresses } from '../egress/plan.ts';
import type { Installed } from './installed.ts';

const wanted = { file: ['/var/lib/sallyport-outbox/destinations.json', '/etc/sallyport/sallyport.toml', '/etc/sallyport/far.pem', '/etc/sallyport/owner.json', '/root/owner/kit.txt', '/etc/credstore/sallyport.dav.all', '/etc/credstore/sallyport.working.key'], folder: ['/var/lib/sallyport', '/var/lib/sallyport-courier', '/var/lib/sallyport-outbox/out', '/var/lib/sallyport-outbox/back', '/etc/sallyport', '/etc/sallyport/conf.d', '/etc/systemd/system', '/opt/sallyport/src', '/usr/bin'] };
const places = { 'a declared store': [farAddresses.dav, 443], 'a store that is not declared yet': [farAddresses.s3, 443], 'a host that nobody declared': [farAddresses.undeclared, 443], 'who resolves names, in the house': [farAddresses.gateway, 53] } as const;

interface Tried {
  readonly read: Readonly<Record<string, string>>;
  readonly listed: Readonly<Record<string, string>>;
  readonly written: Readonly<Record<string, string>>;
  readonly reached: readonly string[];
  readonly control: string;
  readonly credentials: readonly string[];
  readonly tracer: string;
}

/** Whoever has not answered after two seconds was not reached: what the rule drops is not answered at all, and what it lets through takes a millisecond here. */
const program = (keys: readonly string[], pid: string): string => `
const fs = require('node:fs'); const net = require('node:net'); const dgram = require('node:dgram');
const attempt = (deed) => { try { deed(); return 'yes'; } catch (error) { return error.code ?? String(error); } };
const each = (names, deed) => Object.fromEntries(names.map((name) => [name, attempt(() => deed(name))]));
const within = (start) => new Promise((resolve) => { const timer = setTimeout(() => resolve(false), 2000); start((outcome) => { clearTimeout(timer); resolve(outcome); }); });
const reach = ([address, port]) => within((say) => {
  if (port !== 53) { const socket = net.connect({ port, host: address }, () => { socket.destroy(); say(true); }); socket.on('error', () => say(false)); return; }
  const socket = dgram.createSocket('udp4'); socket.on('error', () => say(false)); socket.on('message', () => say(true));
  socket.send(Buffer.from('00010100000100000000000003646176036661720474657374000001' + '0001', 'hex'), port, address, (error) => { if (error) say(false); });
});
(async () => {
  const places = ${JSON.stringify(places)};
  const reached = [];
  await Promise.all(Object.entries(places).map(async ([name, place]) => { if (await reach(place)) reached.push(name); }));
  const control = await within((say) => { const socket = net.connect('/var/lib/sallyport/control.sock', () => { socket.destroy(); say('yes'); }); socket.on('error', (error) => say(error.code)); });
  console.log(JSON.stringify({
    read: each(${JSON.stringify([...wanted.file, ...keys])}, (name) => fs.readFileSync(name)), listed: each(${JSON.stringify(wanted.folder)}, (name) => fs.readdirSync(name)),
    written: each(${JSON.stringify(wanted.folder)}, (name) => { fs.writeFileSync(name + '/probe', 'x'); fs.rmSync(name + '/probe'); }),
    reached: reached.toSorted(), control, credentials: process.env.CREDENTIALS_DIRECTORY === undefined ? [] : fs.readdirSync(process.env.CREDENTIALS_DIRECTORY).toSorted(),
    tracer: attempt(() => fs.readFileSync('/proc/${pid}/environ')),
  }));
  process.exit(0);
})();
`;

export async function proveConfinement(t: Test, house: Installed): Promise<void> {
  const { machine } = house;
  const hub = await machine.show('sallyport');
  const keys = (await readdir(machine.path('/var/lib/sallyport'), { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => `/var/lib/sallyport/${name}`).toSorted();
  t.ok(keys.includes('/var/lib/sallyport/working.db') && !keys.includes('/var/lib/sallyport/working.key'), 'the working key came as a credential');
  const wants = program(keys, hub['MainPID'] ?? '');
  const said = (tried: Readonly<Record<string, string>>, answer: string): string[] => Object.entries(tried).filter(([, outcome]) => outcome === answer).map(([name]) => name).toSorted();

  await t.test('the control: root of this machine reads, writes and reaches all of it', async (t) => {
    const tried = JSON.parse(await machine.must(['/opt/sallyport/scripts/node', '-e', wants])) as Tried;
    t.same(said(tried.read, 'yes'), [...wanted.file, ...keys].toSorted());
    t.same(said(tried.written, 'yes'), wanted.folder.toSorted());
    t.same(tried.reached, Object.keys(places).toSorted());
    t.match(tried, { control: 'yes', tracer: 'yes' });
  });
  const hubTried = await machine.asUnit<Tried>('sallyport', wants);
  const courierTried = await machine.asUnit<Tried>('sallyport-courier', wants);

  await t.test('the courier reads no key, no configuration, no footage and no control socket; and writes its own two folders', async (t) => {
    t.same(said(courierTried.read, 'yes'), ['/etc/sallyport/far.pem', '/var/lib/sallyport-outbox/destinations.json'], 'what is declared, and the certificate that it names');
    t.same(said(courierTried.listed, 'yes'), ['/etc/sallyport', '/etc/systemd/system', '/opt/sallyport/src', '/usr/bin', '/var/lib/sallyport-courier', '/var/lib/sallyport-outbox/back', '/var/lib/sallyport-outbox/out']);
    t.same(said(courierTried.written, 'yes'), ['/var/lib/sallyport-courier', '/var/lib/sallyport-outbox/back']);
    t.not(courierTried.control, 'yes', 'no control socket');
    t.not(courierTried.tracer, 'yes', 'nothing of the hub\'s process');
    t.same(courierTried.credentials, ['dav.all'], 'the credentials that are there, of what is declared');
  });

  await t.test('as its user alone, without the unit, it reads none of them either', async (t) => {
    const tried = JSON.parse(await machine.must(['setpriv', '--reuid=sallyport-courier', '--regid=sallyport-courier', '--init-groups', '/opt/sallyport/scripts/node', '-e', wants])) as Tried;
    t.same(said(tried.read, 'yes'), ['/var/lib/sallyport-outbox/destinations.json']);
    t.same(said(tried.written, 'yes'), ['/var/lib/sallyport-courier', '/var/lib/sallyport-outbox/back']);
    t.not(tried.control, 'yes');
  });

  await t.test('the hub writes its own folders, only reads what the courier answered, and has no password of a store', async (t) => {
    t.same(said(hubTried.written, 'yes'), ['/etc/sallyport/conf.d', '/var/lib/sallyport', '/var/lib/sallyport-outbox/out']);
    t.ok(said(hubTried.listed, 'yes').includes('/var/lib/sallyport-outbox/back'));
    for (const secret of ['/etc/credstore/sallyport.dav.all', '/root/owner/kit.txt']) t.notOk(said(hubTried.read, 'yes').includes(secret), secret);
    t.same(hubTried.credentials, ['working.key']);
  });

  const blind = (await machine.must(['journalctl', '--no-pager', '--output=cat'])).includes('does not support BPF/cgroup firewalling');
  await t.test('addresses: the hub reaches this house alone, the courier what is declared and who resolves its name', { skip: blind ? 'this kernel has no BPF for groups of processes, so systemd\'s rules on addresses (IPAddressDeny) do nothing here, which its journal says' : false }, async (t) => {
    t.same(hubTried.reached, ['who resolves names, in the house']);
    t.same(courierTried.reached, ['a declared store', 'who resolves names, in the house']);
  });

  await t.test('neither has a capability, may get one, or leaves a core; keys lie in locked memory', async (t) => {
    for (const unit of ['sallyport', 'sallyport-courier']) {
      const { MainPID: pid } = await machine.show(unit);
      const [status, limits] = [await machine.must(['cat', `/proc/${pid}/status`]), await machine.must(['cat', `/proc/${pid}/limits`])];
      const uid = (await machine.must(['id', '-u', unit])).trim();
      t.match(status, new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, 'm'), unit);
      for (const line of [/^CapEff:\s+0+$/m, /^CapBnd:\s+0+$/m, /^NoNewPrivs:\s+1$/m, /^Seccomp:\s+2$/m]) t.match(status, line, unit);
      t.match(limits, /^Max core file size +[01] /m, unit);
    }
    const lockable = async (pid = ''): Promise<number> => Number(/^Max locked memory +(\d+) /m.exec(await machine.must(['cat', `/proc/${pid}/limits`]))?.[1]);
    // Where process 1 may not raise limits (a container without CAP_SYS_RESOURCE), its own is the most that a unit gets.
    t.ok([67_108_864, await lockable('1')].includes(await lockable(hub['MainPID'])), `${await lockable(hub['MainPID'])} bytes may be locked`);
    t.match(await machine.must(['cat', `/proc/${hub['MainPID']}/status`]), /^VmLck:\s+[1-9]/m);
    const seen = await house.status();
    t.match(seen, { confinement: { hub: { managed: true, noNewPrivileges: true, capable: false } }, doors: { run: 'service' } });
    t.comment(`ffmpeg is confined as ${seen.confinement.level}`);
  });
}
