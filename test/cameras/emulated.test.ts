import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { createLog, silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { CameraClient } from '../../src/cameras/client.ts';
import { discover, type FoundCamera } from '../../src/cameras/discovery.ts';
import { Emulator } from '../../src/emulator/emulator.ts';
import { ownNetwork, wordsOf } from './farend.ts';

/** Made once: what differs between the tests is not the pictures. */
const folder = t.testdir();

async function startThree(t: Test): Promise<{ emulator: Emulator; search: () => Promise<FoundCamera[]> }> {
  const network = ownNetwork();
  const emulator = await Emulator.start({ cameras: 3, firstAddress: `${network}.2`, seconds: 2, log: silentLog, folder });
  t.teardown(() => emulator.close());
  const search = async (): Promise<FoundCamera[]> => {
    const { found } = await discover({ clock: systemClock, log: silentLog, loopback: true, interfaces: ['lo'], durationMs: 1000 });
    return found.filter(({ address }) => address.startsWith(`${network}.`));
  };
  return { emulator, search };
}

t.test('three emulated cameras are found by both sources, keep their ids, and are adopted', async (t) => {
  const { emulator, search } = await startThree(t);
  const found = await search();
  t.same(found.map(({ address, port, urn, sources, adoptable, path }) => ({ address, port, urn, sources, adoptable, path })), emulator.cameras.map((camera) => ({
    address: camera.address, port: camera.onvifPort, urn: camera.urn, sources: ['ws-discovery', 'mdns'], adoptable: true, path: '/onvif/device_service',
  })));
  t.same((await search()).map(({ id }) => id), found.map(({ id }) => id));
  for (const [index, camera] of emulator.cameras.entries()) {
    const place = found[index] as FoundCamera;
    const lines: string[] = [];
    const access = (password: string): CameraClient => new CameraClient({
      camera: camera.name, address: { host: place.address, port: place.port, path: place.path }, user: camera.user, password: new Secret(password),
      clock: systemClock, log: createLog({ level: 'debug', write: (line) => lines.push(line) }),
    });
    const client = access(camera.password);
    t.ok(Math.abs((await client.readClock()).offsetMs) < 2000);
    await client.checkCredentials();
    t.same(await client.device(), camera.device);
    const profiles = await client.profiles();
    t.same(profiles.map(({ streamUri }) => streamUri), [`rtsp://${camera.address}:${camera.rtspPort}/main`, `rtsp://${camera.address}:${camera.rtspPort}/sub`]);
    t.match(profiles[0]?.video, { codec: 'h264', width: 1280, height: 720 });
    t.equal((await client.snapshot(profiles[0]?.snapshotUri ?? '')).subarray(0, 2).toString('hex'), 'ffd8');
    const { wrong } = camera.tries;
    const error: unknown = await access('a-wrong-password').checkCredentials().catch((caught: unknown) => caught);
    t.match(error, { code: 'SP_CAMERA_REFUSED', evidence: { camera: camera.name } });
    t.equal(camera.tries.wrong - wrong, 1, 'in one try');
    t.notMatch(`${wordsOf(error)}${lines.join('')}`, /a-wrong-password/);
    t.notOk(lines.join('').includes(camera.password));
  }
});

t.test('a camera that vanished is not found, and found again when it is back', async (t) => {
  const { emulator, search } = await startThree(t);
  const [first] = emulator.cameras;
  const before = await search();
  await first?.stop();
  t.same((await search()).map(({ id }) => id), before.slice(1).map(({ id }) => id));
  await first?.start();
  t.same((await search()).map(({ id }) => id), before.map(({ id }) => id));
});
