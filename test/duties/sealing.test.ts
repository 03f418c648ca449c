import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Notices } from '../../src/duties/notices.ts';
import { SealingDuty } from '../../src/duties/sealing.ts';
import type { StreamStatus } from '../../src/duties/streamwatch.ts';
import type { CameraStatus } from '../../src/duties/watch.ts';
import { TestClock } from '../vault/world.ts';

function stream(name: 'main' | 'sub'): { -readonly [K in keyof StreamStatus]: StreamStatus[K] } {
  return { stream: name, online: true, sinceMs: 0, state: 'recording', wanted: true, resting: undefined, recording: true, restarts: 0, bytes: 0, lastSealedMs: undefined, segmentsSealed: 0, bytesSealed: 0, gaps: 0 };
}

function camera(streams: readonly StreamStatus[]): CameraStatus {
  return { camera: 'gate', name: 'Gate', online: true, sinceMs: 0, state: 'being asked what it is', recording: false, device: undefined, adoptedMs: undefined, restarts: 0, bytes: 0, lastSealedMs: undefined, segmentsSealed: 0, wanted: true, privacy: false, streams, events: undefined };
}

function world(cameras: CameraStatus[]): { duty: SealingDuty; notices: Notices; pass(seconds: number): void; open(): string[] } {
  let nowMs = 5000;
  const clock = { wallMs: () => Math.random() * 1e12, monotonicMs: () => nowMs, sleep: () => Promise.resolve() };
  const notices = new Notices({ vault: { audit: async () => {} }, clock: new TestClock(), log: silentLog });
  const duty = new SealingDuty({ cameras: () => cameras, cutAfterMs: () => 60_000, notices, clock });
  return { duty, notices, pass: (seconds) => { nowMs += seconds * 1000; }, open: () => notices.open.map(({ camera, detail }) => `${camera}: ${detail}`) };
}

t.test('a stream that is not sealed any more rings with its state in words, and stops ringing with the next segment', async (t) => {
  const main = stream('main');
  const { duty, pass, open } = world([camera([main])]);
  duty.look();
  main.segmentsSealed = 1;
  duty.look();
  pass(120);
  duty.look();
  t.same(open(), []);
  main.state = 'offline since 22:14: Connection refused';
  pass(1);
  duty.look();
  t.same(open(), ['gate: offline since 22:14: Connection refused']);
  t.same(duty.ages().map(({ ageMs }) => ageMs), [121_000]);
  main.segmentsSealed = 2;
  duty.look();
  t.same(open(), []);
});

t.test('a camera that was never recorded since the start rings too, also before it is known what it is', async (t) => {
  const { duty, pass, open } = world([camera([])]);
  duty.look();
  pass(121);
  duty.look();
  t.same(open(), ['gate: being asked what it is']);
});

t.test('a watch that begins anew has sealed nothing by that', async (t) => {
  const main = stream('main');
  main.segmentsSealed = 7;
  const { duty, pass, open } = world([camera([main])]);
  duty.look();
  pass(100);
  main.segmentsSealed = 0;
  duty.look();
  pass(21);
  duty.look();
  t.equal(open().length, 1);
});

t.test('what is not to be recorded, or is no camera any more, does not ring', async (t) => {
  const cameras = [camera([{ ...stream('main'), wanted: false }, stream('sub')])];
  const { duty, pass, open } = world(cameras);
  duty.look();
  pass(500);
  duty.look();
  t.same(open(), ['gate: sub stream: recording']);
  cameras.pop();
  duty.look();
  t.same(open(), []);
});
