import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { interleaved } from '../../src/emulator/delivery.ts';
import { LiveFeed } from '../../src/emulator/feed.ts';
import { videoTrack } from '../../src/emulator/rtp.ts';
import { RtspParser, RtspSyntaxError } from '../../src/emulator/rtspmessage.ts';
import { RtspSession } from '../../src/emulator/rtspsession.ts';
import { pictureHashes, rtspUrl, RtspClient, startEmulator } from './testkit.ts';

t.test('the conversation keeps to the standard', async (t) => {
  const { camera } = await startEmulator(t, { audio: 'aac' });
  const uri = `rtsp://${camera.address}:${camera.rtspPort}/main`;
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  const options = await client.ask('OPTIONS', uri);
  t.match(options.headers.get('public'), /DESCRIBE, SETUP, PLAY/);
  t.equal((await client.ask('DESCRIBE', uri)).status, 401);
  t.equal((await client.ask('RECORD', uri)).status, 405);
  t.equal((await client.askAs(camera, 'DESCRIBE', uri.replace('main', 'other'))).status, 404);
  t.equal((await client.askAs(camera, 'PLAY', uri, { Session: 'none' })).status, 454);
  t.match(await client.ask('SETUP', uri, { Require: 'www.onvif.org/ver20/backchannel' }), { status: 551 });
  const described = await client.askAs(camera, 'DESCRIBE', uri, { Accept: 'application/sdp' });
  t.match(described.body, /m=video 0 RTP\/AVP 96\r\na=rtpmap:96 H264\/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42C0[0-9A-F]{2};sprop-parameter-sets=/);
  t.match(described.body, /m=audio 0 RTP\/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC\/16000\/1\r\n.*mode=AAC-hbr.*config=1408/);
  t.equal(described.headers.get('content-base'), `${uri}/`);
  t.equal((await client.askAs(camera, 'SETUP', `${uri}/trackID=0`, { Transport: 'RTP/AVP;multicast;client_port=5000-5001' })).status, 461);
  t.equal((await client.askAs(camera, 'SETUP', `${uri}/trackID=7`, { Transport: 'RTP/AVP/TCP;interleaved=0-1' })).status, 404);
  const setUp = await client.askAs(camera, 'SETUP', `${uri}/trackID=0`, { Transport: 'RTP/AVP;client_port=1-2,RTP/AVP/TCP;unicast;interleaved=4-5' });
  t.match(setUp.headers.get('transport'), /interleaved=4-5/);
  t.match(setUp.headers.get('session'), /^[0-9A-F]{16};timeout=60$/);
  const session = setUp.headers.get('session')?.split(';')[0] ?? '';
  const sound = await client.askAs(camera, 'SETUP', `${uri}/trackID=1`, { Transport: 'RTP/AVP/TCP;unicast', Session: session });
  t.match(sound.headers.get('transport'), /interleaved=0-1/);
  const played = await client.askAs(camera, 'PLAY', uri, { Session: session });
  const info = /trackID=0;seq=(\d+);rtptime=(\d+)/.exec(played.headers.get('rtp-info') ?? '');
  await client.until(() => client.packets.some((packet) => packet[1] === 4) && client.packets.some((packet) => packet[1] === 0));
  const first = client.packets.find((packet) => packet[1] === 4) as Buffer;
  t.strictSame([first.readUInt16BE(6), first.readUInt32BE(8)], [Number(info?.[1]), Number(info?.[2])], 'the first packet is the promised one');
  t.strictSame(client.packets.slice(0, 2).map((packet) => [packet[1], packet[5]]), [[5, 200], [1, 200]], 'sender reports came before it');
  t.match(await client.askAs(camera, 'GET_PARAMETER', uri, { Session: session }), { status: 200 });
  // A receiver report from the viewer is no request.
  client.socket.write(Buffer.from([0x24, 5, 0, 8, 0x80, 201, 0, 1, 1, 2, 3, 4]));
  t.match(await client.askAs(camera, 'SET_PARAMETER', uri, { Session: session }), { status: 200 });
  t.equal((await client.askAs(camera, 'TEARDOWN', uri, { Session: session })).status, 200);
  await client.until(() => client.closed);
});

t.test('RTP runs without a hole, and the timestamps go on across the loop point', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  await client.play(camera, '/sub');
  await client.until(() => client.packets.filter((packet) => packet[1] === 0 && ((packet[5] as number) & 0x80) !== 0).length >= 25);
  const packets = client.packets.filter((packet) => packet[1] === 0);
  t.notOk(packets.some((packet, n) => n > 0 && packet.readUInt16BE(6) !== (((packets[n - 1] as Buffer).readUInt16BE(6) + 1) & 0xffff)), 'each sequence number follows its predecessor');
  const times = [...new Set(packets.map((packet) => packet.readUInt32BE(8)))];
  t.strictSame(new Set(times.slice(1).map((time, n) => (time - (times[n] as number) + 2 ** 32) % 2 ** 32)), new Set([9000]), 'a tenth of a second each');
});

t.test('the key frame that PLAY promised comes, although it fell due while the answer was written', async (t) => {
  const picture = (keyFrame: boolean): { keyFrame: boolean; nals: Buffer[] } => ({ keyFrame, nals: [Buffer.of(keyFrame ? 0x65 : 0x41, 0x80)] });
  const track = videoTrack({
    kind: 'video', codec: 'h264', vps: [], width: 16, height: 16,
    sps: [Buffer.of(0x67, 66, 0xc0, 30)], pps: [Buffer.of(0x68, 0x80)],
    pictures: [picture(true), picture(false), picture(false), picture(false)],
    timing: { timescale: 1000, deltas: [100, 100, 100, 100], offsets: [] },
  });
  let monotonicMs = 395;
  const feed = new LiveFeed({ tracks: [track], clock: { ...systemClock, monotonicMs: () => monotonicMs }, startWallMs: 0, startMonotonicMs: 0 });
  const sent: Buffer[] = [];
  const session = new RtspSession({ feed, path: '/main' });
  session.setup(0, interleaved(0, (bytes) => sent.push(bytes)));
  const [promised] = session.cue();
  monotonicMs = 610;
  session.play();
  t.teardown(() => session.close());
  const packets = sent.filter((bytes) => bytes[1] === 0);
  t.equal(packets[0]?.readUInt32BE(8), promised?.rtpTime, 'the first is the promised one');
  t.equal((packets[0]?.[16] as number) & 0x1f, 7, 'and a key frame with its parameter sets');
  t.strictSame(packets.map((bytes) => (bytes.readUInt32BE(8) - (promised?.rtpTime as number) + 2 ** 32) % 2 ** 32), [0, 9000, 18_000], 'all that were due by then');
});

t.test('no bytes end the camera', async (t) => {
  const { camera } = await startEmulator(t);
  const strange = [
    randomBytes(5000), Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), Buffer.from('DESCRIBE\r\n\r\n'), Buffer.from('OPTIONS * RTSP/1.0\r\n\r\n'),
    Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: -1\r\n\r\n'), Buffer.from(`OPTIONS * RTSP/1.0\r\nX: ${'a'.repeat(100_000)}`), Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n'),
    Buffer.from('$\x00\xff'), Buffer.alloc(70_000, 0x24), Buffer.from('DESCRIBE rtsp://[::::/%ff%00/../main RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Digest =,="\r\n\r\n'), Buffer.from('\r\n'.repeat(50_000)),
  ];
  for (const bytes of strange) {
    const client = await RtspClient.connect(camera);
    client.socket.end(bytes);
    await client.until(() => client.closed);
  }
  t.ok((await pictureHashes(['-rtsp_transport', 'tcp', '-analyzeduration', '200000', '-t', '0.5', '-i', rtspUrl(camera, '/sub')])).hashes.length > 0);
  const [client] = [await RtspClient.connect(camera)];
  client.socket.write('NONSENSE\r\n\r\n');
  t.equal((await client.answer()).status, 400);
  await client.until(() => client.closed);
});

t.test('requests are read the same however they are cut into pieces', async () => {
  const bytes = Buffer.concat([
    Buffer.from('\r\nOPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nabcde'), Buffer.from([0x24, 1, 0, 3, 0x0d, 0x0a, 0x24]),
    Buffer.from('SETUP rtsp://a/b RTSP/1.0\r\ncseq:2\r\nCSeq: 3\r\n\r\n'),
  ]);
  fc.assert(fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    const parser = new RtspParser();
    const arrived = edges.slice(1).flatMap((edge, n) => parser.push(bytes.subarray(edges[n], edge)));
    const told = arrived.map((one) => 'payload' in one ? `${one.channel} ${one.payload.toString('hex')}` : `${one.method} ${one.uri} ${one.headers.get('cseq')}`);
    return told.join() === 'OPTIONS * 1,1 0d0a24,SETUP rtsp://a/b 2';
  }));
});

t.test('any bytes are requests or a syntax error', async () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.uint8Array(), fc.constantFrom(...['OPTIONS', ' ', '*', ' RTSP/1.0', '\r\n', ':', '$'].map((text) => Buffer.from(text))))), (pieces) => {
    const parser = new RtspParser();
    try {
      for (const piece of pieces) parser.push(Buffer.from(piece));
    } catch (error) {
      return error instanceof RtspSyntaxError;
    }
    return true;
  }));
});

t.test('a viewer who asks and never reads is dropped', async (t) => {
  const { camera } = await startEmulator(t);
  const client = await RtspClient.connect(camera);
  client.socket.pause();
  const flood = Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(2000));
  while (!client.socket.destroyed && camera.connections > 0) {
    client.socket.write(flood);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(camera.connections, 0);
  client.socket.destroy();
});
