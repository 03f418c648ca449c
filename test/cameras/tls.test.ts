import t, { type Test } from 'tap';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { isSallyportError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { Certificates } from '../../src/cameras/certificates.ts';
import { findSecureAddress } from '../../src/cameras/secureaddress.ts';
import { StreamDoor } from '../../src/cameras/streamdoor.ts';
import { TlsRelay } from '../../src/cameras/tlsrelay.ts';
import { makeCertificate, type Certificate } from '../../src/emulator/certificate.ts';
import { ownNetwork, send, sendClock, sendFault, serveFarEnd, startMs, StillClock, visit, type Asked } from './farend.ts';

const path = '/onvif/device_service';
const deviceAnswer = '<GetDeviceInformationResponse><Manufacturer>M</Manufacturer><Model>X</Model><FirmwareVersion>1</FirmwareVersion><SerialNumber>2</SerialNumber><HardwareId>3</HardwareId></GetDeviceInformationResponse>';

/** As cameras make them: signed by nobody but themselves. */
function selfSigned(): Certificate {
  return makeCertificate({ address: '127.0.0.1', name: 'camera', nowMs: Date.now() });
}

function answer(asked: Asked): void {
  if (asked.operation === 'GetSystemDateAndTime') sendClock(asked, startMs);
  else if (asked.operation === 'GetDeviceInformation') send(asked, deviceAnswer);
  else sendFault(asked, 'ActionNotSupported', 'not implemented', 500);
}

t.test('the certificate that is met at adoption is believed from then on', async (t) => {
  const mine = selfSigned();
  const far = await serveFarEnd(t, answer, mine);
  const learning = new Certificates('garden', undefined);
  t.match(await visit(far, { certificates: learning }).client.device(), { model: 'X' });
  t.same(learning.believed, [mine.fingerprint]);
  const later = new Certificates('garden', learning.believed);
  t.match(await visit(far, { certificates: later }).client.device(), { model: 'X' });
});

t.test('another certificate gets no byte of a request', async (t) => {
  const far = await serveFarEnd(t, answer, selfSigned());
  const { client } = visit(far, { certificates: new Certificates('garden', [selfSigned().fingerprint]) });
  for (const call of [() => client.device(), () => client.readClock(), () => client.snapshot('http://x/snapshot.jpg')]) {
    const error: unknown = await call().catch((thrown: unknown) => thrown);
    t.ok(isSallyportError(error, 'SP_CAMERA_CERTIFICATE'), String(error));
  }
  t.same(far.asked, [], 'nothing was asked');
});

t.test('a camera that is asked by HTTPS is never asked by plain HTTP, whatever it says of its services', async (t) => {
  const plain = await serveFarEnd(t, answer);
  const far = await serveFarEnd(t, (asked) => {
    if (asked.operation === 'GetServices') {
      send(asked, '<GetServicesResponse>' + [['ver10/device/wsdl', path], ['ver20/media/wsdl', '/onvif/media2']]
        .map(([namespace, place]) => `<Service><Namespace>http://www.onvif.org/${namespace}</Namespace><XAddr>http://${plain.host}:${plain.port}${place}</XAddr></Service>`).join('') + '</GetServicesResponse>');
    } else if (asked.operation === 'GetProfiles') send(asked, '<GetProfilesResponse><Profiles token="p"><Name>main</Name></Profiles></GetProfilesResponse>');
    else if (asked.operation === 'GetStreamUri') {
      const secure = asked.body.includes('<Protocol>RTSPS</Protocol>');
      send(asked, `<GetStreamUriResponse><Uri>${secure ? 'rtsps' : 'rtsp'}://192.168.1.9:322/live?a=b</Uri></GetStreamUriResponse>`);
    } else answer(asked);
  }, selfSigned());
  const { client } = visit(far, { certificates: new Certificates('garden', undefined) });
  const profiles = await client.profiles();
  t.match(profiles, [{ streamUri: `rtsps://${far.host}:322/live?a=b` }], 'its stream is asked for by TLS, too');
  t.same(plain.asked, []);
});

t.test('a camera without RTSPS is asked for its plain stream', async (t) => {
  const far = await serveFarEnd(t, (asked) => {
    if (asked.operation === 'GetServices') send(asked, `<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver20/media/wsdl</Namespace><XAddr>https://192.168.1.9:${far.port}/onvif/media2</XAddr></Service></GetServicesResponse>`);
    else if (asked.operation === 'GetProfiles') send(asked, '<GetProfilesResponse><Profiles token="p"><Name>main</Name></Profiles></GetProfilesResponse>');
    else if (asked.operation === 'GetStreamUri' && asked.body.includes('RTSPS')) sendFault(asked, 'InvalidArgVal', 'no such protocol');
    else if (asked.operation === 'GetStreamUri') send(asked, '<GetStreamUriResponse><Uri>rtsp://192.168.1.9/live</Uri></GetStreamUriResponse>');
    else answer(asked);
  }, selfSigned());
  const { client } = visit(far, { certificates: new Certificates('garden', undefined) });
  t.match(await client.profiles(), [{ streamUri: `rtsp://${far.host}/live` }]);
});

t.test('where a camera has ONVIF by HTTPS is found out without a word that is secret', async (t) => {
  const clock = new StillClock();
  const secure = await serveFarEnd(t, answer, selfSigned());
  const page = await serveFarEnd(t, ({ reply }) => reply.end('<html><body>Login</body></html>'), selfSigned());
  const plain = await serveFarEnd(t, answer);
  const find = (far: { host: string; port: number }, xaddrs: string[] = []) => findSecureAddress({ camera: 'garden', address: { host: far.host, port: far.port, path }, xaddrs, clock });
  t.same(await find(secure), { host: secure.host, port: secure.port, path, secure: true });
  t.same(await find({ host: secure.host, port: 80 }, [`http://${secure.host}/x`, `https://${secure.host}:${secure.port}/onvif/other`]), { host: secure.host, port: secure.port, path: '/onvif/other', secure: true });
  t.equal(await find(page), undefined, 'a login page is no ONVIF');
  t.equal(await find(plain), undefined, 'plain HTTP is no TLS');
  t.equal(await find({ host: secure.host, port: 80 }), undefined, 'nobody there');
  t.notMatch(JSON.stringify(secure.asked.map(({ headers, body }) => [headers, body])), /UsernameToken|authorization/i);
});

t.test('a camera that lets a TLS handshake hang does not hold up its adoption', async (t) => {
  const clock = new StillClock();
  const host = `${ownNetwork()}.2`;
  const { createServer: createPlain } = await import('node:net');
  const mute = createPlain(() => clock.pass());
  await new Promise<void>((resolve) => mute.listen(0, host, resolve));
  t.teardown(() => mute.close());
  t.equal(await findSecureAddress({ camera: 'garden', address: { host, port: (mute.address() as AddressInfo).port, path }, xaddrs: [], clock }), undefined);
});

/** An RTSPS camera that says what it hears back. */
async function serveEcho(t: Test, certificate: Certificate): Promise<{ host: string; port: number; heard: () => string }> {
  const host = `${ownNetwork()}.2`;
  let heard = '';
  const server = createServer({ key: certificate.key, cert: certificate.cert }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      heard += data.toString('latin1');
      socket.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(() => server.close());
  return { host, port: (server.address() as AddressInfo).port, heard: () => heard };
}

async function through(url: string, text: string): Promise<string> {
  const socket: Socket = connect({ host: '127.0.0.1', port: Number(URL.parse(url)?.port) });
  socket.on('error', () => {});
  socket.write(text);
  let back = '';
  socket.on('data', (data: Buffer) => {
    back += data.toString('latin1');
    if (back.length >= text.length) socket.destroy();
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return back;
}

t.test('RTSPS reaches ffmpeg through a port of loopback, byte for byte', async (t) => {
  const mine = selfSigned();
  const camera = await serveEcho(t, mine);
  const door = new StreamDoor({ camera: 'garden', uri: `rtsps://${camera.host}:${camera.port}/live?x=1`, user: 'me', password: new Secret('p@ss'), certificates: new Certificates('garden', [mine.fingerprint]) });
  t.teardown(() => door.close());
  const url = (await door.url()).reveal();
  t.match(url, /^rtsp:\/\/me:p%40ss@127\.0\.0\.1:\d+\/live\?x=1$/);
  const text = 'x'.repeat(300_000);
  t.equal(await through(url, text), text);
  t.equal((await door.url()).reveal(), url, 'the same port for the next try');
});

t.test('a camera with another certificate hears nothing of what ffmpeg would say, and the door says why', async (t) => {
  const camera = await serveEcho(t, selfSigned());
  const certificates = new Certificates('garden', [selfSigned().fingerprint]);
  const door = new StreamDoor({ camera: 'garden', uri: `rtsps://${camera.host}:${camera.port}/live`, user: 'me', password: new Secret('p'), certificates });
  t.teardown(() => door.close());
  await t.rejects(door.url(), { code: 'SP_CAMERA_CERTIFICATE' });
  // Also one that connects all the same, or had the address before the certificate changed.
  const relay = await TlsRelay.open({ camera: 'garden', host: camera.host, port: camera.port, certificates });
  t.teardown(() => relay.close());
  t.equal(await through(`rtsp://127.0.0.1:${relay.port}/`, 'DESCRIBE'), '');
  t.equal(camera.heard(), '');
});

t.test('a plain stream needs no relay', async (t) => {
  const door = new StreamDoor({ camera: 'garden', uri: 'rtsp://127.0.0.9:8554/live', user: 'me', password: new Secret('p'), certificates: new Certificates('garden', []) });
  t.equal((await door.url()).reveal(), 'rtsp://me:p@127.0.0.9:8554/live');
  await door.close();
});
