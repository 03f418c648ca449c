import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { callHub } from '../../src/cli/control.ts';
import { Hub } from '../../src/hub.ts';
import { cellsOf } from '../cli/terminalqr.ts';
import { configText, makeOwner, startPage } from './pagekit.ts';

const sallyport = join(import.meta.dirname, '../../scripts/sallyport');

t.test('ports that are taken, and a certificate that is none, stop no hub', async (t) => {
  const blocker = createServer();
  const port = await new Promise<number>((resolve) => blocker.listen(0, '::', () => resolve((blocker.address() as { port: number }).port)));
  t.teardown(() => blocker.close());
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const configPath = join(folder, 'sallyport.toml');
  await writeFile(configPath, configText('certificate = "nowhere.pem"').replace('port = 0', `port = ${port}`).replace('http_port = 0', `http_port = ${port}`));
  const said: string[] = [];
  const hub = new Hub();
  t.teardown(() => hub.close());
  await hub.start({ configPath, echo: (line) => said.push(line) });
  const status = await callHub(join(folder, 'data', 'control.sock'), 'status', {});
  t.match(status, { page: { enabled: true, urls: [], problem: { code: 'SP_PORT_TAKEN' } }, notices: [{ kind: 'page unreachable' }] });
  t.ok(said.some((line) => line.includes('the hub is running')));
  const { stdout, status: exit } = await run(sallyport, ['status', '--config', configPath]);
  t.equal(exit, 0);
  t.match(stdout.toString(), /^page: not open \(SP_PORT_TAKEN: .*in use/m);
});

t.test('`pair` shows where to begin; the code is in no log and on no terminal but that one', async (t) => {
  const site = await startPage(t);
  const config = join(site.folder, 'sallyport.toml');
  const { stdout, status } = await run(sallyport, ['pair', '--config', config]);
  t.equal(status, 0);
  const text = stdout.toString();
  t.match(text, /https:\/\/127\.0\.0\.1:\d+/);
  const code = /^ {2}(\w{4}-\w{4}-\w{4})$/m.exec(text)?.[1] ?? '';
  t.equal(code, (await site.pair()).code);
  const { stdout: found } = await run('grep', ['-rlE', `${code}|${code.replaceAll('-', '')}`, site.folder]);
  t.equal(found.toString(), '');
  await makeOwner(site);
  const again = await run(sallyport, ['pair', '--config', config]);
  t.notMatch(again.stdout.toString(), /first owner/);
  t.match((await run(sallyport, ['status', '--config', config])).stdout.toString(), /^page: https:\/\/\S+, /m);
});

t.test('at a terminal `pair` shows a QR code, elsewhere only when asked', { skip: existsSync('/usr/bin/script') ? false : '/usr/bin/script (bsdutils) is not here' }, async (t) => {
  const site = await startPage(t);
  const config = join(site.folder, 'sallyport.toml');
  const coloured = (bytes: Uint8Array): string[] => bytes.toString().split(/\r?\n/).filter((line) => cellsOf(line) !== '');
  // A terminal of its own, by the stock program that makes one.
  const terminal = coloured((await run('script', ['--quiet', '--return', '--command', `${sallyport} pair --config ${config}`, '/dev/null'])).stdout);
  t.ok(terminal.length > 20);
  t.same(coloured((await run(sallyport, ['pair', '--qr', '--config', config])).stdout), terminal);
  for (const more of [[], ['--json'], ['--qr', '--json']]) t.same(coloured((await run(sallyport, ['pair', ...more, '--config', config])).stdout), [], more.join(' '));
});

t.test('without a page there is none', async (t) => {
  const site = await startPage(t, { config: configText('enabled = false') });
  t.same((await site.pair()).page, { enabled: false, urls: [] });
  const { stdout, status } = await run(sallyport, ['pair', '--config', join(site.folder, 'sallyport.toml')]);
  t.equal(status, 1);
  t.match(stdout.toString(), /There is no page/);
});

t.test('a longer time to keep footage waits for the owner\'s yes, a shorter one counts at once; who looks after the site sees to both', async (t) => {
  const site = await startPage(t);
  const { browser } = await makeOwner(site);
  t.match(await browser.must('POST', 'keep', { footage: '1 day' }), { changes: [/footage is kept 1 day instead of 3 days/], pending: [] });
  t.match(await browser.must('POST', 'keep', { footage: '7 days' }), { pending: [{ key: 'keep.footage' }] });
  t.equal((await browser.post('keep', { footage: 'for ever' })).code, 'SP_CONFIG_VALUE');
  t.equal((await browser.post('keep', { footage: '7 days"\n[page]\nenabled = "' })).code, 'SP_CONFIG_VALUE');
});
