import t, { type Test } from 'tap';
import { run } from '../../src/base/spawn.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { pictureHashes, pictureTypes, postSoap, rtspUrl, RtspClient, securityHeader, startEmulator } from './testkit.ts';

// They mostly wait for pictures, so they run side by side.
t.jobs = 3;

/** Watches for `seconds`, and compares with the scene's pictures: all of them, in order, in a circle. */
async function expectScene(t: Test, camera: EmulatedCamera, seconds: number, begins: (picture: number) => boolean, excused = /^$/): Promise<void> {
  const scene = await pictureHashes(['-i', camera.scenes.main]);
  const live = await pictureHashes(['-rtsp_transport', 'tcp', '-t', String(seconds), '-i', rtspUrl(camera, '/main')]);
  t.match(live.complaints, excused, 'nothing to complain about');
  t.ok(live.hashes.length >= 15 * seconds - 4, `${live.hashes.length} pictures in ${seconds} s`);
  const begin = scene.hashes.indexOf(live.hashes[0] as string);
  t.ok(begins(begin), `it began at picture ${begin}`);
  t.strictSame(live.hashes, live.hashes.map((_, n) => scene.hashes[(begin + n) % scene.hashes.length]));
}

t.test('H.265 comes whole, across the loop point', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t, { codec: 'h265', seconds: 2 });
  const client = await RtspClient.connect(camera);
  const { body } = await client.askAs(camera, 'DESCRIBE', `rtsp://${camera.address}:${camera.rtspPort}/main`);
  client.socket.destroy();
  t.match(body, /a=rtpmap:96 H265\/90000\r\na=fmtp:96 sprop-vps=[\w+/=]+;sprop-sps=[\w+/=]+;sprop-pps=[\w+/=]+\r\n/);
  await expectScene(t, camera, 3, (picture) => picture % 15 === 0);
});

t.test('B-frames are shown in their order', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t, { bFrames: 2, seconds: 2 });
  const probed = await run('ffprobe', ['-v', 'error', '-show_entries', 'frame=pict_type', '-of', 'csv=p=0', camera.scenes.main]);
  t.match(probed.stdout.toString(), /B/);
  const client = await RtspClient.connect(camera);
  const [, , played] = await client.play(camera);
  await client.until(() => client.packets.filter((packet) => packet[1] === 0 && ((packet[5] as number) & 0x80) !== 0).length >= 31);
  client.socket.destroy();
  const promised = Number(/rtptime=(\d+)/.exec(played?.headers.get('rtp-info') ?? '')?.[1]);
  const packets = client.packets.filter((packet) => packet[1] === 0);
  const shown = [...new Set(packets.map((packet) => ((packet.readUInt32BE(8) - promised + 2 ** 32) % 2 ** 32) / 6000))].slice(0, 30);
  t.equal(shown[0], 0, 'first the key frame that was promised');
  t.not(shown.findIndex((time, n) => n > 0 && time < (shown[n - 1] as number)), -1, 'then some that are shown before others that came before');
  t.strictSame(shown.toSorted((a, b) => a - b), Array.from({ length: 30 }, (_, n) => n), 'one for each fifteenth of a second, across key frames and the loop point');
  // ffmpeg loses the very first picture's timestamp where that comes in more than four packets, and then guesses.
  await expectScene(t, camera, 3, (picture) => picture % 15 === 0, /^(?:\[framemd5 [^\n]*Non-monotonous DTS[^\n]*previous: 0[^\n]*\n?){0,3}$/);
});

t.test('H.265 has B-frames too, and is told of so', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t, { codec: 'h265', bFrames: 2, seconds: 2 });
  const { text } = await postSoap(camera, '<m:GetVideoEncoderConfigurations xmlns:m="http://www.onvif.org/ver20/media/wsdl"><ProfileToken>profile_main</ProfileToken></m:GetVideoEncoderConfigurations>', { service: 'media2', header: securityHeader(camera) });
  t.match(text, / AnchorFrameDistance="3" .*<tt:Encoding>H265</s);
  t.match(await pictureTypes(rtspUrl(camera, '/main'), 16), /^I(?:PBB|BBP|BPB)+/);
});

t.test('who comes between two distant key frames does not wait for the next one', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t, { gopSeconds: 10, seconds: 2 });
  const types = await run('ffprobe', ['-v', 'error', '-show_entries', 'frame=pict_type', '-of', 'csv=p=0', camera.scenes.main]);
  t.strictSame(types.stdout.toString().match(/[IPB]/g), ['I', ...Array.from({ length: 149 }, () => 'P')], 'one key frame in ten seconds');
  const client = await RtspClient.connect(camera);
  await client.play(camera);
  const pictures = (): Buffer[] => client.packets.filter((packet) => packet[1] === 0);
  const hasSets = (packet: Buffer): boolean => ((packet[16] as number) & 0x1f) === 7;
  await client.until(() => pictures().filter((packet) => ((packet[5] as number) & 0x80) !== 0).length >= 20);
  const packets = pictures();
  t.equal(packets.findIndex(hasSets), 0, 'its first picture has parameter sets');
  t.equal(packets.filter(hasSets).length, 1, 'no other one has');
  for (const service of ['media', 'media2'] as const) {
    const before = pictures().length;
    t.match(await postSoap(camera, '<SetSynchronizationPoint><ProfileToken>profile_main</ProfileToken></SetSynchronizationPoint>', { service, header: securityHeader(camera) }), { status: 200 });
    await client.until(() => pictures().slice(before).some(hasSets));
  }
  const all = pictures();
  t.ok(all.slice(1).every((packet, n) => packet.readUInt16BE(6) === (((all[n] as Buffer).readUInt16BE(6) + 1) & 0xffff)), 'who asks for a key frame gets one, without a hole');
  client.socket.destroy();
  const times = [...new Set(packets.map((packet) => packet.readUInt32BE(8)))];
  t.strictSame(new Set(times.slice(1).map((time, n) => (time - (times[n] as number) + 2 ** 32) % 2 ** 32)), new Set([6000]), 'and the pace is even');
  await expectScene(t, camera, 1, (picture) => picture === 0);
});

t.test('the codec changes in mid-stream, and whoever comes then is told of the new one', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  const client = await RtspClient.connect(camera);
  t.teardown(() => client.socket.destroy());
  await client.play(camera);
  await client.until(() => client.packets.length > 10);
  await camera.changeCodec('h265');
  const before = client.packets.length;
  const isVps = (packet: Buffer): boolean => packet[1] === 0 && (((packet[16] as number) >> 1) & 0x3f) === 32;
  await client.until(() => client.packets.slice(before).some(isVps));
  const at = client.packets.findIndex((packet, n) => n >= before && isVps(packet));
  const seq = (packet: Buffer): number => packet.readUInt16BE(6);
  const last = client.packets.slice(0, at).findLast((packet) => packet[1] === 0) as Buffer;
  t.equal(seq(client.packets[at] as Buffer), (seq(last) + 1) & 0xffff, 'without a hole');
  const newcomer = await RtspClient.connect(camera);
  t.match((await newcomer.askAs(camera, 'DESCRIBE', `rtsp://${camera.address}:${camera.rtspPort}/main`)).body, /H265/);
  newcomer.socket.destroy();
  await camera.changeCodec('h264');
  await client.until(() => client.packets.slice(at).some((packet) => packet[1] === 0 && ((packet[16] as number) & 0x1f) === 7));
});

t.test('what cannot be encoded is refused', { buffered: true }, async (t) => {
  for (const options of [{ gopSeconds: 0 }, { gopSeconds: 1.5 }, { gopSeconds: 301 }, { bFrames: -1 }, { bFrames: 9 }]) {
    await t.rejects(startEmulator(t, options), { code: 'SP_EMULATOR' }, JSON.stringify(options));
  }
});
