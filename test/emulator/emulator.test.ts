import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { Emulator } from '../../src/emulator/emulator.ts';
import { loadVideo } from '../../src/emulator/scene.ts';
import { ownAddress, pictureHashes, rtspUrl, startEmulator } from './testkit.ts';

// They mostly wait for pictures, so they run side by side.
t.jobs = 4;

t.test('cameras stand on consecutive addresses, each with its name and ports', { buffered: true }, async (t) => {
  const { emulator, camera } = await startEmulator(t, { cameras: 6, seconds: 1, user: 'viewer', password: 'secret' });
  t.strictSame(emulator.cameras.map(({ name }) => name), ['front-door', 'garden', 'garage', 'hall', 'camera-5', 'camera-6']);
  const net = camera.address.replace(/\.2$/, '');
  t.strictSame(emulator.cameras.map(({ address }) => address), [2, 3, 4, 5, 6, 7].map((last) => `${net}.${last}`));
  t.equal(new Set(emulator.cameras.map(({ urn }) => urn)).size, 6);
  t.equal(new Set(emulator.cameras.map(({ serial }) => serial)).size, 6);
  t.ok(emulator.cameras.every(({ onvifPort, rtspPort, user, password }) => onvifPort > 0 && rtspPort > 0 && user === 'viewer' && password === 'secret'));
  t.match(camera.device, { manufacturer: 'Emulated Optics', model: 'EO-720', firmware: '5.10' });
  t.equal(new Set(emulator.cameras.map(({ scenes }) => scenes.main)).size, 3, 'three scenes, shared');
});

t.test('passwords are made at random', { buffered: true }, async (t) => {
  const [first, second] = [await startEmulator(t, { seconds: 1 }), await startEmulator(t, { seconds: 1 })];
  t.match(first.camera.password, /^[\w-]{12}$/);
  t.not(first.camera.password, second.camera.password);
});

t.test('emulators that race for one folder share what was made, and leave nothing behind', { buffered: true }, async (t) => {
  const folder = t.testdir();
  const both = await Promise.all([startEmulator(t, { folder, seconds: 1, audio: 'aac' }), startEmulator(t, { folder, seconds: 1, audio: 'aac' })]);
  t.equal(both[0].camera.scenes.main, both[1].camera.scenes.main);
  const names = await readdir(folder);
  t.equal(names.length, 2, 'a scene and a sound');
  t.notOk(names.some((name) => name.endsWith('.part')));
});

t.test('what cannot be is refused with a reason', { buffered: true }, async (t) => {
  const start = (options: object): Promise<unknown> => Emulator.start({ cameras: 1, firstAddress: ownAddress(), seconds: 1, log: silentLog, folder: t.testdir(), ...options });
  for (const options of [{ firstAddress: '192.168.1.5' }, { firstAddress: '127.0.0.300' }, { firstAddress: '127.5.5.253', cameras: 3 }, { cameras: 0 }, { cameras: 1.5 }, { seconds: 0 }, { clip: '/nowhere.mp4' }]) {
    await t.rejects(start(options), { code: 'SP_EMULATOR' }, JSON.stringify(options));
  }
  await t.rejects(start({ ffmpeg: '/nowhere/ffmpeg' }), { code: 'SP_TOOL_MISSING' });
  const noVideo = `${t.testdir({ 'clip.mp4': '' })}/clip.mp4`;
  await writeFile(noVideo, 'no video at all');
  await t.rejects(start({ clip: noVideo }), { code: 'SP_EMULATOR' });
});

t.test('a clip without B-frames is sent as it is, any other is made fit', { buffered: true }, async (t) => {
  const folder = t.testdir();
  const make = (name: string, encode: readonly string[]): Promise<unknown> =>
    run('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=322x242:r=12:d=2', '-f', 'lavfi', '-i', 'sine=d=2', ...encode, `${folder}/${name}`]);
  await Promise.all([
    make('plain.mp4', ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '6', '-c:a', 'aac']),
    make('-b frames.mkv', ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-an']),
    make('other.avi', ['-c:v', 'mpeg4', '-an']),
  ]);
  const plain = await pictureHashes(['-i', `${folder}/plain.mp4`]);
  await Promise.all(([['plain.mp4', 12, true], ['-b frames.mkv', 15, false], ['other.avi', 15, false]] as const).map(async ([name, fps, same]) => {
    const { camera } = await startEmulator(t, { folder: `${folder}/scenes`, clip: `${folder}/${name}`, seconds: 2, audio: 'alaw' });
    const scene = await pictureHashes(['-i', camera.scenes.main]);
    t.equal(scene.hashes.length, 2 * fps, `${name}: ${fps} pictures a second`);
    t.equal(JSON.stringify(scene.hashes) === JSON.stringify(plain.hashes), same, same ? 'its own pictures' : 'made anew');
    const live = await pictureHashes(['-rtsp_transport', 'tcp', '-t', '3', '-i', rtspUrl(camera, '/main')]);
    t.equal(live.complaints, '');
    const begin = scene.hashes.indexOf(live.hashes[0] as string);
    t.strictSame(live.hashes, live.hashes.map((_, n) => scene.hashes[(begin + n) % scene.hashes.length]));
  }));
});

t.test('a clip that ends before its second key frame would come is shown again until then', { buffered: true }, async (t) => {
  const folder = t.testdir();
  const clip = `${folder}/short.mp4`;
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=322x242:r=15:d=2', '-c:v', 'libx264', '-preset', 'ultrafast', clip]);
  const { camera } = await startEmulator(t, { folder: `${folder}/scenes`, clip, gopSeconds: 5 });
  t.strictSame((await loadVideo(camera.scenes.main)).pictures.map(({ keyFrame }) => keyFrame), Array.from({ length: 75 }, (_, n) => n === 0));
});

const people = new URL('../../../shared/fixtures/video/one-by-one-person-detection.mp4', import.meta.url).pathname;

t.test('a real clip with people is sent', { buffered: true, skip: existsSync(people) ? false : `no ${people}` }, async (t) => {
  const { camera } = await startEmulator(t, { clip: people, seconds: 4 });
  const live = await pictureHashes(['-rtsp_transport', 'tcp', '-t', '1', '-i', rtspUrl(camera, '/main')]);
  t.equal(live.complaints, '');
  t.ok(live.hashes.length > 8);
});
