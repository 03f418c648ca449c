import t from 'tap';
import { WebSocketServer } from 'ws';
import { serveLive } from '../../src/api/livesocket.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { LiveDuty } from '../../src/duties/live.ts';
import { oneCamera, until } from '../duties/onecamera.ts';
import { openStand } from './stand.ts';

const script = `
import { LivePlayer } from '/src/web/player/live.ts';
import { pngOf } from '/src/web/snapshot.ts';
const video = document.getElementById('video');
window.pngOf = pngOf;
const seen = window.seen = { states: [], latencies: [], behind: [], sound: [], maxLag: 0 };
const socket = new URL('/live' + location.search, location.href);
socket.protocol = 'ws:';
window.begin = (stream) => {
  socket.searchParams.set('stream', stream);
  window.player = new LivePlayer(video, socket.href, {
    onState: (state, words) => seen.states.push(words === '' ? state : state + ': ' + words),
    onLatency: (ms) => seen.latencies.push(ms),
    onBehind: (behind) => seen.behind.push(behind),
    onSound: (available) => seen.sound.push(available),
  });
};
setInterval(() => { if (video.buffered.length > 0) seen.lag = video.buffered.end(video.buffered.length - 1) - video.currentTime; }, 50);
`;

interface Seen { states: string[]; latencies: number[]; behind: boolean[]; sound: boolean[]; lag: number }

t.test('the live player in Chromium', async (t) => {
  const one = await oneCamera(t, { audio: true });
  const live = new LiveDuty({ cameras: () => [one.watch], clock: systemClock, log: silentLog, isPrivate: () => hidden });
  let hidden = false;
  const stand = await openStand(t);
  const sockets = new WebSocketServer({ server: stand.server, path: '/live', perMessageDeflate: false, maxPayload: 1024 });
  const stop = new AbortController();
  sockets.on('connection', (socket, request) => {
    const stream = new URL(request.url ?? '', 'http://x').searchParams.get('stream') === 'sub' ? 'sub' : 'main';
    void serveLive(socket, live, { camera: 'front', stream, mayListen: true }, { clock: systemClock, log: silentLog, signal: stop.signal });
  });
  t.teardown(() => stop.abort());
  await until(() => one.watch.status.recording);
  const page = await stand.open(script);
  const seen = (): Promise<Seen> => page.evaluate(() => (window as unknown as { seen: Seen }).seen);
  const look = async (so: (seen: Seen) => boolean): Promise<Seen> => {
    for (;;) {
      const now = await seen();
      if (so(now)) return now;
      await systemClock.sleep(50);
    }
  };
  const does = (code: string): Promise<unknown> => page.evaluate(code);

  await t.test('shows the picture, near to the camera, and stays there', async (t) => {
    const begunMs = Date.now();
    await does('window.begin("main")');
    await look(({ states }) => states.includes('playing'));
    const firstMs = Date.now() - begunMs;
    t.ok(firstMs < 3000, `first picture after ${firstMs} ms`);
    await systemClock.sleep(4000);
    const { latencies, states, sound, lag } = await seen();
    t.same(states, ['connecting', 'waiting', 'playing']);
    t.same(sound, [true]);
    const late = latencies.slice(2).toSorted((a, b) => a - b);
    t.ok((late[Math.floor(late.length / 2)] ?? 1000) < 300, `${latencies.join(' ')} ms`);
    t.ok(lag < 0.6, `${lag} s in hand`);
    t.equal(await does('video.videoWidth'), 1280);
    t.ok(Number(await does('window.pngOf(video).then((blob) => blob.size)')) > 10_000, 'a snapshot is a picture');
  });

  await t.test('drops to live when it was held up', async (t) => {
    await does('{ const end = Date.now() + 3000; while (Date.now() < end); }');
    await systemClock.sleep(1500);
    t.ok((await seen()).lag < 0.6);
    await does('video.currentTime -= 2');
    await systemClock.sleep(1000);
    t.ok((await seen()).lag < 0.6);
  });

  await t.test('sound when it is asked for', async (t) => {
    await does('window.player.sound(true)');
    for (;;) {
      const decoded = Number(await does('video.webkitAudioDecodedByteCount'));
      if (decoded > 5000) break;
      await systemClock.sleep(50);
    }
    await systemClock.sleep(2000);
    t.ok((await seen()).lag < 0.8, `${(await seen()).lag}`);
    t.equal(await does('video.muted'), false);
    await does('window.player.sound(false)');
    await systemClock.sleep(1000);
    t.equal(await does('video.muted'), true);
    t.match((await seen()).states.at(-1), 'playing');
  });

  await t.test('comes back by itself, from a camera that was away and from a hub that hung up', async (t) => {
    one.camera.breakStream('main');
    await look(({ states }) => states.at(-1)?.startsWith('lost: ') === true);
    one.camera.mendStream('main');
    await look(({ states }) => states.at(-1) === 'playing');
    for (const client of sockets.clients) client.terminate();
    await look(({ states }) => states.at(-1) === 'lost');
    await look(({ states }) => states.at(-1) === 'playing');
    t.equal(sockets.clients.size, 1);
  });

  await t.test('memory of old pictures is bounded', async (t) => {
    await systemClock.sleep(12_000);
    const ranges = await does('Array.from({ length: video.buffered.length }, (_, index) => video.buffered.end(index) - video.buffered.start(index)).reduce((a, b) => a + b, 0)');
    t.ok(Number(ranges) < 22, `${ranges} s are buffered`);
  });

  await t.test('asks for nothing while nobody looks', async () => {
    await does('Object.defineProperty(document, "hidden", { value: true, configurable: true }); document.dispatchEvent(new Event("visibilitychange"))');
    await until(() => live.viewers() === 0);
    await does('Object.defineProperty(document, "hidden", { value: false, configurable: true }); document.dispatchEvent(new Event("visibilitychange"))');
    await until(() => live.viewers() === 1);
    const { states } = await seen();
    await look((now) => now.lag < 0.6 && states.at(-1) === 'playing');
  });

  await t.test('of a space that became private no picture stays', async (t) => {
    hidden = true;
    const { states } = await look((now) => now.states.at(-1)?.startsWith('over') === true);
    t.match(states.at(-1), /private/);
    t.equal(await does('video.videoWidth'), 0);
    hidden = false;
    await does('window.player.close()');
    await until(() => live.viewers() === 0);
  });

  await t.test('a codec that the browser does not have is told, not tried', async (t) => {
    await does('MediaSource.isTypeSupported = () => false; window.begin("main")');
    const { states } = await look((now) => now.states.at(-1)?.startsWith('unsupported') === true);
    t.match(states.at(-1), /^unsupported: avc1\./);
    await until(() => live.viewers() === 0);
  });
});
