import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { createLog, silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { run } from '../../src/base/spawn.ts';
import type { Fragment, MediaEvent } from '../../src/capture/media.ts';
import { StreamCapture, type StreamOptions, type StreamState } from '../../src/capture/stream.ts';
import { Emulator, type EmulatedCamera } from '../../src/emulator/emulator.ts';
import { makeClip, streamOf, take } from './clips.ts';
import { cseq, falseCamera } from './falsecamera.ts';

const subnet = `127.${10 + Math.floor(Math.random() * 240)}.${10 + Math.floor(Math.random() * 240)}`;
const password = 'p@ss#1\'"/ ä%';

/** Waits between tries are cut to 20 ms and noted; all else is real time. With `random: () => 0.2` the supervisor's waits are known. */
class HastyClock implements Clock {
  readonly waitsMs: number[] = [];
  wallMs = systemClock.wallMs;
  monotonicMs = systemClock.monotonicMs;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const between = backoffsMs.includes(ms) || ms >= 60_000;
    if (between) this.waitsMs.push(ms);
    return systemClock.sleep(between ? 20 : ms, signal);
  }
}
/** Of the supervisor, after tries that found nobody and after tries that were answered and failed. */
const backoffsMs = [1, 2, 4, 8, 15, 60, 240, 720].map((seconds) => seconds * 600);

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

interface Watched { capture: StreamCapture; states: StreamState[]; clock: HastyClock; lines: string[] }

function open(t: Test, url: () => Promise<Secret>, options: Partial<StreamOptions> = {}): Watched {
  const states: StreamState[] = [];
  const lines: string[] = [];
  const clock = new HastyClock();
  const capture = new StreamCapture({
    camera: 'gate', stream: 'sub', url, audio: 'drop', hevc: false, ffmpeg: 'ffmpeg', clock, random: () => 0.2,
    log: createLog({ level: 'debug', write: (line) => lines.push(line) }), onState: (state) => states.push(state), ...options,
  });
  t.teardown(() => capture.stop());
  capture.start();
  return { capture, states, clock, lines };
}

/** Reads until `enough` says so, and returns copies of what came. */
async function readUntil(events: AsyncGenerator<MediaEvent>, enough: (event: MediaEvent, all: MediaEvent[]) => boolean): Promise<MediaEvent[]> {
  const all: MediaEvent[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) return all;
    all.push(value.kind === 'fragment' ? { kind: 'fragment', fragment: { ...value.fragment, bytes: Buffer.from(value.fragment.bytes) } } : value);
    if (enough(value, all)) return all;
  }
}

const fragmentsOf = (events: readonly MediaEvent[], track: 'video' | 'audio' = 'video'): Fragment[] => events.flatMap((event) => (event.kind === 'fragment' && event.fragment.track === track ? [event.fragment] : []));
const pictures = (count: number) => (_: MediaEvent, all: MediaEvent[]): boolean => fragmentsOf(all).length >= count;

/** Command lines of all ffmpegs whose parent is this process. */
function ffmpegs(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const ours = new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      return ours && line.includes('concat') ? [line] : [];
    } catch {
      return [];
    }
  });
}

t.test('a camera comes live, and what comes out plays', async (t) => {
  const { capture, states } = open(t, async () => urlOf(camera(0)));
  const events = await readUntil(capture.read(), pictures(15));
  const [first] = events;
  if (first?.kind !== 'init') return t.fail('no init first');
  t.match(first.init.videoCodec, /^avc1\./);
  const video = fragmentsOf(events);
  t.ok(video[0]?.keyFrame);
  t.ok(video.every((fragment, index) => index === 0 || fragment.timeMs > (video[index - 1]?.timeMs ?? 0)));
  t.ok(video.every((fragment) => Math.abs(fragment.wallMs - Date.now()) < 60_000 && fragment.monotonicMs > 0));
  const decoded = await run('ffmpeg', ['-v', 'error', '-f', 'mp4', '-i', 'pipe:0', '-f', 'null', '-'], { input: Buffer.concat([first.init.ftyp, first.init.moov, ...video.map((fragment) => fragment.bytes)]) });
  t.same([decoded.status, decoded.stderr], [0, '']);
  t.same(states.map((state) => state.state), ['starting', 'live']);
  t.match(capture.state, { state: 'live', restarts: 0, bytes: Number, lastFragmentMs: Number });
  t.ok(capture.state.bytes > 0);
});

t.test('the password is in no process list, log line or error', async (t) => {
  const { capture, lines } = open(t, async () => urlOf(camera(0)));
  await readUntil(capture.read(), pictures(1));
  const running = ffmpegs();
  t.equal(running.length, 1);
  const wrong = open(t, async () => urlOf(camera(0), 'sub', 'another hunter2'));
  await readUntil(wrong.capture.read(), (event) => event.kind === 'lost');
  await capture.stop();
  await wrong.capture.stop();
  const told = [...running, ...lines, ...wrong.lines, JSON.stringify(wrong.capture.state)].join('\n');
  for (const part of ['hunter2', password, encodeURIComponent(password), 'p%40ss']) t.notOk(told.includes(part), part);
});

t.test('sound comes as accepted: AAC copied, A-law made AAC, else none', async (t) => {
  for (const [index, audio] of [[1, 'copy'], [2, 'transcode']] as const) {
    const { capture } = open(t, async () => urlOf(camera(index)), { audio });
    const events = await readUntil(capture.read(), (_, all) => fragmentsOf(all).length >= 12 && fragmentsOf(all, 'audio').length >= 5);
    t.equal(events[0]?.kind === 'init' ? events[0].init.audioCodec : undefined, 'mp4a.40.2', audio);
    const steps = fragmentsOf(events).slice(1).map((fragment, at, all) => fragment.timeMs - (all[at - 1]?.timeMs ?? fragment.timeMs)).slice(1);
    t.ok(Math.max(...steps) < 2 * Math.min(...steps), `${audio}: pictures at a steady pace`);
    await capture.stop();
  }
  const { capture } = open(t, async () => urlOf(camera(1)));
  t.equal(fragmentsOf(await readUntil(capture.read(), pictures(10)), 'audio').length, 0, 'dropped');
});

t.test('sound that was expected to be AAC and is not is made AAC at the next try', async (t) => {
  const { capture } = open(t, async () => urlOf(camera(2)), { audio: 'copy' });
  const events = await readUntil(capture.read(), pictures(3));
  t.match(events[0], { kind: 'lost', reason: 'stream ended' });
  t.equal(events[1]?.kind === 'init' ? events[1].init.audioCodec : undefined, 'mp4a.40.2');
});

t.test('a camera whose codec is not the expected one is recorded from the next try on', async (t) => {
  const { capture } = open(t, async () => urlOf(camera(0)), { hevc: true });
  t.same((await readUntil(capture.read(), pictures(1))).map((event) => event.kind), ['lost', 'init', 'fragment']);
});

t.test('a camera that falls silent is told as stalled, and comes back by itself', async (t) => {
  const gate = camera(0);
  const { capture, states } = open(t, async () => urlOf(gate), { stallMs: 4000 });
  const events = capture.read();
  await readUntil(events, pictures(5));
  gate.stall();
  t.teardown(() => gate.resume());
  const lost = (await readUntil(events, (event) => event.kind === 'lost')).at(-1);
  t.match(lost, { kind: 'lost', reason: 'stalled' });
  gate.resume();
  t.same((await readUntil(events, pictures(1))).map((event) => event.kind), ['init', 'fragment'], 'one loss, then a new session');
  t.match(states.find((state) => state.state === 'waiting'), { reason: 'stalled' });
  t.ok(capture.state.restarts >= 1);
});

t.test('a camera that vanishes is lost once, however often it is tried, and comes back', async (t) => {
  const gate = camera(0);
  const { capture, clock } = open(t, async () => urlOf(gate));
  const events = capture.read();
  await readUntil(events, pictures(5));
  await gate.stop();
  await readUntil(events, (event) => event.kind === 'lost');
  while (capture.state.restarts < 2 || capture.state.reason !== 'camera offline') await systemClock.sleep(20);
  t.match(capture.state, { reason: 'camera offline' });
  await gate.start();
  t.same((await readUntil(events, pictures(1))).map((event) => event.kind), ['init', 'fragment']);
  t.ok(clock.waitsMs.length >= 1, 'it waited between tries');
});

t.test('a wrong password is not tried again before a minute is over', async (t) => {
  const { capture, clock, states } = open(t, async () => urlOf(camera(0), 'sub', 'wrong'));
  t.match((await readUntil(capture.read(), (event) => event.kind === 'lost')).at(-1), { reason: 'credentials refused' });
  while (capture.state.restarts < 2) await systemClock.sleep(20);
  t.ok(clock.waitsMs.length >= 2 && clock.waitsMs.every((ms) => ms >= 60_000), clock.waitsMs.join());
  t.match(states.find((state) => state.state === 'waiting'), { reason: 'credentials refused', detail: /401/ });
});

t.test('a password that is set right while it waits is used at the next try', async (t) => {
  let known = 'wrong';
  const { capture } = open(t, async () => urlOf(camera(0), 'sub', known));
  const events = capture.read();
  await readUntil(events, (event) => event.kind === 'lost');
  known = password;
  t.same((await readUntil(events, pictures(1))).map((event) => event.kind), ['init', 'fragment']);
});

t.test('a camera that accepts and says nothing is told and left within the stall time', async (t) => {
  const silent = await falseCamera(t, subnet, () => {});
  const { capture } = open(t, silent.url, { stallMs: 2500 });
  t.match((await readUntil(capture.read(), (event) => event.kind === 'lost')).at(-1), { reason: 'stalled' });
  while (silent.connections() < 2) await systemClock.sleep(20);
  t.equal(ffmpegs().length, 1, 'never two at once');
});

t.test('a camera that refuses, hangs up, or answers nonsense is a loss with a reason', async (t) => {
  const answers: Array<[string, (request: string, socket: Socket) => void, RegExp]> = [
    ['401 for ever', (request, socket) => socket.write(`RTSP/1.0 401 Unauthorized\r\nCSeq: ${cseq(request)}\r\nWWW-Authenticate: Digest realm="x", nonce="y"\r\n\r\n`), /credentials refused/],
    ['403', (request, socket) => socket.write(`RTSP/1.0 403 Forbidden\r\nCSeq: ${cseq(request)}\r\n\r\n`), /credentials refused/],
    ['404', (request, socket) => socket.write(`RTSP/1.0 404 Not Found\r\nCSeq: ${cseq(request)}\r\n\r\n`), /stream ended/],
    ['hangs up', (_, socket) => socket.resetAndDestroy(), /camera offline/],
    ['nonsense', (_, socket) => socket.end(Buffer.alloc(100_000, 'nonsense ')), /camera offline|stream ended|stalled/],
    ['a stream description without a stream', (request, socket) => {
      const body = request.startsWith('DESCRIBE') ? 'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\n' : '';
      socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${cseq(request)}\r\nPublic: DESCRIBE\r\nContent-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }, /stream ended/],
  ];
  for (const [name, answer, reason] of answers) {
    const bad = await falseCamera(t, subnet, answer);
    const { capture, lines } = open(t, bad.url, { stallMs: 3000 });
    const lost = (await readUntil(capture.read(), (event) => event.kind === 'lost')).at(-1);
    t.match(lost, { kind: 'lost', reason, detail: String }, name);
    await capture.stop();
    t.notMatch(lines.join('\n') + JSON.stringify(lost), /hunter2/, `${name}: no password told`);
  }
});

t.test('an ffmpeg that prints garbage, or is not there, is a loss with a reason', async (t) => {
  const folder = t.testdir({});
  const fake = join(folder, 'ffmpeg');
  writeFileSync(fake, '#!/bin/sh\necho this is no fMP4\nexec sleep 60\n');
  chmodSync(fake, 0o700);
  const garbage = open(t, async () => urlOf(camera(0)), { ffmpeg: fake });
  t.match((await readUntil(garbage.capture.read(), (event) => event.kind === 'lost')).at(-1), { reason: 'stream broken', detail: /broken at byte 0/ });
  await garbage.capture.stop();
  const missing = open(t, async () => urlOf(camera(0)), { ffmpeg: join(folder, 'nothing') });
  t.match((await readUntil(missing.capture.read(), (event) => event.kind === 'lost')).at(-1), { reason: 'stream broken', detail: /was not found/ });
  const nowhere = open(t, () => Promise.reject(new Error('no such secret')));
  t.match((await readUntil(nowhere.capture.read(), (event) => event.kind === 'lost')).at(-1), { reason: 'camera offline' });
});

t.test('stopping ends ffmpeg in every state, also one that ignores SIGTERM, and the readers with it', async (t) => {
  const folder = t.testdir({});
  const deaf = join(folder, 'ffmpeg');
  writeFileSync(deaf, `#!/bin/sh\ntrap '' TERM\necho $$ > '${join(folder, 'pid')}'\nwhile :; do sleep 0.2; done\n`);
  chmodSync(deaf, 0o700);
  const stubborn = open(t, async () => urlOf(camera(0)), { ffmpeg: deaf });
  while (!existsSync(join(folder, 'pid')) || readFileSync(join(folder, 'pid'), 'utf8') === '') await systemClock.sleep(20);
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  await stubborn.capture.stop();
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'killed');
  t.equal(stubborn.capture.state.state, 'stopped');

  const early = open(t, async () => urlOf(camera(0)));
  await early.capture.stop();
  t.equal(early.capture.state.state, 'stopped', 'while it starts');

  const live = open(t, async () => urlOf(camera(0)));
  const events = live.capture.read();
  await readUntil(events, pictures(2));
  await Promise.all([live.capture.stop(), live.capture.stop()]);
  t.match((await readUntil(events, () => false)).at(-1), { kind: 'lost', reason: 'hub stopped' }, 'the rest, the reason, the end');
  t.same(ffmpegs(), []);
  live.capture.start();
  t.equal(live.capture.state.state, 'stopped', 'a stopped capture stays stopped');
});

/** Time runs `factor` times as fast as it does. */
function fastClock(factor: number): Clock {
  return {
    wallMs: () => systemClock.wallMs(),
    monotonicMs: () => systemClock.monotonicMs() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}

/** An ffmpeg that prints a file and then `more`. */
function fakeFfmpeg(folder: string, stream: Buffer, more: string): string {
  const path = join(folder, 'ffmpeg');
  writeFileSync(join(folder, 'stream'), stream);
  writeFileSync(path, `#!/bin/sh\ncat > /dev/null\ncat '${join(folder, 'stream')}'\n${more}\n`);
  chmodSync(path, 0o700);
  return path;
}

t.test('a camera that sends no key frame for 30 s is told so, and the stream goes on', async (t) => {
  const folder = t.testdir({});
  const taken = take(await streamOf(await makeClip(join(folder, 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false }));
  const [init] = taken.inits;
  if (init === undefined) return t.fail('no init');
  const without = Buffer.concat([init.ftyp, init.moov, ...taken.fragments.slice(1, 20).map((fragment) => fragment.bytes)]);
  writeFileSync(join(folder, 'key'), Buffer.concat(taken.fragments.slice(25, 27).map((fragment) => fragment.bytes)));
  const ffmpeg = fakeFfmpeg(folder, without, `while ! [ -e '${join(folder, 'now')}' ]; do sleep 0.05; done; cat '${join(folder, 'key')}'; exec sleep 60`);
  const { capture, states } = open(t, async () => urlOf(camera(0)), { ffmpeg, clock: fastClock(50), stallMs: 10_000_000 });
  const events = capture.read();
  t.same((await readUntil(events, (event) => event.kind === 'lost')).map((event) => (event.kind === 'lost' ? event.reason : event.kind)), ['init', 'no key frame']);
  t.match(capture.state, { state: 'live', reason: 'no key frame', restarts: 0 });
  writeFileSync(join(folder, 'now'), '');
  t.equal(fragmentsOf(await readUntil(events, pictures(2))).length, 2);
  t.same(states.map(({ state, reason }) => [state, reason]), [['starting', undefined], ['live', undefined], ['live', 'no key frame'], ['live', undefined]]);
});

t.test('waits between tries that are answered and fail grow; after a minute of live data it is tried again at once', async (t) => {
  const folder = t.testdir({});
  const stream = await streamOf(await makeClip(join(folder, 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false });
  const waitsMs: number[] = [];
  let nowMs = 0;
  const sinceStart: Clock = {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) => {
      if (backoffsMs.includes(ms)) waitsMs.push(ms);
      // Short ones are between two readings of ffmpeg's output.
      return systemClock.sleep(backoffsMs.includes(ms) ? 1 : ms < 500 ? ms : 600_000, signal);
    },
  };
  const pieces = [0, 1, 2].map((n) => stream.subarray(Math.floor((n * stream.length) / 3), Math.floor(((n + 1) * stream.length) / 3)));
  const [begins, goesOn, ends] = ['long', 'more', 'end'].map((name) => join(folder, name)) as [string, string, string];
  const piece = (n: number): string => join(folder, `piece-${n}`);
  for (const n of [1, 2]) writeFileSync(piece(n), pieces[n] as Buffer);
  const once = (file: string, n: number): string => `while ! [ -e '${file}' ]; do sleep 0.05; done; cat '${piece(n)}'`;
  const ffmpeg = fakeFfmpeg(folder, pieces[0] as Buffer, `[ -e '${begins}' ] && { ${once(goesOn, 1)}; ${once(ends, 2)}; }`);
  let bytesBefore = Infinity;
  const { capture } = open(t, async () => urlOf(camera(0)), {
    ffmpeg, clock: sinceStart,
    onState: (state) => {
      if (state.restarts === 4) writeFileSync(begins, '');
      // From its first fragment to its last, the fifth session is over a minute long.
      if (state.restarts === 4 && state.state === 'live') {
        nowMs += 61_000;
        bytesBefore = state.bytes + (pieces[0] as Buffer).length;
        writeFileSync(goesOn, '');
      }
    },
  });
  while (waitsMs.length < 6) {
    // The end comes when the middle has been read, by the clock of then: it cannot be taken for part of the same reading.
    if (capture.state.bytes > bytesBefore) writeFileSync(ends, '');
    await systemClock.sleep(20);
  }
  await capture.stop();
  t.same(waitsMs.slice(0, 6), [600, 2400, 9000, 36_000, 600, 600]);
});

// A teardown of the whole file would wait for the servers that it is to close.
t.test('the emulated cameras close', () => emulator.close());
