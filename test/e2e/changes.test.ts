import t from 'tap';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quickConfig, TestSite } from './site.ts';

t.test('a camera that goes away leaves a gap with its reason and is recorded again by itself', async (t) => {
  const site = await TestSite.start(t);
  const camera = site.cameras[0]!;
  await site.untilSealed(1);
  await camera.stop();
  const gone = await site.until((report) => report.cameras[0]?.online === false);
  t.match(gone.cameras[0]?.state, /offline|ended|broken/);
  await camera.start();
  await site.until((report) => report.cameras[0]?.recording === true);
  const gaps = (await site.list()).gaps.filter(({ reason }) => reason !== 'not recorded');
  t.equal(gaps.length, 1, 'one, besides the time before its first picture');
  t.match(gaps[0]?.reason, /camera offline|stream ended|stream broken/);
  t.ok((gaps[0]?.toMs ?? 0) > (gaps[0]?.fromMs ?? 0));
});

t.test('what lowers privacy waits for the owner\'s signature; what raises it applies at once', async (t) => {
  const site = await TestSite.start(t, { config: quickConfig({ keep: '2 hours' }) });
  await site.untilSealed(1);
  await writeFile(site.config, quickConfig({ keep: '3 hours' }));
  process.kill(site.hub!.pid, 'SIGHUP');
  const asked = await site.until((report) => report.pending.length === 1);
  const { id, text } = asked.pending[0]!;
  t.match(text, /kept 3 hours instead of 2 hours/);
  await site.call(['keys', 'new', '--out', join(site.folder, 'stranger')]);
  const refused = await site.attempt(['accept', id, '--identity', join(site.folder, 'stranger', 'kit.txt'), '--config', site.config]);
  t.match(refused.stderr, /SP_BAD_SIGNATURE/, 'somebody else\'s yes is none');
  t.match(await site.call(['accept', id, '--identity', site.kit, '--config', site.config]), /accepted/);
  t.equal((await site.status()).pending.length, 0);
  await writeFile(site.config, quickConfig({ keep: '1 hour' }));
  process.kill(site.hub!.pid, 'SIGHUP');
  const plan = await (async () => {
    for (;;) {
      const { periods } = await site.json<{ periods: { endMs: number; deadlineMs: number }[] }>(['purge', '--dry-run', '--config', site.config]);
      if (periods.every((period) => period.deadlineMs - period.endMs === 3_600_000)) return periods;
    }
  })();
  t.ok(plan.length > 0, 'shorter retention moves every deadline nearer at once');
});

t.test('no secret is in any log, list or status', async (t) => {
  const site = await TestSite.start(t, { config: quickConfig({ more: '\n[log]\nlevel = "debug"\n' }) });
  await site.untilSealed(1);
  const camera = site.cameras[0]!;
  await site.attempt(['secret', 'set', camera.name, '--config', site.config], 'Wr0ng-Pa55word\n');
  await site.until((report) => report.cameras[0]?.state.includes('credentials refused') === true);
  const said = [...site.log, JSON.stringify(await site.status()), JSON.stringify(await site.list()), ...(await logFiles(site)), await readFile(site.config, 'utf8'), await readFile(join(site.folder, 'conf.d', '90-page.toml'), 'utf8')].join('\n');
  for (const secret of [camera.password, encodeURIComponent(camera.password), 'Wr0ng-Pa55word', (await readFile(site.kit, 'utf8')).split('\n').find((line) => line.startsWith('AGE-'))!]) t.notOk(said.includes(secret), 'not there');
  t.ok(said.includes(camera.name), 'the control: what is looked through is not empty');
});

async function logFiles(site: TestSite): Promise<string[]> {
  const folder = join(site.data, 'log');
  return Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
}
