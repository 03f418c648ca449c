import t from 'tap';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import { TestSite, quickConfig } from './site.ts';

t.test('each segment has a thumbnail, which the kit opens; none where none is wanted', async (t) => {
  const site = await TestSite.start(t);
  const camera = site.cameras[0]!.name;
  const pictures = async (name: string): Promise<string[]> => {
    const folder = join(site.folder, name);
    await site.call(['list', camera, '--pictures', folder, '--identity', site.kit, '--config', site.config]);
    return (await readdir(folder)).sort();
  };
  await site.untilSealed(2);
  const names = await pictures('with');
  t.ok(names.length >= 1, `${names.length} pictures`);
  const sealed = (await site.list()).segments.map(({ path }) => path.split('/').at(-1) ?? '');
  for (const name of names) t.ok(sealed.includes(`${name.slice(camera.length + 1, -4)}.mp4.age`), name);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width', '-of', 'csv=p=0', join(site.folder, 'with', names[0] ?? '')]);
  t.equal(stdout.toString().trim(), 'mjpeg,320');
  t.match(await site.attempt(['list', camera, '--pictures', join(site.folder, 'refused'), '--config', site.config]), { status: 64, stderr: /needs --identity KIT/ });

  // Taken over at once, and no camera is begun anew for it.
  const { segmentsSealed } = (await site.status()).cameras[0]!;
  await writeFile(site.config, quickConfig().replace('[keep]', 'thumbnails = false\n\n[keep]'));
  site.hub?.kill('SIGHUP');
  await site.until(({ cameras }) => (cameras[0]?.segmentsSealed ?? 0) >= segmentsSealed + 3);
  t.equal((await site.status()).cameras[0]?.restarts, 0);
  await site.stop();
  const { segments } = (await site.json<{ segments: { path: string; startMs: number }[] }>(['list', camera, '--identity', site.kit, '--config', site.config]));
  const last = segments.toSorted((a, b) => a.startMs - b.startMs).at(-2)!;
  t.notOk((await pictures('without')).includes(`${camera}-${(last.path.split('/').at(-1) ?? '').replace('.mp4.age', '.jpg')}`), 'the newest has none');
});
