/** A release, made twice, of one commit in two places. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { version } from '../../src/base/version.ts';

const root = resolve(import.meta.dirname, '../..');
const name = `sallyport-${version}`;

async function must(program: string, args: readonly string[], folder?: string): Promise<string> {
  const done = await run(program, args, { timeoutMs: 240_000, stdoutBytesMax: 2 ** 26, environment: { HOME: process.env['HOME'] ?? '/nonexistent' }, ...(folder === undefined ? {} : { folder }) });
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.toString();
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

t.test('a release of one commit is the same bytes wherever and whenever it is made: the tree with its page, the viewer, the bill of materials, and their hashes', { timeout: 300_000 }, async (t) => {
  const folder = t.testdir();
  const [one, other] = [join(folder, 'one'), join(folder, 'elsewhere', 'another name')];
  for (const path of [one, other]) mkdirSync(path, { recursive: true });
  // As it lies here, committed or not; node modules are not git's.
  await must('bash', ['-c', 'git ls-files -z --cached --others --exclude-standard | tar --null --verbatim-files-from --ignore-failed-read -T - -c | tar -x -C "$1"', 'bash', one], root);
  const git = (...args: string[]): Promise<string> => must('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', '-c', 'init.defaultBranch=main', ...args]);
  await git('-C', one, 'init', '--quiet');
  await git('-C', one, 'add', '--all');
  await git('-C', one, 'commit', '--quiet', '--message', 'as it is');
  await git('clone', '--quiet', one, other);
  for (const path of [one, other]) symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));

  const refused = async (path: string, ...args: string[]): Promise<number | null> => (await run(join(path, 'scripts/release'), args, { timeoutMs: 60_000 })).status;
  writeFileSync(join(one, 'notes.txt'), 'not committed');
  t.equal(await refused(one), 65, 'what nobody committed is no release');
  rmSync(join(one, 'notes.txt'));
  t.equal(await refused(one, '--sign'), 64);

  const said = await must(join(one, 'scripts/release'), ['--to', join(folder, 'first')]);
  await must(join(other, 'scripts/release'), ['--to', join(folder, 'second')]);
  const files = [`${name}.tar.gz`, 'sbom.cdx.json', 'viewer.html'];
  for (const file of [...files, 'SHA256SUMS']) t.equal(sha256(join(folder, 'first', file)), sha256(join(folder, 'second', file)), file);
  for (const file of files) t.ok(said.includes(`${sha256(join(folder, 'first', file))}  ${file}`), `it says the hash of ${file}`);
  await must('sha256sum', ['--check', '--strict', 'SHA256SUMS'], join(folder, 'first'));
  t.equal(await refused(one, '--to', join(folder, 'first')), 73, 'a release is never replaced');

  t.match(readFileSync(join(folder, 'first', 'viewer.html'), 'utf8').slice(0, 200), /<!doctype html>/i);
  t.match(JSON.parse(readFileSync(join(folder, 'first', 'sbom.cdx.json'), 'utf8')), { bomFormat: 'CycloneDX', metadata: { component: { name: 'sallyport', version } } });
  const listed = (await must('tar', ['--list', '--verbose', '--numeric-owner', '--file', join(folder, 'first', files[0] ?? '')])).trim().split('\n');
  t.same([...new Set(listed.map((line) => line.split(/\s+/)[1]))], ['0/0'], 'nobody\'s name is in it');
  const paths = new Set(listed.map((line) => line.split(/\s+/)[5]?.slice(name.length + 1)));
  for (const path of ['scripts/install', 'src/hub.ts', 'dist/page/index.html', 'dist/page.sum', 'LICENSE']) t.ok(paths.has(path), path);
  t.notOk([...paths].some((path) => path?.startsWith('node_modules') === true || path?.startsWith('dist/viewer') === true || path?.startsWith('.git/') === true));

  // What is unpacked takes its page as it is.
  const unpacked = join(folder, 'unpacked');
  mkdirSync(unpacked);
  await must('tar', ['-x', '-C', unpacked, '--file', join(folder, 'first', files[0] ?? '')]);
  const stamp = readFileSync(join(unpacked, name, 'dist/page.sum'), 'utf8');
  await must(join(unpacked, name, 'scripts/page'), []);
  t.equal(readFileSync(join(unpacked, name, 'dist/page.sum'), 'utf8'), stamp);
  t.notOk(existsSync(join(unpacked, name, 'node_modules')), 'nothing had to be built');
});
