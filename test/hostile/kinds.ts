/**
 * What cameras do to whoever asks them: broken by accident, or meant to do harm. Each kind answers one question (or every one) in its way;
 * `trap` is a place that nobody must ever come to because a camera named it.
 */
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { fault, http, soap, soundAnswer, type HostileCamera, type Hit, type Mischief } from './farend.ts';

export interface Kind {
  readonly name: string;
  readonly mischief: (trap: Trap) => Mischief;
  /** What the owner reads; a kind without one may be adopted or refused, whichever. */
  readonly expect?: RegExp;
}

export interface Trap {
  readonly host: string;
  readonly port: number;
}

const ok = 'HTTP/1.1 200 OK';

/** Answers this operation (`*`: all) with these bytes and hangs up. */
function reply(operation: string, make: (me: HostileCamera, hit: Hit, trap: Trap) => string | Buffer): Kind['mischief'] {
  return (trap) => (hit, socket, me) => {
    if (hit.operation === 'connect' || (operation !== '*' && hit.operation !== operation)) return false;
    socket.end(make(me, hit, trap));
    return true;
  };
}

function answer(operation: string, make: (me: HostileCamera, trap: Trap) => string): Kind['mischief'] {
  return reply(operation, (me, _hit, trap) => http(ok, soap(make(me, trap))));
}

/** Goes on writing for as long as somebody takes it. */
function endless(operation: string, head: string, piece: (n: number) => string | Buffer, everyMs = 0): Kind['mischief'] {
  return () => (hit, socket) => {
    if (hit.operation === 'connect' || (operation !== '*' && hit.operation !== operation)) return false;
    socket.write(head);
    let n = 0;
    const more = (): void => {
      if (socket.destroyed) return;
      const free = socket.write(piece(n++));
      if (everyMs > 0) setTimeout(more, everyMs);
      else if (free) setImmediate(more);
      else socket.once('drain', more);
    };
    more();
    return true;
  };
}

function onConnect(act: (socket: Socket) => void): Kind['mischief'] {
  return () => (hit, socket) => {
    if (hit.operation !== 'connect') return false;
    act(socket);
    return true;
  };
}

/** The stream's address leads back here, where RTSP is answered like this. */
function rtsp(act: (hit: Hit, socket: Socket, trap: Trap) => void): Kind['mischief'] {
  return (trap) => (hit, socket) => {
    if (!/^(?:OPTIONS|DESCRIBE|SETUP|PLAY|GET_PARAMETER|TEARDOWN) /.test(hit.operation)) return false;
    act(hit, socket, trap);
    return true;
  };
}

function rtspAnswer({ head }: Pick<Hit, 'head'>, status: string, headers: readonly string[] = [], body = ''): string {
  const cseq = /^cseq: *(\d+)/im.exec(head)?.[1] ?? '1';
  return [`RTSP/1.0 ${status}`, `CSeq: ${cseq}`, ...headers, ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]), '', body].join('\r\n');
}

function profileWith(inner: string, token = 'p1'): string {
  return `<GetProfilesResponse><Profiles token="${token}"><Name>main</Name><VideoEncoderConfiguration token="v"><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>360</Height></Resolution></VideoEncoderConfiguration>${inner}</Profiles></GetProfilesResponse>`;
}

function streamUri(uri: (trap: Trap) => string): Kind['mischief'] {
  return answer('GetStreamUri', (_me, trap) => `<GetStreamUriResponse><MediaUri><Uri>${uri(trap)}</Uri></MediaUri></GetStreamUriResponse>`);
}

export const kinds: readonly Kind[] = [
  // Connections.
  { name: 'hangs up at once', mischief: onConnect((socket) => socket.destroy()), expect: /SP_CAMERA_UNREACHABLE/ },
  { name: 'resets at once', mischief: onConnect((socket) => socket.resetAndDestroy()), expect: /SP_CAMERA_UNREACHABLE/ },
  { name: 'takes the connection and says nothing', mischief: onConnect(() => {}), expect: /SP_CAMERA_UNREACHABLE.*no whole answer/s },
  { name: 'speaks before it is asked, and not HTTP', mischief: onConnect((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')), expect: /SP_CAMERA_(?:ANSWER|UNREACHABLE)/ },
  { name: 'speaks TLS where HTTP was asked for', mischief: onConnect((socket) => socket.end(Buffer.from('15030100020228', 'hex'))), expect: /SP_CAMERA_(?:ANSWER|UNREACHABLE)/ },
  // HTTP.
  { name: 'drips its head byte by byte', mischief: endless('*', 'HTTP/1.1 200 OK\r\nX: ', () => 'a', 100), expect: /SP_CAMERA_UNREACHABLE.*no whole answer/s },
  { name: 'drips its body byte by byte', mischief: endless('*', 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n', () => ' ', 100), expect: /SP_CAMERA_UNREACHABLE.*no whole answer/s },
  { name: 'a body without end', mischief: endless('*', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', () => `10000\r\n${' '.repeat(65_536)}\r\n`), expect: /SP_CAMERA_ANSWER.*bytes/s },
  { name: 'announces 2 GB', mischief: endless('*', 'HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n', () => ' '.repeat(65_536)), expect: /SP_CAMERA_ANSWER.*bytes/s },
  { name: 'headers without end', mischief: endless('*', 'HTTP/1.1 200 OK\r\n', (n) => `X-${n}: ${'y'.repeat(1000)}\r\n`), expect: /SP_CAMERA_(?:ANSWER|UNREACHABLE)/ },
  { name: 'interim answers without end', mischief: endless('*', '', () => 'HTTP/1.1 100 Continue\r\n\r\n'), expect: /SP_CAMERA_ANSWER.*interim/s },
  { name: 'no HTTP at all', mischief: reply('*', () => Buffer.from('00ff00ff0d0a0d0a', 'hex')), expect: /SP_CAMERA_(?:ANSWER|UNREACHABLE)/ },
  { name: 'two lengths', mischief: reply('*', () => 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n12345'), expect: /SP_CAMERA_(?:ANSWER|UNREACHABLE)/ },
  { name: 'a chunk of impossible size', mischief: reply('*', () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx'), expect: /SP_CAMERA_(?:ANSWER|UNREACHABLE)/ },
  { name: 'less than it announced', mischief: reply('*', () => 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<s:Envelope>'), expect: /SP_CAMERA_(?:ANSWER|UNREACHABLE)/ },
  { name: 'a zip bomb', mischief: reply('*', () => http(ok, gzipSync(Buffer.alloc(200_000_000, 0x20)), ['Content-Encoding: gzip'])), expect: /SP_CAMERA_ANSWER/ },
  { name: 'redirects elsewhere', mischief: reply('*', (_me, _hit, trap) => `HTTP/1.1 307 Temporary Redirect\r\nLocation: http://${trap.host}:${trap.port}/onvif/device_service\r\nContent-Length: 0\r\n\r\n`), expect: /SP_CAMERA_ANSWER.*redirect/s },
  { name: 'redirects to itself', mischief: reply('*', (me) => `HTTP/1.1 302 Found\r\nLocation: ${me.base}/device_service\r\nContent-Length: 0\r\n\r\n`), expect: /SP_CAMERA_ANSWER.*redirect/s },
  { name: 'a login page', mischief: reply('*', () => http(ok, '<!DOCTYPE html><html><body><form>Login</form></body></html>')), expect: /SP_CAMERA_ANSWER/ },
  // Credentials.
  { name: 'asks for the password for ever', mischief: reply('*', (_me, hit) => http('HTTP/1.1 401 Unauthorized', '', [`WWW-Authenticate: Digest realm="x", nonce="${hit.head.length}${Math.random()}", qop="auth"`])), expect: /SP_CAMERA_REFUSED/ },
  { name: 'asks for the password, always stale', mischief: reply('*', () => http('HTTP/1.1 401 Unauthorized', '', [`WWW-Authenticate: Digest realm="x", nonce="${Math.random()}", stale=true`])), expect: /SP_CAMERA_REFUSED/ },
  { name: 'wants the password in clear (Basic)', mischief: reply('*', () => http('HTTP/1.1 401 Unauthorized', '', ['WWW-Authenticate: Basic realm="x"'])), expect: /SP_CAMERA_REFUSED/ },
  { name: 'a Digest of no known kind', mischief: reply('*', () => http('HTTP/1.1 401 Unauthorized', '', ['WWW-Authenticate: Digest realm="x", nonce="y", algorithm=CRC32'])), expect: /SP_CAMERA_REFUSED/ },
  { name: 'a challenge of 12 kB', mischief: reply('*', () => http('HTTP/1.1 401 Unauthorized', '', [`WWW-Authenticate: Digest realm="${'\\"'.repeat(6000)}", nonce="y"`])), expect: /SP_CAMERA_REFUSED/ },
  { name: 'refuses everything by fault', mischief: answer('*', () => fault('NotAuthorized')), expect: /SP_CAMERA_REFUSED/ },
  // XML.
  { name: 'XML 100,000 deep', mischief: reply('GetDeviceInformation', () => http(ok, '<a>'.repeat(100_000))), expect: /SP_CAMERA_ANSWER.*GetDeviceInformation/s },
  { name: 'XML 100,000 wide', mischief: reply('GetDeviceInformation', () => http(ok, soap('<a/>'.repeat(100_000)))), expect: /SP_CAMERA_ANSWER.*GetDeviceInformation/s },
  { name: 'an element with 50,000 attributes', mischief: reply('GetDeviceInformation', () => http(ok, soap(`<a ${Array.from({ length: 50_000 }, (_, n) => `a${n}="1"`).join(' ')}/>`))), expect: /SP_CAMERA_ANSWER/ },
  { name: '800 kB of namespaces', mischief: reply('GetDeviceInformation', () => http(ok, `<s:Envelope ${'xmlns'.repeat(160_000)}/>`)), expect: /SP_CAMERA_ANSWER/ },
  { name: 'quotes that never close', mischief: reply('GetDeviceInformation', () => http(ok, `<a b="${'<c d=\''.repeat(150_000)}`)), expect: /SP_CAMERA_ANSWER/ },
  { name: 'a million brackets', mischief: reply('GetDeviceInformation', () => http(ok, '<'.repeat(1_000_000))), expect: /SP_CAMERA_ANSWER/ },
  { name: 'comments without end', mischief: reply('GetDeviceInformation', () => http(ok, '<!--'.repeat(250_000))), expect: /SP_CAMERA_ANSWER/ },
  { name: 'CDATA without end', mischief: reply('GetDeviceInformation', () => http(ok, `<a>${'<![CDATA['.repeat(100_000)}`)), expect: /SP_CAMERA_ANSWER/ },
  { name: 'entities that grow (billion laughs)', mischief: reply('GetDeviceInformation', () => http(ok, `<!DOCTYPE a [<!ENTITY l0 "ha">${Array.from({ length: 30 }, (_, n) => `<!ENTITY l${n + 1} "&l${n};&l${n};">`).join('')}]>${soap('<a>&l30;</a>')}`)), expect: /SP_CAMERA_ANSWER/ },
  { name: 'an entity that is a file', mischief: reply('GetDeviceInformation', () => http(ok, `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${soap('<GetDeviceInformationResponse><Model>&x;</Model></GetDeviceInformationResponse>')}`)), expect: /SP_CAMERA_ANSWER/ },
  { name: 'an entity that is another host', mischief: reply('GetDeviceInformation', (_me, _hit, trap) => http(ok, `<!DOCTYPE a SYSTEM "http://${trap.host}:${trap.port}/a.dtd">${soap('<a/>')}`)), expect: /SP_CAMERA_ANSWER/ },
  { name: 'numeric references to nothing', mischief: answer('GetDeviceInformation', () => `<GetDeviceInformationResponse><Model>${'&#x0;&#xFFFFFFFF;&#55296;'.repeat(1000)}</Model></GetDeviceInformationResponse>`) },
  { name: 'names that are JavaScript', mischief: answer('GetDeviceInformation', () => '<GetDeviceInformationResponse><__proto__><polluted>1</polluted></__proto__><constructor><prototype/></constructor><Model>toString</Model></GetDeviceInformationResponse>') },
  { name: 'bytes that are no UTF-8', mischief: reply('GetDeviceInformation', () => http(ok, Buffer.concat([Buffer.from('<s:Envelope xmlns:s="a"><s:Body><GetDeviceInformationResponse><Model>'), Buffer.alloc(1000, 0xff), Buffer.from('</Model></GetDeviceInformationResponse></s:Body></s:Envelope>')]))) },
  { name: 'UTF-16, as it says', mischief: reply('GetDeviceInformation', (me) => http(ok, Buffer.from(`\ufeff${soap(soundAnswer('GetDeviceInformation', me) ?? '')}`, 'utf16le'))) },
  { name: 'a character set that nobody knows', mischief: reply('GetDeviceInformation', (me) => http(ok, soap(soundAnswer('GetDeviceInformation', me) ?? '').replace('UTF-8', 'x-klingon'))) },
  { name: 'an answer to another question', mischief: answer('GetDeviceInformation', () => '<GetUsersResponse/>'), expect: /SP_CAMERA_ANSWER.*GetDeviceInformation/s },
  { name: 'nothing, politely', mischief: reply('GetDeviceInformation', () => http(ok, '')), expect: /SP_CAMERA_ANSWER/ },
  // Words for people and logs.
  { name: 'a fault that writes to the terminal', mischief: reply('GetDeviceInformation', () => http('HTTP/1.1 400 Bad Request', soap(fault('InvalidArgVal', `${'\u009b2J'}&#27;[2J evil\r\nSP_FORGED: all is well ${'x'.repeat(100_000)}`)))), expect: /SP_CAMERA_(?:FAULT|ANSWER)/ },
  { name: 'a fault that says our password back', mischief: (trap) => (hit, socket, me) => reply('GetDeviceInformation', (_me, { body }) => http('HTTP/1.1 400 Bad Request', soap(fault('InvalidArgVal', `you sent ${/<Password[^>]*>([^<]*)/.exec(body)?.[1] ?? ''} and hunter2-of-the-camera`))))(trap)(hit, socket, me), expect: /SP_CAMERA_FAULT/ },
  { name: 'a name that is markup, a path and an escape', mischief: answer('GetDeviceInformation', () => `<GetDeviceInformationResponse><Manufacturer>&lt;script&gt;alert(1)&lt;/script&gt;</Manufacturer><Model>../../../etc/cron.d/x</Model><FirmwareVersion>${'\u202e'}5.1</FirmwareVersion><SerialNumber>$(reboot)&#10;; rm -rf /</SerialNumber><HardwareId>[2J\u0085\u009b31m</HardwareId></GetDeviceInformationResponse>`) },
  { name: 'a name of a megabyte', mischief: answer('GetDeviceInformation', () => `<GetDeviceInformationResponse><Model>${'M'.repeat(1_000_000)}</Model></GetDeviceInformationResponse>`) },
  { name: 'a clock in the year 99999', mischief: answer('GetSystemDateAndTime', () => '<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>25</Hour><Minute>-1</Minute><Second>1e99</Second></Time><Date><Year>99999</Year><Month>13</Month><Day>0</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>') },
  { name: 'a clock without numbers', mischief: answer('GetSystemDateAndTime', () => '<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>__proto__</Hour></Time></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>') },
  // Where it wants us to go.
  { name: 'services at another host', mischief: answer('GetServices', (_me, trap) => `<GetServicesResponse>${['ver10/device', 'ver10/media', 'ver20/media', 'ver10/events'].map((service) => `<Service><Namespace>http://www.onvif.org/${service}/wsdl</Namespace><XAddr>http://${trap.host}:${trap.port}/onvif/x</XAddr></Service>`).join('')}</GetServicesResponse>`), expect: /SP_CAMERA_/ },
  { name: 'services at a file, a socket and this machine', mischief: answer('GetServices', () => `<GetServicesResponse>${['file:///etc/passwd', 'unix:/run/x', 'http://127.0.0.1:22/', 'gopher://x/', 'javascript:alert(1)'].map((xaddr, n) => `<Service><Namespace>http://www.onvif.org/ver${n % 2 + 1}0/media/wsdl</Namespace><XAddr>${xaddr}</XAddr></Service>`).join('')}</GetServicesResponse>`) },
  { name: 'ten thousand services', mischief: answer('GetServices', (me) => `<GetServicesResponse>${'<Service><Namespace>x</Namespace><XAddr>y</XAddr></Service>'.repeat(6000)}<Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>${me.base}/media</XAddr></Service></GetServicesResponse>`) },
  { name: 'ten thousand profiles', mischief: answer('GetProfiles', () => `<GetProfilesResponse>${Array.from({ length: 10_000 }, (_, n) => `<Profiles token="${n}"/>`).join('')}</GetProfilesResponse>`), expect: /SP_CAMERA_/ },
  { name: 'profiles without tokens', mischief: answer('GetProfiles', () => '<GetProfilesResponse><Profiles/><Profiles token=""/></GetProfilesResponse>'), expect: /SP_CAMERA_NO_STREAM/ },
  { name: 'a token that closes the request', mischief: answer('GetProfiles', () => profileWith('', '&lt;/ProfileToken&gt;&lt;/GetStreamUri&gt;&lt;SystemReboot/&gt;')), expect: /SP_CAMERA_/ },
  { name: 'a stream that is a file', mischief: streamUri(() => 'file:///etc/passwd'), expect: /SP_CAMERA_NO_STREAM/ },
  { name: 'a stream that is a list of files', mischief: streamUri(() => 'concat:/etc/passwd|/etc/shadow'), expect: /SP_CAMERA_NO_STREAM/ },
  { name: 'a stream at another host', mischief: streamUri((trap) => `rtsp://admin:x@${trap.host}:${trap.port}/live`), expect: /SP_CAMERA_/ },
  { name: 'a stream that breaks out of its line', mischief: streamUri((trap) => `rtsp://x/live&#10;file &apos;http://${trap.host}:${trap.port}/&apos;&#10;option x y`), expect: /SP_CAMERA_/ },
  { name: 'a stream by HTTP at another host', mischief: streamUri((trap) => `http://${trap.host}:${trap.port}/live.mjpg`), expect: /SP_CAMERA_NO_STREAM/ },
  // RTSP.
  { name: 'RTSP that redirects elsewhere', mischief: rtsp((hit, socket, trap) => socket.end(rtspAnswer(hit, '302 Moved', [`Location: rtsp://${trap.host}:${trap.port}/live`]))), expect: /SP_CAMERA_/ },
  { name: 'RTSP that asks for the password for ever', mischief: rtsp((hit, socket) => socket.write(rtspAnswer(hit, '401 Unauthorized', [`WWW-Authenticate: Digest realm="x", nonce="${Math.random()}"`]))), expect: /SP_CAMERA_/ },
  { name: 'RTSP that says nothing', mischief: rtsp(() => {}), expect: /SP_CAMERA_/ },
  { name: 'a description without end', mischief: rtsp((hit, socket) => {
    socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${/^cseq: *(\d+)/im.exec(hit.head)?.[1] ?? 1}\r\nContent-Type: application/sdp\r\nContent-Length: 999999999\r\n\r\nv=0\r\n`);
    const more = (): void => {
      if (!socket.destroyed) if (socket.write('a=x\r\n'.repeat(10_000))) setImmediate(more); else socket.once('drain', more);
    };
    more();
  }), expect: /SP_CAMERA_/ },
  { name: 'a description with 5,000 streams', mischief: rtsp((hit, socket) => socket.write(rtspAnswer(hit, '200 OK', ['Content-Type: application/sdp'], `v=0\r\n${'m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n'.repeat(5000)}`))), expect: /SP_CAMERA_/ },
  { name: 'a description of nothing', mischief: rtsp((hit, socket) => socket.write(rtspAnswer(hit, '200 OK', ['Content-Type: application/sdp'], 'v=0\r\n'))), expect: /SP_CAMERA_/ },
  { name: 'RTSP that is a flood of packets', mischief: rtsp((_hit, socket) => {
    const more = (): void => {
      if (!socket.destroyed) if (socket.write(Buffer.alloc(65_540, Buffer.from([0x24, 0, 0xff, 0xff])))) setImmediate(more); else socket.once('drain', more);
    };
    more();
  }), expect: /SP_CAMERA_/ },
];

export interface TalkKind {
  readonly name: string;
  readonly mischief: (trap: Trap) => (request: string, socket: Socket) => void;
  /** What the talker reads; a kind without one may be talked through or not, whichever. */
  readonly expect?: RegExp;
}

/** A loudspeaker as it should be, but that `then` takes over when the way to it is open. */
function loudspeaker(then: (socket: Socket) => void, control = 'back'): TalkKind['mischief'] {
  return () => (head, socket) => {
    const sdp = `v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:${control}\r\na=sendonly\r\n`;
    const headers = ['Session: 1', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1'];
    socket.write(head.startsWith('DESCRIBE') ? rtspAnswer({ head }, '200 OK', ['Content-Type: application/sdp'], sdp) : rtspAnswer({ head }, '200 OK', headers));
    if (head.startsWith('PLAY')) then(socket);
  };
}

function endlessly(piece: string | Buffer): (socket: Socket) => void {
  return (socket) => {
    const more = (): void => {
      if (!socket.destroyed) if (socket.write(piece)) setImmediate(more); else socket.once('drain', more);
    };
    more();
  };
}

export const talkKinds: readonly TalkKind[] = [
  { name: 'answers that nobody asked for, without end', mischief: loudspeaker(endlessly('RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n'.repeat(500))), expect: /SP_CAMERA_ANSWER.*nobody asked for/s },
  { name: 'long answers that nobody asked for', mischief: loudspeaker(endlessly(`RTSP/1.0 200 OK\r\nContent-Length: 60000\r\n${'X: y\r\n'.repeat(2000)}\r\n${' '.repeat(60_000)}`)), expect: /SP_CAMERA_ANSWER.*nobody asked for/s },
  { name: 'questions of its own without end', mischief: loudspeaker(endlessly('OPTIONS rtsp://hub/ RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(500))), expect: /SP_CAMERA_ANSWER.*nobody asked for/s },
  { name: 'empty packets without end', mischief: loudspeaker(endlessly(Buffer.alloc(65_536, Buffer.from([0x24, 0, 0, 0])))), expect: /SP_CAMERA_ANSWER.*more packets/s },
  { name: 'large packets without end', mischief: loudspeaker(endlessly(Buffer.concat([Buffer.from([0x24, 0, 0xff, 0xff]), Buffer.alloc(65_535)]))), expect: /SP_CAMERA_ANSWER.*more packets/s },
  { name: 'a head without end', mischief: loudspeaker(endlessly(`RTSP/1.0 200 OK\r\nX: ${'y'.repeat(65_536)}`)), expect: /SP_CAMERA_ANSWER.*head of more than/s },
  { name: 'no RTSP in the middle of it', mischief: loudspeaker(endlessly('SSH-2.0-OpenSSH_9.2 and more of it\r\n\r\n')), expect: /SP_CAMERA_ANSWER.*no RTSP/s },
  { name: 'asks for the password for ever', mischief: () => (head, socket) => void socket.write(rtspAnswer({ head }, '401 Unauthorized', [`WWW-Authenticate: Digest realm="x", nonce="${Math.random()}", stale=true`])), expect: /SP_CAMERA_REFUSED/ },
  { name: 'wants the password in clear (Basic)', mischief: () => (head, socket) => void socket.write(rtspAnswer({ head }, '401 Unauthorized', ['WWW-Authenticate: Basic realm="x"'])), expect: /SP_CAMERA_REFUSED/ },
  { name: 'a loudspeaker at another host', mischief: (trap) => loudspeaker(() => {}, `rtsp://${trap.host}:${trap.port}/back`)(trap) },
  { name: 'a loudspeaker that breaks out of its line', mischief: loudspeaker(() => {}, 'back\u0000\u0085x') },
];
