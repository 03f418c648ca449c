/** The owner's word that a camera is at another address, by the command line. */
import t, { type Test } from 'tap';
import { connect, createServer, type Socket } from 'node:net';
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

/** A port that a camera has taken over from another: whoever comes to it is let through. */
async function takeOver(t: Test, host: string, port: number, behind: number): Promise<{ visits: () => number; close: () => Promise<void> }> {
  const open = new Set<Socket>();
  let visits = 0;
  const server = createServer((near) => {
    visits++;
    const far = connect({ host, port: behind });
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => { near.destroy(); far.destroy(); });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen({ host, port }, resolve));
  const close = (): Promise<void> => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  t.teardown(close);
  return { visits: () => visits, close };
}

t.test('where another camera of ours is known to stand, nothing is sent or recorded in the name of the one that was there', async (t) => {
  const site = await TestSite.start(t, { emulator: { cameras: 2, discovery: false } });
  const [front, garden] = site.cameras as [EmulatedCamera, EmulatedCamera];
  for (const { name } of [front, garden]) await site.untilRecording(name);
  const { address: home, onvifPort, rtspPort } = front;
  await front.stop();
  await garden.moveTo(home);
  await takeOver(t, home, onvifPort, garden.onvifPort);
  const pictures = await takeOver(t, home, rtspPort, garden.rtspPort);
  // They take the same password, so that one is taken for the other until somebody looks.
  const mistaken = await site.until(({ notices }) => notices.some(({ kind }) => kind === 'camera changed'));
  t.match(mistaken.notices.find(({ kind }) => kind === 'camera changed'), { camera: front.name, text: new RegExp(`serial ${garden.serial} instead of ${front.serial}`) });
  await site.call(['adopt', '--moved', garden.name, '--address', `${home}:${onvifPort}`, '--config', site.config]);
  const report = await site.untilRecording(garden.name);
  t.match(report.cameras.find(({ camera }) => camera === front.name), { online: false, recording: false, state: /is not front-door: it is garden, which has moved there \(SP_CAMERA_OTHER\)/ });
  const visits = pictures.visits();
  for (const order of [['camera', 'info', front.name], ['camera', 'refresh', front.name], ['talk', '--raw', front.name]]) {
    t.match((await site.attempt([...order, '--config', site.config], 'sound')).stderr.toString(), /SP_CAMERA_OTHER/, order.join(' '));
  }
  const { segmentsSealed = 0 } = (await site.status()).cameras.find(({ camera }) => camera === garden.name) ?? {};
  await site.until(({ cameras }) => (cameras.find(({ camera }) => camera === garden.name)?.segmentsSealed ?? 0) > segmentsSealed + 1);
  t.equal(pictures.visits(), visits, 'nobody comes for pictures in its name');

  await front.moveTo(home.replace(/\.2$/, '.12'));
  await site.call(['adopt', '--moved', front.name, '--address', `${front.address}:${front.onvifPort}`, '--config', site.config]);
  const both = await site.untilRecording(front.name);
  t.ok(both.cameras.every(({ recording }) => recording));
  t.equal(both.cameras.find(({ camera }) => camera === front.name)?.device?.serial, front.serial);
  const { gaps } = await site.list();
  t.ok(gaps.some(({ camera, reason }) => camera === front.name && reason === 'camera offline'), JSON.stringify(gaps));
});
