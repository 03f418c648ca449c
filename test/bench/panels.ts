/**
 * What a wall panel without Media Source Extensions costs, against the live pictures of other browsers in the same run: CPU of the encoder and of this
 * process, which stands for the hub, for one camera of 640x360 at 15 pictures a second; and how late pictures are, from sent to drawn, by a counter
 * that is burnt into them. The camera's thread is in this process, and costs the same each time; what it costs with nobody looking is taken off.
 */
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { serveLive } from '../../src/api/livesocket.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { PanelDuty } from '../../src/duties/panel.ts';
import { decoderOf } from '../../src/web/vite.config.ts';
import { openStand } from '../browser/stand.ts';
import { bits, fps } from './countercamera.ts';
import { latenessOf, startCounterLive } from './counterlive.ts';
import { benchOptions, figure, inFolder, median, quantile, report, usageOf } from './measure.ts';

const root = resolve(import.meta.dirname, '../..');

/** Each picture that stands when the browser draws a frame. */
const script = (player: string, from: string, element: string): string => `
import { ${player} } from '${from}';
window.shown = [];
const pen = new OffscreenCanvas(${bits * 32}, 32).getContext('2d', { willReadFrequently: true });
let last = -1;
let element;
const look = (now) => {
  requestAnimationFrame(look);
  if (element === undefined || (element.videoWidth ?? element.width) === 0) return;
  pen.drawImage(element, 0, 0, ${bits * 32}, 32, 0, 0, ${bits * 32}, 32);
  const { data } = pen.getImageData(0, 0, ${bits * 32}, 32);
  let number = 0;
  for (let bit = 0; bit < ${bits}; bit++) if (data[(16 * ${bits * 32} + bit * 32 + 16) * 4] > 128) number += 2 ** bit;
  if (number !== last) shown.push([last = number, performance.timeOrigin + now]);
};
requestAnimationFrame(look);
window.begin = () => {
  element = document.createElement('${element}');
  element.muted = true;
  document.body.append(element);
  const player = new ${player}(element, location.origin.replace('http', 'ws') + '/${element}', { onState() {}, onLatency() {}, onBehind() {}, onSound() {} });
  window.end = () => { player.close(); element.remove(); element = undefined; };
};`;

interface Measured { readonly lateMs: number[]; readonly encoderPercent: number; readonly hubPercent: number; readonly rate: number }

async function bench(): Promise<void> {
  const options = benchOptions({ runs: 3, smokeRuns: 1, seconds: 15, smokeSeconds: 6 });
  const ends: (() => unknown)[] = [];
  await inFolder(options, async (folder) => {
    const { sent, capture, live, close } = await startCounterLive(folder);
    const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
    const panel = new PanelDuty({ live, programs: () => ({ ffmpeg: 'ffmpeg', jail }), enabled: () => true, isPrivate: () => false, clock: systemClock, log: silentLog, random: Math.random });
    const stand = await openStand({ teardown: (end) => void ends.push(end) });
    stand.serve('/decoder.js', async () => ({ type: 'text/javascript', body: decoderOf(await readFile(resolve(root, 'node_modules/@cycjimmy/jsmpeg-player/dist/jsmpeg-player.esm.js'), 'utf8')) }));
    stand.serve('/panel.js', async () => ({ type: 'text/javascript', body: stripTypeScriptTypes(await readFile(resolve(root, 'src/web/player/panel.ts'), 'utf8')).replace('@cycjimmy/jsmpeg-player', '/decoder.js').replaceAll(/'(\.\.?\/[^']+)'/g, (_, path: string) => `'${new URL(path, 'http://x/src/web/player/').pathname}'`) }));
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    const stop = new AbortController();
    stand.server.on('upgrade', (request, wire, head) => sockets.handleUpgrade(request, wire, head, (socket) => {
      void serveLive(socket, request.url === '/canvas' ? panel : live, { camera: 'front', stream: 'main', mayListen: false }, { clock: systemClock, log: silentLog, signal: stop.signal });
    }));
    const pages = { fmp4: await stand.open(script('LivePlayer', '/src/web/player/live.ts', 'video'), ''), panel: await stand.open(script('PanelPlayer', '/panel.js', 'canvas'), '') };
    while (capture.state.state !== 'live') await delay(50);
    await delay(2000);

    const percentOf = async (): Promise<{ hub: number; encoder: number }> => {
      const before = { hub: process.cpuUsage(), encoder: usageOf(panel.encoders).cpuSeconds };
      await delay(options.seconds * 1000);
      const used = process.cpuUsage(before.hub);
      return { hub: (used.user + used.system) / 1e4 / options.seconds, encoder: (usageOf(panel.encoders).cpuSeconds - before.encoder) / options.seconds * 100 };
    };
    const measure = async (of: keyof typeof pages): Promise<Measured> => {
      const page = pages[of];
      await page.bringToFront();
      await page.evaluate('begin()');
      await delay(3000);
      await page.evaluate('shown.splice(0)');
      const { hub, encoder } = await percentOf();
      const shown = await page.evaluate('end(); shown.splice(0)') as [number, number][];
      return { lateMs: shown.flatMap(([number, atMs]) => latenessOf(number, atMs, sent)), encoderPercent: encoder, hubPercent: hub, rate: shown.length / options.seconds };
    };
    const taken = { nobody: [] as number[], fmp4: [] as Measured[], panel: [] as Measured[] };
    for (let round = 0; round < options.runs; round++) {
      taken.nobody.push((await percentOf()).hub);
      taken.fmp4.push(await measure('fmp4'));
      taken.panel.push(await measure('panel'));
    }
    const nobody = median(taken.nobody);
    const of = (who: 'fmp4' | 'panel', value: (one: Measured) => number): number[] => taken[who].map(value);
    const against = (value: (one: Measured) => number) => ({ peer: 'fMP4', values: of('fmp4', value), ratioOf: (one: number, other: number) => one / other });
    report('panels', [
      figure('the encoder of a camera', '% of a core', of('panel', ({ encoderPercent }) => encoderPercent)),
      figure('the hub itself, more than with nobody looking', '% of a core', of('panel', ({ hubPercent }) => hubPercent - nobody)),
      figure('the same for fMP4, which has no encoder', '% of a core', of('fmp4', ({ hubPercent }) => hubPercent - nobody)),
      figure('from sent to drawn, p50', 'ms', of('panel', ({ lateMs }) => median(lateMs)), against(({ lateMs }) => median(lateMs))),
      figure('from sent to drawn, p95', 'ms', of('panel', ({ lateMs }) => quantile(lateMs, 0.95)), against(({ lateMs }) => quantile(lateMs, 0.95))),
      figure('fMP4, p50', 'ms', of('fmp4', ({ lateMs }) => median(lateMs))),
      figure('fMP4, p95', 'ms', of('fmp4', ({ lateMs }) => quantile(lateMs, 0.95))),
    ], options, [`${median(of('panel', ({ rate }) => rate)).toFixed(1)} pictures a second drawn of ${fps}, with fMP4 ${median(of('fmp4', ({ rate }) => rate)).toFixed(1)}`]);
    stop.abort();
    await panel.close();
    for (const end of ends) await end();
    await close();
  });
}

await bench();
