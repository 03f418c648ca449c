import t, { type Test } from 'tap';
import { createLog, silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import type { DeviceFacts } from '../../src/cameras/client.ts';
import { Changes } from '../../src/duties/changes.ts';
import type { ObservationRow } from '../../src/vault/vault.ts';
import { send, sendClock, serveFarEnd, startMs, StillClock } from '../cameras/farend.ts';

const hour = 3_600_000;
const first: DeviceFacts = { manufacturer: 'M', model: 'X', firmware: '5.10', serial: '007', hardware: '1.0' };

async function watch(t: Test) {
  let device = first;
  let asked = 0;
  const far = await serveFarEnd(t, (one) => {
    if (one.operation === 'GetSystemDateAndTime') return sendClock(one, startMs);
    asked++;
    send(one, `<GetDeviceInformationResponse><Manufacturer>M</Manufacturer><Model>${device.model}</Model><FirmwareVersion>${device.firmware}</FirmwareVersion><SerialNumber>${device.serial}</SerialNumber><HardwareId>1.0</HardwareId></GetDeviceInformationResponse>`);
  });
  const clock = new StillClock();
  const observed: ObservationRow[] = [];
  const audit: unknown[] = [];
  const notices: string[] = [];
  const state: { known: DeviceFacts; online: boolean; helloMs: number | undefined } = { known: first, online: true, helloMs: undefined };
  const changes = new Changes({
    camera: 'garden', clock, log: silentLog, known: () => state.known, online: () => state.online, helloMs: () => state.helloMs,
    access: async () => ({ camera: 'garden', address: { host: far.host, port: far.port, path: '/onvif/device_service' }, user: 'me', password: new Secret('p') }),
    onChange: async (device) => { state.known = device; },
    vault: { audit: async (entry) => void audit.push(entry), noteObservations: async (rows) => void observed.push(...rows) },
    notices: { raise: (kind, detail, camera) => void notices.push(`${camera} ${kind}: ${detail}`) },
  });
  changes.start();
  t.teardown(() => changes.close());
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, changes, observed, audit, notices, state, until, become: (more: Partial<DeviceFacts>) => { device = { ...device, ...more }; }, asked: () => asked };
}

t.test('a firmware that changed is an observation, an audit line and a notice, once', async (t) => {
  const { clock, observed, audit, notices, until, become, asked, state } = await watch(t);
  await until(() => clock.waitsFor(hour));
  clock.pass(hour);
  await until(() => asked() === 1 && clock.waitsFor(hour));
  t.same([observed, audit, notices], [[], [], []], 'nothing changed');
  become({ firmware: '5.11' });
  clock.pass(hour);
  await until(() => observed.length > 0);
  t.match(observed, [{ camera: 'garden', kind: 'firmware', source: 'firmware 5.11 instead of 5.10', fromMs: startMs, toMs: startMs }]);
  t.same(notices, ['garden firmware changed: firmware 5.11 instead of 5.10']);
  t.equal(audit.length, 1);
  t.equal(state.known.firmware, '5.11');
  await until(() => clock.waitsFor(hour));
  clock.pass(hour);
  await until(() => asked() === 3 && clock.waitsFor(hour));
  t.equal(observed.length, 1);
});

t.test('a camera that is away is not asked, and soon after its return it is', async (t) => {
  const { clock, changes, observed, until, become, asked, state } = await watch(t);
  await until(() => clock.waitsFor(hour));
  state.online = false;
  clock.pass(hour);
  await until(() => clock.waitsFor(hour));
  t.equal(asked(), 0);
  state.online = true;
  become({ serial: '008' });
  await changes.cameBack(clock.monotonicMs());
  await until(() => clock.waitsFor(5000));
  t.same(observed, [], 'it answers later than it streams');
  clock.nowMs += 5000;
  clock.pass(5000);
  await until(() => observed.length > 0);
  t.match(observed, [{ kind: 'firmware', source: 'serial 008 instead of 007' }]);
});

t.test('another serial number is told once and not taken for the camera\'s', async (t) => {
  const { clock, observed, audit, notices, until, become, asked, state } = await watch(t);
  const look = async (): Promise<void> => {
    const before = asked();
    await until(() => clock.waitsFor(hour));
    clock.pass(hour);
    await until(() => asked() > before && clock.waitsFor(hour));
  };
  become({ serial: '008', firmware: '1.0' });
  await look();
  await look();
  t.same(notices, ['garden camera changed: firmware 1.0 instead of 5.10, serial 008 instead of 007']);
  t.same([observed.length, audit.length], [1, 1]);
  t.same(state.known, first);
  become({ serial: '007', firmware: '5.10' });
  await look();
  become({ serial: '008' });
  await look();
  t.equal(notices.length, 2, 'again, when it comes again');
  t.same(state.known, first);
});

t.test('a camera that said Hello while it was away has restarted; one whose cable was out has not', async (t) => {
  const { clock, changes, observed, until, state } = await watch(t);
  await until(() => clock.waitsFor(hour));
  const awaySince = clock.monotonicMs();
  state.helloMs = awaySince - 1;
  await changes.cameBack(awaySince);
  t.same(observed, []);
  state.helloMs = awaySince + 20_000;
  clock.nowMs += 30_000;
  await changes.cameBack(awaySince);
  t.match(observed, [{ camera: 'garden', kind: 'restart', source: '' }]);
});

t.test('what fails is told to the log and tried again', async (t) => {
  const lines: string[] = [];
  const clock = new StillClock();
  const changes = new Changes({
    camera: 'garden', clock, log: createLog({ level: 'debug', write: (line) => lines.push(line) }), known: () => first, online: () => true, helloMs: () => undefined,
    access: () => Promise.reject(new Error('no password')), onChange: async () => {}, vault: { audit: async () => {}, noteObservations: async () => {} }, notices: { raise: () => {} },
  });
  changes.start();
  while (!clock.waitsFor(hour)) await new Promise((resolve) => setImmediate(resolve));
  clock.pass(hour);
  while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.match(lines[0], /did not say who it is/);
  await changes.close();
});
