/** What `test/courier/farsurvey.test.ts` does in a folder, at servers. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { ReplyOf } from '../../src/api/contract.ts';
import { callHub } from '../../src/cli/control.ts';
import { farEnds } from '../courier/farends.ts';
import { proveForgotten } from '../courier/forgotten.ts';
import { quickConfig, shortFolder, TestSite } from '../e2e/site.ts';

for (const [where, open] of farEnds.slice(1)) {
  t.test(`${where}: what lies there is known again after a new database, and what nobody knows goes by the owner's signature alone`, { timeout: 60_000 }, (t) => proveForgotten(t, open));
}

t.test('the command line: a hub whose database was made anew knows its segments there again, shows what nobody knows, and erases nothing before a day is over', { timeout: 120_000 }, async (t) => {
  const folder = await shortFolder(t);
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const site = await TestSite.start(t, { folder, config: `${quickConfig({ keep: '7 days' })}\n[[destination]]\nname = "disk"\npurpose = "a copy in another house"\nkind = "folder"\npath = "${disk}"\nmount = false\nsend = "all"\n` });
  const accept = async (): Promise<void> => {
    for (const { id } of (await site.until(({ pending }) => pending.length > 0)).pending) await site.call(['accept', id, '--identity', site.kit, '--config', site.config]);
  };
  const report = (): Promise<ReplyOf<'egress'>> => callHub(join(site.data, 'control.sock'), 'egress', { limit: 1000 });
  await accept();
  await site.untilSealed(3);
  while (((await report()).destinations[0]?.counts?.there ?? 0) < 3) await delay(100);
  // A list is what nobody can tell from another hub's afterwards.
  while (!(await report()).lines.some(({ kind, class: of, outcome }) => kind === 'put' && of === 'hours' && outcome === 'done')) await delay(100);
  await site.stop();
  const before = readdirSync(disk, { recursive: true }).length;
  rmSync(join(site.data, 'working.db'));
  await site.call(['rebuild', '--identity', site.kit, '--config', site.config]);
  await site.startHub();
  await accept();
  const status = await site.until(({ doors }) => doors.unknown.length > 0);
  t.match(status.doors.unknown, [{ destination: 'disk' }]);
  t.match(await site.call(['status', '--config', site.config]), /not known here: `sallyport egress --unknown disk`/);
  t.ok((await report()).lines.some(({ kind, outcome }) => kind === 'list' && outcome === 'done'));
  const shown = await site.attempt(['egress', '--unknown', 'disk', '--config', site.config]);
  t.equal(shown.status, 1);
  t.match(String(shown.stdout), /that nobody here knows, the same since [^]*They can be erased after /);
  t.match(await site.attempt(['egress', '--unknown', 'disk', '--erase', '--identity', site.kit, '--config', site.config]), { stderr: /SP_ERASE[^]*for a day/ });
  t.ok(readdirSync(disk, { recursive: true }).length >= before, 'nothing is gone');
});
