import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { pictureHashes, rtspUrl, RtspClient, startEmulator } from './testkit.ts';

// They mostly wait for pictures, so they run side by side.
t.jobs = 4;

t.test('the pictures that arrive are those of the scene, in order, without a fault across the loop point', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t);
  await Promise.all(([['main', 15], ['sub', 10]] as const).map(async ([stream, fps]) => {
    const scene = await pictureHashes(['-i', camera.scenes[stream]]);
    t.equal(scene.hashes.length, 3 * fps, `${stream}: 3 s of pictures in the scene`);
    // Four seconds of a loop of three: the loop point is inside wherever it begins.
    const live = await pictureHashes(['-rtsp_transport', 'tcp', '-t', '4', '-i', rtspUrl(camera, `/${stream}`)]);
    t.equal(live.complaints, '', 'nothing to complain about');
    t.ok(live.hashes.length >= 4 * fps - 1, `${live.hashes.length} pictures in 4 s`);
    const begin = scene.hashes.indexOf(live.hashes[0] as string);
    t.equal(begin % fps, 0, 'it began at a key frame');
    t.strictSame(live.hashes, live.hashes.map((_, n) => scene.hashes[(begin + n) % scene.hashes.length]), 'every picture, in order, in a circle');
  }));
});

t.test('the same pictures come as datagrams', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t, { audio: 'aac' });
  const scene = await pictureHashes(['-i', camera.scenes.sub]);
  const live = await pictureHashes(['-rtsp_transport', 'udp', '-t', '2', '-i', rtspUrl(camera, '/sub')]);
  t.equal(live.complaints, '');
  t.ok(live.hashes.length >= 19, `${live.hashes.length} pictures in 2 s`);
  const begin = scene.hashes.indexOf(live.hashes[0] as string);
  t.strictSame(live.hashes, live.hashes.map((_, n) => scene.hashes[(begin + n) % scene.hashes.length]));
  camera.quirks.onlyTransport = 'tcp';
  t.match((await pictureHashes(['-rtsp_transport', 'udp', '-t', '1', '-i', rtspUrl(camera, '/sub')])).complaints, /461/);
});

t.test('datagrams come from an even port and the odd one above, with reports, and end with the connection', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t);
  const [media, reports] = [createSocket('udp4'), createSocket('udp4')];
  t.teardown(() => [media, reports].forEach((socket) => socket.close()));
  await Promise.all([media, reports].map((socket) => once(socket.bind(0, '127.0.0.1'), 'listening')));
  const client = await RtspClient.connect(camera);
  const uri = `rtsp://${camera.address}:${camera.rtspPort}/sub`;
  const setUp = await client.askAs(camera, 'SETUP', `${uri}/trackID=0`, { Transport: `RTP/AVP/UDP;unicast;client_port=${media.address().port}-${reports.address().port}` });
  const [, even = '', odd = '', source = ''] = /server_port=(\d+)-(\d+);ssrc=(\w+)/.exec(setUp.headers.get('transport') ?? '') ?? [];
  t.equal(Number(even) % 2, 0);
  t.equal(Number(odd), Number(even) + 1);
  const came = Promise.all([once(media, 'message'), once(reports, 'message')]) as Promise<[[Buffer, RemoteInfo], [Buffer, RemoteInfo]]>;
  await client.askAs(camera, 'PLAY', uri, { Session: setUp.headers.get('session')?.split(';')[0] ?? '' });
  const [[packet, from], [report, reporter]] = await came;
  t.strictSame([from.address, from.port, reporter.port], [camera.address, Number(even), Number(odd)]);
  t.equal(packet.readUInt32BE(8).toString(16).padStart(8, '0').toUpperCase(), source);
  t.strictSame([report[1], report.readUInt32BE(4)], [200, packet.readUInt32BE(8)], 'a sender report');
  t.equal((await client.askAs(camera, 'SETUP', `${uri}/trackID=0`, { Transport: 'RTP/AVP;unicast;client_port=70000' })).status, 455);
  client.socket.destroy();
  // Its ports are free again: whoever binds them now gets them.
  for (let free = false; !free;) {
    const probe = createSocket('udp4').bind({ port: Number(even), address: camera.address, exclusive: true });
    free = await once(probe, 'listening').then(() => true, () => false);
    probe.close();
    // A port that is taken is known at once: the camera gets its turn to let go.
    await new Promise((resolve) => setImmediate(resolve));
  }
});

t.test('four viewers at once all see the same moving picture', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t);
  const scene = await pictureHashes(['-i', camera.scenes.sub]);
  const all = await Promise.all([1, 2, 3, 4].map(() => pictureHashes(['-rtsp_transport', 'tcp', '-t', '2', '-i', rtspUrl(camera, '/sub')])));
  for (const { hashes, complaints } of all) {
    t.equal(complaints, '');
    t.ok(hashes.length >= 19, `${hashes.length} pictures in 2 s`);
    const begin = scene.hashes.indexOf(hashes[0] as string);
    t.strictSame(hashes, hashes.map((_, n) => scene.hashes[(begin + n) % scene.hashes.length]));
  }
});

t.test('copied pictures have even timestamps', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t);
  const file = `${t.testdir()}/copy.mp4`;
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-rtsp_transport', 'tcp', '-i', rtspUrl(camera, '/main'), '-t', '4', '-c', 'copy', file]);
  const probed = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=duration_time,flags', '-of', 'csv=p=0', file]);
  const packets = probed.stdout.toString('utf8').trim().split('\n');
  t.ok(packets.length >= 60, `${packets.length} pictures`);
  // ffmpeg loses the very first picture's timestamp where that comes in more than four packets.
  t.equal(packets.slice(1).filter((packet) => Math.abs(Number(packet.split(',')[0]) - 1 / 15) > 0.001).length, 0, 'a fifteenth of a second each');
  t.ok(packets.filter((packet) => packet.includes('K')).length >= 4, 'a key frame a second');
});

t.test('sound comes as AAC, as A-law, or not at all', { buffered: true }, async (t) => {
  const { emulator } = await startEmulator(t, { cameras: 3, audio: ['aac', 'alaw', 'none'] });
  const kinds = await Promise.all(emulator.cameras.map(async (camera) => {
    const copy = await run('ffmpeg', ['-nostdin', '-v', 'warning', '-rtsp_transport', 'tcp', '-i', rtspUrl(camera, '/sub'), '-t', '4', '-map', '0', '-c', 'copy', '-f', 'matroska', '-']);
    const probed = await run('ffprobe', ['-v', 'error', '-count_packets', '-show_entries', 'stream=codec_name,sample_rate,nb_read_packets', '-of', 'csv=p=0', '-'], { input: copy.stdout });
    const [video = '', audio] = probed.stdout.toString('utf8').trim().split('\n');
    const decoded = audio === undefined ? undefined : await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', '-', '-vn', '-f', 'null', '-'], { input: copy.stdout });
    return { video: video.split(',')[0], audio: audio?.split(',').slice(0, 2).join(' '), packets: Number(audio?.split(',')[2] ?? 0), complaints: decoded?.stderr ?? '' };
  }));
  t.match(kinds, [
    { video: 'h264', audio: 'aac 16000', complaints: '' },
    { video: 'h264', audio: 'pcm_alaw 8000', complaints: '' },
    { video: 'h264', audio: undefined },
  ]);
  t.ok((kinds[0]?.packets ?? 0) >= 55, `${kinds[0]?.packets} AAC frames of 64 ms in 4 s`);
  t.ok((kinds[1]?.packets ?? 0) >= 90, `${kinds[1]?.packets} A-law packets of 40 ms in 4 s`);
});

t.test('a wrong password sees nothing, and a new one counts from now on', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t, { password: 'p@ss #1: "ä"' });
  const look = (password: string): ReturnType<typeof pictureHashes> => pictureHashes(['-rtsp_transport', 'tcp', '-analyzeduration', '200000', '-t', '0.5', '-i', rtspUrl(camera, '/sub', password)]);
  t.match((await look('wrong')).complaints, /401 Unauthorized/);
  t.ok((await look(camera.password)).hashes.length > 0);
  const old = camera.password;
  camera.setPassword('another');
  t.equal(camera.password, 'another');
  t.match((await look(old)).complaints, /401 Unauthorized/);
  t.ok((await look('another')).hashes.length > 0);
});

t.test('a stopped camera resets its viewers, refuses new ones, and comes back on its ports', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t);
  const client = await RtspClient.connect(camera);
  await client.play(camera);
  await client.until(() => client.packets.length > 10);
  t.equal(camera.connections, 1);
  const ports = [camera.rtspPort, camera.onvifPort];
  const [[error]] = await Promise.all([once(client.socket, 'error'), camera.stop()]);
  t.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
  t.equal(camera.connections, 0);
  await t.rejects(RtspClient.connect(camera), { code: 'ECONNREFUSED' });
  await camera.stop();
  await camera.start();
  t.strictSame([camera.rtspPort, camera.onvifPort], ports);
  const again = await RtspClient.connect(camera);
  await again.play(camera);
  await again.until(() => again.packets.length > 10);
  again.socket.destroy();
});

t.test('a stalled camera keeps its sockets and says nothing, then goes on at a key frame', { buffered: true }, async (t) => {
  const { camera } = await startEmulator(t);
  const client = await RtspClient.connect(camera);
  await client.play(camera);
  await client.until(() => client.packets.length > 10);
  camera.stall();
  // What was sent before may still be on its way.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = client.packets.length;
  const late = await RtspClient.connect(camera);
  let answered = false;
  const options = late.ask('OPTIONS', '*').then((answer) => {
    answered = true;
    return answer;
  });
  const http = fetch(`http://${camera.address}:${camera.onvifPort}/`).then((response) => {
    answered = true;
    return response.status;
  });
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.equal(client.packets.length, before, 'not one packet');
  t.notOk(client.closed);
  t.notOk(answered, 'nobody was answered');
  camera.resume();
  t.equal((await options).status, 200);
  t.equal(await http, 404);
  await client.until(() => client.packets.slice(before).some((packet) => packet[1] === 0));
  const first = client.packets.slice(before).find((packet) => packet[1] === 0) as Buffer;
  t.equal((first[16] as number) & 0x1f, 7, 'the parameter sets of a key frame come first');
  client.socket.destroy();
  late.socket.destroy();
});
