import t, { type Test } from 'tap';
import { createSocket, type Socket } from 'node:dgram';
import multicastDns from 'multicast-dns';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Census, type FoundCamera } from '../../src/cameras/discovery.ts';
import { localInterfaces } from '../../src/cameras/interfaces.ts';
import { Listening } from '../../src/cameras/listening.ts';
import type { Hint } from '../../src/cameras/mdns.ts';
import { SenderLimit } from '../../src/cameras/senderlimit.ts';
import type { LocalInterface } from '../../src/cameras/addresses.ts';
import { ownNetwork } from './farend.ts';

/** Tells of what it learns. */
class Telling extends Census {
  readonly #told: (what: string) => void;

  constructor(told: (what: string) => void) {
    super({ running: systemClock, onFound: (camera) => told(`found ${camera.address}`) });
    this.#told = told;
  }

  override addBye(address: string, urn: string): void {
    super.addBye(address, urn);
    this.#told(`bye ${address}`);
  }

  override addGone(hint: Hint): void {
    super.addGone(hint);
    this.#told(`gone ${hint.address}`);
  }
}

class Ears {
  readonly census: Census;
  readonly listening: Listening;
  readonly #waiting = new Set<{ what: string; resolve: () => void }>();

  constructor(t: Test, look = (): LocalInterface[] => localInterfaces().filter(({ internal }) => internal)) {
    this.census = new Telling((what) => {
      for (const waiting of this.#waiting) if (waiting.what === what) waiting.resolve();
    });
    this.listening = new Listening({ clock: systemClock, log: silentLog, settings: () => ({ loopback: true, interfaces: [] }), census: this.census, look });
    this.listening.start();
    t.teardown(() => this.listening.close());
  }

  /** Says it until it is heard: nobody tells when the ears are open. */
  async hear(what: string, say: () => void): Promise<void> {
    say();
    const again = setInterval(say, 100);
    await new Promise<void>((resolve) => this.#waiting.add({ what, resolve }));
    clearInterval(again);
  }
}

async function voiceAt(t: Test, address: string): Promise<(body: string) => void> {
  const voice: Socket = createSocket('udp4');
  await new Promise<void>((resolve) => voice.bind({ address, port: 0 }, resolve));
  voice.setMulticastInterface(address);
  t.teardown(() => new Promise<void>((resolve) => voice.close(() => resolve())));
  return (body) => voice.send(`<e:Envelope xmlns:e="e" xmlns:a="a" xmlns:d="d"><e:Body>${body}</e:Body></e:Envelope>`, 3702, '239.255.255.250');
}

const endpoint = '<a:EndpointReference><a:Address>urn:uuid:one</a:Address></a:EndpointReference>';
const hello = (address: string): string => `<d:Hello>${endpoint}<d:Types>dn:NetworkVideoTransmitter</d:Types><d:XAddrs>http://${address}:8080/x</d:XAddrs></d:Hello>`;
const bye = `<d:Bye>${endpoint}</d:Bye>`;

t.test('who comes is known, who says goodbye is marked, and nothing that is heard is contacted', async (t) => {
  const ears = new Ears(t);
  const address = `${ownNetwork()}.2`;
  const say = await voiceAt(t, address);
  const ours = () => ears.census.heard().filter((camera) => camera.address === address);
  await ears.hear(`found ${address}`, () => say(hello(address)));
  t.match(ours(), [{ urn: 'urn:uuid:one', port: 8080, path: '/x', gone: false, sources: ['ws-discovery'] }]);
  await ears.hear(`bye ${address}`, () => say(bye));
  t.match(ours(), [{ gone: true }]);
});

t.test('a goodbye in another\'s name marks nobody', async (t) => {
  const ears = new Ears(t);
  const network = ownNetwork();
  const [camera, liar] = [await voiceAt(t, `${network}.2`), await voiceAt(t, `${network}.3`)];
  await ears.hear(`found ${network}.2`, () => camera(hello(`${network}.2`)));
  await ears.hear(`bye ${network}.3`, () => liar(bye));
  t.match(ears.census.heard().filter(({ address }) => address === `${network}.2`), [{ gone: false }]);
});

t.test('services of mDNS are known while they last', async (t) => {
  const ears = new Ears(t);
  const network = ownNetwork();
  const mdns = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0', loopback: true, reuseAddr: true });
  t.teardown(() => new Promise<void>((resolve) => mdns.destroy(resolve)));
  const label = `AXIS ${network.replaceAll('.', '-')}._axis-video._tcp.local`;
  const host = `h${network.replaceAll('.', '-')}.local`;
  const say = (ttl: number): void => mdns.respond({ answers: [
    { name: '_axis-video._tcp.local', type: 'PTR', ttl, data: label },
    { name: label, type: 'SRV', ttl, data: { port: 80, target: host } },
    { name: label, type: 'TXT', ttl, data: ['macaddress=00408C010203'] },
    { name: host, type: 'A', ttl, data: `${network}.4` },
  ] }, null, () => {});
  await ears.hear(`found ${network}.4`, () => say(120));
  const ours = () => ears.census.heard().filter((camera) => camera.address === `${network}.4`);
  t.match(ours(), [{ gone: false, hardware: '00:40:8c:01:02:03', sources: ['mdns'] }]);
  await ears.hear(`gone ${network}.4`, () => say(0));
  t.match(ours(), [{ gone: true }]);
});

t.test('interfaces that come and go are followed', async (t) => {
  let present: LocalInterface[] = [];
  const ears = new Ears(t, () => present);
  const address = `${ownNetwork()}.2`;
  const say = await voiceAt(t, address);
  t.same(ears.listening.interfaces, []);
  present = [...localInterfaces().filter(({ internal }) => internal), { name: 'eth7', address: '192.0.2.1', netmask: '255.255.255.0', internal: false }];
  await ears.hear(`found ${address}`, () => {
    ears.listening.nudge();
    say(hello(address));
  });
  t.ok(ears.listening.interfaces.includes('lo 127.0.0.1/255.0.0.0'), 'also while another one cannot be used');
  present = [];
  while (ears.listening.interfaces.length > 0) {
    ears.listening.nudge();
    await systemClock.sleep(10);
  }
});

t.test('who was heard longest ago is forgotten first, and a loud sender forgets only its own', async (t) => {
  let nowMs = 0;
  const census = new Census({ running: { monotonicMs: () => nowMs } });
  const add = (address: string, port: number): void => census.addMatch({ address, port, path: '/', secure: false, xaddrs: [], urn: `urn:${address}:${port}`, name: undefined, model: undefined, hardware: undefined }, 'lo');
  add('10.0.0.1', 80);
  for (let index = 0; index < 1000; index++) {
    nowMs++;
    add('10.0.0.2', 1000 + index);
  }
  t.same(census.heard().filter(({ address }) => address === '10.0.0.1').map(({ port }: FoundCamera) => port), [80]);
  t.equal(census.heard().length, 17);
  for (let index = 0; index < 300; index++) {
    nowMs++;
    add(`10.1.${index >> 8}.${index & 255}`, 80);
  }
  t.equal(census.heard().length, 256);
  t.notOk(census.heard().some(({ address }) => address === '10.0.0.1'));
});

t.test('what strays in by another interface is no news of a camera that was found', async (t) => {
  const census = new Census();
  census.leaveOut('10.0.0.2', 'ws-discovery', 'it is not in the network of eth1 (10.1.0.1)');
  census.leaveOut('10.0.0.3', 'ws-discovery', 'it is not in the network of eth1 (10.1.0.1)');
  census.addMatch({ address: '10.0.0.2', port: 80, path: '/', secure: false, xaddrs: [], urn: 'x', name: undefined, model: undefined, hardware: undefined }, 'eth0');
  t.same(census.result().leftOut.map(({ from }) => from), ['10.0.0.3']);
});

t.test('who is too loud is heard again in the next window', async (t) => {
  let nowMs = 0;
  const limit = new SenderLimit({ datagramsMax: 2, sendersMax: 2, totalMax: 3, window: { lengthMs: 100, monotonicMs: () => nowMs } });
  t.same(['a', 'a', 'a', 'b', 'b', 'c'].map((sender) => limit.admit(sender)), [true, true, false, true, false, false]);
  nowMs = 100;
  t.same(['a', 'b', 'c'].map((sender) => limit.admit(sender)), [true, true, false]);
});
