/** Two-way talk by the command line: what was said arrives, and the hub keeps none of it. */
import t from 'tap';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { TestSite } from './site.ts';

async function speech(format: 'wav' | 'mulaw'): Promise<Buffer> {
  const { stdout } = await run('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', 'aevalsrc=0.4*sin(2*PI*(300+200*t)*t):s=8000:d=1.5', '-fflags', '+bitexact', '-flags', '+bitexact', '-f', format, 'pipe:1'], { timeoutMs: 20_000 });
  return stdout;
}

async function filesBelow(folder: string): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return { path, bytes: await readFile(path) };
  }));
}

t.test('what is said reaches the loudspeaker and no file', async (t) => {
  const site = await TestSite.start(t, { emulator: { talk: ['PCMU'] } });
  const [camera] = site.cameras as [EmulatedCamera];
  const [wav, sound] = [await speech('wav'), await speech('mulaw')];
  const { status, stdout, stderr } = await site.attempt(['talk', camera.name, '--config', site.config], wav);
  t.equal(status, 0, stderr);
  t.match(stdout.toString(), /front-door has played 1\.5 s/);
  t.equal(camera.heard().length, sound.length);
  t.ok(camera.heard().equals(sound), 'sample for sample');
  t.equal(camera.hearing.taken, false, 'the loudspeaker is free again');

  const raw = await site.attempt(['talk', camera.name, '--raw', '--config', site.config], sound.subarray(0, 4000));
  t.equal(raw.status, 0, raw.stderr);
  t.equal(camera.heard().length, sound.length + 4000);

  await site.stop();
  const phrase = sound.subarray(6000, 6032);
  const files = await filesBelow(site.data);
  t.ok(files.length > 3);
  t.same(files.filter(({ bytes }) => bytes.includes(phrase)).map(({ path }) => path), [], 'the hub kept nothing of it');
});

t.test('a camera without a loudspeaker, an unknown one and a silent keyboard are told apart', async (t) => {
  const site = await TestSite.start(t);
  const sound = await speech('mulaw');
  const attempt = async (camera: string) => (await site.attempt(['talk', camera, '--raw', '--config', site.config], sound)).stderr;
  t.match(await attempt('front-door'), /SP_CAMERA_FAULT: front-door refused DESCRIBE: it has no loudspeaker/);
  t.match(await attempt('pond'), /SP_CAMERA_UNKNOWN: no camera is called pond/);
  t.match(await attempt('Bad Name'), /SP_CAMERA_UNKNOWN/);
});
