import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { run, type Finished } from '../../src/base/spawn.ts';

const root = resolve(import.meta.dirname, '../..');

/** `env -i`: nothing of the test runner reaches what is tested. */
function plainly(path: string, command: string, ...args: readonly string[]): Promise<Finished> {
  return run('/usr/bin/env', ['-i', `PATH=${path}`, command, ...args]);
}

/** A folder with the script alone, as it is before node modules are there. */
function bareCopy(t: Test, script: string): { copy: string; tools: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-scripts-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'copy/scripts'), { recursive: true });
  mkdirSync(join(folder, 'tools'));
  cpSync(join(root, 'scripts', script), join(folder, 'copy/scripts', script));
  for (const tool of ['sh', 'readlink', 'dirname', 'uname', 'cat', 'sha256sum', 'getconf']) symlinkSync(`/usr/bin/${tool}`, join(folder, 'tools', tool));
  // What set-up calls beside npm: a compiler, and the build of native/.
  tool(join(folder, 'copy/scripts'), 'native', 'exit 0');
  tool(join(folder, 'copy/scripts'), 'page', 'exit 0');
  tool(join(folder, 'tools'), 'gcc', 'exit 0');
  return { copy: join(folder, 'copy'), tools: join(folder, 'tools') };
}

function tool(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

t.test('scripts/node runs the pinned Node, also through a link and from anywhere', async (t) => {
  const folder = t.testdir({});
  symlinkSync(join(root, 'scripts/node'), join(folder, 'linked'));
  const { status, stdout } = await run('/usr/bin/env', ['-i', 'PATH=/usr/bin:/bin', join(folder, 'linked'), '-p', 'process.execPath + " " + process.versions.napi'], { folder: '/' });
  const [path = '', napi = ''] = stdout.toString().trim().split(' ');
  t.equal(status, 0);
  t.match(path, /node_modules\/node-linux-(?:x64|arm64)\/bin\/node$/);
  t.ok(Number(napi) >= 10);
});

t.test('arguments and exit status pass through scripts/node unchanged', async (t) => {
  const { status, stdout } = await plainly('/usr/bin:/bin', join(root, 'scripts/node'), '-e', 'console.log(JSON.stringify(process.argv.slice(1))); process.exit(7)', 'a b', '$(id)', '*');
  t.equal(status, 7);
  t.strictSame(JSON.parse(stdout.toString()), ['a b', '$(id)', '*']);
});

t.test('an old Node of the machine is refused in words, with exit status 78', async (t) => {
  const { copy, tools } = bareCopy(t, 'node');
  tool(tools, 'node', 'exit 1');
  const { status, stderr } = await plainly(tools, join(copy, 'scripts/node'), '-e', '');
  t.equal(status, 78);
  t.match(stderr, /no Node that fits was found: Node 24 or newer/);
});

t.test('a fitting Node of the machine is taken where the pinned one is missing', async (t) => {
  const { copy, tools } = bareCopy(t, 'node');
  symlinkSync(process.execPath, join(tools, 'node'));
  const { status, stdout } = await plainly(tools, join(copy, 'scripts/node'), '-p', '6 * 7');
  t.strictSame([status, stdout.toString()], [0, '42\n']);
});

t.test('set-up names what it may not install, with the command, and exits 69', async (t) => {
  const { copy, tools } = bareCopy(t, 'setup');
  tool(tools, 'npm', 'exit 0');
  tool(tools, 'id', 'echo 1000');
  const { status, stderr } = await plainly(tools, join(copy, 'scripts/setup'), 'ffmpeg', 'openssh-client');
  t.equal(status, 69);
  t.match(stderr, /missing: (?:gcc )?(?:libc6-dev )?ffmpeg openssh-client/);
  t.match(stderr, /sudo apt-get install --no-install-recommends (?:gcc )?(?:libc6-dev )?ffmpeg openssh-client/);
});

t.test('set-up installs node modules once for each lock file, and is silent afterwards', async (t) => {
  const { copy, tools } = bareCopy(t, 'setup');
  tool(tools, 'npm', `echo "$@" >>"${copy}/calls"; [ -d "${copy}/node_modules" ] || /usr/bin/mkdir "${copy}/node_modules"`);
  tool(join(copy, 'scripts'), 'node', 'exit 0');
  const setup = (): Promise<Finished> => plainly(tools, join(copy, 'scripts/setup'));
  const calls = async (): Promise<number> => (await run('cat', [join(copy, 'calls')])).stdout.toString().trimEnd().split('\n').length;
  writeFileSync(join(copy, 'package-lock.json'), '{}');
  t.match(await setup(), { status: 0, stderr: /installing node modules/ });
  t.match(await setup(), { status: 0, stderr: /^$/ });
  t.equal(await calls(), 1);
  writeFileSync(join(copy, 'package-lock.json'), '{ }');
  t.match(await setup(), { status: 0, stderr: /installing node modules/ });
  t.equal(await calls(), 2);
});

t.test('set-up that fails is not taken for done', async (t) => {
  const { copy, tools } = bareCopy(t, 'setup');
  tool(tools, 'npm', 'echo "no network" >&2; exit 1');
  tool(join(copy, 'scripts'), 'node', 'exit 0');
  writeFileSync(join(copy, 'package-lock.json'), '{}');
  for (const attempt of ['first', 'second']) {
    const { status, stderr } = await plainly(tools, join(copy, 'scripts/setup'));
    t.not(status, 0, attempt);
    t.match(stderr, /no network/, attempt);
  }
});

t.test('scripts/setup begins nothing on a system of 32-bit programs, whatever its kernel is', async (t) => {
  const { copy, tools } = bareCopy(t, 'setup');
  rmSync(join(tools, 'getconf'));
  tool(tools, 'getconf', 'echo 32');
  const { status, stderr } = await plainly(tools, join(copy, 'scripts/setup'));
  t.equal(status, 78);
  t.match(stderr, /needs a 64-bit one/);
});
