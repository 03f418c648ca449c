import t from 'tap';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import { TestSite } from './site.ts';

const realClip = resolve(import.meta.dirname, '../../../shared/fixtures/video/one-by-one-person-detection.mp4');

t.test('a real surveillance clip goes through: recorded sealed, exported, each picture as it was sent', { skip: existsSync(realClip) ? false : `skipped: no ${realClip}` }, async (t) => {
  const site = await TestSite.start(t, { emulator: { clip: realClip, seconds: 6, audio: 'alaw' } });
  const camera = site.cameras[0]!;
  await site.untilSealed(2);
  const { segments } = await site.list();
  const [from, to] = [segments[0]!, segments.at(-1)!];
  const clip = join(site.folder, 'clip.mp4');
  const text = await site.call(['export', camera.name, '--from', new Date(from.startMs).toISOString(), '--to', new Date(to.startMs + (to.durationMs ?? 0)).toISOString(), '--identity', site.kit, '--config', site.config, '-o', clip]);
  const [got, sent] = [await hashes(clip), await hashes(camera.scenes.main)];
  t.equal(got.length, Number(/(\d+) pictures/.exec(text)?.[1]), 'as many pictures as the export says');
  t.ok(sent.some((_, start) => got.every((hash, index) => hash === sent[(start + index) % sent.length])), `${got.length} pictures, each as sent, in order`);
  t.match(await site.call(['verify', '--config', site.config]), /all whole/);
});

t.test('kill -9 loses nothing that was sealed, and the next start makes every file a row\'s', async (t) => {
  const site = await TestSite.start(t, { emulator: { cameras: 2 } });
  await site.untilSealed(2);
  const before = (await site.list()).segments;
  await site.stop('SIGKILL');
  await site.startHub();
  await site.untilSealed(1);
  const after = await site.list();
  for (const segment of before) t.ok(after.segments.some((row) => row.path === segment.path && row.sizeBytes === segment.sizeBytes && row.state === 'complete'), segment.path);
  t.ok(after.segments.some((row) => row.state === 'cut'), 'the open segment is listed as cut');
  t.ok(after.gaps.some((gap) => gap.reason === 'hub was off'), 'the time without the hub is a gap with its reason');
  t.equal(await site.stop(), 0);
  t.match(await site.call(['verify', '--config', site.config]), /all whole/);
});

async function hashes(file: string): Promise<string[]> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'framemd5', '-']);
  return stdout.toString().split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(',').at(-1)?.trim() ?? '');
}

