import t, { type Test } from 'tap';
import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { run } from '../../src/base/spawn.ts';
import { StreamCapture } from '../../src/capture/stream.ts';
import { GapBook } from '../../src/duties/gapbook.ts';
import { Recorder, type SealedSegment } from '../../src/duties/record.ts';
import { CameraPlan } from '../../src/duties/recordplan.ts';
import { Emulator, type EmulatedCamera } from '../../src/emulator/emulator.ts';
import type { RecordingRule } from '../../src/policy/recordmode.ts';
import { always } from '../../src/policy/schedule.ts';
import { FileKeys } from '../../src/seal/filekey.ts';
import { Identity } from '../../src/seal/identity.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { Vault } from '../../src/vault/vault.ts';
import { ageOpens, noAge } from '../seal/referees.ts';

const gopMs = 1000;
const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1000 };

interface World {
  readonly camera: EmulatedCamera;
  readonly recorder: Recorder;
  readonly plan: CameraPlan;
  readonly vault: Vault;
  readonly gaps: GapBook;
  readonly sealed: SealedSegment[];
  readonly folder: string;
  readonly kit: Identity;
  mode(mode: RecordingRule['mode']): void;
  until(so: () => boolean): Promise<void>;
  close(): Promise<void>;
}

async function world(t: Test, mode: RecordingRule['mode']): Promise<World> {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: `127.${randomInt(10, 250)}.${randomInt(10, 250)}.2`, log: silentLog, discovery: false, seconds: 10 });
  t.teardown(() => emulator.close());
  const camera = emulator.cameras[0]!;
  const folder = t.testdir();
  const kit = Identity.generate();
  const vault = await Vault.open({ folder: join(folder, 'data'), clock: systemClock, log: silentLog, hubName: 'test' });
  t.teardown(() => vault.close());
  const alarm = { name: 'x', kinds: ['person'] as const, ...always, keepMs: 1, beforeMs: 3000, afterMs: 1000, enabled: true };
  let rules = { cameras: [{ id: 'front', space: 'home' }], alarms: [alarm], recordings: [{ mode, ...always }] };
  const plan = new CameraPlan({ camera: 'front', rules: () => rules, clock: systemClock });
  const capture = new StreamCapture({
    camera: 'front', stream: 'main', url: async () => new Secret(`rtsp://${camera.user}:${camera.password}@${camera.address}:${camera.rtspPort}/main`),
    audio: 'drop', hevc: false, ffmpeg: 'ffmpeg', clock: systemClock, log: silentLog, random: Math.random,
  });
  const gaps = await GapBook.open({ camera: 'front', stream: 'main', vault, clock: systemClock, log: silentLog });
  const sealed: SealedSegment[] = [];
  const recorder = new Recorder({
    camera: 'front', stream: 'main', capture, vault, fileKeys: new FileKeys(systemClock), clock: systemClock, log: silentLog, bootId: 'boot', periodMs: 86_400_000, cutAfterMs: 60_000,
    keepMs: () => 60_000, recipients: () => [kit.recipient], clockState: () => 'synchronised', gaps, plan, onSealed: (segment) => sealed.push(segment),
  });
  recorder.start();
  capture.start();
  return {
    camera, recorder, plan, vault, gaps, sealed, folder, kit,
    mode: (next) => { rules = { ...rules, recordings: [{ mode: next, ...always }] }; },
    until: async (so) => { while (!so()) await systemClock.sleep(20); },
    close: async () => {
      await recorder.close();
      await capture.stop();
      await gaps.close('hub stopped');
    },
  };
}

t.test('around an alarm, what came before it is recorded from the key frame on, and what comes after it up to one; the rest is a gap that says so', { skip: noAge }, async (t) => {
  const { recorder, plan, vault, sealed, folder, kit, until, close } = await world(t, 'alarms');
  await until(() => recorder.state.resting === 'no alarm');
  const seenMs = Date.now();
  // The pre-roll must be there to be had.
  await until(() => Date.now() - seenMs > 6000);
  t.equal(recorder.state.segments, 0);
  t.equal(recorder.state.recording, false);
  const atMs = Date.now();
  plan.want('one', atMs - 3000);
  await until(() => recorder.state.recording && Date.now() - atMs > 2000);
  const endMs = Date.now();
  plan.leave('one', endMs + 1000);
  await until(() => sealed.length === 1 && recorder.state.resting === 'no alarm');

  // Another one soon after: it begins where the last one ended, and nothing is there twice.
  const againMs = Date.now();
  plan.want('two', againMs - 3000);
  plan.leave('two', againMs + 500);
  await until(() => sealed.length === 2 && recorder.state.resting === 'no alarm');
  await close();

  const rows = await vault.segments(everything);
  const [first, second] = rows as [typeof rows[number], typeof rows[number]];
  t.match(rows, [{ reason: 'alarm' }, { reason: 'alarm' }]);
  const firstEndMs = first.startMs + (first.durationMs ?? 0);
  t.ok(first.startMs <= atMs - 3000 && first.startMs > atMs - 3000 - gopMs - 300, `begins ${atMs - first.startMs} ms before it`);
  t.ok(firstEndMs >= endMs + 1000 - 100 && firstEndMs < endMs + 1000 + gopMs + 600, `ends ${firstEndMs - endMs} ms after it`);
  t.ok(Math.abs(second.startMs - Math.max(firstEndMs, againMs - 3000)) <= gopMs + 300, 'the second begins where the first ended, or at its own pre-roll');
  t.ok(second.startMs >= firstEndMs - 300, 'no moment is recorded twice');
  t.same(sealed.map(({ startMs }) => startMs), rows.map(({ startMs }) => startMs));
  const gaps = (await vault.gaps(everything)).filter(({ reason }) => reason === 'no alarm');
  t.ok(gaps.length >= 1);
  t.equal(gaps[0]?.toMs, first.startMs, 'the gap ends where footage begins');
  for (const { fromMs, toMs } of gaps) t.notOk(rows.some(({ startMs, durationMs }) => startMs < toMs - 300 && fromMs + 300 < startMs + (durationMs ?? 0)), 'no gap where there is footage');

  const keyring = await Keyring.open(join(folder, 'data', 'keyring'), { log: silentLog, writable: false });
  const { identity } = openSlot(await keyring.read(0), [kit], 'slot 0');
  await keyring.close();
  const day = join(folder, 'day.txt');
  await writeFile(day, `${identity.reveal()}\n`);
  for (const row of rows) {
    const plain = await ageOpens(await readFile(join(folder, 'data', 'footage', row.path)), day) ?? Buffer.alloc(0);
    const frames = await run('ffprobe', ['-v', 'error', '-show_entries', 'frame=pict_type', '-of', 'csv=p=0', '-'], { input: plain });
    const kinds = frames.stdout.toString().trim().split('\n').map((line) => line.slice(0, 1));
    t.equal(kinds[0], 'I', 'it begins with a key frame');
    t.ok(Math.abs(kinds.length - (row.durationMs ?? 0) * 15 / 1000) <= 6, `${kinds.length} pictures in ${row.durationMs} ms`);
  }
});

t.test('a switch to continuous and back costs no picture that must be kept, and off is off', async (t) => {
  const { recorder, vault, sealed, mode, until, close } = await world(t, 'off');
  await until(() => recorder.state.resting === 'schedule');
  const seenMs = Date.now();
  await until(() => Date.now() - seenMs > 1500);
  const onMs = Date.now();
  mode('continuous');
  await until(() => recorder.state.recording && Date.now() - onMs > 2500);
  const alarmsMs = Date.now();
  mode('alarms');
  await until(() => recorder.state.resting === 'no alarm' && sealed.length === 1);
  const backMs = Date.now();
  mode('continuous');
  await until(() => recorder.state.recording && Date.now() - backMs > 1500);
  const offMs = Date.now();
  mode('off');
  await until(() => recorder.state.resting === 'schedule' && sealed.length === 2);
  await close();
  const rows = await vault.segments(everything);
  const ends = rows.map(({ startMs, durationMs }) => startMs + (durationMs ?? 0));
  t.match(rows, [{ reason: 'continuous' }, { reason: 'continuous' }]);
  t.ok((rows[0]?.startMs ?? Infinity) <= onMs + 50, `begins ${(rows[0]?.startMs ?? 0) - onMs} ms after the switch`);
  t.ok((ends[0] ?? 0) >= alarmsMs - 350, `${(ends[0] ?? 0) - alarmsMs} ms after the switch to alarms`);
  t.ok((rows[1]?.startMs ?? Infinity) <= backMs + 50, 'from the switch on');
  t.ok((ends[1] ?? 0) >= offMs - 350 && (ends[1] ?? Infinity) < offMs + gopMs + 600, `off ${(ends[1] ?? 0) - offMs} ms after the switch`);
  const reasons = (await vault.gaps(everything)).map(({ reason }) => reason);
  t.ok(reasons.includes('schedule'), reasons.join());
});

t.test('a camera that goes while nothing rings is a gap with its own reason, and what it brings after it waits for an alarm again', async (t) => {
  const { camera, recorder, vault, gaps, until, close } = await world(t, 'alarms');
  await until(() => recorder.state.resting === 'no alarm');
  const seenMs = Date.now();
  await until(() => Date.now() - seenMs > 1000);
  await camera.stop();
  await until(() => gaps.gap?.reason !== 'no alarm');
  const goneMs = Date.now();
  await until(() => Date.now() - goneMs > 1500);
  await camera.start();
  await until(() => recorder.state.resting === 'no alarm');
  await close();
  const reasons = (await vault.gaps(everything)).map(({ reason }) => reason);
  t.ok(reasons.includes('no alarm'), reasons.join());
  t.ok(reasons.some((reason) => reason === 'stream ended' || reason === 'camera offline'), reasons.join());
});
