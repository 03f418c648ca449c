/** HTTPS and RTSPS, from adoption to footage, and what happens when the certificate is another one. */
import t, { type Test } from 'tap';
import { once } from 'node:events';
import { createServer } from 'node:tls';
import { makeCertificate } from '../../src/emulator/certificate.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { TestSite } from './site.ts';

/** Takes a camera's place with a certificate of its own, and keeps whatever comes through it. */
async function impostor(t: Test, address: string, port: number): Promise<{ heard: () => string; visits: (count: number) => Promise<void>; close: () => Promise<void> }> {
  let heard = '';
  let visits = 0;
  const server = createServer(makeCertificate({ address, name: 'impostor', nowMs: Date.now() }), (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => { heard += data.toString('latin1'); });
  });
  server.on('connection', () => visits++);
  server.listen({ host: address, port });
  await once(server, 'listening');
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  t.teardown(close);
  return {
    heard: () => heard,
    visits: async (count) => {
      while (visits < count) await once(server, 'connection');
    },
    close,
  };
}

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

t.test('events come by HTTPS too, and whoever shows another certificate is asked for none', async (t) => {
  const site = await TestSite.start(t, { emulator: { tls: 'only' }, adopt: false });
  const [camera] = site.cameras as [EmulatedCamera];
  await site.call(['adopt', '--address', `${camera.address}:${camera.httpsPort}`, '--user', camera.user, '--as', camera.name, '--config', site.config], `${camera.password}\n`);
  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working' && cameras[0].recording);
  camera.raise('motion', true);
  await site.until(({ cameras }) => (cameras[0]?.events?.observed['motion'] ?? 0) > 0);
  camera.raise('motion', false);
  const observed = await site.json<{ observations: { kind: string; toMs?: number }[] }>(['list', '--observations', '--config', site.config]);
  t.ok(observed.observations.length > 0 && observed.observations.every(({ kind }) => kind === 'motion'), JSON.stringify(observed));

  const { address, httpsPort, rtspsPort } = camera;
  await camera.stop();
  const [web, stream] = [await impostor(t, address, httpsPort), await impostor(t, address, rtspsPort)];
  const away = await site.until(({ cameras }) => cameras[0]?.events?.words.includes('another certificate') === true && cameras[0].state.includes('another certificate'));
  t.match(away.cameras[0]?.events?.words, /another certificate/);
  await Promise.all([web.visits(3), stream.visits(2)]);
  t.equal(web.heard() + stream.heard(), '', 'not one byte');

  await Promise.all([web.close(), stream.close()]);
  await camera.start();
  t.same([camera.httpsPort, camera.rtspsPort], [httpsPort, rtspsPort], 'the camera itself is back');
  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working');
  const before = await site.status();
  camera.raise('motion', true);
  await site.until(({ cameras }) => (cameras[0]?.events?.observed['motion'] ?? 0) > (before.cameras[0]?.events?.observed['motion'] ?? 0));
});
