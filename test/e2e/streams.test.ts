import t from 'tap';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import type { StatusReport } from '../../src/api/contract.ts';
import { TestSite } from './site.ts';

type StreamReport = StatusReport['cameras'][number]['streams'][number];

function streamOf(report: StatusReport, name: 'main' | 'sub'): StreamReport | undefined {
  return report.cameras[0]?.streams.find(({ stream }) => stream === name);
}

t.test('main and sub stream are recorded and fail apart; another picture begins a new segment; never are there two sessions of one stream', async (t) => {
  const site = await TestSite.start(t, { adopt: false });
  const camera = site.cameras[0]!;
  // A second session of a stream would be refused, and show in its state and its gaps.
  camera.quirks.viewersMax = 1;
  await site.adopt(camera, '--sub');
  await site.until((report) => (streamOf(report, 'main')?.segmentsSealed ?? 0) >= 1 && (streamOf(report, 'sub')?.segmentsSealed ?? 0) >= 1);
  t.match(await site.call(['status', '--config', site.config]), /^ {2}sub stream +recording/m);

  camera.breakStream('sub');
  const broken = await site.until((report) => streamOf(report, 'sub')?.online === false);
  t.match(streamOf(broken, 'sub')?.state, /stream ended|stream broken|503/);
  t.match(streamOf(broken, 'main'), { recording: true, restarts: 0 }, 'the main stream goes on');
  camera.mendStream('sub');
  await site.until((report) => streamOf(report, 'sub')?.recording === true);
  const sealed = streamOf(await site.status(), 'main')?.segmentsSealed ?? 0;
  await site.until((report) => (streamOf(report, 'main')?.segmentsSealed ?? 0) > sealed);
  t.equal(streamOf(await site.status(), 'main')?.restarts, 0);
  const gaps = (await site.list()).gaps.filter(({ reason }) => reason !== 'not recorded');
  t.ok(gaps.length >= 1 && gaps.every(({ stream }) => stream === 'sub'), 'gaps of the one that failed alone');

  const subRestarts = streamOf(await site.status(), 'sub')?.restarts;
  camera.show('sub');
  const changedMs = Date.now();
  await site.until((report) => streamOf(report, 'main')?.restarts === 1 && streamOf(report, 'main')?.recording === true);
  const { segments, gaps: after } = await (async () => {
    for (;;) {
      const list = await site.list();
      // The camera ends its group of pictures first, so a segment of the old picture may have begun since, too.
      const change = list.gaps.find(({ stream, reason }) => stream === 'main' && reason === 'codec changed');
      if (change !== undefined && list.segments.some(({ stream, startMs, durationMs }) => stream === 'main' && startMs >= change.toMs && (durationMs ?? 0) > 1500)) return list;
      await site.until(() => true);
    }
  })();
  t.same([...new Set(after.filter(({ stream, fromMs }) => stream === 'main' && fromMs > changedMs - 1000).map(({ reason }) => reason))], ['codec changed']);
  t.match(after.find(({ reason }) => reason === 'codec changed')?.detail, /^its picture is H\.264 640x360 instead of H\.264 1280x720$/);
  t.equal(streamOf(await site.status(), 'sub')?.restarts, subRestarts, 'the sub stream is not touched');
  const last = segments.findLast(({ stream, durationMs }) => stream === 'main' && (durationMs ?? 0) > 1500)!;
  // Until its hour list is written, the end of the segment before it is known to a second.
  const fromMs = last.startMs + 1200;
  const clip = join(site.folder, 'clip.mp4');
  await site.call(['export', camera.name, '--from', new Date(fromMs).toISOString(), '--to', new Date(last.startMs + (last.durationMs ?? 0)).toISOString(), '--identity', site.kit, '--config', site.config, '-o', clip]);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', clip]);
  t.equal(stdout.toString().trim(), '640,360', 'what was recorded since plays by its own init');

  t.ok(camera.connections <= 2, `${camera.connections} connections`);
  t.equal(await site.stop(), 0);
  t.match(await site.call(['verify', '--config', site.config]), /all whole/);
});
