import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { run, type Finished } from '../../src/base/spawn.ts';
import { loadConfig } from '../../src/config.ts';

const root = resolve(import.meta.dirname, '../..');
const unit = readFileSync(join(root, 'systemd/sallyport-courier.service'), 'utf8');
const installed = readFileSync(join(root, 'config/sallyport.toml'), 'utf8');
const folder = t.testdir({ 'new.toml': installed, 'old.toml': '# mine\n', 'decided.toml': '[capture]\njail = "full"\n', 'units': { 'sallyport-courier.service': unit } });
const here = (await run(join(root, 'native/build/jail'), ['--probe'])).stdout.toString();
const nolandlock = join(folder, 'nolandlock');
const drop = join(folder, 'units/sallyport-courier.service.d/withoutlandlock.conf');
const at = (name: string): string => join(folder, name);
const script = (name: string, age: string, ...launcher: string[]): Promise<Finished> => run(join(root, 'scripts/withoutlandlock'), [at(name), age, at('units'), ...launcher]);

t.before(async () => {
  const { status, stderr } = await run('cc', ['-O1', '-o', nolandlock, join(root, 'test/native/nolandlock.c')], { timeoutMs: 60_000 });
  if (status !== 0) throw new Error(stderr);
});

t.test('where the kernel has no Landlock, a new configuration reads cameras all the same, the courier starts, and it is said', async (t) => {
  t.equal((await loadConfig(at('new.toml'))).config.capture.jail, 'files', 'else that much is asked for');
  const { status, stdout } = await script('new.toml', 'new', nolandlock);
  t.equal(status, 0);
  t.match(stdout.toString(), /this kernel has no Landlock/);
  t.equal((await loadConfig(at('new.toml'))).config.capture.jail, 'off');
  const start = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? 'none';
  t.match(start, / --jail files$/);
  t.same(readFileSync(drop, 'utf8').split('\n').filter((line) => !line.startsWith('#')), ['[Service]', 'ExecStart=', `ExecStart=${start.replace('--jail files', '--jail off')}`, '']);
});

t.test('a configuration of somebody\'s own is not touched: what to write is said, unless it is written', async (t) => {
  t.match((await script('old.toml', 'old', nolandlock)).stdout.toString(), /Cameras are not read until you accept that: jail = "off" under \[capture\] in .*old\.toml/);
  t.notMatch((await script('decided.toml', 'old', nolandlock)).stdout.toString(), /until you accept/);
  t.equal(readFileSync(at('old.toml'), 'utf8'), '# mine\n');
  t.equal(readFileSync(at('decided.toml'), 'utf8'), '[capture]\njail = "full"\n');
});

t.test('where it has Landlock nothing is asked for less, and an installation on another kernel is made good', { skip: here.includes('"level":"off"') ? 'this kernel has no Landlock' : false }, async (t) => {
  writeFileSync(at('new.toml'), installed);
  t.match(await script('new.toml', 'new'), { status: 0, stdout: Buffer.alloc(0) });
  t.equal(readFileSync(at('new.toml'), 'utf8'), installed);
  t.notOk(existsSync(drop));
});
