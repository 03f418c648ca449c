/** What is built is what the hub serves: small, hashed, and nothing in it that the content security policy would refuse. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { pageHeaders, scriptPolicies } from '../../src/api/pagefiles.ts';

const root = resolve(import.meta.dirname, '../..');
const page = join(root, 'dist/page');
execFileSync(join(root, 'scripts/page'), { stdio: ['ignore', 'ignore', 'inherit'] });
const html = readFileSync(join(page, 'index.html'), 'utf8');
const files = globSync('**/*', { cwd: page, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

t.test('the first load is at most 100 KB of script, compressed', async (t) => {
  const scripts = firstLoad();
  const bytes = scripts.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
  t.comment(`first load: ${(bytes / 1024).toFixed(1)} KiB of script in ${scripts.length} files`);
  t.ok(scripts.length > 0);
  t.ok(bytes <= 100_000, `${bytes} bytes`);
});

t.test('the document has no script, no style and no handler of its own', async (t) => {
  t.notMatch(html, /<script(?![^>]*\ssrc=)/);
  t.notMatch(html, /<style|\sstyle=|\son[a-z]+=/);
  t.notMatch(html, /javascript:/i);
});

t.test('every file but the document is named by its hash', async (t) => {
  for (const file of files.filter((file) => !file.endsWith('/index.html'))) t.match(file, /\/assets\/[\w.-]+-[\w-]{8}\.(?:js|css|svg)$/);
});

t.test('no file names a host, and none needs more than the policy allows', async (t) => {
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const hosts = [...text.matchAll(/(?:https?|wss?):\/\/[\w.-]+/g)].map(([host]) => host).filter((host) => !host.startsWith('http://www.w3.org'));
    t.strictSame(hosts, [], `${file}: hosts`);
    t.notMatch(text, /\beval\(|new Function\(|\.insertAdjacentHTML\(|document\.write\(/, file);
  }
});

t.test('every policy that makes a script\'s address is one that the hub\'s content security policy names', async (t) => {
  const made = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\.createPolicy\(\s*(?:[`'"]([^`'"]*)[`'"])?/g)].map(([, name]) => name));
  t.strictSame([...new Set(made)], [...scriptPolicies]);
  t.match(pageHeaders['content-security-policy'], /require-trusted-types-for 'script'; trusted-types sallyport-worker$/);
});

/** The entry and what it imports before anything is asked for; what is loaded by `import()` comes later. */
function firstLoad(): string[] {
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:^|[;\s}])(?:import|export)(?:[^"'()]*?from)?\s*["']\.\/([^"']+\.js)["']/g)) visit(join(page, 'assets', name as string));
  };
  for (const [, source] of html.matchAll(/<script[^>]*\ssrc="([^"]+)"/g)) visit(join(page, source as string));
  return [...found];
}
