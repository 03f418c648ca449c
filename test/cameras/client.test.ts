import t from 'tap';
import { createHash } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { checkAnswer } from '../../src/base/digest.ts';
import { isSallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { textOf } from '../../src/base/xml.ts';
import { CameraClient } from '../../src/cameras/client.ts';
import { ownNetwork, password, send, sendClock, sendFault, serveFarEnd, startMs, StillClock, visit, wordsOf, type Asked } from './farend.ts';

const deviceAnswer = '<GetDeviceInformationResponse><Manufacturer>true</Manufacturer><Model>A &amp; B</Model><FirmwareVersion>5.10</FirmwareVersion>'
  + '<SerialNumber>12345678901234567890</SerialNumber><HardwareId>1.0</HardwareId></GetDeviceInformationResponse>';

/** Whether the UsernameToken is right by a camera's clock. */
function tokenHolds(asked: Asked, cameraMs: number, expected = password): boolean {
  const token = (name: string): string => textOf(asked.soap, 'Header', 'Security', 'UsernameToken', name) ?? '';
  const digest = createHash('sha1').update(Buffer.from(token('Nonce'), 'base64')).update(token('Created')).update(expected, 'utf8').digest('base64');
  return token('Username') === 'ad<min' && token('Password') === digest && Math.abs(Date.parse(token('Created')) - cameraMs) <= 5000;
}

/** A camera that is sound but for its clock. */
function soundCamera(asked: Asked, clock: { cameraMs: number; toldMs?: number }): void {
  if (asked.operation === 'GetSystemDateAndTime') sendClock(asked, clock.toldMs ?? clock.cameraMs);
  else if (!tokenHolds(asked, clock.cameraMs)) sendFault(asked, 'NotAuthorized');
  else if (asked.operation === 'GetDeviceInformation') send(asked, deviceAnswer);
  else if (asked.operation === 'GetUsers') send(asked, '<GetUsersResponse><User><Username>admin</Username></User></GetUsersResponse>');
  else sendFault(asked, 'ActionNotSupported', 'Optional Action Not Implemented', 500);
}

t.test('text stays text, and user and password survive XML and UTF-8', async (t) => {
  const far = await serveFarEnd(t, (asked) => soundCamera(asked, { cameraMs: startMs }));
  const { client } = visit(far);
  t.same(await client.readClock(), { offsetMs: 0 });
  await client.checkCredentials();
  t.same(await client.device(), { manufacturer: 'true', model: 'A & B', firmware: '5.10', serial: '12345678901234567890', hardware: '1.0' });
  t.match(far.asked.find(({ operation }) => operation === 'GetProfiles')?.headers['content-type'], 'application/soap+xml; charset=utf-8; action="http://www.onvif.org/ver10/media/wsdl/GetProfiles"');
});

t.test('a camera whose clock is days off is spoken to by its own clock', async (t) => {
  const far = await serveFarEnd(t, (asked) => soundCamera(asked, { cameraMs: Date.UTC(2014, 0, 1) }));
  const { client } = visit(far);
  t.equal((await client.readClock()).offsetMs, Date.UTC(2014, 0, 1) - startMs);
  await client.checkCredentials();
  t.pass('taken');
});

t.test('a clock that steps costs one more question, not the camera', async (t) => {
  const clock = { cameraMs: Date.UTC(2014, 0, 1) };
  const far = await serveFarEnd(t, (asked) => soundCamera(asked, clock));
  const { client } = visit(far);
  await client.device();
  clock.cameraMs = startMs;
  await client.device();
  await client.device();
  const device = 'GetDeviceInformation';
  t.same(far.operations(), ['GetSystemDateAndTime', device, device, 'GetSystemDateAndTime', device, device]);
});

t.test('a camera that tells local time as UTC is tried by hub time', async (t) => {
  const far = await serveFarEnd(t, (asked) => soundCamera(asked, { cameraMs: startMs, toldMs: startMs + 3_600_000 }));
  await visit(far).client.checkCredentials();
  t.pass('taken');
});

t.test('a camera that tells no time is taken to have hub time', async (t) => {
  const far = await serveFarEnd(t, (asked) => (asked.operation === 'GetSystemDateAndTime'
    ? send(asked, '<GetSystemDateAndTimeResponse><SystemDateAndTime><DateTimeType>NTP</DateTimeType></SystemDateAndTime></GetSystemDateAndTimeResponse>')
    : soundCamera(asked, { cameraMs: startMs })));
  const { client } = visit(far);
  t.same(await client.readClock(), { offsetMs: 0 });
  await client.checkCredentials();
});

t.test('a wrong password is refused, in one attempt, and is in no word that is said', async (t) => {
  const far = await serveFarEnd(t, (asked) => soundCamera(asked, { cameraMs: startMs }));
  const { client, log } = visit(far, { password: 'not-the-password' });
  const error: unknown = await client.checkCredentials().catch((caught: unknown) => caught);
  t.match(error, { code: 'SP_CAMERA_REFUSED', evidence: { camera: 'garden' } });
  const tokens = far.asked.filter(({ created }) => created !== undefined);
  t.equal(tokens.length, 1, 'a camera that locks up after wrong tries has seen one');
  const digests = tokens.map(({ soap }) => textOf(soap, 'Header', 'Security', 'UsernameToken', 'Password') ?? '?');
  for (const secret of ['not-the-password', ...digests]) t.notOk(`${wordsOf(error)}${log.join('')}`.includes(secret), 'not said');
});

t.test('a user who may not list users is known by the profiles', async (t) => {
  const far = await serveFarEnd(t, (asked) => {
    if (asked.operation === 'GetServices') send(asked, '<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>http://192.168.9.9:1/onvif/media</XAddr></Service><Service><Namespace>http://www.onvif.org/ver10/device/wsdl</Namespace><XAddr>http://192.168.9.9:1/onvif/device_service</XAddr></Service></GetServicesResponse>');
    else if (asked.operation === 'GetProfiles' && tokenHolds(asked, startMs)) send(asked, '<GetProfilesResponse/>');
    else if (asked.operation === 'GetSystemDateAndTime') sendClock(asked, startMs);
    else sendFault(asked, 'NotAuthorized');
  });
  await visit(far).client.checkCredentials();
  t.equal(far.asked.find(({ operation }) => operation === 'GetProfiles')?.path, '/onvif/media', 'at the adopted address, through the forwarded port');
  await t.rejects(visit(far, { password: 'wrong' }).client.checkCredentials(), { code: 'SP_CAMERA_REFUSED' });
});

t.test('calls that are open to everybody prove no password', async (t) => {
  const far = await serveFarEnd(t, (asked) => {
    if (asked.operation === 'GetUsers') sendFault(asked, 'NotAuthorized');
    else if (asked.operation === 'GetProfiles') send(asked, '<GetProfilesResponse/>');
    else if (asked.operation === 'GetSystemDateAndTime') sendClock(asked, startMs);
    else sendFault(asked, 'ActionNotSupported');
  });
  await t.rejects(visit(far, { password: 'wrong' }).client.checkCredentials(), { code: 'SP_CAMERA_REFUSED' });
});

t.test('HTTP Digest is answered, one nonce serves many calls, and Basic gets nothing', async (t) => {
  const realm = 'camera';
  const expected = { username: 'ad<min', password, method: 'POST', realm, nonce: 'n1', algorithm: 'SHA-256' as const };
  let basic = false;
  const far = await serveFarEnd(t, (asked) => {
    const authorization = asked.headers.authorization ?? '';
    if (asked.operation === 'GetSystemDateAndTime') sendClock(asked, startMs);
    else if (!basic && checkAnswer(authorization, expected)) send(asked, deviceAnswer);
    else {
      asked.reply.setHeader('WWW-Authenticate', basic ? ['Basic realm="x"'] : [`Digest qop="auth", realm="${realm}", nonce="n1"`, `Digest qop="auth, auth-int", realm="${realm}", nonce="n1", algorithm=SHA-256`, 'Basic realm="x"']);
      asked.reply.writeHead(401);
      asked.reply.end('<html>Unauthorized</html>');
    }
  });
  const { client } = visit(far);
  t.equal((await client.device()).model, 'A & B');
  const before = far.asked.length;
  await client.device();
  t.equal(far.asked.length, before + 1);
  t.match(far.asked.at(-1)?.headers.authorization, /nc=00000002/);
  await t.rejects(visit(far, { password: 'wrong' }).client.device(), { code: 'SP_CAMERA_REFUSED' });
  basic = true;
  await t.rejects(client.device(), { code: 'SP_CAMERA_REFUSED' });
  t.notOk(far.asked.some(({ headers }) => /^basic/i.test(headers.authorization ?? '')));
});

t.test('profiles: odd tokens, foreign hosts, H.265 from Media 2, and a profile without a stream', async (t) => {
  const service = (ns: string, path: string): string => `<Service><Namespace>http://www.onvif.org/${ns}/wsdl</Namespace><XAddr>http://203.0.113.7/${path}</XAddr></Service>`;
  const far = await serveFarEnd(t, (asked) => {
    const token = textOf(asked.soap, 'Body', asked.operation, 'ProfileToken') ?? '';
    const media2 = asked.path === '/media2';
    if (asked.operation === 'GetSystemDateAndTime') sendClock(asked, startMs);
    else if (asked.operation === 'GetServices') send(asked, `<GetServicesResponse>${service('ver10/device', 'onvif/device_service')}${service('ver10/media', 'media')}${service('ver20/media', 'media2')}</GetServicesResponse>`.replaceAll('http://203.0.113.7/', `http://203.0.113.7:${far.port}/`));
    else if (!tokenHolds(asked, startMs)) sendFault(asked, 'NotAuthorized');
    else if (asked.operation === 'GetProfiles' && media2) send(asked, '<GetProfilesResponse><Profiles token="1.0"><Name>main</Name><Configurations><VideoEncoder><Encoding>H265</Encoding><Resolution><Width>3840</Width><Height>2160</Height></Resolution><RateControl><FrameRateLimit>12.5</FrameRateLimit></RateControl></VideoEncoder></Configurations></Profiles></GetProfilesResponse>');
    else if (asked.operation === 'GetProfiles') send(asked, '<GetProfilesResponse><Profiles token="1.0"><Name>main</Name></Profiles><Profiles token="a&amp;b&lt;"><Name>sub</Name><VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>360</Height></Resolution></VideoEncoderConfiguration></Profiles><Profiles token="empty"><Name>empty</Name></Profiles></GetProfilesResponse>');
    else if (asked.operation === 'GetStreamUri' && token !== 'empty') send(asked, `<GetStreamUriResponse>${media2 ? '<Uri>' : '<MediaUri><Uri>'} rtsp://u:p@203.0.113.7:8554/${encodeURIComponent(token)}?x=1&amp;y=2 ${media2 ? '</Uri>' : '</Uri></MediaUri>'}</GetStreamUriResponse>`);
    else if (asked.operation === 'GetSnapshotUri' && token === '1.0') send(asked, `<GetSnapshotUriResponse><Uri>http://203.0.113.7:${far.port}/shot.jpg?-usr=a&amp;-pwd=b&amp;</Uri></GetSnapshotUriResponse>`);
    else sendFault(asked, 'InvalidArgVal', 'no such profile');
  });
  const profiles = await visit(far).client.profiles();
  t.same(profiles, [
    { token: '1.0', name: 'main', streamUri: `rtsp://${far.host}:8554/1.0?x=1&y=2`, snapshotUri: `http://${far.host}:${far.port}/shot.jpg?-usr=a&-pwd=b&`, video: { codec: 'hevc', width: 3840, height: 2160, fps: 12.5, kbps: undefined, gop: undefined }, audioCodec: undefined, source: undefined, moves: false },
    { token: 'a&b<', name: 'sub', streamUri: `rtsp://${far.host}:8554/a%26b%3C?x=1&y=2`, snapshotUri: undefined, video: { codec: 'h264', width: 640, height: 360, fps: undefined, kbps: undefined, gop: undefined }, audioCodec: undefined, source: undefined, moves: false },
  ]);
});

t.test('a camera without any stream says so', async (t) => {
  const far = await serveFarEnd(t, (asked) => (asked.operation === 'GetProfiles' ? send(asked, '<GetProfilesResponse/>') : soundCamera(asked, { cameraMs: startMs })));
  await t.rejects(visit(far).client.profiles(), { code: 'SP_CAMERA_NO_STREAM', evidence: { reason: 'it names no media profile' } });
});

t.test('a snapshot is a picture or an error', async (t) => {
  let body: Buffer | undefined = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);
  const far = await serveFarEnd(t, ({ reply }) => {
    reply.writeHead(200);
    reply.end(body);
  });
  const { client } = visit(far);
  const uri = `http://203.0.113.7:${far.port}/shot.jpg`;
  t.same(await client.snapshot(uri), body);
  t.equal(far.asked[0]?.headers.authorization, undefined, 'no credentials that were not asked for');
  body = Buffer.from('<html>');
  await t.rejects(client.snapshot(uri), { code: 'SP_CAMERA_ANSWER' });
  body = undefined;
  await t.rejects(client.snapshot(uri), { code: 'SP_CAMERA_ANSWER' });
  await t.rejects(client.snapshot('file:///etc/passwd'), { code: 'SP_CAMERA_ANSWER' });
});

t.test('answers that cannot be used', async (t) => {
  const answers: readonly (readonly [what: string, answer: (asked: Asked) => void, reason: RegExp])[] = [
    ['a redirect', ({ reply }) => reply.writeHead(302, { Location: 'http://203.0.113.7/' }).end(), /it redirects \(HTTP 302\)/],
    ['two gigabytes announced', ({ reply }) => reply.writeHead(200, { 'Content-Length': String(2 ** 31) }).write('<'), /more than 1048576 bytes/],
    ['endless bytes', ({ reply }) => {
      const more = (): void => void reply.write(Buffer.alloc(65_536, 'x'), (error) => (error === null || error === undefined ? more() : undefined));
      more();
    }, /more than 1048576 bytes/],
    ['an entity bomb', ({ reply }) => reply.end('<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Envelope>&b;</Envelope>'), /document type or entities/],
    ['nested tags without end', ({ reply }) => reply.end('<a>'.repeat(100_000)), /deeper than 64/],
    ['a web page', ({ reply }) => reply.writeHead(404).end('<html><body>Not Found</body></html>'), /^HTTP 404$/],
    ['another answer', (asked) => send(asked, '<GetUsersResponse/>'), /holds no GetDeviceInformationResponse/],
    ['nothing', ({ reply }) => reply.end(), /not well-formed/],
    ['headers without end', ({ reply }) => reply.socket?.write(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(10_000)}\r\n`), /it is no HTTP/],
    ['interim answers without end', ({ reply }) => reply.socket?.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(5000)), /^more than 8 interim answers$/],
    ['its password', (asked) => sendFault(asked, 'ActionNotSupported', `no ${password.replaceAll('&', '&amp;').replaceAll('<', '&lt;')} here`), /^no \[secret\] here$/],
  ];
  for (const [what, answer, reason] of answers) {
    const far = await serveFarEnd(t, (asked) => (asked.operation === 'GetSystemDateAndTime' ? sendClock(asked, startMs) : answer(asked)));
    const { client, log } = visit(far);
    const error: unknown = await client.device().catch((caught: unknown) => caught);
    t.ok(isSallyportError(error, what === 'its password' ? 'SP_CAMERA_FAULT' : 'SP_CAMERA_ANSWER'), `${what}: ${String(error)}`);
    t.match(isSallyportError(error) ? error.evidence : {}, { camera: 'garden', operation: 'GetDeviceInformation', reason }, what);
    t.notOk(`${wordsOf(error)}${log.join('')}`.includes(password), `${what}: no password`);
  }
});

t.test('interim answers before the one that counts are passed over', async (t) => {
  const far = await serveFarEnd(t, (asked) => {
    asked.reply.writeContinue();
    asked.reply.writeProcessing();
    soundCamera(asked, { cameraMs: startMs });
  });
  const { client } = visit(far);
  t.match(await client.device(), { model: /./ });
});

t.test('a reply that drips is given up at the deadline, and a stop ends it at once', async (t) => {
  const dripped = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  const far = await serveFarEnd(t, ({ reply }) => {
    reply.writeHead(200);
    let count = 0;
    timer = setInterval(() => {
      reply.write(' ');
      if (++count === 5) dripped.resolve();
    }, 5);
  });
  t.teardown(() => clearInterval(timer));
  const { client, clock } = visit(far);
  const asked = client.readClock();
  await dripped.promise;
  clock.pass();
  await t.rejects(asked, { code: 'SP_CAMERA_UNREACHABLE', evidence: { operation: 'GetSystemDateAndTime', reason: 'no whole answer to GetSystemDateAndTime within 10 s' } });
  const stop = new AbortController();
  const stopped = new CameraClient({ camera: 'garden', address: { host: far.host, port: far.port, path: '/' }, user: 'u', password: new Secret('p'), clock: new StillClock(), log: silentLog, signal: stop.signal }).readClock();
  stop.abort();
  await t.rejects(stopped, { code: 'SP_STOPPED' });
});

t.test('lines that end with a bare line feed are read, Latin-1 is decoded', async (t) => {
  const text = '<?xml version="1.0" encoding="ISO-8859-1"?><E:Envelope xmlns:E="e"><E:Body><GetDeviceInformationResponse><Model>Türkamera</Model></GetDeviceInformationResponse></E:Body></E:Envelope>';
  const body = Buffer.from(`\n${text}\0`, 'latin1');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (request) => {
      if (request.includes('GetSystemDateAndTime')) socket.end('HTTP/1.1 401 Unauthorized\nContent-Length: 0\n\n');
      else socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\nContent-Type: text/xml\nContent-Length: ${body.length}\n\n`), body]));
    });
  });
  const host = `${ownNetwork()}.2`;
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(() => server.close());
  const { client } = visit({ host, port: (server.address() as AddressInfo).port });
  t.same(await client.device(), { manufacturer: '', model: 'Türkamera', firmware: '', serial: '', hardware: '' });
});

t.test('nobody there', async (t) => {
  const { client } = visit({ host: `${ownNetwork()}.2`, port: 9 });
  await t.rejects(client.readClock(), { code: 'SP_CAMERA_UNREACHABLE', evidence: { camera: 'garden' } });
});

t.test('only addresses of the local network are adopted', async (t) => {
  for (const host of ['8.8.8.8', '::1', '[fe80::1]', 'a b', '', 'x/y', '-x']) t.throws(() => visit({ host, port: 80 }), { code: 'SP_CAMERA_ADDRESS' }, host);
  const far = await serveFarEnd(t, (asked) => sendClock(asked, startMs));
  t.doesNotThrow(() => visit({ host: 'camera.lan', port: 80 }));
  await t.rejects(visit({ host: 'camera.invalid', port: far.port }).client.readClock(), { code: 'SP_CAMERA_UNREACHABLE' });
});
