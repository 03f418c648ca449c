import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { TestSite } from './site.ts';

async function damage(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(64, 9), 0, 64, offset);
  await handle.close();
}

t.test('rot is found on demand and named; a damaged database is put back, a lost one made anew, and recording goes on', { timeout: 200_000 }, async (t) => {
  const site = await TestSite.start(t);
  await site.untilSealed(2);
  await site.until((status) => status.copies.copies > 0);
  t.match(await site.call(['scrub', '--config', site.config]), /everything is as it was written/);
  const rotten = (await site.list()).segments[0]!;
  await damage(join(site.data, 'footage', rotten.path), 300);
  const scrubbed = await site.attempt(['scrub', '--config', site.config]);
  t.equal(scrubbed.status, 1);
  t.match(scrubbed.stdout.toString(), /1 segment damaged/);
  t.match((await site.list()).segments.filter(({ state }) => state === 'damaged'), [{ path: rotten.path }]);
  t.match(await site.call(['status', '--config', site.config]), /stored: 1 damaged, 0 missing[\s\S]*no longer what was written/);

  t.match((await site.attempt(['database', 'restore', '--config', site.config])).stderr, /SP_DATA_LOCKED/);
  const before = (await site.list()).segments.map(({ path }) => path);
  await site.stop();
  await damage(join(site.data, 'working.db'), 4_096 * 2 + 200);
  t.match((await site.attempt(['verify', '--config', site.config])).stderr, /SP_DATABASE_DAMAGED/);
  t.match(await site.call(['database', 'restore', '--config', site.config]), /put back: .*working-.*\.db\.age/);
  await site.startHub();
  // The copy may be from before the camera was adopted: its password is asked for again.
  await site.call(['secret', 'set', site.cameras[0]!.name, '--config', site.config], `${site.cameras[0]!.password}\n`);
  await site.untilSealed(1);
  const after = await site.list();
  for (const path of before) t.ok(after.segments.some((row) => row.path === path), path);

  await site.stop();
  for (const name of await readdir(site.data)) if (name.startsWith('working.db') || name === 'copies') await rm(join(site.data, name), { recursive: true });
  t.match((await site.attempt(['database', 'restore', '--config', site.config])).stderr, /SP_NO_COPY[\s\S]*sallyport rebuild/);
  t.match(await site.call(['rebuild', '--config', site.config, '--identity', site.kit]), /made anew: .*Lost with the old database/s);
  await site.startHub();
  await site.call(['secret', 'set', site.cameras[0]!.name, '--config', site.config], `${site.cameras[0]!.password}\n`);
  await site.untilSealed(1);
  const rebuilt = await site.list();
  for (const path of before) t.ok(rebuilt.segments.some((row) => row.path === path), path);
  t.equal(await site.stop(), 0);
  t.match((await site.attempt(['verify', '--config', site.config])).stderr, new RegExp(`^SP_SEGMENT_DAMAGED: ${rotten.path}.*\\nSP_VERIFY: 1 `));
});
