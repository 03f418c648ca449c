import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { probeStream } from '../../src/capture/probe.ts';
import { Emulator, type EmulatedCamera } from '../../src/emulator/emulator.ts';
import { cseq, falseCamera } from './falsecamera.ts';

const subnet = `127.${10 + Math.floor(Math.random() * 240)}.${10 + Math.floor(Math.random() * 240)}`;
const password = 'p@ss#1';

let emulator: Emulator;
t.before(async () => {
  emulator = await Emulator.start({ cameras: 3, firstAddress: `${subnet}.2`, password, audio: ['none', 'aac', 'alaw'], seconds: 4, log: silentLog, discovery: false });
});

function camera(index: number): EmulatedCamera {
  const found = emulator.cameras[index];
  if (found === undefined) throw new Error('no such camera');
  return found;
}

function urlOf(of: EmulatedCamera, stream: 'main' | 'sub' = 'sub', pass = password): Secret {
  return new Secret(`rtsp://${of.user}:${encodeURIComponent(pass)}@${of.address}:${of.rtspPort}/${stream}`);
}

t.test('a probe says what a camera sends', async (t) => {
  const probe = (url: Secret, timeoutMs = 20_000): Promise<unknown> => probeStream({ ffprobe: 'ffprobe', camera: 'gate', url, timeoutMs });
  for (const [index, audio] of [[0, undefined], [1, { codec: 'aac' }], [2, { codec: 'pcm_alaw' }]] as const) {
    t.match(await probe(urlOf(camera(index))), { video: { codec: 'h264', width: Number, height: Number, fps: Number }, audio }, String(audio?.codec));
  }
  await t.rejects(probe(urlOf(camera(0), 'sub', 'wrong')), { code: 'SP_CAMERA_REFUSED' });
  await t.rejects(probe(new Secret(`rtsp://a:hunter2@${subnet}.201:1/x`)), { code: 'SP_CAMERA_UNREACHABLE', evidence: { address: `${subnet}.201:1`, reason: /refused/ } });
  const silent = await falseCamera(t, subnet, () => {});
  await t.rejects(probe(await silent.url(), 500), { code: 'SP_CAMERA_UNREACHABLE' });
  const missing = await falseCamera(t, subnet, (request, socket) => socket.write(`RTSP/1.0 404 Not Found\r\nCSeq: ${cseq(request)}\r\n\r\n`));
  await t.rejects(probe(await missing.url()), { code: 'SP_CAMERA_NO_STREAM', evidence: { reason: /404/ } });
  await t.rejects(probeStream({ ffprobe: '/nothing/ffprobe', camera: 'gate', url: urlOf(camera(0)), timeoutMs: 1000 }), { code: 'SP_FFMPEG_MISSING' });
  await t.rejects(probeStream({ ffprobe: 'ffprobe', camera: 'gate', url: await silent.url(), timeoutMs: 10_000, signal: AbortSignal.timeout(100) }), { code: 'SP_STOPPED' });
});

// A teardown of the whole file would wait for the servers that it is to close.
t.test('the emulated cameras close', () => emulator.close());
