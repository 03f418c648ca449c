import t from 'tap';
import { createSocket, type Socket } from 'node:dgram';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { parseXml, textOf } from '../../src/base/xml.ts';
import { discover } from '../../src/cameras/discovery.ts';
import { readRange } from '../../src/cameras/range.ts';
import { ownNetwork } from './farend.ts';

t.test('a range is one of the site\'s, of at most 4,096 addresses, or refused in words', async (t) => {
  const interfaces = [{ name: 'eth0', address: '203.0.113.5', netmask: '255.255.255.0', internal: false }];
  const read = (text: string, loopback = false): string => {
    const range = readRange(text, { interfaces, loopback });
    return typeof range === 'string' ? range : `${range.addresses.length}: ${range.addresses[0]} to ${range.addresses.at(-1)}`;
  };
  for (const [text, outcome] of [
    ['192.168.1.0/24', '254: 192.168.1.1 to 192.168.1.254'],
    ['192.168.1.77/24', '254: 192.168.1.1 to 192.168.1.254'],
    [' 10.0.0.5-10.0.0.40 ', '36: 10.0.0.5 to 10.0.0.40'],
    ['10.0.0.250 - 10.0.1.5', '12: 10.0.0.250 to 10.0.1.5'],
    ['10.0.0.7', '1: 10.0.0.7 to 10.0.0.7'],
    ['10.0.0.8/31', '2: 10.0.0.8 to 10.0.0.9'],
    ['10.0.0.8/32', '1: 10.0.0.8 to 10.0.0.8'],
    ['172.16.0.0/20', '4094: 172.16.0.1 to 172.16.15.254'],
    ['172.16.0.0-172.16.15.255', '4096: 172.16.0.0 to 172.16.15.255'],
    ['203.0.113.0/28', '14: 203.0.113.1 to 203.0.113.14'],
    ['10.0.0.0/16', 'it has 65534 addresses, and at most 4096 are searched'],
    ['0.0.0.0/0', 'it has 4294967294 addresses, and at most 4096 are searched'],
    ['8.8.8.0/24', '8.8.8.1 is not in the local network'],
    ['172.31.255.250-172.32.0.3', '172.32.0.0 is not in the local network'],
    ['127.0.0.0/24', 'it is on this machine'],
    ['10.0.0.40-10.0.0.5', 'it ends before it begins'],
    ['10.0.0.0/33', 'it is no range of IPv4 addresses'],
    ['10.0.0.256', 'it is no range of IPv4 addresses'],
    ['fe80::/64', 'it is no range of IPv4 addresses'],
    ['camera.local', 'it is no range of IPv4 addresses'],
    ['', 'it is no range of IPv4 addresses'],
  ] as const) t.equal(read(text), outcome, text);
  t.equal(read('127.0.0.0/30', true), '2: 127.0.0.1 to 127.0.0.2');
  await t.rejects(discover({ clock: systemClock, log: silentLog, loopback: false, durationMs: 1, range: '8.8.8.8' }), {
    code: 'SP_RANGE', message: 'the range 8.8.8.8 is not searched: 8.8.8.8 is not in the local network',
  });
});

t.test('each address of a range is asked, in both forms and paced; who is not of it is not heard', async (t) => {
  const network = ownNetwork();
  const asked: string[] = [];
  const answer = async (address: string, xaddr: string): Promise<void> => {
    const socket: Socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind({ address, port: 3702 }, resolve));
    t.teardown(() => new Promise<void>((resolve) => socket.close(() => resolve())));
    socket.on('message', (datagram, from) => {
      const probe = datagram.toString();
      asked.push(`${address} ${probe.includes('NetworkVideoTransmitter')}`);
      const id = textOf(parseXml(probe), 'Header', 'MessageID');
      // The first form is answered with a fault, as TP-Link's do.
      const body = probe.includes('NetworkVideoTransmitter') ? '<e:Fault/>'
        : `<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:x</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:XAddrs>${xaddr}</d:XAddrs></d:ProbeMatch></d:ProbeMatches>`;
      socket.send(`<e:Envelope xmlns:e="e" xmlns:a="a" xmlns:d="d"><e:Header><a:RelatesTo>${id}</a:RelatesTo></e:Header><e:Body>${body}</e:Body></e:Envelope>`, from.port, from.address);
    });
  };
  await answer(`${network}.5`, `http://${network}.5:8000/a`);
  await answer(`${network}.70`, `http://${network}.70/b`);
  await answer(`${network}.200`, `http://${network}.200/c`);
  const pauses: number[] = [];
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => { pauses.push(ms); return systemClock.sleep(Math.min(ms, 100), signal); } };
  const { found, leftOut } = await discover({ clock, log: silentLog, loopback: true, durationMs: 300, range: `${network}.1-${network}.100` });
  t.match(found, [{ address: `${network}.5`, port: 8000, interface: 'lo', sources: ['ws-discovery'] }, { address: `${network}.70`, port: 80 }]);
  t.same(leftOut, [], 'a fault of one that answered the other form is no news');
  t.same(asked.sort(), [`${network}.5 false`, `${network}.5 true`, `${network}.70 false`, `${network}.70 true`], 'nobody outside of it');
  t.same(pauses, [100, 100, 100, 100, 100, 300], 'twenty addresses a tenth of a second');
});
