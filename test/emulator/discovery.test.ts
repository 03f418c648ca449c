import { createSocket, type Socket } from 'node:dgram';
import fc from 'fast-check';
import multicastDns, { type DnsPacket } from 'multicast-dns';
import t, { type Test } from 'tap';
import { find, parseXml, textOf, type XmlElement } from '../../src/base/xml.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { factorySettings } from '../../src/emulator/settings.ts';
import { isMeant, readQuestion } from '../../src/emulator/wsmessage.ts';
import { startEmulator } from './testkit.ts';

interface Heard {
  readonly from: string;
  readonly action: string;
  readonly relatesTo: string | undefined;
  readonly body: XmlElement | undefined;
}

/** A socket that collects discovery messages; `until` waits for those from the given addresses. */
class Listener {
  readonly heard: Heard[] = [];
  readonly socket: Socket;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (datagram, from) => {
      const message = parseXml(datagram.toString('utf8'));
      this.heard.push({
        from: from.address, action: textOf(message, 'Header', 'Action')?.split('/').at(-1) ?? '',
        relatesTo: textOf(message, 'Header', 'RelatesTo'), body: find(message, 'Body')?.children[0],
      });
      this.#wake();
    });
  }

  async from(camera: EmulatedCamera, action: string): Promise<Heard> {
    for (;;) {
      const hit = this.heard.find((one) => one.from === camera.address && one.action === action);
      if (hit !== undefined) return hit;
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }
}

async function listen(t: Test, port: number): Promise<Listener> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  await new Promise<void>((resolve) => socket.bind({ address: port === 0 ? '127.0.0.1' : '0.0.0.0', port }, resolve));
  if (port !== 0) socket.addMembership('239.255.255.250', '127.0.0.1');
  else socket.setMulticastInterface('127.0.0.1');
  t.teardown(() => socket.close());
  return new Listener(socket);
}

function question(messageId: string, body: string): string {
  return '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
    + ` xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>${messageId}</a:MessageID></s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

t.test('cameras of two emulators answer a probe, each from its own address', async (t) => {
  const [first, second] = await Promise.all([startEmulator(t, { cameras: 2, discovery: true, seconds: 1 }), startEmulator(t, { discovery: true, seconds: 1 })]);
  const listener = await listen(t, 0);
  listener.socket.send(question('urn:uuid:odd id & more'.replace('&', '&amp;'), '<d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe>'), 3702, '239.255.255.250');
  for (const camera of [...first.emulator.cameras, second.camera]) {
    const { relatesTo, body } = await listener.from(camera, 'ProbeMatches');
    t.equal(relatesTo, 'urn:uuid:odd id & more');
    const match = find(body, 'ProbeMatch');
    t.equal(textOf(match, 'EndpointReference', 'Address'), camera.urn);
    t.equal(textOf(match, 'XAddrs'), `http://${camera.address}:${camera.onvifPort}/onvif/device_service`);
    t.match(textOf(match, 'Types'), 'dn:NetworkVideoTransmitter');
    t.match(textOf(match, 'Scopes'), `onvif://www.onvif.org/name/${camera.name}`);
  }
  const { camera } = second;
  listener.socket.send(question('uuid:2', `<d:Resolve><a:EndpointReference><a:Address>${camera.urn}</a:Address></a:EndpointReference></d:Resolve>`), 3702, '239.255.255.250');
  t.equal((await listener.from(camera, 'ResolveMatches')).relatesTo, 'uuid:2');
  t.notOk(listener.heard.some((one) => one.from === first.camera.address && one.action === 'ResolveMatches'), 'only the camera that was meant');
});

t.test('a camera says Hello when it comes and Bye when it goes', async (t) => {
  const listener = await listen(t, 3702);
  const { camera } = await startEmulator(t, { discovery: true, seconds: 1 });
  t.equal(textOf((await listener.from(camera, 'Hello')).body, 'EndpointReference', 'Address'), camera.urn);
  await camera.stop();
  t.equal(textOf((await listener.from(camera, 'Bye')).body, 'EndpointReference', 'Address'), camera.urn);
});

t.test('a camera is the same camera after the emulator\'s restart', async (t) => {
  const { emulator, camera } = await startEmulator(t, { seconds: 1 });
  await emulator.close();
  const again = await startEmulator(t, { seconds: 1, firstAddress: camera.address, folder: emulator.sceneFolder });
  t.strictSame([again.camera.urn, again.camera.serial], [camera.urn, camera.serial]);
});

t.test('only questions that mean this camera are answered', async (t) => {
  const face = { urn: 'urn:uuid:1', name: 'garden', device: { model: 'EO-720' }, settings: factorySettings('garden') } as Parameters<typeof isMeant>[1];
  const probe = (types: string, scopes: string): boolean => {
    const read = readQuestion(Buffer.from(question('id', `<d:Probe><d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes></d:Probe>`)));
    return read !== undefined && isMeant(read, face);
  };
  for (const [types, scopes, meant] of [
    ['', '', true], ['dn:NetworkVideoTransmitter', '', true], ['\n tds:Device\tdn:NetworkVideoTransmitter ', '', true], ['dn:Printer', '', false], ['dn:NetworkVideoTransmitter dn:Printer', '', false],
    ['', 'onvif://www.onvif.org', true], ['', 'onvif://www.onvif.org/name/garden', true], ['', 'onvif://www.onvif.org/name/gard', false], ['', 'onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/name/', true], ['', 'onvif://elsewhere', false],
  ] as const) t.equal(probe(types, scopes), meant, `"${types}" "${scopes}"`);
  t.equal(readQuestion(Buffer.from('<s:Envelope><s:Body><d:Probe/></s:Body></s:Envelope>')), undefined, 'a probe without an id cannot be answered');
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => readQuestion(Buffer.from(bytes)) === undefined));
});

t.test('mDNS names the camera\'s own address and port, and takes both back', async (t) => {
  const client = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0', loopback: true });
  t.teardown(() => new Promise<void>((resolve) => client.destroy(resolve)));
  const packets: { packet: DnsPacket; from: string }[] = [];
  let wake = (): void => {};
  client.on('response', (packet, from) => {
    packets.push({ packet, from: from.address });
    wake();
  });
  await new Promise<void>((resolve) => client.on('ready', resolve));
  const { camera } = await startEmulator(t, { discovery: true, seconds: 1 });
  const records = async (from: number, holds: (ttl: number) => boolean): Promise<Map<string, unknown>> => {
    for (;;) {
      const hits = packets.slice(from).filter((one) => one.from === camera.address).flatMap(({ packet }) => [...packet.answers ?? [], ...packet.additionals ?? []]).filter((record) => holds(record.ttl));
      if (hits.some((record) => record.type === 'A')) return new Map(hits.map((record) => [`${record.type} ${record.name}`, record.data]));
      await new Promise<void>((resolve) => { wake = resolve; });
    }
  };
  const check = (found: Map<string, unknown>): void => {
    const onvif = found.get('PTR _onvif._tcp.local') as string;
    const rtsp = found.get('PTR _rtsp._tcp.local') as string;
    const host = `host-${camera.address.replaceAll('.', '-')}.local`;
    t.match(found.get(`SRV ${onvif}`), { port: camera.onvifPort, target: host });
    t.match(found.get(`SRV ${rtsp}`), { port: camera.rtspPort, target: host });
    t.equal(found.get(`A ${host}`), camera.address);
    t.match(String(found.get(`TXT ${onvif}`)), `urn=${camera.urn}`);
  };
  check(await records(0, (ttl) => ttl > 0));
  const before = packets.length;
  client.query({ questions: [{ name: '_onvif._tcp.local', type: 'PTR' }] });
  check(await records(before, (ttl) => ttl > 0));
  const goodbye = packets.length;
  await camera.stop();
  check(await records(goodbye, (ttl) => ttl === 0));
});
