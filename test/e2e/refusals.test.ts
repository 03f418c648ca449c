import t from 'tap';
import { existsSync } from 'node:fs';
import { copyFile, open, readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestSite } from './site.ts';

t.test('damage is named and hurts only what is damaged', async (t) => {
  const site = await TestSite.start(t);
  await site.untilSealed(4);
  await site.stop();
  const verified = await site.call(['verify', '--config', site.config]);
  t.match(verified, /all whole/);
  const files = (await readdir(join(site.data, 'footage'), { recursive: true })).filter((name) => name.endsWith('.mp4.age')).sort();
  const [flipped, truncated, removed] = files.slice(0, 3).map((name) => join(site.data, 'footage', name)) as [string, string, string];
  const flipping = await open(flipped, 'r+');
  const byte = Buffer.alloc(1);
  await flipping.read(byte, 0, 1, 400);
  byte[0]! ^= 1;
  await flipping.write(byte, 0, 1, 400);
  await flipping.close();
  const cutting = await open(truncated, 'r+');
  await cutting.truncate((await cutting.stat()).size - 100);
  await cutting.close();
  await copyFile(removed, join(site.folder, 'kept'));
  await unlink(removed);
  await writeFile(join(site.data, 'footage', 'stranger.bin'), 'x');
  const { status, stderr } = await site.attempt(['verify', '--config', site.config]);
  t.equal(status, 1);
  for (const [name, code] of [[flipped, 'SP_SEGMENT_DAMAGED'], [truncated, 'SP_SEGMENT_DAMAGED'], [removed, 'SP_SEGMENT_MISSING'], [join(site.data, 'footage', 'stranger.bin'), 'SP_FILE_UNKNOWN']] as const) {
    t.match(stderr, new RegExp(`${code}: .*${name.slice(join(site.data, 'footage').length + 1).replaceAll('.', '\\.')}`), `${code} names the file`);
  }
  const clip = join(site.folder, 'rest.mp4');
  const exported = await site.attempt(['export', site.cameras[0]!.name, '--from', '-10 min', '--to', 'now', '--identity', site.kit, '--data', site.data, '-o', clip]);
  t.equal(exported.status, 1, 'the export says that something is missing');
  t.ok(existsSync(clip), 'and gives the rest');
  t.match(exported.stderr, /SP_AGE_PAYLOAD|SP_SEGMENT_CUT/);
});

t.test('without an owner nothing is recorded, and status says what to do', async (t) => {
  const site = await TestSite.start(t, { owner: false });
  const status = await site.until((report) => report.cameras[0]?.online === true);
  t.equal(status.cameras[0]?.recording, false);
  t.equal(status.owner.present, false);
  t.match(status.warnings.join('\n'), /sallyport keys new/);
  t.notOk(existsSync(join(site.data, 'footage', site.cameras[0]!.name)), 'no footage folder');
});

t.test('another owner\'s kit opens nothing and leaves nothing half-written', async (t) => {
  const site = await TestSite.start(t);
  await site.untilSealed(1);
  await site.call(['keys', 'new', '--out', join(site.folder, 'stranger')]);
  const clip = join(site.folder, 'none.mp4');
  const { status, stderr } = await site.attempt(['export', site.cameras[0]!.name, '--from', '-10 min', '--to', 'now', '--identity', join(site.folder, 'stranger', 'kit.txt'), '--data', site.data, '-o', clip]);
  t.not(status, 0);
  t.match(stderr, /SP_WRONG_IDENTITY/);
  t.same((await readdir(site.folder)).filter((name) => name.startsWith('none')), [], 'no partial plaintext');
  const again = await site.attempt(['keys', 'new', '--out', join(site.folder, 'stranger')]);
  t.match(again.stderr, /SP_WRITE: .*kit/, 'a kit is never overwritten');
});

