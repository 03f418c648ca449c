import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import t from 'tap';
import { Ear } from '../../src/emulator/ear.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { RtspClient, startEmulator, type RtspAnswer } from './testkit.ts';

const feature = { Require: 'www.onvif.org/ver20/backchannel' };

function rtp(sequence: number, sound: Buffer, o: { payloadType?: number; ssrc?: number } = {}): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0x8000 | (o.payloadType ?? 0), 0);
  head.writeUInt16BE(sequence & 0xffff, 2);
  head.writeUInt32BE(o.ssrc ?? 7, 8);
  return Buffer.concat([head, sound]);
}

function onChannel(channel: number, packet: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]), packet]);
}

/** Up to PLAY of the loudspeaker's track alone. */
async function beginTalk(camera: EmulatedCamera, client: RtspClient, transport: string): Promise<{ setUp: RtspAnswer; played: RtspAnswer; uri: string; session: string }> {
  const uri = `rtsp://${camera.address}:${camera.rtspPort}/main`;
  const described = await client.askAs(camera, 'DESCRIBE', uri, feature);
  const track = /m=audio 0 RTP\/AVP 0[^]*?a=control:(\S+)\r\na=sendonly/.exec(described.body)?.[1] ?? 'none';
  const setUp = await client.askAs(camera, 'SETUP', `${uri}/${track}`, { ...feature, Transport: transport });
  const session = setUp.headers.get('session')?.split(';')[0] ?? '';
  const played = await client.askAs(camera, 'PLAY', uri, { ...feature, Session: session });
  return { setUp, played, uri, session };
}

/** What was sent before it was heard: the connection answers in order. */
function settled(camera: EmulatedCamera, client: RtspClient, uri: string, session: string): Promise<RtspAnswer> {
  return client.askAs(camera, 'GET_PARAMETER', uri, { ...feature, Session: session });
}

t.test('the loudspeaker is described to nobody but who names the feature', async (t) => {
  const { camera } = await startEmulator(t, { talk: ['PCMU', 'PCMA'], audio: 'aac' });
  const uri = `rtsp://${camera.address}:${camera.rtspPort}/main`;
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  t.notMatch((await client.askAs(camera, 'DESCRIBE', uri)).body, /sendonly/);
  t.equal((await client.askAs(camera, 'SETUP', `${uri}/trackID=2`, { Transport: 'RTP/AVP/TCP;unicast' })).status, 404);
  const described = await client.askAs(camera, 'DESCRIBE', uri, feature);
  t.match(described.body, 'm=audio 0 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=control:trackID=2\r\na=sendonly\r\n');
  t.match(await client.askAs(camera, 'DESCRIBE', uri, { Require: `${feature.Require}, com.example.other` }), { status: 551 });
  camera.quirks.talksUnasked = true;
  t.match((await client.askAs(camera, 'DESCRIBE', uri)).body, /sendonly/);
});

t.test('a camera without a loudspeaker says that it lacks the feature', async (t) => {
  const { camera } = await startEmulator(t);
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  const answer = await client.askAs(camera, 'DESCRIBE', `rtsp://${camera.address}:${camera.rtspPort}/main`, feature);
  t.equal(answer.status, 551);
  t.equal(answer.headers.get('unsupported'), feature.Require);
});

t.test('what a talker sends is heard to the byte, and what is missing is counted', async (t) => {
  const { camera } = await startEmulator(t, { talk: ['PCMU'] });
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  const { setUp, played, uri, session } = await beginTalk(camera, client, 'RTP/AVP/TCP;unicast;interleaved=6-7');
  t.match(setUp.headers.get('transport'), /interleaved=6-7/);
  t.equal(played.status, 200);
  const sound = Array.from({ length: 10 }, () => randomBytes(160));
  for (const [n, piece] of sound.entries()) {
    // The fifth is lost; another channel, another codec and a late one say nothing.
    if (n !== 4) client.socket.write(onChannel(6, rtp(65_530 + n, piece)));
  }
  client.socket.write(Buffer.concat([onChannel(0, rtp(4, randomBytes(160))), onChannel(6, rtp(4, randomBytes(160), { payloadType: 8 })), onChannel(6, rtp(65_530, randomBytes(160)))]));
  t.equal((await settled(camera, client, uri, session)).status, 200);
  t.strictSame(camera.heard(), Buffer.concat(sound.filter((_, n) => n !== 4)));
  t.strictSame(camera.hearing, { taken: true, codec: 'PCMU', packets: 9, lost: 1, refused: 2, forgottenBytes: 0 });
  t.equal((await client.askAs(camera, 'GET_PARAMETER', uri, { Session: session })).status, 400, 'each request of such a session names the feature');
  t.equal((await client.askAs(camera, 'TEARDOWN', uri, { ...feature, Session: session })).status, 200);
  await client.until(() => client.closed);
  t.equal(camera.hearing.taken, false);
});

t.test('one talks at a time, and the next may when the first has gone', async (t) => {
  const { camera } = await startEmulator(t, { talk: ['PCMU'] });
  const [first, second, third] = [await RtspClient.connect(camera), await RtspClient.connect(camera), await RtspClient.connect(camera)];
  for (const client of [first, second, third]) t.teardown(() => client.socket.destroy());
  t.equal((await beginTalk(camera, first, 'RTP/AVP/TCP;unicast')).played.status, 200);
  t.equal((await beginTalk(camera, second, 'RTP/AVP/TCP;unicast')).setUp.status, 453);
  first.socket.destroy();
  while (camera.hearing.taken) await new Promise((resolve) => setImmediate(resolve));
  t.equal((await beginTalk(camera, third, 'RTP/AVP/TCP;unicast')).played.status, 200);
});

t.test('a talker may send datagrams, and watch at the same time', async (t) => {
  const { camera } = await startEmulator(t, { talk: ['PCMU'] });
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  const voice = createSocket('udp4');
  t.teardown(() => voice.close());
  voice.bind(0, '127.0.0.1');
  await once(voice, 'listening');
  const uri = `rtsp://${camera.address}:${camera.rtspPort}/main`;
  await client.askAs(camera, 'SETUP', `${uri}/trackID=0`, { Transport: 'RTP/AVP/TCP;unicast' });
  const { setUp, played } = await beginTalk(camera, client, `RTP/AVP;unicast;client_port=${voice.address().port}-${voice.address().port + 1}`);
  t.equal(played.status, 200);
  const port = Number(/server_port=(\d+)/.exec(setUp.headers.get('transport') ?? '')?.[1]);
  const sound = randomBytes(160);
  voice.send(rtp(1, sound), port, camera.address);
  while (camera.hearing.packets === 0) await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(camera.heard(), sound);
  await client.until(() => client.packets.length > 5);
});

t.test('an ear keeps what is on offer and in order, whatever comes, and never more than five minutes', async (t) => {
  const talker = {};
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (packets) => {
    const ear = new Ear(['PCMA']);
    ear.take(talker);
    for (const packet of packets) ear.hear(talker, Buffer.from(packet));
    const { packets: heard, refused } = ear.hearing;
    return heard + refused === packets.length && ear.heard().length <= packets.reduce((sum, packet) => sum + packet.length, 0);
  }));
  const ear = new Ear(['PCMU']);
  t.ok(ear.take(talker));
  t.notOk(ear.take({}));
  const pieces = Array.from({ length: 1600 }, (_, n) => Buffer.alloc(1600, n));
  for (const [n, piece] of pieces.entries()) ear.hear(talker, rtp(n, piece));
  t.strictSame(ear.heard(), Buffer.concat(pieces.slice(-1500)));
  t.equal(ear.hearing.forgottenBytes, 100 * 1600);
  ear.hear({}, rtp(1600, Buffer.alloc(160)));
  t.equal(ear.hearing.packets, 1600, 'who does not hold it is not heard');
});
