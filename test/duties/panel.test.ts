import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { serveLive } from '../../src/api/livesocket.ts';
import type { LiveNews } from '../../src/api/pagecontract.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { LiveDuty, type LiveItem, type WatchingOptions } from '../../src/duties/live.ts';
import { PanelDuty } from '../../src/duties/panel.ts';
import { panelEncodersMax, waitingBytesMax } from '../../src/policy/viewing.ts';
import { oneCamera, until, type OneCamera } from './onecamera.ts';

t.setTimeout(120_000);

const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
const nothing: WatchingOptions = { sound: false, waiting: () => ({ bytes: 0, ms: 0 }) };

interface Both { readonly live: LiveDuty; readonly panel: PanelDuty; enabled: boolean; hidden: boolean; ffmpeg: string }

function panelOf(t: Test, { watch }: OneCamera): Both {
  const live = new LiveDuty({ cameras: () => [watch], clock: systemClock, log: silentLog, isPrivate: () => both.hidden });
  const both: Both = {
    live, enabled: true, hidden: false, ffmpeg: 'ffmpeg',
    panel: new PanelDuty({ live, programs: () => ({ ffmpeg: both.ffmpeg, jail }), enabled: () => both.enabled, isPrivate: () => both.hidden, clock: systemClock, log: silentLog, random: () => 0 }),
  };
  t.teardown(async () => { await both.panel.close(); await live.close(); });
  return both;
}

interface Shown { readonly items: LiveItem[]; readonly done: Promise<Error | undefined>; readonly stop: AbortController; count(): number }

/** A panel, until it is stopped; its end as an error, if it was one. */
function show({ panel }: Both, camera = 'front', options = nothing, stream: 'main' | 'sub' = 'main'): Shown {
  const items: LiveItem[] = [];
  const stop = new AbortController();
  const run = async (): Promise<Error | undefined> => {
    try {
      // What is kept is a copy: the same piece goes to others.
      for await (const item of panel.watch(camera, stream, options, stop.signal)) items.push(item.kind === 'fragment' ? { ...item, fragment: { ...item.fragment, bytes: Buffer.from(item.fragment.bytes) } } : item);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  };
  return { items, stop, done: run(), count: () => items.filter(({ kind }) => kind === 'fragment').length };
}

t.test('panels', async (t) => {
  const one = await oneCamera(t);
  const { camera, watch } = one;
  await until(() => (watch.status.lastSealedMs ?? 0) > 0);
  const { connections } = camera;

  await t.test('all panels of a camera have one encoder, which ends with the last; the camera notices nothing', async (t) => {
    const both = panelOf(t, one);
    const [a, b] = [show(both), show(both)];
    await until(() => a.count() > 10 && b.count() > 10);
    t.equal(both.panel.encoders.length, 1);
    t.equal(both.live.viewers(), 1, 'it is one live viewer');
    const [pid = 0] = both.panel.encoders;
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    t.match(words, /mpeg1video/);
    t.notMatch(words, new RegExp([camera.password, camera.user, camera.address].map((word) => word.replaceAll(/[^\w]/g, '\\$&')).join('|')));
    t.match(a.items[0], { kind: 'init', stream: 'main', video: 'mpeg1', hasSound: false });
    const [first] = a.items.flatMap((item) => (item.kind === 'fragment' ? [item.fragment] : []));
    t.equal(first?.keyFrame, true, 'it begins with a key frame');
    const c = show(both);
    await until(() => c.count() > 3);
    t.match(c.items[0], { kind: 'init' });
    t.match(c.items[1], { kind: 'fragment', fragment: { keyFrame: true } }, 'so does one that comes later');
    const wallMs = a.items.flatMap((item) => (item.kind === 'fragment' ? [item.fragment.wallMs] : [])).at(-1) ?? 0;
    t.ok(wallMs > 0 && wallMs <= Date.now(), 'each picture says when it arrived at the hub');
    t.equal(camera.connections, connections, 'no second session');
    for (const panel of [a, b]) {
      panel.stop.abort();
      t.equal(await panel.done, undefined);
    }
    t.same(both.panel.encoders, [pid], 'while one is left, it goes on');
    c.stop.abort();
    await c.done;
    await until(() => both.panel.encoders.length === 0 && both.live.viewers() === 0);
    t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'its ffmpeg is gone');
    const again = show(both);
    await until(() => again.count() > 0);
    t.equal(camera.connections, connections);
  });

  await t.test('a space that becomes private cuts all of it, and nothing begins in it', async (t) => {
    const both = panelOf(t, one);
    const a = show(both);
    await until(() => a.count() > 5);
    both.hidden = true;
    const before = a.count();
    t.match(await a.done, { code: 'SP_PRIVATE' });
    t.equal(a.count(), before, 'not one piece more');
    await until(() => both.panel.encoders.length === 0);
    t.match(await show(both).done, { code: 'SP_PRIVATE' });
    t.same(both.panel.encoders, []);
  });

  await t.test('off: none begins, and what runs ends', async (t) => {
    const both = panelOf(t, one);
    const a = show(both);
    await until(() => a.count() > 0);
    both.enabled = false;
    t.match(await a.done, { code: 'SP_PANELS_OFF' });
    t.match(await show(both).done, { code: 'SP_PANELS_OFF' });
    await until(() => both.panel.encoders.length === 0);
  });

  await t.test('a panel that takes nothing gets key frames, then is cut; another one goes on', async (t) => {
    const both = panelOf(t, one);
    let [bytes, ms] = [0, 0];
    const slow = show(both, 'front', { sound: false, waiting: () => ({ bytes, ms }) });
    const quick = show(both);
    await until(() => slow.count() > 5);
    ms = 3000;
    await until(() => slow.items.some((item) => item.kind === 'behind' && item.mode === 'key frames'));
    const at = slow.count();
    const quickAt = quick.count();
    await until(() => quick.count() > quickAt + 20);
    t.ok(slow.count() - at <= 1, 'at most what was under way');
    bytes = waitingBytesMax;
    t.match(await slow.done, { code: 'SP_VIEWER_SLOW' });
    const more = quick.count();
    await until(() => quick.count() > more + 5);
  });

  await t.test('an encoder that dies is begun again', async (t) => {
    const both = panelOf(t, one);
    const a = show(both);
    await until(() => a.count() > 5);
    const [pid = 0] = both.panel.encoders;
    process.kill(pid, 'SIGKILL');
    await until(() => a.items.some(({ kind }) => kind === 'lost'));
    const lostAt = a.items.length;
    await until(() => a.items.slice(lostAt).some(({ kind }) => kind === 'fragment'));
    t.match(a.items[lostAt], { kind: 'init' });
    t.match(a.items[lostAt + 1], { kind: 'fragment', fragment: { keyFrame: true } });
    t.not(both.panel.encoders[0], pid);
    t.equal(camera.connections, connections);
  });

  await t.test('when the hub stops, each panel is told, and no encoder is left', async (t) => {
    const both = panelOf(t, one);
    const a = show(both);
    await until(() => a.count() > 0);
    const [pid = 0] = both.panel.encoders;
    await both.panel.close();
    t.match(await a.done, { code: 'SP_STOPPED' });
    t.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    t.match(await show(both).done, { code: 'SP_STOPPED' });
  });

  await t.test('over a WebSocket, as live pictures go, less sound', async (t) => {
    const both = panelOf(t, one);
    const server = createServer();
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    const stop = new AbortController();
    sockets.on('connection', (socket) => void serveLive(socket, both.panel, { camera: 'front', stream: 'main', mayListen: false }, { clock: systemClock, log: silentLog, signal: stop.signal }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const visitor = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    t.teardown(() => { stop.abort(); visitor.terminate(); server.close(); });
    const news: LiveNews[] = [];
    const messages: Buffer[] = [];
    visitor.on('message', (data: Buffer, binary: boolean) => { if (binary) messages.push(data); else news.push(JSON.parse(data.toString()) as LiveNews); });
    await until(() => messages.length > 10);
    t.match(news.slice(0, 2), [{ kind: 'time' }, { kind: 'init', video: 'mpeg1', audio: null, sound: false }]);
    t.same([messages[0]?.[0], messages[0]?.[12]], [1, 0x47], 'a key frame, as a transport stream');
    t.ok(messages.every((message) => (message.length - 12) % 188 === 0));
    visitor.send('{"paused":true}');
    await until(() => both.panel.encoders.length === 0);
    visitor.send('{"paused":false}');
    await until(() => news.filter(({ kind }) => kind === 'init').length === 2);
    visitor.send('{"audio":true}');
    await until(() => news.some((one) => one.kind === 'over' && one.code === 'SP_CONTROL'));
    await until(() => both.panel.encoders.length === 0);
  });
});

t.test('so many encoders at once and no more', async (t) => {
  const live = new LiveDuty({ cameras: () => Array.from({ length: 9 }, (_, n) => ({ status: { camera: `c${n}`, state: 'it is away' }, lend: async () => undefined })) as never, clock: systemClock, log: silentLog, isPrivate: () => false });
  const panel = new PanelDuty({ live, programs: () => ({ ffmpeg: 'ffmpeg', jail }), enabled: () => true, isPrivate: () => false, clock: systemClock, log: silentLog, random: () => 0 });
  const both = { live, panel, enabled: true, hidden: false, ffmpeg: 'ffmpeg' };
  const shown = Array.from({ length: panelEncodersMax }, (_, n) => show(both, `c${n}`));
  await until(() => live.viewers() === panelEncodersMax);
  t.match(await show(both, 'c8').done, { code: 'SP_PANELS' });
  const second = show(both, 'c0');
  shown[1]?.stop.abort();
  await until(() => live.viewers() === panelEncodersMax - 1);
  const freed = show(both, 'c8');
  await until(() => live.viewers() === panelEncodersMax);
  await panel.close();
  for (const one of [second, freed]) t.match(await one.done, { code: 'SP_STOPPED' });
  await live.close();
});
