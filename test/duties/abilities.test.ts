/** What a camera can do is asked at its adoption, remembered, and told to the page as it is. */
import t from 'tap';
import { camerasOf } from '../../src/api/pagecameras.ts';
import { recallCamera } from '../../src/duties/adopt.ts';
import { Principal } from '../../src/duties/sessions.ts';
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import type { AccountRow } from '../../src/vault/vault.ts';
import { camera as cameraConfig, hub as hubConfig } from '../policy/configs.ts';
import { oneCamera, until, type Ending, type OneCamera } from './onecamera.ts';

const person = (role: 'owner' | 'guest'): Principal => new Principal({
  id: 'A'.repeat(22), role, name: role, nameKey: role, nickname: '', picture: '', language: '', timeZone: '', spaces: ['home'], verifier: '', salt: '', memoryKib: 1, passes: 1, madeMs: 0,
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
