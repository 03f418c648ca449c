/** Documents lead where they say, and what the program names is there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../..');
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })].filter((page) => existsSync(join(root, page)));

for (const page of pages) {
  t.test(`every relative link of ${page} leads somewhere`, async (t) => {
    for (const { target, anchor } of linksOf(page)) {
      const file = target === '' ? join(root, page) : join(root, dirname(page), target);
      t.ok(existsSync(file), `${page} → ${target}`);
      if (anchor !== undefined && file.endsWith('.md') && existsSync(file)) t.ok(anchorsOf(file).has(anchor), `${page} → ${target}#${anchor}`);
    }
    t.pass('read to its end');
  });
}

t.test('every document that the sources name exists', async (t) => {
  for (const file of globSync(['src/**/*.ts', 'scripts/*', 'config/*', 'systemd/*'], { cwd: root })) {
    for (const [name] of readFileSync(join(root, file), 'utf8').matchAll(/\bdocs\/[\w/-]+\.md\b/g)) t.ok(existsSync(join(root, name)), `${file} names ${name}`);
  }
});

/** Links and pictures of the page that are not of the web; code is no link. */
function linksOf(page: string): { target: string; anchor: string | undefined }[] {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((link) => !/^(?:[a-z]+:|\/\/)/i.test(link))
    .map((link) => ({ target: decodeURI(link.split('#')[0] ?? ''), anchor: link.split('#')[1] }));
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(file: string): Set<string> {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm);
  return new Set([...headings].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}
