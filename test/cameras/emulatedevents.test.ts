import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { CameraEvents } from '../../src/cameras/events.ts';
import { eventKinds, type EmulatedCamera } from '../../src/emulator/emulator.ts';
import type { Signal } from '../../src/policy/observations.ts';
import type { EventsState } from '../../src/policy/subscriptions.ts';
import { postSoap, securityHeader, startEmulator } from '../emulator/testkit.ts';

/** Listens to an emulated camera in real time; `until` looks whenever something was heard. */
class Listener {
  readonly events: CameraEvents;
  readonly signals: Signal[] = [];
  readonly states: EventsState[] = [];
  #wake: () => void = () => {};

  constructor(t: Test, camera: EmulatedCamera) {
    this.events = new CameraEvents({
      camera: camera.name, address: { host: camera.address, port: camera.onvifPort, path: '/onvif/device_service' }, user: camera.user, password: new Secret(camera.password),
      clock: systemClock, log: silentLog, random: () => 0, mayTryPassword: () => true,
      onSignals: async (signals) => { this.signals.push(...signals); this.#wake(); },
      onLost: async () => {},
      onState: (state) => { this.states.push(state); this.#wake(); },
    });
    this.events.start();
    t.teardown(() => this.events.close());
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => { this.#wake = resolve; });
  }

  get said(): string[] {
    return this.signals.map(({ kind, says }) => `${kind} ${says}`);
  }
}

t.test('each kind of event of an emulated camera is observed as what it is, and its end', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const listener = new Listener(t, camera);
  await listener.until(() => listener.states.at(-1)?.kind === 'working');
  for (const kind of eventKinds.filter((one) => one !== 'relay')) {
    listener.signals.length = 0;
    const moment = kind === 'line';
    camera.raise(kind, true);
    await listener.until(() => listener.said.includes(`${kind} ${moment ? 'moment' : 'on'}`));
    camera.raise(kind, false);
    if (!moment) await listener.until(() => listener.said.includes(`${kind} off`));
    t.same(new Set(listener.signals.map((signal) => signal.kind)), new Set([kind]), kind);
  }
  camera.raise('relay', true);
  camera.raise('motion', true);
  await listener.until(() => listener.said.includes('motion on'));
  t.ok((listener.events.status.unknownTopics['Device/Trigger/Relay'] ?? 0) > 0, 'a relay is the camera\'s own doing');
  t.equal(camera.subscriptions, 1);
  await listener.events.close();
  t.equal(camera.subscriptions, 0, 'given back');
});

t.test('what is on when we come is heard at once, in capitals, without a zone, by a clock that is days off', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  Object.assign(camera.quirks, { upperCaseStates: true, eventTimes: '1970', clockOffsetMs: -3 * 86_400_000, durations: 'minutes as seconds' });
  camera.raise('person', true);
  const listener = new Listener(t, camera);
  await listener.until(() => listener.said.includes('person on'));
  t.ok(listener.said.includes('motion off'));
});

t.test('a camera that claims pull points and has none is believed at the first try', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  camera.quirks.noPullPoint = true;
  const listener = new Listener(t, camera);
  await listener.until(() => listener.states.length > 0);
  t.same(listener.states, [{ kind: 'none', because: 'it answers CreatePullPointSubscription with "pull points are not supported"' }]);
});

t.test('a camera that ends everybody\'s subscription when one is given back is subscribed to anew', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  camera.quirks.unsubscribeEndsAll = true;
  const listener = new Listener(t, camera);
  await listener.until(() => listener.states.at(-1)?.kind === 'working');
  const created = await postSoap(camera, '<CreatePullPointSubscription xmlns="http://www.onvif.org/ver10/events/wsdl"/>', { service: 'events', header: securityHeader(camera) });
  const url = /<wsa\d?:Address>([^<]+)</.exec(created.text)?.[1] ?? '';
  await postSoap(camera, '<Unsubscribe xmlns="http://docs.oasis-open.org/wsn/b-2"/>', { url, header: securityHeader(camera) });
  await listener.until(() => listener.events.status.subscriptions === 2 && listener.states.at(-1)?.kind === 'working');
  t.match(listener.states.find(({ because }) => because !== undefined), { kind: 'starting', because: /PullMessages/ });
  camera.raise('doorbell', true);
  await listener.until(() => listener.said.includes('doorbell on'));
});

t.test('a password that was changed at the camera is said', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const listener = new Listener(t, camera);
  await listener.until(() => listener.states.at(-1)?.kind === 'working');
  camera.setPassword('another one');
  camera.raise('motion', true);
  await listener.until(() => listener.states.at(-1)?.kind === 'stuck');
  t.same(listener.states.at(-1), { kind: 'stuck', because: 'its user or password is refused' });
});
