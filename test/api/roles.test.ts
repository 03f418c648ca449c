/** What the pages ask for each role is answered, and tells nothing of a space that is not one's own. */
import t from 'tap';
import { camerasOf } from '../../src/api/pagecameras.ts';
import { SallyportError } from '../../src/base/errors.ts';
import { Principal } from '../../src/duties/sessions.ts';
import type { CameraStatus, Watched } from '../../src/duties/watch.ts';
import type { AccountRow } from '../../src/vault/vault.ts';
import { camera as cameraConfig, hub as hubConfig } from '../policy/configs.ts';
import { configText, joinAs, makeOwner, startPage } from './pagekit.ts';

/** By src/web/pages and src/web/settings: what is read there without being asked to. */
const everybody = ['hello', 'me', 'cameras', 'owner', 'sessions'];
const asked: Record<string, readonly string[]> = {
  member: [...everybody, 'timeline?camera=front&fromMs=0&toMs=1000', 'audit', 'egress', 'openapi.json'],
  guest: [...everybody, 'openapi.json'],
};

t.test('a member and a guest get what their pages show, and no word of another space', async (t) => {
  // Names that stand nowhere by chance.
  const site = await startPage(t, { config: configText().replaceAll('garden', 'quarryhill').replaceAll('127.9.9.2', '127.9.9.77') });
  const owner = await makeOwner(site);
  await owner.browser.must('POST', 'secret', { camera: 'quarryhill', password: 'p' });
  await owner.browser.must('POST', 'privacy', { space: 'quarryhill', on: true });
  await joinAs(site, owner.browser, 'member', ['quarryhill'], 'Quentin Quarryman');
  t.match((await owner.browser.get('cameras')).bytes.toString(), /quarryhill/, 'the owner sees it');
  for (const [role, paths] of Object.entries(asked)) {
    const { browser } = await joinAs(site, owner.browser, role, ['home']);
    for (const path of paths) {
      const { status, bytes } = await browser.get(path);
      t.equal(status, 200, `${role}: ${path}`);
      t.notMatch(bytes.toString(), /quarryhill|Quarryman|127\.9\.9\.77/, `${role}: ${path}`);
    }
    const { cameras } = await browser.must<{ cameras: { camera: string; recording: boolean; online: boolean; state: string; keepMs: number }[] }>('GET', 'cameras');
    t.match(cameras, [{ camera: 'front', recording: false, online: false, state: String, keepMs: Number }], 'how one\'s own cameras are');
    t.equal((await browser.get('status')).code, 'SP_PAGE_RIGHT');
  }
});

t.test('the signed list is for who opens footage: it names all spaces', async (t) => {
  const site = await startPage(t);
  const owner = await makeOwner(site);
  for (const [role, spaces, gets] of [['member', ['home'], true], ['member', [], false], ['guest', ['home'], false], ['installer', ['home'], false]] as const) {
    const { browser } = await joinAs(site, owner.browser, role, spaces, `${role} ${spaces.length}`);
    const { text, earlier } = await browser.must<{ text?: string; earlier: string[] }>('GET', 'owner');
    t.equal(text !== undefined, gets, `${role} of ${spaces.join()}`);
    t.same(earlier, []);
  }
});

t.test('a camera in whose place another one stands names that one to who looks after the site only', async (t) => {
  const problem = new SallyportError('SP_CAMERA_OTHER', { camera: 'front', address: '10.0.0.1:80', reason: 'it is quarryhill, which has moved there' });
  const watch = { status: { camera: 'front', online: false, sinceMs: 0, state: `${problem.message} (${problem.code})`, recording: false } as CameraStatus } as Watched;
  const site = { config: hubConfig(3, [cameraConfig('front')]), cameras: [watch], facts: async () => undefined };
  const stateFor = async (role: 'owner' | 'member' | 'guest' | 'installer'): Promise<string | undefined> => (await camerasOf({ site, isPrivate: () => false }, new Principal({ id: 'x', role, spaces: ['home'] } as unknown as AccountRow, undefined)))[0]?.state;
  for (const role of ['owner', 'installer'] as const) t.match(await stateFor(role), /quarryhill/, role);
  for (const role of ['member', 'guest'] as const) t.equal(await stateFor(role), 'another camera answers where this one was', role);
});
