import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { makeClip, streamOf, take } from '../capture/clips.ts';
import { openStand } from './stand.ts';

/** The hub is not in this: pieces as the browser's opener gives them, of a day that is made of one clip of 3 s again and again. */
const script = `
import { ReplayPlayer } from '/src/web/player/replay.ts';
const video = document.getElementById('video');
const clip = new Uint8Array(await (await fetch('/clip')).arrayBuffer());
const index = await (await fetch('/index')).json();
const part = ([from, to]) => clip.slice(from, to);
window.log = { times: [], states: [], gaps: [], problems: [], opened: [], pieces: 0 };
// Segments of 3 s from 0 to 60 s and from 120 s to 300 s of the day; the one at 30 s does not open.
const starts = [...Array.from({ length: 20 }, (_, i) => i * 3000), ...Array.from({ length: 60 }, (_, i) => 120000 + i * 3000)];
window.codec = index.init;
async function* source(fromMs, { keyFramesOnly, signal }) {
  log.opened.push(fromMs + (keyFramesOnly ? ' keys' : ''));
  // A time that takes long to open: who stops it meanwhile sees it end without a word.
  if (fromMs === 299000) { await new Promise((resolve) => signal.addEventListener('abort', resolve)); return; }
  let last;
  for (const startMs of starts.filter((ms) => ms + 3000 > fromMs)) {
    if (startMs === 120000) yield { kind: 'gap', wallMs: 60000, toMs: 120000, reason: 'camera offline' };
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (startMs === 30000) { yield { kind: 'problem', wallMs: startMs, error: new Error('damaged') }; continue; }
    const init = startMs >= 240000 ? index.sound : index.init;
    if (last !== init) yield { kind: 'init', bytes: part(init), wallMs: startMs };
    last = init;
    const from = index.fragments.findLast((one) => one.key && startMs + one.ms <= fromMs) ?? index.fragments[0];
    for (const one of index.fragments.slice(index.fragments.indexOf(from))) {
      if (signal.aborted) throw new Error('stopped');
      log.pieces++;
      if (!keyFramesOnly || one.key) yield { kind: 'fragment', bytes: part(one.at), wallMs: startMs + one.ms, key: one.key };
    }
  }
}
window.player = new ReplayPlayer(video, source, {
  onTime: (ms) => log.times.push([performance.now(), ms]), onState: (state) => log.states.push(state), onGap: (gap) => log.gaps.push(gap), onProblem: (words) => log.problems.push(words),
});
window.seekAndWait = async (ms) => {
  const began = performance.now();
  const seen = log.times.length;
  player.seek(ms);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const hit = log.times.slice(seen).find(([, at]) => at >= ms - 60 && at < ms + 1500);
    if (hit !== undefined) return { tookMs: hit[0] - began, at: hit[1] };
  }
};
window.ready = true;
`;

interface Log { times: [number, number][]; states: string[]; gaps: { fromMs: number; toMs: number; reason: string }[]; problems: string[]; opened: string[]; pieces: number }

t.test('the player of opened footage in Chromium', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), `sp-replay-${randomBytes(2).toString('hex')}`));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { inits: [init], fragments } = take(await streamOf(await makeClip(join(folder, 'clip.mp4')), { audio: 'drop', hevc: false, richProbe: false }));
  const { inits: [other] } = take(await streamOf(await makeClip(join(folder, 'sound.mp4'), { audio: 'aac' }), { audio: 'copy', hevc: false, richProbe: false }));
  if (init === undefined || other === undefined) throw new Error('no init');
  const blocks: Buffer[] = [];
  let at = 0;
  const put = (...bytes: Buffer[]): [number, number] => {
    const from = at;
    blocks.push(...bytes);
    at += bytes.reduce((sum, block) => sum + block.length, 0);
    return [from, at];
  };
  const index = { init: put(init.ftyp, init.moov), sound: put(init.ftyp, init.moov), fragments: fragments.map(({ bytes, keyFrame, timeMs }) => ({ at: put(bytes), key: keyFrame, ms: timeMs })) };
  const stand = await openStand(t);
  stand.serve('/clip', async () => ({ type: 'application/octet-stream', body: Buffer.concat(blocks) }));
  stand.serve('/index', async () => ({ type: 'application/json', body: JSON.stringify(index) }));
  const page = await stand.open(script);
  await page.waitForFunction('window.ready === true');
  const does = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  const log = (): Promise<Log> => does<Log>('window.log');
  const seek = (ms: number): Promise<{ tookMs: number; at: number }> => does(`seekAndWait(${ms})`);
  /** How much of the day goes by in a second. */
  const pace = async (): Promise<number> => {
    const before = (await log()).times.at(-1) as [number, number];
    await systemClock.sleep(2500);
    const after = (await log()).times.at(-1) as [number, number];
    return (after[1] - before[1]) / (after[0] - before[0]);
  };

  await t.test('plays from a time in the middle of a group of pictures, and on over segments', async (t) => {
    const { tookMs, at: shown } = await seek(4500);
    t.ok(tookMs < 1000, `${tookMs} ms`);
    t.ok(shown >= 4440 && shown < 4700, `shows ${shown}`);
    t.ok(Math.abs(await pace() - 1) < 0.1);
    const { states, times } = await log();
    t.same(states, ['opening', 'playing']);
    t.ok(times.every(([, ms], i) => i === 0 || ms >= times[i - 1]![1]), 'time never goes back');
  });

  await t.test('what is buffered is shown without being opened again', async (t) => {
    const { opened } = await log();
    const { tookMs } = await seek(9100);
    t.ok(tookMs < 500, `${tookMs} ms`);
    t.equal((await log()).opened.length, opened.length);
  });

  await t.test('no more is opened than is needed soon', async (t) => {
    await systemClock.sleep(1000);
    t.ok((await log()).pieces < 25 * 35, `${(await log()).pieces} pictures`);
  });

  await t.test('a segment that does not open is told, and what follows is played', async (t) => {
    await seek(28_500);
    for (;;) {
      const { times, problems } = await log();
      if (times.at(-1)![1] > 33_200) {
        t.same(problems, ['damaged']);
        break;
      }
      await systemClock.sleep(100);
    }
  });

  await t.test('a gap is jumped over, and told when it is reached', async (t) => {
    await seek(58_000);
    t.same((await log()).gaps, []);
    const begun = Date.now();
    for (;;) {
      const { times, gaps } = await log();
      if (times.at(-1)![1] > 120_300) {
        t.same(gaps, [{ atSec: gaps.map((gap) => (gap as { atSec?: number }).atSec)[0], fromMs: 60_000, toMs: 120_000, reason: 'camera offline' }]);
        break;
      }
      await systemClock.sleep(50);
    }
    t.ok(Date.now() - begun < 6000);
    const inside = await does<{ at: number }>('(async () => { player.seek(80000); for (;;) { await new Promise((r) => setTimeout(r, 20)); const last = log.times.at(-1); if (log.states.at(-1) === "playing" && last[1] >= 120000 && last[1] < 121500) return { at: last[1] }; } })()');
    t.ok(inside.at >= 120_000, 'a time within it leads behind it');
  });

  for (const speed of [2, 4, 8, 16]) {
    await t.test(`plays at ${speed} times the pace of the day`, async (t) => {
      await does(`player.speed(1)`);
      await seek(121_000);
      await does(`player.speed(${speed})`);
      await systemClock.sleep(800);
      const is = await pace();
      t.ok(Math.abs(is / speed - 1) < 0.25, `${is.toFixed(2)} ${Number.isNaN(is) ? await does("JSON.stringify([log.states.slice(-4), log.opened.slice(-3), log.problems, video.currentTime, video.readyState, video.seeking, video.paused, [...Array(video.buffered.length).keys()].map((i) => [video.buffered.start(i), video.buffered.end(i)])])") : ""}`);
      t.equal((await log()).opened.at(-1)?.endsWith('keys'), speed > 4);
    });
  }

  await t.test('pauses, goes on, and seeks while paused to a picture that plays', async (t) => {
    await does('player.speed(1)');
    await seek(130_000);
    await does('player.pause()');
    const before = (await log()).times.length;
    await systemClock.sleep(500);
    t.ok((await log()).times.length <= before + 1);
    t.equal((await log()).states.at(-1), 'paused');
    await does('player.play()');
    await systemClock.sleep(500);
    t.equal((await log()).states.at(-1), 'playing');
    await does('player.pause()');
    t.ok((await seek(200_000)).tookMs < 1000);
  });

  await t.test('twenty seeks in a row: each opens one time, the last one counts', async (t) => {
    const { at: shown } = await does<{ at: number }>('(() => { for (let i = 0; i < 20; i++) player.seek(121000 + i * 4000); return seekAndWait(215000); })()');
    t.ok(shown >= 214_900 && shown < 216_000);
    t.ok(Math.abs(await pace() - 1) < 0.15);
  });

  await t.test('what is still being opened when another time is chosen does not end that one', async (t) => {
    const before = (await log()).states.length;
    await does('player.seek(299000)');
    await systemClock.sleep(200);
    t.ok((await seek(140_000)).tookMs < 1000);
    await systemClock.sleep(1500);
    t.same((await log()).states.slice(before), ['opening', 'playing']);
    t.ok(Math.abs(await pace() - 1) < 0.15, 'and it goes on');
  });

  await t.test('ends where footage ends', async (t) => {
    await seek(298_500);
    for (;;) {
      if ((await log()).states.at(-1) === 'ended') break;
      await systemClock.sleep(50);
    }
    t.ok((await log()).times.at(-1)![1] > 299_800);
    t.ok((await seek(150_000)).tookMs < 1000, 'and begins again elsewhere');
  });

  await t.test('a codec that the browser does not have is told', async (t) => {
    await does('MediaSource.isTypeSupported = () => false; player.seek(5000)');
    for (;;) {
      if ((await log()).states.at(-1) === 'unsupported') break;
      await systemClock.sleep(50);
    }
    t.match((await log()).problems.at(-1), /^avc1\./);
  });
});
