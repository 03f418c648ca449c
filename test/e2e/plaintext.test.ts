import t, { type Test } from 'tap';
import { copyFile, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { randomInt } from 'node:crypto';
import { run } from '../../src/base/spawn.ts';
import { plaintextOf, runsOf, searchFolders, type Plaintext, type Searched } from './plaintext.ts';
import { shortFolder, TestSite } from './site.ts';

t.test('while recording and after kill -9, no file holds plaintext of what the camera sent', async (t) => {
  const sinceMs = Date.now();
  const clips = await shortFolder(t);
  const { site, plaintext } = await recordKnownClip(t, clips);
  t.ok(plaintext.runs >= 1000, `${plaintext.runs} runs are looked for`);
  const search = (): Promise<Searched> => searchEverywhere(site, plaintext, sinceMs, clips);

  await site.untilSealed(2);
  const recording = await search();
  t.same(recording.findings, [], `nothing in ${recording.files} files, ${recording.bytes} bytes, while recording`);
  t.ok(recording.bytes > 300_000, 'and it was really recorded');
  const pictures = join(clips, 'pictures');
  const thumbnails = await thumbnailsOf(site, pictures);
  t.ok(thumbnails.runs >= 50, `${thumbnails.runs} runs of the segments' thumbnails are looked for, too`);
  const searchThumbnails = (): Promise<Searched> => searchEverywhere(site, thumbnails, sinceMs, clips);
  t.same((await searchThumbnails()).findings, [], 'nor one of a thumbnail');

  await site.stop('SIGKILL');
  const killed = await search();
  t.same(killed.findings, [], `nothing in ${killed.files} files after kill -9`);
  t.same((await searchThumbnails()).findings, [], 'nor one of a thumbnail');

  await site.startHub();
  await site.untilSealed(1);
  await site.stop();
  t.same((await search()).findings, [], 'nothing after the next start has repaired what was cut');

  // The control: the same search finds a planted copy, whole, shifted, or without its container.
  const scene = site.cameras[0]!.scenes.main;
  await copyFile(scene, join(site.data, 'planted-copy'));
  const raw = await run('ffmpeg', ['-v', 'error', '-i', scene, '-c', 'copy', '-bsf:v', 'h264_mp4toannexb,filter_units=remove_types=6-9', '-f', 'h264', '-']);
  await writeFile(join(site.data, 'footage', 'planted-payload'), Buffer.concat([Buffer.from('x'), raw.stdout.subarray(1000)]));
  await copyFile(join(dirname(scene), 'main.jpg'), join(site.folder, 'tmp', 'planted-picture'));
  await writeFile(join(site.data, 'planted-thumbnail'), Buffer.concat([Buffer.from('x'), await readFile(join(pictures, (await readdir(pictures))[0] ?? ''))]));
  t.same((await searchThumbnails()).findings.map((finding) => finding.file).filter((file) => file.endsWith('thumbnail')), [join(site.data, 'planted-thumbnail')], 'a planted thumbnail is found');
  const control = await search();
  t.same(control.findings.map((finding) => finding.file).sort(), [join(site.data, 'footage', 'planted-payload'), join(site.data, 'planted-copy'), join(site.folder, 'tmp', 'planted-picture')].sort(), 'the planted copies are found');
});

/** As the owner opens them, outside of every folder that is searched. */
async function thumbnailsOf(site: TestSite, folder: string): Promise<Plaintext> {
  await site.call(['list', '--pictures', folder, '--identity', site.kit, '--config', site.config]);
  const pictures = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  return runsOf(pictures.map((picture) => picture.subarray(700)));
}

async function recordKnownClip(t: Test, folder: string): Promise<{ site: TestSite; plaintext: Plaintext }> {
  // Unlike every other clip that may lie in the temporary folders: its noise is of this run alone.
  const clip = join(folder, 'known.mp4');
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=640x360:r=15:d=4,noise=alls=20:all_seed=${randomInt(2 ** 30)}:allf=t`, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '15', '-b:v', '2M', clip]);
  if (made.status !== 0) throw new Error(made.stderr);
  const site = await TestSite.start(t, { emulator: { clip, audio: 'aac' } });
  const scenes = site.cameras[0]!.scenes;
  return { site, plaintext: await plaintextOf(scenes.main, [join(dirname(scenes.main), 'main.jpg')]) };
}

/** The data folder, the hub's own temporary folder, and what changed in the machine's since; the emulator's folder and the clip it was given are left out by path. */
async function searchEverywhere(site: TestSite, plaintext: Plaintext, sinceMs: number, clips: string): Promise<Searched> {
  const own = await searchFolders([site.data, join(site.folder, 'tmp')], plaintext);
  // The whole recording has a few megabytes: a larger file of another program cannot be a spill of it.
  const machine = await searchFolders([tmpdir(), '/var/tmp', '/dev/shm'], plaintext, { sinceMs, runsOnly: true, bytesMax: 32 * 2 ** 20, leaveOut: [clips, site.emulator.sceneFolder, site.data, join(site.folder, 'tmp')] });
  return { findings: [...own.findings, ...machine.findings], files: own.files + machine.files, bytes: own.bytes + machine.bytes };
}
