import t from 'tap';
import { chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/spawn.ts';
import { quickConfig, sallyport, shortFolder, TestSite } from './site.ts';

/** A hub that is expected to refuse to start: its exit status and what it said. */
async function refusal(config: string): Promise<{ status: number | null; stderr: string }> {
  return run(sallyport, ['run', '--config', config, '--quiet'], { timeoutMs: 30_000 });
}

t.test('a hub that cannot start says why, with a code and a hint', async (t) => {
  const folder = await shortFolder(t);
  const config = join(folder, 'sallyport.toml');
  const file = join(folder, 'in-the-way');
  await writeFile(file, '');
  const oldFfmpeg = join(folder, 'ffmpeg-old');
  await writeFile(oldFfmpeg, '#!/bin/sh\necho "ffmpeg version 4.4.2 Copyright"\n');
  await chmod(oldFfmpeg, 0o755);
  const cases: [what: string, toml: string, code: string, status: number][] = [
    ['the data folder cannot be made', quickConfig().replace('data = "data"', 'data = "in-the-way/data"'), 'SP_DATA_FOLDER', 1],
    ['ffmpeg is missing', quickConfig({ more: '\n[capture]\nffmpeg = "/nowhere/ffmpeg"\n' }), 'SP_FFMPEG_MISSING', 78],
    ['ffmpeg is too old', quickConfig({ more: `\n[capture]\nffmpeg = "${oldFfmpeg}"\n` }), 'SP_FFMPEG_OLD', 78],
    ['the configuration is wrong', quickConfig({ more: '\n[[camera]]\nid = "front"\nadress = "10.0.0.1"\n' }), 'SP_CONFIG_UNKNOWN_KEY', 78],
    ['something else lies where the socket goes', quickConfig().replace('data = "data"', 'data = "data"\nsocket = "in-the-way"'), 'SP_WRITE', 1],
  ];
  for (const [what, toml, code, status] of cases) {
    await writeFile(config, toml);
    const said = await refusal(config);
    t.match(said.stderr, new RegExp(`^${code}: .+\n +\\S`), what);
    t.equal(said.status, status, `${what}: exit status`);
  }
  const absent = await refusal(join(folder, 'absent.toml'));
  t.match(absent.stderr, /SP_CONFIG_FILE/);
});

t.test('two hubs on one folder: the second is refused, the first goes on', async (t) => {
  const site = await TestSite.start(t, { adopt: false });
  const { status, stderr } = await refusal(site.config);
  t.equal(status, 1);
  t.match(stderr, /SP_DATA_LOCKED/);
  t.equal((await site.status()).hub, 'Test');
});

t.test('a lost or foreign working key is never replaced silently, and footage opens all the same', async (t) => {
  const site = await TestSite.start(t);
  await site.untilSealed(2);
  await site.stop();
  const key = join(site.data, 'working.key');
  await rename(key, join(site.folder, 'kept.key'));
  t.match((await refusal(site.config)).stderr, /SP_NO_WORKING_KEY/);
  await writeFile(key, `${'00'.repeat(32)}\n`, { mode: 0o600 });
  t.match((await refusal(site.config)).stderr, /SP_WRONG_WORKING_KEY/);
  t.match((await site.attempt(['verify', '--config', site.config])).stderr, /SP_WRONG_WORKING_KEY/);
  t.equal(await readFile(key, 'utf8'), `${'00'.repeat(32)}\n`, 'and left as it is');
  const clip = join(site.folder, 'clip.mp4');
  await site.call(['export', site.cameras[0]!.name, '--from', '-10 min', '--to', 'now', '--identity', site.kit, '--data', site.data, '-o', clip]);
  await rename(join(site.folder, 'kept.key'), key);
  await site.startHub();
  t.equal(await site.stop(), 0);
});

t.test('footage whose slot is gone opens for nobody; the rest opens', async (t) => {
  const site = await TestSite.start(t);
  await site.untilSealed(2);
  await site.stop();
  const copy = join(site.folder, 'copy');
  await mkdir(copy);
  await cp(join(site.data, 'footage'), join(copy, 'footage'), { recursive: true });
  await cp(join(site.data, 'keyring'), join(copy, 'keyring'), { recursive: true });
  await rm(join(copy, 'keyring', 'keyring.2'));
  const clip = join(site.folder, 'clip.mp4');
  const range = ['export', site.cameras[0]!.name, '--from', '-10 min', '--to', 'now', '--identity', site.kit, '--data', copy, '-o', clip];
  await site.call(range);
  await rm(clip);
  const ring = await readFile(join(copy, 'keyring', 'keyring.1'));
  for (let slot = 0; slot * 4096 < ring.length; slot++) ring.fill(0x20, slot * 4096, slot * 4096 + 1024);
  await writeFile(join(copy, 'keyring', 'keyring.1'), ring);
  const { status, stderr } = await site.attempt(range);
  t.not(status, 0);
  t.match(stderr, /SP_SLOT_MISSING|SP_WRONG_IDENTITY/);
});

t.test('the control socket is for its user alone', async (t) => {
  const site = await TestSite.start(t, { adopt: false });
  const { stdout } = await run('stat', ['-c', '%a %F', join(site.data, 'control.sock')]);
  t.equal(stdout.toString().trim(), '600 socket');
  t.match((await site.attempt(['status', '--socket', join(site.folder, 'none.sock')])).stderr, /SP_NO_DAEMON/);
});
