import { readFile } from 'node:fs/promises';
import t from 'tap';
import { promises, renderPromises } from '../../src/policy/promises.ts';
import { documents, root } from '../../scripts/docs.ts';

for (const [path, text] of documents()) {
  t.test(`${path} is what the code says`, async (t) => {
    t.equal(await readFile(`${root}/${path}`, 'utf8').catch(() => 'missing'), text, 'written by scripts/node scripts/docs.ts');
  });
}

t.test('each promise names tests that exist', async (t) => {
  t.same(promises.map((row) => row.id), Array.from({ length: 25 }, (_, index) => `P${index + 1}`));
  for (const row of promises) {
    for (const proof of row.proofs) {
      const source = await readFile(`${root}/${proof.file}`, 'utf8').catch(() => '');
      t.ok(source.includes(proof.test.replaceAll("'", "\\'")) || source.includes(proof.test), `${row.id}: ${proof.file}: ${proof.test}`);
    }
  }
});

t.test('each case of bad input in RELIABILITY names a test that exists', async (t) => {
  const rows = [...(await readFile(`${root}/docs/RELIABILITY.md`, 'utf8')).matchAll(/^\|.*\| (`test\/[^|]+) \|$/gm)].flatMap(([, cell = '']) => cell.split(/; (?=`)/));
  t.ok(rows.length >= 20, `${rows.length} rows`);
  for (const row of rows) {
    const [, file = '', name = ''] = /^`(test\/[^`]+)`(?:: (.+))?$/.exec(row) ?? [];
    const source = await readFile(`${root}/${file}`, 'utf8').catch(() => '');
    t.not(source, '', `${row}: the file`);
    // The whole name of a test, or words of several.
    t.ok([[name], name.split(', ')].some((parts) => parts.every((words) => source.includes(words.replaceAll("'", "\\'")) || source.includes(words))), row);
  }
});

t.test('a row without a test says so, and results stand beside each test', async (t) => {
  const text = renderPromises();
  for (const row of promises.filter((row) => row.proofs.length === 0)) t.match(text, new RegExp(`## ${row.id} [^#]*Proof: not yet`));
  const proof = promises.flatMap((row) => row.proofs)[0];
  if (proof === undefined) return;
  const ran = renderPromises({ results: new Map([[`${proof.file}: ${proof.test}`, 'passed']]), date: '2026-11-24' });
  t.match(ran, /last run 2026-11-24/);
  t.ok(ran.includes(`${proof.test} (passed)`));
});
