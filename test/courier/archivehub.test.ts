/** A hub with its courier and a real `rclone serve webdav`: what lies there alone comes back through the page's own route for who is logged in, and through the command line. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { ReplyOf } from '../../src/api/contract.ts';
import type { Timeline } from '../../src/api/pagecontract.ts';
import { silentLog } from '../../src/base/log.ts';
import { run } from '../../src/base/spawn.ts';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.ts';
import { callHub } from '../../src/cli/control.ts';
import { Vault, type SegmentRow } from '../../src/vault/vault.ts';
import { AheadClock, Browser, configText, makeOwner, startPage, type PageSite } from '../api/pagekit.ts';
import { shortFolder } from '../e2e/site.ts';
import { serveWebdav } from '../egress/stores.ts';
import { recordFilm } from '../web/crypto/world.ts';

const sallyport = resolve(import.meta.dirname, '../../scripts/sallyport');

t.test('who is logged in plays what lies far alone, the command line exports and holds it, without the hub it is said where it is, and the login of the store opens it', { timeout: 120_000 }, async (t) => {
  const folder = await shortFolder(t);
  const dav = await serveWebdav(folder);
  t.teardown(() => dav.close());
  const [clock, kit] = [new AheadClock(), join(folder, 'kit.txt')];
  const config = `${configText()}\n[[destination]]\nname = "dav"\npurpose = "a copy in another house"\nkind = "webdav"\nurl = "${dav.url.href}"\nsend = "all"\narchive_after = "1 hour"\n`;
  const configFile = join(folder, 'sallyport.toml');
  const socket = join(folder, 'data', 'control.sock');
  const start = (): Promise<PageSite> => startPage(t, { folder, clock, config });
  const command = (...args: string[]): ReturnType<typeof run> => run(sallyport, [...args, '--config', configFile, '--identity', kit], { timeoutMs: 60_000 });
  const must = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await command(...args);
    if (status !== 0) throw new Error(`sallyport ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout.toString();
  };
  const counts = async (): Promise<NonNullable<ReplyOf<'egress'>['destinations'][number]['counts']> | undefined> => (await callHub(socket, 'egress', { limit: 1 })).destinations[0]?.counts;
  const until = async (fits: (found: Awaited<ReturnType<typeof counts>>) => boolean): Promise<void> => { while (!fits(await counts())) await delay(100); };

  const first = await start();
  const owner = await makeOwner(first);
  await writeFile(kit, `${owner.kit.reveal()}\n`, { mode: 0o600 });
  await callHub(socket, 'secret', { camera: 'dav.all', password: 'sally\nport\n' });
  for (const { id, key } of (await callHub(socket, 'status', {})).pending) if (key === 'destination') await must('accept', id);
  await first.hub.close();
  const startMs = (Math.floor(clock.wallMs() / hourMs) - 3) * hourMs;
  const rows = await recorded(folder, clock, startMs, owner.kit.recipient);
  const files = rows.map(({ path }) => join(folder, 'data', 'footage', path));
  const bytes = files.map((file) => readFileSync(file));
  const range = ['--from', new Date(startMs).toISOString(), '--to', new Date(startMs + 5 * minuteMs).toISOString()];
  await mkdir(join(folder, 'out'));

  const second = await start();
  await must('export', 'front', ...range, '-o', join(folder, 'out', 'before.mp4'));
  await until((found) => (found?.there ?? 0) >= 3 && found?.waiting === 0);
  await second.hub.close();
  const third = await start();
  await until((found) => found?.alone === 2);
  t.notOk(files.some((file) => existsSync(file)), 'they lie there alone');

  const browser = new Browser(third.base, owner.browser.cookie);
  const timeline = (await browser.get(`timeline?camera=front&fromMs=${startMs}&toMs=${startMs + hourMs}`)).body as unknown as Timeline;
  t.same(timeline.segments.map(({ archivedAt }) => archivedAt), ['dav', 'dav'], 'the page can mark them');
  const path = `segments/front/main/${rows[0]?.seq}`;
  t.equal((await new Browser(third.base).get(path)).status, 401, 'nobody else has it fetched');
  const part = await browser.get(path, { range: 'bytes=1000-1999' });
  t.same([part.status, part.bytes.equals(bytes[0]?.subarray(1000, 2000) ?? Buffer.alloc(0))], [206, true], 'a range, and with it the segment');
  t.ok((await browser.get(path)).bytes.equals(bytes[0] ?? Buffer.alloc(0)), 'byte for byte');
  t.match(await must('list', 'front', '--from', '-1 day'), /archived/);
  await must('export', 'front', ...range, '-o', join(folder, 'out', 'after.mp4'));
  const [before, after] = await Promise.all(['before', 'after'].map(async (name) => createHash('sha256').update(await readFile(join(folder, 'out', `${name}.mp4`))).digest('hex')));
  t.equal(after, before, 'an export is what it was');
  await must('hold', 'front', ...range, '--for', '30 days');
  t.match(await must('hold', '--list'), /\b2\b/);

  await third.hub.close();
  await callsOff(t, command('export', 'front', ...range, '-o', join(folder, 'out', 'none.mp4')));
  t.notOk(existsSync(join(folder, 'out', 'none.mp4')));
  // With the store's login, too: the keys are in the folder, and the lists say what lies where.
  const login = join(folder, 'login.txt');
  await writeFile(login, 'sally\nport\n', { mode: 0o600 });
  const far = ['--data', join(folder, 'data'), '--far', dav.url.href, '--far-login', login, '--identity', kit];
  const { status, stderr } = await run(sallyport, ['export', 'front', ...range, ...far, '-o', join(folder, 'out', 'alone.mp4')], { timeoutMs: 60_000 });
  t.equal(status, 0, stderr.toString());
  t.equal(createHash('sha256').update(await readFile(join(folder, 'out', 'alone.mp4'))).digest('hex'), before, 'an export without the hub is what it was');
  t.notOk(files.some((file) => existsSync(file)), 'and the folder is as it was');
  const object = [...await readdir(dav.path, { recursive: true })].map((name) => join(dav.path, name)).find((name) => statSync(name).isFile() && readFileSync(name).equals(bytes[0] ?? Buffer.alloc(0))) ?? '';
  const altered = Buffer.from(bytes[0] ?? []);
  altered[altered.length - 100] = (altered.at(-100) ?? 0) ^ 1;
  await writeFile(object, altered);
  const wrong = await run(sallyport, ['export', 'front', ...range, ...far, '-o', join(folder, 'out', 'wrong.mp4')], { timeoutMs: 60_000 });
  t.equal(wrong.status, 1);
  t.match(wrong.stderr.toString(), /SP_SEGMENT_DAMAGED[^]*not what was sent/);
});

async function callsOff(t: Test, ending: ReturnType<typeof run>): Promise<void> {
  const { status, stderr } = await ending;
  t.equal(status, 1);
  t.match(stderr.toString(), /SP_ARCHIVE_HUB[^]*lies at dav alone[^]*Start the hub/);
}

/** Two minutes of footage, as a hub left them three hours ago. */
async function recorded(folder: string, clock: AheadClock, startMs: number, recipient: string): Promise<SegmentRow[]> {
  const vault = await Vault.open({ folder: join(folder, 'data'), clock, log: silentLog, hubName: 'Test' });
  const period = await vault.preparePeriod({ camera: 'front', class: 'footage', startMs, endMs: startMs + hourMs, deadlineMs: startMs + 2 * dayMs, recipients: [recipient] });
  const rows = [await recordFilm(vault, period, { wallMs: startMs, rounds: 21 }), await recordFilm(vault, period, { wallMs: startMs + 2 * minuteMs, rounds: 21 })].map(({ row }) => row);
  await vault.finishPeriods(clock.wallMs());
  await vault.close();
  return rows;
}
