/** The table of what the page does with bad input names, for each, words that stand in the test. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../..');
const [, part = ''] = /### Bad input on the page\n([\s\S]*?)\n## /.exec(readFileSync(resolve(root, 'docs/DEVELOPING.md'), 'utf8')) ?? [];
const rows = part.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| what comes')).map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')));

t.test('each bad input has an answer, and a test that holds it', async (t) => {
  t.ok(rows.length > 20, `${rows.length} rows`);
  for (const [what = '', answer = '', tests = ''] of rows) {
    t.not(answer, '', what);
    const named = [...tests.matchAll(/`(test\/[^`]+)`: ((?:"[^"]+"(?:, )?)+)/g)];
    t.ok(named.length > 0, `${what}: has a test`);
    for (const [, file = '', words = ''] of named) {
      const text = readFileSync(resolve(root, file), 'utf8');
      for (const [, word = ''] of words.matchAll(/"([^"]+)"/g)) t.ok(text.includes(word), `${what}: ${file}: ${word}`);
    }
  }
});
