/** The owner's word that a camera is at another address, by the command line. */
import t from 'tap';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { claimToBe } from './impostor.ts';
import { TestSite } from './site.ts';

t.test('a camera that cannot prove who it is is watched at its new address when the owner says so, and only if its serial number fits', async (t) => {
  // None of them answers to a search, so that the hub follows nobody by itself.
  const site = await TestSite.start(t, { emulator: { cameras: 2, discovery: false }, adopt: false });
  const [camera, other] = site.cameras as [EmulatedCamera, EmulatedCamera];
  await site.adopt(camera);
  await site.untilRecording(camera.name);
  const moved = (...more: string[]) => site.attempt(['adopt', '--moved', camera.name, '--config', site.config, ...more]);

  const away = camera.address.replace(/\.2$/, '.9');
  await camera.moveTo(away);
  await site.until(({ cameras }) => cameras[0]?.online === false);
  t.match((await moved()).stderr.toString(), /SP_CAMERA_NOT_SEEN.*adopt --moved CAMERA --address HOST/s);
  t.match((await moved('--address', `${other.address}:${other.onvifPort}`)).stderr.toString(), /SP_CAMERA_OTHER.*its serial number is/s);
  const anew = await site.attempt(['adopt', '--address', `${away}:${camera.onvifPort}`, '--user', camera.user, '--as', 'new-door', '--config', site.config], `${camera.password}\n`);
  t.match(anew.stderr.toString(), new RegExp(`SP_CAMERA_ELSEWHERE: what answers at ${away} is ${camera.name}, which is adopted at .*${camera.serial}.*sallyport adopt --moved ${camera.name} --address ${away}`, 's'));
  t.match((await moved('--address', away, '--user', 'x')).stderr.toString(), /SP_USAGE/);

  t.comment('it is heard, and does not say its hardware address');
  const voice = await claimToBe(t, { address: away, port: camera.onvifPort, urn: camera.urn });
  t.match(await site.call(['discover', '--seconds', '1', '--config', site.config]), new RegExp(`${away}:.*says it is ${camera.name}, adopted at .*; if it has moved: sallyport adopt --moved ${camera.name}`));
  const told = await site.until(({ notices }) => notices.some(({ kind }) => kind === 'camera found elsewhere'));
  t.match(told.notices.find(({ kind }) => kind === 'camera found elsewhere')?.todo, /sallyport adopt --moved/);
  t.equal(camera.connections, 0, 'and nothing was sent to it');
  const taken = await moved();
  t.equal(taken.status, 0, taken.stderr);
  t.match(taken.stdout.toString(), new RegExp(`^${camera.name} is watched at its new address\n.*${camera.serial}`));
  const there = await site.untilRecording(camera.name);
  t.same(there.notices.map(({ kind }) => kind), ['camera moved']);
  await voice.close();

  t.comment('it goes on, to where only the owner knows');
  const further = camera.address.replace(/\.9$/, '.12');
  await camera.moveTo(further);
  await site.until(({ cameras }) => cameras[0]?.online === false);
  t.match(await site.json<object>(['adopt', '--moved', camera.name, '--address', further, '--config', site.config]), { camera: camera.name });
  const again = await site.untilRecording(camera.name);
  t.match(again.notices, [{ kind: 'camera moved', text: new RegExp(`now ${further.replaceAll('.', '\\.')}`) }]);

  t.comment('and stays there over a restart');
  await site.stop();
  await site.startHub();
  await site.untilRecording(camera.name);
});
