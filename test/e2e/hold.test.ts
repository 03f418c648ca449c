/** Holds and erasing with the real command line, a real hub and real pictures; what opens, stock `age` and ffprobe decide. */
import t from 'tap';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../src/base/spawn.ts';
import { verifyFolder } from '../../src/vault/verify.ts';
import { noAge } from '../seal/referees.ts';
import { quickConfig, TestSite } from './site.ts';

interface Held { order: string; label: string; segments: number; untilMs: number }

async function holdsOf(site: TestSite): Promise<Held[]> {
  return (await site.json<{ holds: Held[] }>(['hold', '--list', '--config', site.config])).holds;
}

async function opensByAge(site: TestSite, segment: string, hold: string): Promise<Buffer> {
  const slot = /\.(\d+)\.hold$/.exec(hold)?.[1] ?? '';
  const script = `dd if=${site.data}/keyring/keyring.1 bs=1024 skip=$((4 * ${slot})) count=1 2>/dev/null | age -d -i ${site.kit} > ${site.folder}/hold.txt && (cat ${hold}; tail -c +169 ${segment}) | age -d -i ${site.folder}/hold.txt`;
  return (await run('sh', ['-c', script])).stdout;
}

t.test('footage that the owner keeps outlives its hour, and erased footage goes while the camera records on', { skip: noAge, timeout: 150_000 }, async (t) => {
  const site = await TestSite.start(t, { config: quickConfig({ keep: '30 seconds' }) });
  const camera = site.cameras[0]!.name;
  await site.untilSealed(4);
  const before = (await site.list()).segments.filter(({ stream }) => stream === 'main');
  const kept = before[1]!;
  const at = (ms: number): string => new Date(ms).toISOString();
  const range = ['--from', at(kept.startMs + 500), '--to', at(kept.startMs + 600)];

  const refused = await site.attempt(['hold', camera, ...range, '--for', '1 day', '--identity', join(site.folder, 'nobody.txt'), '--config', site.config]);
  t.not(refused.status, 0);
  t.match(await site.call(['hold', camera, ...range, '--for', '1 day', '--label', 'the visitor', '--identity', site.kit, '--config', site.config]), /1 segment \(.*\) are kept until/);
  t.match(await holdsOf(site), [{ label: 'the visitor', segments: 1 }]);
  const inTwelveHoursMs = Date.now() + 43_200_000;
  const untilLong = (found: readonly { path: string; deadlineMs?: number | undefined }[]): string[] => found.filter(({ deadlineMs = 0 }) => deadlineMs > inTwelveHoursMs).map(({ path }) => path);
  t.same(untilLong((await site.list()).segments), [kept.path], 'until its hold ends; the others until their hour does');

  // Erased from the hour that is being recorded.
  const { segments } = await site.list();
  const target = segments.filter(({ stream }) => stream === 'main').at(-1)!;
  const erasing = ['erase', camera, '--from', at(target.startMs + 700), '--to', at(target.startMs + 710), '--why', 'a guest asked', '--config', site.config];
  t.match(await site.call([...erasing, '--dry-run']), /1 segment .* go/);
  t.match(await site.call([...erasing, '--identity', site.kit]), /erased: 1 segment .* read back|erased: 1 segment/);
  const left = await site.list();
  t.notOk(left.segments.some(({ path }) => path === target.path), 'it is gone');
  t.ok(left.gaps.some(({ reason, fromMs }) => reason === 'erased' && fromMs === target.startMs), 'and the timeline says so');
  const others = left.gaps.filter(({ reason }) => reason !== 'erased' && reason !== 'not recorded');
  t.same(others, [], 'recording went on without a gap');
  const sealedThen = (await site.status()).cameras[0]!.segmentsSealed;
  await site.until((status) => status.cameras[0]!.segmentsSealed > sealedThen + 1);

  // The kept one outlives its hour.
  await site.until((status) => status.footage[0]!.oldestMs! <= kept.startMs);
  while ((await site.list()).segments.some(({ path, startMs }) => path !== kept.path && startMs < kept.startMs + 10_000)) await delay(500);
  t.match((await site.list()).segments.find(({ path }) => path === kept.path), { state: 'held' });
  t.same(untilLong((await site.json<{ segments: { path: string; deadlineMs?: number }[] }>(['list', camera, ...range, '--identity', site.kit, '--config', site.config])).segments), [kept.path], 'as its list says, too');
  const folder = join(site.data, 'footage', kept.path, '..');
  const hold = (await readdir(folder)).find((name) => name.endsWith('.hold'))!;
  const plain = await opensByAge(site, join(site.data, 'footage', kept.path), join(folder, hold));
  await writeFile(join(site.folder, 'kept.mp4'), plain);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', join(site.folder, 'kept.mp4')]);
  t.ok(Number(stdout.toString().trim().split(/\D/)[0]) > 5, 'pictures of it come out of stock age');
  t.match(await site.call(['export', camera, ...range, '--identity', site.kit, '--config', site.config, '-o', join(site.folder, 'kept-export.mp4')]), /pictures? of 1 segment/);
  t.ok((await readFile(join(site.folder, 'kept-export.mp4'))).length > 1000);

  // A restart changes nothing; then it is released.
  await site.stop();
  t.same((await verifyFolder({ folder: site.data })).problems, []);
  await site.startHub();
  const [held] = await holdsOf(site);
  t.match(held, { label: 'the visitor', segments: 1 });
  t.match(await site.call(['hold', '--release', held!.order, '--identity', site.kit, '--config', site.config]), /is released: 1 segment .* destroyed/);
  t.same(await holdsOf(site), []);
  t.notOk((await site.list()).segments.some(({ path }) => path === kept.path));
  await site.stop();
  t.same((await verifyFolder({ folder: site.data })).problems, []);
});
