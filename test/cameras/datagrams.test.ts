/** Datagrams of all kinds, each as bytes: what a camera may say, and how. */
import t from 'tap';
import { hardwareAddress } from '../../src/cameras/addresses.ts';
import { charsetOf, decodePercent, plainWord } from '../../src/cameras/charset.ts';
import { readAnnouncement, readMatches, type Match } from '../../src/cameras/probematch.ts';

const sender = '192.168.1.9';

function envelope(body: string, declaration = ''): string {
  return `${declaration}<e:Envelope xmlns:e="e" xmlns:a="a" xmlns:d="d"><e:Header><a:RelatesTo>\n urn:uuid:asked </a:RelatesTo></e:Header><e:Body>${body}</e:Body></e:Envelope>`;
}

function device(o: { xaddrs?: string; scopes?: string; urn?: string; types?: string } = {}): string {
  const { xaddrs = `http://${sender}/onvif/device_service`, scopes = 'onvif://www.onvif.org/name/NAME', urn = 'urn:uuid:one', types = 'dn:NetworkVideoTransmitter' } = o;
  return `<a:EndpointReference><a:Address>${urn}</a:Address></a:EndpointReference><d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes>${xaddrs === '' ? '' : `<d:XAddrs>${xaddrs}</d:XAddrs>`}`;
}

function probed(inner: string, declaration = ''): string {
  return envelope(`<d:ProbeMatches>${inner}</d:ProbeMatches>`, declaration);
}

function read(message: string | Buffer): { matches: readonly Match[]; reasons: readonly string[] } {
  return readMatches(typeof message === 'string' ? Buffer.from(message) : message, sender, { asked: new Set(['urn:uuid:asked']), loopback: false });
}

t.test('addresses: blanks, line breaks, several, of nobody, of another, of tomorrow', async (t) => {
  const cases: readonly (readonly [xaddrs: string, outcome: string])[] = [
    [`  http://${sender}:8080/a\t`, '8080 /a'],
    [`http://${sender}:8080/a\r\n   http://[fe80::1]/b`, '8080 /a'],
    [`http://10.9.9.9/x \n\n http://${sender}/own`, '80 /own'],
    [`https://${sender}/s http://${sender}/p`, '80 /p'],
    [`http://169.254.3.4:81/z http://${sender}:82/own`, '82 /own'],
    ['http://0.0.0.0:88/nobody', '88 /nobody'],
    ['http://169.254.3.4:81/z', '81 /z'],
    ['http://[2001:db8::7]/x', 'it has an IPv6 address only, which is not used'],
    ['http://[fe80::4619:b7ff:fe1d:c6cf%25eth0]/x', 'an address that is none'],
    ['http://[fe80::4619:b7ff:fe1d:c6cf]/x', '80 /x'],
    ['http://10.9.9.9/x', 'it points at another host, 10.9.9.9'],
    ['http://camera.local/x', 'it names itself by a host name'],
    ['http://127.0.0.1/x', 'it points at this machine'],
    ['http://2130706433/x', 'it points at this machine'],
    ['file:///etc/passwd', 'its address is file: and not http:'],
    [`http://${sender}:0/x`, 'an address that cannot be used'],
    [`http://${sender}:99999/x`, 'an address that is none'],
    [' \n ', 'it names no address of its own (no XAddrs)'],
  ];
  for (const [xaddrs, outcome] of cases) {
    const { matches: [match], reasons } = read(probed(`<d:ProbeMatch>${device({ xaddrs })}</d:ProbeMatch>`));
    t.equal(match === undefined ? reasons.join('; ') : `${match.port} ${match.path}`, outcome, JSON.stringify(xaddrs));
    if (match !== undefined) t.equal(match.address, sender);
  }
});

t.test('two matches stand or fall alone, and an answer to Resolve is read as one to Probe', async (t) => {
  const { matches, reasons } = read(probed(`<d:ProbeMatch>${device({ urn: 'a' })}</d:ProbeMatch><d:ProbeMatch>${device({ urn: 'b', types: 'wsdp:Device' , scopes: ''})}</d:ProbeMatch><d:ProbeMatch>${device({ urn: 'c' })}</d:ProbeMatch>`));
  t.same(matches.map(({ urn }) => urn), ['a', 'c']);
  t.same(reasons, ['it is no camera (wsdp:Device)']);
  t.match(read(envelope(`<d:ResolveMatches><d:ResolveMatch>${device()}</d:ResolveMatch></d:ResolveMatches>`)).matches, [{ urn: 'urn:uuid:one', port: 80 }]);
  t.same(read(envelope('<d:ResolveMatches/>')).reasons, ['an answer without a match']);
});

t.test('names are read by the message\'s character set, and by their own percent signs', async (t) => {
  const inSet = (encoding: string, name: Buffer): Buffer => {
    const [before = '', after = ''] = probed(`<d:ProbeMatch>${device()}</d:ProbeMatch>`, encoding === '' ? '' : `<?xml version="1.0" encoding="${encoding}"?>`).split('NAME');
    return Buffer.concat([Buffer.from(before), name, Buffer.from(after)]);
  };
  const wide = (order: 'le' | 'be', mark: boolean): Buffer => {
    const bytes = Buffer.from(`${mark ? '\ufeff' : ''}${probed(`<d:ProbeMatch>${device()}</d:ProbeMatch>`, '<?xml version="1.0" encoding="UTF-16"?>').replace('NAME', 'T\u00fcr')}`, 'utf16le');
    return order === 'le' ? bytes : bytes.swap16();
  };
  const cases: readonly (readonly [what: string, datagram: Buffer, name: string | undefined])[] = [
    ['UTF-8', inSet('UTF-8', Buffer.from('T\u00fcr')), 'T\u00fcr'],
    ['UTF-8 by percent', inSet('UTF-8', Buffer.from('T%C3%BCr%20%e5%89%8d')), 'T\u00fcr \u524d'],
    ['both at once', inSet('UTF-8', Buffer.from('T\u00fcr%20%31')), 'T\u00fcr 1'],
    ['Latin-1', inSet('ISO-8859-1', Buffer.from([0x54, 0xfc, 0x72])), 'T\u00fcr'],
    ['Latin-1 by percent', inSet('iso-8859-1', Buffer.from('T%FCr')), 'T\u00fcr'],
    ['GB2312', inSet('GB2312', Buffer.from([0xc7, 0xb0, 0xc3, 0xc5])), '\u524d\u95e8'],
    ['GBK by percent', inSet('gbk', Buffer.from('%C7%B0%C3%C5')), '\u524d\u95e8'],
    ['UTF-16, little end first', wide('le', true), 'T\u00fcr'],
    ['UTF-16, big end first', wide('be', true), 'T\u00fcr'],
    ['UTF-16 without a mark', wide('le', false), 'T\u00fcr'],
    ['UTF-16 without a mark, big end first', wide('be', false), 'T\u00fcr'],
    ['a set that nobody knows', inSet('KOI-99', Buffer.from('T\u00fcr')), 'T\u00fcr'],
    ['UTF-16 declared, and not true', inSet('UTF-16', Buffer.from('T\u00fcr')), 'T\u00fcr'],
    ['percent signs that are none', inSet('UTF-8', Buffer.from('100%')), '100%'],
    ['bytes that are no UTF-8', inSet('UTF-8', Buffer.from('%FF%FE')), '%FF%FE'],
    ['escape sequences', inSet('UTF-8', Buffer.from('%1b%5B31mred%0A%00')), '[31mred'],
    ['writing direction', inSet('UTF-8', Buffer.from('a\u202egnp.exe')), 'a gnp.exe'],
    ['nothing but blanks', inSet('UTF-8', Buffer.from('%20%0a')), undefined],
  ];
  for (const [what, datagram, name] of cases) t.equal(read(datagram).matches[0]?.name, name, what);
  t.equal(charsetOf(Buffer.from('<?xml version="1.0" encoding="GB2312"?>')), 'gbk');
  t.equal(decodePercent('%', 'utf-8'), '%');
  t.equal(plainWord('x'.repeat(100))?.length, 64);
});

t.test('Hello and Bye are understood; questions and answers are none of them', async (t) => {
  const announced = (body: string) => readAnnouncement(Buffer.from(envelope(body)), sender, { loopback: false });
  t.match(announced(`<d:Hello>${device({ scopes: 'onvif://www.onvif.org/name/Hall onvif://www.onvif.org/MAC/44:19:B6:49:68:E0' })}</d:Hello>`), {
    kind: 'hello', urn: 'urn:uuid:one', match: { address: sender, name: 'Hall', hardware: '44:19:b6:49:68:e0' },
  });
  t.same(announced(`<d:Hello>${device({ xaddrs: '' })}</d:Hello>`), { kind: 'hello', urn: 'urn:uuid:one', match: undefined });
  t.same(announced(`<d:Hello>${device({ xaddrs: 'http://10.9.9.9/x' })}</d:Hello>`), { kind: 'left out', reason: 'it points at another host, 10.9.9.9' });
  t.same(announced('<d:Bye><a:EndpointReference><a:Address>urn:uuid:one</a:Address></a:EndpointReference></d:Bye>'), { kind: 'bye', urn: 'urn:uuid:one' });
  t.same(announced('<d:Bye/>'), { kind: 'left out', reason: 'a goodbye that does not say whose' });
  t.same(announced('<d:Probe/>'), { kind: 'other' });
  t.same(announced(`<d:ProbeMatches><d:ProbeMatch>${device()}</d:ProbeMatch></d:ProbeMatches>`), { kind: 'other' });
  t.match(readAnnouncement(Buffer.from('<a'), sender, { loopback: false }), { kind: 'left out', reason: /cannot be read/ });
});

t.test('a hardware address is one that a single device can have', async (t) => {
  for (const text of ['44-19-b6-49-68-e0', '4419B64968E0', '44:19:b6:49:68:E0']) t.equal(hardwareAddress(text), '44:19:b6:49:68:e0', text);
  for (const text of ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '44:19:b6:49:68', 'hello', '', undefined]) t.equal(hardwareAddress(text), undefined, String(text));
});
