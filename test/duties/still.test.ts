import t, { type Test } from 'tap';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { Certificates } from '../../src/cameras/certificates.ts';
import { CameraClient } from '../../src/cameras/client.ts';
import { StillDuty } from '../../src/duties/still.ts';
import { Emulator, type EmulatedCamera, type EmulatorOptions } from '../../src/emulator/emulator.ts';
import { ownNetwork, serveFarEnd, StillClock, type Asked } from '../cameras/farend.ts';

type Access = Awaited<ReturnType<ConstructorParameters<typeof StillDuty>[0]['site']['stillAccessTo']>>;

function dutyFor(t: Test, stillAccessTo: (camera: string) => Promise<Access>, clock: Clock = systemClock): StillDuty {
  const duty = new StillDuty({ site: { stillAccessTo }, clock, log: silentLog });
  t.teardown(() => duty.close());
  return duty;
}

async function emulate(t: Test, more: Partial<EmulatorOptions>): Promise<{ camera: EmulatedCamera; access: Access }> {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: `${ownNetwork()}.2`, seconds: 2, log: silentLog, discovery: false, ...more });
  t.teardown(() => emulator.close());
  const camera = emulator.cameras[0] as EmulatedCamera;
  const secure = more.tls === 'only';
  const certificates = new Certificates(camera.name, camera.fingerprint === undefined ? [] : [camera.fingerprint]);
  const address = { host: camera.address, port: secure ? camera.httpsPort : camera.onvifPort, path: '/onvif/device_service', secure };
  const asked = { camera: camera.name, address, user: camera.user, password: new Secret(camera.password), certificates };
  const [main] = await new CameraClient({ ...asked, clock: systemClock, log: silentLog }).profiles();
  return { camera, access: { ...asked, uri: main?.snapshotUri ?? 'none' } };
}

for (const [what, more] of [['by Digest', {}], ['by HTTPS', { tls: 'only' }], ['by its address alone', { makes: ['camhi'] }]] as const) {
  t.test(`a camera's picture, asked for ${what}`, async (t) => {
    const { access, camera } = await emulate(t, more);
    const jpeg = await dutyFor(t, async () => access).still(camera.name);
    t.equal(jpeg.subarray(0, 3).toString('hex'), 'ffd8ff');
    t.equal(jpeg.subarray(-2).toString('hex'), 'ffd9', 'whole');
    t.ok(jpeg.length > 1000);
  });
}

/** A camera whose answers a test gives; the password is never asked for, unless `answer` does. */
async function farEnd(t: Test, answer: (asked: Asked) => void, clock: Clock = systemClock) {
  const far = await serveFarEnd(t, answer);
  const access = (password: string): Access => ({
    camera: 'garden', address: { host: far.host, port: far.port, path: '/' }, user: 'u', password: new Secret(password), certificates: new Certificates('garden', []), uri: `http://${far.host}:${far.port}/shot.jpg`,
  });
  const state = { password: 'first' };
  return { far, state, duty: dutyFor(t, async () => access(state.password), clock) };
}

const smallest = Buffer.from('ffd8ffd9', 'hex');

t.test('those who look at the same time see the same picture, and the next one sees a new one', async (t) => {
  const { far, duty } = await farEnd(t, ({ reply }) => reply.end(smallest));
  const [one, two] = await Promise.all([duty.still('garden'), duty.still('garden')]);
  t.equal(one, two);
  t.equal(far.asked.length, 1);
  await duty.still('garden');
  t.equal(far.asked.length, 2);
});

t.test('a password that was refused is not sent again for five minutes, and a new one at once', async (t) => {
  const clock = new StillClock();
  const { far, state, duty } = await farEnd(t, ({ reply }) => reply.writeHead(401, { 'WWW-Authenticate': 'Digest realm="x", nonce="n", qop="auth"' }).end(), clock);
  await t.rejects(duty.still('garden'), { code: 'SP_CAMERA_REFUSED' });
  const asked = far.asked.length;
  await t.rejects(duty.still('garden'), { code: 'SP_CAMERA_REFUSED' });
  t.equal(far.asked.length, asked, 'nobody was asked');
  state.password = 'second';
  await t.rejects(duty.still('garden'), { code: 'SP_CAMERA_REFUSED' });
  t.equal(far.asked.length, 2 * asked);
  clock.nowMs += 5 * 60_000;
  await t.rejects(duty.still('garden'), { code: 'SP_CAMERA_REFUSED' });
  t.equal(far.asked.length, 3 * asked);
});

t.test('what is no picture, is too large or does not come is an error that names the camera', async (t) => {
  const answers: readonly (readonly [what: string, answer: (asked: Asked) => void, reason: RegExp])[] = [
    ['a page', ({ reply }) => reply.end('<html><script>'), /no JPEG picture/],
    ['a PNG', ({ reply }) => reply.end(Buffer.from('89504e470d0a1a0a', 'hex')), /no JPEG picture/],
    ['half of the beginning', ({ reply }) => reply.end(Buffer.from('ffd8', 'hex')), /no JPEG picture/],
    ['nothing', ({ reply }) => reply.end(), /no JPEG picture/],
    ['too much', ({ reply }) => reply.end(Buffer.concat([smallest, Buffer.alloc(8 * 2 ** 20)])), /more than 8388608 bytes/],
    ['an error', ({ reply }) => reply.writeHead(503).end(), /HTTP 503/],
  ];
  for (const [what, answer, reason] of answers) {
    const { duty } = await farEnd(t, answer);
    await t.rejects(duty.still('garden'), { code: 'SP_CAMERA_ANSWER', message: reason, evidence: { camera: 'garden' } }, what);
  }
});

t.test('a silent camera is given up after ten seconds, and at once when the hub stops', async (t) => {
  const clock = new StillClock();
  let came: () => void = () => {};
  const { duty } = await farEnd(t, () => came(), clock);
  const arrival = (): Promise<void> => new Promise((resolve) => { came = resolve; });
  let arrived = arrival();
  const first = duty.still('garden').catch((error: unknown) => error);
  await arrived;
  clock.pass(10_000);
  t.match(await first, { code: 'SP_CAMERA_UNREACHABLE' });
  arrived = arrival();
  const second = duty.still('garden').catch((error: unknown) => error);
  await arrived;
  await duty.close();
  t.match(await second, { code: 'SP_STOPPED' });
});

t.test('a camera without pictures says so', async (t) => {
  const duty = dutyFor(t, async (camera) => { throw new SallyportError('SP_CAMERA_FAULT', { camera, operation: 'a snapshot', reason: 'it offers none' }); });
  await t.rejects(duty.still('garden'), { code: 'SP_CAMERA_FAULT' });
});
