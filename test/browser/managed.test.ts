/**
 * ManagedMediaSource, the only kind that an iPhone has, as a stand-in in Chromium: a media source that opens only where remote playback is
 * disabled, that tells when it wants bytes and when no more, and in which to append while it wants none is a fault.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { WebSocketServer } from 'ws';
import { serveLive } from '../../src/api/livesocket.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { LiveDuty } from '../../src/duties/live.ts';
import { makeClip, streamOf, take } from '../capture/clips.ts';
import { oneCamera, until } from '../duties/onecamera.ts';
import { noChromium } from './chromium.ts';
import { openStand } from './stand.ts';

const standIn = `
const managed = window.managed = { sources: [], faults: [], appended: 0 };
const Plain = window.MediaSource;
window.ManagedMediaSource = class extends Plain {
  streaming = false;
  constructor() {
    super();
    managed.sources.push(this);
    this.addEventListener('sourceopen', () => setTimeout(() => this.want(true), 300), { once: true });
  }
  want(streaming) {
    this.streaming = streaming;
    this.dispatchEvent(new Event(streaming ? 'startstreaming' : 'endstreaming'));
  }
  addSourceBuffer(type) {
    const buffer = super.addSourceBuffer(type);
    const append = buffer.appendBuffer.bind(buffer);
    buffer.appendBuffer = (bytes) => {
      if (!this.streaming) managed.faults.push('appended while none was wanted');
      managed.appended++;
      append(bytes);
    };
    return buffer;
  }
};
delete window.MediaSource;
const src = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'src');
Object.defineProperty(HTMLMediaElement.prototype, 'src', { ...src, set(value) {
  if (!this.disableRemotePlayback) managed.faults.push('remote playback is not disabled');
  else src.set.call(this, value);
} });
`;

interface Managed { readonly faults: string[]; readonly appended: number; readonly sources: number; readonly at: number; readonly shown: number; readonly states: string[] }

const look = `({ ...managed, sources: managed.sources.length, at: video.currentTime, shown: video.getVideoPlaybackQuality().totalVideoFrames, states: window.states })`;

t.test('live pictures by a managed source, which the hub sends only while they are wanted', { skip: noChromium, timeout: 60_000 }, async (t) => {
  const one = await oneCamera(t, { emulator: { firstAddress: `127.${randomInt(10, 250)}.${randomInt(10, 250)}.2` } });
  const live = new LiveDuty({ cameras: () => [one.watch], clock: systemClock, log: silentLog, isPrivate: () => false });
  const stand = await openStand(t);
  const sockets = new WebSocketServer({ server: stand.server, path: '/live', perMessageDeflate: false, maxPayload: 1024 });
  const stop = new AbortController();
  sockets.on('connection', (socket) => void serveLive(socket, live, { camera: 'front', stream: 'main', mayListen: false }, { clock: systemClock, log: silentLog, signal: stop.signal }));
  t.teardown(() => stop.abort());
  await until(() => one.watch.status.recording);
  const page = await stand.open(`
    import { LivePlayer } from '/src/web/player/live.ts';
    ${standIn}
    window.states = [];
    window.player = new LivePlayer(document.getElementById('video'), location.origin.replace('http', 'ws') + '/live', {
      onState: (state) => states.push(state), onLatency() {}, onBehind() {}, onSound() {},
    });`);
  const seen = async (so: (now: Managed) => boolean): Promise<Managed> => {
    for (;;) {
      const now = await page.evaluate(look) as Managed;
      if (so(now)) return now;
      await systemClock.sleep(50);
    }
  };
  await seen(({ states, shown }) => states.includes('playing') && shown > 10);
  await page.evaluate('managed.sources.at(-1).want(false)');
  await until(() => live.viewers() === 0);
  const { appended } = await seen(() => true);
  await systemClock.sleep(700);
  t.equal((await seen(() => true)).appended, appended, 'nothing is appended while none is wanted');
  const before = await seen(() => true);
  await page.evaluate('managed.sources.at(-1).want(true)');
  await until(() => live.viewers() === 1);
  const after = await seen(({ shown, appended: now }) => shown > before.shown + 10 && now > appended);
  t.same(after.faults, []);
  t.equal(after.sources, 1, 'the same source goes on');
  const lag = (): Promise<number> => page.evaluate('video.buffered.end(video.buffered.length - 1) - video.currentTime') as Promise<number>;
  while (await lag() >= 0.6) await systemClock.sleep(50);
  t.equal((await seen(() => true)).states.at(-1), 'playing', 'at the newest picture again');
  await page.evaluate('player.close()');
});

t.test('footage by a managed source waits while none is wanted, and goes on', { skip: noChromium, timeout: 60_000 }, async (t) => {
  const clip = take(await streamOf(await makeClip(join(t.testdir(), 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false }));
  const stand = await openStand(t);
  const pieces = [{ kind: 'init', text: Buffer.concat([clip.inits[0]!.ftyp, clip.inits[0]!.moov]).toString('base64'), wallMs: 0 }, ...clip.fragments.map(({ bytes, timeMs }) => ({ kind: 'fragment', text: bytes.toString('base64'), wallMs: timeMs }))];
  stand.serve('/pieces', async () => ({ type: 'application/json', body: JSON.stringify(pieces) }));
  const page = await stand.open(`
    import { ReplayPlayer } from '/src/web/player/replay.ts';
    ${standIn}
    window.states = [];
    window.given = 0;
    const pieces = await (await fetch('/pieces')).json();
    async function* source() {
      for (const { text, ...piece } of pieces) {
        window.given++;
        yield { ...piece, bytes: Uint8Array.from(atob(text), (character) => character.charCodeAt(0)) };
      }
    }
    window.player = new ReplayPlayer(document.getElementById('video'), source, { onTime() {}, onState: (state) => states.push(state), onGap() {}, onProblem: (words) => states.push(words) });
    // Before anything is wanted, and again after some pictures.
    player.seek(0);`);
  const untilPage = async (so: string): Promise<void> => { while (await page.evaluate(so) !== true) await systemClock.sleep(50); };
  await untilPage('managed.appended > 0');
  await page.evaluate('managed.sources.at(-1).want(false)');
  const held = await page.evaluate('({ given, appended: managed.appended })') as { given: number; appended: number };
  await systemClock.sleep(500);
  t.ok((await page.evaluate('given') as number) <= held.given + 1, 'no more is fetched');
  t.equal(await page.evaluate('managed.appended'), held.appended, 'nor appended');
  await page.evaluate('managed.sources.at(-1).want(true)');
  await untilPage('states.at(-1) === "ended"');
  t.same(await page.evaluate('managed.faults'), []);
  t.equal(await page.evaluate('given'), pieces.length);
  t.ok((await page.evaluate('video.currentTime') as number) > 2.5);
});
