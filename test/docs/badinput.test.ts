/** The tables of what becomes of bad input name, for each, words that stand in the test. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../..');
const text = readFileSync(resolve(root, 'docs/DEVELOPING.md'), 'utf8');

function rowsOf(title: string): string[][] {
  const part = text.split(`### ${title}\n`)[1]?.split(/\n##+ /)[0] ?? '';
  return part.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| what comes')).map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')));
}

t.test('each bad input has an answer, and a test that holds it', async (t) => {
  const [page, elsewhere] = [rowsOf('Bad input on the page'), rowsOf('Bad input from elsewhere')];
  t.ok(page.length > 20 && elsewhere.length > 10, `${page.length} and ${elsewhere.length} rows`);
  const rows = [...page, ...elsewhere];
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
