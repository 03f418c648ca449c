import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { serveLive } from '../../src/api/livesocket.ts';
import type { LiveNews } from '../../src/api/pagecontract.ts';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { LiveDuty, type LiveItem } from '../../src/duties/live.ts';
import { OnDemand, lingerMs } from '../../src/duties/ondemand.ts';
import { viewersOfCameraMax } from '../../src/policy/viewing.ts';
import { StillClock } from '../cameras/farend.ts';
import { oneCamera, until, type OneCamera } from './onecamera.ts';

const nothing = { sound: false, waiting: () => ({ bytes: 0, ms: 0 }) };

function liveOf({ watch }: OneCamera, more: { isPrivate?: (camera: string) => boolean; clock?: Clock } = {}): LiveDuty {
  return new LiveDuty({ cameras: () => [watch], clock: systemClock, log: silentLog, isPrivate: () => false, ...more });
}

/** Items up to the one that is enough. */
async function take(items: AsyncIterable<LiveItem>, enough: (item: LiveItem, all: LiveItem[]) => boolean): Promise<LiveItem[]> {
  const all: LiveItem[] = [];
  for await (const item of items) {
    all.push(item);
    if (enough(item, all)) return all;
  }
  return all;
}
const pictures = (count: number) => (_: LiveItem, all: LiveItem[]): boolean => all.filter(({ kind }) => kind === 'fragment').length >= count;

async function page(t: Test, live: LiveDuty, request: Partial<Parameters<typeof serveLive>[2]> = {}, clock: Clock = systemClock): Promise<{ url: string; served: Promise<void>[]; stop: AbortController }> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, maxPayload: 1024, perMessageDeflate: false });
  const stop = new AbortController();
  const served: Promise<void>[] = [];
  sockets.on('connection', (socket) => void served.push(serveLive(socket, live, { camera: 'front', stream: 'main', mayListen: false, ...request }, { clock, log: silentLog, signal: stop.signal })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    stop.abort();
    for (const client of sockets.clients) client.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, served, stop };
}

class Visitor {
  readonly news: LiveNews[] = [];
  readonly messages: Buffer[] = [];
  readonly socket: WebSocket;
  closedWith: number | undefined;

  constructor(t: Test, url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => { this.closedWith = code; });
    this.socket.on('message', (data: Buffer, binary: boolean) => {
      if (binary) this.messages.push(data);
      else this.news.push(JSON.parse(data.toString()) as LiveNews);
    });
    t.teardown(() => this.socket.terminate());
  }

  heard(kind: LiveNews['kind']): LiveNews[] {
    return this.news.filter((one) => one.kind === kind);
  }

  flagged(flag: number): Buffer[] {
    return this.messages.filter((message) => ((message[0] as number) & flag) !== 0);
  }
}

t.test('a camera without a recorded sub stream', async (t) => {
  const one = await oneCamera(t, { audio: true });
  const { watch, camera } = one;
  await until(() => (watch.status.lastSealedMs ?? 0) > 0);
  const live = liveOf(one);
  const mainOf = async () => (await watch.lend('main'))!;

  await t.test('its main stream is watched from the session that records it, and begins at the current group of pictures', async (t) => {
    const connections = camera.connections;
    const stop = new AbortController();
    const startedMs = Date.now();
    const items = await take(live.watch('front', 'main', nothing, stop.signal), pictures(30));
    const [init, first] = items;
    t.match(init, { kind: 'init', stream: 'main', video: /^avc1\./, audio: undefined, hasSound: true, width: 1280, height: 720 });
    t.ok(first?.kind === 'fragment' && first.fragment.keyFrame && first.fragment.wallMs <= startedMs + 100, 'the picture that is there');
    t.ok(items.every((item) => item.kind !== 'fragment' || item.fragment.track === 'video'), 'no sound that was not asked for');
    t.equal(camera.connections, connections, 'no second session');
    t.equal(live.viewers(), 0);
    const heard = await take(live.watch('front', 'main', { ...nothing, sound: true }, stop.signal), (item) => item.kind === 'fragment' && item.fragment.track === 'audio');
    t.match(heard[0], { kind: 'init', audio: /^mp4a/ });
  });

  await t.test('fifty quick viewers leave nothing behind', async (t) => {
    const { capture } = await mainOf();
    const readers = capture.readers;
    await Promise.all(Array.from({ length: 50 }, async (_, index) => {
      const stop = new AbortController();
      const taking = take(live.watch('front', 'main', nothing, stop.signal), pictures(index % 5));
      if (index % 3 === 0) stop.abort();
      await taking;
    }));
    t.equal(capture.readers, readers);
    t.equal(live.viewers(), 0);
  });

  await t.test('viewers are counted, and one too many is told so', async (t) => {
    const stop = new AbortController();
    const all = Array.from({ length: viewersOfCameraMax }, () => take(live.watch('front', 'main', nothing, stop.signal), () => false));
    await until(() => live.viewers('front') === viewersOfCameraMax);
    await t.rejects(take(live.watch('front', 'main', nothing, stop.signal), () => true), { code: 'SP_VIEWERS' });
    stop.abort();
    await Promise.all(all);
    t.equal(live.viewers(), 0);
    await t.rejects(take(live.watch('pond', 'main', nothing, new AbortController().signal), () => true), { code: 'SP_CAMERA_UNKNOWN' });
  });

  await t.test('of a private space nobody sees anything, from that moment on', async (t) => {
    let drawn = false;
    const shy = liveOf(one, { isPrivate: () => drawn });
    const seen: LiveItem[] = [];
    await t.rejects(async () => {
      for await (const item of shy.watch('front', 'main', nothing, new AbortController().signal)) {
        seen.push(item);
        if (seen.length === 5) drawn = true;
      }
    }, { code: 'SP_PRIVATE' });
    t.equal(seen.length, 5);
    await t.rejects(take(shy.watch('front', 'main', nothing, new AbortController().signal), () => true), { code: 'SP_PRIVATE' });
  });

  await t.test('its sub stream comes while somebody looks, by one session for all of them', async (t) => {
    const connections = camera.connections;
    const stop = new AbortController();
    const viewers = Array.from({ length: 4 }, () => take(live.watch('front', 'sub', nothing, stop.signal), pictures(20)));
    for (const items of await Promise.all(viewers)) t.match(items.find(({ kind }) => kind === 'init'), { stream: 'sub', width: 640, height: 360 });
    t.equal(camera.connections, connections + 1);
    t.match(watch.status.streams.map(({ stream }) => stream), ['main'], 'it is no stream that should be recorded');
  });

  await t.test('over a WebSocket: init, pictures with their times, sound only by right and on demand', async (t) => {
    const { url, served } = await page(t, live, { mayListen: true });
    const visitor = new Visitor(t, url);
    await until(() => visitor.messages.length > 20);
    t.match(visitor.news.slice(0, 2), [{ kind: 'time' }, { kind: 'init', stream: 'main', audio: null, sound: true, width: 1280 }]);
    t.equal(visitor.messages[0]?.[0], 2);
    t.equal(visitor.messages[0]?.toString('latin1', 16, 20), 'ftyp');
    t.equal(visitor.messages[1]?.[0], 1, 'a key frame first');
    const wallMs = visitor.messages.at(-1)?.readDoubleBE(4) ?? 0;
    t.ok(Math.abs(Date.now() - wallMs) < 500, 'the newest is new');
    t.equal(visitor.flagged(4).length, 0);
    visitor.socket.send('{"audio":true}');
    await until(() => visitor.flagged(4).length > 2);
    t.match(visitor.heard('init')[1], { audio: /^mp4a/ });
    visitor.socket.send('{"time":7}');
    await until(() => visitor.heard('time').length === 2);
    t.match(visitor.heard('time')[1], { asked: 7 });
    visitor.socket.send('{"paused":true}');
    await until(() => live.viewers() === 0);
    const count = visitor.messages.length;
    await systemClock.sleep(300);
    t.equal(visitor.messages.length, count);
    visitor.socket.send('{"paused":false}');
    await until(() => visitor.messages.length > count + 5);
    t.equal(visitor.messages[count]?.[0], 2, 'with an init');
    visitor.socket.close();
    await Promise.all(served);
    t.equal(live.viewers(), 0);
  });

  await t.test('what is not of the protocol ends it', async (t) => {
    const { url, served, stop } = await page(t, live);
    for (const said of ['', 'x', '{}', 'null', '[]', '{"audio":1}', '{"audio":true}', '{"paused":true,"audio":false}', `{"time":${'1'.repeat(300)}}`, Buffer.from([1])]) {
      const visitor = new Visitor(t, url);
      await until(() => visitor.messages.length > 0);
      visitor.socket.send(said);
      await until(() => visitor.closedWith !== undefined);
      t.match(visitor.heard('over'), [{ code: 'SP_CONTROL' }], String(said).slice(0, 40));
    }
    const talkative = new Visitor(t, url);
    await until(() => talkative.messages.length > 0);
    for (let count = 0; count < 40; count++) talkative.socket.send('{"time":1}');
    await until(() => talkative.closedWith !== undefined);
    const revoked = new Visitor(t, url);
    await until(() => revoked.messages.length > 0);
    stop.abort();
    await until(() => revoked.closedWith !== undefined);
    t.match(revoked.heard('over'), [{ code: 'SP_STOPPED' }]);
    await Promise.all(served);
  });

  await t.test('who takes nothing gets key frames, then is cut, and nothing that is recorded is lost', async (t) => {
    // Time runs ten times as fast for the socket's measure.
    const fast: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 10 };
    const quickly = liveOf(one, { clock: fast });
    const { url, served } = await page(t, quickly, {}, fast);
    const sealed = watch.status.segmentsSealed;
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.teardown(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n');
    let news = '';
    // It reads, so that its news can be looked at, and answers no ping.
    socket.on('data', (data: Buffer) => { news = (news + data.toString('latin1').replaceAll(/[^ -~]/g, '')).slice(-200_000); });
    await once(socket, 'data');
    await Promise.all(served);
    await until(() => socket.closed || socket.readableEnded || news.includes('SP_VIEWER_SLOW'));
    t.match(news, /"behind","mode":"key frames"/);
    await until(() => watch.status.segmentsSealed >= sealed + 2);
    t.same(await one.vault.holes({ msMin: 500 }), [], 'nothing is unexplained');
    t.same((await one.vault.gaps({ fromMs: 0, toMs: Date.now(), limit: 10 })).filter(({ reason }) => reason === 'too slow'), []);
    t.equal(quickly.viewers(), 0);
  });

  await t.test('a camera that is lost and comes back goes on with an init of its own', async (t) => {
    const seen: LiveItem[] = [];
    const stop = new AbortController();
    const taking = take(live.watch('front', 'main', nothing, stop.signal), (_, all) => {
      seen.splice(0, seen.length, ...all);
      return false;
    });
    await until(() => seen.length > 3);
    camera.breakStream('main');
    await until(() => seen.some(({ kind }) => kind === 'lost'));
    camera.mendStream('main');
    await until(() => seen.filter(({ kind }) => kind === 'init').length === 2 && seen.at(-1)?.kind === 'fragment');
    stop.abort();
    await taking;
    const after = seen.slice(seen.findLastIndex(({ kind }) => kind === 'init') + 1);
    t.ok(after[0]?.kind === 'fragment' && after[0].fragment.keyFrame);
  });

  await t.test('watching ends with the hub', async (t) => {
    const taking = take(live.watch('front', 'main', nothing, new AbortController().signal), () => false);
    await until(() => live.viewers() === 1);
    await live.close();
    await taking;
    t.equal(live.viewers(), 0);
  });
});

t.test('a sub stream that is recorded is watched from the session that records it', async (t) => {
  const one = await oneCamera(t, { sub: true });
  await until(() => one.watch.status.streams.length === 2 && one.watch.status.streams.every(({ recording }) => recording));
  const { connections } = one.camera;
  const items = await take(liveOf(one).watch('front', 'sub', nothing, new AbortController().signal), pictures(15));
  t.match(items[0], { kind: 'init', stream: 'sub', width: 640 });
  t.equal(one.camera.connections, connections);
});

t.test('a session on demand begins with the first who looks, ends half a minute after the last, and is one at a time', async (t) => {
  const clock = new StillClock();
  const log: string[] = [];
  let made = 0;
  const demand = new OnDemand(clock, async () => {
    const number = ++made;
    return { number, start: () => void log.push(`start ${number}`), close: async () => { await new Promise((resolve) => setImmediate(resolve)); log.push(`end ${number}`); } };
  });
  const [one, two] = await Promise.all([demand.take(), demand.take()]);
  t.equal(one.number, two.number);
  demand.release();
  demand.release();
  await until(() => clock.waitsFor(lingerMs));
  t.equal((await demand.take()).number, 1, 'who comes back finds it');
  clock.pass(lingerMs);
  await new Promise((resolve) => setImmediate(resolve));
  demand.release();
  await until(() => clock.waitsFor(lingerMs));
  clock.pass(lingerMs);
  await until(() => log.includes('end 1'));
  t.equal((await demand.take()).number, 2);
  await demand.close();
  t.same(log, ['start 1', 'end 1', 'start 2', 'end 2']);
  await t.rejects(demand.take(), { code: 'SP_STOPPED' });
  t.equal(made, 2);
});
