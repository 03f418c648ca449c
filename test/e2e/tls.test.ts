/** HTTPS and RTSPS, from adoption to footage, and what happens when the certificate is another one. */
import t from 'tap';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { TestSite } from './site.ts';

t.test('a camera that has TLS is asked and recorded by it, and another certificate stops all that until the owner trusts it', async (t) => {
  const site = await TestSite.start(t, { emulator: { tls: 'only' }, adopt: false });
  const [camera] = site.cameras as [EmulatedCamera];
  const said = await site.call(['adopt', '--address', `${camera.address}:${camera.httpsPort}`, '--user', camera.user, '--as', camera.name, '--config', site.config], `${camera.password}\n`);
  t.match(said, /encrypted on its way/);
  t.match(said, /its certificate is remembered/);
  await site.until(({ cameras }) => cameras[0]?.recording === true && cameras[0].segmentsSealed > 0);

  camera.renewCertificate();
  await camera.stop();
  await camera.start();
  const away = await site.until(({ cameras }) => cameras[0]?.state.includes('another certificate') === true);
  t.match(away.cameras[0]?.state, /front-door shows another certificate, so nothing is sent to it, tried again in/);
  t.match(away.notices.map(({ kind, camera: about }) => [kind, about]), [['certificate changed', 'front-door']]);
  t.equal(camera.connections, 0);

  t.match(await site.call(['camera', 'trust', camera.name, '--config', site.config]), /its certificate is remembered/);
  const back = await site.until(({ cameras, notices }) => cameras[0]?.recording === true && !notices.some(({ kind }) => kind === 'certificate changed'));
  t.equal(back.cameras[0]?.online, true);
  const { gaps } = await site.list();
  t.ok(gaps.some(({ reason }) => reason === 'certificate changed'), JSON.stringify(gaps));
});

t.test('a camera that has TLS beside plain HTTP is adopted by TLS, whichever address was named', async (t) => {
  const site = await TestSite.start(t, { emulator: { tls: 'also', discovery: true }, adopt: false });
  const [camera] = site.cameras as [EmulatedCamera];
  const found = await site.json<{ found: { id: string; address: string }[] }>(['discover', '--seconds', '2', '--config', site.config]);
  const id = found.found.find(({ address }) => address === camera.address)?.id ?? 'none';
  await site.call(['adopt', id, '--user', camera.user, '--as', camera.name, '--config', site.config], `${camera.password}\n`);
  await site.until(({ cameras }) => cameras[0]?.recording === true);
  const again = await site.json<{ found: { address: string; adoptedAs?: string }[] }>(['discover', '--seconds', '2', '--config', site.config]);
  t.equal(again.found.find(({ address }) => address === camera.address)?.adoptedAs, camera.name, 'discover knows that it is adopted');
});
