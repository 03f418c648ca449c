import { readFile, stat } from 'node:fs/promises';
import { hkdfSync } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { loadWorkingKey } from '../../src/vault/workingkey.ts';

const hex = '0123456789abcdef'.repeat(4);

t.test('a new folder gets a private random key, which is the same afterwards', async (t) => {
  const folder = t.testdir();
  const made = await loadWorkingKey({ folder, mayCreate: true });
  const file = join(folder, 'working.key');
  t.equal((await stat(file)).mode & 0o777, 0o600);
  t.match(await readFile(file, 'utf8'), /^[0-9a-f]{64}\n$/);
  const again = await loadWorkingKey({ folder, mayCreate: true });
  t.same(again.databaseKey(), made.databaseKey());
});

t.test('the database key is derived from it and handed out as bytes', async (t) => {
  const folder = t.testdir({ 'working.key': `${hex}\n`, credential: hex });
  const expected = `raw:${Buffer.from(hkdfSync('sha256', Buffer.from(hex, 'hex'), '', 'sallyport working database v1', 32)).toString('hex')}`;
  for (const key of [await loadWorkingKey({ folder, mayCreate: false }), await loadWorkingKey({ folder, credential: join(folder, 'credential'), mayCreate: false })]) {
    t.equal(key.databaseKey().toString('latin1'), expected);
    key.close();
    t.not(key.databaseKey().toString('latin1'), expected, 'closed, it is gone');
  }
});

t.test('a lost key is never replaced in silence', async (t) => {
  const folder = t.testdir({ 'working.db': 'x' });
  await t.rejects(loadWorkingKey({ folder, mayCreate: true }), { code: 'SP_NO_WORKING_KEY', message: /working\.db is there .*working\.key is not/ });
  const empty = join(folder, 'elsewhere');
  await t.rejects(loadWorkingKey({ folder: empty, mayCreate: false }), { code: 'SP_NO_WORKING_KEY' });
  await t.rejects(loadWorkingKey({ folder: t.testdir(), credential: join(folder, 'none'), mayCreate: true }), { code: 'SP_NO_WORKING_KEY' }, 'a credential is never made');
});

t.test('a file that holds no key is refused', async (t) => {
  for (const text of ['', '\n', hex.slice(1), `${hex}0`, `${hex}\n\n`, `${hex.slice(1)}g`, `${hex.toUpperCase()}\n`, ` ${hex}`, `${hex} `.repeat(9)]) {
    const folder = t.testdir({ 'working.key': text });
    await t.rejects(loadWorkingKey({ folder, mayCreate: true }), { code: 'SP_WRONG_WORKING_KEY' }, JSON.stringify(text));
    t.equal(await readFile(join(folder, 'working.key'), 'utf8'), text, 'and left as it is');
  }
  const folder = t.testdir({ 'working.key': {} });
  await t.rejects(loadWorkingKey({ folder, mayCreate: true }), { code: 'SP_READ' });
});
