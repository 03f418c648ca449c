import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { run } from '../../src/base/spawn.ts';
import { Certificates } from '../../src/cameras/certificates.ts';
import { muLawToALaw } from '../../src/cameras/g711.ts';
import { controlUri, parseRtsp, readLoudspeaker } from '../../src/cameras/rtspanswer.ts';
import { Strays } from '../../src/cameras/strays.ts';
import { Talk, packetSamples } from '../../src/cameras/talk.ts';
import { Emulator, type EmulatedCamera, type EmulatorOptions } from '../../src/emulator/emulator.ts';
import { ownNetwork } from './farend.ts';

async function emulate(test: { teardown(end: () => unknown): unknown }, more: Partial<EmulatorOptions>): Promise<EmulatedCamera> {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: `${ownNetwork()}.2`, seconds: 2, log: silentLog, discovery: false, ...more });
  test.teardown(() => emulator.close());
  return emulator.cameras[0] as EmulatedCamera;
}

function talkTo(camera: EmulatedCamera, o: { password?: string; uri?: string; certificates?: Certificates; signal?: AbortSignal } = {}): Promise<Talk> {
  return Talk.open({
    camera: 'garden', uri: o.uri ?? `rtsp://${camera.address}:${camera.rtspPort}/main`, user: camera.user, password: new Secret(o.password ?? camera.password),
    certificates: o.certificates ?? new Certificates('garden', undefined), clock: systemClock, ...(o.signal === undefined ? {} : { signal: o.signal }),
  });
}

const speech = Buffer.from(Array.from({ length: packetSamples * 25 }, (_, index) => (index * 7) & 0xff));

async function say(talk: Talk, sound: Buffer): Promise<void> {
  for (let at = 0; at < sound.length; at += packetSamples) talk.send(sound.subarray(at, at + packetSamples));
  await talk.close();
}

t.test('what is said arrives at the loudspeaker, sample for sample, and the way is free afterwards', async (t) => {
  const camera = await emulate(t, { talk: ['PCMU', 'PCMA'] });
  const talk = await talkTo(camera);
  t.equal(talk.codec, 'PCMU');
  t.equal(camera.hearing.taken, true);
  await say(talk, speech);
  t.ok(camera.heard().equals(speech));
  t.match(camera.hearing, { taken: false, lost: 0, refused: 0, packets: 25 });
  await say(await talkTo(camera), speech);
  t.equal(camera.heard().length, 2 * speech.length, 'again');
});

t.test('a loudspeaker that takes A-law alone gets A-law', async (t) => {
  const camera = await emulate(t, { talk: ['PCMA'] });
  await say(await talkTo(camera), speech);
  t.ok(camera.heard().equals(muLawToALaw(speech)));
});

t.test('by RTSPS it goes to the camera whose certificate is known, and to nobody else', async (t) => {
  const camera = await emulate(t, { talk: ['PCMU'], tls: 'only' });
  const uri = `rtsps://${camera.address}:${camera.rtspsPort}/main`;
  await say(await talkTo(camera, { uri, certificates: new Certificates('garden', [camera.fingerprint ?? '']) }), speech);
  t.ok(camera.heard().equals(speech));
  camera.renewCertificate();
  await t.rejects(talkTo(camera, { uri, certificates: new Certificates('garden', ['ab']) }), { code: 'SP_CAMERA_CERTIFICATE' });
  t.equal(camera.heard().length, speech.length);
});

t.test('refusals are told apart', async (t) => {
  const camera = await emulate(t, { talk: ['PCMU'] });
  const first = await talkTo(camera);
  await t.rejects(talkTo(camera), { code: 'SP_CAMERA_FAULT', message: /somebody else is talking/ });
  await first.close();
  await t.rejects(talkTo(camera, { password: 'wrong' }), { code: 'SP_CAMERA_REFUSED' });
  const mute = await emulate(t, {});
  await t.rejects(talkTo(mute), { code: 'SP_CAMERA_FAULT', message: /it has no loudspeaker/ });
  await camera.stop();
  await t.rejects(talkTo(camera), { code: 'SP_CAMERA_UNREACHABLE' });
});

t.test('a camera that goes away ends the talk with an error, and a signal without one of the camera\'s', async (t) => {
  const camera = await emulate(t, { talk: ['PCMU'] });
  const talk = await talkTo(camera);
  await camera.stop();
  for (let tries = 0; tries < 100; tries++) {
    try {
      talk.send(speech.subarray(0, packetSamples));
    } catch (error) {
      t.match(error, { code: 'SP_CAMERA_UNREACHABLE' });
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await talk.close();
  await camera.start();
  await t.rejects(talkTo(camera, { signal: AbortSignal.abort() }), { code: 'SP_STOPPED' });
});

t.test('mu-law becomes the A-law that ffmpeg makes of it, to a step of quantisation', async (t) => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const judge = await run('ffmpeg', ['-loglevel', 'error', '-f', 'mulaw', '-ar', '8000', '-ac', '1', '-i', 'pipe:0', '-f', 'alaw', 'pipe:1'], { input: all, timeoutMs: 20_000 });
  const level = (byte: number): number => ((byte ^ 0x55) & 0x80 ? 1 : -1) * (((byte ^ 0x55) & 0x7f) + 1);
  const ours = muLawToALaw(all);
  t.equal(judge.stdout.length, 256);
  t.ok(ours.every((byte, index) => Math.abs(level(byte) - level(judge.stdout[index] ?? 0)) <= 1));
});

const answer = (head: string, body = ''): Buffer => Buffer.from(`${head}\r\n${body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`}\r\n${body}`);

t.test('RTSP answers, and what stands between them', async (t) => {
  const whole = answer('RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: A\r\nPublic: B', 'v=0');
  for (let cut = 0; cut < whole.length; cut++) t.equal(parseRtsp(whole.subarray(0, cut)), undefined);
  const parsed = parseRtsp(Buffer.concat([whole, whole]));
  t.match(parsed, { bytes: whole.length, answer: { status: 200, reason: 'OK', body: 'v=0' } });
  t.same(parsed?.answer?.headers.get('public'), ['A', 'B']);
  t.match(parseRtsp(Buffer.from([0x24, 1, 0, 2, 9, 9, 7])), { bytes: 6, answer: undefined }, 'pictures are passed over');
  t.match(parseRtsp(answer('OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 9')), { answer: undefined }, 'a question of the camera');
  t.throws(() => parseRtsp(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')), /no RTSP/);
  t.throws(() => parseRtsp(Buffer.alloc(20_000, 'x')), /RTSP/);
  t.throws(() => parseRtsp(answer('RTSP/1.0 200 OK\r\nContent-Length: 99999999')), /body/);
  t.throws(() => parseRtsp(answer('RTSP/1.0 200 OK\r\nContent-Length: -1')), /body/);
});

t.test('the loudspeaker of an SDP', async (t) => {
  const media = (line: string, ...more: string[]): string => [`m=${line}`, ...more, ''].join('\r\n');
  const head = 'v=0\r\no=- 0 0 IN IP4 0\r\ns=x\r\n';
  const video = media('video 0 RTP/AVP 96', 'a=control:track1', 'a=recvonly');
  t.same(readLoudspeaker(head + video + media('audio 0 RTP/AVP 97 0', 'a=rtpmap:97 MPEG4-GENERIC/16000', 'a=control:back', 'a=sendonly')),
    { loudspeaker: { control: 'back', codec: 'PCMU', payloadType: 0 }, others: ['MPEG4-GENERIC/16000'] });
  t.match(readLoudspeaker(head + media('audio 0 RTP/AVP 100', 'a=rtpmap:100 pcma/8000/1', 'a=sendonly', 'a=control:rtsp://x/y')), { loudspeaker: { codec: 'PCMA', payloadType: 100 } });
  t.same(readLoudspeaker(head + media('audio 0 RTP/AVP 0', 'a=control:mic', 'a=recvonly')), { loudspeaker: undefined, others: [] }, 'a microphone is none');
  t.same(readLoudspeaker(head + media('audio 0 RTP/AVP 0', 'a=rtpmap:0 PCMU/16000', 'a=control:x', 'a=sendonly')), { loudspeaker: undefined, others: ['PCMU/16000'] });
  t.same(readLoudspeaker(''), { loudspeaker: undefined, others: [] });
  t.equal(controlUri('track3', 'rtsp://a/b'), 'rtsp://a/b/track3');
  t.equal(controlUri('track3', 'rtsp://a/b/'), 'rtsp://a/b/track3');
  t.equal(controlUri('rtsp://c/d', 'rtsp://a/b/'), 'rtsp://c/d');
  t.equal(controlUri('*', 'rtsp://a/b/'), 'rtsp://a/b/');
});

t.test('what a camera sends unasked has a bound, and each second is a new one', async (t) => {
  let nowMs = 0;
  const strays = new Strays(() => nowMs);
  const untilRefused = (kind: 'packet' | 'text', bytes: number): number => {
    for (let count = 0; count < 100_000; count++) if (strays.take(kind, bytes) !== undefined) return count;
    return Infinity;
  };
  t.equal(untilRefused('text', 100), 20);
  t.equal(untilRefused('packet', 0), 4096);
  t.match(strays.take('text', 1), /nobody asked for/);
  nowMs += 1000;
  t.equal(untilRefused('packet', 65_536), 64);
  t.equal(untilRefused('text', 16_000), 20);
});
