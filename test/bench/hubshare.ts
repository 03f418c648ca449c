/**
 * What the hub itself adds to live pictures: the same camera read by two Node readers, one at the end of our WebSocket, the other at the end
 * of a plain ffmpeg's pipe with the same arguments. Each picture is known by the bytes of its slice, so that each is compared with itself.
 * No browser, no TLS. The peer's own figure is from the moment the camera has sent the picture to the moment ffmpeg's muxer gave it out.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket, { WebSocketServer } from 'ws';
import { serveLive } from '../../src/api/livesocket.ts';
import { boxesIn } from '../../src/base/mp4.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { launch } from '../../src/base/spawn.ts';
import { sourceList, streamArguments } from '../../src/capture/ffmpeg.ts';
import { Fmp4Reader } from '../../src/capture/fmp4.ts';
import { readLiveFrame } from '../../src/policy/liveframe.ts';
import { streamOf, take } from '../capture/clips.ts';
import { fps } from './countercamera.ts';
import { latenessOf, startCounterLive } from './counterlive.ts';
import { benchOptions, figure, inFolder, median, quantile, report } from './measure.ts';

const options = benchOptions({ runs: 5, smokeRuns: 1, seconds: 15, smokeSeconds: 8 });
const plan = { audio: 'drop', hevc: false, richProbe: false } as const;
const readers = options.smoke ? [1] : [1, 9];

/** Of the picture's last NAL unit, which is a slice of it. */
function pictureOf(fragment: Uint8Array): string {
  const bytes = Buffer.from(fragment.buffer, fragment.byteOffset, fragment.byteLength);
  const mdat = boxesIn(bytes).find(({ type }) => type === 'mdat');
  if (mdat === undefined) return '';
  const end = mdat.start + mdat.size;
  let last = mdat.start + 8;
  for (let at = last; at + 4 <= end; at += 4 + bytes.readUInt32BE(at)) last = at;
  return createHash('sha1').update(bytes.subarray(last, end)).digest('hex');
}

const now = (): number => performance.timeOrigin + performance.now();

await inFolder(options, async (folder) => {
  const { url, clip, sent, capture, live, close } = await startCounterLive(folder);
  const frames = new Map(take(await streamOf(clip, plan)).fragments.map(({ bytes }, n) => [pictureOf(bytes), n]));
  const stop = new AbortController();
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (request, wire, head) => sockets.handleUpgrade(request, wire, head, (socket) => void serveLive(socket, live, { camera: 'front', stream: 'main', mayListen: false }, { clock: systemClock, log: silentLog, signal: stop.signal })));
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });

  /** When each picture came, by its number in the loop; the loop is longer than a round. */
  const measure = async (count: number): Promise<{ addedMs: number[]; plainMs: number[]; oursMs: number[] }> => {
    const [plain, ours] = [new Map<number, number>(), new Map<number, number[]>()];
    const child = await launch('ffmpeg', streamArguments(plan), { input: sourceList('front', new Secret(url), plan), detached: true });
    const fmp4 = new Fmp4Reader('plain', { onInit: () => {}, onFragment: ({ bytes }) => {
      const atMs = now();
      const n = frames.get(pictureOf(bytes));
      if (n !== undefined) plain.set(n, atMs);
    } });
    child.readOutput((chunk) => fmp4.push(chunk, Date.now(), performance.now()));
    const watching = Array.from({ length: count }, () => {
      const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, { perMessageDeflate: false });
      socket.binaryType = 'arraybuffer';
      socket.on('message', (data, isBinary) => {
        if (!isBinary) return;
        const atMs = now();
        const frame = readLiveFrame(data as ArrayBuffer);
        const n = frame === undefined || frame.init ? undefined : frames.get(pictureOf(frame.bytes));
        if (n !== undefined) ours.set(n, [...(ours.get(n) ?? []), atMs]);
      });
      return socket;
    });
    await delay(3000);
    plain.clear();
    ours.clear();
    await delay(options.seconds * 1000 * 0.9);
    for (const socket of watching) socket.terminate();
    child.kill('SIGKILL');
    const both = [...plain].filter(([n]) => ours.has(n));
    return {
      addedMs: both.flatMap(([n, plainMs]) => (ours.get(n) as number[]).map((ms) => ms - plainMs)),
      plainMs: both.flatMap(([n, ms]) => latenessOf(n, ms, sent)), oursMs: both.flatMap(([n]) => (ours.get(n) as number[]).flatMap((ms) => latenessOf(n, ms, sent))),
    };
  };

  while (capture.state.state !== 'live') await delay(50);
  const figures = [];
  for (const count of readers) {
    const rounds = [];
    for (let round = 0; round < options.runs; round++) rounds.push(await measure(count));
    const name = count === 1 ? '1 viewer' : `${count} viewers`;
    for (const [what, q] of [['p50', 0.5], ['p95', 0.95]] as const) {
      const plain = rounds.map(({ plainMs }) => quantile(plainMs, q));
      figures.push(figure(`${name}: from sent to the end of our WebSocket, ${what}`, 'ms', rounds.map(({ oursMs }) => quantile(oursMs, q)), { peer: 'the plain pipe', values: plain }));
      figures.push(figure(`${name}: from sent to the end of the plain pipe, ${what}`, 'ms', plain));
      figures.push(figure(`${name}: the same picture, later by us than by the pipe, ${what}`, 'ms', rounds.map(({ addedMs }) => quantile(addedMs, q)), q === 0.5 ? { peer: 'the plain pipe\'s lateness', values: plain, aim: '<= 5 ms' } : undefined));
    }
    figures.push(figure(`${name}: pictures compared in a round`, '', rounds.map(({ addedMs }) => addedMs.length)));
    if (median(rounds.map(({ addedMs }) => addedMs.length)) < fps) throw new Error('hardly a picture was seen by both');
  }
  report('The hub\'s own share of live pictures', figures, options, [`a picture every ${(1000 / fps).toFixed(0)} ms: what ffmpeg holds back until later ones come is most of the peer's lateness`]);
  stop.abort();
  server.closeAllConnections();
  server.close();
  await close();
});
