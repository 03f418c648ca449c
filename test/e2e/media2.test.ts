/** Cameras of profile T that have left the older media service behind: all that a camera does goes by Media2 alone. */
import t from 'tap';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import type { ReplyOf } from '../../src/api/contract.ts';
import { TestSite } from './site.ts';

t.test('a camera with Media2 alone is found, adopted, recorded in H.265, observed and set', async (t) => {
  const site = await TestSite.start(t, { emulator: { makes: ['profile-t'], codec: 'h265', seconds: 2, discovery: true, ptz: true }, adopt: false });
  const [camera] = site.cameras as [EmulatedCamera];
  const { found } = await site.json<{ found: { id: string; address: string; adoptable: boolean }[] }>(['discover', '--seconds', '2', '--config', site.config]);
  const place = found.find(({ address }) => address === camera.address);
  t.equal(place?.adoptable, true);
  t.match(await site.call(['adopt', place?.id ?? 'none', '--user', camera.user, '--as', camera.name, '--config', site.config], `${camera.password}\n`), camera.serial);
  await site.untilSealed(2);
  const tell = (...args: string[]) => site.call(['camera', ...args, '--config', site.config]);
  t.match(await tell('info', camera.name), /main stream: H\.265 1280x720/);

  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working');
  camera.raise('person', true);
  camera.raise('person', false);
  const observed = async (): Promise<string[]> => (await site.json<ReplyOf<'observations'>>(['list', '--observations', '--config', site.config])).observations.map(({ kind }) => kind);
  let seen: string[] = [];
  while (!seen.includes('person')) seen = await observed();

  // The camera makes its two seconds of pictures anew before it answers.
  t.match(await tell('codec', camera.name, 'h264'), /main stream: H\.264/);
  t.match(await tell('gop', camera.name, '2'), /is asked for a key frame each 30 pictures, which is 2 s/);
  t.match(await tell('move', camera.name, '--pan', '0.5', '--for', '0.1'), /stands still/);
  t.match(await tell('imaging', camera.name, '--brightness', '10'), /brightness 10/);
  await site.until(({ cameras }) => cameras[0]?.recording === true);
  t.equal(await site.stop(), 0);
  t.match(await site.call(['verify', '--config', site.config]), /all whole/);
});
