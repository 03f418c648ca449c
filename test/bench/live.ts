/**
 * How late live pictures are: from the moment an emulated camera has sent a picture to the moment Chromium shows it, by a counter that is
 * burnt into the picture and read back from a canvas. The peer is a plain page in the same browser: an ffmpeg for each tile, its output as
 * it comes over a WebSocket into MSE, and a jump to the end when it is more than a second behind. One camera, 640x360 at 15 pictures a
 * second, a key frame a second, in a thread of its own; as many tiles of it as said. `--tls`: both pages and their sockets by HTTPS, as a visitor has it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { serveLive } from '../../src/api/livesocket.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { launch } from '../../src/base/spawn.ts';
import { sourceList, streamArguments } from '../../src/capture/ffmpeg.ts';
import { openStand } from '../browser/stand.ts';
import { bits, fps } from './countercamera.ts';
import { latenessOf, startCounterLive } from './counterlive.ts';
import { benchOptions, figure, inFolder, median, quantile, report } from './measure.ts';

/** What both pages share: reading the counter of each picture that is shown. */
const readBack = `
window.shown = [];
window.watch = (video, tile) => {
  const canvas = new OffscreenCanvas(${bits * 32}, 32);
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const onPicture = (now, { expectedDisplayTime }) => {
    pen.drawImage(video, 0, 0, ${bits * 32}, 32, 0, 0, ${bits * 32}, 32);
    const { data } = pen.getImageData(0, 0, ${bits * 32}, 32);
    let number = 0;
    for (let bit = 0; bit < ${bits}; bit++) if (data[(16 * ${bits * 32} + bit * 32 + 16) * 4] > 128) number += 2 ** bit;
    shown.push([tile, number, performance.timeOrigin + Math.max(now, expectedDisplayTime)]);
    video.requestVideoFrameCallback(onPicture);
  };
  video.requestVideoFrameCallback(onPicture);
};
window.tile = () => { const video = document.createElement('video'); video.muted = true; document.body.append(video); return video; };
const socket = (path) => { const url = new URL(path, location.href); url.protocol = url.protocol.replace('http', 'ws'); return url.href; };
`;

const ours = `import { LivePlayer } from '/src/web/player/live.ts';
${readBack}
window.told = [];
window.begin = (tile) => {
  const video = window.tile();
  watch(video, tile);
  const player = new LivePlayer(video, socket('/live'), { onState() {}, onLatency(ms) { told.push(ms); }, onBehind() {}, onSound() {} });
  return () => { player.close(); video.remove(); };
};`;

const plain = `${readBack}
window.begin = (tile) => {
  const video = window.tile();
  watch(video, tile);
  const source = new MediaSource();
  const waiting = [];
  let way;
  video.src = URL.createObjectURL(source);
  source.addEventListener('sourceopen', () => {
    const buffer = source.addSourceBuffer('video/mp4; codecs="avc1.64001e"');
    const next = () => {
      if (buffer.updating || waiting.length === 0) return;
      buffer.appendBuffer(waiting.shift());
    };
    buffer.addEventListener('updateend', () => {
      const { buffered } = video;
      if (buffered.length > 0) {
        const end = buffered.end(buffered.length - 1);
        if (end - video.currentTime > 1 || video.currentTime < buffered.start(0)) video.currentTime = end;
        if (video.paused) video.play();
      }
      next();
    });
    way = new WebSocket(socket('/plain'));
    way.binaryType = 'arraybuffer';
    way.onmessage = ({ data }) => { waiting.push(data); next(); };
  });
  return () => { way?.close(); video.remove(); };
};`;

async function bench(): Promise<void> {
  const options = benchOptions({ runs: 3, smokeRuns: 1, seconds: 7, smokeSeconds: 5 }, [], ['tls']);
  const tls = options.flag('tls');
  const ends: (() => unknown)[] = [];
  await inFolder(options, async (folder) => {
    const { url, sent, capture, live, close } = await startCounterLive(folder);
    const stand = await openStand({ teardown: (end) => void ends.push(end) }, { tls });
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    const stop = new AbortController();
    stand.server.on('upgrade', (request, wire, head) => sockets.handleUpgrade(request, wire, head, (socket) => {
      if (request.url === '/live') return void serveLive(socket, live, { camera: 'front', stream: 'main', mayListen: false }, { clock: systemClock, log: silentLog, signal: stop.signal });
      const plan = { audio: 'drop', hevc: false, richProbe: false } as const;
      void launch('ffmpeg', streamArguments(plan), { input: sourceList('front', new Secret(url), plan), detached: true }).then((child) => {
        child.readOutput((chunk) => socket.send(Buffer.from(chunk)));
        socket.once('close', () => child.kill('SIGKILL'));
      });
    }));
    const [page, peer] = [await stand.open(ours, ''), await stand.open(plain, '')];

    /** Begins so many tiles, and answers how late their pictures were and how long the first took. */
    const measure = async (of: typeof page, tiles: number): Promise<Measured> => {
      await of.bringToFront();
      const begunMs = await of.evaluate(`window.shown = []; window.ends = Array.from({ length: ${tiles} }, (_, tile) => begin(tile)); performance.timeOrigin + performance.now()`) as number;
      await delay(3000 + options.seconds * 1000);
      const { shown, told } = await of.evaluate('for (const end of ends) end(); ({ shown: window.shown, told: (window.told ?? []).splice(0) })') as { shown: [number, number, number][]; told: number[] };
      const firstMs = Array.from({ length: tiles }, (_, tile) => (shown.find(([at]) => at === tile)?.[2] ?? NaN) - begunMs);
      const settled = shown.filter(([, , atMs]) => atMs > begunMs + 3000);
      return { lateMs: settled.flatMap(([, number, atMs]) => latenessOf(number, atMs, sent)), firstMs, rate: settled.length / tiles / options.seconds, toldMs: told.slice(told.length / 4) };
    };
    while (capture.state.state !== 'live') await delay(50);
    await delay(2000);

    const figures = [];
    const notes = [];
    for (const tiles of options.smoke ? [1] : [1, 4, 9]) {
      const taken = { ours: [] as Awaited<ReturnType<typeof measure>>[], plain: [] as Awaited<ReturnType<typeof measure>>[] };
      for (let round = 0; round < options.runs; round++) {
        taken.ours.push(await measure(page, tiles));
        taken.plain.push(await measure(peer, tiles));
      }
      const of = (who: 'ours' | 'plain', value: (one: Measured) => number): number[] => taken[who].map(value);
      const name = tiles === 1 ? '1 tile' : `${tiles} tiles`;
      for (const [what, value] of [['p50', ({ lateMs }) => median(lateMs)], ['p95', ({ lateMs }) => quantile(lateMs, 0.95)]] as const satisfies readonly (readonly [string, (one: Measured) => number])[]) {
        figures.push(figure(`${name}: from sent to shown, ${what}`, 'ms', of('ours', value), { peer: 'the plain page', values: of('plain', value) }));
        figures.push(figure(`${name}: the plain page, ${what}`, 'ms', of('plain', value)));
      }
      figures.push(figure(`${name}: first picture after opening`, 'ms', of('ours', ({ firstMs }) => median(firstMs)), { peer: 'the plain page', values: of('plain', ({ firstMs }) => median(firstMs)) }));
      figures.push(figure(`${name}: of that from the hub to shown, as the player says`, 'ms', of('ours', ({ toldMs }) => median(toldMs))));
      notes.push(`${name}: ${median(of('ours', ({ rate }) => rate)).toFixed(1)} pictures a second shown of ${fps}, on the plain page ${median(of('plain', ({ rate }) => rate)).toFixed(1)}`);
    }
    report(`Live pictures${tls ? ' by TLS' : ''}`, figures, options, [...notes, `a picture leaves ffmpeg's muxer when the next one comes: ${(1000 / fps).toFixed(0)} ms of each figure are its`]);
    stop.abort();
    for (const end of ends) await end();
    await close();
  });
}

interface Measured {
  readonly lateMs: number[];
  readonly firstMs: number[];
  /** Pictures a second that were shown of each tile. */
  readonly rate: number;
  /** From the arrival at the hub, as our player tells it. */
  readonly toldMs: number[];
}

await bench();
