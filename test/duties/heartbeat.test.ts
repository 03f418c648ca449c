import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { HeartbeatDuty, type Beating } from '../../src/duties/heartbeat.ts';
import type { Notice } from '../../src/duties/notices.ts';
import { sealLateMs } from '../../src/policy/heartbeat.ts';

function world(): { duty: HeartbeatDuty; camera: { -readonly [K in keyof Beating]: Beating[K] }; open: Notice[]; pass(ms: number): void; told: string[] } {
  let now = 1000;
  const told: string[] = [];
  const open: Notice[] = [];
  const camera = { camera: 'gate', wanted: true, online: true, segmentsSealed: 0, excuse: undefined };
  const duty = new HeartbeatDuty({
    manager: { present: true, watchdogMs: 90_000, notify: async (...states) => { told.push(...states); return undefined; } },
    cameras: () => [camera], notices: { open }, log: silentLog,
    // The wall clock jumps at each look; the sleep ends with the duty.
    clock: { wallMs: () => Math.random() * 1e12, monotonicMs: () => now, sleep: (_ms, signal) => new Promise((_, reject) => {
      if (signal?.aborted === true) reject(new Error('stopped'));
      signal?.addEventListener('abort', () => reject(new Error('stopped')));
    }) },
  });
  return { duty, camera, open, told, pass: (ms) => { now += ms; } };
}

t.test('a stream that was sealed and silently stops starves the watchdog; a new segment feeds it again', async (t) => {
  const { duty, camera, pass } = world();
  t.equal(duty.look().feed, true);
  camera.segmentsSealed = 1;
  t.equal(duty.look().feed, true);
  pass(sealLateMs);
  t.equal(duty.look().feed, true);
  pass(1);
  t.equal(duty.look().feed, false);
  camera.segmentsSealed = 2;
  t.equal(duty.look().feed, true);
});

t.test('a watch that begins anew counts from nothing, and that is no segment', async (t) => {
  const { duty, camera, pass } = world();
  camera.segmentsSealed = 5;
  duty.look();
  camera.segmentsSealed = 0;
  pass(sealLateMs + 1);
  t.equal(duty.look().feed, false);
});

t.test('a camera that comes back is given its time; a full disk that the owner knows of is a reason', async (t) => {
  const { duty, camera, open, pass } = world();
  camera.segmentsSealed = 1;
  duty.look();
  camera.online = false;
  pass(10 * sealLateMs);
  t.equal(duty.look().feed, true);
  camera.online = true;
  t.equal(duty.look().feed, true);
  pass(sealLateMs + 1);
  t.equal(duty.look().feed, false);
  open.push({ kind: 'disk full', camera: undefined, detail: '', sinceMs: 0 });
  t.equal(duty.look().feed, true);
});

t.test('it tells the manager at once, and ends when asked', async (t) => {
  const { duty, told } = world();
  duty.start();
  while (told.length === 0) await new Promise(setImmediate);
  t.same(told, ['WATCHDOG=1']);
  await duty.close();
});
