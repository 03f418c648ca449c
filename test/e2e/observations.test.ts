import t from 'tap';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReplyOf } from '../../src/api/contract.ts';
import { quickConfig, TestSite } from './site.ts';

type Observations = ReplyOf<'observations'>['observations'];

t.test('what cameras see is observed beside the recording, shown by status, list and metrics, survives a restart, and ends at its deadline', async (t) => {
  const site = await TestSite.start(t, { emulator: { cameras: 2 }, config: quickConfig({ keep: '10 seconds' }) });
  const [front, garden] = [site.cameras[0]!, site.cameras[1]!];
  const observed = (...more: string[]): Promise<Observations> => site.json<{ observations: Observations }>(['list', '--observations', '--config', site.config, ...more]).then(({ observations }) => observations);
  await site.until(({ cameras }) => cameras.every(({ events }) => events?.state === 'working'));
  t.match(await site.call(['status', '--config', site.config]), /^events of front-door: working; last observation -$/m);

  front.raise('person', true);
  garden.raise('doorbell', true);
  garden.raise('doorbell', false);
  await site.until(({ cameras }) => cameras.every(({ events }) => Object.keys(events?.observed ?? {}).length > 0));
  t.match(await observed('front-door'), [{ camera: 'front-door', kind: 'person', toMs: undefined }]);
  t.match(await observed(), [{ kind: 'person' }, { camera: 'garden', kind: 'doorbell', toMs: Number }]);
  t.match(await site.call(['list', '--observations', '--config', site.config]), /^front-door +\S+ \S+ +lasts +person /m);
  t.match(await site.call(['status', '--config', site.config]), /^events of garden: working; last observation \d+ s ago$/m);
  const metrics = await site.call(['metrics', '--config', site.config]);
  for (const line of ['sallyport_events_state{camera="front-door",state="working"} 1', 'sallyport_observations_total{camera="garden",kind="doorbell"} 1', 'sallyport_event_pulls_total{camera="garden"}']) t.ok(metrics.includes(line), line);

  // The camera's events fail; its recording does not.
  front.quirks.noPullPoint = true;
  await site.stop('SIGKILL');
  t.equal(garden.subscriptions, 1, 'a killed hub gives nothing back');
  await site.startHub();
  const without = await site.until(({ cameras }) => cameras.some(({ events }) => events?.state === 'none'));
  t.match(without.cameras.find(({ camera }) => camera === 'front-door')?.events?.words, /^none, because it answers CreatePullPointSubscription with/);
  const sealed = without.cameras[0]?.segmentsSealed ?? 0;
  await site.until(({ cameras }) => (cameras[0]?.segmentsSealed ?? 0) > sealed);
  t.ok((await observed('front-door')).every(({ toMs }) => toMs !== undefined), 'what was left open has an end');

  for (let left = await observed(); left.some(({ kind }) => kind === 'doorbell' || kind === 'person'); left = await observed()) await site.status();
  t.pass('gone with the footage of that time');
});

t.test('a camera whose events are not wanted is not asked for them', async (t) => {
  const site = await TestSite.start(t, { adopt: false });
  const camera = site.cameras[0]!;
  await site.adopt(camera);
  await site.until(({ cameras }) => cameras[0]?.events?.state === 'working');
  const page = join(site.folder, 'conf.d', '90-page.toml');
  await writeFile(page, (await readFile(page, 'utf8')).replace('[[camera]]', '[[camera]]\nevents = false'));
  process.kill(site.hub!.pid, 'SIGHUP');
  await site.until(({ cameras }) => cameras[0] !== undefined && cameras[0].events === undefined);
  t.equal(camera.subscriptions, 0);
  t.notMatch(await site.call(['status', '--config', site.config]), /^events of/m);
});
