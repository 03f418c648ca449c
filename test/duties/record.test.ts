import t from 'tap';
import { randomInt } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { StreamCapture } from '../../src/capture/stream.ts';
import { GapBook } from '../../src/duties/gapbook.ts';
import { Recorder } from '../../src/duties/record.ts';
import { exportFootage } from '../../src/duties/export.ts';
import { Emulator } from '../../src/emulator/emulator.ts';
import { FileKeys } from '../../src/seal/filekey.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Archive, type ArchiveSegment } from '../../src/vault/archive.ts';
import { Vault } from '../../src/vault/vault.ts';

t.test('a camera is recorded sealed, and its owner opens it from hour lists and slots alone', async (t) => {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: `127.${randomInt(10, 250)}.${randomInt(10, 250)}.2`, log: silentLog, audio: 'aac', discovery: false });
  t.teardown(() => emulator.close());
  const camera = emulator.cameras[0]!;
  const folder = t.testdir();
  const [kit, stranger] = [Identity.generate(), Identity.generate()];
  const vault = await Vault.open({ folder: join(folder, 'data'), clock: systemClock, log: silentLog, hubName: 'test' });
  const fileKeys = new FileKeys(systemClock);
  const capture = new StreamCapture({
    camera: 'front', stream: 'main', url: async () => new Secret(`rtsp://${camera.user}:${camera.password}@${camera.address}:${camera.rtspPort}/main`),
    audio: 'copy', hevc: false, ffmpeg: 'ffmpeg', clock: systemClock, log: silentLog, random: Math.random,
  });
  const gaps = await GapBook.open({ camera: 'front', stream: 'main', vault, clock: systemClock, log: silentLog });
  const recorder = new Recorder({
    camera: 'front', stream: 'main', capture, vault, fileKeys, clock: systemClock, log: silentLog, bootId: 'boot', periodMs: 10_000, cutAfterMs: 2000,
    keepMs: () => 60_000, recipients: () => [kit.recipient], clockState: () => 'synchronised', gaps,
  });
  const startedMs = Date.now();
  recorder.start();
  capture.start();
  while (recorder.state.segments < 3) {
    await systemClock.sleep(100);
    if (recorder.state.problem !== undefined) t.fail(recorder.state.problem.message);
  }
  await recorder.close();
  await capture.stop();
  await gaps.close('hub stopped');
  await vault.finishPeriods(Date.now() + 60_000);
  await vault.close();

  const archive = await Archive.open(join(folder, 'data'), [kit], {});
  let bytes = 0;
  const summary = await exportFootage(archive, 'front', startedMs, Date.now(), { begin: async (init) => { bytes += init.length; }, write: async (part) => { bytes += part.length; } });
  const { segments } = await archive.segments('front', startedMs - 60_000, Date.now());
  // A purge that goes its way beside an export is no fault of the footage.
  const [first, gone] = segments as [ArchiveSegment, ArchiveSegment];
  const beside = await exportFootage(archive, 'front', first.startMs, Date.now(), { begin: () => unlink(join(folder, 'data', 'footage', gone.path)).catch(() => {}), write: async () => {} });
  t.same(beside.problems, []);
  t.match(beside.gaps.filter(({ reason }) => reason === 'purged meanwhile'), [{ fromMs: gone.startMs }]);
  t.ok(beside.videoFragments > 0 && beside.videoFragments < summary.videoFragments, 'the rest of it is there');
  await archive.close();
  t.same(summary.problems, []);
  t.ok(summary.segments.length >= 3, `${summary.segments.length} segments`);
  const picturesRecorded = Math.round(segments.reduce((sum, segment) => sum + (segment.durationMs ?? 0), 0) * 15 / 1000);
  // A row's length follows the arrival where it is more than a quarter of a second off the camera's own times.
  t.ok(Math.abs(summary.videoFragments - picturesRecorded) <= 4 * segments.length, `every picture of every segment: ${summary.videoFragments} for ${picturesRecorded}`);
  t.ok(bytes > 30_000, `${bytes} bytes`);
  await t.rejects(Archive.open(join(folder, 'data'), [stranger], {}).then((opened) => opened.cameras()), { code: 'SP_WRONG_IDENTITY' });
});
