import t from 'tap';
import { randomInt } from 'node:crypto';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { run } from '../../src/base/spawn.ts';
import { Jail, probeJail } from '../../src/capture/jail.ts';
import { Stills } from '../../src/capture/still.ts';
import { StreamCapture } from '../../src/capture/stream.ts';
import { GapBook } from '../../src/duties/gapbook.ts';
import { Recorder } from '../../src/duties/record.ts';
import { exportFootage } from '../../src/duties/export.ts';
import { Emulator } from '../../src/emulator/emulator.ts';
import { FileKeys } from '../../src/seal/filekey.ts';
import { Identity } from '../../src/seal/identity.ts';
import { isThumbnail } from '../../src/seal/thumbnail.ts';
import { openSlot } from '../../src/seal/slot.ts';
import { Archive, type ArchiveSegment } from '../../src/vault/archive.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { Vault } from '../../src/vault/vault.ts';
import { ageOpens, noAge } from '../seal/referees.ts';

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

t.test('each segment has a thumbnail of its first picture, of main and sub stream, which stock age and tail get out', { skip: noAge }, async (t) => {
  const emulator = await Emulator.start({ cameras: 1, firstAddress: `127.${randomInt(10, 250)}.${randomInt(10, 250)}.2`, log: silentLog, discovery: false });
  t.teardown(() => emulator.close());
  const camera = emulator.cameras[0]!;
  const folder = t.testdir();
  const kit = Identity.generate();
  const vault = await Vault.open({ folder: join(folder, 'data'), clock: systemClock, log: silentLog, hubName: 'test' });
  const fileKeys = new FileKeys(systemClock);
  const stills = new Stills({ clock: systemClock, log: silentLog });
  const jail = new Jail({ facts: await probeJail({ log: silentLog }), need: 'off' });
  const streams = await Promise.all((['main', 'sub'] as const).map(async (stream) => {
    const capture = new StreamCapture({
      camera: 'front', stream, url: async () => new Secret(`rtsp://${camera.user}:${camera.password}@${camera.address}:${camera.rtspPort}/${stream}`),
      audio: 'drop', hevc: false, ffmpeg: 'ffmpeg', clock: systemClock, log: silentLog, random: Math.random,
    });
    const gaps = await GapBook.open({ camera: 'front', stream, vault, clock: systemClock, log: silentLog });
    const recorder = new Recorder({
      camera: 'front', stream, capture, vault, fileKeys, clock: systemClock, log: silentLog, bootId: 'boot', periodMs: 86_400_000, cutAfterMs: 4000,
      keepMs: () => 60_000, recipients: () => [kit.recipient], clockState: () => 'synchronised', gaps,
      still: (init, keyFrame) => stills.order({ camera: 'front', stream, init, keyFrame, ffmpeg: 'ffmpeg', jail }),
    });
    recorder.start();
    capture.start();
    return { capture, gaps, recorder };
  }));
  while (streams.some(({ recorder }) => recorder.state.segments < 2)) await systemClock.sleep(100);
  for (const { capture, gaps, recorder } of streams) {
    await recorder.close();
    await capture.stop();
    await gaps.close('hub stopped');
  }
  await stills.close();
  const rows = await vault.segments({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100 });
  await vault.close();

  const archive = await Archive.open(join(folder, 'data'), [kit], {});
  t.teardown(() => archive.close());
  const { segments } = await archive.segments('front', 0, Number.MAX_SAFE_INTEGER);
  const keyring = await Keyring.open(join(folder, 'data', 'keyring'), { log: silentLog, writable: false });
  const { identity } = openSlot(await keyring.read(0), [kit], 'slot 0');
  await keyring.close();
  const hour = join(folder, 'hour.txt');
  await writeFile(hour, `${identity.reveal()}\n`);
  for (const stream of ['main', 'sub'] as const) {
    // The first two had time; those that were open at the end were perhaps closed too soon.
    for (const row of rows.filter((one) => one.stream === stream).slice(0, 2)) {
      const segment = segments.find(({ path }) => path === row.path) as ArchiveSegment;
      t.same(segment.thumb, row.thumb, `${row.path}: found in the file where the row says`);
      const jpeg = await archive.thumbnail(segment) ?? Buffer.alloc(0);
      t.ok(isThumbnail(jpeg) && jpeg.length > 1000, `${jpeg.length} bytes`);
      const plain = await ageOpens(await readFile(join(folder, 'data', 'footage', row.path)), hour) ?? Buffer.alloc(0);
      const [offset = 0, size = 0] = row.thumb ?? [];
      const cut = await run('bash', ['-c', `tail -c +$((${offset} + 25)) | head -c $((${size} - 24))`], { input: plain });
      t.same(cut.stdout, jpeg, 'age, tail and head give the same');
      const shown = await run('ffmpeg', ['-v', 'error', '-f', 'mjpeg', '-i', 'pipe:0', '-f', 'framemd5', '-'], { input: jpeg });
      t.equal(shown.stderr, '', 'and it is a picture');
      const played = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', '-'], { input: plain });
      t.ok(Number(played.stdout.toString().trim()) > 20 && played.stderr === '', 'players pass it over');
    }
  }
});
