/**
 * The far side of the link, as a process in a network namespace of its own: a WebDAV store, an S3 store, a sink for webhooks and one for ntfy, a broker, all by TLS
 * at addresses of their own, a proxy before the webhooks, a host that nobody declared, and who resolves names. `far.ts FOLDER`: cert.pem and key.pem lie there, and there it keeps what came.
 * Takes orders by lines on standard input: `redirect` (the webhook's next answer), `publish TOPIC TEXT` (at the broker), `report`; answers each with one line of JSON. Ends with its standard input.
 */
import { createSocket } from 'node:dgram';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launch } from '../../../src/base/spawn.ts';
import { Listener, publish, startBroker } from '../../courier/mosquitto.ts';
import { S3Stub } from '../../egress/s3stub.ts';
import { farAddresses, farNames } from './plan.ts';

const folder = process.argv[2] ?? '';
const tls = { key: readFileSync(join(folder, 'key.pem'), 'utf8'), cert: readFileSync(join(folder, 'cert.pem'), 'utf8') };
const asked: string[] = [];
const bodies: string[] = [];
const strangers: string[] = [];
let redirects = 0;

/** What is resolved: the declared names, and one that is not. All else is not there. */
const names = createSocket('udp4');
names.on('message', (question, from) => {
  if (question.length < 17) return;
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const name = labels.join('.').toLowerCase();
  const wantsIpv4 = question.readUInt16BE(at + 1) === 1;
  asked.push(name);
  const address = Object.entries(farNames).find(([one]) => one === name)?.[1];
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(address !== undefined && wantsIpv4 ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const answer = address === undefined || !wantsIpv4 ? Buffer.alloc(0) : Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]);
  names.send(Buffer.concat([head, question.subarray(12, at + 5), answer]), from.port, from.address);
});
await new Promise<void>((resolve) => { names.bind(53, farAddresses.gateway, resolve); });

const stub = await S3Stub.start({ tls });
await handOn(farAddresses.s3, 443, Number(new URL(stub.url).port));

const login = { user: 'hub', password: process.env['MQTT_PASSWORD'] ?? '' };
mkdirSync(join(folder, 'broker'));
const broker = await startBroker(join(folder, 'broker'), { login, tls: { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') } });
const door = { port: broker.port, login, ca: join(folder, 'cert.pem') };
const listener = await Listener.open(door);
await handOn(farAddresses.mqtt, 8883, broker.port);

mkdirSync(join(folder, 'dav'), { recursive: true });
const rclone = await launch('rclone', [
  'serve', 'webdav', '--addr', `${farAddresses.dav}:443`, '--cert', join(folder, 'cert.pem'), '--key', join(folder, 'key.pem'), '--user', 'sally', '--pass', process.env['DAV_PASSWORD'] ?? '', '--config', join(folder, 'rclone.conf'), '--dir-cache-time', '0s', join(folder, 'dav'),
], { environment: { HOME: folder }, package: 'rclone', onErrorLine: () => {} });
rclone.stdout.resume();
await reachable(farAddresses.dav, 443);

for (const address of [farAddresses.hook, farAddresses.ntfy]) {
  const sink = createTlsServer(tls, (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      bodies.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}\n${Buffer.concat(pieces).toString('latin1')}`);
      if (address === farAddresses.hook && redirects > 0) {
        redirects--;
        response.writeHead(307, { Location: 'https://undeclared.far.test/hook' }).end();
      } else response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => { sink.listen(443, address, resolve); });
}
// Joins whom it is asked for by name, if that is one of them.
const joined: string[] = [];
const proxy = createHttpServer().on('connect', (request, near: Socket) => {
  const [host = '', port = ''] = (request.url ?? '').split(':');
  joined.push(`${request.url}`);
  const far = connect(Number(port), farNames[host] ?? '192.0.2.1', () => { near.write('HTTP/1.1 200 Joined\r\n\r\n'); });
  for (const [one, other] of [[near, far], [far, near]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy());
  near.pipe(far).pipe(near);
});
await new Promise<void>((resolve) => { proxy.listen(3128, farAddresses.proxy, resolve); });
// Nobody has any business here.
const stranger = createServer((socket) => { strangers.push(`${socket.remoteAddress}`); socket.on('error', () => {}).end(); });
await new Promise<void>((resolve) => { stranger.listen(443, farAddresses.undeclared, resolve); });

// Its input ends then, too, and what it started goes first.
process.on('SIGTERM', () => {});
console.log(JSON.stringify({ key: stub.grant(['put', 'get', 'delete']) }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'redirect') redirects++;
  const [, topic, text] = /^publish (\S+) (\S+)$/.exec(line) ?? [];
  if (topic !== undefined) await publish(door, topic, text ?? '');
  if (line === 'report') {
    mkdirSync(join(folder, 's3'), { recursive: true });
    for (const [name, { bytes }] of stub.objects) writeFileSync(join(folder, 's3', name.replaceAll('/', '_')), bytes);
    writeFileSync(join(folder, 'bodies.txt'), [...bodies, ...listener.messages.map(({ topic, payload }) => `${topic} ${payload}`)].join('\n'));
  }
  console.log(JSON.stringify({ asked: [...new Set(asked)].toSorted(), bodies: bodies.length, states: listener.messages.length, strangers, joined: [...new Set(joined)], stored: [...stub.objects.keys()].toSorted() }));
}
await listener.close();
await broker.kill();
rclone.kill('SIGKILL');
process.exit(0);

/** Byte by byte, so TLS ends in the store. */
async function handOn(address: string, at: number, port: number): Promise<void> {
  const server = createServer((near: Socket) => {
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => { server.listen(at, address, resolve); });
}

async function reachable(address: string, port: number): Promise<void> {
  for (;;) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, address, () => { socket.destroy(); resolve(true); });
      socket.on('error', () => resolve(false));
    });
    if (there) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
