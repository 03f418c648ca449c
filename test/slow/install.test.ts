/** A whole installation below a folder of its own, with node modules from the registry: minutes, and a network. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t from 'tap';
import { version } from '../../src/base/version.ts';

const root = resolve(import.meta.dirname, '../..');
t.setTimeout(600_000);

t.test('an installation stands by itself, and installing again leaves the configuration alone', async (t) => {
  const target = mkdtempSync(join(tmpdir(), 'sallyport-install-'));
  t.teardown(() => rmSync(target, { recursive: true, force: true }));
  // As an administrator would call it: with the machine's own npm and Node, not those of the tests.
  const install = () => spawnSync(join(root, 'scripts/install'), ['--root', target], { encoding: 'utf8', timeout: 180_000, env: { PATH: '/usr/bin:/bin', HOME: homedir() } });
  const mode = (path: string): string => (statSync(join(target, path)).mode & 0o777).toString(8);

  const first = install();
  t.equal(first.status, 0, first.stderr);
  t.match(first.stdout, /sallyport pair/, 'says what to do next');
  const checked = spawnSync('/usr/bin/env', ['-i', 'PATH=/usr/bin:/bin', join(target, 'opt/sallyport/scripts/sallyport'), 'check', join(target, 'etc/sallyport/sallyport.toml')], { cwd: '/', encoding: 'utf8' });
  t.match(checked.stdout + checked.stderr, /hub "Home"/, 'a configuration that needs no editing');
  t.notMatch(checked.stdout, /front-door/, 'and brings no camera of its own');
  const program = join(target, 'opt/sallyport/scripts/sallyport');
  // A stranger's environment: nothing of the checkout is on the way.
  const ran = spawnSync('/usr/bin/env', ['-i', 'PATH=/usr/bin:/bin', program, '--version'], { cwd: '/', encoding: 'utf8' });
  t.equal(ran.status, 0, ran.stderr);
  t.match(ran.stdout, version);
  const native = spawnSync('/usr/bin/env', ['-i', 'PATH=/usr/bin:/bin', program, 'keys', 'new', '--out', join(target, 'owner')], { cwd: '/', encoding: 'utf8' });
  t.equal(native.status, 0, `native modules load: ${native.stderr}`);
  t.notOk(existsSync(join(target, 'opt/sallyport/node_modules/tap')), 'without what only developers need');
  t.notOk(existsSync(join(target, 'opt/sallyport/test')));
  t.ok(existsSync(join(target, 'opt/sallyport/dist/page/index.html')), 'with the page, ready to be served');
  t.same(['etc/sallyport', 'etc/sallyport/conf.d', 'etc/sallyport/sallyport.toml', 'var/lib/sallyport'].map(mode), ['750', '700', '640', '700']);
  t.match(readFileSync(join(target, 'etc/systemd/system/sallyport.service'), 'utf8'), /ExecStart=\/opt\/sallyport\/scripts\/sallyport run/);
  for (const unit of ['sallyport-courier.service', 'sallyport-units.service', 'sallyport-units.path']) t.ok(existsSync(join(target, 'etc/systemd/system', unit)), unit);
  t.ok(statSync(join(target, 'usr/local/bin'), { throwIfNoEntry: false })?.isDirectory());

  writeFileSync(join(target, 'etc/sallyport/sallyport.toml'), '# mine\n');
  const second = install();
  t.equal(second.status, 0, second.stderr);
  t.equal(readFileSync(join(target, 'etc/sallyport/sallyport.toml'), 'utf8'), '# mine\n');
});

t.test('what install does not know is refused', async (t) => {
  t.equal(spawnSync(join(root, 'scripts/install'), ['--rot', '/tmp']).status, 64);
  t.match(spawnSync(join(root, 'scripts/install'), ['--help'], { encoding: 'utf8' }).stdout, /Usage/);
});
