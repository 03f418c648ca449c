import t from 'tap';
import { answerChallenge, parseChallenge } from '../../src/base/digest.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { alterAsQuirksSay } from '../../src/emulator/loss.ts';
import { packetsOf } from '../../src/emulator/hostile.ts';
import { pictureHashes, rtspUrl, RtspClient, startEmulator } from './testkit.ts';

function uriOf(camera: EmulatedCamera, path = '/main'): string {
  return `rtsp://${camera.address}:${camera.rtspPort}${path}`;
}

const tcp = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };

t.test('the password is proven by SHA-256, by MD5, or by either', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const look = (): ReturnType<typeof pictureHashes> => pictureHashes(['-rtsp_transport', 'tcp', '-analyzeduration', '200000', '-t', '0.3', '-i', rtspUrl(camera, '/sub')]);
  camera.quirks.digest = 'both';
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  const offered = (await client.ask('DESCRIBE', uriOf(camera))).challenges;
  t.strictSame(offered.map((challenge) => /algorithm=([\w-]+)/.exec(challenge)?.[1]), ['SHA-256', undefined]);
  for (const challenge of [parseChallenge(offered), parseChallenge(offered.slice(1))]) {
    if (challenge === undefined) throw new Error('no challenge that can be answered');
    const right = { username: camera.user, method: 'DESCRIBE', uri: uriOf(camera), count: 1 };
    t.equal((await client.ask('DESCRIBE', uriOf(camera), { Authorization: answerChallenge(challenge, { ...right, password: camera.password }) })).status, 200, challenge.algorithm);
    t.equal((await client.ask('DESCRIBE', uriOf(camera), { Authorization: answerChallenge(challenge, { ...right, password: 'wrong' }) })).status, 401);
  }
  t.ok((await look()).hashes.length > 0, 'who knows MD5 alone finds it');
  camera.quirks.digest = 'SHA-256';
  t.match((await look()).complaints, /401/);
});

t.test('a camera may refuse everybody, know no stream, and count wrong', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  camera.quirks.refusesAll = true;
  const refused = [await client.askAs(camera, 'DESCRIBE', uriOf(camera)), await client.askAs(camera, 'DESCRIBE', uriOf(camera))];
  t.strictSame(refused.map(({ status }) => status), [401, 401]);
  const nonces = refused.map(({ headers }) => parseChallenge([headers.get('www-authenticate') ?? ''])?.nonce);
  t.not(nonces[0], nonces[1], 'each time another nonce');
  camera.quirks.refusesAll = false;
  camera.quirks.streamsMissing = true;
  t.equal((await client.askAs(camera, 'DESCRIBE', uriOf(camera))).status, 404);
  camera.quirks.streamsMissing = false;
  camera.quirks.wrongCseq = true;
  t.equal((await client.ask('OPTIONS', '*', { CSeq: '77' })).headers.get('cseq'), '78');
});

t.test('tracks are named by whole URLs, or relative to nothing', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1, audio: 'alaw' });
  camera.quirks.absoluteControl = true;
  camera.quirks.noContentBase = true;
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  const described = await client.askAs(camera, 'DESCRIBE', uriOf(camera));
  t.match(described.body, `a=control:${uriOf(camera)}/trackID=1\r\n`);
  t.equal(described.headers.get('content-base'), undefined);
  const look = (): ReturnType<typeof pictureHashes> => pictureHashes(['-rtsp_transport', 'tcp', '-analyzeduration', '200000', '-t', '0.3', '-i', rtspUrl(camera, '/sub')]);
  t.ok((await look()).hashes.length > 0);
  camera.quirks.absoluteControl = false;
  t.ok((await look()).hashes.length > 0);
});

t.test('channels are swapped, and data comes before the answer to PLAY', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  camera.quirks.swapsChannels = true;
  camera.quirks.dataBeforeAnswer = true;
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  const [, setUp, played] = await client.play(camera);
  t.match(setUp?.headers.get('transport'), /interleaved=2-3/);
  t.equal(played?.status, 200);
  t.ok(client.packets.length > 0, 'packets were there before the answer');
  await client.until(() => client.packets.some((packet) => packet[1] === 2));
});

t.test('more viewers than a camera takes are refused, whichever stream they want', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  camera.quirks.sessionsMax = 2;
  const clients = await Promise.all([1, 2, 3].map(() => RtspClient.connect(camera)));
  for (const client of clients) t.teardown(() => client.socket.destroy());
  const [first, second, third] = clients as [RtspClient, RtspClient, RtspClient];
  t.equal((await first.askAs(camera, 'SETUP', `${uriOf(camera)}/trackID=0`, tcp)).status, 200);
  t.equal((await second.askAs(camera, 'SETUP', `${uriOf(camera, '/sub')}/trackID=0`, tcp)).status, 200);
  t.equal((await third.askAs(camera, 'SETUP', `${uriOf(camera)}/trackID=0`, tcp)).status, 453);
  const { session = '' } = { session: (await first.askAs(camera, 'GET_PARAMETER', uriOf(camera))).headers.get('session') ?? '' };
  await first.askAs(camera, 'TEARDOWN', uriOf(camera), { Session: session });
  t.equal((await third.askAs(camera, 'SETUP', `${uriOf(camera)}/trackID=0`, tcp)).status, 200);
});

t.test('who shows no sign of life is hung up on, and reports may not count as one', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  camera.quirks.sessionTimeoutSeconds = 1;
  camera.quirks.onlyRequestsKeepAlive = true;
  const [silent, busy] = [await RtspClient.connect(camera), await RtspClient.connect(camera)];
  t.teardown(() => busy.socket.destroy());
  const [, setUp] = await silent.play(camera);
  t.match(setUp?.headers.get('session'), /;timeout=1$/);
  await busy.play(camera);
  const reports = setInterval(() => silent.socket.write(Buffer.from([0x24, 1, 0, 8, 0x80, 201, 0, 1, 1, 2, 3, 4])), 50);
  const requests = setInterval(() => void busy.ask('OPTIONS', '*').catch(() => {}), 50);
  await silent.until(() => silent.closed);
  clearInterval(reports);
  clearInterval(requests);
  t.notOk(busy.closed, 'who asks stays');
});

t.test('a slow camera answers in order, and whoever left meanwhile leaves nothing behind', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1, talk: ['PCMU'] });
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  camera.quirks.answerDelayMs = 30;
  client.socket.write('OPTIONS * RTSP/1.0\r\nCSeq: 5\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 6\r\n\r\n');
  t.strictSame([(await client.answer()).headers.get('cseq'), (await client.answer()).headers.get('cseq')], ['5', '6']);
  client.socket.write('OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n');
  client.socket.destroy();
  while (camera.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(camera.hearing.taken, false);
});

t.test('as many packets are lost or overtaken as is said, and else none', async (t) => {
  const unit = (sequence: number): Buffer => Buffer.concat([0, 1].map((n) => {
    const packet = Buffer.alloc(20);
    packet.set([0x24, 0, 0, 16, 0x80, 96]);
    packet.writeUInt16BE(sequence + n, 6);
    return packet;
  }));
  const quirks: Parameters<typeof alterAsQuirksSay>[0] = {};
  const alter = alterAsQuirksSay(quirks);
  const pass = (): number[] => Array.from({ length: 500 }, (_, n) => packetsOf(alter(unit(2 * n))).map((packet) => packet.readUInt16BE(6))).flat();
  const whole = Array.from({ length: 1000 }, (_, n) => n);
  t.strictSame(pass(), whole);
  quirks.lossPercent = 20;
  const lossy = pass();
  t.ok(lossy.length > 700 && lossy.length < 900, `${lossy.length} of 1000`);
  t.strictSame(lossy, lossy.toSorted((a, b) => a - b), 'in order');
  quirks.lossPercent = 100;
  t.strictSame(pass(), []);
  quirks.lossPercent = 0;
  quirks.reorderPercent = 20;
  const mixed = pass();
  t.not(mixed.findIndex((sequence, n) => n > 0 && sequence < (mixed[n - 1] as number)), -1);
  quirks.reorderPercent = 0;
  // The one that was held back at the end comes with the next.
  t.strictSame([...mixed, ...packetsOf(alter(unit(1000))).map((packet) => packet.readUInt16BE(6))].toSorted((a, b) => a - b).slice(0, 1000), whole, 'but none is lost');
});
