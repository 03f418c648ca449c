/**
 * One camera of a LAN, as a process in a network namespace of its own: `lancamera.ts LOOPBACK ADDRESS`. An emulated camera listens on
 * loopback alone, so what comes to the LAN address is handed on, port by port, and WS-Discovery and mDNS are answered here. With
 * `--impersonate URN` there is no camera: it only says that it is one, and tells what is sent to it. Ends with its standard input.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { connect, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import multicastDns, { type MulticastDns } from 'multicast-dns';
import { silentLog } from '../../src/base/log.ts';
import { parseXml, textOf } from '../../src/base/xml.ts';
import { Emulator } from '../../src/emulator/emulator.ts';

const { values, positionals: [loopback = '', first = ''] } = parseArgs({ allowPositionals: true, options: { folder: { type: 'string' }, impersonate: { type: 'string' } } });
const emulator = values.impersonate !== undefined ? undefined
  : await Emulator.start({ cameras: 1, firstAddress: loopback, seconds: 2, log: silentLog, discovery: false, ...(values.folder === undefined ? {} : { folder: values.folder }) });
const camera = emulator?.cameras[0];
const urn = camera?.urn ?? values.impersonate ?? '';
const ports = camera === undefined ? [8080] : [camera.onvifPort, camera.rtspPort];
const hardware = `02:00:7f:00:00:0${loopback.split('.').at(-1)}`;

class Presence {
  readonly #address: string;
  readonly #servers: Server[] = [];
  readonly #datagrams: Datagrams[] = [];
  #mdns: MulticastDns | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  async open(): Promise<void> {
    for (const port of ports) this.#servers.push(await relay(this.#address, port));
    const voice = await bound(this.#address);
    const ear = await bound('239.255.255.250');
    ear.addMembership('239.255.255.250', this.#address);
    voice.setMulticastInterface(this.#address);
    for (const socket of [voice, ear]) socket.on('message', (datagram, from) => this.#answer(voice, datagram, from));
    this.#datagrams.push(voice, ear);
    voice.send(envelope('', `<d:Hello>${this.#device}</d:Hello>`), 3702, '239.255.255.250');
    const mdns = multicastDns({ interface: this.#address, bind: '0.0.0.0', reuseAddr: true });
    mdns.on('query', () => mdns.respond({ answers: this.#records }, null, () => {}));
    this.#mdns = mdns;
  }

  async close(): Promise<void> {
    for (const socket of this.#datagrams) await new Promise<void>((resolve) => socket.close(() => resolve()));
    await new Promise<void>((resolve) => { if (this.#mdns === undefined) resolve(); else this.#mdns.destroy(resolve); });
    for (const server of this.#servers) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  get #device(): string {
    return `<a:EndpointReference><a:Address>${urn}</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/MAC/02:00:7f:00:00:02</d:Scopes>`
      + `<d:XAddrs>http://${this.#address}:${ports[0]}/onvif/device_service</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>`;
  }

  get #records() {
    const [label, host] = [`camera ${this.#address.replaceAll('.', '-')}._onvif._tcp.local`, `h${this.#address.replaceAll('.', '-')}.local`];
    return [
      { name: '_onvif._tcp.local', type: 'PTR' as const, ttl: 120, data: label },
      { name: label, type: 'SRV' as const, ttl: 120, data: { port: ports[0] ?? 0, target: host } },
      { name: label, type: 'TXT' as const, ttl: 120, data: [`urn=${urn}`] },
      { name: host, type: 'A' as const, ttl: 120, data: this.#address },
    ];
  }

  #answer(voice: Datagrams, datagram: Buffer, from: { address: string; port: number }): void {
    const id = /<(?:\w+:)?Probe[ >]/.test(datagram.toString()) ? textOf(parseXml(datagram.toString()), 'Header', 'MessageID') : undefined;
    if (id !== undefined) voice.send(envelope(`<a:RelatesTo>${id}</a:RelatesTo>`, `<d:ProbeMatches><d:ProbeMatch>${this.#device}</d:ProbeMatch></d:ProbeMatches>`), from.port, from.address);
  }
}

function envelope(header: string, body: string): string {
  return '<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
    + `<e:Header>${header}</e:Header><e:Body>${body}</e:Body></e:Envelope>`;
}

function bound(address: string): Promise<Datagrams> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  return new Promise((resolve) => socket.bind({ address, port: 3702 }, () => resolve(socket)));
}

/** To the emulated camera, or into the notebook. */
function relay(address: string, port: number): Promise<Server> {
  const server = createServer((near) => {
    near.on('error', () => {});
    if (camera === undefined) {
      near.on('data', (chunk: Buffer) => {
        console.log(`heard ${JSON.stringify(chunk.toString('latin1'))}`);
        near.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="x", nonce="abc", qop="auth"\r\nContent-Length: 0\r\n\r\n');
      });
      return;
    }
    const far = connect(port, loopback);
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
    open.add(near);
    near.on('close', () => open.delete(near));
  });
  return new Promise((resolve) => server.listen(port, address, () => resolve(server)));
}

const open = new Set<{ destroy(): unknown }>();
let presence: Presence | undefined = new Presence(first);
await presence.open();
console.log(JSON.stringify({ urn, hardware, onvifPort: ports[0], user: camera?.user ?? '', password: camera?.password ?? '' }));
for await (const line of createInterface({ input: process.stdin })) {
  for (const connection of open) connection.destroy();
  await presence?.close();
  presence = line.startsWith('at ') ? new Presence(line.slice(3)) : undefined;
  await presence?.open();
  console.log(`done ${line}`);
}
for (const connection of open) connection.destroy();
await presence?.close();
await emulator?.close();
