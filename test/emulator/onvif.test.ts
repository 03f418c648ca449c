import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import fc from 'fast-check';
import t from 'tap';
import { answerChallenge, parseChallenge } from '../../src/base/digest.ts';
import { run } from '../../src/base/spawn.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { allServices } from '../../src/emulator/onvif/services.ts';
import { postSoap, securityHeader, startEmulator } from './testkit.ts';

/** The part of the npm client `onvif` that is used here as a foreign judge. */
interface ForeignCam {
  connect(done: (error: Error | null) => void): void;
  getProfiles(done: (error: Error | null, profiles: unknown) => void): void;
  getStreamUri(options: { protocol: string; profileToken: string }, done: (error: Error | null, answer: { uri: string }) => void): void;
  getSnapshotUri(options: { profileToken: string }, done: (error: Error | null, answer: { uri: string }) => void): void;
  getDeviceInformation(done: (error: Error | null, answer: unknown) => void): void;
  getUsers(done: (error: Error | null, answer: unknown) => void): void;
}
const { Cam } = createRequire(import.meta.url)('onvif') as { Cam: new (options: object) => ForeignCam };

function foreign(camera: EmulatedCamera, password = camera.password): ForeignCam {
  return new Cam({ hostname: camera.address, port: camera.onvifPort, username: camera.user, password, autoconnect: false, timeout: 5000 });
}

function ask<T>(call: (done: (error: Error | null, answer?: T) => void) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => call((error, answer) => (error === null || error === undefined ? resolve(answer) : reject(error))));
}

t.test('a foreign client finds its way to the streams', async (t) => {
  const { camera } = await startEmulator(t, { audio: 'aac' });
  const cam = foreign(camera);
  await ask((done) => cam.connect(done));
  t.match(await ask((done) => cam.getDeviceInformation(done)), { manufacturer: 'Emulated Optics', model: 'EO-720' });
  t.match(await ask((done) => cam.getProfiles(done)), [
    { $: { token: 'profile_main' }, videoEncoderConfiguration: { $: { GovLength: 15 }, encoding: 'H264', resolution: { width: 1280, height: 720 } }, audioEncoderConfiguration: { encoding: 'MP4A-LATM', sampleRate: 16 } },
    { $: { token: 'profile_sub' }, videoEncoderConfiguration: { resolution: { width: 640, height: 360 } } },
  ]);
  for (const [token, path] of [['profile_main', '/main'], ['profile_sub', '/sub']] as const) {
    const { uri } = await ask<{ uri: string }>((done) => cam.getStreamUri({ protocol: 'RTSP', profileToken: token }, done)) as { uri: string };
    t.equal(uri, `rtsp://${camera.address}:${camera.rtspPort}${path}`);
  }
  const snapshot = await ask<{ uri: string }>((done) => cam.getSnapshotUri({ profileToken: 'profile_sub' }, done)) as { uri: string };
  t.equal(snapshot.uri, `http://${camera.address}:${camera.onvifPort}/onvif/snapshot/sub.jpg`);
  const stranger = foreign(camera, 'wrong');
  // Its connect looks at open operations only, and so succeeds.
  await ask((done) => stranger.connect(done));
  await t.rejects(ask((done) => stranger.getUsers(done)), /user name or password is wrong/);
});

t.test('text stays text: version 5.10 and the zeros before a serial number', async (t) => {
  const { camera } = await startEmulator(t);
  const { text } = await postSoap(camera, '<GetDeviceInformation xmlns="http://www.onvif.org/ver10/device/wsdl"/>', { header: securityHeader(camera) });
  t.match(text, '<tds:FirmwareVersion>5.10</tds:FirmwareVersion>');
  t.match(text, `<tds:SerialNumber>${camera.serial}</tds:SerialNumber>`);
  t.match(camera.serial, /^00012345\d{12}$/);
});

t.test('what is open before authentication is open, nothing else', async (t) => {
  const { camera } = await startEmulator(t, { ptz: true });
  const open = new Set(['GetSystemDateAndTime', 'GetServices', 'GetServiceCapabilities', 'GetCapabilities', 'GetHostname', 'GetWsdlUrl', 'GetEndpointReference']);
  for (const service of allServices) {
    for (const name of service.operations.keys()) {
      const { status, text, challenge } = await postSoap(camera, `<${name} xmlns="${service.namespace}"/>`, { service: service.name });
      t.equal(status, open.has(name) ? 200 : 401, name);
      if (status === 401) t.match([text, challenge], [/ter:NotAuthorized/, /^Digest .*qop="auth"/]);
    }
  }
  t.match(await postSoap(camera, '<DeleteEverything/>'), { status: 401 }, 'what does not exist is not told to strangers');
  t.match(await postSoap(camera, '<DeleteEverything/>', { header: securityHeader(camera) }), { status: 500, text: /ter:ActionNotSupported/ });
});

t.test('a token counts once, for five seconds, and with the right password', async (t) => {
  const { camera } = await startEmulator(t);
  const users = (header: string): Promise<{ status: number; text: string }> => postSoap(camera, '<GetUsers/>', { header });
  const refused = { status: 400, text: /ter:NotAuthorized/ };
  const good = securityHeader(camera);
  t.match(await users(good), { status: 200, text: /<tt:Username>admin</ });
  t.match(await users(good), refused, 'replayed');
  t.match(await users(securityHeader(camera, { password: 'wrong' })), refused, 'wrong password');
  t.same(camera.tries, { right: 2, wrong: 1 }, 'what a lock-out would go by');
  t.match(await users(securityHeader(camera, { createdMs: Date.now() - 10_000 })), refused, 'clock ten seconds slow');
  t.match(await users(securityHeader(camera, { createdMs: Date.now() + 10_000 })), refused, 'clock ten seconds fast');
  t.match(await users(securityHeader(camera, { nonce: Buffer.alloc(0) })), refused, 'no nonce');
  t.match(await users(securityHeader(camera).replace('#PasswordDigest', '#PasswordText')), refused, 'password in clear');
  t.match(await users(securityHeader(camera).replace('<Created', '<Created x="1"').replace(/Z<\/Created>/, 'Q</Created>')), refused, 'a date that is none');
  camera.quirks.clockOffsetMs = -3_600_000;
  t.match(await users(securityHeader(camera)), refused, 'the camera\'s clock is the one that counts');
  t.match(await users(securityHeader(camera, { createdMs: Date.now() - 3_600_000 })), { status: 200 });
  camera.quirks.clockOffsetMs = 0;
  camera.setPassword('"<ä>&');
  t.match(await users(securityHeader(camera)), { status: 200 }, 'a changed password, not ASCII');
});

t.test('HTTP Digest opens services and snapshots, each counter once', async (t) => {
  const { camera } = await startEmulator(t);
  const { status, challenge } = await postSoap(camera, '<GetUsers/>');
  t.equal(status, 401);
  const parsed = parseChallenge([challenge ?? '']);
  if (parsed === undefined) throw new Error('no challenge');
  const answer = (count: number, o: { password?: string; method?: string; uri?: string } = {}): string =>
    answerChallenge(parsed, { username: camera.user, password: camera.password, method: 'POST', uri: '/onvif/device_service', count, ...o });
  const first = answer(1);
  t.match(await postSoap(camera, '<GetUsers/>', { authorization: first }), { status: 200 });
  t.match(await postSoap(camera, '<GetUsers/>', { authorization: first }), { status: 401 }, 'replayed');
  t.match(await postSoap(camera, '<GetUsers/>', { authorization: answer(2) }), { status: 200 });
  t.match(await postSoap(camera, '<GetUsers/>', { authorization: answer(3, { password: 'wrong' }) }), { status: 401, text: /NotAuthorized/ });
  t.match(await postSoap(camera, '<GetUsers/>', { authorization: answer(4, { uri: '/elsewhere' }) }), { status: 401 });
  t.match(await postSoap(camera, '<GetUsers/>', { authorization: answer(5), header: securityHeader(camera, { password: 'wrong' }) }), { status: 400 }, 'both given, both must be right');
  for (const [stream, width] of [['main', 1280], ['sub', 640]] as const) {
    const path = `/onvif/snapshot/${stream}.jpg`;
    const url = `http://${camera.address}:${camera.onvifPort}${path}`;
    t.equal((await fetch(url)).status, 401);
    const response = await fetch(url, { headers: { Authorization: answer(stream === 'main' ? 6 : 7, { method: 'GET', uri: path }) } });
    t.equal(response.headers.get('content-type'), 'image/jpeg');
    const probed = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width', '-of', 'csv=p=0', '-'], { input: Buffer.from(await response.arrayBuffer()) });
    t.equal(probed.stdout.toString('utf8').trim(), `mjpeg,${width}`);
  }
});

t.test('wrong questions get the standard\'s faults', async (t) => {
  const { camera } = await startEmulator(t);
  const media = (body: string): Promise<{ status: number; text: string }> => postSoap(camera, body, { service: 'media', header: securityHeader(camera) });
  t.match(await media('<GetProfile><ProfileToken>nobody</ProfileToken></GetProfile>'), { status: 400, text: /ter:InvalidArgVal<.*ter:NoProfile</ });
  t.match(await media('<GetStreamUri><StreamSetup><Stream>RTP-Multicast</Stream></StreamSetup><ProfileToken>profile_main</ProfileToken></GetStreamUri>'), { status: 400, text: /InvalidStreamSetup/ });
  t.match(await media('<GetVideoEncoderConfiguration/>'), { status: 400, text: /ter:NoConfig/ });
  t.match(await postSoap(camera, '<GetCapabilities><Category>PTZ</Category></GetCapabilities>'), { status: 500, text: /ter:NoSuchService/ });
  t.match(await media('<GetScopes/>'), { status: 200 }, 'the device service answers on the other path too');
});

t.test('no bytes end the camera', async (t) => {
  const { camera } = await startEmulator(t);
  const url = `http://${camera.address}:${camera.onvifPort}/onvif/device_service`;
  const deep = '<a>'.repeat(500) + '</a>'.repeat(500);
  for (const body of ['', '<', '<a/>', deep, '<!DOCTYPE x [<!ENTITY y "z">]><Envelope><Body>&y;</Body></Envelope>', '<Envelope><Body/></Envelope>', '<Envelope><Body><__proto__/></Body></Envelope>', randomBytes(5000)]) {
    const response = await fetch(url, { method: 'POST', body });
    t.ok([400, 401].includes(response.status), `${response.status}`);
    t.match(await response.text(), '<env:Fault>');
  }
  t.equal((await fetch(url, { method: 'POST', body: 'x'.repeat(300_000) })).status, 413);
  t.equal((await fetch(url, { method: 'DELETE' })).status, 404);
  for (const bytes of [randomBytes(2000), Buffer.from('POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n'), Buffer.from(`GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`)]) {
    const socket = connect(camera.onvifPort, camera.address);
    socket.on('error', () => {});
    await new Promise((resolve) => {
      socket.on('close', resolve);
      socket.resume();
      socket.end(bytes);
    });
  }
  await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom('<', '>', '/', 'Envelope', 'Header', 'Body', 'Security', 'UsernameToken', 'Nonce', 'GetProfile', '&amp;', '&#0;', ' x="', '"', '\u0000'), { maxLength: 30 }), async (pieces) => {
    const response = await fetch(url, { method: 'POST', body: pieces.join('') });
    await response.arrayBuffer();
    return response.status >= 400 && response.status < 500;
  }), { numRuns: 50 });
  t.match(await postSoap(camera, '<GetSystemDateAndTime/>'), { status: 200 });
});
