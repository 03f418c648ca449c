import t, { type Test } from 'tap';
import { createSocket, type Socket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import multicastDns from 'multicast-dns';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { parseXml, textOf } from '../../src/base/xml.ts';
import { discover, type FoundCamera, type LeftOut } from '../../src/cameras/discovery.ts';
import { ownNetwork } from './farend.ts';

/** Answers each probe from an address of its own, with whatever the test makes of the probe's id. */
async function serveAnswers(t: Test, address: string, answers: (messageId: string, probe: string) => readonly Buffer[]): Promise<void> {
  const listener = createSocket({ type: 'udp4', reuseAddr: true });
  const voice = createSocket('udp4');
  await bind(voice, address, 0);
  await bind(listener, '0.0.0.0', 3702);
  listener.addMembership('239.255.255.250', '127.0.0.1');
  listener.on('message', (datagram, from) => {
    const probe = datagram.toString('utf8');
    const messageId = probe.includes('<Probe ') ? textOf(parseXml(probe), 'Header', 'MessageID') : undefined;
    if (messageId !== undefined) for (const answer of answers(messageId, probe)) voice.send(answer, from.port, from.address);
  });
  t.teardown(() => Promise.all([listener, voice].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve())))));
}

function bind(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve) => socket.bind({ address, port }, resolve));
}

function match(urn: string, xaddrs: string, scopes = 'onvif://www.onvif.org/name/Front%20door onvif://www.onvif.org/hardware/X1', types = 'dn:NetworkVideoTransmitter'): string {
  return `<d:ProbeMatch><a:EndpointReference><a:Address>${urn}</a:Address></a:EndpointReference><d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${xaddrs}</d:XAddrs></d:ProbeMatch>`;
}

function reply(relatesTo: string, matches: string, prologue = ''): Buffer {
  return Buffer.from(`${prologue}<e:Envelope xmlns:e="e" xmlns:a="a" xmlns:d="d"><e:Header><a:RelatesTo>${relatesTo}</a:RelatesTo></e:Header><e:Body><d:ProbeMatches>${matches}</d:ProbeMatches></e:Body></e:Envelope>`);
}

/** Searches on loopback; other tests' cameras are looked over. */
async function search(network: string, durationMs = 1000): Promise<{ found: FoundCamera[]; leftOut: LeftOut[]; told: FoundCamera[] }> {
  const told: FoundCamera[] = [];
  const { found, leftOut } = await discover({ clock: systemClock, log: silentLog, loopback: true, interfaces: ['127.0.0.1'], durationMs, onFound: (camera) => told.push(camera) });
  const ours = <T extends { address?: string; from?: string }>(list: T[]): T[] => list.filter((one) => (one.address ?? one.from ?? '').startsWith(`${network}.`));
  return { found: ours(found), leftOut: ours(leftOut), told: ours(told) };
}

t.test('cameras are found once each, with and without a type in the probe, and keep their id', async (t) => {
  const network = ownNetwork();
  const [typed, untyped] = [`${network}.2`, `${network}.3`];
  const probes: string[] = [];
  await serveAnswers(t, typed, (id, probe) => {
    probes.push(probe);
    return probe.includes('NetworkVideoTransmitter') ? [reply(id, match('urn:uuid:one', `http://${typed}:8080/onvif/device_service`))] : [];
  });
  await serveAnswers(t, untyped, (id, probe) => (probe.includes('NetworkVideoTransmitter') ? [] : [reply(id, match('urn:uuid:one', `http://169.254.1.1:81/x  \n http://[fe80::1]/y`))]));
  const first = await search(network);
  t.match(first.found, [
    { address: typed, port: 8080, path: '/onvif/device_service', urn: 'urn:uuid:one', name: 'Front door', model: 'X1', sources: ['ws-discovery'], interface: 'lo', adoptable: true, note: `says it is the same as ${untyped}` },
    { address: untyped, port: 81, path: '/x', xaddrs: [`http://${untyped}:81/x`, `http://${untyped}/y`] },
  ]);
  t.not(first.found[0]?.id, first.found[1]?.id, 'one identity at two addresses is two cameras');
  t.match(first.found[0]?.id, /^[0-9a-f]{8}$/);
  t.equal(first.told.length, 2, 'each told once');
  t.ok(probes.every((probe) => !probe.includes('\n')), 'one line');
  const second = await search(network);
  t.same(second.found.map(({ id }) => id), first.found.map(({ id }) => id));
});

t.test('nothing that strangers send ends the search or hides a camera', async (t) => {
  const network = ownNetwork();
  const [bad, good] = [`${network}.2`, `${network}.3`];
  const mine = `http://${bad}/a`;
  await serveAnswers(t, bad, (id) => [
    randomBytes(700),
    Buffer.alloc(0),
    Buffer.alloc(20_000, '<'),
    Buffer.from('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    Buffer.from('<a>'.repeat(3000)),
    Buffer.from('<__proto__><constructor/></__proto__>'),
    reply('urn:uuid:not-asked', match('urn:uuid:x', mine)),
    reply(id, match('urn:uuid:x', 'http://203.0.113.7/a')),
    reply(id, match('urn:uuid:x', 'http://127.0.0.1:8080/a')),
    reply(id, match('urn:uuid:x', mine, '', 'wsdp:Device pub:Computer')),
    reply(id, ''),
    reply(id, match('urn:uuid:x', mine, `onvif://www.onvif.org/name/%1b%5B31m%FF${'n'.repeat(200)}`) + match('urn:uuid:y', `http://user:pw@${bad}:81/b`, 'onvif://www.onvif.org/name/two')),
    Buffer.concat([Buffer.from('<?xml version="1.0" encoding="GB2312"?>'), Buffer.from(reply(id, match('urn:uuid:z', `http://${bad}:82/c`, 'onvif://www.onvif.org/name/NAME')).toString('latin1').replace('NAME', '\u00c9\u00e3'), 'latin1')]),
  ]);
  await serveAnswers(t, good, (id) => [reply(id, match('urn:uuid:good', `http://${good}/onvif`))]);
  const { found, leftOut } = await search(network);
  t.match(found.map(({ address, port, urn }) => `${address} ${port} ${urn}`), [`${bad} 80 urn:uuid:x`, `${bad} 81 urn:uuid:y`, `${bad} 82 urn:uuid:z`, `${good} 80 urn:uuid:good`]);
  t.match(found[0]?.name, /^%1b%5B31m%FFn+$/, 'what is badly encoded stays as it is');
  t.equal(found[0]?.name?.length, 64);
  t.same(found[1]?.xaddrs, [`http://${bad}:81/b`], 'no user info');
  t.equal(found[2]?.name, '摄', 'GB2312');
  const reasons = leftOut.map(({ from, source, reason }) => `${from} ${source} ${reason}`);
  for (const reason of ['an answer of 20000 bytes', 'an answer to a question that was not asked', 'it points at another host, 203.0.113.7', 'it points at this machine', 'it is no camera (wsdp:Device pub:Computer)', 'an answer without a match']) {
    t.ok(reasons.includes(`${bad} ws-discovery ${reason}`), reason);
  }
  t.ok(leftOut.some(({ reason }) => reason.includes('document type or entities')));
  t.equal(new Set(reasons).size, reasons.length, 'each reason once');
});

t.test('nobody is connected to because of an answer', async (t) => {
  const network = ownNetwork();
  const address = `${network}.2`;
  let visits = 0;
  const server = createServer((socket) => {
    visits++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  t.teardown(() => server.close());
  const at = server.address();
  await serveAnswers(t, address, (id) => [reply(id, match('urn:uuid:x', `http://${address}:${typeof at === 'object' ? at?.port : 0}/a`))]);
  t.equal((await search(network)).found.length, 1);
  t.equal(visits, 0);
});

t.test('who answers too often is not heard any longer', async (t) => {
  const network = ownNetwork();
  const address = `${network}.2`;
  await serveAnswers(t, address, (id) => Array.from({ length: 300 }, (_, index) => reply(id, match(`urn:uuid:${index}`, `http://${address}:${1000 + index}/`))));
  const { found, leftOut } = await search(network);
  t.ok(found.length > 0 && found.length <= 128, `${found.length} found`);
  t.match(leftOut, [{ from: address, reason: 'it answers too often' }]);
});

t.test('mDNS alone: a camera with ONVIF, one with a stream only, Axis, and odd records', async (t) => {
  const network = ownNetwork();
  const mdns = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0', loopback: true, reuseAddr: true });
  t.teardown(() => new Promise<void>((resolve) => mdns.destroy(resolve)));
  const service = (type: string, label: string, last: number, port: number, text: readonly string[]) => {
    const host = `h${network}-${last}`.replaceAll('.', '-');
    return [
      { name: `${type}.local`, type: 'PTR' as const, ttl: 120, data: `${label}.${type}.local` },
      { name: `${label}.${type}.local`, type: 'SRV' as const, ttl: 120, data: { port, target: `${host}.local` } },
      { name: `${label}.${type}.local`, type: 'TXT' as const, ttl: 120, data: text },
      { name: `${host}.local`, type: 'A' as const, ttl: 120, data: `${network}.${last}` },
    ];
  };
  mdns.on('query', () => {
    const tag = network.replaceAll('.', '-');
    const say = (answers: ReturnType<typeof service>): void => mdns.respond({ answers }, null, () => {});
    say(service('_onvif._tcp', `full ${tag}`, 2, 8000, ['path=/onvif/x y', 'urn=urn:uuid:full', '__proto__=x', 'constructor']));
    say(service('_rtsp._tcp', `full-rtsp ${tag}`, 2, 554, []));
    say(service('_rtsp._tcp', `stream ${tag}`, 3, 554, []));
    say(service('_axis-video._tcp', `AXIS P1 ${tag}`, 4, 80, ['macaddress=00408C000000']));
    // A service whose name and host are the root.
    mdns.respond({ answers: [{ name: '_onvif._tcp.local', type: 'PTR', ttl: 120, data: '.' }, { name: '.', type: 'SRV', ttl: 120, data: { port: 1, target: '.' } }] }, null, () => {});
  });
  const { found } = await search(network, 800);
  t.match(found, [
    { address: `${network}.2`, port: 8000, path: '/onvif/x%20y', urn: 'urn:uuid:full', sources: ['mdns'], adoptable: true, note: undefined },
    { address: `${network}.3`, port: 80, sources: ['mdns'], adoptable: false, note: 'announces a stream; where its ONVIF is, is not known' },
    { address: `${network}.4`, port: 80, path: '/onvif/device_service', sources: ['mdns'], adoptable: true, note: 'its ONVIF address is assumed' },
  ]);
});

t.test('garbage on the mDNS port is nobody\'s end', async (t) => {
  const network = ownNetwork();
  const voice = createSocket({ type: 'udp4', reuseAddr: true });
  await bind(voice, `${network}.2`, 0);
  voice.setMulticastInterface('127.0.0.1');
  t.teardown(() => voice.close());
  const searching = search(network, 800);
  for (let round = 0; round < 100; round++) {
    const garbage = randomBytes(20 + round * 5);
    // Looks like a response with a few records.
    if (round % 2 === 0) Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 2]).copy(garbage);
    await new Promise<void>((resolve) => voice.send(garbage, 5353, '224.0.0.251', () => resolve()));
  }
  t.same((await searching).found, []);
});

t.test('an interface that is not there is named', async (t) => {
  const search = discover({ clock: systemClock, log: silentLog, loopback: true, interfaces: ['eth77'], durationMs: 100 });
  await t.rejects(search, { code: 'SP_DISCOVERY', evidence: { interface: 'eth77' } });
  await t.rejects(discover({ clock: systemClock, log: silentLog, loopback: false, interfaces: ['lo'], durationMs: 100 }), { code: 'SP_DISCOVERY' }, 'loopback wants its flag');
});

t.test('a search that is stopped returns what it has', async (t) => {
  const stop = new AbortController();
  stop.abort();
  const { found } = await discover({ clock: systemClock, log: silentLog, loopback: true, interfaces: ['lo'], durationMs: 60_000, signal: stop.signal });
  t.same(found, []);
});
