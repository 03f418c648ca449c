/** What a camera can do is asked at its adoption, remembered, and told to the page as it is. */
import t from 'tap';
import { camerasOf } from '../../src/api/pagecameras.ts';
import { describeCamera, recallCamera, rememberCamera, secureAdvice, type CameraFacts } from '../../src/duties/adopt.ts';
import { Principal } from '../../src/duties/sessions.ts';
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import type { AccountRow } from '../../src/vault/vault.ts';
import { camera as cameraConfig, hub as hubConfig } from '../policy/configs.ts';
import { oneCamera, until, type Ending, type OneCamera } from './onecamera.ts';

const person = (role: 'owner' | 'guest'): Principal => new Principal({
  id: 'A'.repeat(22), role, name: role, nameKey: role, nickname: '', picture: '', language: '', timeZone: '', spaces: ['home'], names: false, verifier: '', salt: '', memoryKib: 1, passes: 1, madeMs: 0,
} as AccountRow, undefined);

async function shown({ vault, watch }: OneCamera, role: 'owner' | 'guest'): Promise<{ talk: boolean | undefined; ptz: boolean | undefined }> {
  const site = { config: hubConfig(3, [cameraConfig('front')]), cameras: [watch], facts: (camera: string) => recallCamera(vault, camera) };
  const [one] = await camerasOf({ site, isPrivate: () => false }, person(role));
  return { talk: one?.talk, ptz: one?.ptz };
}

async function adopted(t: Ending, emulator: Partial<EmulatorOptions>): Promise<OneCamera> {
  const one = await oneCamera(t, { emulator });
  await until(() => one.watch.status.device !== undefined);
  return one;
}

t.test('one that moves and has a loudspeaker', async (t) => {
  const one = await adopted(t, { ptz: true, talk: ['PCMU'] });
  t.match((await recallCamera(one.vault, 'front'))?.abilities, { ptz: true, talk: true, imaging: true, relays: true });
  t.same(await shown(one, 'owner'), { talk: true, ptz: true });
  t.same(await shown(one, 'guest'), { talk: false, ptz: true }, 'the right is asked too');
  t.equal(one.camera.hearing.taken, false, 'nobody keeps the way to the loudspeaker');
});

t.test('one that has neither', async (t) => {
  const one = await adopted(t, {});
  t.match((await recallCamera(one.vault, 'front'))?.abilities, { ptz: false, talk: false, imaging: true, relays: true });
  t.same(await shown(one, 'owner'), { talk: false, ptz: false });
});

t.test('when it was taken in is remembered through all that comes later', async (t) => {
  const one = await adopted(t, {});
  const first = await recallCamera(one.vault, 'front') as CameraFacts;
  t.ok(Math.abs((first.adoptedMs ?? 0) - Date.now()) < 60_000);
  t.equal(one.watch.status.adoptedMs, first.adoptedMs);
  await rememberCamera(one.vault, 'front', { ...first, readAtMs: first.readAtMs + 86_400_000 });
  t.equal((await recallCamera(one.vault, 'front'))?.adoptedMs, first.adoptedMs);
  t.ok(describeCamera('front', first).some((line) => /^adopted on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(line)));
  const { adoptedMs: _, ...older } = first;
  await one.vault.putSetting('camera/front', older as never);
  await rememberCamera(one.vault, 'front', older);
  t.equal((await recallCamera(one.vault, 'front'))?.adoptedMs, undefined, 'what an older version did not note is not made up');
});

t.test('one that offers HTTPS and is asked without, as somebody wrote by hand, is told of with what to do', { skip: process.getuid?.() !== 0 && 'ports below 1024 need root' }, async (t) => {
  const one = await oneCamera(t, { emulator: { tls: 'also', ports: [{ onvif: 80, rtsp: 554, https: 443 }] } });
  await until(() => one.watch.status.device !== undefined);
  const facts = await recallCamera(one.vault, 'front');
  t.same(facts?.secureOffer, { port: 443, path: '/onvif/device_service' });
  const config = { id: 'front', path: '/onvif/device_service' };
  t.match(secureAdvice({ ...config, secure: false }, facts), /^front is asked by plain HTTP and offers HTTPS: write `https = true`, `port = 443` at its \[\[camera\]\]/);
  t.equal(secureAdvice({ ...config, secure: true }, facts), undefined);
  t.equal(secureAdvice({ ...config, secure: false }, {}), undefined);
});
