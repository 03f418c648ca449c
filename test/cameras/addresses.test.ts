import t from 'tap';
import fc from 'fast-check';
import { SallyportError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { adoptStreamUri, adoptTarget, isInNetwork, isOfSite, judgeXAddrs, type LocalInterface } from '../../src/cameras/addresses.ts';
import { streamUrl } from '../../src/cameras/streamurl.ts';
import { anyCharacter } from '../base/characters.ts';

const sender = '192.168.0.59';

t.test('an XAddr leads to the host that sent it and to no other', async (t) => {
  const cases: readonly (readonly [what: string, xaddrs: string, expected: string])[] = [
    ['its own address', 'http://192.168.0.59:8059/onvif/device_service', '8059/onvif/device_service'],
    ['the usual port', 'http://192.168.0.59/onvif/device_service', '80/onvif/device_service'],
    ['two blanks and a line break between two', 'http://192.168.0.59/a  \n http://[fe80::4619:b7ff:fe1d:c6cf]/b', '80/a'],
    ['link-local first', 'http://169.254.10.3/a http://192.168.0.59/b', '80/b'],
    ['no address given to it', 'http://0.0.0.0:8080/a', '8080/a'],
    ['link-local only', 'http://169.254.10.3/a', '80/a'],
    ['IPv6 link-local only', 'http://[fe80::1]:81/a', '81/a'],
    ['user info', 'http://admin:admin@192.168.0.59/a', '80/a'],
    ['http is preferred', 'https://192.168.0.59/a http://192.168.0.59/b', '80/b'],
    ['https alone', 'https://192.168.0.59/a', '443/a'],
    ['another host', 'http://203.0.113.7/a', 'it points at another host, 203.0.113.7'],
    ['another host by number', 'http://3405803783/a', 'it points at another host, 203.0.113.7'],
    ['this machine', 'http://127.0.0.1:8080/a', 'it points at this machine'],
    ['this machine in hexadecimal', 'http://0x7f.1/a', 'it points at this machine'],
    ['the cloud\'s metadata', 'http://169.254.169.254/latest', '80/latest'],
    ['a host name', 'http://localhost/a', 'it names itself by a host name'],
    ['global IPv6', 'http://[2001:db8::1]/a', 'it has an IPv6 address only, which is not used'],
    ['a file', 'file:///etc/passwd', 'its address is file: and not http:'],
    ['a scheme without end', `${'x'.repeat(10_000)}://192.168.0.59/a`, `its address is ${'x'.repeat(16)} and not http:`],
    ['no address', 'SERVICE_URI', 'an address that is none'],
    ['port 0', 'http://192.168.0.59:0/a', 'an address that cannot be used'],
    ['nothing', ' \n ', 'it names no address of its own (no XAddrs)'],
  ];
  for (const [what, xaddrs, expected] of cases) {
    const verdict = judgeXAddrs(xaddrs, sender, { loopback: false });
    t.equal(verdict.accepted ? `${verdict.port}${verdict.path}` : verdict.reason, expected, what);
    if (verdict.accepted) for (const xaddr of verdict.xaddrs) t.equal(new URL(xaddr).host.replace(/:.*/, ''), sender, `${what}: ${xaddr}`);
  }
});

t.test('loopback counts only with the flag, and then only for the sender itself', async (t) => {
  t.notOk(judgeXAddrs('http://127.0.0.2/a', '127.0.0.2', { loopback: false }).accepted);
  t.ok(judgeXAddrs('http://127.0.0.2/a', '127.0.0.2', { loopback: true }).accepted);
  t.notOk(judgeXAddrs('http://127.0.0.1/a', '127.0.0.2', { loopback: true }).accepted);
});

t.test('whatever the text, nothing is accepted that is not the sender', async () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.ipV4().map((ip) => `http://${ip}/x`)), (text) => {
    const verdict = judgeXAddrs(text, sender, { loopback: true });
    return !verdict.accepted || verdict.xaddrs.every((xaddr) => new URL(xaddr).hostname === sender);
  }));
});

t.test('what a camera says of its services is turned to the adopted address', async (t) => {
  const adopted = { host: '10.0.0.9', port: 8080, path: '/onvif/device_service' };
  const place = (uri: string, believed?: number): string | undefined => {
    const target = adoptTarget(uri, adopted, believed);
    return target === undefined ? undefined : `${target.secure ? 'https' : 'http'}://${target.host}:${target.port}${target.path}`;
  };
  t.equal(place('http://192.168.1.2/onvif/Media'), 'http://10.0.0.9:80/onvif/Media', 'port and path are its own');
  t.equal(place('http://192.168.1.2:80/onvif/Media', 80), 'http://10.0.0.9:8080/onvif/Media', 'behind a forwarded port');
  t.equal(place('https://a:b@evil.example/x?y=1'), 'https://10.0.0.9:443/x?y=1');
  t.equal(place('http://[::1]:99?x'), 'http://10.0.0.9:99/?x');
  t.equal(place('http://10.0.0.9/a\r\nHost: evil'), 'http://10.0.0.9:80/a%0D%0AHost:%20evil');
  t.equal(place('gopher://10.0.0.9/'), undefined);
  t.equal(place('http://10.0.0.9:70000/'), undefined);
  t.equal(adoptStreamUri('rtsp://user:pw@192.168.1.2:8554/a?b=1&c', adopted), 'rtsp://10.0.0.9:8554/a?b=1&c');
  t.equal(adoptStreamUri('RTSP://0.0.0.0/11', adopted), 'rtsp://10.0.0.9/11');
  t.equal(adoptStreamUri('rtsp://:554', adopted), 'rtsp://10.0.0.9:554/');
  t.equal(adoptStreamUri("rtsp://h/a'\nfile '/etc/passwd", adopted), 'rtsp://10.0.0.9/a%27%0Afile%20%27/etc/passwd');
  t.equal(adoptStreamUri('http://192.168.1.2/x', adopted), undefined);
  t.equal(adoptStreamUri('rtsp://h:0/x', adopted), undefined);
});

t.test('a site is its private ranges and the networks that this machine is in', async (t) => {
  const local: LocalInterface = { name: 'eth0', address: '203.0.113.130', netmask: '255.255.255.128', internal: false };
  t.ok(isInNetwork('203.0.113.200', local));
  t.notOk(isInNetwork('203.0.113.7', local));
  t.ok(isOfSite('203.0.113.200', [local]));
  t.notOk(isOfSite('203.0.113.7', [local]));
  for (const address of ['10.1.2.3', '172.31.0.1', '192.168.9.9', '127.0.0.5']) t.ok(isOfSite(address, []), address);
  for (const address of ['8.8.8.8', '172.32.0.1', 'localhost', '::1', '']) t.notOk(isOfSite(address, []), address);
});

t.test('a stream address carries user and password percent-encoded, and shows neither', async (t) => {
  const url = streamUrl('rtsp://old:user@10.0.0.9:554/Streaming/Channels/101?a=1&b=2', 'ad min', new Secret("p@ss#1:/?'é"));
  t.equal(url.reveal(), 'rtsp://ad%20min:p%40ss%231%3A%2F%3F%27%C3%A9@10.0.0.9:554/Streaming/Channels/101?a=1&b=2');
  t.equal(String(url), '[secret]');
  t.equal(streamUrl('rtsp://10.0.0.9/live', '', new Secret('')).reveal(), 'rtsp://10.0.0.9/live');
  for (const uri of ['http://10.0.0.9/x', 'file:///etc/passwd', 'rtsp:///x', 'rtsp://a b/x', '']) {
    t.throws(() => streamUrl(uri, 'admin', new Secret('pass-word')), { code: 'SP_CAMERA_ADDRESS' }, uri);
  }
});

t.test('no stream address breaks out of its line, its quotes or its password', async () => {
  fc.assert(fc.property(fc.string({ unit: anyCharacter }), fc.string({ unit: anyCharacter, minLength: 1 }), fc.string({ unit: anyCharacter }), (path, user, password) => {
    let text: string;
    try {
      text = streamUrl(`rtsp://10.0.0.9/${path}`, user, new Secret(password)).reveal();
    } catch (error) {
      return error instanceof SallyportError;
    }
    const parsed = new URL(text);
    return /^[\x21-\x7e]+$/.test(text) && !/['"\\]/.test(text) && parsed.hostname === '10.0.0.9'
      && decodeURIComponent(parsed.username) === user.toWellFormed() && decodeURIComponent(parsed.password) === password.toWellFormed();
  }));
});
