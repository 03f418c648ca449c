/** A camera that changes its address, and one that only says that it is the camera. */
import t, { type Test } from 'tap';
import { createServer } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatusReport } from '../../src/api/contract.ts';
import { claimToBe } from '../e2e/impostor.ts';
import { TestSite } from '../e2e/site.ts';

function noticesOf(report: StatusReport): string[] {
  return report.notices.map(({ kind }) => kind);
}

t.test('a camera that moved is found again by who it is, and recording goes on within a minute', async (t) => {
  const site = await TestSite.start(t, { emulator: { discovery: true } });
  const camera = site.cameras[0]!;
  await site.untilSealed(1);
  const before = camera.address;
  const after = before.replace(/\.2$/, '.9');
  const movedMs = Date.now();
  await camera.moveTo(after);
  const report = await site.until((report) => noticesOf(report).includes('camera moved') && report.cameras[0]?.recording === true);
  const seconds = (Date.now() - movedMs) / 1000;
  t.comment(`recording again ${seconds.toFixed(1)} s after the move`);
  t.ok(seconds < 60, `${seconds.toFixed(1)} s`);
  t.match(report.notices, [{ kind: 'camera moved', camera: camera.name, text: new RegExp(`now ${after.replaceAll('.', '\\.')}, configured ${before.replaceAll('.', '\\.')}`) }]);
  const { gaps } = await site.list();
  t.ok(gaps.some(({ stream, reason, toMs }) => stream === 'main' && reason === 'camera offline' && toMs > movedMs), JSON.stringify(gaps));
  const sealed = report.cameras[0]?.segmentsSealed ?? 0;
  await site.until((report) => (report.cameras[0]?.segmentsSealed ?? 0) > sealed);
  t.match(await site.call(['discover', '--config', site.config]), new RegExp(`${after.replaceAll('.', '\\.')}:.*adopted as ${camera.name}`));

  t.comment('it is remembered over a restart');
  await site.stop();
  await site.startHub();
  const again = await site.until((report) => (report.cameras[0]?.segmentsSealed ?? 0) >= 1);
  t.same(noticesOf(again), ['camera moved']);

  t.comment('and it may come home');
  await camera.moveTo(before);
  await site.until((report) => report.cameras[0]?.recording === true && !noticesOf(report).includes('camera moved'));
  t.equal(await site.stop(), 0);
  t.match(await site.call(['verify', '--config', site.config]), /all whole/);
});

/** Says that it is the camera, and notes whatever is sent to it. */
async function impostor(t: Test, address: string, urn: string): Promise<{ heard: string[]; probes: () => number; close: () => Promise<void> }> {
  const heard: string[] = [];
  const web = createHttpServer((request, reply) => {
    heard.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    request.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    reply.writeHead(401, { 'WWW-Authenticate': 'Digest realm="x", nonce="abc", qop="auth"' }).end();
  });
  const rtsp = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk.toString());
      socket.end('RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => web.listen(0, address, resolve));
  await new Promise<void>((resolve) => rtsp.listen(0, address, resolve));
  const port = (web.address() as { port: number }).port;
  const voice = await claimToBe(t, { address, port, urn, hardware: '66:66:66:66:66:66' });
  const close = async (): Promise<void> => {
    await voice.close();
    web.closeAllConnections();
    for (const server of [web, rtsp]) await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  t.teardown(() => {
    web.closeAllConnections();
    for (const server of [web, rtsp]) server.close();
  });
  return { heard, probes: voice.probes, close };
}

t.test('who only says that it is the camera is told of and gets nothing, until the owner says so', async (t) => {
  const site = await TestSite.start(t, { emulator: { discovery: true } });
  const camera = site.cameras[0]!;
  await site.untilSealed(1);
  const address = camera.address.replace(/\.2$/, '.9');
  const liar = await impostor(t, address, camera.urn);
  await camera.stop();
  const report = await site.until((report) => noticesOf(report).includes('camera found elsewhere'));
  t.match(report.notices.find(({ kind }) => kind === 'camera found elsewhere')?.text, new RegExp(`${address.replaceAll('.', '\\.')}: its hardware address is 66:66:66:66:66:66, and not 02:00:7f`));
  const probes = liar.probes();
  // It is judged again and again, and never spoken to otherwise.
  while (liar.probes() < probes + 3) await delay(200);
  t.same(liar.heard, [], 'not one byte');
  t.notOk((await site.status()).cameras[0]?.online);
  await liar.close();

  t.comment('the camera itself comes up elsewhere');
  await camera.moveTo(camera.address.replace(/\.2$/, '.12'));
  const back = await site.until((report) => report.cameras[0]?.recording === true);
  t.same(noticesOf(back), ['camera moved']);

  t.comment('the owner may say where it is');
  const wrong = await site.attempt(['adopt', '--moved', camera.name, '--config', site.config]);
  t.match(wrong.stderr.toString(), /SP_CAMERA_NOT_SEEN/);
});

t.test('a camera with a remembered certificate is followed by it, and another certificate gets no password', async (t) => {
  const site = await TestSite.start(t, { emulator: { discovery: true, tls: 'only' }, adopt: false });
  const camera = site.cameras[0]!;
  const [home, away] = [camera.address, camera.address.replace(/\.2$/, '.9')];
  await site.call(['adopt', '--address', `${home}:${camera.httpsPort}`, '--user', camera.user, '--as', camera.name, '--config', site.config], `${camera.password}\n`);
  await site.untilSealed(1);
  await camera.moveTo(away);
  t.same(noticesOf(await site.until((report) => noticesOf(report).length > 0 && report.cameras[0]?.recording === true)), ['camera moved']);

  await camera.stop();
  camera.renewCertificate();
  await camera.moveTo(home);
  const report = await site.until((report) => noticesOf(report).includes('camera found elsewhere'));
  t.match(report.notices.find(({ kind }) => kind === 'camera found elsewhere')?.text, /another certificate/);
  t.notOk(report.cameras[0]?.online);
});
